"""MLflow's words and numbers in ours, shared by its database, its files and its REST API."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from mainspring.modules.registry.schemas import Stage
from mainspring.modules.tracking.schemas import Dataset, LifecycleStage, Metric, ModelStatus, Number, RunStatus
from mainspring.transfer.source import LARGEST

DELETED_VERSION = "Deleted_Internal"
"""The stage of a version that MLflow keeps for its number alone."""

_RUN_STATUSES: dict[object, str] = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_MODEL_STATUSES: dict[object, ModelStatus] = {
    2: ModelStatus.READY,
    3: ModelStatus.FAILED,
    "READY": ModelStatus.READY,
    "FAILED": ModelStatus.FAILED,
    "LOGGED_MODEL_READY": ModelStatus.READY,
    "LOGGED_MODEL_UPLOAD_FAILED": ModelStatus.FAILED,
}
_MODEL_ID = re.compile(r"models:/(m-[0-9a-f]{32})")


def run_status(value: object) -> RunStatus:
    """Return a run's status by name or number; an unknown one counts as RUNNING, MLflow's default."""
    name = str(_RUN_STATUSES.get(value, value))
    return RunStatus(name) if name in RunStatus.__members__ else RunStatus.RUNNING


def model_status(value: object) -> ModelStatus:
    """Return a logged model's status by name or number; an unknown one counts as PENDING."""
    return _MODEL_STATUSES.get(value, ModelStatus.PENDING)


def lifecycle(value: object) -> LifecycleStage:
    return LifecycleStage.DELETED if value == LifecycleStage.DELETED else LifecycleStage.ACTIVE


def stage_of(value: object) -> Stage:
    """Return a version's stage; one that was never set is None's."""
    return next((stage for stage in Stage if stage.value == value), Stage.NONE)


def number_of(value: float | None) -> Number:
    """Return a metric's value as it goes over the wire: NaN by its name, infinities as the largest doubles."""
    if value is None or math.isnan(value):
        return "NaN"
    return min(max(value, -LARGEST), LARGEST) + 0.0


def model_metric(
    key: str, value: float | None, timestamp: int, step: int, run_id: str, name: str | None, digest: str | None
) -> Metric:
    """Return what a run measured of a logged model."""
    return Metric(key, number_of(value), timestamp, step, dataset_name=name, dataset_digest=digest, run_id=run_id)


def dataset_of(found: Mapping[str, Any]) -> Dataset:
    """Return a dataset as MLflow's files and answers describe it."""
    return Dataset(
        text_of(found.get("name")),
        text_of(found.get("digest")),
        text_of(found.get("source_type")),
        text_of(found.get("source")),
        found.get("schema"),
        found.get("profile"),
    )


def model_id_of(source: str) -> str | None:
    """Return the logged model that a version's source names, if it names one."""
    found = _MODEL_ID.match(source)
    return found[1] if found else None


def text_of(value: Any) -> str:
    """Return a value as text; what was never set is empty."""
    return "" if value is None else str(value)
