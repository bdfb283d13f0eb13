"""SQL of what the catalog shows of registered models: those of many projects at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Select, bindparam, exists, func, select

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


_NEWEST = (registered_models.c.updated_at.desc(), registered_models.c.id.desc())
_RANKED = (
    select(
        registered_models.c.id,
        registered_models.c.project,
        registered_models.c.name,
        func.row_number().over(partition_by=registered_models.c.project, order_by=_NEWEST).label("place"),
    )
    .where(among(registered_models.c.project, param="projects"), ~_PROMPT)
    .subquery()
)
_FIRST = (
    select(_RANKED.c.id, _RANKED.c.project, _RANKED.c.name)
    .where(_RANKED.c.place <= bindparam("limit"))
    .order_by(_RANKED.c.project, _RANKED.c.place)
)


def find_newest_models(
    tx: Connection, projects: Collection[int], visible: Select[tuple[int]], limit: int
) -> list[ModelRow]:
    """Return up to ``limit`` registered models of each project, prompts left out, the last changed first.

    Those of projects that ``visible`` does not select are left out.
    """
    found = [ModelRow(*row) for row in tx.execute(_FIRST, {"projects": projects, "limit": limit})]
    if not found:
        return []
    # Asked of these alone: else all that is visible is read first.
    own = among(visible.selected_columns[0], {row.project for row in found})
    seen: set[Any] = set(tx.execute(visible.where(own)).scalars())
    return [row for row in found if row.project in seen]


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
