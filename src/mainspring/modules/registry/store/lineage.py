"""SQL of what versions were made of: of many at once, of whatever projects, prompts left out.

It is for those who look at the project of what they get. What is asked for pairs is cut at ``limit`` rows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, select

from mainspring.kit.sql import among, among_texts
from mainspring.modules.registry.schemas import PROMPT_TAG
from mainspring.modules.registry.tables import (
    model_versions,
    registered_model_aliases,
    registered_model_tags,
    registered_models,
)

VersionKey = tuple[int, str, int]
"""(project, name, version)."""


@dataclass(frozen=True, slots=True)
class VersionRow:
    """What is told of a version, and what it was made of."""

    key: VersionKey
    stage: str
    user_id: str
    run_id: str | None
    model_id: str | None
    created_at: int
    aliases: tuple[str, ...]


_PROMPT = exists().where(
    registered_model_tags.c.model == registered_models.c.id,
    registered_model_tags.c.key == PROMPT_TAG,
    registered_model_tags.c.value == "true",
)
_KEY = (registered_models.c.project, registered_models.c.name, model_versions.c.version)


def find_versions(tx: Connection, keys: Collection[VersionKey]) -> list[VersionRow]:
    """Return the versions that exist."""
    table = model_versions.c
    columns = (*_KEY, table.id, table.stage, table.user_id, table.run_id, table.model_id, table.created_at)
    rows = [
        row
        for row in tx.execute(_of_models(select(*columns)).where(*_any_of(keys)))
        if (row.project, row.name, row.version) in keys
    ]
    aliases: dict[int, list[str]] = {}
    pointers = registered_model_aliases.c
    wanted = among(pointers.version, [row.id for row in rows])
    for key, alias in tx.execute(select(pointers.version, pointers.alias).where(wanted)):
        aliases.setdefault(key, []).append(alias)
    return [
        VersionRow(
            (row.project, row.name, row.version),
            row.stage,
            row.user_id,
            row.run_id or None,
            row.model_id,
            row.created_at,
            tuple(sorted(aliases.get(row.id, ()))),
        )
        for row in rows
    ]


def find_versions_of_runs(tx: Connection, run_ids: Collection[str], limit: int) -> list[tuple[str, VersionKey]]:
    """Return (run id, version) of what came of runs."""
    return _pairs(tx, model_versions.c.run_id, run_ids, limit)


def find_versions_of_models(tx: Connection, model_ids: Collection[str], limit: int) -> list[tuple[str, VersionKey]]:
    """Return (model id, version) of what came of logged models."""
    return _pairs(tx, model_versions.c.model_id, model_ids, limit)


def find_versions_of_projects(tx: Connection, projects: Collection[int], limit: int) -> list[VersionKey]:
    """Return the versions of projects, the newest first."""
    found = _of_models(select(*_KEY)).where(among(registered_models.c.project, projects))
    rows = tx.execute(found.order_by(model_versions.c.id.desc()).limit(limit))
    return [(project, name, version) for project, name, version in rows]


def _of_models(found: Select[Any]) -> Select[Any]:
    joined = found.join_from(model_versions, registered_models, registered_models.c.id == model_versions.c.model)
    return joined.where(~_PROMPT)


def _any_of(keys: Collection[VersionKey]) -> list[ColumnElement[bool]]:
    """Hold of versions with the projects, names and numbers of some keys, which are among them."""
    return [
        among(registered_models.c.project, {project for project, _, _ in keys}),
        among_texts(registered_models.c.name, {name for _, name, _ in keys}),
        among(model_versions.c.version, {version for _, _, version in keys}),
    ]


def _pairs(
    tx: Connection, column: ColumnElement[Any], values: Collection[str], limit: int
) -> list[tuple[str, VersionKey]]:
    found = _of_models(select(column, *_KEY)).where(among_texts(column, values))
    return [(row[0], (row[1], row[2], row[3])) for row in tx.execute(found.limit(limit))]
