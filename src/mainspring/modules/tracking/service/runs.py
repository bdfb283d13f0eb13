"""Rules of runs: their life, and what is logged to them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from mainspring.db.writer import Grouped
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, MainspringError, NotFound
from mainspring.kit.ids import new_run_id
from mainspring.kit.names import check_length, check_run_id, invalid_value, random_name
from mainspring.kit.pages import Page, offset_of, page_of
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.tracking import search
from mainspring.modules.tracking.schemas import (
    Batch,
    DatasetSummary,
    Experiment,
    LifecycleStage,
    ModelOutput,
    Run,
    RunCreate,
    RunHeader,
    RunInputs,
    RunSearch,
    RunStatus,
    RunUpdate,
)
from mainspring.modules.tracking.service import rules
from mainspring.modules.tracking.service.experiments import get_active_experiment
from mainspring.modules.tracking.store import metrics as metric_store
from mainspring.modules.tracking.store import models as model_store
from mainspring.modules.tracking.store import runs as store
from mainspring.modules.tracking.store.runs import RunKey

LOGGED_MODELS_TAG = "mlflow.log-model.history"
MAX_SEARCHED_EXPERIMENTS = 20


def _create_runs(tx: Connection, calls: list[tuple[Actor, RunCreate]]) -> list[Run | MainspringError]:
    """Start runs in active experiments; a call is (actor, new run)."""
    experiments: dict[str, Experiment] = {}
    outcomes: list[Run | MainspringError] = []
    for actor, new in calls:
        try:
            actor.require(Permission.TRACKING_WRITE)
            if new.experiment_id not in experiments:
                experiments[new.experiment_id] = get_active_experiment(tx, actor, new.experiment_id)
            outcomes.append(_new_run(experiments[new.experiment_id], new))
        except MainspringError as error:
            outcomes.append(error)
    store.insert_runs(tx, [run for run in outcomes if isinstance(run, Run)])
    return outcomes


create_run: Grouped[[Actor, RunCreate], Run] = Grouped(_create_runs)
"""Start a run in an active experiment: ``create_run(tx, actor, new)``. Raises NotFound or InvalidArgument."""


def _new_run(experiment: Experiment, new: RunCreate) -> Run:
    tagged = new.tags.get(rules.RUN_NAME_TAG)
    if new.name and tagged and new.name != tagged:
        raise InvalidArgument(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
            f"(run_name='{new.name}', mlflow.runName='{tagged}').",
            field="run_name",
        )
    name = new.name or tagged or random_name()
    # The original does not judge the keys of a new run's tags, and its clients send some that it would refuse later.
    tags = {check_length("key", key, rules.MAX_KEY): value[: rules.MAX_TAG_VALUE] for key, value in new.tags.items()}
    tags[rules.RUN_NAME_TAG] = name[: rules.MAX_TAG_VALUE]
    run_id = new_run_id()
    return Run(
        run_id=run_id,
        experiment_id=experiment.experiment_id,
        name=name,
        user_id=check_length("user_id", new.user_id, 256),
        status=RunStatus.RUNNING,
        lifecycle_stage=LifecycleStage.ACTIVE,
        artifact_uri=artifact_uri(experiment.artifact_location, run_id, "artifacts"),
        started_at=now_ms() if new.started_at is None else _check_time("start_time", new.started_at),
        tags=tags,
    )


def artifact_uri(location: str, *parts: str) -> str:
    """Append path segments to an artifact location, before its query string where it has one."""
    path, mark, query = location.partition("?")
    return "/".join((path.rstrip("/"), *parts)) + mark + query


def _check_time(name: str, value: int) -> int:
    if not -rules.INT64 <= value < rules.INT64:
        raise invalid_value(name, value, "It must be a 64-bit integer of milliseconds since the epoch.")
    return value


def get_run(tx: Connection, actor: Actor, run_id: str) -> Run:
    """Return a run, a deleted one too. Raises NotFound."""
    actor.require(Permission.TRACKING_READ)
    run = store.find_run(tx, run_id)
    if run is None:
        raise _missing(run_id)
    return run


def get_run_header(tx: Connection, actor: Actor, run_id: str) -> RunHeader:
    """Return a run without what was logged to it. Raises NotFound."""
    actor.require(Permission.TRACKING_READ)
    info = store.find_header(tx, run_id)
    if info is None:
        raise _missing(run_id)
    return info


def _missing(run_id: str) -> NotFound:
    return NotFound(f"Run with id={run_id} not found", field="run_id")


def _inactive(run: RunKey) -> InvalidArgument:
    return InvalidArgument(
        f"The run {run.run_id} must be in the 'active' state. Current state is {run.stage}.", field="run_id"
    )


def _key(tx: Connection, run_id: str) -> RunKey:
    run = store.find_keys(tx, [run_id]).get(run_id)
    if run is None:
        raise _missing(run_id)
    return run


def _active_key(tx: Connection, run_id: str) -> RunKey:
    run = _key(tx, run_id)
    if run.stage != LifecycleStage.ACTIVE:
        raise _inactive(run)
    return run


def search_runs(tx: Connection, actor: Actor, query: RunSearch) -> Page[Run]:
    """Return a page of runs, the newest first unless ordered otherwise."""
    actor.require(Permission.TRACKING_READ)
    limit, offset = rules.check_max_results(query.max_results), offset_of(query.page_token)
    experiments = [rules.experiment_key(experiment) for experiment in query.experiment_ids]
    keys = search.search_runs(tx, experiments, query.filter, query.view_type, limit + 1, offset, query.order_by)
    page = page_of(keys, offset, limit)
    return Page(store.get_runs(tx, page.items), page.next_page_token)


def search_datasets(tx: Connection, actor: Actor, experiment_ids: list[str]) -> list[DatasetSummary]:
    """Return what datasets the runs of some experiments read."""
    actor.require(Permission.TRACKING_READ)
    if not experiment_ids:
        raise InvalidArgument("SearchDatasets request must specify at least one experiment_id.", field="experiment_ids")
    if len(experiment_ids) > MAX_SEARCHED_EXPERIMENTS:
        raise InvalidArgument(
            f"SearchDatasets request cannot specify more than {MAX_SEARCHED_EXPERIMENTS} experiment_ids. "
            f"Received {len(experiment_ids)} experiment_ids.",
            field="experiment_ids",
        )
    return search.search_datasets(tx, [rules.experiment_key(experiment) for experiment in experiment_ids])


def update_run(tx: Connection, actor: Actor, run_id: str, change: RunUpdate) -> RunHeader:
    """Change an active run's status, end or name; the name and its tag go together."""
    actor.require(Permission.TRACKING_WRITE)
    run = _active_key(tx, run_id)
    values: dict[str, Any] = {}
    if change.status is not None:
        values["status"] = change.status.value
    if change.ended_at is not None:
        values["ended_at"] = _check_time("end_time", change.ended_at)
    if change.name:
        values["name"] = change.name
        store.set_tags(tx, [(run.key, rules.RUN_NAME_TAG, change.name[: rules.MAX_TAG_VALUE])])
    if values:
        store.update_run(tx, run.key, values)
    return get_run_header(tx, actor, run_id)


