"""Rules of runs: their life, and what is logged to them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from mainspring.db.journal import Deferred, Known, Unsettled
from mainspring.db.lookups import Lookup
from mainspring.kit.actors import DEFAULT_PROJECT, Actor
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, MainspringError, NotFound
from mainspring.kit.events import Event, publish
from mainspring.kit.ids import new_run_id
from mainspring.kit.names import check_length, check_run_id, invalid_value, random_name
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.quotas import service as quotas
from mainspring.modules.quotas.schemas import Resource
from mainspring.modules.tracking.documents import encode as render
from mainspring.modules.tracking.schemas import (
    Experiment,
    LifecycleStage,
    ModelOutput,
    Run,
    RunCreate,
    RunHeader,
    RunInputs,
    RunStatus,
    RunUpdate,
)
from mainspring.modules.tracking.service import rules
from mainspring.modules.tracking.service.experiments import get_active_experiment
from mainspring.modules.tracking.service.written import WRITTEN, Rows
from mainspring.modules.tracking.store import deletion, documents
from mainspring.modules.tracking.store import runs as store
from mainspring.modules.tracking.store.runs import RunKey

EXPERIMENT, NEW_RUNS, LAST_RUN = "experiment", "new runs", ("last run",)
LOGGED_MODELS_TAG = "mlflow.log-model.history"


def _check_new_runs(
    tx: Connection, calls: list[tuple[Actor, RunCreate]], known: Known
) -> tuple[list[Run | MainspringError], Rows]:
    """Start runs in active experiments; a call is (actor, new run).

    Known are active experiments by (``EXPERIMENT``, project, id), how many runs of a project are not in the tables
    yet by (``NEW_RUNS``, project), and the greatest key of a run by ``LAST_RUN``.
    """
    outcomes: list[Run | MainspringError] = []
    for actor, new in calls:
        try:
            actor.require(Permission.TRACKING_WRITE)
            place = (EXPERIMENT, actor.project, new.experiment_id)
            if place not in known:
                known[place] = get_active_experiment(tx, actor, new.experiment_id)
            run, waiting = _new_run(known[place], new), known.get((NEW_RUNS, actor.project), 0)
            quotas.take(tx, actor.project, Resource.RUNS, 1, waiting)
            known[NEW_RUNS, actor.project] = waiting + 1
            outcomes.append(run)
        except MainspringError as error:
            outcomes.append(error)
    runs = [(actor.project, run) for (actor, _), run in zip(calls, outcomes, strict=True) if isinstance(run, Run)]
    return outcomes, _rows(runs, store.reserve_keys(tx, len(runs), known.get(LAST_RUN, 0)), known)


def _rows(runs: list[tuple[int, Run]], keys: Sequence[int], known: Known) -> Rows:
    """Return what is written of new runs, each with its project, and note that they are there."""
    rows = Rows()
    for key, (project, run) in zip(keys, runs, strict=True):
        experiment = int(run.experiment_id)
        rows.runs.append(store.run_row(key, run))
        rows.tags += [(key, name, text, experiment) for name, text in run.tags.items()]
        rows.experiments[key] = experiment
        if project != DEFAULT_PROJECT:
            rows.projects[key] = project
        known[run.run_id] = RunKey(key, run.run_id, experiment, run.lifecycle_stage, project)
        known[LAST_RUN] = key
    return rows


quotas.counted(Resource.RUNS)(store.count_runs)

create_run: Deferred[[Actor, RunCreate], Run] = Deferred(WRITTEN, _check_new_runs)
"""Start a run in an active experiment: ``create_run(tx, actor, new)``.

Raises NotFound, InvalidArgument, or TooLarge where the project has as many as it may.
"""


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
    run = store.find_run(tx, actor.project, run_id)
    if run is None:
        raise rules.missing_run(run_id)
    return run


def _look_up_documents(tx: Connection, calls: list[tuple[bool, Actor, str]]) -> list[bytes | MainspringError | None]:
    """Return the documents of runs, deleted ones too; a call is (settled, actor, run_id)."""
    found = documents.find_documents(tx, {run_id for _, _, run_id in calls})
    return [_permitted_document(settled, actor, run_id, found.get(run_id)) for settled, actor, run_id in calls]


def _permitted_document(
    settled: bool, actor: Actor, run_id: str, found: documents.Found | None
) -> bytes | MainspringError | None:
    try:
        actor.require(Permission.TRACKING_READ)
    except MainspringError as error:
        return error
    if found is None or found.project != actor.project:
        return rules.missing_run(run_id)
    return Unsettled() if found.wait and not settled else found.body


look_up_document: Lookup[[bool, Actor, str], bytes | None] = Lookup(_look_up_documents)
"""Look up a run as MLflow's JSON: ``look_up_document(settled, actor, run_id)``; None: ``get_document`` must make it.

Raises NotFound; Unsettled where it is not known to be ``settled``, and what is logged to it may wait in the journal.
"""


def get_document(tx: Connection, actor: Actor, run_id: str) -> bytes:
    """Return a run, a deleted one too, as MLflow's JSON. Raises NotFound."""
    return render(get_run(tx, actor, run_id))


