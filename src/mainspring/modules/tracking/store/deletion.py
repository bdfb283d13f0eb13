"""SQL of deleting for good: what is to go, the mark that it is going, and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    Table,
    and_,
    cast,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from mainspring.modules.tracking.schemas import GarbageKind, LifecycleStage
from mainspring.modules.tracking.tables import datasets, experiments, logged_models, run_datasets, runs

_THINGS = {GarbageKind.RUN: runs, GarbageKind.LOGGED_MODEL: logged_models, GarbageKind.EXPERIMENT: experiments}
_DELETED_AT = {
    GarbageKind.RUN: func.coalesce(runs.c.deleted_at, 0),
    GarbageKind.LOGGED_MODEL: logged_models.c.updated_at,
    GarbageKind.EXPERIMENT: experiments.c.updated_at,
}
_ID = {GarbageKind.RUN: runs.c.run_id, GarbageKind.LOGGED_MODEL: logged_models.c.model_id}
_LOCATION = {
    GarbageKind.RUN: runs.c.artifact_uri,
    GarbageKind.LOGGED_MODEL: logged_models.c.artifact_uri,
    GarbageKind.EXPERIMENT: experiments.c.artifact_location,
}


@dataclass(frozen=True, slots=True)
class Garbage:
    """A run, logged model or experiment that was deleted; ``location`` is that of its files."""

    kind: GarbageKind
    key: int
    id: str
    location: str
    project: int


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked for: things that were deleted until ``before`` (ms); where any are named, only those.

    An experiment stands for its runs and logged models too.
    """

    before: int
    run_ids: Sequence[str] = ()
    model_ids: Sequence[str] = ()
    experiments: Sequence[int] = ()

    @property
    def named(self) -> bool:
        """Whether anything is named."""
        return bool(self.run_ids or self.model_ids or self.experiments)


@dataclass(frozen=True, slots=True)
class State:
    """How far the deletion of a thing has come: ``deleted_at`` in ms, ``collected`` once it is going for good."""

    stage: LifecycleStage
    deleted_at: int
    collected: bool


def find_states(tx: Connection, kind: GarbageKind, ids: Sequence[Any]) -> dict[Any, State]:
    """Return the states of runs or logged models by id, of experiments by key; those that are absent are left out."""
    table = _THINGS[kind]
    name = _ID.get(kind, table.c.id)
    columns = select(name, table.c.lifecycle_stage, _DELETED_AT[kind], table.c.collected_at)
    rows = tx.execute(columns.where(name.in_(ids)))
    return {row[0]: State(LifecycleStage(row[1]), row[2], row[3] is not None) for row in rows}


def find_garbage(tx: Connection, scope: Scope, kind: GarbageKind, after: int, limit: int) -> list[Garbage]:
    """Return up to ``limit`` things of a kind that are to go, by key, those with a key greater than ``after``."""
    table = _THINGS[kind]
    columns = select(table.c.id, _ID.get(kind, table.c.id), _LOCATION[kind], table.c.project)
    wanted = columns.where(table.c.id > after, _is_garbage(scope, kind)).order_by(table.c.id).limit(limit)
    return [Garbage(kind, row[0], str(row[1]), row[2], row[3]) for row in tx.execute(wanted)]


def _is_garbage(scope: Scope, kind: GarbageKind) -> ColumnElement[bool]:
    table = _THINGS[kind]
    due = or_(table.c.collected_at.is_not(None), _DELETED_AT[kind] <= scope.before)
    deleted = and_(table.c.lifecycle_stage == LifecycleStage.DELETED.value, due)
    if kind is GarbageKind.EXPERIMENT:
        return and_(deleted, table.c.id.in_(scope.experiments)) if scope.named else deleted
    within = table.c.experiment.in_(select(experiments.c.id).where(_is_garbage(scope, GarbageKind.EXPERIMENT)))
    if kind is GarbageKind.RUN:
        return and_(deleted, or_(table.c.run_id.in_(scope.run_ids), within)) if scope.named else deleted
    # An experiment takes its logged models along: their deletion is not its own.
    return or_(and_(deleted, table.c.model_id.in_(scope.model_ids)) if scope.named else deleted, within)


def mark(tx: Connection, scope: Scope, items: Sequence[Garbage], now: int) -> set[int]:
    """Mark things of one kind as going for good, and return the keys of those that still are garbage."""
    if not items:
        return set()
    table = _THINGS[items[0].kind]
    still = table.c.id.in_([item.key for item in items]) & _is_garbage(scope, items[0].kind)
    values = {"lifecycle_stage": LifecycleStage.DELETED.value, "collected_at": func.coalesce(table.c.collected_at, now)}
    return set(tx.execute(update(table).where(still).values(values).returning(table.c.id)).scalars())


