"""SQL of items as lineage shows them: one for each project, in whatever collections it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from mainspring.kit.sql_engines import chosen
from mainspring.modules.catalog.tables import catalog_items


@dataclass(frozen=True, slots=True)
class ItemRow:
    """What is told of an item."""

    project: int
    collection: str
    slug: str
    title: str
    created_at: int
    updated_at: int


def find_items(tx: Connection, projects: Collection[int]) -> list[ItemRow]:
    """Return the items of projects, by project and collection."""
    table = catalog_items.c
    columns = (table.project, table.collection, table.slug, table.title, table.created_at, table.updated_at)
    return [
        ItemRow(*row)
        for part in chosen(projects, 1000)
        for row in tx.execute(select(*columns).where(table.project.in_(part)).order_by(table.project, table.collection))
    ]


def find_contents(tx: Connection, projects: Collection[int]) -> list[tuple[int, str]]:
    """Return (project, content) of items; contents are JSON, and long."""
    found = select(catalog_items.c.project, catalog_items.c.content).where(catalog_items.c.project.in_(projects))
    return [(project, content) for project, content in tx.execute(found)]


def find_slugs(tx: Connection, slugs: Collection[str]) -> dict[str, int]:
    """Return the projects of items by their slugs; slugs without an item are left out."""
    found = select(catalog_items.c.slug, catalog_items.c.project).where(catalog_items.c.slug.in_(slugs))
    return {row.slug: row.project for row in tx.execute(found)}
