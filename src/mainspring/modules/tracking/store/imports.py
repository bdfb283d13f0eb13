"""SQL of taking in experiments, runs and logged models: rows whose keys are there already are brought up to date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select, update

from mainspring.kit.sql_engines import chosen, insert_rows, select_where_in, update_rows, upsert_rows
from mainspring.kit.sql_transfer import pass_over_keys
from mainspring.modules.tracking.schemas import Experiment, LoggedModel, Run
from mainspring.modules.tracking.store.runs import TEXT, TextRow
from mainspring.modules.tracking.tables import (
    experiments,
    logged_model_params,
    logged_model_tags,
    logged_models,
    params,
    runs,
    tags,
)


def insert_experiment(tx: Connection, project: int, experiment: Experiment, key: int | None) -> int:
    """Insert an experiment without its tags under ``key``, or under a new one, and return its key."""
    values = _experiment_values(experiment) | {"project": project} | ({} if key is None else {"id": key})
    made = int(tx.execute(insert(experiments).values(values).returning(experiments.c.id)).scalar_one())
    if key is not None:
        pass_over_keys(tx, experiments)
    return made


def replace_experiment(tx: Connection, key: int, experiment: Experiment) -> None:
    """Give an experiment the name, location, stage and times of another."""
    tx.execute(update(experiments).where(experiments.c.id == key).values(_experiment_values(experiment)))


def _experiment_values(experiment: Experiment) -> dict[str, str | int]:
    return {
        "name": experiment.name,
        "artifact_location": experiment.artifact_location,
        "lifecycle_stage": experiment.lifecycle_stage.value,
        "created_at": experiment.created_at,
        "updated_at": experiment.updated_at,
    }


def has_runs(tx: Connection, experiment: int) -> bool:
    """Say whether an experiment has runs, deleted ones too."""
    return tx.execute(select(runs.c.id).where(runs.c.experiment == experiment).limit(1)).first() is not None


def find_deletion_times(tx: Connection, keys: Sequence[int]) -> dict[int, int]:
    """Return when runs were deleted, by their keys; those that were not are absent."""
    found: dict[int, int] = {}
    for part in chosen(keys):
        wanted = select(runs.c.id, runs.c.deleted_at).where(runs.c.id.in_(part), runs.c.deleted_at.is_not(None))
        found |= {row.id: row.deleted_at for row in tx.execute(wanted)}
    return found


def update_runs(tx: Connection, records: Mapping[int, Run], deleted_at: Mapping[int, int]) -> None:
    """Give runs, by their keys, the attributes of others; the experiment they keep."""
    columns = (
        "name",
        "user_id",
        "status",
        "lifecycle_stage",
        "artifact_uri",
        "started_at",
        "ended_at",
        "deleted_at",
        "id",
    )
    rows = [
        (
            run.name,
            run.user_id,
            run.status.value,
            run.lifecycle_stage.value,
            run.artifact_uri,
            run.started_at,
            run.ended_at,
            deleted_at.get(key),
            key,
        )
        for key, run in sorted(records.items())
    ]
    update_rows(tx, runs, columns, rows)


def set_params(tx: Connection, rows: Sequence[TextRow]) -> None:
    """Set params of runs; (run, key) may come once."""
    upsert_rows(tx, params, TEXT, rows)


def find_tagged(tx: Connection, keys: Iterable[int], tag: str) -> set[int]:
    """Return which of these runs have a tag."""
    found: set[int] = set()
    for part in chosen(keys):
        found.update(tx.execute(select(tags.c.run).where(tags.c.run.in_(part), tags.c.key == tag)).scalars())
    return found


def delete_tags(tx: Connection, keys: Iterable[int], tag: str) -> None:
    """Delete a tag of runs."""
    for part in chosen(keys):
        tx.execute(delete(tags).where(tags.c.run.in_(part), tags.c.key == tag))


def update_logged_model(tx: Connection, key: int, model: LoggedModel, lifecycle_stage: str) -> None:
    """Give a logged model the attributes of another; id and experiment it keeps."""
    values = {
        "name": model.name,
        "source_run_id": model.source_run_id,
        "model_type": model.model_type,
        "status": model.status.value,
        "status_message": model.status_message,
        "artifact_uri": model.artifact_uri,
        "lifecycle_stage": lifecycle_stage,
        "created_at": model.created_at,
        "updated_at": model.updated_at,
    }
    tx.execute(update(logged_models).where(logged_models.c.id == key).values(values))


def add_model_params(tx: Connection, key: int, added: Mapping[str, str]) -> None:
    """Add params to a logged model; one that is there keeps its value."""
    rows = [(key, name, value) for name, value in added.items()]
    insert_rows(tx, logged_model_params, ("model", "key", "value"), rows, ignore=True)


def find_tagged_models(tx: Connection, project: int, model_ids: Iterable[str], tag: str) -> dict[str, bool]:
    """Return which of these logged models the project has, deleted ones too, and whether they have a tag."""
    own = f"SELECT id, model_id FROM logged_models WHERE project = {project:d} AND model_id"
    keys = dict(select_where_in(tx, own, model_ids))
    table = logged_model_tags
    tagged: set[int] = set()
    for part in chosen(keys):
        tagged.update(tx.execute(select(table.c.model).where(table.c.model.in_(part), table.c.key == tag)).scalars())
    return {model_id: key in tagged for key, model_id in keys.items()}


def find_stages(tx: Connection, keys: Sequence[int]) -> dict[int, str]:
    """Return the lifecycle stages of logged models by their keys."""
    wanted = select(logged_models.c.id, logged_models.c.lifecycle_stage)
    return {
        key: stage for part in chosen(keys) for key, stage in tx.execute(wanted.where(logged_models.c.id.in_(part)))
    }


def list_runs(tx: Connection, experiments: Sequence[int], after: int, limit: int) -> list[tuple[int, str, str]]:
    """Return (key, run id, artifact location) of runs of these experiments with keys above ``after``, by key."""
    wanted = select(runs.c.id, runs.c.run_id, runs.c.artifact_uri)
    this = (runs.c.id > after, runs.c.experiment.in_(experiments))
    return [(row[0], row[1], row[2]) for row in tx.execute(wanted.where(*this).order_by(runs.c.id).limit(limit))]


def list_logged_models(tx: Connection, experiments: Sequence[int], after: int, limit: int) -> list[tuple[int, str]]:
    """Return (key, model id) of logged models of these experiments with keys above ``after``, by key."""
    table = logged_models.c
    wanted = select(table.id, table.model_id).where(table.id > after, table.experiment.in_(experiments))
    return [(row[0], row[1]) for row in tx.execute(wanted.order_by(table.id).limit(limit))]
