"""SQL that keeps the catalog's items: what is written is what changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, insert, or_, select, update

from mainspring.kit.sql_engines import chosen, insert_rows
from mainspring.modules.catalog.tables import catalog_items, catalog_values

Value = tuple[str, int, str | None, float | None]
"""Name, place, text and number of a value of a property."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An item as it is to be kept, but for its project and slug; the fields are the columns' of ``catalog_items``."""

    collection: str
    title: str
    created_at: int
    updated_at: int
    start_at: int
    end_at: int
    west: float | None
    south: float | None
    east: float | None
    north: float | None
    boxed: bool
    stars: int
    warnings: int
    etag: str
    words: str
    content: str


@dataclass(frozen=True, slots=True)
class Warned:
    """An item whose metadata has warnings; ``content`` is JSON."""

    key: int
    project: int
    collection: str
    slug: str
    content: str


_COLUMNS = tuple(Entry.__slots__)
_VALUE = ("item", "name", "place", "text", "number")


def list_etags(tx: Connection, project: int) -> dict[str, tuple[int, str]]:
    """Return the keys and etags of a project's items by their collections."""
    found = select(catalog_items.c.collection, catalog_items.c.id, catalog_items.c.etag)
    return {row[0]: (row[1], row[2]) for row in tx.execute(found.where(catalog_items.c.project == project))}


def find_content(tx: Connection, project: int) -> str | None:
    """Return the content of an item of a project as JSON, None for one without items: a README is the same in all."""
    found = select(catalog_items.c.content).where(catalog_items.c.project == project).order_by(catalog_items.c.id)
    return tx.execute(found.limit(1)).scalar_one_or_none()


def insert_item(tx: Connection, project: int, slug: str, entry: Entry, values: Sequence[Value], now: int) -> None:
    """Insert an item with the values of its properties."""
    columns = {name: getattr(entry, name) for name in _COLUMNS}
    made = insert(catalog_items).values(columns | {"project": project, "slug": slug, "indexed_at": now})
    _insert_values(tx, tx.execute(made.returning(catalog_items.c.id)).scalar_one(), values)


def update_item(tx: Connection, key: int, entry: Entry, values: Sequence[Value], now: int) -> None:
    """Put an item, with the values of its properties, in place of what it was."""
    columns: dict[str, Any] = {name: getattr(entry, name) for name in _COLUMNS}
    tx.execute(update(catalog_items).where(catalog_items.c.id == key).values(columns | {"indexed_at": now}))
    tx.execute(delete(catalog_values).where(catalog_values.c.item == key))
    _insert_values(tx, key, values)


def _insert_values(tx: Connection, item: int, values: Sequence[Value]) -> None:
    if values:
        insert_rows(tx, catalog_values, _VALUE, [(item, *value) for value in values], ignore=False)


def delete_items(tx: Connection, project: int, but: Collection[str] = ()) -> None:
    """Delete the items of a project, but for those in some collections."""
    gone = and_(catalog_items.c.project == project, catalog_items.c.collection.not_in(but))
    keys = list(tx.execute(select(catalog_items.c.id).where(gone)).scalars())
    if keys:
        tx.execute(delete(catalog_values).where(catalog_values.c.item.in_(keys)))
        tx.execute(delete(catalog_items).where(catalog_items.c.id.in_(keys)))


def list_stars(tx: Connection, projects: Collection[int]) -> dict[int, int]:
    """Return how many stars projects have that are in the catalog, by their keys."""
    found: dict[int, int] = {}
    for part in chosen(projects, 1_000):
        wanted = select(catalog_items.c.project, catalog_items.c.stars).where(catalog_items.c.project.in_(part))
        found |= {row[0]: row[1] for row in tx.execute(wanted)}
    return found


def list_contents(tx: Connection, project: int) -> list[tuple[int, str]]:
    """Return the keys and contents of a project's items."""
    wanted = select(catalog_items.c.id, catalog_items.c.content).where(catalog_items.c.project == project)
    return [(row[0], row[1]) for row in tx.execute(wanted)]


def set_stars(tx: Connection, item: int, stars: int, name: str, content: str, etag: str) -> None:
    """Set how many stars an item has: its column, its content, and the property of that name."""
    values: dict[str, Any] = {"stars": stars, "content": content, "etag": etag}
    tx.execute(update(catalog_items).where(catalog_items.c.id == item).values(values))
    own = (catalog_values.c.item == item, catalog_values.c.name == name)
    tx.execute(update(catalog_values).where(*own).values(number=float(stars)))


def list_warned(
    tx: Connection, visible: Select[Any], project: int | None, after: tuple[str, str], limit: int
) -> list[Warned]:
    """Return items with warnings of some projects, or of one of them, by slug and collection, behind ``after``."""
    items = catalog_items.c
    behind = or_(items.slug > after[0], and_(items.slug == after[0], items.collection > after[1]))
    wanted = select(items.id, items.project, items.collection, items.slug, items.content).where(
        items.warnings > 0, items.project.in_(visible), behind
    )
    if project is not None:
        wanted = wanted.where(items.project == project)
    return [Warned(*row) for row in tx.execute(wanted.order_by(items.slug, items.collection).limit(limit))]
