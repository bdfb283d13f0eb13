"""Assets: the files and addresses that the front matter shares.

A project that names no assets shares its models, its data and what it keeps in large-file storage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from mainspring.engines.sources import TreeEntry
from mainspring.modules.catalog.service.entries import OWN_FILE, OWN_PROJECT, Description
from mainspring.modules.catalog.service.generating.checking import keep_right
from mainspring.modules.catalog.service.generating.drafts import Draft
from mainspring.modules.catalog.service.generating.globs import LONGEST as LONGEST_GLOB
from mainspring.modules.catalog.service.generating.globs import Glob
from mainspring.modules.catalog.service.generating.media_types import (
    DATA,
    MODELS,
    TYPE_AS,
    ending,
    media_type,
)
from mainspring.modules.catalog.service.generating.properties import NAME, bounded, flat
from mainspring.modules.catalog.service.generating.reporting import Report, shown
from mainspring.modules.catalog.service.generating.texts import clean, one_line, without_markup

MOST = 1000
"""Assets that an item has at most."""
MOST_UNASKED = 100
"""Files that a project shares at most which names no assets."""
MOST_RULES = 200
LARGEST = 1_000_000
"""Bytes of all assets of an item, as JSON."""
_MOST_COMPARED = 1_000_000
_MOST_MATCHED = 2_000_000

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MULTIHASH_SHA256 = "1220"
_NOT_OF_ASSETS = {"datetime", "start_datetime", "end_datetime", "providers", "keywords"}
_KNOWN = {"glob", "path", "key", "href", "title", "description", "type", "type-as", "roles"}
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:\s*;\s*[\w.-]+=[\w.+/\"-]+){0,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """An entry of ``assets``. ``fields`` are those that each of its assets gets as they are."""

    field: str
    glob: str
    key: str
    href: str
    title: str
    description: str
    type: str
    roles: tuple[str, ...] | None
    fields: dict[str, Any]


def add_assets(front: dict[str, Any], prefixes: set[str], description: Description, draft: Draft) -> None:
    """Add the files and addresses that the front matter names, or those of a project that names none."""
    files = _usable(description.files)
    given = front.pop("assets", None)
    if given is None:
        _add_unasked(files, description, draft)
        return
    budget = _Budget(draft.report)
    for rule in list(_rules(given, prefixes, draft.report)):
        matching = [None] if rule.href else _matching(rule, files, budget)
        for entry in matching:
            if not _add(rule, entry, budget, draft):
                return


def _usable(files: Sequence[TreeEntry]) -> list[TreeEntry]:
    good = (each for each in files if 0 < len(each.path) <= 1000 and clean(each.path) == each.path)
    return sorted(good, key=lambda each: each.path)


def _add_unasked(files: list[TreeEntry], description: Description, draft: Draft) -> None:
    known = {**MODELS, **DATA}
    shared = [each for each in files if each.sha256 or ending(each.path, known)]
    left = {description.readme_path, "LICENSE", ".gitattributes", ".gitignore"}
    shared = [each for each in shared if each.path not in left and not each.path.startswith(".")]
    for entry in shared[:MOST_UNASKED]:
        draft.assets[entry.path] = _of_file(entry)
    if len(shared) > MOST_UNASKED:
        message = f"{len(shared)} files could be shared, and {MOST_UNASKED} are; 'assets' must say which."
        draft.report.warn("assets_too_many", "assets", message)


def _rules(given: object, prefixes: set[str], report: Report) -> Iterator[Rule]:
    if isinstance(given, dict):
        entries: list[Any] = [{"key": key, **each} if isinstance(each, dict) else each for key, each in given.items()]
    else:
        entries = given if isinstance(given, list) else [given]
    if len(entries) > MOST_RULES:
        message = f"assets has {len(entries)} entries; the first {MOST_RULES} are read."
        report.warn("assets_too_many", "assets", message)
    for place, entry in enumerate(entries[:MOST_RULES]):
        field = f"assets.{place}"
        if isinstance(entry, str):
            entry = {"glob": entry}
        rule = _rule(entry, field, prefixes, report) if isinstance(entry, dict) else None
        if rule is None:
            right = "it must be a pattern of file names, or have 'glob', or 'key' and 'href'"
            report.warn("asset_invalid", field, f"{field} is {shown(entry)}; {right}.")
        else:
            yield rule


def _rule(entry: dict[str, Any], field: str, prefixes: set[str], report: Report) -> Rule | None:
    texts = {name: entry.get(name) for name in _KNOWN - {"roles"}}
    wrong = [name for name, value in texts.items() if value is not None and not isinstance(value, str)]
    for name in sorted(wrong):
        report.warn("field_invalid", f"{field}.{name}", f"{field}.{name} is {shown(texts[name])}; it must be a text.")
    text = {name: "" if name in wrong else str(value or "") for name, value in texts.items()}
    glob = (text["glob"] or text["path"]).strip()
    key, href = one_line(text["key"], 200), text["href"].strip()
    if not (glob or (key and href)) or len(glob) > LONGEST_GLOB:
        return None
    return Rule(
        field,
        glob,
        key,
        "" if glob else href,
        one_line(text["title"], 200),
        without_markup(one_line(text["description"], 1000)),
        _type(text["type-as"], text["type"], field, report),
        _roles(entry.get("roles"), field, report),
        _fields(entry, field, prefixes, report),
    )


def _type(type_as: str, type: str, field: str, report: Report) -> str:
    if type_as and type_as not in TYPE_AS:
        right = f"it must be one of {', '.join(TYPE_AS)}"
        report.warn("field_invalid", f"{field}.type-as", f"{field}.type-as is {shown(type_as)}; {right}.")
    if type and not _MEDIA_TYPE.fullmatch(one_line(type, 200)):
        right = "it must be a media type like image/png"
        report.warn("field_invalid", f"{field}.type", f"{field}.type is {shown(type)}; {right}.")
        type = ""
    return TYPE_AS.get(type_as) or one_line(type, 200)


def _roles(given: object, field: str, report: Report) -> tuple[str, ...] | None:
    """Return the roles of an entry, None where it names none; an empty list says that its assets have none."""
    if given is None:
        return None
    names = given if isinstance(given, list) else [given]
    good = [one_line(each, 100) for each in names if isinstance(each, str) and each.strip()]
    if len(good) != len(names):
        report.warn("field_invalid", f"{field}.roles", f"{field}.roles are {shown(given)}; they must be texts.")
    return tuple(dict.fromkeys(good))[:20] if good or not names else None


def _fields(entry: dict[str, Any], field: str, prefixes: set[str], report: Report) -> dict[str, Any]:
    rest = {name: value for name, value in entry.items() if name not in _KNOWN}
    found = {}
    for name, value in flat(rest, prefixes):
        of_file = name.startswith("file:") and ("glob" in entry or "path" in entry)
        if not NAME.fullmatch(name) or of_file or name in _NOT_OF_ASSETS:
            message = f"{field} cannot have the field {shown(name)}; it must be one of STAC's or of an extension's."
            report.warn("field_invalid", f"{field}.{name}", message)
        elif value is not None:
            found[name] = bounded(value, f"{field}.{name}", report)
    keep_right(found, f"{field}.", report)
    return found


class _Budget:
    """What the rules of a project may cost: comparisons of names, and bytes."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.compared = self.matched = self.bytes = 0

    def spent(self) -> bool:
        """Return whether no more patterns are compared, and warn once that it is so."""
        over = self.compared > _MOST_COMPARED or self.matched > _MOST_MATCHED
        if over:
            message = "assets has patterns that are compared with too many files; fewer must be enough."
            self.report.warn("assets_too_many", "assets", message)
        return over


