"""Wire contracts of tracking. Times are milliseconds since the epoch, UTC; ids are strings."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct, field

Number = float | Literal["NaN"]
"""A metric's value: JSON has no NaN of its own, so it goes by its name."""


class LifecycleStage(StrEnum):
    ACTIVE = "active"
    DELETED = "deleted"


class ViewType(StrEnum):
    """Which lifecycle stages a search looks at."""

    ACTIVE_ONLY = "ACTIVE_ONLY"
    DELETED_ONLY = "DELETED_ONLY"
    ALL = "ALL"


class RunStatus(StrEnum):
    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


class ModelStatus(StrEnum):
    """Whether a logged model's files are there."""

    PENDING = "PENDING"
    READY = "READY"
    FAILED = "FAILED"


class Experiment(Struct, frozen=True):
    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: LifecycleStage
    created_at: int
    updated_at: int
    tags: dict[str, str] = {}


class ExperimentCreate(Struct):
    """``artifact_location`` left out is a folder of the server's own store."""

    name: str
    artifact_location: str | None = None
    tags: dict[str, str] = {}


class ExperimentUpdate(Struct):
    name: str


class Metric(Struct, frozen=True):
    """One point. Infinities are kept as the largest doubles.

    ``model_id`` and the dataset say which logged model was measured, and on what.
    """

    key: str
    value: Number
    timestamp: int
    step: int = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None
    run_id: str | None = None


class Dataset(Struct, frozen=True):
    """A dataset as a run saw it; ``schema`` and ``profile`` are JSON text of the client's making."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None


class DatasetInput(Struct, frozen=True):
    dataset: Dataset
    tags: dict[str, str] = {}


class DatasetSummary(Struct, frozen=True):
    experiment_id: str
    name: str
    digest: str
    context: str | None = None


class ModelOutput(Struct, frozen=True):
    model_id: str
    step: int = 0


class RunHeader(Struct, frozen=True):
    """A run without what was logged to it."""

    run_id: str
    experiment_id: str
    name: str
    user_id: str
    status: RunStatus
    lifecycle_stage: LifecycleStage
    artifact_uri: str
    started_at: int | None = None
    ended_at: int | None = None


class Run(RunHeader, frozen=True):
    """A run with its params, tags, the latest point of each metric, and what went in and came out."""

    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    metrics: list[Metric] = []
    datasets: list[DatasetInput] = []
    model_inputs: list[str] = []
    model_outputs: list[ModelOutput] = []


class RunCreate(Struct):
    """``name`` left out is made up; ``started_at`` left out is now."""

    experiment_id: str
    name: str | None = None
    user_id: str = ""
    started_at: int | None = None
    tags: dict[str, str] = {}


class RunUpdate(Struct):
    """What is None stays as it is."""

    status: RunStatus | None = None
    ended_at: int | None = None
    name: str | None = None


class RunLog(Struct):
    """Points, params and tags to log to one run, all or none."""

    metrics: list[Metric] = []
    params: dict[str, str] = {}
    tags: dict[str, str] = {}


class Batch(Struct):
    """A ``RunLog`` in the order that it came in, a key maybe more than once."""

    metrics: list[Metric] = []
    params: list[tuple[str, str]] = []
    tags: list[tuple[str, str]] = []


class RunInputs(Struct):
    datasets: list[DatasetInput] = []
    models: list[str] = []


class LoggedModel(Struct, frozen=True):
    model_id: str
    experiment_id: str
    name: str
    artifact_uri: str
    status: ModelStatus
    created_at: int
    updated_at: int
    source_run_id: str | None = None
    model_type: str | None = None
    status_message: str | None = None
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    metrics: list[Metric] = []


class LoggedModelCreate(Struct):
    experiment_id: str
    name: str | None = None
    source_run_id: str | None = None
    model_type: str | None = None
    params: dict[str, str] = {}
    tags: dict[str, str] = {}


class DatasetScope(Struct, frozen=True):
    """A dataset that a search of logged models narrows its metrics to."""

    dataset_name: str
    dataset_digest: str | None = None


class ModelOrder(Struct, frozen=True):
    """One ``order_by`` entry of a search of logged models."""

    field_name: str
    ascending: bool = True
    dataset_name: str | None = None
    dataset_digest: str | None = None


class RunSearch(Struct):
    """Which runs, in which order, and how many. ``filter`` and ``order_by`` are MLflow's grammar."""

    experiment_ids: list[str] = []
    filter: str = ""
    view_type: ViewType = ViewType.ACTIVE_ONLY
    max_results: int = 1000
    order_by: list[str] = field(default_factory=list)
    page_token: str | None = None


class LoggedModelSearch(Struct):
    """Which logged models. ``filter`` is MLflow's grammar; ``datasets`` narrows the metrics that it speaks of."""

    experiment_ids: list[str] = []
    filter: str = ""
    datasets: list[DatasetScope] = []
    max_results: int = 100
    order_by: list[ModelOrder] = []
    page_token: str | None = None


class TagValue(Struct):
    value: str


class Experiments(Struct):
    """One page of experiments; ``next_page_token`` is null at the end."""

    items: list[Experiment]
    next_page_token: str | None = None


class Runs(Struct):
    """One page of runs; ``next_page_token`` is null at the end."""

    items: list[Run]
    next_page_token: str | None = None


class MetricHistory(Struct):
    """One page of a metric's points; ``next_page_token`` is null at the end."""

    items: list[Metric]
    next_page_token: str | None = None


class LoggedModels(Struct):
    """One page of logged models; ``next_page_token`` is null at the end."""

    items: list[LoggedModel]
    next_page_token: str | None = None
