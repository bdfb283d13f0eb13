"""Taking in what another server has recorded, and reading back all that is kept: ids, times and stages stay.

A run or logged model is marked by a tag until all of it is here, files too: an import that was broken off
finds there what it has to do again. Everything may be taken in twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import msgspec
from sqlalchemy import Connection

from mainspring.kit.actors import DEFAULT_PROJECT, Actor
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.tracking.schemas import Experiment, LifecycleStage, LoggedModel, Run
from mainspring.modules.tracking.service.experiments import DEFAULT_NAME, own_keys
from mainspring.modules.tracking.service.written import BLOCK_POINTS
from mainspring.modules.tracking.store import documents, history
from mainspring.modules.tracking.store import experiments as experiment_store
from mainspring.modules.tracking.store import imports as store
from mainspring.modules.tracking.store import metrics as metric_store
from mainspring.modules.tracking.store import models as model_store
from mainspring.modules.tracking.store import runs as run_store

MARK = "mainspring.import"
"""The tag of a run or logged model that is not wholly here yet."""

INCOMPLETE = "incomplete"
POINTS_AT_ONCE = 20_000

RunPoint = tuple[str, str, int, int, float, bool]
"""(run_id, key, timestamp, step, value, is_nan): a point as it is stored, with its run's public id."""


class RunRecord(Run, frozen=True):
    """A run with all that it is stored with. Its points come apart; ``metrics`` are not taken in."""

    deleted_at: int | None = None


class ModelRecord(LoggedModel, frozen=True):
    """A logged model, maybe a deleted one."""

    lifecycle_stage: LifecycleStage = LifecycleStage.ACTIVE


# Experiments


def import_experiment(tx: Connection, actor: Actor, wanted: Experiment, *, own_store: bool) -> Experiment:
    """Take in an experiment: into the one of its name, else under its own id where that is free, else under a new id.

    With ``own_store`` its artifacts will lie in the server's store, else where they are. An experiment that
    is here already keeps what it has, and gets the tags that it lacks; an untouched Default counts as free.
    """
    actor.require(Permission.TRACKING_WRITE)
    number = int(wanted.experiment_id) if re.fullmatch(r"[0-9]{1,18}", wanted.experiment_id) else None
    holder = None if number is None else experiment_store.find_experiment(tx, actor.project, key=number)
    found = experiment_store.find_experiment(tx, actor.project, name=wanted.name)
    if found is None and holder is not None and _is_untouched(tx, holder):
        found = holder
    if found is None:
        free = number is not None and not experiment_store.is_taken(tx, number)
        key = store.insert_experiment(tx, actor.project, wanted, number if free else None)
        _settle(tx, actor, key, wanted, own_store)
    else:
        key = int(found.experiment_id)
        if _is_untouched(tx, found):
            store.replace_experiment(tx, key, wanted)
            _settle(tx, actor, key, wanted, own_store)
        lacking = {tag: value for tag, value in wanted.tags.items() if tag not in found.tags}
        experiment_store.set_tags(tx, key, lacking.items())
    [experiment] = experiment_store.get_experiments(tx, actor.project, [key])
    return experiment


def _settle(tx: Connection, actor: Actor, key: int, wanted: Experiment, own_store: bool) -> None:
    if own_store or not wanted.artifact_location:
        experiment_store.set_location(tx, key, artifacts.own_location(actor.project, str(key)))
    experiment_store.set_tags(tx, key, wanted.tags.items())


def _is_untouched(tx: Connection, experiment: Experiment) -> bool:
    """Say whether an experiment is the Default that every new database has, and nobody has used it."""
    fresh = ("0", DEFAULT_NAME, artifacts.own_location(DEFAULT_PROJECT, "0"), LifecycleStage.ACTIVE)
    now = (experiment.experiment_id, experiment.name, experiment.artifact_location, experiment.lifecycle_stage)
    return now == fresh and not experiment.tags and not store.has_runs(tx, 0)


# Runs


def find_imported_runs(tx: Connection, actor: Actor, run_ids: Sequence[str]) -> dict[str, bool]:
    """Return which of these runs are here, and whether each is here as a whole."""
    actor.require(Permission.TRACKING_READ)
    found = run_store.find_own_keys(tx, actor.project, run_ids)
    marked = store.find_tagged(tx, [run.key for run in found.values()], MARK)
    return {run_id: run.key not in marked for run_id, run in found.items()}


