"""What the STAC API tells of itself: an OpenAPI document, and a page for people."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import urlsplit

from mainspring import __version__
from mainspring.api.stac.documents import DESCRIPTION, GEOJSON, HTML, JSON, OPENAPI, SCHEMA
from mainspring.api.stac.queries import AGGREGATE_FIELDS, COLLECTIONS_FIELDS, ITEMS_FIELDS, SEARCH_FIELDS
from mainspring.modules.catalog import service as catalog

Document = dict[str, Any]

_TEXT: Document = {"type": "string"}
_TEXTS: Document = {"type": "array", "items": _TEXT}
_OBJECT: Document = {"type": "object"}
_NUMBERS: Document = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6}
_FIELDS: dict[str, tuple[str, Document, Document]] = {
    "ids": ("Ids of items, or namespace/name of their projects.", _TEXTS, _TEXTS),
    "collections": ("Collections to search in; without them all.", _TEXTS, _TEXTS),
    "bbox": ("West, south, east and north of a box that items meet, in degrees.", _NUMBERS, _NUMBERS),
    "datetime": ("A time, or an interval with a slash, that items' times meet; '..' is an open end.", _TEXT, _TEXT),
    "intersects": ("A GeoJSON geometry that items meet.", _TEXT, _OBJECT),
    "q": ("Words or phrases, one of which an item has.", _TEXTS, _TEXTS),
    "query": ("Conditions of the query extension.", _TEXT, _OBJECT),
    "filter": ("A condition in CQL2.", _TEXT, {"type": ["object", "string"]}),
    "filter-lang": ("The notation of the filter.", {"type": "string", "enum": ["cql2-text", "cql2-json"]}, _TEXT),
    "filter-crs": ("The coordinates of the filter: CRS84.", _TEXT, _TEXT),
    "sortby": (
        "Properties to sort by, with a minus before for the greatest first.",
        _TEXTS,
        {"type": "array", "items": {"type": "object", "properties": {"field": _TEXT, "direction": _TEXT}}},
    ),
    "fields": (
        "Fields to show, with a minus before for those not to.",
        _TEXTS,
        {"type": "object", "properties": {"include": _TEXTS, "exclude": _TEXTS}},
    ),
    "limit": (
        "How many there may be on a page.",
        {"type": "integer", "minimum": 1, "maximum": catalog.MAX_LIMIT, "default": catalog.DEFAULT_LIMIT},
        {"type": "integer", "minimum": 1, "maximum": catalog.MAX_LIMIT, "default": catalog.DEFAULT_LIMIT},
    ),
    "token": ("Where a page begins, from a link 'next' or 'prev'.", _TEXT, _TEXT),
    "aggregations": ("Aggregations to find.", _TEXTS, _TEXTS),
    "datetime_frequency_interval": (
        "Length of the intervals of datetime_frequency.",
        {"type": "string", "enum": ["day", "month", "year"]},
        {"type": "string", "enum": ["day", "month", "year"]},
    ),
}
"""Fields of searches: what they are, and their schemas in a query string and in a body."""

_COLLECTION = "/collections/{collectionId}"
_OPERATIONS: list[tuple[str, str, str, str, frozenset[str]]] = [
    ("get", "/", "The landing page.", JSON, frozenset()),
    ("get", "/conformance", "The conformance classes that hold.", JSON, frozenset()),
    ("get", "/api", "This document.", OPENAPI, frozenset()),
    ("get", "/api.html", "A page for people.", HTML, frozenset()),
    ("get", "/children", "The children of the landing page.", JSON, frozenset()),
    ("get", "/collections", "Collections, or those that are searched for.", JSON, COLLECTIONS_FIELDS),
    ("get", _COLLECTION, "A collection.", JSON, frozenset()),
    ("get", f"{_COLLECTION}/browse", "A catalog of items of a collection.", JSON, frozenset({"token"})),
    ("get", f"{_COLLECTION}/items", "Items of a collection.", GEOJSON, ITEMS_FIELDS),
    ("get", f"{_COLLECTION}/items/{{itemId}}", "An item.", GEOJSON, frozenset()),
    ("get", "/search", "Items that are searched for.", GEOJSON, SEARCH_FIELDS),
    ("post", "/search", "Items that are searched for by a body.", GEOJSON, SEARCH_FIELDS),
    *(
        (method, f"{place}{path}", summary, kind, fields)
        for place in ("", _COLLECTION)
        for method, path, summary, kind, fields in (
            ("get", "/queryables", "Properties that filters may name.", SCHEMA, frozenset[str]()),
            ("get", "/sortables", "Properties that items may be sorted by.", SCHEMA, frozenset[str]()),
            ("get", "/aggregations", "The aggregations that there are.", JSON, frozenset[str]()),
            ("get", "/aggregate", "Counts over all items of a search.", JSON, AGGREGATE_FIELDS),
            ("post", "/aggregate", "Counts over all items of a search by a body.", JSON, AGGREGATE_FIELDS),
        )
    ),
]

_ITEM = f"{_COLLECTION}/items/{{itemId}}"
_ITEMS_BODY: Document = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {"type": {"const": "FeatureCollection"}, "features": {"type": "array", "items": _OBJECT}},
}
_ITEM_BODY: Document = {
    "type": "object",
    "properties": {
        "type": {"const": "Feature"},
        "id": _TEXT,
        "geometry": {"type": ["object", "null"]},
        "bbox": _NUMBERS,
        "properties": _OBJECT,
        "assets": {"type": "object", "additionalProperties": _OBJECT},
        "links": {"type": "array", "items": _OBJECT},
    },
}
_WRITES: list[tuple[str, str, str, Document | None, int]] = [
    (
        "post",
        f"{_COLLECTION}/items",
        "Make an item, or all of a collection.",
        {"anyOf": [_ITEM_BODY, _ITEMS_BODY]},
        201,
    ),
    ("post", f"{_COLLECTION}/bulk_items", "Make all items of a collection.", _ITEMS_BODY, 201),
    ("put", _ITEM, "Have an item be what the body says.", _ITEM_BODY, 200),
    ("patch", _ITEM, "Change what the body names of an item.", _ITEM_BODY, 200),
    ("delete", _ITEM, "Delete an item with its project.", None, 204),
]
"""What writes: method, path, what it does, its body, and the status of success."""
_REFUSALS = {
    400: "Something in the body is wrong, or cannot be kept: its field is named.",
    401: "Sign in first.",
    403: "You may see the item, and not change it.",
    404: "There is nothing, or it may not be seen.",
    409: "It is there already, or its project is kept elsewhere.",
    412: "The item is not as If-Match or If-None-Match asks for.",
    413: "The body is too large.",
    503: "It is changed at the same moment: send it again.",
}


def describe(root: str) -> Document:
    """Return the OpenAPI 3.1 document of the API at a root."""
    paths: dict[str, Document] = {}
    for method, path, summary, kind, fields in _OPERATIONS:
        paths.setdefault(path, {})[method] = _operation(method, path, summary, kind, sorted(fields))
    for method, path, summary, body, status in _WRITES:
        paths.setdefault(path, {})[method] = _writing(method, path, summary, body, status)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Mainspring STAC API", "version": __version__, "description": DESCRIPTION},
        "servers": [{"url": root}],
        "paths": paths,
    }


_PROBLEM: Document = {"content": {"application/problem+json": {"schema": _OBJECT}}}


def _of_path(path: str) -> list[Document]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _TEXT}
        for name in ("collectionId", "itemId")
        if f"{{{name}}}" in path
    ]


def _name_of(method: str, path: str) -> str:
    return method + "".join(part.strip("{}").title() for part in path.replace(".", "/").split("/"))


def _writing(method: str, path: str, summary: str, body: Document | None, status: int) -> Document:
    """Return an operation that writes."""
    done: Document = {"description": summary}
    if body is not None:
        done |= {"content": {GEOJSON if method != "post" or path.endswith("/items") else JSON: {"schema": _OBJECT}}}
    headers = ("If-Match", "If-None-Match") if method != "post" else ()
    conditions = [{"name": name, "in": "header", "schema": _TEXT, "description": "ETags."} for name in headers]
    refused = {str(each): {"description": text, **_PROBLEM} for each, text in _REFUSALS.items()}
    told: Document = {
        "summary": summary,
        "operationId": _name_of(method, path),
        "parameters": [*_of_path(path), *conditions],
        "responses": {str(status): done, **refused},
    }
    return told if body is None else told | {"requestBody": {"required": True, "content": {JSON: {"schema": body}}}}


def _operation(method: str, path: str, summary: str, kind: str, fields: list[str]) -> Document:
    parameters = _of_path(path)
    problem = _PROBLEM
    told: Document = {
        "summary": summary,
        "operationId": _name_of(method, path),
        "responses": {
            "200": {"description": summary, "content": {kind: {"schema": _TEXT if kind == HTML else _OBJECT}}},
            **{
                str(status): {"description": text, **problem}
                for status, text in (
                    (400, "Something in the request is wrong."),
                    (401, "Sign in first."),
                    (404, "There is nothing, or it may not be seen."),
                )
            },
        },
    }
    if method == "get":
        parameters += [_parameter(name) for name in fields]
    else:
        body = {"type": "object", "properties": {name: _FIELDS[name][2] for name in fields}}
        told["requestBody"] = {"required": True, "content": {JSON: {"schema": body}}}
        told["responses"]["413"] = {"description": "The body is too large.", **problem}
    return told | {"parameters": parameters}


def _parameter(name: str) -> Document:
    text, schema, _ = _FIELDS[name]
    return {"name": name, "in": "query", "description": text, "schema": schema, "style": "form", "explode": False}


def describe_as_page(root: str) -> bytes:
    """Return a page that tells people what can be asked for."""
    rows = "".join(
        f"<tr><td>{method.upper()}</td><td><code>{escape(urlsplit(root).path + path)}</code></td>"
        f"<td>{escape(summary)}</td></tr>"
        for method, path, summary, *_ in (*_OPERATIONS, *_WRITES)
    )
    fields = "".join(f"<dt><code>{name}</code></dt><dd>{escape(text)}</dd>" for name, (text, _, _) in _FIELDS.items())
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Mainspring STAC API</title>"
        f"<h1>Mainspring STAC API</h1><p>{escape(DESCRIPTION)} Point a STAC client at <code>{escape(root)}</code>.</p>"
        f"<table>{rows}</table><h2>Fields of searches</h2><dl>{fields}</dl></html>"
    ).encode()
