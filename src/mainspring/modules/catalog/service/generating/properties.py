"""The properties of an item: what it is called, who made it, and every further field of the front matter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from mainspring.modules.catalog.service import categories
from mainspring.modules.catalog.service.categories import Category
from mainspring.modules.catalog.service.entries import Description
from mainspring.modules.catalog.service.generating import times
from mainspring.modules.catalog.service.generating.checking import EXTENSIONS, wrong_with
from mainspring.modules.catalog.service.generating.drafts import Draft
from mainspring.modules.catalog.service.generating.languages import languages_of
from mainspring.modules.catalog.service.generating.licenses import OTHER, spdx
from mainspring.modules.catalog.service.generating.rendering import Readme
from mainspring.modules.catalog.service.generating.reporting import Report, shown
from mainspring.modules.catalog.service.generating.texts import clean, limited, one_line, safe_url, without_markup

LONGEST_TITLE = 200
LONGEST_DESCRIPTION = 5000
LONGEST_TEXT = 2000
MOST_KEYWORDS = 100

NAME = re.compile(r"[A-Za-z][\w:.-]{0,99}", re.ASCII)
_RESERVED = {
    *("id", "type", "geometry", "bbox", "collection", "stac_version", "stac_extensions", "properties"),
}
_RESERVED_SHARINGHUB = {"id", "name", "path", "stars", "category", "default-branch", "access-level"}
_TIMES = {"created", "updated", "published", "expires", "unpublished"}
PREFIXES = {
    *EXTENSIONS,
    *("accuracy", "cube", "forecast", "grid", "label", "mgrs", "mlflow", "noise", "pc", "pl", "proj", "projection"),
    *("product", "sar", "sat", "sentinel", "storage", "table", "tiles", "timestamps", "view", "xarray"),
}
"""Blocks of the front matter whose fields get the block's name before them, without being asked to."""


def describe(front: dict[str, Any], description: Description, category: Category, readme: Readme, draft: Draft) -> None:
    """Put in the fields that every item has, and take theirs out of the front matter."""
    report, properties = draft.report, draft.properties
    name = description.title or description.path.rpartition("/")[2] or description.slug
    title = text_of(front.pop("title", None), "title", report) or name
    properties["title"] = limited(one_line(title, LONGEST_TITLE * 4), LONGEST_TITLE, "title", report)
    text = text_of(front.pop("description", None), "description", report) or description.description
    text = without_markup(clean(text)).strip() or without_markup(readme.first_paragraph()).strip()
    if text:
        properties["description"] = limited(text, LONGEST_DESCRIPTION, "description", report)
    properties |= times.times_of(front, description.created_at, description.updated_at, report)
    properties["created"] = times.written(times.from_ms(description.created_at))
    properties["updated"] = times.written(times.from_ms(description.updated_at))
    if keywords := _keywords(front, description, category, report):
        properties["keywords"] = keywords
    _license(front, description, draft)
    properties["providers"] = list(_providers(front, description, report))
    if not properties["providers"]:
        del properties["providers"]
    properties |= _of_sharinghub(front, description, category, report)
    properties |= languages_of(front, report)


def text_of(value: object, field: str, report: Report) -> str:
    """Return the text of a field, empty where there is none or, with a warning, it is none."""
    if value is None:
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    report.warn("field_invalid", field, f"{field} is {shown(value)}; it must be a text.")
    return ""


def _keywords(front: dict[str, Any], description: Description, category: Category, report: Report) -> list[str]:
    topics = {topic for each in (*categories.OWN, category) for topic in each.topics}
    found = []
    for name in ("keywords", "tags"):
        given = front.pop(name, None)
        values = given if isinstance(given, list) else [] if given is None else [given]
        found += [text_of(value, name, report) for value in values]
    found += [topic for topic in description.topics if topic.lower() not in topics]
    plain = (one_line(each, 100) for each in found)
    return list(dict.fromkeys(each for each in plain if each))[:MOST_KEYWORDS]


def _license(front: dict[str, Any], description: Description, draft: Draft) -> None:
    given = front.pop("license", None)
    url = front.pop("license-url", front.pop("license_url", None))
    text = one_line(text_of(given, "license", draft.report) or description.license, 200)
    address = safe_url(url)
    if url is not None and address is None:
        draft.report.warn("url_unsafe", "license-url", f"license-url is {shown(url)}; it must be an http(s) address.")
    if not text:
        return
    license = spdx(text)
    if license is None:
        license = OTHER
        address = address or safe_url(text)
        if text.lower() not in {OTHER, "proprietary", "various"}:
            right = "an SPDX identifier like Apache-2.0 or CC-BY-4.0, or 'other' with a license-url"
            draft.report.warn("license_unknown", "license", f"license is {shown(text)}; it must be {right}.")
    draft.properties["license"] = license
    if address or license != OTHER:
        draft.link("license", address or f"https://spdx.org/licenses/{license}.html", type="text/html")