def import_runs(tx: Connection, actor: Actor, records: Sequence[RunRecord]) -> None:
    """Take in runs without their points, and mark them as incomplete; what is here of them gives way."""
    actor.require(Permission.TRACKING_WRITE)
    known = run_store.find_own_keys(tx, actor.project, [run.run_id for run in records])
    new = [run for run in records if run.run_id not in known]
    fresh = run_store.reserve_keys(tx, len(new))
    projects = dict.fromkeys(fresh, actor.project)
    run_store.insert_runs(tx, [run_store.run_row(key, run) for key, run in zip(fresh, new, strict=True)], projects)
    keys = run_store.find_own_keys(tx, actor.project, [run.run_id for run in records])
    by_key = {keys[run.run_id].key: run for run in records}
    now = now_ms()
    deleted = {key: run.deleted_at or now for key, run in by_key.items() if _is_deleted(run)}
    store.update_runs(tx, by_key, deleted)
    rows = [(keys[run.run_id], run) for run in records]
    texts = [(own.key, key, text, own.experiment) for own, run in rows for key, text in run.params.items()]
    store.set_params(tx, sorted(texts))
    texts = [(own.key, key, text, own.experiment) for own, run in rows for key, text in _marked(run.tags).items()]
    run_store.set_tags(tx, sorted(texts))
    for own, run in rows:
        run_store.add_datasets(tx, own.key, own.experiment, run.datasets)
        run_store.add_models(tx, own.key, "input", [(model, 0) for model in run.model_inputs])
        run_store.add_models(tx, own.key, "output", [(made.model_id, made.step) for made in run.model_outputs])
    documents.mark_stale(tx, by_key)


def _is_deleted(run: RunRecord) -> bool:
    return run.lifecycle_stage is LifecycleStage.DELETED


def _marked(tags: dict[str, str]) -> dict[str, str]:
    return tags | {MARK: INCOMPLETE}


def import_points(tx: Connection, actor: Actor, points: Sequence[RunPoint]) -> None:
    """Take in points of runs that are here, those of one run and metric together; one that is here stays once."""
    actor.require(Permission.TRACKING_WRITE)
    keys = run_store.find_own_keys(tx, actor.project, {point[0] for point in points})
    rows: list[metric_store.Point] = []
    series: list[metric_store.Series] = []
    for (run_id, metric), each in groupby(points, key=lambda point: point[:2]):
        run, some = keys[run_id].key, list(each)
        if len(some) < BLOCK_POINTS:
            rows += [(run, metric, at, step, value, is_nan) for _, _, at, step, value, is_nan in some]
        else:
            _, _, times, steps, values, nans = zip(*some, strict=True)
            numbers = [math.nan if is_nan else value for value, is_nan in zip(values, nans, strict=True)]
            series.append(metric_store.Series(run, metric, times, steps, numbers))
    experiments = {run.key: run.experiment for run in keys.values()}
    metric_store.insert_points(tx, rows, experiments)
    metric_store.insert_blocks(tx, series, experiments)
    documents.mark_stale(tx, experiments)


def finish_runs(tx: Connection, actor: Actor, run_ids: Sequence[str]) -> None:
    """Note that runs are here as a whole."""
    actor.require(Permission.TRACKING_WRITE)
    keys = [run.key for run in run_store.find_own_keys(tx, actor.project, run_ids).values()]
    store.delete_tags(tx, keys, MARK)
    documents.mark_stale(tx, keys)


def read_runs(tx: Connection, actor: Actor, run_ids: Sequence[str]) -> list[RunRecord]:
    """Return those of these runs that are here, in this order."""
    actor.require(Permission.TRACKING_READ)
    keys = run_store.find_own_keys(tx, actor.project, run_ids)
    wanted = [keys[run_id].key for run_id in run_ids if run_id in keys]
    deleted = store.find_deletion_times(tx, wanted)
    found = run_store.load_runs(tx, wanted)
    return [RunRecord(**msgspec.structs.asdict(found[key]), deleted_at=deleted.get(key)) for key in wanted]


