"""The tables of an export: what each Parquet file holds. Documented in docs/how-to/move-from-mlflow.md.

Ids are text. Times are UTC, to the millisecond. A metric's NaN is a NaN; infinities are the largest doubles,
as which they are kept.
"""

from __future__ import annotations

from arro3.core import DataType, Field, Schema

_TEXT, _NUMBER, _FLOAT = DataType.utf8(), DataType.int64(), DataType.float64()
_TIME = DataType.timestamp("ms", tz="UTC")

TABLES: dict[str, dict[str, DataType]] = {
    "experiments": {
        "experiment_id": _TEXT,
        "name": _TEXT,
        "artifact_location": _TEXT,
        "lifecycle_stage": _TEXT,
        "created_at": _TIME,
        "updated_at": _TIME,
    },
    "experiment_tags": {"experiment_id": _TEXT, "key": _TEXT, "value": _TEXT},
    "runs": {
        "run_id": _TEXT,
        "experiment_id": _TEXT,
        "name": _TEXT,
        "user_id": _TEXT,
        "status": _TEXT,
        "lifecycle_stage": _TEXT,
        "artifact_uri": _TEXT,
        "started_at": _TIME,
        "ended_at": _TIME,
        "deleted_at": _TIME,
    },
    "params": {"run_id": _TEXT, "key": _TEXT, "value": _TEXT},
    "tags": {"run_id": _TEXT, "key": _TEXT, "value": _TEXT},
    "metrics": {"run_id": _TEXT, "key": _TEXT, "step": _NUMBER, "timestamp": _TIME, "value": _FLOAT},
    "inputs": {
        "run_id": _TEXT,
        "name": _TEXT,
        "digest": _TEXT,
        "source_type": _TEXT,
        "source": _TEXT,
        "schema": _TEXT,
        "profile": _TEXT,
    },
    "input_tags": {"run_id": _TEXT, "name": _TEXT, "digest": _TEXT, "key": _TEXT, "value": _TEXT},
    "run_models": {"run_id": _TEXT, "role": _TEXT, "model_id": _TEXT, "step": _NUMBER},
    "logged_models": {
        "model_id": _TEXT,
        "experiment_id": _TEXT,
        "name": _TEXT,
        "source_run_id": _TEXT,
        "model_type": _TEXT,
        "status": _TEXT,
        "status_message": _TEXT,
        "lifecycle_stage": _TEXT,
        "artifact_uri": _TEXT,
        "created_at": _TIME,
        "updated_at": _TIME,
    },
    "logged_model_params": {"model_id": _TEXT, "key": _TEXT, "value": _TEXT},
    "logged_model_tags": {"model_id": _TEXT, "key": _TEXT, "value": _TEXT},
    "logged_model_metrics": {
        "model_id": _TEXT,
        "run_id": _TEXT,
        "key": _TEXT,
        "step": _NUMBER,
        "timestamp": _TIME,
        "value": _FLOAT,
        "dataset_name": _TEXT,
        "dataset_digest": _TEXT,
    },
    "registered_models": {"name": _TEXT, "description": _TEXT, "created_at": _TIME, "updated_at": _TIME},
    "registered_model_tags": {"name": _TEXT, "key": _TEXT, "value": _TEXT},
    "registered_model_aliases": {"name": _TEXT, "alias": _TEXT, "version": _NUMBER},
    "model_versions": {
        "name": _TEXT,
        "version": _NUMBER,
        "stage": _TEXT,
        "description": _TEXT,
        "user_id": _TEXT,
        "source": _TEXT,
        "storage_location": _TEXT,
        "run_id": _TEXT,
        "run_link": _TEXT,
        "model_id": _TEXT,
        "created_at": _TIME,
        "updated_at": _TIME,
    },
    "model_version_tags": {"name": _TEXT, "version": _NUMBER, "key": _TEXT, "value": _TEXT},
    "artifacts": {"path": _TEXT, "size": _NUMBER, "sha256": _TEXT},
}
"""Column → type of each table, in the order of the columns."""


def schema_of(table: str) -> Schema:
    """Return the Arrow schema of a table."""
    return Schema([Field(name, kind) for name, kind in TABLES[table].items()])