def _matching(rule: Rule, files: list[TreeEntry], budget: _Budget) -> Iterator[TreeEntry]:
    glob = Glob(rule.glob)
    any_found = False
    budget.compared += len(files)
    for entry in files if not budget.spent() else ():
        if not glob.may_match(entry.path):
            continue
        budget.matched += glob.cost(entry.path)
        if budget.spent():
            return
        if glob.matches(entry.path):
            any_found = True
            yield entry
    if not any_found and not budget.spent():
        message = f"{rule.field} is {shown(rule.glob)}, which matches no file of the project."
        budget.report.warn("asset_missing", rule.field, message)


def _add(rule: Rule, entry: TreeEntry | None, budget: _Budget, draft: Draft) -> bool:
    """Add an asset; return whether there is room for more."""
    path = entry.path if entry else ""
    key = one_line(_filled(rule.key, path) or path, 1000)
    if entry is None:
        href = draft.addresses.resolve(rule.href)
        if href is None or href.startswith(OWN_PROJECT):
            right = "it must be an http(s) address without a password or token, or a path in the project"
            message = f"{rule.field}.href is no address that can be shown; {right}."
            draft.report.warn("url_unsafe", f"{rule.field}.href", message)
            return True
        asset: dict[str, Any] = {"href": href}
        if (guessed := media_type(href.split("?")[0])) is not None:
            asset["type"] = guessed
    else:
        asset = _of_file(entry)
    if key in draft.assets and draft.assets[key]["href"] != asset["href"]:
        message = f"{rule.field} gives the key {shown(key)} to more than one file; it must have {{path}} in it."
        draft.report.warn("asset_key_taken", f"{rule.field}.key", message)
        return True
    asset |= {"type": rule.type} if rule.type else {}
    title, text = _filled(rule.title, path, key), _filled(rule.description, path, key)
    asset |= {"title": title[:1200]} if title else {}
    asset |= {"description": text[:3000]} if text else {}
    asset["roles"] = ["data"] if rule.roles is None else list(rule.roles)
    if not asset["roles"]:
        del asset["roles"]
    asset |= rule.fields
    budget.bytes += len(msgspec.json.encode(asset)) + len(key)
    if len(draft.assets) >= MOST or budget.bytes > LARGEST:
        message = f"assets match more than the {MOST} files, or {LARGEST} bytes, that an item may hold."
        draft.report.warn("assets_too_many", "assets", message)
        return False
    draft.assets[key] = asset
    return True


def _filled(template: str, path: str, key: str = "") -> str:
    """Return a text with ``{path}``, ``{name}`` and ``{key}`` put in, all at once."""
    values = {"{path}": path, "{name}": path.rpartition("/")[2], "{key}": key}
    return re.sub(r"\{(?:path|name|key)\}", lambda match: values[match[0]], template)[:4000]


def _of_file(entry: TreeEntry) -> dict[str, Any]:
    asset: dict[str, Any] = {"href": f"{OWN_FILE}{entry.path}"}
    if (guessed := media_type(entry.path)) is not None:
        asset["type"] = guessed
    asset["roles"] = ["data"]
    if entry.size is not None and entry.size >= 0:
        asset["file:size"] = entry.size
    if _SHA256.fullmatch(entry.sha256):
        asset["file:checksum"] = f"{_MULTIHASH_SHA256}{entry.sha256}"
    return asset