def delete_run(tx: Connection, actor: Actor, run_id: str) -> None:
    """Mark a run as deleted; one that is already stays so. Raises NotFound."""
    actor.require(Permission.TRACKING_WRITE)
    run = _key(tx, run_id)
    if run.stage == LifecycleStage.ACTIVE:
        store.update_run(tx, run.key, {"lifecycle_stage": LifecycleStage.DELETED.value, "deleted_at": now_ms()})


def restore_run(tx: Connection, actor: Actor, run_id: str) -> None:
    """Bring a deleted run back. Raises NotFound."""
    actor.require(Permission.TRACKING_WRITE)
    store.update_run(tx, _key(tx, run_id).key, {"lifecycle_stage": LifecycleStage.ACTIVE.value, "deleted_at": None})


def delete_tag(tx: Connection, actor: Actor, run_id: str, key: str) -> None:
    """Delete a tag of an active run. Raises NotFound."""
    actor.require(Permission.TRACKING_WRITE)
    run = _active_key(tx, run_id)
    if not store.delete_tag(tx, run.key, key):
        raise NotFound(f"No tag with name: {key} in run with id {run_id}", field="key")


def log_inputs(tx: Connection, actor: Actor, run_id: str, inputs: RunInputs) -> None:
    """Note the datasets and logged models that an active run reads."""
    actor.require(Permission.TRACKING_WRITE)
    check_run_id(run_id)
    datasets = rules.check_datasets(inputs.datasets)
    models = [(check_length("model_id", model, 34), 0) for model in inputs.models]
    run = _active_key(tx, run_id)
    store.add_datasets(tx, run.key, run.experiment, datasets)
    store.add_models(tx, run.key, "input", models)


def log_outputs(tx: Connection, actor: Actor, run_id: str, models: list[ModelOutput]) -> None:
    """Note the logged models that an active run makes, each at its step."""
    actor.require(Permission.TRACKING_WRITE)
    outputs = [(check_length("model_id", model.model_id, 34), _check_time("step", model.step)) for model in models]
    run = _active_key(tx, run_id)
    store.add_models(tx, run.key, "output", outputs)


def log_model(tx: Connection, actor: Actor, run_id: str, model: dict[str, Any]) -> None:
    """Append a model's description to the run's history of logged models (clients before 3.0)."""
    actor.require(Permission.TRACKING_WRITE)
    run = _active_key(tx, run_id)
    history = json.loads(store.find_tag(tx, run.key, LOGGED_MODELS_TAG) or "[]")
    text = json.dumps([*history, model])
    check_length("value", text, rules.MAX_TAG_VALUE)
    store.set_tags(tx, [(run.key, LOGGED_MODELS_TAG, text)])


