"""Assets and links of an item as entries of the front matter."""

from __future__ import annotations

import glob
from typing import Any
from urllib.parse import quote

from mainspring.kit.errors import InvalidArgument
from mainspring.modules.catalog.service.entries import OWN_ARCHIVE, OWN_FILE, OWN_PROJECT

_OF_FILES = ("file:size", "file:checksum")
_OF_RULES = ("glob", "path", "key", "type-as")


def asset_entry(key: str, asset: dict[str, Any]) -> dict[str, Any] | str:
    """Return the entry that an asset comes of. Raises InvalidArgument for one that no entry can give."""
    href = asset["href"]
    if href.startswith((OWN_ARCHIVE, OWN_PROJECT)):
        right = "the archives of releases come by themselves, and are left out"
        raise InvalidArgument(f"assets.{key[:100]} is no file and no address; {right}.", field=f"assets.{key[:100]}")
    for name in _OF_RULES:
        if name in asset:
            field = f"assets.{key[:100]}.{name}"
            raise InvalidArgument(f"{field} cannot be kept: the README's front matter means a rule by it.", field=field)
    more = {name: value for name, value in asset.items() if name != "href" and value is not None}
    more["roles"] = more.get("roles", [])
    if more["roles"] == ["data"]:
        del more["roles"]
    if not href.startswith(OWN_FILE):
        return {"key": key, "href": href, **more}
    path = href.removeprefix(OWN_FILE)
    found = {"glob": f"/{glob.escape(path)}", **({} if key == path else {"key": key}), **more}
    entry = {name: value for name, value in found.items() if name not in _OF_FILES}
    return str(entry["glob"]) if entry.keys() == {"glob"} else entry


def link_entry(place: int, link: dict[str, Any]) -> dict[str, Any]:
    """Return the entry that a link comes of. Raises InvalidArgument for one that no entry can give."""
    rel, href = link["rel"], link["href"]
    more = {name: value for name, value in link.items() if name not in ("rel", "href")}
    if href.startswith(OWN_ARCHIVE):
        raise InvalidArgument(f"links.{place}.href is an archive, which is an asset.", field=f"links.{place}.href")
    if href.startswith(OWN_PROJECT):
        collection, _, path = href.removeprefix(OWN_PROJECT).partition("/")
        return {"rel": rel, "collection": collection, "project": path, **more}
    if href.startswith(OWN_FILE):
        href = f"/{quote(href.removeprefix(OWN_FILE))}"
    return {"rel": rel, "href": href, **more}
