"""What answers the requests of the STAC API."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from mainspring.api.stac import documents, queries
from mainspring.api.stac.collection_search import find_collections
from mainspring.api.stac.conformance import CONFORMS_TO
from mainspring.api.stac.documents import GEOJSON, JSON, SCHEMA, Document, Site, link
from mainspring.api.stac.fields import choose_fields
from mainspring.api.stac.languages import LANGUAGE, language_of
from mainspring.api.stac.openapi import describe, describe_as_page
from mainspring.api.stac.queries import Given
from mainspring.kit.actors import Actor
from mainspring.kit.errors import NotFound
from mainspring.kit.http import Headers, Request, Send, respond
from mainspring.modules.catalog import service as catalog
from mainspring.modules.catalog.service import Category, ItemPage, ItemQuery, Shelf
from mainspring.modules.catalog.service.transactions import etag_of
from mainspring.modules.services import Services

ROOTS = ("/api/v1/stac", "/api/stac")
"""Where the API is; links lead to that which was asked."""

BROWSED = 500
"""So many items are in one catalog of those that lead to all."""

_KNOWN: dict[str, Document] = {
    "id": {"title": "Id", "type": "string"},
    "collection": {"title": "Collection", "type": "string"},
    "geometry": {"title": "Geometry", "$ref": "https://geojson.org/schema/Geometry.json"},
    "datetime": {"title": "Time", "type": "string", "format": "date-time"},
    "start_datetime": {"title": "Begin of the time", "type": "string", "format": "date-time"},
    "end_datetime": {"title": "End of the time", "type": "string", "format": "date-time"},
    "created": {"title": "Created", "type": "string", "format": "date-time"},
    "updated": {"title": "Updated", "type": "string", "format": "date-time"},
    "title": {"title": "Title", "type": "string"},
    catalog.STARS: {"title": "Stars", "type": "integer", "minimum": 0},
}
"""What all items can be asked for."""


def site_of(request: Request) -> Site:
    """Return the site by the address that a request has come to."""
    root = next(each for each in ROOTS if request.path.startswith(each))
    return Site(request.origin, f"{request.origin}{root}")


async def landing(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with the landing page."""
    shelves = [Shelf(each, None) for each in catalog.categories_of(services.settings)]
    await _send(request, send, documents.landing(site_of(request), shelves))


