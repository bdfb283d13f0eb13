"""SQL of logged models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, select, update

from mainspring.kit.sql_engines import chosen, insert_rows, select_where_in, upsert_rows
from mainspring.modules.tracking.schemas import LifecycleStage, LoggedModel, Metric, ModelStatus
from mainspring.modules.tracking.tables import (
    logged_model_metrics,
    logged_model_params,
    logged_model_tags,
    logged_models,
)

NAN: Literal["NaN"] = "NaN"
MetricRow = tuple[int, str, int, int, str, float, bool, str | None, str | None]
"""(model, key, timestamp, step, run_id, value, is_nan, dataset_name, dataset_digest)."""


def insert_model(tx: Connection, project: int, model: LoggedModel) -> int:
    """Insert a logged model without params and tags, and return its key."""
    row = {
        "model_id": model.model_id,
        "experiment": int(model.experiment_id),
        "project": project,
        "name": model.name,
        "source_run_id": model.source_run_id,
        "model_type": model.model_type,
        "status": model.status.value,
        "artifact_uri": model.artifact_uri,
        "lifecycle_stage": LifecycleStage.ACTIVE.value,
        "created_at": model.created_at,
        "updated_at": model.updated_at,
    }
    return int(tx.execute(insert(logged_models).values(row).returning(logged_models.c.id)).scalar_one())


def find_keys(tx: Connection, project: int, model_ids: Iterable[str], deleted: bool = False) -> dict[str, int]:
    """Return the keys of those logged models that are the project's; with ``deleted``, of deleted ones too."""
    active = "" if deleted else "lifecycle_stage = 'active' AND "
    statement = f"SELECT model_id, id, project FROM logged_models WHERE {active}model_id"
    return {model_id: key for model_id, key, owner in select_where_in(tx, statement, model_ids) if owner == project}


def find_owners(tx: Connection, model_ids: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return (project, key) of the logged models that exist and are not deleted."""
    statement = "SELECT model_id, project, id FROM logged_models WHERE lifecycle_stage = 'active' AND model_id"
    return {model_id: (project, key) for model_id, project, key in select_where_in(tx, statement, model_ids)}


def get_models(tx: Connection, keys: Sequence[int]) -> list[LoggedModel]:
    """Return the logged models of these keys with params, tags and metrics, in this order."""
    found: dict[int, LoggedModel] = {}
    for part in chosen(keys):
        found.update(_load(tx, part))
    return [found[key] for key in keys if key in found]


def _load(tx: Connection, keys: list[int]) -> dict[int, LoggedModel]:
    params = _pairs(tx, logged_model_params, keys)
    tags = _pairs(tx, logged_model_tags, keys)
    metrics: dict[int, list[Metric]] = defaultdict(list)
    table = logged_model_metrics.c
    for row in tx.execute(
        select(logged_model_metrics)
        .where(table.model.in_(keys))
        .order_by(table.model, table.key, table.timestamp, table.step)
    ):
        metrics[row.model].append(
            Metric(
                row.key,
                NAN if row.is_nan else row.value,
                row.timestamp,
                row.step,
                dataset_name=row.dataset_name,
                dataset_digest=row.dataset_digest,
                run_id=row.run_id,
            )
        )
    return {
        row.id: LoggedModel(
            row.model_id,
            str(row.experiment),
            row.name,
            row.artifact_uri,
            ModelStatus(row.status),
            row.created_at,
            row.updated_at,
            row.source_run_id,
            row.model_type,
            row.status_message,
            params.get(row.id, {}),
            tags.get(row.id, {}),
            metrics.get(row.id, []),
        )
        for row in tx.execute(select(logged_models).where(logged_models.c.id.in_(keys)))
    }


def _pairs(tx: Connection, table: Any, keys: list[int]) -> dict[int, dict[str, str]]:
    pairs: dict[int, dict[str, str]] = defaultdict(dict)
    for model, key, value in tx.execute(select(table).where(table.c.model.in_(keys)).order_by(table.c.key)):
        pairs[model][key] = value
    return pairs


def update_model(tx: Connection, key: int, values: dict[str, Any]) -> None:
    tx.execute(update(logged_models).where(logged_models.c.id == key).values(values))


def insert_params(tx: Connection, key: int, params: dict[str, str]) -> None:
    rows = [(key, name, value) for name, value in params.items()]
    insert_rows(tx, logged_model_params, ("model", "key", "value"), rows, ignore=False)


def set_tags(tx: Connection, key: int, tags: dict[str, str]) -> None:
    rows = [(key, name, value) for name, value in tags.items()]
    upsert_rows(tx, logged_model_tags, ("model", "key", "value"), rows)


def delete_tag(tx: Connection, key: int, name: str) -> bool:
    """Delete a tag and say whether there was one."""
    table = logged_model_tags
    return tx.execute(delete(table).where(table.c.model == key, table.c.key == name)).rowcount > 0


def insert_metrics(tx: Connection, rows: Sequence[MetricRow]) -> None:
    """Note what a run measured of models; a repeated point is dropped."""
    columns = ("model", "key", "timestamp", "step", "run_id", "value", "is_nan", "dataset_name", "dataset_digest")
    insert_rows(tx, logged_model_metrics, columns, rows, ignore=True)
