"""Logging points, params and tags: the write path, whose calls of one transaction are carried out together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import TypeVar

from sqlalchemy import Connection

from mainspring.db.writer import Grouped
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, MainspringError
from mainspring.kit.permissions import Permission
from mainspring.kit.sql_engines import written_together
from mainspring.modules.tracking.schemas import Batch, LifecycleStage, Metric
from mainspring.modules.tracking.service import rules
from mainspring.modules.tracking.store import documents
from mainspring.modules.tracking.store import metrics as metric_store
from mainspring.modules.tracking.store import models as model_store
from mainspring.modules.tracking.store import runs as store
from mainspring.modules.tracking.store.runs import RunKey

BLOCK_POINTS = 16
"""From how many points of one run and key in a transaction are written as a block at once."""

T = TypeVar("T")
R = TypeVar("R")
Pair = tuple[str, str]


@dataclass(slots=True)
class _Rows:
    """What a group of batches writes, gathered over its runs."""

    experiments: dict[int, int] = field(default_factory=dict)
    params: dict[tuple[int, str], str] = field(default_factory=dict)
    new_params: list[store.TextRow] = field(default_factory=list)
    tags: dict[tuple[int, str], str] = field(default_factory=dict)
    points: list[metric_store.Point] = field(default_factory=list)
    model_metrics: list[model_store.MetricRow] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)


def _log_batches(tx: Connection, calls: list[tuple[Actor, str, Batch]]) -> list[MainspringError | None]:
    """Log points, params and tags to active runs, each batch wholly or not at all.

    A call is (actor, run_id, batch). All batches of a transaction are written by one statement a table.
    """
    runs = store.find_keys(tx, {run_id for _, run_id, _ in calls})
    measured = {metric.model_id for _, _, batch in calls for metric in batch.metrics if metric.model_id}
    models = model_store.find_keys(tx, measured) if measured else {}
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
    values = _checked(batch.metrics, rules.check_metric, "metrics" if several else "")
    params = _checked(batch.params, rules.check_param, "params" if several else "")
    tags = _checked(batch.tags, rules.check_tag, "tags" if several else "")
    if run is None:
        raise rules.missing_run(run_id)
    if run.stage != LifecycleStage.ACTIVE:
        raise rules.inactive_run(run_id, run.stage)
    if params:
        _check_unchanged(rows, run, params)
    measured = _measured(run_id, batch.metrics, values, models)

    rows.experiments[run.key] = run.experiment
    rows.model_metrics += measured
    rows.points += [
        (run.key, metric.key, metric.timestamp, metric.step, *value)
        for metric, value in zip(batch.metrics, values, strict=True)
    ]
    for key, text in params:
        if (run.key, key) not in rows.params:
            rows.params[run.key, key] = text
            rows.new_params.append((run.key, key, text, run.experiment))
    for key, text in tags:
        if key != rules.RUN_NAME_TAG:
            rows.tags[run.key, key] = text
        elif text:  # an empty name is no name: the old one stays
            rows.tags[run.key, key] = rows.names[run.key] = text


def _checked(given: Sequence[T], check: Callable[[T, str], R], field: str) -> list[R]:
    """Return what ``check`` makes of each; where it refuses one, it is told its place: ``field[3]``."""
    try:
        return [check(each, "") for each in given]
    except MainspringError:
        if field:
            for place, each in enumerate(given):
                check(each, f"{field}[{place}]")
        raise


def _measured(
    run_id: str, metrics: Sequence[Metric], values: Sequence[tuple[float, bool]], models: dict[str, int]
) -> list[model_store.MetricRow]:
    """Return the rows of the points that measure a logged model. Raises InvalidArgument for one that is not there."""
    rows: list[model_store.MetricRow] = []
    for metric, value in zip(metrics, values, strict=True):
        if metric.model_id is None:
            continue
        if metric.model_id not in models:
            raise InvalidArgument(f"Logged model with ID '{metric.model_id}' not found.", field="model_id")
        place = (models[metric.model_id], metric.key, metric.timestamp, metric.step)
        rows.append((*place, run_id, *value, metric.dataset_name, metric.dataset_digest))
    return rows


def _check_unchanged(rows: _Rows, run: RunKey, params: Sequence[Pair]) -> None:
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
    experiments = rows.experiments
    for run, name in sorted(rows.names.items()):
        store.update_run(tx, run, {"name": name})
    with written_together(tx):
        _write_rows(tx, rows, experiments)


def _write_rows(tx: Connection, rows: _Rows, experiments: dict[int, int]) -> None:
    points, series = _divided(rows.points)
    store.insert_params(tx, sorted(rows.new_params))
    store.set_tags(tx, sorted((run, key, value, experiments[run]) for (run, key), value in rows.tags.items()))
    metric_store.insert_points(tx, points, experiments)
    metric_store.insert_blocks(tx, series, experiments)
    model_store.insert_metrics(tx, sorted(set(rows.model_metrics), key=str))
    documents.mark_stale(tx, experiments)


def _divided(points: list[metric_store.Point]) -> tuple[list[metric_store.Point], list[metric_store.Series]]:
    """Return the points to be kept one a row, and those that are many of one run and key."""
    if len(points) < BLOCK_POINTS:
        return points, []
    by_series: dict[tuple[int, str], list[metric_store.Point]] = defaultdict(list)
    for point in points:
        by_series[point[:2]].append(point)
    single = [point for part in by_series.values() if len(part) < BLOCK_POINTS for point in part]
    return single, [_series(*key, part) for key, part in by_series.items() if len(part) >= BLOCK_POINTS]


def _series(run: int, key: str, points: list[metric_store.Point]) -> metric_store.Series:
    _, _, timestamps, steps, values, _ = zip(*points, strict=True)
    if any(point[5] for point in points):
        values = tuple(nan if is_nan else value for *_, value, is_nan in points)
    return metric_store.Series(run, key, timestamps, steps, values)
