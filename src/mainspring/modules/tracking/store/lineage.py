"""SQL of where runs, datasets and logged models come from and lead to: of many at once, of whatever projects.

It is for those who look at the ``project`` of what they get. A dataset is known by its name and digest, in whatever
experiments it is. What is asked for pairs is cut at ``limit`` rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from mainspring.kit.sql import among_texts, like
from mainspring.kit.sql_engines import select_where_in
from mainspring.modules.tracking.tables import datasets, experiments, logged_models, run_datasets, run_models, runs

DatasetKey = tuple[str, str]
"""(name, digest)."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """What is told of a run; times are milliseconds since the epoch, UTC."""

    run_id: str
    project: int
    name: str
    user_id: str
    status: str
    lifecycle_stage: str
    started_at: int
    ended_at: int | None
    experiment: int
    experiment_name: str


@dataclass(frozen=True, slots=True)
class ModelRow:
    """What is told of a logged model."""

    model_id: str
    project: int
    name: str
    status: str
    model_type: str | None
    experiment: int
    created_at: int


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """A dataset as an experiment has it; ``source`` is what its client said, JSON as a rule."""

    name: str
    digest: str
    project: int
    source_type: str
    source: str

    @property
    def key(self) -> DatasetKey:
        """By what the dataset is known."""
        return self.name, self.digest


def find_locations(tx: Connection, run_ids: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Return (project, artifact URI) of the runs that exist, by run id."""
    rows = select_where_in(tx, "SELECT run_id, project, artifact_uri FROM runs WHERE run_id", run_ids)
    return {run_id: (project, location) for run_id, project, location in rows}


def find_runs(tx: Connection, run_ids: Collection[str]) -> list[RunRow]:
    """Return the runs that exist, deleted ones too."""
    columns = (
        runs.c.run_id,
        runs.c.project,
        runs.c.name,
        runs.c.user_id,
        runs.c.status,
        runs.c.lifecycle_stage,
        runs.c.started_at,
        runs.c.ended_at,
        runs.c.experiment,
        experiments.c.name,
    )
    found = select(*columns).join(experiments, experiments.c.id == runs.c.experiment)
    return [RunRow(*row) for row in _where_in(tx, found, runs.c.run_id, run_ids)]


def find_models(tx: Connection, model_ids: Collection[str]) -> list[ModelRow]:
    """Return the logged models that exist and are not deleted."""
    table = logged_models.c
    columns = (
        table.model_id,
        table.project,
        table.name,
        table.status,
        table.model_type,
        table.experiment,
        table.created_at,
    )
    found = select(*columns).where(table.lifecycle_stage == "active")
    return [ModelRow(*row) for row in _where_in(tx, found, table.model_id, model_ids)]


def find_datasets(tx: Connection, keys: Collection[DatasetKey]) -> list[DatasetRow]:
    """Return datasets, each as often as there are experiments that have it."""
    rows = (DatasetRow(*row) for row in tx.execute(_DATASETS.where(_any_of(keys))))
    return [row for row in rows if row.key in keys]


def find_datasets_of(tx: Connection, parts: Collection[str], limit: int) -> list[DatasetRow]:
    """Return datasets whose source has one of some texts in it; all of them are read for it."""
    found = _DATASETS.where(or_(*(like(datasets.c.source, f"%{part}%") for part in parts)))
    return [DatasetRow(*row) for row in tx.execute(found.limit(limit))]


def find_inputs(tx: Connection, run_ids: Collection[str], limit: int) -> list[tuple[DatasetKey, str]]:
    """Return (dataset, run id) of what runs read."""
    rows = _where_in(tx, _INPUTS, runs.c.run_id, run_ids, limit)
    return [((name, digest), run_id) for name, digest, run_id in rows]


def find_readers(tx: Connection, keys: Collection[DatasetKey], limit: int) -> list[tuple[DatasetKey, str]]:
    """Return (dataset, run id) of the runs that read datasets."""
    rows = tx.execute(_INPUTS.where(_any_of(keys)).limit(limit))
    pairs = [((name, digest), run_id) for name, digest, run_id in rows]
    return [pair for pair in pairs if pair[0] in keys]


def find_run_models(tx: Connection, role: str, run_ids: Collection[str], limit: int) -> list[tuple[str, str]]:
    """Return (run id, model id) of the logged models that runs read (``input``) or made (``output``)."""
    found = [tuple(row) for row in _where_in(tx, _run_models(role), runs.c.run_id, run_ids, limit)]
    if role == "output":
        found += [tuple(row) for row in _where_in(tx, _MADE, logged_models.c.source_run_id, run_ids, limit)]
    return list(dict.fromkeys(found))


def find_model_runs(tx: Connection, role: str, model_ids: Collection[str], limit: int) -> list[tuple[str, str]]:
    """Return (run id, model id) of the runs that read logged models (``input``) or made them (``output``)."""
    found = [tuple(row) for row in _where_in(tx, _run_models(role), run_models.c.model_id, model_ids, limit)]
    if role == "output":
        found += [tuple(row) for row in _where_in(tx, _MADE, logged_models.c.model_id, model_ids, limit)]
    return list(dict.fromkeys(found))


_DATASETS = select(
    datasets.c.name, datasets.c.digest, experiments.c.project, datasets.c.source_type, datasets.c.source
).join(experiments, experiments.c.id == datasets.c.experiment)
_INPUTS = (
    select(datasets.c.name, datasets.c.digest, runs.c.run_id)
    .join_from(run_datasets, datasets, datasets.c.id == run_datasets.c.dataset)
    .join(runs, runs.c.id == run_datasets.c.run)
)
_MADE = select(logged_models.c.source_run_id, logged_models.c.model_id).where(
    logged_models.c.source_run_id.is_not(None)
)


def _run_models(role: str) -> Select[Any]:
    joined = select(runs.c.run_id, run_models.c.model_id).join(runs, runs.c.id == run_models.c.run)
    return joined.where(run_models.c.role == role)


def _any_of(keys: Collection[DatasetKey]) -> ColumnElement[bool]:
    """Hold of datasets with one of the names and one of the digests of some keys, which are among them."""
    names, digests = ({key[place] for key in keys} for place in (0, 1))
    return and_(among_texts(datasets.c.name, names), among_texts(datasets.c.digest, digests))


def _where_in(
    tx: Connection, found: Select[Any], column: ColumnElement[Any], values: Collection[str], limit: int | None = None
) -> list[Any]:
    return list(tx.execute(found.where(among_texts(column, values)).limit(limit)))
