"""Where an item is, as the front matter has it: a box where that is all, else WKT."""

from __future__ import annotations

import json
import math
from typing import Any

from mainspring.kit.errors import InvalidArgument
from mainspring.modules.catalog.service.generating.extent import box_of

_DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""How many lists are around the points of a geometry."""


def place_text(geometry: dict[str, Any], bbox: list[Any] | None) -> list[Any] | str:
    """Return a geometry as ``extent.spatial``: the bounding box where that is the geometry, else WKT.

    Raises InvalidArgument for what is no geometry that an item can have.
    """
    kind, points = geometry.get("type"), geometry.get("coordinates")
    if kind not in _DEPTHS:
        raise InvalidArgument(
            f"geometry.type is {json.dumps(kind)[:100]}; it must be one of {', '.join(_DEPTHS)}.", field="geometry.type"
        )
    if bbox is not None and len(bbox) == 4 and all(map(_is_number, bbox)):
        west, south, east, north = map(float, bbox)
        if is_same_shape(geometry, box_of(west, south, east, north)):
            return bbox
    return f"{kind.upper()} {_listed(points, _DEPTHS[kind]) if kind != 'Point' else f'({_point(points)})'}"


def is_same_shape(one: dict[str, Any] | None, other: dict[str, Any] | None) -> bool:
    """Say whether two geometries have the same points in the same order, in whichever direction their rings go."""
    import shapely

    if one is None or other is None:
        return one is other
    if one.get("type") != other.get("type") or _flattened(one.get("coordinates")) is None:
        return False
    try:
        first, second = (shapely.normalize(shapely.from_geojson(json.dumps(each))) for each in (one, other))
    except shapely.errors.ShapelyError:
        return False
    return bool(shapely.equals_exact(first, second, 0))


def _flattened(points: Any) -> list[float] | None:
    """Return the numbers of coordinates in two dimensions, None for any others."""
    if not isinstance(points, list):
        return None
    if points and not isinstance(points[0], list):
        return points if len(points) == 2 and all(map(_is_number, points)) else None
    found: list[float] = []
    for each in points:
        inner = _flattened(each)
        if inner is None:
            return None
        found += inner
    return found


def _listed(points: Any, depth: int) -> str:
    if depth == 0:
        return _point(points)
    if not isinstance(points, list) or not points:
        raise _no_points()
    return f"({', '.join(_listed(each, depth - 1) for each in points)})"


def _point(point: Any) -> str:
    if not isinstance(point, list) or not all(map(_is_number, point)):
        raise _no_points()
    if len(point) != 2:
        raise InvalidArgument("geometry.coordinates has points of other than two numbers.", field="geometry")
    return f"{point[0]!r} {point[1]!r}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _no_points() -> InvalidArgument:
    right = "they must be lists of longitude and latitude, as GeoJSON has them for the geometry's type"
    return InvalidArgument(f"geometry.coordinates cannot be read; {right}.", field="geometry.coordinates")
