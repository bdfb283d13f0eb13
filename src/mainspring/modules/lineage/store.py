"""SQL of what other systems told of lineage. Nothing here commits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, delete, select, tuple_

from mainspring.kit.sql import among
from mainspring.kit.sql_engines import chosen, insert_rows, update_rows
from mainspring.modules.lineage.tables import lineage_edges, lineage_nodes

NodeKey = tuple[str, str]
"""(kind, name)."""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node as a project keeps it; ``facets`` is JSON."""

    key: int
    project: int
    kind: str
    name: str
    facets: str
    updated_at: int


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """An edge as a project keeps it, by ids of nodes."""

    project: int
    source: str
    target: str


def find_visible(tx: Connection, visible: Select[tuple[int]], projects: Collection[int]) -> set[int]:
    """Return those of some projects that ``visible`` selects."""
    keys = visible.subquery().c
    return set(tx.execute(select(keys[0]).where(among(keys[0], projects))).scalars())


def find_nodes(tx: Connection, wanted: Collection[NodeKey]) -> list[NodeRow]:
    """Return nodes of whatever projects: it is for those who look at ``project``."""
    table = lineage_nodes.c
    return [
        NodeRow(*row)
        for part in chosen(wanted, 1000)
        for row in tx.execute(select(lineage_nodes).where(tuple_(table.kind, table.name).in_(part)))
    ]


def find_own_nodes(tx: Connection, project: int, wanted: Collection[NodeKey]) -> dict[NodeKey, NodeRow]:
    """Return a project's nodes."""
    table = lineage_nodes.c
    rows = [
        NodeRow(*row)
        for part in chosen(wanted, 1000)
        for row in tx.execute(
            select(lineage_nodes).where(table.project == project, tuple_(table.kind, table.name).in_(part))
        )
    ]
    return {(row.kind, row.name): row for row in rows}


def find_edges(tx: Connection, end: str, ids: Collection[str], limit: int) -> list[EdgeRow]:
    """Return edges, of whatever projects, whose ``source`` or ``target``, as ``end`` says, is one of some nodes."""
    table = lineage_edges.c
    found = select(table.project, table.source, table.target)
    return [
        EdgeRow(*row)
        for part in chosen(ids, 1000)
        for row in tx.execute(found.where(table[end].in_(part)).limit(limit))
    ]


def insert_nodes(tx: Connection, rows: Sequence[tuple[int, str, str, str, int]]) -> None:
    """Insert nodes, (project, kind, name, facets, updated_at); those that are there stay as they are."""
    insert_rows(tx, lineage_nodes, ("project", "kind", "name", "facets", "updated_at"), rows, ignore=True)


def update_nodes(tx: Connection, rows: Sequence[tuple[str, int, int]]) -> None:
    """Set (facets, updated_at) of nodes by their keys, which come last."""
    update_rows(tx, lineage_nodes, ("facets", "updated_at", "id"), rows)


def insert_edges(tx: Connection, rows: Sequence[tuple[int, str, str, int]]) -> None:
    """Insert edges, (project, source, target, created_at); those that are there stay as they are."""
    insert_rows(tx, lineage_edges, ("project", "source", "target", "created_at"), rows, ignore=True)


def delete_all(tx: Connection, project: int) -> None:
    """Forget what a project was told."""
    for table in (lineage_edges, lineage_nodes):
        tx.execute(delete(table).where(table.c.project == project))
