"""Where runs, datasets and logged models come from and lead to, for those who have looked at who may know of it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from mainspring.modules.tracking.store import lineage as store
from mainspring.modules.tracking.store.lineage import (
    DatasetRow,
    ModelRow,
    RunRow,
    find_datasets,
    find_datasets_of,
    find_inputs,
    find_model_runs,
    find_models,
    find_readers,
    find_run_models,
    find_runs,
)

__all__ = [
    "DatasetRow",
    "ModelRow",
    "RunRow",
    "find_datasets",
    "find_datasets_of",
    "find_inputs",
    "find_model_runs",
    "find_models",
    "find_readers",
    "find_run_models",
    "find_runs",
    "locate_runs",
]


def locate_runs(tx: Connection, run_ids: Collection[str]) -> dict[str, tuple[int, str]]:
    """Return (project, artifact URI) of the runs that exist, of whatever projects, by run id."""
    return store.find_locations(tx, run_ids) if run_ids else {}
