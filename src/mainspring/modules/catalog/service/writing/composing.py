"""What an item says, as the front matter and the fields of its project.

What the project says already stays as it is written: a pattern of files stays a pattern, and what the catalog would
fill in by itself is not written down. Whether all of it was kept is looked at afterwards, by ``check_kept``.
"""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from mainspring.kit.errors import FailedPrecondition, InvalidArgument
from mainspring.modules.catalog.service.categories import Category
from mainspring.modules.catalog.service.entries import Content, Description
from mainspring.modules.catalog.service.generating import front_matter, generate
from mainspring.modules.catalog.service.generating.properties import PREFIXES
from mainspring.modules.catalog.service.generating.reporting import Report
from mainspring.modules.catalog.service.generating.times import parse
from mainspring.modules.catalog.service.said import FIXED, OURS, TIMES, Said, holds, same
from mainspring.modules.catalog.service.writing.entries import asset_entry, link_entry
from mainspring.modules.catalog.service.writing.places import is_same_shape, place_text
from mainspring.modules.catalog.service.writing.rewriting import write_readme
from mainspring.modules.projects.service.names import MAX_TEXT, MAX_TOPICS

_OWN_WAY = {"title", "description", "keywords", "license", "providers"}
_MEANT_OTHERWISE = frozenset(
    {
        *("extent", "assets", "links", "related", "preview", "thumbnail", "doi", "publications", "ml", "tags"),
        *("producer", "producer_url", "license-url", "license_url", "extensions", "sharinghub"),
    }
)
"""What in the front matter is not the property of that name."""
_OLDER = {"sci": ("doi", "publications"), "ml-model": ("ml",)}
"""Fields of the front matter that become those of an extension."""
_LONGEST_TOPIC = 100


@dataclass(frozen=True, slots=True)
class Composed:
    """What a project is to be: its README, description and topics; and the links that were given, not derived."""

    readme: str
    description: str
    topics: tuple[str, ...]
    links: tuple[dict[str, Any], ...] = ()


def compose(said: Said, was: Description, category: Category, categories: Collection[Category]) -> Composed:
    """Return what a project must be for its item in a category to be as is said.

    ``was`` is the project as it is, ``categories`` are all that there are. Raises InvalidArgument for what cannot be
    written down, FailedPrecondition for a README whose front matter cannot be read.
    """
    return _Composer(said, was, category, categories).compose()


