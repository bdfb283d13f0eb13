"""Searches among collections: there are few, so they are looked through one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mainspring.api.stac import queries
from mainspring.api.stac.queries import Fields, Given
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.pages import offset_of, page_of
from mainspring.modules.catalog import service as catalog
from mainspring.modules.catalog.service import Box, Shelf, Time

_SORTED: dict[str, Callable[[Shelf], Any]] = {
    "id": lambda shelf: shelf.category.id,
    "title": lambda shelf: shelf.category.title,
    "description": lambda shelf: shelf.category.description,
    "mainspring:items": lambda shelf: shelf.extent.count if shelf.extent else 0,
}


@dataclass(frozen=True, slots=True)
class ShelfPage:
    """A page of collections, how many there are in all, and the token of the next page."""

    shelves: Sequence[Shelf]
    matched: int
    next: str | None
    fields: Fields


def find_collections(given: Given, shelves: Sequence[Shelf]) -> ShelfPage:
    """Return those collections that are asked for. Raises InvalidArgument.

    Where and when is that of the items in them that may be seen: an empty one is nowhere.
    """
    box = catalog.read_box(given["bbox"], "bbox") if "bbox" in given else None
    text = queries.read_text(given, "datetime")
    time = None if text is None else catalog.read_interval(text, "datetime")
    phrases = queries.read_phrases(given)
    found = [
        each
        for each in shelves
        if (box is None or _meets(each, box))
        and (time is None or _lasts(each, time))
        and (not phrases or _tells(each, phrases))
    ]
    for key in queries.read_order(given)[::-1]:
        if key.name not in _SORTED:
            right = ", ".join(_SORTED)
            raise InvalidArgument(f"sortby has '{key.name[:100]}'; collections are sorted by {right}.", field="sortby")
        found.sort(key=_SORTED[key.name], reverse=not key.ascending)
    limit = queries.read_limit(given, catalog.MAX_LIMIT)
    offset = offset_of(queries.read_text(given, "token"))
    page = page_of(found[offset : offset + limit + 1], offset, limit)
    return ShelfPage(page.items, len(found), page.next_page_token, queries.read_fields(given))


def _meets(shelf: Shelf, box: Box) -> bool:
    if shelf.extent is None or shelf.extent.box is None:
        return False
    west, south, east, north = shelf.extent.box
    beside = any(west <= to and east >= start for start, to in box.parts)
    return beside and south <= box.north and north >= box.south


def _lasts(shelf: Shelf, time: Time) -> bool:
    return shelf.extent is not None and shelf.extent.start <= time.end and shelf.extent.end >= time.start


def _tells(shelf: Shelf, phrases: Sequence[str]) -> bool:
    category = shelf.category
    words = " ".join([category.id, category.title, category.description, *category.topics]).lower()
    return any(each in words for each in phrases)
