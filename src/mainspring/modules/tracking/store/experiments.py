"""SQL of experiments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from mainspring.kit.sql_engines import chosen, upsert_rows
from mainspring.modules.tracking.schemas import Experiment, LifecycleStage
from mainspring.modules.tracking.tables import experiment_tags, experiments, runs


def insert_experiment(tx: Connection, name: str, now: int) -> int:
    """Insert an experiment without its location yet, and return its key."""
    values = {
        "name": name,
        "artifact_location": "",
        "lifecycle_stage": LifecycleStage.ACTIVE.value,
        "created_at": now,
        "updated_at": now,
    }
    return int(tx.execute(insert(experiments).values(values).returning(experiments.c.id)).scalar_one())


def set_location(tx: Connection, key: int, location: str) -> None:
    tx.execute(update(experiments).where(experiments.c.id == key).values(artifact_location=location))


def find_experiment(tx: Connection, *, key: int | None = None, name: str | None = None) -> Experiment | None:
    """Return the experiment of that key or name, in any lifecycle stage, or None."""
    condition = experiments.c.id == key if name is None else experiments.c.name == name
    row = tx.execute(select(experiments).where(condition)).one_or_none()
    return None if row is None else assemble(tx, [row])[0]


def get_experiments(tx: Connection, keys: Sequence[int]) -> list[Experiment]:
    """Return the experiments of these keys, in this order."""
    rows = {row.id: row for part in chosen(keys) for row in tx.execute(select(experiments).where(_in(part)))}
    return assemble(tx, [rows[key] for key in keys if key in rows])


def _in(keys: list[int]) -> Any:
    return experiments.c.id.in_(keys)


def assemble(tx: Connection, rows: Sequence[Row[Any]]) -> list[Experiment]:
    tags: dict[int, dict[str, str]] = {row.id: {} for row in rows}
    for part in chosen(tags):
        found = select(experiment_tags).where(experiment_tags.c.experiment.in_(part)).order_by(experiment_tags.c.key)
        for experiment, key, value in tx.execute(found):
            tags[experiment][key] = value
    return [
        Experiment(
            str(row.id),
            row.name,
            row.artifact_location,
            LifecycleStage(row.lifecycle_stage),
            row.created_at,
            row.updated_at,
            tags[row.id],
        )
        for row in rows
    ]


def set_stage(tx: Connection, key: int, stage: LifecycleStage, now: int) -> None:
    """Move an experiment and all its runs to a lifecycle stage."""
    tx.execute(update(experiments).where(experiments.c.id == key).values(lifecycle_stage=stage.value, updated_at=now))
    deleted_at = now if stage is LifecycleStage.DELETED else None
    tx.execute(update(runs).where(runs.c.experiment == key).values(lifecycle_stage=stage.value, deleted_at=deleted_at))


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