def get_run_header(tx: Connection, actor: Actor, run_id: str) -> RunHeader:
    """Return a run without what was logged to it. Raises NotFound."""
    actor.require(Permission.TRACKING_READ)
    info = store.find_header(tx, actor.project, run_id)
    if info is None:
        raise rules.missing_run(run_id)
    return info


def _writable_key(tx: Connection, actor: Actor, run_id: str) -> RunKey:
    """Return the key of a run that the actor may write to. Raises PermissionDenied or NotFound."""
    actor.require(Permission.TRACKING_WRITE, run_id)
    run = store.find_own_keys(tx, actor.project, [run_id]).get(run_id)
    if run is None:
        raise rules.missing_run(run_id)
    return run


def _active_key(tx: Connection, actor: Actor, run_id: str) -> RunKey:
    run = _writable_key(tx, actor, run_id)
    if run.stage != LifecycleStage.ACTIVE:
        raise rules.inactive_run(run.run_id, run.stage)
    return run


def update_run(tx: Connection, actor: Actor, run_id: str, change: RunUpdate) -> RunHeader:
    """Change an active run's status, end or name; the name and its tag go together."""
    run = _active_key(tx, actor, run_id)
    values: dict[str, Any] = {}
    if change.status is not None:
        values["status"] = change.status.value
    if change.ended_at is not None:
        values["ended_at"] = _check_time("end_time", change.ended_at)
    if change.name:
        values["name"] = change.name
        name = change.name[: rules.MAX_TAG_VALUE]
        store.set_tags(tx, [(run.key, rules.RUN_NAME_TAG, name, run.experiment)])
    if values:
        store.update_run(tx, run.key, values)
        documents.mark_stale(tx, [run.key])
    return get_run_header(tx, actor, run_id)


def delete_run(tx: Connection, actor: Actor, run_id: str) -> None:
    """Mark a run as deleted; one that is already stays so. Raises NotFound."""
    run = _writable_key(tx, actor, run_id)
    if run.stage == LifecycleStage.ACTIVE:
        store.update_run(tx, run.key, {"lifecycle_stage": LifecycleStage.DELETED.value, "deleted_at": now_ms()})
        documents.mark_stale(tx, [run.key])
        publish(tx, Event("run.delete", run_id, actor, actor.project))


def restore_run(tx: Connection, actor: Actor, run_id: str) -> None:
    """Bring a deleted run back. Raises NotFound, or FailedPrecondition for one that is being deleted for good."""
    run = _writable_key(tx, actor, run_id)
    if not deletion.restore_run(tx, run.key):
        raise FailedPrecondition(f"The run {run_id} is being deleted for good.", field="run_id")
    documents.mark_stale(tx, [run.key])
    if run.stage == LifecycleStage.DELETED:
        publish(tx, Event("run.restore", run_id, actor, actor.project))


def delete_tag(tx: Connection, actor: Actor, run_id: str, key: str) -> None:
    """Delete a tag of an active run. Raises NotFound."""
    run = _active_key(tx, actor, run_id)
    if not store.delete_tag(tx, run.key, key):
        raise NotFound(f"No tag with name: {key} in run with id {run_id}", field="key")
    documents.mark_stale(tx, [run.key])


def log_inputs(tx: Connection, actor: Actor, run_id: str, inputs: RunInputs) -> None:
    """Note the datasets and logged models that an active run reads."""
    actor.require(Permission.TRACKING_WRITE, run_id)
    check_run_id(run_id)
    datasets = rules.check_datasets(inputs.datasets)
    models = [(check_length("model_id", model, 34), 0) for model in inputs.models]
    run = _active_key(tx, actor, run_id)
    store.add_datasets(tx, run.key, run.experiment, datasets)
    store.add_models(tx, run.key, "input", models)
    documents.mark_stale(tx, [run.key])


def log_outputs(tx: Connection, actor: Actor, run_id: str, models: list[ModelOutput]) -> None:
    """Note the logged models that an active run makes, each at its step."""
    actor.require(Permission.TRACKING_WRITE, run_id)
    outputs = [(check_length("model_id", model.model_id, 34), _check_time("step", model.step)) for model in models]
    run = _active_key(tx, actor, run_id)
    store.add_models(tx, run.key, "output", outputs)
    documents.mark_stale(tx, [run.key])


def log_model(tx: Connection, actor: Actor, run_id: str, model: dict[str, Any]) -> None:
    """Append a model's description to the run's history of logged models (clients before 3.0)."""
    run = _active_key(tx, actor, run_id)
    history = json.loads(store.find_tag(tx, run.key, LOGGED_MODELS_TAG) or "[]")
    text = json.dumps([*history, model])
    check_length("value", text, rules.MAX_TAG_VALUE)
    store.set_tags(tx, [(run.key, LOGGED_MODELS_TAG, text, run.experiment)])
    documents.mark_stale(tx, [run.key])
