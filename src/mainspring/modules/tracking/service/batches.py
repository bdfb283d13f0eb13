"""Logging points, params and tags: the write path, whose calls of one transaction are carried out together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from mainspring.db.journal import Deferred, Known
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, MainspringError
from mainspring.kit.permissions import Permission
from mainspring.modules.tracking.schemas import Batch, LifecycleStage, Metric
from mainspring.modules.tracking.service import rules
from mainspring.modules.tracking.service.written import WRITTEN, Rows
from mainspring.modules.tracking.store import models as model_store
from mainspring.modules.tracking.store import runs as store
from mainspring.modules.tracking.store.runs import RunKey

T = TypeVar("T")
R = TypeVar("R")
Pair = tuple[str, str]
Owners = dict[str, tuple[int, int]]
"""(project, key) of logged models by their ids."""


def _check_batches(
    tx: Connection, calls: list[tuple[Actor, str, Batch]], known: Known
) -> tuple[list[MainspringError | None], Rows]:
    """Log points, params and tags to active runs, each batch wholly or not at all.

    A call is (actor, run_id, batch). Known are runs by their ids, and the values of params by (run, key).
    """
    _get_to_know(tx, calls, known)
    measured = {metric.model_id for _, _, batch in calls for metric in batch.metrics if metric.model_id}
    models = model_store.find_owners(tx, measured) if measured else {}
    rows = Rows()
    outcomes: list[MainspringError | None] = []
    for actor, run_id, batch in calls:
        try:
            _gather(rows, actor, known.get(run_id), run_id, batch, models, known)
            outcomes.append(None)
        except MainspringError as error:
            outcomes.append(error)
    return outcomes, rows


def _get_to_know(tx: Connection, calls: list[tuple[Actor, str, Batch]], known: Known) -> None:
    """Look up the runs and the params that batches speak of, and that are not known yet."""
    unknown = {run_id for _, run_id, _ in calls if run_id not in known}
    if unknown:
        known |= store.find_keys(tx, unknown)
    wanted = {
        (run.key, key)
        for _, run_id, batch in calls
        if batch.params and (run := known.get(run_id))
        for key, _ in batch.params
        if (run.key, key) not in known
    }
    if wanted:
        known |= store.find_params(tx, wanted)


def _gather(
    rows: Rows, actor: Actor, run: RunKey | None, run_id: str, batch: Batch, models: Owners, known: Known
) -> None:
    """Check one batch whole, then add it to the rows: a batch that is refused leaves nothing behind."""
    actor.require(Permission.TRACKING_WRITE, run_id)
    rules.check_batch_limits(batch)
    several = len(batch.metrics) + len(batch.params) + len(batch.tags) > 1
    values = _checked(batch.metrics, rules.check_metric, "metrics" if several else "")
    params = _checked(batch.params, rules.check_param, "params" if several else "")
    tags = _checked(batch.tags, rules.check_tag, "tags" if several else "")
    if run is None or run.project != actor.project:
        raise rules.missing_run(run_id)
    if run.stage != LifecycleStage.ACTIVE:
        raise rules.inactive_run(run_id, run.stage)
    if params:
        _check_unchanged(run, params, known)
    if any(metric.model_id for metric in batch.metrics):
        rows.model_metrics += _measured(run, batch.metrics, values, models)

    rows.experiments[run.key] = run.experiment
    rows.points += [
        (run.key, metric.key, metric.timestamp, metric.step, *value)
        for metric, value in zip(batch.metrics, values, strict=True)
    ]
    for key, text in params:
        if (run.key, key) not in known:
            known[run.key, key] = text
            rows.params.append((run.key, key, text, run.experiment))
    for key, text in tags:
        if key != rules.RUN_NAME_TAG or text:  # an empty name is no name: the old one stays
            rows.tags.append((run.key, key, text, run.experiment))
        if key == rules.RUN_NAME_TAG and text:
            rows.names.append((run.key, text))


def _checked(given: Sequence[T], check: Callable[[T, str], R], field: str) -> list[R]:
    """Return what ``check`` makes of each; where it refuses one, it is told its place: ``field[3]``."""
    if not given:
        return []
    try:
        return [check(each, "") for each in given]
    except MainspringError:
        if field:
            for place, each in enumerate(given):
                check(each, f"{field}[{place}]")
        raise


def _measured(
    run: RunKey, metrics: Sequence[Metric], values: Sequence[tuple[float, bool]], models: Owners
) -> list[model_store.MetricRow]:
    """Return the rows of the points that measure a logged model. Raises InvalidArgument for one that is not there."""
    rows: list[model_store.MetricRow] = []
    for metric, value in zip(metrics, values, strict=True):
        if metric.model_id is None:
            continue
        project, model = models.get(metric.model_id, (None, 0))
        if project != run.project:
            raise InvalidArgument(f"Logged model with ID '{metric.model_id}' not found.", field="model_id")
        place = (model, metric.key, metric.timestamp, metric.step)
        rows.append((*place, run.run_id, *value, metric.dataset_name, metric.dataset_digest))
    return rows


def _check_unchanged(run: RunKey, params: Sequence[Pair], known: Known) -> None:
    changed = [
        {"key": key, "old_value": old, "new_value": value}
        for key, value in params
        if (old := known.get((run.key, key), value)) != value
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


def _waits_wholly(_actor: Actor, _run_id: str, batch: Batch) -> bool:
    return not (
        batch.params
        or any(key == rules.RUN_NAME_TAG for key, _ in batch.tags)
        or any(metric.model_id for metric in batch.metrics)
    )


log_batch: Deferred[[Actor, str, Batch], None] = Deferred(WRITTEN, _check_batches, _waits_wholly)
"""Log a batch to a run: ``log_batch(tx, actor, run_id, batch)``. See ``_check_batches``."""
