"""Items that are sent: what they say, with this server's own addresses as the catalog keeps them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from mainspring.api.stac.documents import Document, Site
from mainspring.api.stac.queries import MAX_BODY
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.http import Request
from mainspring.kit.names import check_text
from mainspring.modules.catalog import service as catalog
from mainspring.modules.catalog.service.said import TIMES, Said
from mainspring.modules.catalog.service.transactions import NewItem

_KNOWN = {
    *("type", "stac_version", "stac_extensions", "id", "collection"),
    *("geometry", "bbox", "properties", "assets", "links"),
}
_STRUCTURE = ("self", "root", "parent", "collection")
"""Relations of links that say where an item is, which is known: what is said of them is passed over."""
_OF_MODELS = "mlflow:"
_NOTATIONS = (catalog.OWN_FILE, catalog.OWN_ARCHIVE, catalog.OWN_PROJECT)
_ID = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])")
_DEEPEST = 40


async def read_body(request: Request) -> Document:
    """Return the JSON object of a request. Raises InvalidArgument or TooLarge."""
    body = await request.body(MAX_BODY)
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(f"The body is not JSON: {error}.", field="body") from error
    if not isinstance(given, dict):
        raise InvalidArgument("The body must be a JSON object: an item.", field="body")
    _check_depth(given, _DEEPEST)
    return given


def _check_depth(value: Any, left: int) -> None:
    if left == 0:
        raise InvalidArgument(f"The body is nested more than {_DEEPEST} deep.", field="body")
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_depth(each, left - 1)


def merge(target: Any, patch: Any) -> Any:
    """Return JSON with a patch in it. Source: RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def patched(item: Document, patch: Document) -> Document:
    """Return an item with a patch in it; a box follows the geometry, unless it is patched too."""
    moved = "geometry" in patch and "bbox" not in patch
    return merge({name: value for name, value in item.items() if name != "bbox"} if moved else item, patch)  # type: ignore[no-any-return]


def names_times(patch: Document) -> bool:
    """Say whether a patch is about when an item is."""
    properties = patch.get("properties")
    return not isinstance(properties, dict) or any(name in properties for name in TIMES)


def read_new(site: Site, collection: str, given: Document) -> list[NewItem]:
    """Return the items of an item, or of a collection of items. Raises InvalidArgument."""
    if given.get("type") != "FeatureCollection":
        return [_read_new(site, collection, given)]
    features = given.get("features")
    if not isinstance(features, list) or not all(isinstance(each, dict) for each in features) or not features:
        raise InvalidArgument("features must be a list of items, with at least one.", field="features")
    return [_read_new(site, collection, each) for each in features]


def _read_new(site: Site, collection: str, given: Document) -> NewItem:
    id = given.get("id")
    if not isinstance(id, str) or not _ID.fullmatch(id):
        right = "it must have 2 to 63 of a-z, 0-9 and '-', which is not at an end; sharinghub:path says where it is"
        raise InvalidArgument(f"id is {_shown(id)}; {right}.", field="id")
    said = read_said(site, given, id, (id,), collection, {})
    path = said.properties.pop("sharinghub:path", "")
    if not isinstance(path, str):
        raise _wrong("properties.sharinghub:path", path, "the path of its project, namespace/name")
    return NewItem(id, path, said)


def read_said(
    site: Site,
    given: Document,
    slug: str,
    ids: tuple[str, ...],
    collection: str,
    known_assets: Mapping[str, Any],
    *,
    keeps_times: bool = False,
) -> Said:
    """Return what an item says. ``ids`` are what it may be called, ``known_assets`` those that it has now.

    Raises InvalidArgument for what is no item, and for fields that are not for it to say.
    """
    _check_frame(given, ids, collection)
    properties = _object(given, "properties") or {}
    geometry, bbox = given.get("geometry"), given.get("bbox")
    if geometry is not None and not isinstance(geometry, dict):
        raise _wrong("geometry", geometry, "GeoJSON, or null")
    if bbox is not None and not isinstance(bbox, list):
        raise _wrong("bbox", bbox, "a list of west, south, east and north")
    if "geometry" in given and geometry is None and bbox is not None:
        raise _wrong("bbox", bbox, "left out where geometry is null")
    assets, links = _object(given, "assets"), given.get("links")
    return Said(
        dict(properties),
        geometry,
        bbox,
        None if assets is None else _assets(site, slug, assets, known_assets),
        None if links is None else _links(site, slug, links),
        keeps_times,
    )


