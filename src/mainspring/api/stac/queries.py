"""What a request to the STAC API asks for, from its query string or its body: the same fields in two notations."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.http import Request
from mainspring.kit.names import check_text
from mainspring.modules.catalog import service as catalog
from mainspring.modules.catalog.service import ItemQuery, SortKey, Term

MAX_BODY = 1024 * 1024
MAX_PHRASES = 100
SEARCH_FIELDS = frozenset(
    {
        "ids", "collections", "bbox", "datetime", "intersects", "q", "query", "filter", "filter-lang", "filter-crs",
        "sortby", "fields", "limit", "token",
    }
)  # fmt: skip
ITEMS_FIELDS = SEARCH_FIELDS - {"ids", "collections", "intersects"}
COLLECTIONS_FIELDS = frozenset({"bbox", "datetime", "q", "sortby", "fields", "limit", "token"})
AGGREGATE_FIELDS = (SEARCH_FIELDS - {"sortby", "fields", "limit", "token"}) | {
    "aggregations",
    "datetime_frequency_interval",
}
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_LIST = re.compile(r'\s*(?:"([^"]*)"|([^,]*?))\s*(?:,|$)')

Given = dict[str, Any]
"""The fields of a request as JSON has them."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of an item are shown; with nothing to include all of them are, but for what is to be left out."""

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()


DEFAULT_FIELDS = frozenset(
    {
        "type", "stac_version", "id", "collection", "geometry", "bbox", "links", "assets",
        "properties.datetime", "properties.start_datetime", "properties.end_datetime",
    }
)  # fmt: skip
"""What is shown where something is left out of nothing, an empty list to include."""


def read_get(request: Request, allowed: Collection[str]) -> Given:
    """Return the fields of a query string. Raises InvalidArgument."""
    texts: dict[str, str] = {}
    for name, text in request.query:
        _check_known(name, allowed)
        # What is asked for twice is meant as a list, which is written with commas.
        texts[name] = f"{texts[name]},{text}" if name in texts else text
    return {name: _FROM_TEXT.get(name, _same)(name, text) for name, text in texts.items()}


async def read_post(request: Request, allowed: Collection[str]) -> Given:
    """Return the fields of a body. Raises InvalidArgument or TooLarge."""
    if request.query:
        raise InvalidArgument(f"'{request.query[0][0][:100]}' stands in the URL; send it in the body.", field="url")
    body = await request.body(MAX_BODY)
    try:
        given = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(f"The body is not JSON: {error}.", field="body") from error
    if not isinstance(given, dict):
        raise InvalidArgument('The body must be a JSON object, such as {"limit": 10}.', field="body")
    for name in given:
        _check_known(name, allowed)
    given = {name: value for name, value in given.items() if value is not None or name == "fields"}
    return {"filter-lang": "cql2-json"} | given if "filter" in given else given


def _check_known(name: str, allowed: Collection[str]) -> None:
    if name not in allowed:
        right = ", ".join(sorted(allowed))
        raise InvalidArgument(f"'{name[:100]}' is not known here; known are {right}.", field=name[:100])


def _same(_name: str, text: str) -> str:
    return text


def _numbers(name: str, text: str) -> list[float]:
    try:
        return [float(each) for each in text.split(",")]
    except ValueError as error:
        raise InvalidArgument(
            f"{name} is '{text[:100]}'; it must be numbers with commas between.", field=name
        ) from error


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InvalidArgument(f"{name} is '{text[:100]}'; it must be a number.", field=name) from error


