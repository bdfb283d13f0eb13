"""SQL of what other systems told of lineage. Nothing here commits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, delete, select

from mainspring.kit.sql import among, among_texts
from mainspring.kit.sql_engines import insert_rows, update_rows
from mainspring.modules.lineage.tables import lineage_edges, lineage_nodes


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


def find_visible(tx: Connection, visible: Select[Any], projects: Collection[int]) -> set[int]:
    """Return those of some projects that ``visible`` selects."""
    return set(tx.execute(visible.where(among(visible.selected_columns[0], projects))).scalars())


def find_nodes(tx: Connection, kind: str, names: Collection[str]) -> list[NodeRow]:
    """Return nodes of a kind, of whatever projects: it is for those who look at ``project``."""
    table = lineage_nodes.c
    found = select(lineage_nodes).where(table.kind == kind, among_texts(table.name, names))
    return [NodeRow(*row) for row in tx.execute(found)]


def find_own_nodes(tx: Connection, project: int, kind: str, names: Collection[str]) -> dict[str, NodeRow]:
    """Return a project's nodes of a kind, by their names."""
    table = lineage_nodes.c
    own = (table.project == project, table.kind == kind, among_texts(table.name, names))
    return {row.name: NodeRow(*row) for row in tx.execute(select(lineage_nodes).where(*own))}


def find_edges(tx: Connection, end: str, ids: Collection[str], limit: int) -> list[EdgeRow]:
    """Return edges, of whatever projects, whose ``source`` or ``target``, as ``end`` says, is one of some nodes."""
    table = lineage_edges.c
    found = select(table.project, table.source, table.target).where(among_texts(table[end], ids)).limit(limit)
    return [EdgeRow(*row) for row in tx.execute(found)]


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
