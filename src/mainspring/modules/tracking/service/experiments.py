"""Rules of experiments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from mainspring.kit import events
from mainspring.kit.actors import DEFAULT_PROJECT, Actor
from mainspring.kit.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from mainspring.kit.events import Event
from mainspring.kit.pages import Page, offset_of, page_of
from mainspring.kit.paths import repeatedly_unquoted
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.projects import service as projects
from mainspring.modules.quotas import service as quotas
from mainspring.modules.quotas.schemas import Resource
from mainspring.modules.tracking import search
from mainspring.modules.tracking.schemas import Experiment, ExperimentCreate, LifecycleStage, ViewType
from mainspring.modules.tracking.service import rules
from mainspring.modules.tracking.store import documents
from mainspring.modules.tracking.store import experiments as store

DEFAULT_NAME = "Default"
Side = dict[str, Any] | None
HOST_SCHEMES = {"http", "https", "hdfs", "viewfs", "ftp", "sftp", "abfss", "dbfs"}
MAX_LOCATION = 2048


def create_experiment(tx: Connection, actor: Actor, new: ExperimentCreate) -> Experiment:
    """Create an experiment. Raises AlreadyExists, also for the name of a deleted one."""
    actor.require(Permission.TRACKING_WRITE)
    rules.check_experiment_name(new.name)
    location = _check_location(actor, new.artifact_location)
    tags = [rules.check_experiment_tag(key, value) for key, value in new.tags.items()]
    existing = store.find_experiment(tx, actor.project, name=new.name)
    if existing is not None:
        raise _taken(existing)
    quotas.take(tx, actor.project, Resource.EXPERIMENTS)
    key = store.insert_experiment(tx, actor.project, new.name, now_ms())
    store.set_location(tx, key, location or _usual_location(tx, actor, key))
    store.set_tags(tx, key, tags)
    [experiment] = store.get_experiments(tx, actor.project, [key])
    _note(tx, actor, "experiment.create", experiment, after={"name": experiment.name, "tags": experiment.tags})
    return experiment


quotas.counted(Resource.EXPERIMENTS)(store.count_experiments)


def _note(
    tx: Connection, actor: Actor, action: str, experiment: Experiment, before: Side = None, after: Side = None
) -> None:
    """Publish an act upon an experiment."""
    events.publish(tx, Event(action, experiment.experiment_id, actor, actor.project, before, after))


def _usual_location(tx: Connection, actor: Actor, key: int) -> str:
    """Return where the files of an experiment lie that names no place."""
    root = projects.own_project(tx, actor).artifact_root
    return f"{root}/{key}" if root else artifacts.own_location(actor.project, str(key))


@events.subscribe
def _add_default_experiment(tx: Connection, event: Event) -> None:
    """Give a new project the experiment that its clients log to when they name none."""
    if event.action == "project.create" and event.project is not None:
        key = store.insert_experiment(tx, event.project, DEFAULT_NAME, now_ms(), is_default=True)
        store.set_location(tx, key, artifacts.own_location(event.project, str(key)))


def _taken(existing: Experiment) -> AlreadyExists:
    if existing.lifecycle_stage is LifecycleStage.DELETED:
        return AlreadyExists(
            f"Experiment '{existing.name}' already exists in deleted state. You can restore the experiment, or "
            "permanently delete the experiment to create a new one.",
            field="name",
        )
    return AlreadyExists(f"Experiment(name={existing.name}) already exists. Choose another name.", field="name")


def _check_location(actor: Actor, location: str | None) -> str | None:
    """Return where an experiment's artifacts lie, or None for a folder of the server's own store.

    Clients read and write other locations by themselves; those that name a host which the server
    would have to talk to are refused. A plain path is one of this machine.
    """
    if not location:
        return None
    parts = urlsplit(location)
    if parts.scheme == "runs":
        raise _bad_location(f"Artifact location cannot be a runs:/ URI. Given: '{location[:200]}'")
    if "#" in location:
        raise _bad_location("'artifact_location' URL can't include fragments or params.")
    if len(location) > MAX_LOCATION:
        raise _bad_location(
            f"Invalid artifact path length. The length of the artifact path cannot be greater than {MAX_LOCATION} "
            "characters."
        )
    if parts.scheme in HOST_SCHEMES or (parts.scheme == "mlflow-artifacts" and parts.netloc):
        raise _bad_location(
            f"'artifact_location' cannot use the '{parts.scheme}' scheme with a host: the server would have to "
            "connect to it. Use a path of this server's store (mlflow-artifacts:/…), a bucket or a folder."
        )
    if ".." in repeatedly_unquoted(parts.query):
        raise _bad_location(f"Invalid query string in the artifact location: '{parts.query[:200]}'.")
    if parts.scheme == "mlflow-artifacts" and ".." in repeatedly_unquoted(parts.path).split("/"):
        raise _bad_location(f"'artifact_location' must not leave the server's store: got '{location[:200]}'.")
    if parts.scheme == artifacts.SCHEME:
        artifacts.check_owner(actor, artifacts.resolve(location))
    return location if parts.scheme else str(Path(location).absolute())


def _bad_location(message: str) -> InvalidArgument:
    return InvalidArgument(message, field="artifact_location")


def get_experiment(tx: Connection, actor: Actor, experiment_id: str) -> Experiment:
    """Return an experiment, a deleted one too. Raises NotFound."""
    actor.require(Permission.TRACKING_READ)
    key = own_key(tx, actor, experiment_id or "0")
    experiment = store.find_experiment(tx, actor.project, key=key)
    if experiment is None:
        raise NotFound(f"No Experiment with id={key} exists", field="experiment_id")
    return experiment


def own_key(tx: Connection, actor: Actor, experiment_id: str) -> int:
    """Return the number that an experiment id is; 0 is the default experiment of the actor's project."""
    key = rules.experiment_key(experiment_id)
    if key == 0 and actor.project != DEFAULT_PROJECT:
        return store.find_default(tx, actor.project) or 0
    return key


