"""SQL of searches in the catalog: pages of items with their exact number, and counts over all that is found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Double,
    Select,
    SelectBase,
    String,
    TableClause,
    and_,
    case,
    column,
    false,
    func,
    or_,
    select,
    table,
)
from sqlalchemy.sql.selectable import NamedFromClause
from sqlalchemy.types import TypeEngine

from mainspring.kit.sql_engines import planned_for_values
from mainspring.modules.catalog.store.search_conditions import NUMBERS, TEXTS, TIMES, holds
from mainspring.modules.catalog.store.search_terms import Asked, Place, SortKey
from mainspring.modules.catalog.tables import catalog_items, catalog_values

Visible = SelectBase
"""What selects the keys of the projects that may be seen."""

DAY_MS = 86_400_000
ORDERS = 100
"""So many kinds of order are remembered."""

BEFORE = 1_000_000
"""Days before the epoch, further back than any time."""


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """An item as it is kept; ``content`` is JSON."""

    key: int
    project: int
    collection: str
    slug: str
    stars: int
    etag: str
    content: str


_COLUMNS = [catalog_items.c[name] for name in ("id", "project", "collection", "slug", "stars", "etag", "content")]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found: items with their positions in the order, and how many there are of all."""

    records: list[ItemRecord]
    positions: list[tuple[Any, ...]]
    matched: int
    more: bool