async def conformance(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with the conformance classes that hold."""
    await _send(request, send, {"conformsTo": CONFORMS_TO})


async def collections(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with the collections, or with those of them that are searched for."""
    given = queries.read_get(request, queries.COLLECTIONS_FIELDS)
    site = site_of(request)
    page = find_collections(given, await _shelves(services, actor))
    shown = [choose_fields(documents.collection(site, each), page.fields) for each in page.shelves]
    more = {"numberMatched": page.matched, "numberReturned": len(shown)}
    answer = documents.collections(site, "collections", "collections", shown, **more)
    if page.next is not None:
        asked = urlencode([(name, text) for name, text in request.query if name != "token"])
        answer["links"].append(link("next", _query_url(f"{site.root}/collections", asked, page.next)))
    await _send(request, send, answer)


async def children(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with the children of the landing page: the collections."""
    site = site_of(request)
    shelves = [documents.collection(site, each) for each in await _shelves(services, actor)]
    await _send(request, send, documents.collections(site, "children", "children", shelves))


async def collection(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with a collection."""
    category = category_of(services, fields["collection"])
    shelves = await services.db.read(catalog.list_shelves, actor, [category])
    await _send(request, send, documents.collection(site_of(request), shelves[0]))


async def browse(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with a catalog that leads to items of a collection."""
    category = category_of(services, fields["collection"])
    token = queries.read_get(request, {"token"}).get("token")
    query = ItemQuery((category.id,), order=(catalog.SortKey("id"),), limit=BROWSED, token=token)
    page = await services.db.read(catalog.search_items, actor, query)
    await _send(request, send, documents.browse(site_of(request), category.id, category.title, page))


async def items(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with a page of the items of a collection."""
    category = category_of(services, fields["collection"])
    given = queries.read_get(request, queries.ITEMS_FIELDS)
    url = f"{site_of(request).collection(category.id)}/items"
    await _answer_page(services, actor, request, send, given, [category.id], url)


async def item(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with an item."""
    category = category_of(services, fields["collection"])
    await send_item(services, actor, request, send, category.id, fields["id"])


async def send_item(
    services: Services,
    actor: Actor,
    request: Request,
    send: Send,
    collection: str,
    id: str,
    status: int = 200,
    headers: Headers = (),
) -> None:
    """Answer with an item; its ETag stays while what it tells does, however its files are signed."""
    reach = catalog.reach_of(services)
    record, around = await services.db.read(catalog.find_item, actor, collection, id, reach)
    answer = documents.item(site_of(request), record, around)
    whole = Whole(answer, GEOJSON, status, etag_of(record, around), language_of(answer), around.signed, headers)
    await _send_whole(request, send, whole)


async def search(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with a page of what is searched for by the query string."""
    given = queries.read_get(request, queries.SEARCH_FIELDS)
    url = f"{site_of(request).root}/search"
    await _answer_page(services, actor, request, send, given, _collection_ids(services), url)


async def search_by_body(
    services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]
) -> None:
    """Answer with a page of what is searched for by the body."""
    given = await queries.read_post(request, queries.SEARCH_FIELDS)
    url = f"{site_of(request).root}/search"
    await _answer_page(services, actor, request, send, given, _collection_ids(services), url)


async def aggregations(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with the aggregations that there are."""
    url = _place(services, request, fields)
    known = [{"name": name, "data_type": kind} for name, kind in catalog.AGGREGATIONS.items()]
    await _send(request, send, _aggregations(request, f"{url}/aggregations", known))


async def aggregate(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with counts over all that is searched for by the query string."""
    given = queries.read_get(request, queries.AGGREGATE_FIELDS)
    await _aggregate(services, actor, request, send, given, fields)


async def aggregate_by_body(
    services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]
) -> None:
    """Answer with counts over all that is searched for by the body."""
    given = await queries.read_post(request, queries.AGGREGATE_FIELDS)
    await _aggregate(services, actor, request, send, given, fields)


async def queryables(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with the properties that filters may name."""
    await _send_properties(services, actor, request, send, fields, "queryables", _KNOWN)


async def sortables(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with the properties that items may be sorted by."""
    known = {name: schema for name, schema in _KNOWN.items() if name != "geometry"}
    await _send_properties(services, actor, request, send, fields, "sortables", known)


async def description(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with the OpenAPI document of this API."""
    await _send(request, send, describe(site_of(request).root), documents.OPENAPI)


async def page(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer with the page that tells people of this API."""
    await respond(send, 200, describe_as_page(site_of(request).root), documents.HTML.encode())


async def _answer_page(
    services: Services,
    actor: Actor,
    request: Request,
    send: Send,
    given: Given,
    collections: Sequence[str],
    url: str,
) -> None:
    site, fields = site_of(request), queries.read_fields(given)
    query, reach = queries.read_items(given, collections), catalog.reach_of(services)
    found = await services.db.read(catalog.search_items, actor, query, reach)
    features = [choose_fields(documents.item(site, each, found.around), fields) for each in found.records]
    links = [link("root", site.root, title=documents.TITLE), *_page_links(request, given, url, found)]
    await _send(request, send, documents.items(found, features, links), GEOJSON, signed=found.around.signed)


def _page_links(request: Request, given: Given, url: str, page: ItemPage) -> list[Document]:
    """Return the links to the page itself and to those beside it, as they are asked for in the request's way."""
    tokens = [(rel, token) for rel, token in (("next", page.next), ("prev", page.previous)) if token]
    if request.method == "POST":
        beside = [link(rel, url, GEOJSON, method="POST", body={**given, "token": token}) for rel, token in tokens]
        return [link("self", url, GEOJSON, method="POST", body=given), *beside]
    asked = urlencode([(name, text) for name, text in request.query if name != "token"])
    own = link("self", _query_url(url, asked, request.field("token")), GEOJSON)
    return [own, *(link(rel, _query_url(url, asked, token), GEOJSON, method="GET") for rel, token in tokens)]


def _query_url(url: str, asked: str, token: str | None) -> str:
    """Return a URL with what is asked for, and the token of a page of it."""
    fields = [asked] if asked else []
    if token is not None:
        fields.append(urlencode({"token": token}))
    return f"{url}?{'&'.join(fields)}" if fields else url


async def _aggregate(
    services: Services, actor: Actor, request: Request, send: Send, given: Given, fields: Mapping[str, str]
) -> None:
    url = _place(services, request, fields)
    within = [fields["collection"]] if "collection" in fields else _collection_ids(services)
    names = queries.read_texts(given, "aggregations") or []
    interval = queries.read_text(given, "datetime_frequency_interval") or "month"
    found = await services.db.read(catalog.aggregate, actor, queries.read_items(given, within), names, interval)
    shown = [_aggregation(each) for each in found]
    await _send(request, send, _aggregations(request, f"{url}/aggregate", shown))


def _aggregation(found: catalog.Aggregation) -> Document:
    kind = catalog.AGGREGATIONS[found.name]
    if found.buckets is None:
        return {"name": found.name, "data_type": kind, "value": found.value}
    buckets = [{"key": each.key, "data_type": kind, "frequency": each.frequency} for each in found.buckets]
    return {"name": found.name, "data_type": kind, "buckets": buckets, "overflow": found.overflow}


def _aggregations(request: Request, url: str, shown: list[Document]) -> Document:
    links = [link("self", url), link("root", site_of(request).root, title=documents.TITLE)]
    return {"type": "AggregationCollection", "aggregations": shown, "links": links}


async def _send_properties(
    services: Services,
    actor: Actor,
    request: Request,
    send: Send,
    fields: Mapping[str, str],
    name: str,
    known: Mapping[str, Document],
) -> None:
    url = _place(services, request, fields)
    within = [fields["collection"]] if "collection" in fields else _collection_ids(services)
    properties = dict(known)
    for each, texts, numbers in await services.db.read(catalog.list_properties, actor, within):
        types = [kind for kind, there in (("string", texts), ("number", numbers)) if there]
        properties.setdefault(each, {"title": each, "type": types[0] if len(types) == 1 else types})
    await _send(request, send, documents.properties_schema(f"{url}/{name}", properties), SCHEMA)


def _place(services: Services, request: Request, fields: Mapping[str, str]) -> str:
    """Return the URL of the collection that a path names, or of the landing page."""
    site = site_of(request)
    return site.collection(category_of(services, fields["collection"]).id) if "collection" in fields else site.root


def category_of(services: Services, id: str) -> Category:
    """Return the category that is a collection. Raises NotFound."""
    for each in catalog.categories_of(services.settings):
        if each.id == id:
            return each
    raise NotFound(f"There is no collection '{id[:100]}'.")


def _collection_ids(services: Services) -> list[str]:
    return [each.id for each in catalog.categories_of(services.settings)]


async def _shelves(services: Services, actor: Actor) -> list[Shelf]:
    return await services.db.read(catalog.list_shelves, actor, catalog.categories_of(services.settings))


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer: its JSON, ``etag`` without quotes ("" for that of its bytes), and the language that it is written in.

    With ``signed`` URLs in it, which open what they name to whoever has them, it is for no cache to keep.
    """

    answer: Any
    content_type: str = JSON
    status: int = 200
    etag: str = ""
    language: str = LANGUAGE
    signed: bool = False
    headers: Headers = ()


async def _send(request: Request, send: Send, answer: Any, content_type: str = JSON, *, signed: bool = False) -> None:
    """Answer with JSON."""
    await _send_whole(request, send, Whole(answer, content_type, signed=signed))


async def _send_whole(request: Request, send: Send, whole: Whole) -> None:
    """Answer with JSON, or with nothing where the client has it already and its signed URLs are not to be renewed."""
    body, content_type = msgspec.json.encode(whole.answer), whole.content_type.encode()
    etag = f'"{whole.etag or hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    headers = [
        (b"etag", etag.encode()),
        (b"cache-control", b"private, no-store" if whole.signed else b"private, no-cache"),
        (b"content-language", whole.language.encode()),
        *whole.headers,
    ]
    renews = whole.signed and bool(whole.etag)
    if request.method in ("GET", "HEAD") and not renews and _has(request.header(b"if-none-match"), etag):
        return await respond(send, 304, b"", content_type, headers)
    await respond(send, whole.status, body, content_type, headers)


def _has(known: str | None, etag: str) -> bool:
    """Say whether an If-None-Match names an ETag."""
    if known is None:
        return False
    return known.strip() == "*" or etag in (each.strip().removeprefix("W/") for each in known.split(","))