@dataclass(slots=True)
class _Rows:
    """What a group of batches writes, gathered over its runs."""

    params: dict[tuple[int, str], str] = field(default_factory=dict)
    new_params: list[tuple[int, str, str]] = field(default_factory=list)
    tags: dict[tuple[int, str], str] = field(default_factory=dict)
    points: list[metric_store.Point] = field(default_factory=list)
    model_metrics: list[model_store.MetricRow] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)


def _log_batches(tx: Connection, calls: list[tuple[Actor, str, Batch]]) -> list[MainspringError | None]:
    """Log points, params and tags to active runs, each batch wholly or not at all.

    A call is (actor, run_id, batch). All batches of a transaction are written by one statement a table.
    """
    runs = store.find_keys(tx, {run_id for _, run_id, _ in calls})
    models = model_store.find_keys(
        tx, {metric.model_id for _, _, batch in calls for metric in batch.metrics if metric.model_id}
    )
    rows = _Rows()
    wanted = {(run.key, key) for _, run_id, batch in calls if (run := runs.get(run_id)) for key, _ in batch.params}
    if wanted:
        rows.params = store.find_params(tx, wanted)
    outcomes: list[MainspringError | None] = []
    for actor, run_id, batch in calls:
        try:
            _gather(rows, actor, runs.get(run_id), run_id, batch, models)
            outcomes.append(None)
        except MainspringError as error:
            outcomes.append(error)
    _write(tx, rows)
    return outcomes


log_batch: Grouped[[Actor, str, Batch], None] = Grouped(_log_batches)
"""Log a batch to a run: ``log_batch(tx, actor, run_id, batch)``. See ``_log_batches``."""


def _gather(rows: _Rows, actor: Actor, run: RunKey | None, run_id: str, batch: Batch, models: dict[str, int]) -> None:
    """Check one batch whole, then add it to the rows: a batch that is refused leaves nothing behind."""
    actor.require(Permission.TRACKING_WRITE)
    rules.check_batch_limits(batch)
    several = len(batch.metrics) + len(batch.params) + len(batch.tags) > 1
    points = [rules.check_metric(m, f"metrics[{i}]" if several else "") for i, m in enumerate(batch.metrics)]
    params = [rules.check_param(k, v, f"params[{i}]" if several else "") for i, (k, v) in enumerate(batch.params)]
    tags = [rules.check_tag(k, v, f"tags[{i}]" if several else "") for i, (k, v) in enumerate(batch.tags)]
    if run is None:
        raise _missing(run_id)
    if run.stage != LifecycleStage.ACTIVE:
        raise _inactive(run)
    _check_unchanged(rows, run, params)
    measured = [(m, value, nan) for m, (value, nan) in zip(batch.metrics, points, strict=True) if m.model_id]
    for metric, _, _ in measured:
        if metric.model_id not in models:
            raise InvalidArgument(f"Logged model with ID '{metric.model_id}' not found.", field="model_id")

    for key, value in params:
        if (run.key, key) not in rows.params:
            rows.params[run.key, key] = value
            rows.new_params.append((run.key, key, value))
    for key, value in tags:
        if key != rules.RUN_NAME_TAG:
            rows.tags[run.key, key] = value
        elif value:  # an empty name is no name: the old one stays
            rows.tags[run.key, key] = rows.names[run.key] = value
    for metric, (number, is_nan) in zip(batch.metrics, points, strict=True):
        rows.points.append((run.key, metric.key, metric.timestamp, metric.step, number, is_nan))
    for metric, number, is_nan in measured:
        model = models[metric.model_id or ""]
        dataset = (metric.dataset_name, metric.dataset_digest)
        rows.model_metrics.append((model, metric.key, metric.timestamp, metric.step, run_id, number, is_nan, *dataset))


def _check_unchanged(rows: _Rows, run: RunKey, params: list[tuple[str, str]]) -> None:
    changed = [
        {"key": key, "old_value": old, "new_value": value}
        for key, value in params
        if (old := rows.params.get((run.key, key), value)) != value
    ]
    if not changed:
        return
    if len(params) == 1:
        raise InvalidArgument(
            f"Changing param values is not allowed. Param with key='{changed[0]['key']}' was already logged with "
            f"value='{changed[0]['old_value']}' for run ID='{run.run_id}'. Attempted logging new value "
            f"'{changed[0]['new_value']}'.",
            field="params",
        )
    raise InvalidArgument(
        f"Changing param values is not allowed. Params were already logged='{changed}' for run ID='{run.run_id}'.",
        field="params",
    )


def _write(tx: Connection, rows: _Rows) -> None:
    store.insert_params(tx, sorted(rows.new_params))
    store.set_tags(tx, sorted((run, key, value) for (run, key), value in rows.tags.items()))
    for run, name in sorted(rows.names.items()):
        store.update_run(tx, run, {"name": name})
    metric_store.insert_points(tx, rows.points)
    model_store.insert_metrics(tx, sorted(set(rows.model_metrics), key=str))