@dataclass(frozen=True, slots=True)
class Extent:
    """What the items of a collection span together; the box is None where none has a shape."""

    collection: str
    count: int
    start: int
    end: int
    box: tuple[float, float, float, float] | None
    updated_at: int


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the order of items."""

    of: ColumnElement[Any]
    kind: type[str] | type[int] | type[float]
    ascending: bool


def kinds_of(order: Sequence[SortKey]) -> list[type[str] | type[int] | type[float]]:
    """Return the types of the values that a position in an order is made of."""
    return [each.kind for each in _columns(order)[0]]


def find_page(
    tx: Connection, visible: Visible, asked: Asked, order: Sequence[SortKey], limit: int, place: Place | None
) -> Found:
    """Return a page of the items that are asked for, in an order that no two share a place in."""
    columns, joined = _columns(order)
    result = _result_of(tuple(column.kind for column in columns))
    keyed = [column.of.label(key.name) for column, key in zip(columns, result.matched.c, strict=True)]
    matched = select(*keyed).select_from(joined).where(_wanted(tx, visible, asked)).cte(result.matched.name)
    backwards = place is not None and place.backwards
    ascending = [column.ascending != backwards for column in columns]
    page = result.counted.order_by(*_directed(result.matched.c, ascending)).limit(limit + 1)
    if place is not None:
        page = page.where(_behind(result.matched.c, ascending, place.position))
    chosen = result.chosen.order_by(*_directed(result.page.c, ascending))
    with planned_for_values(tx):
        rows = tx.execute(chosen.add_cte(matched, page.cte(result.page.name))).all()
    total = rows[0][-1] if rows else tx.execute(select(func.count()).select_from(matched)).scalar_one()
    shown = rows[:limit][::-1] if backwards else rows[:limit]
    width = len(_COLUMNS)
    return Found(
        [ItemRecord(*row[:width]) for row in shown], [row[width:-1] for row in shown], total, len(rows) > limit
    )


@dataclass(frozen=True, slots=True)
class _Result:
    """What becomes of all that is found: ``matched``, whose ``counted`` part is ``page``, with the items ``chosen``."""

    matched: TableClause
    page: TableClause
    counted: Select[Any]
    chosen: Select[Any]


@lru_cache(maxsize=ORDERS)
def _result_of(kinds: tuple[type[Any], ...]) -> _Result:
    """Return what becomes of what is found, by the types of its order: made once, as that takes long."""
    names = [f"k{number}" for number in range(len(kinds))]
    matched, page = (
        table(name, *(column(key, _SQL_TYPES[kind]) for key, kind in zip(names, kinds, strict=True)))
        for name in ("matched", "page")
    )
    total = select(func.count()).select_from(matched).scalar_subquery().label("total")
    placed = catalog_items.join(page, page.c[names[-1]] == catalog_items.c.id)
    chosen = select(*_COLUMNS, *page.c, column("total")).select_from(placed)
    return _Result(matched, page, select(*matched.c, total), chosen)


_SQL_TYPES: dict[type[Any], type[TypeEngine[Any]]] = {str: String, int: BigInteger, float: Double}


def _directed(keys: Iterable[ColumnElement[Any]], ascending: Sequence[bool]) -> list[ColumnElement[Any]]:
    """Return what rows are ordered by."""
    return [key.asc() if up else key.desc() for key, up in zip(keys, ascending, strict=True)]


def find_item(tx: Connection, visible: Visible, asked: Asked) -> ItemRecord | None:
    """Return the item that is asked for, or None."""
    row = tx.execute(select(*_COLUMNS).where(_wanted(tx, visible, asked))).first()
    return None if row is None else ItemRecord(*row)


def list_extents(tx: Connection, visible: Visible, collections: Sequence[str]) -> list[Extent]:
    """Return what collections span, of those that have an item."""
    items = catalog_items.c
    crossing = items.west > items.east
    found = (
        select(
            items.collection,
            func.count(),
            func.min(items.start_at),
            func.max(items.end_at),
            func.min(case((crossing, -180.0), else_=items.west)),
            func.min(items.south),
            func.max(case((crossing, 180.0), else_=items.east)),
            func.max(items.north),
            func.max(items.updated_at),
        )
        .where(_wanted(tx, visible, Asked(collections)))
        .group_by(items.collection)
    )
    extents = []
    for name, count, start, end, west, south, east, north, updated in tx.execute(found):
        box = None if west is None else (west, south, east, north)
        extents.append(Extent(name, count, start, end, box, updated))
    return extents


def span(tx: Connection, visible: Visible, asked: Asked) -> tuple[int, int | None, int | None]:
    """Return how many items are asked for, and from when to when their times last."""
    items = catalog_items.c
    found = select(func.count(), func.min(items.start_at), func.max(items.end_at)).where(_wanted(tx, visible, asked))
    count, start, end = tx.execute(found).one()
    return count, start, end


def count_collections(tx: Connection, visible: Visible, asked: Asked) -> list[tuple[str, int]]:
    """Return how many of the items that are asked for are in which collection, the most first."""
    name = catalog_items.c.collection
    found = select(name, func.count()).where(_wanted(tx, visible, asked)).group_by(name)
    return [(key, count) for key, count in tx.execute(found.order_by(func.count().desc(), name))]


def count_days(tx: Connection, visible: Visible, asked: Asked) -> list[tuple[int, int]]:
    """Return on how many days since the epoch how many of the items begin that are asked for."""
    # Both databases cut a quotient towards zero: from far below it is always downwards.
    day = ((catalog_items.c.start_at + BEFORE * DAY_MS) // DAY_MS).label("day")
    found = select(day, func.count()).where(_wanted(tx, visible, asked)).group_by(day).order_by(day)
    return [(number - BEFORE, count) for number, count in tx.execute(found)]


def count_values(tx: Connection, visible: Visible, asked: Asked, name: str, limit: int) -> list[tuple[Any, int]]:
    """Return the most frequent texts of a property among the items that are asked for, at most ``limit`` of them."""
    text = catalog_values.c.text
    found = (
        select(text, func.count())
        .join_from(catalog_items, catalog_values, catalog_values.c.item == catalog_items.c.id)
        .where(catalog_values.c.name == name, text.is_not(None), _wanted(tx, visible, asked))
        .group_by(text)
        .order_by(func.count().desc(), text)
        .limit(limit)
    )
    return [(key, count) for key, count in tx.execute(found)]


def list_names(tx: Connection, visible: Visible, asked: Asked) -> list[tuple[str, bool, bool]]:
    """Return the names of the properties that items have, and whether there are texts and numbers of each."""
    name, text, number = catalog_values.c.name, catalog_values.c.text, catalog_values.c.number
    found = (
        select(name, func.count(text) > 0, func.count(number) > 0)
        .where(catalog_values.c.item.in_(select(catalog_items.c.id).where(_wanted(tx, visible, asked))))
        .group_by(name)
        .order_by(name)
    )
    return [(each, bool(texts), bool(numbers)) for each, texts, numbers in tx.execute(found)]


def _wanted(tx: Connection, visible: Visible, asked: Asked) -> ColumnElement[bool]:
    """Return the condition that an item is one that is asked for, and may be seen: that of every list and count."""
    within = and_(catalog_items.c.project.in_(visible), catalog_items.c.collection.in_(asked.collections))
    if asked.slugs is not None:
        named = or_(catalog_items.c.slug.in_(asked.slugs), catalog_items.c.project.in_(asked.projects))
        within = and_(within, named)
    return and_(within, *(holds(tx, term, within) for term in asked.terms))


def _columns(order: Sequence[SortKey]) -> tuple[list[_Column], Any]:
    """Return what items are sorted by, the key last, and the tables that it is in.

    What an item lacks comes last in either direction, and numbers before texts.
    """
    columns: list[_Column] = []
    joined: Any = catalog_items
    for number, key in enumerate(order):
        if key.name in TEXTS:
            columns.append(_Column(TEXTS[key.name], str, key.ascending))
        elif key.name in TIMES:
            columns.append(_Column(TIMES[key.name][0], int, key.ascending))
        elif key.name in NUMBERS:
            columns.append(_Column(NUMBERS[key.name], int, key.ascending))
        else:
            values = _values_by(number)
            first = and_(values.c.item == catalog_items.c.id, values.c.name == key.name, values.c.place == 0)
            joined = joined.outerjoin(values, first)
            kind = case((values.c.number.is_not(None), 0), (values.c.text.is_not(None), 1), else_=2)
            columns.append(_Column(kind, int, True))
            columns.append(_Column(func.coalesce(values.c.number, 0.0), float, key.ascending))
            columns.append(_Column(func.coalesce(values.c.text, ""), str, key.ascending))
    columns.append(_Column(catalog_items.c.id, int, True))
    return columns, joined


@cache
def _values_by(number: int) -> NamedFromClause:
    """Return the values of the property that is sorted by in this place: SQLAlchemy takes long to make such a name."""
    return catalog_values.alias(f"v{number}")


def _behind(keys: Iterable[ColumnElement[Any]], ascending: Sequence[bool], position: Sequence[Any]) -> Any:
    """Return the condition that a row comes behind a position, by the first key in which the two differ."""
    behind: ColumnElement[bool] = false()
    for key, up, value in list(zip(keys, ascending, position, strict=True))[::-1]:
        further = key > value if up else key < value
        behind = or_(further, and_(key == value, behind))
    return behind
