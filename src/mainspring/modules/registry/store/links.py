"""SQL of what the catalog shows of registered models: those of many projects at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Select, exists, func, select

from mainspring.kit.sql import among
from mainspring.modules.registry.schemas import PROMPT_TAG
from mainspring.modules.registry.tables import (
    model_versions,
    registered_model_aliases,
    registered_model_tags,
    registered_models,
)


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A registered model by its key."""

    key: int
    project: int
    name: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version by its key, and the key of its model. ``location`` is where its files are, as it was registered."""

    key: int
    model: int
    version: int
    stage: str
    location: str
    run_id: str | None
    model_id: str | None
    created_at: int


_PROMPT = exists().where(
    registered_model_tags.c.model == registered_models.c.id,
    registered_model_tags.c.key == PROMPT_TAG,
    registered_model_tags.c.value == "true",
)
_FIELDS = (
    model_versions.c.id,
    model_versions.c.model,
    model_versions.c.version,
    model_versions.c.stage,
    model_versions.c.storage_location,
    model_versions.c.run_id,
    model_versions.c.model_id,
    model_versions.c.created_at,
)
_VERSIONS: Select[Any] = select(*_FIELDS)


def find_newest_models(
    tx: Connection, projects: Collection[int], visible: Select[tuple[int]], limit: int
) -> list[ModelRow]:
    """Return up to ``limit`` registered models of each project, prompts left out, the last changed first.

    Those of projects that ``visible`` does not select are left out.
    """
    table = registered_models.c
    # Asked of these alone: else all that is visible is read first.
    seen = visible.where(among(visible.selected_columns[0], projects))
    newest = (table.updated_at.desc(), table.id.desc())
    ranked = (
        select(table.id, table.project, table.name, func.row_number().over(partition_by=table.project, order_by=newest))
        .where(among(table.project, projects), table.project.in_(seen), ~_PROMPT)
        .subquery()
    )
    key, project, name, place = ranked.c
    found = select(key, project, name).where(place <= limit).order_by(project, place)
    return [ModelRow(*row) for row in tx.execute(found)]


def find_newest_versions(tx: Connection, models: Collection[int]) -> list[VersionRow]:
    """Return the newest version of each model that has one."""
    own = model_versions.alias()
    newest = select(func.max(own.c.version)).where(own.c.model == model_versions.c.model).scalar_subquery()
    found = _VERSIONS.where(among(model_versions.c.model, models), model_versions.c.version == newest)
    return [_version(row) for row in tx.execute(found)]


def find_aliases(tx: Connection, models: Collection[int]) -> list[tuple[str, VersionRow]]:
    """Return the aliases of models with the versions that they lead to, by alias."""
    pointers = registered_model_aliases.c
    found = (
        select(*_FIELDS, pointers.alias)
        .join(registered_model_aliases, pointers.version == model_versions.c.id)
        .where(among(pointers.model, models))
    )
    return sorted(((row.alias, _version(row)) for row in tx.execute(found)), key=itemgetter(0))


def _version(row: Sequence[Any]) -> VersionRow:
    return VersionRow(*row[: len(_FIELDS)])
