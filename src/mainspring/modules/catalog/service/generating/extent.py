"""Where an item is: a bounding box, WKT or GeoJSON of the front matter, checked, and bounded in size.

A project that does not say where it is has no geometry, which STAC allows, rather than the whole world: most models
and data sets are nowhere in particular, and would else be found by every search for a place. SharingHub's later
versions do the same, so its clients expect it. A search by place leaves such items out.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from mainspring.modules.catalog.service.generating.reporting import Report, shown

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

MOST_POINTS = 5000
_MOST_TO_MEND = 200
_WKT = re.compile(r"(?i)(?:MULTI)?(?:POINT|LINESTRING|POLYGON)\s*(?:Z|M|ZM)?\s*(?:\(|EMPTY)")
_SRID = re.compile(r"(?i)SRID\s*=\s*4326\s*;")
_KINDS = {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"}
_RIGHT = "it must be [west, south, east, north] in degrees, a geometry as WKT, or one as GeoJSON"

Place = tuple[dict[str, Any], list[float]]


def place_of(extent: object, report: Report) -> tuple[dict[str, Any] | None, list[float] | None]:
    """Return the geometry and the bounding box (west, south, east, north) of an ``extent``, None and None without."""
    if extent is None:
        return None, None
    if not isinstance(extent, dict):
        message = f"extent is {shown(extent)}; it must have the keys 'spatial' and 'temporal'."
        report.warn("extent_invalid", "extent", message)
        return None, None
    if unknown := sorted(set(extent) - {"spatial", "bbox", "geometry", "temporal"}):
        right = "they must be 'spatial' and 'temporal'"
        report.warn("extent_invalid", "extent", f"extent has the keys {shown(unknown)}; {right}.")
    name = next((each for each in ("spatial", "bbox", "geometry") if extent.get(each) is not None), None)
    if name is None:
        return None, None
    return _read(extent[name], f"extent.{name}", report) or (None, None)


def _read(value: object, field: str, report: Report) -> Place | None:
    if isinstance(value, dict) and "bbox" in value and "type" not in value:
        value = value["bbox"]
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    if isinstance(value, str):
        numbers = _numbers(value.split(",")) if value.count(",") < 6 else None
        return _from_wkt(value, field, report) if numbers is None else _from_bbox(numbers, field, report)
    if isinstance(value, dict):
        return _from_geojson(value, field, report)
    numbers = _numbers(value) if isinstance(value, list) else None
    if numbers is None:
        return _refuse(value, field, report, _RIGHT)
    return _from_bbox(numbers, field, report)


def _numbers(values: list[Any]) -> list[float] | None:
    try:
        found = [float(each) for each in values if not isinstance(each, bool)]
    except (TypeError, ValueError):
        return None
    return found if len(found) == len(values) and all(map(math.isfinite, found)) else None


def _refuse(value: object, field: str, report: Report, right: str) -> Place | None:
    report.warn("extent_invalid", field, f"{field} is {shown(value)}; {right}.")
    return None


def _from_bbox(numbers: list[float], field: str, report: Report) -> Place | None:
    if len(numbers) not in {4, 6}:
        return _refuse(numbers, field, report, f"a bounding box has 4 numbers or 6, not {len(numbers)}")
    half = len(numbers) // 2
    west, south, east, north = numbers[0], numbers[1], numbers[half], numbers[half + 1]
    if not _in_world(west, south, east, north):
        right = "longitudes must be from -180 to 180 and latitudes from -90 to 90, longitude first"
        return _refuse(numbers, field, report, right)
    # West of its own east means a box across the antimeridian; one that would span most of the world is a mistake.
    swapped = west > east and west - east < 180
    if south > north or swapped:
        south, north = sorted((south, north))
        west, east = (east, west) if swapped else (west, east)
        box = [west, south, east, north]
        message = f"{field} is {shown(numbers)}, its corners the wrong way round; {shown(box)} was put."
        report.warn("extent_reordered", field, message)
    return box_of(west, south, east, north), [west, south, east, north]


def _in_world(west: float, south: float, east: float, north: float) -> bool:
    return all(-180 <= each <= 180 for each in (west, east)) and all(-90 <= each <= 90 for each in (south, north))


def box_of(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """Return the geometry of a bounding box, in two parts where it crosses the antimeridian."""
    if west > east:
        parts = ((west, 180.0), (-180.0, east))
        rings = [[_ring(left, south, right, north)] for left, right in parts if left != right]
        return {"type": "MultiPolygon", "coordinates": rings}
    if west == east and south == north:
        return {"type": "Point", "coordinates": [west, south]}
    if west == east or south == north:
        return {"type": "LineString", "coordinates": [[west, south], [east, north]]}
    return {"type": "Polygon", "coordinates": [_ring(west, south, east, north)]}


def _ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _from_wkt(text: str, field: str, report: Report) -> Place | None:
    import shapely

    plain = _SRID.sub("", text.strip(), count=1)
    # Collections are not read: each in another one makes the reader call itself, and many would end the process.
    if not _WKT.match(plain):
        return _refuse(text, field, report, _RIGHT)
    if plain.count(",") > MOST_POINTS:
        return _refuse(text, field, report, f"a geometry may have {MOST_POINTS} points")
    try:
        geometry = shapely.from_wkt(plain)
    except shapely.errors.ShapelyError:
        return _refuse(text, field, report, _RIGHT)
    return _from_geometry(geometry, text, field, report)


def _from_geojson(value: dict[str, Any], field: str, report: Report) -> Place | None:
    import shapely

    inner = value.get("geometry") if value.get("type") == "Feature" else value
    if not isinstance(inner, dict) or inner.get("type") not in _KINDS:
        return _refuse(value, field, report, _RIGHT)
    text = json.dumps({"type": inner["type"], "coordinates": inner.get("coordinates")})
    if text.count(",") > 2 * MOST_POINTS:
        return _refuse(inner["type"], field, report, f"a geometry may have {MOST_POINTS} points")
    try:
        geometry = shapely.from_geojson(text)
    except shapely.errors.ShapelyError:
        return _refuse(value, field, report, _RIGHT)
    return _from_geometry(geometry, value, field, report)


def _from_geometry(geometry: BaseGeometry | None, value: object, field: str, report: Report) -> Place | None:
    import shapely

    if geometry is None or geometry.is_empty or geometry.geom_type not in _KINDS:
        return _refuse(value, field, report, _RIGHT)
    flat = shapely.force_2d(geometry)
    bounds = [float(each) for each in flat.bounds]
    if not all(map(math.isfinite, bounds)) or not _in_world(*bounds):
        right = "longitudes must be from -180 to 180 and latitudes from -90 to 90, longitude first"
        return _refuse(value, field, report, right)
    # To mend lines that cross takes time in proportion to the square of their number.
    if not flat.is_valid and shapely.get_num_coordinates(flat) > _MOST_TO_MEND:
        return _refuse(value, field, report, "its lines must not cross one another")
    try:
        whole = _valid(flat)
    except shapely.errors.ShapelyError:
        return _refuse(value, field, report, "its lines must not cross one another")
    if whole.is_empty or whole.geom_type not in _KINDS or shapely.get_num_coordinates(whole) > MOST_POINTS:
        return _refuse(value, field, report, "its lines must not cross one another")
    found = json.loads(shapely.to_geojson(whole))
    return {"type": found["type"], "coordinates": found["coordinates"]}, [float(each) for each in whole.bounds]


def _valid(geometry: BaseGeometry) -> BaseGeometry:
    """Return a geometry that others can compute with, its outer rings counter-clockwise as GeoJSON has them."""
    import shapely

    whole = geometry if geometry.is_valid else shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    return shapely.orient_polygons(whole, exterior_cw=False) if hasattr(shapely, "orient_polygons") else whole