def _providers(front: dict[str, Any], description: Description, report: Report) -> Iterator[dict[str, Any]]:
    given = front.pop("providers", None)
    producer, producer_url = front.pop("producer", None), front.pop("producer_url", None)
    entries = given if isinstance(given, list) else [] if given is None else [given]
    found = [one for place, entry in enumerate(entries[:50]) if (one := _provider(entry, place, report))]
    roles = {role for each in found for role in each.get("roles", [])}
    yield from found
    url = safe_url(description.url)
    if "producer" not in roles:
        namespace = description.path.rpartition("/")[0].split("/")[0]
        name = one_line(text_of(producer, "producer", report) or namespace, 200)
        home = url.removesuffix(description.path) + namespace if url and url.endswith(f"/{description.path}") else None
        address = safe_url(producer_url) or home
        if name:
            yield {"name": name, "roles": ["producer"], **({"url": address} if address else {})}
    if "host" not in roles and url:
        yield {"name": urlsplit(url).netloc, "roles": ["host"], "url": url}


def _provider(entry: object, place: int, report: Report) -> dict[str, Any] | None:
    field = f"providers.{place}"
    if isinstance(entry, str):
        entry = {"name": entry}
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"].strip():
        report.warn("field_invalid", field, f"{field} is {shown(entry)}; it must have a name.")
        return None
    found: dict[str, Any] = {"name": one_line(entry["name"], 200)}
    if isinstance(entry.get("description"), str):
        found["description"] = without_markup(limited(entry["description"], LONGEST_TEXT, field, report))
    roles = entry.get("roles")
    if roles is not None:
        known = ("licensor", "producer", "processor", "host")
        names = roles if isinstance(roles, list) else [roles]
        found["roles"] = [role for role in names if role in known]
        if len(found["roles"]) != len(names):
            right = f"they must be of {', '.join(known)}"
            report.warn("field_invalid", f"{field}.roles", f"{field}.roles are {shown(roles)}; {right}.")
    if entry.get("url") is not None:
        found["url"] = safe_url(entry["url"])
        if found["url"] is None:
            del found["url"]
            right = "it must be an http(s) address without a password"
            report.warn("url_unsafe", f"{field}.url", f"{field}.url is no address that can be shown; {right}.")
    return found


def _of_sharinghub(
    front: dict[str, Any], description: Description, category: Category, report: Report
) -> dict[str, Any]:
    dvc = any(entry.path.startswith(".dvc/") for entry in description.files)
    found: dict[str, Any] = {
        "sharinghub:category": category.id,
        "sharinghub:path": one_line(description.path, 500),
        "sharinghub:stars": description.stars,
        "sharinghub:dvc-init": "enable" if dvc else "disable",
    }
    if description.ref:
        found["sharinghub:default-branch"] = one_line(description.ref, 255)
    block = front.pop("sharinghub", None)
    if block is None:
        return found
    if not isinstance(block, dict):
        report.warn("field_invalid", "sharinghub", f"sharinghub is {shown(block)}; it must be a block of fields.")
        return found
    for name, value in block.items():
        field = f"sharinghub.{name}"
        if name in _RESERVED_SHARINGHUB:
            report.warn("field_reserved", field, f"{field} is what the catalog fills in; it must be left out.")
        elif not NAME.fullmatch(f"sharinghub:{name}") or isinstance(value, dict | list):
            report.warn("field_invalid", field, f"{field} is {shown(value)}; it must be a text, number or truth value.")
        elif value is not None:
            found[f"sharinghub:{name}"] = bounded(value, field, report)
    return found


def add_further(front: dict[str, Any], prefixes: set[str], draft: Draft) -> None:
    """Add each further field of the front matter, those of a block of an extension with the block's name before."""
    report = draft.report
    for name, value in flat(front, prefixes):
        if name in _RESERVED:
            report.warn("field_reserved", name, f"{name} is what the catalog fills in; it must have another name.")
            continue
        if name in EXTENSIONS:
            report.warn("field_invalid", name, f"{name} is {shown(value)}; it must be a block of fields.")
            continue
        if not NAME.fullmatch(name):
            right = "it must begin with a letter and have letters, digits, '_', '-', '.' and ':' only"
            report.warn("field_invalid", name, f"The name {shown(name)} cannot be a field's; {right}.")
            continue
        if name in _TIMES:
            time = times.read(value, name, report)
            value = None if time is None else times.written(time)
        if value is None:
            continue
        kept = bounded(value, name, report)
        wrong = None if name.startswith(("mlm:", "sci:", "bands")) else wrong_with(name, kept)
        if wrong is None:
            draft.properties[name] = kept
        else:
            report.warn(wrong[0], name, f"{name} is {shown(kept)}; {wrong[1]}.")


def flat(fields: dict[str, Any], prefixes: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a mapping, those of an extension's block under their full names."""
    for name, value in fields.items():
        if isinstance(value, dict) and (name in PREFIXES or name in prefixes):
            for inner, each in value.items():
                yield f"{name}:{inner.removeprefix(f'{name}:')}", each
        else:
            yield name, value


def bounded(value: Any, field: str, report: Report) -> Any:
    """Return a value with its texts no longer than an item may hold them."""
    match value:
        case str():
            return limited(value, LONGEST_TEXT, field, report)
        case list():
            return [bounded(each, field, report) for each in value]
        case dict():
            return {name: bounded(each, field, report) for name, each in value.items()}
        case _:
            return value
