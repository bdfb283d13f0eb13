"""What MLflow's clients ask of experiments, runs, metrics and logged models.

Every field may be left out; what must be there is named in ``required``.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import field

from mainspring.api.mlflow.dispatch import Message, Part
from mainspring.kit.names import no_repeats
from mainspring.modules.tracking.schemas import (
    Dataset,
)

STATUSES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
VIEW_TYPES = {1: "ACTIVE_ONLY", 2: "DELETED_ONLY", 3: "ALL"}
MODEL_STATUSES = {1: "LOGGED_MODEL_PENDING", 2: "LOGGED_MODEL_READY", 3: "LOGGED_MODEL_UPLOAD_FAILED"}


class KeyValue(Part):
    """A tag or param: both may be left out, which is the empty string."""

    key: str | None = None
    value: str | None = None


class MetricIn(Part):
    key: str | None = None
    value: float | None = None
    timestamp: int | None = None
    step: int | None = None
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None
    run_id: str | None = None


class DatasetIn(Part):
    name: str | None = None
    digest: str | None = None
    source_type: str | None = None
    source: str | None = None
    schema: str | None = None
    profile: str | None = None

    def dataset(self) -> Dataset:
        return Dataset(
            self.name or "", self.digest or "", self.source_type or "", self.source or "", self.schema, self.profile
        )


class DatasetInputIn(Part):
    tags: list[KeyValue] = []
    dataset: DatasetIn = field(default_factory=DatasetIn)


class ModelRef(Part):
    model_id: str | None = None
    step: int | None = None


class CreateExperiment(Message):
    required: ClassVar[tuple[str, ...]] = ("name",)
    name: str | None = None
    artifact_location: str | None = None
    tags: list[KeyValue] = []


class ExperimentId(Message):
    required: ClassVar[tuple[str, ...]] = ("experiment_id",)
    experiment_id: str | None = None


class ExperimentName(Message):
    required: ClassVar[tuple[str, ...]] = ("experiment_name",)
    experiment_name: str | None = None


class UpdateExperiment(Message):
    required: ClassVar[tuple[str, ...]] = ("experiment_id", "new_name")
    experiment_id: str | None = None
    new_name: str | None = None


class SearchExperiments(Message):
    max_results: int | None = None
    page_token: str | None = None
    filter: str | None = None
    order_by: list[str] = []
    view_type: str | int | None = None


class ListExperiments(Message):
    view_type: str | int | None = None
    max_results: int | None = None
    page_token: str | None = None


class SetExperimentTag(Message):
    required: ClassVar[tuple[str, ...]] = ("experiment_id", "key")
    experiment_id: str | None = None
    key: str | None = None
    value: str | None = None


class DeleteExperimentTag(Message):
    required: ClassVar[tuple[str, ...]] = ("experiment_id", "key")
    experiment_id: str | None = None
    key: str | None = None


class RunMessage(Message):
    """Base of messages about a run, which older clients name by ``run_uuid``."""

    required: ClassVar[tuple[str, ...]] = ("run_id",)
    run_id: str | None = None
    run_uuid: str | None = None

    def __post_init__(self) -> None:
        self.run_id = self.run_id or self.run_uuid


class CreateRun(Message):
    experiment_id: str | None = None
    user_id: str | None = None
    run_name: str | None = None
    start_time: int | None = None
    tags: list[KeyValue] = []


class UpdateRun(RunMessage):
    status: str | int | None = None
    end_time: int | None = None
    run_name: str | None = None


class LogMetric(RunMessage):
    required: ClassVar[tuple[str, ...]] = ("run_id", "key", "value", "timestamp")
    key: str | None = None
    value: float | None = None
    timestamp: int | None = None
    step: int | None = None
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class LogPair(RunMessage):
    """A param or a tag of a run."""

    required: ClassVar[tuple[str, ...]] = ("run_id", "key")
    key: str | None = None
    value: str | None = None


class DeleteTag(RunMessage):
    required: ClassVar[tuple[str, ...]] = ("run_id", "key")
    key: str | None = None


class LogBatch(RunMessage):
    metrics: list[MetricIn] = []
    params: list[KeyValue] = []
    tags: list[KeyValue] = []


class LogModel(RunMessage):
    required: ClassVar[tuple[str, ...]] = ("run_id", "model_json")
    model_json: str | None = None


class LogInputs(RunMessage):
    datasets: list[DatasetInputIn] = []
    models: list[ModelRef] = []


class LogOutputs(RunMessage):
    required: ClassVar[tuple[str, ...]] = ("run_id", "models")
    models: list[ModelRef] | None = None


class SearchRuns(Message):
    experiment_ids: list[str] = []
    filter: str | None = None
    run_view_type: str | int | None = None
    max_results: int = 1000
    order_by: list[str] = []
    page_token: str | None = None


class SearchDatasets(Message):
    experiment_ids: list[str] = []


class MetricHistory(RunMessage):
    required: ClassVar[tuple[str, ...]] = ("run_id", "metric_key")
    metric_key: str | None = None
    page_token: str | None = None
    max_results: int | None = None


class MetricHistoryBulk(Message):
    run_id: list[str] = []
    metric_key: str | None = None
    max_results: int = 25_000


class MetricHistoryInterval(Message):
    required: ClassVar[tuple[str, ...]] = ("run_ids", "metric_key")
    run_ids: list[str] | None = None
    metric_key: str | None = None
    start_step: int | None = None
    end_step: int | None = None
    max_results: int = 2_500


class CreateLoggedModel(Message):
    required: ClassVar[tuple[str, ...]] = ("experiment_id",)
    experiment_id: str | None = None
    name: str | None = None
    model_type: str | None = None
    source_run_id: str | None = None
    params: list[KeyValue] = []
    tags: list[KeyValue] = []


class LoggedModelId(Message):
    required: ClassVar[tuple[str, ...]] = ("model_id",)
    model_id: str | None = None


class GetLoggedModel(LoggedModelId):
    allow_deleted: bool = False


class FinalizeLoggedModel(LoggedModelId):
    required: ClassVar[tuple[str, ...]] = ("model_id", "status")
    status: str | int | None = None
    status_message: str | None = None


class SetLoggedModelTags(LoggedModelId):
    tags: list[KeyValue] = []


class DeleteLoggedModelTag(LoggedModelId):
    required: ClassVar[tuple[str, ...]] = ("model_id", "tag_key")
    tag_key: str | None = None


class LogLoggedModelParams(LoggedModelId):
    params: list[KeyValue] = []


class SearchDataset(Part):
    dataset_name: str | None = None
    dataset_digest: str | None = None


class SearchOrder(Part):
    field_name: str | None = None
    ascending: bool = True
    dataset_name: str | None = None
    dataset_digest: str | None = None


class SearchLoggedModels(Message):
    required: ClassVar[tuple[str, ...]] = ("experiment_ids",)
    experiment_ids: list[str] | None = None
    filter: str | None = None
    datasets: list[SearchDataset] = []
    max_results: int = 100
    order_by: list[SearchOrder] = []
    page_token: str | None = None


class ListLoggedModelArtifacts(LoggedModelId):
    artifact_directory_path: str | None = None
    page_token: str | None = None


def pairs_in(given: list[KeyValue]) -> list[tuple[str, str]]:
    """Return what a list of tags or params holds."""
    return [(pair.key or "", pair.value or "") for pair in given]


def pairs_once(given: list[KeyValue], field: str) -> dict[str, str]:
    """Return a list of tags or params by key. Raises InvalidArgument for a key that comes twice."""
    pairs = pairs_in(given)
    no_repeats((key for key, _ in pairs), field)
    return dict(pairs)
