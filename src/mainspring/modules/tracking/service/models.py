"""Rules of logged models: a model's files, params and metrics, before and beside the registry."""

from __future__ import annotations

import re

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, NotFound
from mainspring.kit.events import Event, publish
from mainspring.kit.ids import new_model_id
from mainspring.kit.names import check_length, random_name
from mainspring.kit.pages import Page, page_of
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.tracking import search
from mainspring.modules.tracking.schemas import (
    DatasetScope,
    LifecycleStage,
    LoggedModel,
    LoggedModelCreate,
    ModelOrder,
    ModelStatus,
)
from mainspring.modules.tracking.service import rules
from mainspring.modules.tracking.service.experiments import get_active_experiment, own_keys
from mainspring.modules.tracking.service.runs import artifact_uri
from mainspring.modules.tracking.store import models as store

MAX_MODEL_NAME = 500
MAX_KEY = 255


def create_logged_model(tx: Connection, actor: Actor, new: LoggedModelCreate) -> LoggedModel:
    """Create a pending model in an active experiment. Raises NotFound or InvalidArgument."""
    actor.require(Permission.TRACKING_WRITE)
    name = _check_name(new.name) if new.name else random_name()
    params, tags = _check_pairs("param", new.params, rules.MAX_PARAM_VALUE), _check_pairs("tag", new.tags)
    experiment = get_active_experiment(tx, actor, new.experiment_id)
    model_id, now = new_model_id(), now_ms()
    model = LoggedModel(
        model_id=model_id,
        experiment_id=experiment.experiment_id,
        name=name,
        artifact_uri=artifact_uri(experiment.artifact_location, "models", model_id, "artifacts"),
        status=ModelStatus.PENDING,
        created_at=now,
        updated_at=now,
        source_run_id=check_length("source_run_id", new.source_run_id, 32) if new.source_run_id else None,
        model_type=new.model_type,
    )
    key = store.insert_model(tx, actor.project, model)
    store.insert_params(tx, key, params)
    store.set_tags(tx, key, tags)
    return _get(tx, key)


def _check_name(name: str) -> str:
    if not name or re.search(r"""[/:.%"']""", name):
        raise InvalidArgument(
            f"Invalid model name ({name[:100]!r}) provided. Model name must be a non-empty string and cannot contain "
            "the following characters: ('/', ':', '.', '%', '\"', \"'\")",
            field="name",
        )
    return check_length("name", name, MAX_MODEL_NAME)


def _check_pairs(what: str, pairs: dict[str, str], cut: int | None = None) -> dict[str, str]:
    for key, value in pairs.items():
        check_length(f"{what} key", key, MAX_KEY)
        if cut is None:
            check_length(f"{what} value", value, rules.MAX_TAG_VALUE)
    return {key: value[:cut] for key, value in pairs.items()}


def _key(tx: Connection, actor: Actor, model_id: str, allow_deleted: bool = False) -> int:
    key = store.find_keys(tx, actor.project, [model_id], allow_deleted).get(model_id)
    if key is None:
        raise NotFound(f"Logged model with ID '{model_id}' not found.", field="model_id")
    return key


def _get(tx: Connection, key: int) -> LoggedModel:
    [model] = store.get_models(tx, [key])
    return model


def get_logged_model(tx: Connection, actor: Actor, model_id: str, allow_deleted: bool = False) -> LoggedModel:
    """Return a logged model, a deleted one only where that is allowed. Raises NotFound."""
    actor.require(Permission.TRACKING_READ)
    return _get(tx, _key(tx, actor, model_id, allow_deleted))


def finalize_logged_model(
    tx: Connection, actor: Actor, model_id: str, status: ModelStatus, message: str | None = None
) -> LoggedModel:
    """Say that a model's files are there (READY), or that they failed to be written (FAILED)."""
    actor.require(Permission.TRACKING_WRITE)
    key = _key(tx, actor, model_id)
    values = {"status": status.value, "status_message": message, "updated_at": now_ms()}
    store.update_model(tx, key, values)
    return _get(tx, key)


def delete_logged_model(tx: Connection, actor: Actor, model_id: str) -> None:
    """Mark a logged model as deleted; one that is already stays so. Raises NotFound."""
    actor.require(Permission.TRACKING_WRITE)
    values = {"lifecycle_stage": LifecycleStage.DELETED.value, "updated_at": now_ms()}
    store.update_model(tx, _key(tx, actor, model_id, allow_deleted=True), values)
    publish(tx, Event("logged_model.delete", model_id, actor, actor.project))


def set_logged_model_tags(tx: Connection, actor: Actor, model_id: str, tags: dict[str, str]) -> LoggedModel:
    """Set tags of a logged model. Raises NotFound or InvalidArgument."""
    actor.require(Permission.TRACKING_WRITE)
    tags = _check_pairs("tag", tags)
    key = _key(tx, actor, model_id)
    store.set_tags(tx, key, tags)
    return _get(tx, key)


def delete_logged_model_tag(tx: Connection, actor: Actor, model_id: str, tag: str) -> None:
    """Delete a tag of a logged model. Raises NotFound."""
    actor.require(Permission.TRACKING_WRITE)
    if not store.delete_tag(tx, _key(tx, actor, model_id), tag):
        raise NotFound(f"No tag with key {tag!r} found for model with ID {model_id!r}.", field="tag_key")


def log_logged_model_params(tx: Connection, actor: Actor, model_id: str, params: dict[str, str]) -> None:
    """Add params to a logged model. Raises NotFound, or InvalidArgument for one that has another value."""
    actor.require(Permission.TRACKING_WRITE)
    params = _check_pairs("param", params, rules.MAX_PARAM_VALUE)
    key = _key(tx, actor, model_id)
    known = _get(tx, key).params
    for name, value in params.items():
        if known.get(name, value) != value:
            raise InvalidArgument(
                f"Changing param values is not allowed. Param with key='{name}' was already logged with "
                f"value='{known[name]}' for model ID='{model_id}'. Attempted logging new value '{value}'.",
                field="params",
            )
    store.insert_params(tx, key, {name: value for name, value in params.items() if name not in known})


def search_logged_models(
    tx: Connection,
    actor: Actor,
    experiment_ids: list[str],
    filter: str = "",
    datasets: list[DatasetScope] | None = None,
    max_results: int = 100,
    order_by: list[ModelOrder] | None = None,
    offset: int = 0,
) -> Page[LoggedModel]:
    """Return a page of logged models, the newest first unless ordered otherwise.

    ``datasets`` narrows the metrics that ``filter`` and ``order_by`` speak of.
    """
    actor.require(Permission.TRACKING_READ)
    limit = rules.check_max_results(max_results)
    experiments = own_keys(tx, actor, experiment_ids)
    keys = search.search_logged_models(tx, experiments, filter, datasets or [], limit + 1, offset, order_by or [])
    page = page_of(keys, offset, limit)
    return Page(store.get_models(tx, page.items), page.next_page_token)
