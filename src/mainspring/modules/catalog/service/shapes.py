"""Boxes and geometries of searches, checked before anything reckons with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from mainspring.kit.errors import InvalidArgument
from mainspring.modules.catalog.store.search_terms import Box

MAX_POSITIONS = 10_000
"""So many positions may a geometry of a search have."""

_DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
_MAX_NESTED = 4


def read_box(numbers: Any, field: str) -> Box:
    """Return the box of 4 numbers, or of 6 with heights, which are not looked at. Raises InvalidArgument."""
    right = "it must be west, south, east, north in degrees, or west, south, lowest, east, north, highest"
    if not isinstance(numbers, Sequence) or isinstance(numbers, str) or not all(map(_is_number, numbers)):
        raise InvalidArgument(f"{field} is {_shown(numbers)}; {right}.", field=field)
    if len(numbers) not in (4, 6):
        raise InvalidArgument(f"{field} has {len(numbers)} numbers; {right}.", field=field)
    half = len(numbers) // 2
    west, south, east, north = numbers[0], numbers[1], numbers[half], numbers[half + 1]
    if not (abs(west) <= 180 and abs(east) <= 180 and -90 <= south <= north <= 90):
        raise InvalidArgument(f"{field} is {_shown(numbers)}; {right}, and south not above north.", field=field)
    if len(numbers) == 6 and numbers[2] > numbers[5]:
        raise InvalidArgument(f"{field} is {_shown(numbers)}; {right}, and lowest not above highest.", field=field)
    return Box(float(west), float(south), float(east), float(north))


def read_shape(geometry: Any, field: str) -> bytes:
    """Return a GeoJSON geometry as JSON. Raises InvalidArgument for what is none, or is too large."""
    if _count(geometry, field, 0) > MAX_POSITIONS:
        raise InvalidArgument(f"{field} has more than {MAX_POSITIONS} positions; send a simpler shape.", field=field)
    text = msgspec.json.encode(geometry)
    _check_shape(text, field)
    return text


def _check_shape(text: bytes, field: str) -> None:
    import shapely

    try:
        shapely.from_geojson(text)
    except (shapely.GEOSException, ValueError) as error:
        raise InvalidArgument(f"{field} is no geometry: {error}.", field=field) from error


def _count(geometry: Any, field: str, nested: int) -> int:
    """Return how many positions a geometry has; each is checked."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind == "GeometryCollection" and nested < _MAX_NESTED:
        parts = geometry.get("geometries")
        if not isinstance(parts, list) or not parts:
            raise InvalidArgument(f"{field}: a GeometryCollection has a list of 'geometries'.", field=field)
        return sum(_count(each, field, nested + 1) for each in parts)
    if not isinstance(kind, str) or kind not in _DEPTHS:
        right = ", ".join([*_DEPTHS, "GeometryCollection"])
        raise InvalidArgument(
            f"{field} is {_shown(geometry)}; it must be a GeoJSON geometry of one of the types {right}.", field=field
        )
    return _positions(geometry.get("coordinates"), _DEPTHS[kind], field)


def _positions(value: Any, depth: int, field: str) -> int:
    if not isinstance(value, list) or not value:
        raise InvalidArgument(f"{field}: {_shown(value)} stands where coordinates were expected.", field=field)
    if depth > 0:
        return sum(_positions(each, depth - 1, field) for each in value)
    if not 2 <= len(value) <= 4 or not all(map(_is_number, value)) or abs(value[0]) > 180 or abs(value[1]) > 90:
        raise InvalidArgument(
            f"{field}: {_shown(value)} is no position; it must be longitude (-180 to 180) and latitude (-90 to 90).",
            field=field,
        )
    return 1


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()[:100]