def _check_frame(given: Document, ids: tuple[str, ...], collection: str) -> None:
    for name in given:
        if name not in _KNOWN:
            right = f"an item has {', '.join(sorted(_KNOWN))}"
            raise InvalidArgument(f"'{name[:100]}' is not known here; {right}.", field=name[:100])
    frame: list[tuple[str, tuple[str, ...]]] = [("type", ("Feature",)), ("id", ids), ("collection", (collection,))]
    for name, may in frame:
        if name in given and given[name] not in may:
            raise _wrong(name, given[name], f"'{may[0]}'" + (", as in the URL" if name != "type" else ""))


def _object(given: Document, name: str) -> Document | None:
    value = given.get(name)
    if value is not None and not isinstance(value, dict):
        raise _wrong(name, value, "an object")
    return value


def _assets(site: Site, slug: str, assets: Document, known: Mapping[str, Any]) -> Document:
    found = {}
    for key, asset in assets.items():
        field = f"assets.{key[:100]}"
        if not isinstance(asset, dict) or not isinstance(asset.get("href"), str):
            raise _wrong(field, asset, "an object with an href")
        if key.startswith(_OF_MODELS):
            if key not in known:
                raise _wrong(field, asset, "left out: files of registered models come by themselves")
            continue
        found[key] = {**asset, "href": _own_href(site, slug, asset["href"], f"{field}.href")}
    return found


def _links(site: Site, slug: str, links: Any) -> list[Document]:
    if not isinstance(links, list):
        raise _wrong("links", links, "a list of links")
    found = []
    for place, each in enumerate(links):
        field = f"links.{place}"
        good = isinstance(each, dict) and isinstance(each.get("rel"), str) and isinstance(each.get("href"), str)
        if not good:
            raise _wrong(field, each, "an object with rel and href")
        if each["rel"] not in (*_STRUCTURE, "mlflow:tracking", "mlflow:model"):
            found.append({**each, "href": _own_href(site, slug, each["href"], f"{field}.href")})
    return found


def _own_href(site: Site, slug: str, href: str, field: str) -> str:
    """Return an address as the catalog keeps it: files and releases of the project, and other items, by their names."""
    if href.startswith(_NOTATIONS):
        raise _wrong(field, href, "an http(s) address")
    check_text(href, field)
    parts = urlsplit(href)
    files = f"{site.origin}/api/download/{slug}"
    if href.startswith(f"{files}/") and parse_qs(parts.query).get("ref", ["main"]) == ["main"]:
        return f"{catalog.OWN_FILE}{unquote(parts.path.removeprefix(f'/api/download/{slug}/'))}"
    if href.startswith(f"{files}?") and (tag := parse_qs(parts.query).get("ref")):
        return f"{catalog.OWN_ARCHIVE}{tag[0]}"
    item = re.fullmatch(rf"{re.escape(site.origin)}/api/(?:v1/)?stac/collections/([a-z0-9-]+)/items/([^/?#]+)", href)
    if item and "/" in unquote(item[2]):
        return f"{catalog.OWN_PROJECT}{item[1]}/{unquote(item[2])}"
    return href


def _wrong(field: str, value: Any, right: str) -> InvalidArgument:
    return InvalidArgument(f"{field} is {_shown(value)}; it must be {right}.", field=field)


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()[:100]