def list_runs(
    tx: Connection, actor: Actor, experiment_ids: Sequence[str], after: int, limit: int
) -> tuple[list[tuple[str, str]], int | None]:
    """Return (run id, artifact location) of runs of experiments, and what to ask the next page with, None at the end.

    Deleted runs are among them. ``after`` is 0 for the first page.
    """
    actor.require(Permission.TRACKING_READ)
    rows = store.list_runs(tx, own_keys(tx, actor, experiment_ids), after, limit)
    return [(run_id, location) for _, run_id, location in rows], rows[-1][0] if len(rows) == limit else None


def read_points(tx: Connection, actor: Actor, run: Run) -> Iterator[RunPoint]:
    """Yield all points of a run, by metric, time, step and value, some thousands in memory at a time."""
    actor.require(Permission.TRACKING_READ)
    [own] = run_store.find_own_keys(tx, actor.project, [run.run_id]).values()
    for metric in run.metrics:
        after = history.START
        while len(points := history.read_points(tx, own.key, metric.key, after, POINTS_AT_ONCE)):
            after = points.position(-1)
            columns = (points.timestamps.tolist(), points.steps.tolist(), points.values.tolist())
            for at, step, value in zip(*columns, strict=True):
                is_nan = math.isnan(value)
                yield run.run_id, metric.key, at, step, 0.0 if is_nan else value, is_nan


# Logged models


def list_logged_models(
    tx: Connection, actor: Actor, experiment_ids: Sequence[str], after: int, limit: int
) -> tuple[list[str], int | None]:
    """Return ids of logged models as ``list_runs`` does those of runs."""
    actor.require(Permission.TRACKING_READ)
    rows = store.list_logged_models(tx, own_keys(tx, actor, experiment_ids), after, limit)
    return [model_id for _, model_id in rows], rows[-1][0] if len(rows) == limit else None


def find_imported_models(tx: Connection, actor: Actor, model_ids: Sequence[str]) -> dict[str, bool]:
    """Return which of these logged models are here, and whether each is here as a whole."""
    actor.require(Permission.TRACKING_READ)
    marked = store.find_tagged_models(tx, actor.project, model_ids, MARK)
    return {model_id: not is_marked for model_id, is_marked in marked.items()}


def import_logged_models(tx: Connection, actor: Actor, records: Iterable[ModelRecord]) -> None:
    """Take in logged models, and mark them as incomplete; what is here of them gives way."""
    actor.require(Permission.TRACKING_WRITE)
    for model in records:
        known = model_store.find_keys(tx, actor.project, [model.model_id], deleted=True)
        key = known[model.model_id] if known else model_store.insert_model(tx, actor.project, model)
        store.update_logged_model(tx, key, model, model.lifecycle_stage.value)
        store.add_model_params(tx, key, model.params)
        model_store.set_tags(tx, key, _marked(model.tags))
        rows = [
            (
                key,
                metric.key,
                metric.timestamp,
                metric.step,
                metric.run_id or "",
                0.0 if metric.value == "NaN" else metric.value,
                metric.value == "NaN",
                metric.dataset_name,
                metric.dataset_digest,
            )
            for metric in model.metrics
        ]
        model_store.insert_metrics(tx, rows)


def finish_logged_models(tx: Connection, actor: Actor, model_ids: Sequence[str]) -> None:
    """Note that logged models are here as a whole."""
    actor.require(Permission.TRACKING_WRITE)
    for key in model_store.find_keys(tx, actor.project, model_ids, deleted=True).values():
        model_store.delete_tag(tx, key, MARK)


def read_logged_models(tx: Connection, actor: Actor, model_ids: Sequence[str]) -> list[ModelRecord]:
    """Return those of these logged models that are here, deleted ones too."""
    actor.require(Permission.TRACKING_READ)
    keys = list(model_store.find_keys(tx, actor.project, model_ids, deleted=True).values())
    stages = store.find_stages(tx, keys)
    found = zip(keys, model_store.get_models(tx, keys), strict=True)
    return [
        ModelRecord(**msgspec.structs.asdict(model), lifecycle_stage=LifecycleStage(stages[key]))
        for key, model in found
    ]
