"""Items as lineage shows them, and which projects a text names: for those who look at who may know of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from sqlalchemy import Connection

from mainspring.modules.catalog.service.entries import OWN_PROJECT
from mainspring.modules.catalog.store import lineage as store
from mainspring.modules.catalog.store.lineage import ItemRow
from mainspring.modules.projects import service as projects

MAX_SOURCE = 10_000
_PART = r"[^/?#]+"
_WHERE_A_PATH_NAMES_ONE = (
    re.compile(rf"/api(?:/v1)?/(?:download|store)/({_PART}(?:/{_PART})?)"),
    re.compile(rf"/api(?:/v1)?/stac/collections/{_PART}/items/({_PART})"),
    re.compile(rf"/p/({_PART}/{_PART})(?:/|$)"),
    re.compile(rf"^/(?:(?:datasets|spaces|models)/)?({_PART}/{_PART})/(?:resolve|-)(?:/|$)"),
    re.compile(rf"^/?({_PART}/{_PART})$"),
)
_PUBLIC_HUBS = frozenset({"huggingface.co", "hf.co", "github.com"})
"""Places whose own projects are meant by what looks like a path of ours."""
_HUB = re.compile(rf"^(?:(?:datasets|spaces|models)/)?({_PART}/[^/?#@]+)")


class _Related(msgspec.Struct):
    """As much of ``Content`` as tells of other projects."""

    links: list[dict[str, Any]] = []


def find_items(tx: Connection, keys: Collection[int]) -> list[ItemRow]:
    """Return the items of projects, one for each collection that a project is in."""
    return store.find_items(tx, keys) if keys else []


def find_related(tx: Connection, keys: Collection[int]) -> list[tuple[int, int]]:
    """Return (other project, project) where a project's item says that it is related to another's."""
    named: dict[tuple[int, str], None] = {}
    for project, content in store.find_contents(tx, keys):
        for link in msgspec.json.decode(content, type=_Related).links:
            href = str(link.get("href", ""))
            if href.startswith(OWN_PROJECT):
                named[project, href.removeprefix(OWN_PROJECT).partition("/")[2]] = None
    there = keys_named(tx, {name for _, name in named})
    return [(there[name], project) for project, name in named if name in there and there[name] != project]


def keys_named(tx: Connection, names: Collection[str]) -> dict[str, int]:
    """Return the projects that have items, by their slugs or by their paths; other names are left out."""
    if not names:
        return {}
    found = store.find_slugs(tx, [name for name in names if "/" not in name])
    by_path = projects.keys_of(tx, [name.lower() for name in names if "/" in name])
    return found | {name: by_path[name.lower()] for name in names if name.lower() in by_path}


def slugs_of(tx: Connection, keys: Collection[int]) -> dict[int, str]:
    """Return the slugs of projects that have items."""
    return {row.project: row.slug for row in find_items(tx, keys)}


def names_in(source: str) -> list[str]:
    """Return slugs and paths of projects that the source of a dataset may name, a URL or JSON with one in it.

    What the path says counts, and not the host, as a server has many names; but not of the public hubs.
    """
    found: dict[str, None] = {}
    for text in _texts(source[:MAX_SOURCE]):
        found |= dict.fromkeys(_names(text))
    return list(found)


def uri_in(source: str) -> str:
    """Return the URI that the source of a dataset names, "" where it names none."""
    texts = (text for text in _texts(source[:MAX_SOURCE]) if re.match(r"[a-z][a-z0-9+.-]*://", text))
    return next(texts, "")


def _names(text: str) -> Iterable[str]:
    try:
        parts = urlsplit(text)
    except ValueError:
        return
    path = unquote(parts.path)
    if parts.scheme in ("hf", "huggingface"):
        if match := _HUB.match(unquote(f"{parts.netloc}{parts.path}")):
            yield match[1]
        return
    if parts.scheme not in ("", "http", "https") or parts.hostname in _PUBLIC_HUBS:
        return
    for pattern in _WHERE_A_PATH_NAMES_ONE:
        if match := pattern.search(path):
            yield match[1]
            yield match[1].partition("/")[0]


def _texts(source: str) -> list[str]:
    """Return the texts of a dataset's source: those in its JSON, or all of it where it is none."""
    try:
        told = msgspec.json.decode(source)
    except msgspec.DecodeError:
        return [source]
    if isinstance(told, str):
        return [told]
    return [value for value in told.values() if isinstance(value, str)] if isinstance(told, dict) else []
