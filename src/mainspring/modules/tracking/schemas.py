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
    """Which runs, in which order, and how many. ``filter`` and ``order_by`` are MLflow's grammar.

    ``offset`` passes over runs, from the start or from where ``page_token`` goes on. ``columns`` are what of the
    params, metrics and tags is wanted, such as ``params.lr``, or ``metrics`` for all; none asks for everything.
    """

    experiment_ids: list[str] = []
    filter: str = ""
    view_type: ViewType = ViewType.ACTIVE_ONLY
    max_results: int = 1000
    order_by: list[str] = field(default_factory=list)
    page_token: str | None = None
    offset: int = 0
    columns: list[str] = []
    count: bool = False


class RunColumnsQuery(Struct):
    """Of which experiments the columns are wanted."""

    experiment_ids: list[str]


class RunColumns(Struct, frozen=True):
    """What was logged to the runs of some experiments, deleted ones too: keys in their order, at most 5,000 of each."""

    params: list[str]
    metrics: list[str]
    tags: list[str]


class RunGroupQuery(Struct):
    """Which runs to group, by what, and of which metrics the mean and spread are wanted.

    ``by`` are params and tags, such as ``params.lr``, ``attributes.status`` or ``attributes.user_id``; by nothing
    all runs are one group. ``filter`` is MLflow's grammar. The groups of the most runs come first.
    """

    experiment_ids: list[str]
    by: list[str] = []
    metrics: list[str] = []
    filter: str = ""
    view_type: ViewType = ViewType.ACTIVE_ONLY
    max_results: int = 100


class MetricSummary(Struct, frozen=True):
    """The latest points of a metric in a group of runs.

    ``runs`` is how many have a number there: a NaN, an infinity or what is beyond 1e150 counts in no figure.
    ``std`` is of the population. Without a number all are null.
    """

    key: str
    runs: int
    mean: float | None
    std: float | None
    min: float | None
    max: float | None


class RunGroup(Struct, frozen=True):
    """Runs that have the same values, null for what they lack, in the order of ``by``."""

    values: list[str | None]
    runs: int
    metrics: list[MetricSummary] = []


class RunGroups(Struct):
    """The largest groups; ``groups`` is how many there are in all, ``runs`` how many runs these have."""

    items: list[RunGroup]
    groups: int
    runs: int


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
    """One page of runs; ``next_page_token`` is null at the end.

    ``total``, where it was asked for by ``count``, is how many runs the search finds: exact, and null where a filter
    finds more than 10,000.
    """

    items: list[Run]
    next_page_token: str | None = None
    total: int | None = None


class MetricHistory(Struct):
    """One page of a metric's points; ``next_page_token`` is null at the end."""

    items: list[Metric]
    next_page_token: str | None = None


class LoggedModels(Struct):
    """One page of logged models; ``next_page_token`` is null at the end."""

    items: list[LoggedModel]
    next_page_token: str | None = None


class GarbageKind(StrEnum):
    """What can be deleted for good."""

    RUN = "run"
    LOGGED_MODEL = "logged_model"
    EXPERIMENT = "experiment"


class GarbageQuery(Struct):
    """What of the deleted to delete for good: all, or what is named; an experiment names its runs and logged models.

    ``older_than_s`` is how many seconds ago it must have been deleted at least. With ``dry_run`` it is only counted.
    """

    run_ids: list[str] = []
    logged_model_ids: list[str] = []
    experiment_ids: list[str] = []
    older_than_s: float = 0
    dry_run: bool = False
    page_token: str | None = None


class GarbageNote(Struct, frozen=True):
    """What is to be said of one thing that was to be deleted for good."""

    kind: GarbageKind
    id: str
    reason: str


class GarbageReport(Struct):
    """What a step of deleting for good has done, or in a dry run would do; ``next_page_token`` is null at the end.

    ``kept`` are things that stay deleted, and their files with them, because something refers to them.
    ``left`` are things that are gone while their files are not: these lie outside the server's store.
    """

    runs: int = 0
    logged_models: int = 0
    experiments: int = 0
    files: int = 0
    bytes: int = 0
    kept: list[GarbageNote] = []
    left: list[GarbageNote] = []
    next_page_token: str | None = None


class XAxis(StrEnum):
    """What a curve is drawn over: the step, the wall clock (ms since the epoch), or the ms since the run's start."""

    STEP = "step"
    TIME = "time"
    RELATIVE = "relative"


class SeriesQuery(Struct):
    """Curves of some metrics: of runs each by itself, or of groups of runs (name → run ids) as bands.

    ``start`` and ``end`` are a window on the axis, both included. ``points`` is how many points, or
    places of a band, a curve has at most.
    """

    keys: list[str]
    run_ids: list[str] = []
    groups: dict[str, list[str]] = {}
    x: XAxis = XAxis.STEP
    start: int | None = None
    end: int | None = None
    points: int = 320


class Series(Struct):
    """One metric of one run by its axis, as columns.

    ``total`` is how many points the window holds, ``nans`` how many of them are NaN. Where that is more than
    was asked for, the axis is cut into buckets, and the least and the greatest number of each are kept,
    as are the first and the last point.
    """

    run_id: str
    key: str
    total: int
    nans: int
    steps: list[int]
    timestamps: list[int]
    values: list[Number]


class GroupSeries(Struct):
    """One metric of a group of runs, in buckets along the axis, as columns.

    ``x`` is the first place of a bucket, ``runs`` how many have a number in it. Each run counts once, by its
    mean in the bucket: ``mean`` and ``std`` (of the population) are of these means. ``min`` and ``max`` are of
    all numbers of all runs.
    """

    group: str
    key: str
    x: list[int]
    runs: list[int]
    mean: list[float]
    std: list[float]
    min: list[float]
    max: list[float]


class MetricSeries(Struct):
    """Curves by run and key, or bands by group and key; what has no points is left out."""

    series: list[Series] = []
    groups: list[GroupSeries] = []