class _Composer:
    """The front matter while it is changed, with the project as it is so far."""

    def __init__(self, said: Said, was: Description, category: Category, categories: Collection[Category]) -> None:
        self.said, self.category, self.categories = said, category, categories
        self.was = self.now = was
        self.front = _front_of(was.readme or "")
        self.before = deepcopy(self.front)

    def compose(self) -> Composed:
        made = self.made()
        self.write_words(made)
        self.write_keywords(made)
        if not self.said.keeps_times:
            self.write_times(made)
        self.write_place(made)
        self.write_further(made)
        self.write_assets()
        given = self.write_links()
        return Composed(self.readme(self.front), self.now.description, self.now.topics, tuple(given))

    def readme(self, front: dict[str, Any]) -> str:
        return write_readme(self.was.readme or "", front)

    def made(self, front: dict[str, Any] | None = None, **less: Any) -> Content:
        """Return the item of the project as it is so far, or with other front matter."""
        whole = {**(self.front if front is None else front), **less}
        kept = {name: value for name, value in whole.items() if value is not None}
        return generate(replace(self.now, readme=self.readme(kept)), self.category)

    def drop(self, *names: str) -> None:
        for name in names:
            self.front.pop(name, None)

    def write_words(self, made: Content) -> None:
        """Write title, description, license and providers where they change."""
        sent, known = self.said.further, made.properties
        for name, beside in (
            ("title", ()),
            ("license", ("license-url", "license_url")),
            ("providers", ("producer", "producer_url")),
        ):
            if not same(sent.get(name), known.get(name)):
                self.drop(name, *beside)
                self.front |= {name: sent[name]} if sent.get(name) else {}
        if not same(sent.get("description"), known.get("description")):
            self.drop("description")
            text = sent.get("description") or ""
            if isinstance(text, str) and len(text) <= MAX_TEXT and text.isprintable():
                self.now = replace(self.now, description=text)
            else:
                self.front["description"] = text

    def write_keywords(self, made: Content) -> None:
        """Make keywords topics of the project, as many as there may be; all are written where order asks for it."""
        sent = self.said.further.get("keywords") or []
        if same(sent, made.properties.get("keywords", [])):
            return
        if not isinstance(sent, list) or not all(isinstance(each, str) for each in sent):
            raise InvalidArgument("properties.keywords must be a list of texts.", field="properties.keywords")
        self.drop("keywords", "tags")
        of_categories = {topic for each in self.categories for topic in each.topics}
        own = [topic for topic in self.was.topics if topic.lower() in of_categories]
        can = [each for each in sent if _is_topic(each) and each.lower() not in of_categories]
        topics = sorted(dict.fromkeys(can))[: MAX_TOPICS - len(own)]
        self.now = replace(self.now, topics=(*own, *topics))
        if topics != sent:
            self.front["keywords"] = sent

    def write_times(self, made: Content) -> None:
        sent = {name: self.said.properties.get(name) for name in TIMES}
        if all(is_same_time(sent[name], made.properties.get(name)) for name in TIMES):
            return
        moment, start, end = sent.values()
        if (start is None) != (end is None) or (
            moment is None and start is None and "datetime" in self.said.properties
        ):
            right = "start_datetime and end_datetime are given together, and must be where datetime is null"
            raise InvalidArgument(f"properties has no whole span of time; {right}.", field="properties.datetime")
        self.drop(*TIMES)
        self.write_extent("temporal", None)
        if moment is not None and start is not None:
            self.front |= sent
        elif moment is not None or start is not None:
            self.write_extent("temporal", moment if start is None else [start, end])

    def write_place(self, made: Content) -> None:
        geometry, bbox = self.said.geometry, self.said.bbox
        if geometry is None and bbox is not None:
            if not same(bbox, made.bbox):
                self.write_extent("spatial", bbox)
        elif not is_same_shape(geometry, made.geometry) or (bbox is not None and not same(bbox, made.bbox)):
            self.write_extent("spatial", None if geometry is None else place_text(geometry, bbox))

    def write_extent(self, name: str, value: object) -> None:
        """Write a part of ``extent``, or take it out."""
        extent = self.front.get("extent")
        kept = dict(extent) if isinstance(extent, dict) else {}
        for each in ("spatial", "bbox", "geometry") if name == "spatial" else (name,):
            kept.pop(each, None)
        kept |= {} if value is None else {name: value}
        self.drop("extent")
        self.front |= {"extent": kept} if kept else {}

    def write_further(self, made: Content) -> None:
        """Write every further property that changes, in the block of its extension."""
        sent, known = self.said.further, made.properties
        changed = {name for name, value in sent.items() if not is_same_value(name, value, known.get(name))}
        gone = {name for name in known if name not in self.said.properties or self.said.properties[name] is None}
        for name in sorted((changed | gone) - _OWN_WAY - OURS - FIXED - set(TIMES)):
            self.take_out(name)
        for prefix, older in _OLDER.items():
            if any(each.startswith(f"{prefix}:") for each in changed | gone) and any(
                name in self.front for name in older
            ):
                self.drop(*older)
                changed |= {name for name in sent if name.startswith(f"{prefix}:")}
        for name in sent:
            if name in changed - _OWN_WAY:
                self.put(name, sent[name])

    def take_out(self, name: str) -> None:
        prefix, colon, inner = name.partition(":")
        if name not in _MEANT_OTHERWISE:
            self.drop(name)
        block = self.front.get(prefix)
        if colon and isinstance(block, dict):
            left = {each: value for each, value in block.items() if each not in (inner, name)}
            self.front[prefix] = left
            if not left:
                self.drop(prefix)

    def put(self, name: str, value: object) -> None:
        prefix, colon, inner = name.partition(":")
        if name in _MEANT_OTHERWISE:
            message = f"properties.{name} cannot be kept: the README's front matter means something else by it."
            raise InvalidArgument(message, field=f"properties.{name}")
        block = self.front.get(prefix, {} if prefix in PREFIXES or prefix == "sharinghub" else None)
        if colon and inner and isinstance(block, dict):
            self.front[prefix] = {**block, inner: value}
        else:
            self.front[name] = value

    def write_assets(self) -> None:
        """Write the assets one by one, unless they are what the patterns of the README give."""
        sent = self.said.assets
        if sent is None:
            self.drop("assets", "preview", "thumbnail")
            return
        made = self.made().assets
        derived = self.made(assets=[], preview=None, thumbnail=None).assets
        asked = {key for key in made if key not in derived}
        if asked <= sent.keys() and all(key in made and same(made[key], sent[key]) for key in sent):
            return
        self.drop("assets", "preview", "thumbnail")
        given = {key: asset for key, asset in sent.items() if key not in derived or not holds(derived[key], asset)}
        self.front["assets"] = [asset_entry(key, asset) for key, asset in given.items()]

    def write_links(self) -> list[dict[str, Any]]:
        """Write the links that are not derived of something else, and return them."""
        sent = self.said.links
        if sent is None:
            self.drop("links", "related")
            return []
        before = self.made(self.before, links=None, related=None).links
        derived = self.made(links=None, related=None).links
        given = [each for each in sent if not any(holds(link, each) for link in (*derived, *before))]
        known = [each for each in self.made().links if each not in derived]
        if len(given) != len(known) or not all(same(*pair) for pair in zip(known, given, strict=True)):
            self.drop("links", "related")
            self.front |= {"links": [link_entry(place, each) for place, each in enumerate(given)]} if given else {}
        return given


def _front_of(readme: str) -> dict[str, Any]:
    report = Report()
    front, _ = front_matter.read(readme, report)
    unread = next(
        (each for each in report.warnings if each.code in ("front_matter_invalid", "front_matter_too_large")), None
    )
    if unread is not None:
        message = f"The README's front matter would be lost, since it cannot be read: {unread.message} Mend it first."
        raise FailedPrecondition(message, field="readme")
    return front


def _is_topic(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_TOPIC and text.strip() == text and text.isprintable()


def is_same_value(name: str, one: object, other: object) -> bool:
    """Say whether two values of a property are the same, times in whichever zone they are written."""
    return same(one, other) or (name in ("published", "expires", "unpublished") and is_same_time(one, other))


def is_same_time(one: object, other: object) -> bool:
    """Say whether two times are the same moment, in whichever zone they are written."""
    if one is None or other is None:
        return one is other
    first, second = (parse(each) if isinstance(each, str) else None for each in (one, other))
    return first is not None and first == second
