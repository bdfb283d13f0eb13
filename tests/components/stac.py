"""Validation of STAC objects without a network: the core by pystac's schemas, extensions by ``tests/stac_schemas``.

Formats are checked too: an item whose ``datetime`` is no RFC 3339 time, or whose extension is no URL, is not valid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft7Validator, FormatChecker
from jsonschema.exceptions import ValidationError, best_match
from pystac.validation.local_validator import get_local_schema_cache
from referencing import Registry
from referencing.jsonschema import DRAFT7

SCHEMAS = Path(__file__).parents[1] / "stac_schemas" / "ext"
CORE = "https://schemas.stacspec.org/v1.1.0/{0}-spec/json-schema/{0}.json"
EXTENSION = "https://stac-extensions.github.io/{}/{}/schema.json"

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time")
def _is_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    if not _RFC_3339.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


@_FORMATS.checks("uri")
@_FORMATS.checks("iri")
def _is_url(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        return bool(urlsplit(value).scheme) and not re.search(r"[\s<>\"{}|\\^`]", value)
    except ValueError:
        return False


class InvalidSTAC(AssertionError):
    """A STAC object that is not valid; the message says where and why."""


def validate_item(item: dict[str, Any]) -> None:
    """Validate an item against STAC 1.1.0 and every extension that it claims. Raises InvalidSTAC."""
    _validate(CORE.format("item"), item)
    _validate_extensions(item)


def validate_items(items: Iterable[dict[str, Any]]) -> None:
    """Validate each of some items."""
    for item in items:
        validate_item(item)


def validate_collection(collection: dict[str, Any]) -> None:
    """Validate a collection against STAC 1.1.0 and every extension that it claims. Raises InvalidSTAC."""
    _validate(CORE.format("collection"), collection)
    _validate_extensions(collection)


def validate_catalog(catalog: dict[str, Any]) -> None:
    """Validate a catalog, a landing page say, against STAC 1.1.0. Raises InvalidSTAC."""
    _validate(CORE.format("catalog"), catalog)


def _validate_extensions(object: dict[str, Any]) -> None:
    for url in object.get("stac_extensions", []):
        _validate(url, object)


def _validate(url: str, object: dict[str, Any]) -> None:
    # What cannot be sent as JSON is not valid either: NaN, times, keys that are no text.
    text = json.dumps(object, allow_nan=False)
    error = best_match(_validator(url).iter_errors(json.loads(text)))
    if error is not None:
        raise InvalidSTAC(f"{object.get('id')!r} is not valid by {url}: {_explain(error)}")


def _explain(error: ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path) or "the object"
    inner = "; ".join(_explain(each) for each in error.context or ()) if error.validator in {"oneOf", "anyOf"} else ""
    return f"{where}: {error.message[:500]}" + (f" ({inner[:1000]})" if inner else "")


@cache
def _validator(url: str) -> Draft7Validator:
    schemas = known_schemas()
    key = url.removesuffix("#")
    if key not in schemas:
        raise InvalidSTAC(f"no schema of {url} lies in {SCHEMAS}")
    return Draft7Validator(schemas[key], registry=_registry(), format_checker=_FORMATS)


@cache
def known_schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas of the core and of extensions by their URLs."""
    found: dict[str, dict[str, Any]] = dict(get_local_schema_cache())
    for path in sorted(SCHEMAS.glob("*/*.json")):
        found[EXTENSION.format(path.parent.name, path.stem)] = json.loads(path.read_text())
    return found


@cache
def _registry() -> Registry[Any]:
    resources = ((url, DRAFT7.create_resource(schema)) for url, schema in known_schemas().items())
    return Registry().with_resources(resources)
