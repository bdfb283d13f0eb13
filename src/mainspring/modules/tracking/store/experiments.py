"""SQL of experiments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter

from sqlalchemy import Connection, delete, func, insert, select, update

from mainspring.kit.sql_engines import select_where_in, upsert_rows
from mainspring.modules.tracking.schemas import Experiment, LifecycleStage
from mainspring.modules.tracking.tables import experiment_tags, experiments, runs


def insert_experiment(tx: Connection, project: int, name: str, now: int, *, is_default: bool = False) -> int:
    """Insert an experiment without its location yet, and return its key."""
    values = {
        "project": project,
        "is_default": is_default,
        "name": name,
        "artifact_location": "",
        "lifecycle_stage": LifecycleStage.ACTIVE.value,
        "created_at": now,
        "updated_at": now,
    }
    return int(tx.execute(insert(experiments).values(values).returning(experiments.c.id)).scalar_one())


def count_experiments(tx: Connection, project: int) -> int:
    """Return how many experiments a project has, deleted ones too."""
    own = experiments.c.project == project
    return tx.execute(select(func.count()).select_from(experiments).where(own)).scalar_one()


def set_location(tx: Connection, key: int, location: str) -> None:
    tx.execute(update(experiments).where(experiments.c.id == key).values(artifact_location=location))


def find_experiment(
    tx: Connection, project: int, *, key: int | None = None, name: str | None = None
) -> Experiment | None:
    """Return the project's experiment of that key or name, in any lifecycle stage, or None."""
    found = _select(tx, project, "id", [key]) if name is None else _select(tx, project, "name", [name])
    return found[0] if found else None


def get_experiments(tx: Connection, project: int, keys: Sequence[int]) -> list[Experiment]:
    """Return the project's experiments of these keys, in this order."""
    found = {int(experiment.experiment_id): experiment for experiment in _select(tx, project, "id", keys)}
    return [found[key] for key in keys if key in found]


def find_default(tx: Connection, project: int) -> int | None:
    """Return the key of the experiment that clients of a project log to when they name none, or None."""
    own = (experiments.c.project == project, experiments.c.is_default)
    return tx.execute(select(experiments.c.id).where(*own)).scalar_one_or_none()


def is_taken(tx: Connection, key: int) -> bool:
    """Say whether an experiment of whatever project has a key."""
    return tx.execute(select(experiments.c.id).where(experiments.c.id == key)).first() is not None


def find_own(tx: Connection, project: int, keys: Sequence[int]) -> list[int]:
    """Return those keys that are of experiments of the project, in this order."""
    rows = select_where_in(tx, f"SELECT id FROM experiments WHERE project = {project:d} AND id", keys)
    own = {key for (key,) in rows}
    return [key for key in keys if key in own]


def _select(tx: Connection, project: int, column: str, values: Sequence[object]) -> list[Experiment]:
    """Return experiments with their tags, by one statement: every run that is created asks for its experiment."""
    columns = "e.id, e.name, e.artifact_location, e.lifecycle_stage, e.created_at, e.updated_at, t.key, t.value"
    source = "experiments e LEFT JOIN experiment_tags t ON t.experiment = e.id"
    rows = select_where_in(tx, f"SELECT {columns} FROM {source} WHERE e.project = {project:d} AND e.{column}", values)
    tags: dict[int, dict[str, str]] = {row[0]: {} for row in rows}
    for row in sorted((row for row in rows if row[6] is not None), key=itemgetter(6)):
        tags[row[0]][row[6]] = row[7]
    return [
        Experiment(str(key), name, location, LifecycleStage(stage), created_at, updated_at, tags[key])
        for key, name, location, stage, created_at, updated_at in dict.fromkeys(row[:6] for row in rows)
    ]


def set_stage(tx: Connection, key: int, stage: LifecycleStage, now: int) -> bool:
    """Move an experiment and its runs to a lifecycle stage; False if it is being deleted for good, as runs may be."""
    table = experiments
    moved = update(table).where(table.c.id == key, table.c.collected_at.is_(None))
    if not tx.execute(moved.values(lifecycle_stage=stage.value, updated_at=now)).rowcount:
        return False
    within = update(runs).where(runs.c.experiment == key, runs.c.collected_at.is_(None))
    deleted_at = now if stage is LifecycleStage.DELETED else None
    tx.execute(within.values(lifecycle_stage=stage.value, deleted_at=deleted_at))
    return True


def rename_experiment(tx: Connection, key: int, name: str, now: int) -> None:
    tx.execute(update(experiments).where(experiments.c.id == key).values(name=name, updated_at=now))


def set_tags(tx: Connection, key: int, tags: Iterable[tuple[str, str]]) -> None:
    upsert_rows(tx, experiment_tags, ("experiment", "key", "value"), [(key, name, value) for name, value in tags])


def delete_tag(tx: Connection, key: int, name: str) -> bool:
    """Delete a tag and say whether there was one."""
    found = tx.execute(
        delete(experiment_tags).where(experiment_tags.c.experiment == key, experiment_tags.c.key == name)
    )
    return found.rowcount > 0
