"""The index: what a project tells of itself becomes its items, and only what has changed is written.

``prepare`` makes entries out of a description, which may take long and touches no database; ``write_entries`` keeps
them. A project of no category has no items.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import Connection

from mainspring.kit.time import now_ms
from mainspring.modules.catalog.service.categories import Category
from mainspring.modules.catalog.service.entries import OWN_FILE, Content, Description, Warning
from mainspring.modules.catalog.store import index as store
from mainspring.modules.catalog.store.index import Entry, Value
from mainspring.modules.projects.service.sources import clean_text

INDEX_VERSION = 2
"""Raised with what items are made of, so that an older index is made anew."""

STARS = "sharinghub:stars"
MAX_TITLE = 200
MAX_STARS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Prepared:
    """An item as it is to be kept, with the values of its properties."""

    entry: Entry
    values: Sequence[Value]


def index_project(
    tx: Connection,
    key: int,
    description: Description,
    categories: Sequence[Category],
    warnings: Sequence[Warning] = (),
) -> bool:
    """Make the items of a project what it tells of itself, and return whether anything was to be written.

    ``warnings`` are those of how it was read, beside those of its metadata.
    """
    return write_entries(tx, key, description.slug, prepare(description, categories, warnings))


def prepare(
    description: Description, categories: Sequence[Category], warnings: Sequence[Warning] = ()
) -> list[Prepared]:
    """Return the items of a project, one for each of its categories."""
    from mainspring.modules.catalog.service.generating import generate

    return [_entry(description, category.id, generate(description, category), warnings) for category in categories]


def _entry(description: Description, collection: str, made: Content, warnings: Sequence[Warning]) -> Prepared:
    from mainspring.modules.catalog.service.generating import values_of, words_of

    content = msgspec.structs.replace(made, warnings=[*warnings, *made.warnings])
    text = clean_text(msgspec.json.encode(content).decode())
    properties = content.properties
    start, end = _times(properties, description.updated_at)
    west, south, east, north = _bounds(content.bbox)
    entry = Entry(
        collection=collection,
        title=str(properties.get("title") or description.title)[:MAX_TITLE],
        created_at=_ms(properties.get("created"), description.created_at),
        updated_at=_ms(properties.get("updated"), description.updated_at),
        start_at=start,
        end_at=end,
        west=west,
        south=south,
        east=east,
        north=north,
        boxed=is_box(content.geometry, content.bbox),
        stars=min(max(description.stars, 0), MAX_STARS),
        warnings=len(content.warnings),
        etag=etag_of(text),
        words=clean_text(words_of(description, content)),
        content=text,
    )
    return Prepared(entry, _places(values_of(content)))


def files_in(prepared: Sequence[Prepared]) -> set[str]:
    """Return the paths of a project's own files that its items show."""
    contents = (msgspec.json.decode(each.entry.content, type=Content) for each in prepared)
    hrefs = (asset["href"] for content in contents for asset in content.assets.values())
    return {href.removeprefix(OWN_FILE) for href in hrefs if href.startswith(OWN_FILE)}


def _places(rows: Sequence[tuple[str, str | None, float | None]]) -> list[Value]:
    """Return the values of properties with the place that each has among those of its name."""
    count: Counter[str] = Counter()
    values = []
    for name, text, number in rows:
        values.append((name, count[name], None if text is None else clean_text(text), number))
        count[name] += 1
    return values


def write_entries(tx: Connection, key: int, slug: str, prepared: Sequence[Prepared]) -> bool:
    """Make these the items of a project, and return whether anything was to be written."""
    known = store.list_etags(tx, key)
    now, wrote = now_ms(), False
    for each in prepared:
        item, etag = known.get(each.entry.collection, (0, ""))
        if not item:
            store.insert_item(tx, key, slug, each.entry, each.values, now)
        elif etag != each.entry.etag:
            store.update_item(tx, item, each.entry, each.values, now)
        wrote = wrote or etag != each.entry.etag
    stay = [each.entry.collection for each in prepared]
    if known.keys() - set(stay):
        store.delete_items(tx, key, but=stay)
        wrote = True
    return wrote


def drop_project(tx: Connection, key: int) -> bool:
    """Take a project out of the catalog, and return whether it was there."""
    return write_entries(tx, key, "", ())


def has_items(tx: Connection, key: int) -> bool:
    """Say whether a project is in the catalog."""
    return bool(store.list_etags(tx, key))


def set_stars(tx: Connection, stars: Mapping[int, int]) -> None:
    """Have the items of projects tell how many stars these have, by their keys; nothing else of them is read again."""
    for key, known in store.list_stars(tx, stars.keys()).items():
        if known != stars[key]:
            for item, text in store.list_contents(tx, key):
                content = msgspec.json.decode(text, type=Content)
                starred = {**content.properties, STARS: stars[key]}
                text = msgspec.json.encode(msgspec.structs.replace(content, properties=starred)).decode()
                store.set_stars(tx, item, stars[key], STARS, text, etag_of(text))


def etag_of(content: str) -> str:
    """Return what tells a content from others."""
    return hashlib.sha256(content.encode()).hexdigest()


def is_box(geometry: Mapping[str, Any] | None, bbox: Sequence[float] | None) -> bool:
    """Say whether a geometry is all that its bounding box holds: a point, or a rectangle along the axes."""
    if geometry is None or bbox is None:
        return False
    west, south, east, north = _bounds(bbox)
    if geometry.get("type") == "Point":
        return west == east and south == north
    rings = geometry.get("coordinates") if geometry.get("type") == "Polygon" else None
    if not rings or len(rings) != 1 or len(rings[0]) != 5:
        return False
    corners = [(point[0], point[1]) for point in rings[0]]
    around = {(west, south), (east, south), (east, north), (west, north)}
    along = all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(corners))
    return set(corners) == around and along


def _bounds(bbox: Sequence[float] | None) -> tuple[float, float, float, float] | tuple[None, None, None, None]:
    """Return west, south, east and north of a box of two or three dimensions."""
    if not bbox:
        return None, None, None, None
    half = len(bbox) // 2
    return float(bbox[0]), float(bbox[1]), float(bbox[half]), float(bbox[half + 1])


def _times(properties: Mapping[str, Any], otherwise: int) -> tuple[int, int]:
    """Return the first and the last moment of an item."""
    at = _ms(properties.get("datetime"), otherwise)
    start = _ms(properties.get("start_datetime"), at)
    return start, max(start, _ms(properties.get("end_datetime"), at))


def _ms(text: object, otherwise: int) -> int:
    """Return a moment of RFC 3339 in ms, or what it is otherwise."""
    if not isinstance(text, str):
        return otherwise
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