def mark_experiments(tx: Connection, scope: Scope, now: int) -> None:
    """Mark all experiments that are to go: none of them can be restored while its runs go one after the other."""
    going = _is_garbage(scope, GarbageKind.EXPERIMENT) & experiments.c.is_default.is_(False)
    tx.execute(update(experiments).where(going, experiments.c.collected_at.is_(None)).values(collected_at=now))


def give_up(tx: Connection, project: int) -> None:
    """Mark all that a project has as deleted, long ago."""
    gone: dict[str, Any] = {"lifecycle_stage": LifecycleStage.DELETED.value}
    tx.execute(update(runs).where(runs.c.project == project).values(gone | {"deleted_at": 0}))
    for table in (logged_models, experiments):
        tx.execute(update(table).where(table.c.project == project).values(gone | {"updated_at": 0}))
    tx.execute(update(experiments).where(experiments.c.project == project).values(is_default=False))


def has_experiments(tx: Connection, project: int) -> bool:
    """Say whether a project has experiments, deleted ones too."""
    return tx.execute(select(experiments.c.id).where(experiments.c.project == project).limit(1)).first() is not None


def unmark_experiment(tx: Connection, key: int) -> None:
    """Let an experiment stay."""
    tx.execute(update(experiments).where(experiments.c.id == key).values(collected_at=None))


def restore_run(tx: Connection, key: int) -> bool:
    """Bring a deleted run back; False where it is going for good."""
    values = {"lifecycle_stage": LifecycleStage.ACTIVE.value, "deleted_at": None}
    return tx.execute(update(runs).where(runs.c.id == key, runs.c.collected_at.is_(None)).values(values)).rowcount > 0


def count_within(tx: Connection, experiment: int) -> tuple[int, int]:
    """Return how many runs and logged models an experiment has, deleted ones too."""
    counts = (select(func.count()).where(table.c.experiment == experiment) for table in (runs, logged_models))
    of_runs, of_models = (int(tx.execute(count).scalar_one()) for count in counts)
    return of_runs, of_models


def is_default(tx: Connection, experiment: int) -> bool:
    """Say whether an experiment is the one of its project that clients log to when they name none."""
    return bool(tx.execute(select(experiments.c.is_default).where(experiments.c.id == experiment)).scalar())


def find_locations(tx: Connection) -> list[tuple[int, int, str]]:
    """Return (key, project, location) of those experiments that may lie elsewhere than in the folder of their id."""
    table = experiments.c
    usual = literal("mlflow-artifacts:/") + cast(table.id, String)
    rows = tx.execute(select(table.id, table.project, table.artifact_location).where(table.artifact_location != usual))
    return [(row[0], row[1], row[2]) for row in rows]


@cache
def references(kind: GarbageKind) -> list[tuple[Table, str]]:
    """Return the tables whose rows belong to things of a kind, and their column with its key.

    They are found by their foreign keys; what is logged to runs has none, and a column ``run`` in its place.
    """
    parent = _THINGS[kind]
    found = [
        (table, column.name)
        for table in reversed(parent.metadata.sorted_tables)
        for column in table.columns
        if column.references(parent.c.id) or (kind is GarbageKind.RUN and column.name == "run")
    ]
    return [(table, column) for table, column in found if table not in _THINGS.values()]


def delete_references(tx: Connection, kind: GarbageKind, keys: Sequence[int], limit: int) -> int:
    """Delete up to ``limit`` rows that belong to things of a kind; return how many."""
    left = limit
    for table, column in references(kind):
        key = list(table.primary_key)
        some = select(*key).where(table.c[column].in_(keys)).limit(left)
        left -= tx.execute(delete(table).where(tuple_(*key).in_(some))).rowcount
        if left <= 0:
            break
    return limit - left


def delete_things(tx: Connection, kind: GarbageKind, keys: Sequence[int]) -> None:
    """Delete things that no row refers to any more; with runs go the datasets that none reads now."""
    table = _THINGS[kind]
    if kind is GarbageKind.RUN:
        touched = select(runs.c.experiment).where(runs.c.id.in_(keys))
        read = select(run_datasets.c.dataset).where(run_datasets.c.dataset == datasets.c.id)
        tx.execute(delete(datasets).where(datasets.c.experiment.in_(touched), ~read.exists()))
    tx.execute(delete(table).where(table.c.id.in_(keys)))
