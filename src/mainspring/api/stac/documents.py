"""The JSON of the STAC API: landing page, collections, items and pages of them, each with links to this server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from mainspring.api.stac.conformance import CONFORMS_TO
from mainspring.api.stac.languages import ENGLISH, EXTENSION, LANGUAGE
from mainspring.modules.catalog import service as catalog
from mainspring.modules.catalog.service import ItemPage, ItemRecord, Shelf, Surroundings

STAC_VERSION = "1.1.0"
JSON, GEOJSON, SCHEMA, HTML = "application/json", "application/geo+json", "application/schema+json", "text/html"
OPENAPI = "application/vnd.oai.openapi+json;version=3.1"
QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
SORTABLES = "http://www.opengis.net/def/rel/ogc/1.0/sortables"
TITLE = "Mainspring"
DESCRIPTION = "Models, data and programs of this Mainspring, as far as whoever asks may see them."

Document = dict[str, Any]
Sign = Callable[[str, str], str]
"""Returns path and query of a URL that reads a file, by its path and ref, or without a path all files."""


class _Shown(msgspec.Struct):
    """What an item shows of a ``Content``: its page, which may be long, is not among it."""

    geometry: Any
    bbox: list[float] | None
    properties: Document
    assets: dict[str, Document] = msgspec.field(default_factory=dict)
    links: list[Document] = msgspec.field(default_factory=list)
    extensions: list[str] = msgspec.field(default_factory=list)
    ref: str = ""


_shown = msgspec.json.Decoder(_Shown)


@dataclass(frozen=True, slots=True)
class Site:
    """Where this API is for whoever asks: ``origin`` is scheme and host, ``root`` the URL of the landing page."""

    origin: str
    root: str

    def collection(self, id: str) -> str:
        """Return the URL of a collection."""
        return f"{self.root}/collections/{quote(id, safe='')}"

    def item(self, collection: str, id: str) -> str:
        """Return the URL of an item."""
        return f"{self.collection(collection)}/items/{quote(id, safe='')}"

    def file(self, slug: str, path: str, ref: str) -> str:
        """Return the URL of a file of a project."""
        state = f"?ref={quote(ref, safe='')}" if ref else ""
        return f"{self.origin}/api/download/{quote(slug, safe='')}/{quote(path)}{state}"

    def archive(self, slug: str, tag: str) -> str:
        """Return the URL of all files of a release."""
        return f"{self.origin}/api/download/{quote(slug, safe='')}?ref={quote(tag, safe='')}"


def link(rel: str, href: str, type: str = JSON, **more: Any) -> Document:
    """Return a link."""
    return {"rel": rel, "href": href, "type": type, **more}


def landing(site: Site, shelves: Sequence[Shelf]) -> Document:
    """Return the landing page, with a child for each collection."""
    search = f"{site.root}/search"
    links = [
        link("self", site.root, title=TITLE),
        link("root", site.root, title=TITLE),
        link("conformance", f"{site.root}/conformance"),
        link("data", f"{site.root}/collections"),
        link("children", f"{site.root}/children"),
        link("search", search, GEOJSON, method="GET"),
        link("search", search, GEOJSON, method="POST"),
        link("aggregate", f"{site.root}/aggregate"),
        link("aggregations", f"{site.root}/aggregations"),
        link(QUERYABLES, f"{site.root}/queryables", SCHEMA),
        link(SORTABLES, f"{site.root}/sortables", SCHEMA),
        link("service-desc", f"{site.root}/api", OPENAPI),
        link("service-doc", f"{site.root}/api.html", HTML),
    ]
    children = [link("child", site.collection(each.category.id), title=each.category.title) for each in shelves]
    return {
        "type": "Catalog",
        "id": "mainspring",
        "title": TITLE,
        "description": DESCRIPTION,
        "stac_version": STAC_VERSION,
        "stac_extensions": [EXTENSION],
        "language": ENGLISH,
        "conformsTo": CONFORMS_TO,
        "links": [{**each, "hreflang": LANGUAGE} for each in links] + children,
    }


def collection(site: Site, shelf: Shelf) -> Document:
    """Return a collection, with what its items span that may be seen."""
    category, extent, url = shelf.category, shelf.extent, site.collection(shelf.category.id)
    box = list(extent.box) if extent and extent.box else [-180.0, -90.0, 180.0, 90.0]
    interval = [catalog.write_moment(each) for each in (extent.start, extent.end)] if extent else [None, None]
    return {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "id": category.id,
        "title": category.title,
        "description": category.description,
        "license": "other",
        "keywords": sorted(category.topics),
        "extent": {"spatial": {"bbox": [box]}, "temporal": {"interval": [interval]}},
        "mainspring:items": extent.count if extent else 0,
        "links": [
            link("self", url, title=category.title),
            link("root", site.root, title=TITLE),
            link("parent", site.root, title=TITLE),
            link("items", f"{url}/items", GEOJSON),
            link("child", f"{url}/browse", title=f"All items of {category.title}"),
            link(QUERYABLES, f"{url}/queryables", SCHEMA),
            link(SORTABLES, f"{url}/sortables", SCHEMA),
            link("aggregate", f"{url}/aggregate"),
            link("aggregations", f"{url}/aggregations"),
        ],
    }


def collections(site: Site, path: str, name: str, shelves: Iterable[Document], **more: Any) -> Document:
    """Return a list of collections; ``name`` is what it is called."""
    links = [link("self", f"{site.root}/{path}"), link("root", site.root, title=TITLE)]
    return {name: list(shelves), "links": links, **more}


def item(site: Site, record: ItemRecord, around: Surroundings) -> Document:
    """Return an item: what is kept of it, with its models, and with links and files by this server's addresses.

    Files have signed URLs where ``around`` signs them, else those that ask who is asking.
    """
    content = _shown.decode(record.content)
    parent = site.collection(record.collection)
    resolve = _resolver(site, record.slug, content.ref, around.files.of(record.project))
    made: Document = {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": content.extensions,
        "id": record.slug,
        "collection": record.collection,
        "geometry": content.geometry,
        "properties": content.properties,
        "links": [
            link("self", f"{parent}/items/{quote(record.slug, safe='')}", GEOJSON),
            link("root", site.root, title=TITLE),
            link("parent", parent),
            link("collection", parent),
            *({**each, "href": resolve(each["href"])} for each in content.links),
        ],
        "assets": {key: {**asset, "href": resolve(asset["href"])} for key, asset in content.assets.items()},
    }
    if content.bbox is not None:
        made["bbox"] = content.bbox
    content.properties[catalog.STARS] = record.stars
    if record.project in around.stale:
        content.properties["mainspring:stale"] = catalog.write_moment(around.stale[record.project])
    path = around.paths.get(record.project)
    if path is not None:
        catalog.add_models(made, around.models.get(record.project, []), site.origin, path)
    return made


def _resolver(site: Site, slug: str, ref: str, sign: Sign | None) -> Callable[[str], str]:
    """Return what makes URLs of how files, releases and other projects are called in an item."""

    def resolve(href: str) -> str:
        if href.startswith(catalog.OWN_FILE):
            path = href.removeprefix(catalog.OWN_FILE)
            return site.origin + sign(path, ref) if sign else site.file(slug, path, ref)
        if href.startswith(catalog.OWN_ARCHIVE):
            tag = href.removeprefix(catalog.OWN_ARCHIVE)
            return site.origin + sign("", tag) if sign else site.archive(slug, tag)
        if href.startswith(catalog.OWN_PROJECT):
            to, _, path = href.removeprefix(catalog.OWN_PROJECT).partition("/")
            return site.item(to, path)
        return href

    return resolve


def items(page: ItemPage, features: list[Document], links: list[Document]) -> Document:
    """Return a page of items."""
    return {
        "type": "FeatureCollection",
        "features": features,
        "links": links,
        "numberMatched": page.matched,
        "numberReturned": len(features),
    }


def browse(site: Site, id: str, title: str, page: ItemPage) -> Document:
    """Return a catalog of some items of a collection; what comes behind them is in a child of it."""
    url = f"{site.collection(id)}/browse"
    links = [
        link("root", site.root, title=TITLE),
        link("parent", site.collection(id), title=title),
        *(link("item", site.item(id, each.slug), GEOJSON) for each in page.records),
    ]
    if page.next:
        links.append(link("child", f"{url}?token={quote(page.next, safe='')}"))
    return {
        "type": "Catalog",
        "id": f"{id}-items",
        "title": title,
        "description": f"Items of {title}.",
        "stac_version": STAC_VERSION,
        "links": links,
    }


def properties_schema(url: str, properties: Mapping[str, Document]) -> Document:
    """Return the JSON schema of the properties that may be asked for."""
    return {
        "$schema": "https://json-schema.org/draft/2019-09/schema",
        "$id": url,
        "type": "object",
        "title": "Properties of items",
        "properties": dict(properties),
        "additionalProperties": True,
    }
