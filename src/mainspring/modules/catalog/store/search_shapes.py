"""Relations between the shapes of items and a given one: by boxes in SQL, and where that is not exact by shapely."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec import Raw, Struct, json
from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Select,
    TextClause,
    and_,
    bindparam,
    case,
    false,
    not_,
    or_,
    select,
    text,
)

from mainspring.kit.sql import among
from mainspring.kit.sql_engines import chosen
from mainspring.modules.catalog.store.search_terms import Box, Spatial
from mainspring.modules.catalog.tables import catalog_items

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Condition = ColumnElement[bool]
items = catalog_items.c
PART = 1_000
"""So many shapes are in memory at a time."""


class _Shaped(Struct):
    geometry: Raw


def spatial_condition(tx: Connection, term: Spatial, within: Condition) -> Condition:
    """Return the condition that the shape of an item has a relation to a given one."""
    if term.relation == "s_disjoint":
        meets = spatial_condition(tx, Spatial("s_intersects", term.shape), within)
        return and_(items.west.is_not(None), not_(meets))
    if isinstance(term.shape, Box) and term.relation == "s_intersects":
        return _meets_box(tx, term.shape, within)
    shape = _shape_of(term.shape)
    if shape.is_empty:
        return false()
    west, south, east, north = shape.bounds
    near = _overlaps(Box(west, south, east, north))
    return among(items.id, _related(tx, term.relation, shape, and_(within, near)))


def _meets_box(tx: Connection, box: Box, within: Condition) -> Condition:
    """Return the condition that the shape of an item meets a box: only shapes that stick out of it are looked at."""
    # Few shapes stick out, mostly none: these are found without looking up first who may see what.
    unsure = tx.execute(_unsure(len(box.parts)), _bounds(box)).scalars().all()
    found = _related(tx, "s_intersects", _shape_of(box), and_(within, among(items.id, unsure))) if unsure else []
    sure = or_(items.boxed, _bounded(_INSIDE, box))
    return and_(_overlaps(box), or_(sure, among(items.id, found)) if found else sure)


# As text, and made once: of expressions these took a millisecond of each search.
_OVERLAPS = (
    "catalog_items.south <= :north AND catalog_items.north >= :south",
    "catalog_items.west <= catalog_items.east AND catalog_items.east >= :west AND catalog_items.west <= :east"
    " OR catalog_items.west > catalog_items.east AND (catalog_items.west <= :east OR catalog_items.east >= :west)",
)
_INSIDE = (
    "catalog_items.south >= :south AND catalog_items.north <= :north AND catalog_items.west <= catalog_items.east",
    "catalog_items.west >= :west AND catalog_items.east <= :east",
)
"""Conditions on latitudes and longitudes: that an item's box meets a box, both of which may cross the antimeridian, and
that it lies in one."""


@cache
def _unsure(parts: int) -> Select[int]:
    """Return what finds the items of which their boxes do not tell whether they meet a box of so many parts."""
    near, inside = text(_written(_OVERLAPS, parts)), text(f"NOT {_written(_INSIDE, parts)}")
    return select(items.id).where(near, not_(items.boxed), inside)


def _overlaps(box: Box) -> TextClause:
    """Return the condition that an item's box meets a box."""
    return _bounded(_OVERLAPS, box)


def _bounded(conditions: tuple[str, str], box: Box) -> TextClause:
    values = (bindparam(name, value, Double, unique=True) for name, value in _bounds(box).items())
    return text(_written(conditions, len(box.parts))).bindparams(*values)


@cache
def _written(conditions: tuple[str, str], parts: int) -> str:
    """Return conditions in SQL: the one on longitudes must hold for one of the parts of a box."""
    latitudes, longitudes = conditions
    beside = (longitudes.replace(":west", f":west{n}").replace(":east", f":east{n}") for n in range(parts))
    return f"({latitudes} AND ({' OR '.join(f'({each})' for each in beside)}))"


def _bounds(box: Box) -> dict[str, float]:
    """Return the values of conditions on a box."""
    values = {"south": box.south, "north": box.north}
    for number, (west, east) in enumerate(box.parts):
        values |= {f"west{number}": west, f"east{number}": east}
    return values


def _related(tx: Connection, relation: str, shape: BaseGeometry, candidates: Condition) -> list[int]:
    """Return the keys of the candidates whose shapes have a relation to a shape."""
    import shapely

    relations: dict[str, Callable[..., Any]] = {
        "s_contains": shapely.contains,
        "s_crosses": shapely.crosses,
        "s_equals": shapely.equals,
        "s_intersects": shapely.intersects,
        "s_overlaps": shapely.overlaps,
        "s_touches": shapely.touches,
        "s_within": shapely.within,
    }
    shapely.prepare(shape)
    # Those of them first that need be looked at: their long texts are read by their keys.
    keys = list(tx.execute(select(items.id).where(candidates)).scalars())
    text = case((items.boxed, None), else_=items.content)
    wanted = select(items.id, items.boxed, items.west, items.south, items.east, items.north, text)
    found: list[int] = []
    for part in chosen(keys, PART):
        rows = tx.execute(wanted.where(items.id.in_(part))).all()
        shapes = [
            _shape_of(Box(west, south, east, north)) if boxed else _shape_of(bytes(_geometry(content)))
            for _, boxed, west, south, east, north, content in rows
        ]
        related = relations[relation](shapes, shape)
        found += [row[0] for row, holds in zip(rows, related, strict=True) if holds]
    return found


def _geometry(content: str) -> Raw:
    return json.decode(content, type=_Shaped).geometry


def _shape_of(given: Box | bytes) -> BaseGeometry:
    """Return a valid shape of a box, or of GeoJSON."""
    import shapely

    if isinstance(given, Box):
        parts = [shapely.box(west, given.south, east, given.north) for west, east in given.parts]
        shape = parts[0] if len(parts) == 1 else shapely.union_all(parts)
    else:
        shape = shapely.from_geojson(given)
    return shape if shapely.is_valid(shape) else shapely.make_valid(shape)