def own_keys(tx: Connection, actor: Actor, experiment_ids: Sequence[str]) -> list[int]:
    """Return those of the experiments that are of the actor's project: all others hold nothing to be found."""
    return store.find_own(tx, actor.project, [own_key(tx, actor, each) for each in experiment_ids])


def get_experiment_by_name(tx: Connection, actor: Actor, name: str) -> Experiment:
    """Return the experiment of that name, a deleted one too. Raises NotFound."""
    actor.require(Permission.TRACKING_READ)
    experiment = store.find_experiment(tx, actor.project, name=name)
    if experiment is None:
        raise NotFound(f"Could not find experiment with name '{name}'", field="experiment_name")
    return experiment


def get_active_experiment(tx: Connection, actor: Actor, experiment_id: str) -> Experiment:
    """Return an experiment that may be written to. Raises NotFound, or InvalidArgument for a deleted one."""
    experiment = get_experiment(tx, actor, experiment_id)
    if experiment.lifecycle_stage is not LifecycleStage.ACTIVE:
        raise InvalidArgument(
            f"The experiment {experiment.experiment_id} must be in the 'active' state. "
            f"Current state is {experiment.lifecycle_stage}.",
            field="experiment_id",
        )
    return experiment


def search_experiments(
    tx: Connection,
    actor: Actor,
    filter: str = "",
    view_type: ViewType = ViewType.ACTIVE_ONLY,
    max_results: int = 1000,
    order_by: list[str] | None = None,
    page_token: str | None = None,
) -> Page[Experiment]:
    """Return a page of experiments, the newest first unless ordered otherwise."""
    actor.require(Permission.TRACKING_READ)
    limit, offset = rules.check_max_results(max_results), offset_of(page_token)
    keys = search.search_experiments(tx, actor.project, filter, view_type, limit + 1, offset, order_by or [])
    page = page_of(keys, offset, limit)
    return Page(store.get_experiments(tx, actor.project, page.items), page.next_page_token)


def delete_experiment(tx: Connection, actor: Actor, experiment_id: str) -> None:
    """Mark an active experiment and all its runs as deleted. Raises NotFound."""
    _move(tx, actor, experiment_id, LifecycleStage.ACTIVE, LifecycleStage.DELETED)


def restore_experiment(tx: Connection, actor: Actor, experiment_id: str) -> None:
    """Bring a deleted experiment back with all its runs.

    Raises NotFound, or FailedPrecondition for one that is being deleted for good.
    """
    _move(tx, actor, experiment_id, LifecycleStage.DELETED, LifecycleStage.ACTIVE)


def _move(tx: Connection, actor: Actor, experiment_id: str, old: LifecycleStage, new: LifecycleStage) -> None:
    actor.require(Permission.TRACKING_WRITE)
    experiment = get_experiment(tx, actor, experiment_id)
    if experiment.lifecycle_stage is not old:
        raise NotFound(f"No Experiment with id={experiment.experiment_id} exists", field="experiment_id")
    if not store.set_stage(tx, int(experiment.experiment_id), new, now_ms()):
        raise FailedPrecondition(
            f"The experiment {experiment.experiment_id} is being deleted for good.", field="experiment_id"
        )
    documents.mark_experiment_stale(tx, int(experiment.experiment_id))
    verb = "delete" if new is LifecycleStage.DELETED else "restore"
    _note(tx, actor, f"experiment.{verb}", experiment, {"stage": old}, {"stage": new, "name": experiment.name})


def rename_experiment(tx: Connection, actor: Actor, experiment_id: str, name: str) -> None:
    """Give an active experiment another name. Raises NotFound, FailedPrecondition or AlreadyExists."""
    actor.require(Permission.TRACKING_WRITE)
    rules.check_experiment_name(name)
    experiment = get_experiment(tx, actor, experiment_id)
    if experiment.lifecycle_stage is not LifecycleStage.ACTIVE:
        raise FailedPrecondition("Cannot rename a non-active experiment.", field="experiment_id")
    existing = store.find_experiment(tx, actor.project, name=name)
    if existing is not None and existing.experiment_id != experiment.experiment_id:
        raise _taken(existing)
    store.rename_experiment(tx, int(experiment.experiment_id), name, now_ms())
    _note(tx, actor, "experiment.rename", experiment, {"name": experiment.name}, {"name": name})


def set_experiment_tag(tx: Connection, actor: Actor, experiment_id: str, key: str, value: str) -> None:
    """Set a tag of an active experiment."""
    actor.require(Permission.TRACKING_WRITE)
    tag = rules.check_experiment_tag(key, value)
    experiment = get_active_experiment(tx, actor, experiment_id)
    store.set_tags(tx, int(experiment.experiment_id), [tag])
    before = {"key": key, "value": experiment.tags.get(key)}
    _note(tx, actor, "experiment_tag.set", experiment, before, {"key": key, "value": value})


def delete_experiment_tag(tx: Connection, actor: Actor, experiment_id: str, key: str) -> None:
    """Delete a tag of an active experiment. Raises NotFound."""
    actor.require(Permission.TRACKING_WRITE)
    experiment = get_active_experiment(tx, actor, experiment_id)
    if not store.delete_tag(tx, int(experiment.experiment_id), key):
        raise NotFound(f"No tag with name: {key} in experiment with id {experiment_id}", field="key")
    _note(tx, actor, "experiment_tag.delete", experiment, {"key": key, "value": experiment.tags.get(key)})