def _list(_name: str, text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _phrases(_name: str, text: str) -> list[str]:
    """Return what commas part that stand outside of quotation marks."""
    return [quoted or plain for quoted, plain in _LIST.findall(text)]


def _json(name: str, text: str) -> Any:
    return catalog.decode_json(text, name)


def _sort_keys(_name: str, text: str) -> list[Given]:
    return [
        {"field": each.lstrip("+-").strip(), "direction": "desc" if each.startswith("-") else "asc"}
        for each in _list("", text)
    ]


def _fields(_name: str, text: str) -> Given:
    given = _list("", text)
    include = [each.lstrip("+").strip() for each in given if not each.startswith("-")]
    return ({"include": include} if include else {}) | {"exclude": [each[1:] for each in given if each.startswith("-")]}


_FROM_TEXT: Mapping[str, Callable[[str, str], Any]] = {
    "ids": _list,
    "collections": _list,
    "bbox": _numbers,
    "intersects": _json,
    "q": _phrases,
    "query": _json,
    "sortby": _sort_keys,
    "fields": _fields,
    "limit": _number,
    "aggregations": _list,
}


def read_items(given: Given, collections: Sequence[str]) -> ItemQuery:
    """Return the query of a search among some collections. Raises InvalidArgument."""
    wanted = read_texts(given, "collections")
    ids = read_texts(given, "ids")
    if ids is not None and len(ids) > catalog.MAX_IDS:
        raise InvalidArgument(f"ids has {len(ids)} entries; at most {catalog.MAX_IDS} are looked for.", field="ids")
    return ItemQuery(
        tuple(each for each in collections if not wanted or each in wanted),
        tuple(ids) if ids else None,
        tuple(_terms(given)),
        tuple(read_order(given)),
        read_limit(given, catalog.DEFAULT_LIMIT),
        read_text(given, "token"),
    )


def _terms(given: Given) -> list[Term]:
    terms: list[Term] = []
    if "bbox" in given and "intersects" in given:
        raise InvalidArgument("bbox and intersects are both given; give one of them.", field="intersects")
    if "bbox" in given:
        terms.append(catalog.Spatial("s_intersects", catalog.read_box(given["bbox"], "bbox")))
    if "intersects" in given:
        terms.append(catalog.Spatial("s_intersects", catalog.read_shape(given["intersects"], "intersects")))
    if (text := read_text(given, "datetime")) is not None:
        terms.append(catalog.During("t_intersects", "datetime", "datetime", catalog.read_interval(text, "datetime")))
    if phrases := read_phrases(given):
        terms.append(catalog.Words(phrases))
    if "query" in given:
        terms.append(catalog.read_query(given["query"]))
    if read_text(given, "filter-crs") not in (None, CRS84):
        raise InvalidArgument(f"filter-crs is not known; it must be {CRS84}.", field="filter-crs")
    if "filter" in given:
        terms.append(catalog.read_filter(given["filter"], read_text(given, "filter-lang") or "cql2-text"))
    return terms


def read_phrases(given: Given) -> tuple[str, ...]:
    """Return what free text looks for, any of which is enough: in lower case, with single spaces."""
    phrases = given.get("q")
    if isinstance(phrases, str):
        phrases = _phrases("q", phrases)
    words = [" ".join(each.replace('"', " ").lower().split()) for each in _strings(phrases or [], "q")]
    if len(words) > MAX_PHRASES:
        raise InvalidArgument(f"q has {len(words)} phrases; at most {MAX_PHRASES} are looked for.", field="q")
    return tuple(each for each in words if each)


def read_order(given: Given) -> list[SortKey]:
    """Return what is to be sorted by. Raises InvalidArgument."""
    keys = given.get("sortby", [])
    right = 'it must be a list such as [{"field": "datetime", "direction": "desc"}], or in a URL -datetime'
    if not isinstance(keys, list) or not all(isinstance(each, dict) for each in keys):
        raise InvalidArgument(f"sortby cannot be read; {right}.", field="sortby")
    if len(keys) > catalog.MAX_SORT_KEYS:
        raise InvalidArgument(f"sortby has {len(keys)} keys; at most {catalog.MAX_SORT_KEYS} are.", field="sortby")
    order = []
    for key in keys:
        name, direction = key.get("field"), key.get("direction", "asc")
        if not isinstance(name, str) or not name or direction not in ("asc", "desc"):
            raise InvalidArgument(f"sortby cannot be read; {right}.", field="sortby")
        order.append(SortKey(catalog.property_name(name), direction == "asc"))
    return order


def read_limit(given: Given, otherwise: int) -> int:
    """Return how long a page may be; what is asked for above the greatest is that. Raises InvalidArgument."""
    limit = given.get("limit", otherwise)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        shown = msgspec.json.encode(limit).decode()[:100]
        raise InvalidArgument(f"limit is {shown}; it must be from 1 to {catalog.MAX_LIMIT}.", field="limit")
    return min(limit, catalog.MAX_LIMIT)


def read_fields(given: Given) -> Fields:
    """Return which fields are to be shown. Raises InvalidArgument."""
    fields = given.get("fields", {})
    if not isinstance(fields, dict) or fields.keys() - {"include", "exclude"}:
        raise InvalidArgument('fields must be an object such as {"include": ["id"], "exclude": []}.', field="fields")
    include, exclude = (_strings(fields.get(each) or [], "fields") for each in ("include", "exclude"))
    if "include" in fields and not include and exclude:
        return Fields(DEFAULT_FIELDS - frozenset(exclude))
    return Fields(frozenset(include), frozenset(exclude))


def read_text(given: Given, name: str) -> str | None:
    """Return a text, None where it is not given. Raises InvalidArgument."""
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidArgument(f"{name} must be a text.", field=name)
    return None if value is None else check_text(value, name)


def read_texts(given: Given, name: str) -> list[str] | None:
    """Return a list of texts, None where it is not given. Raises InvalidArgument."""
    values = given.get(name)
    # One alone is often sent without a list around it.
    return None if values is None else _strings([values] if isinstance(values, str) else values, name)


def _strings(values: Any, name: str) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise InvalidArgument(f"{name} must be a list of texts.", field=name)
    return [check_text(each, name) for each in values]
