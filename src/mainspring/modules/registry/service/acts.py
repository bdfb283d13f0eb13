"""Acts upon registered models and versions, as they are told to the audit log and to webhooks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.events import Event, publish
from mainspring.modules.registry import store
from mainspring.modules.registry.schemas import PROMPT_TAG, ModelVersion, RegisteredModel
from mainspring.modules.registry.service import rules

Side = dict[str, Any]


def note(
    tx: Connection,
    actor: Actor,
    action: str,
    key: int,
    name: str,
    version: int | None = None,
    *,
    before: Side | None = None,
    after: Side | None = None,
) -> None:
    """Publish an act upon the registered model of a key, or upon one of its versions.

    Both sides carry the name and the version, and say of a prompt that it is one.
    """
    named: Side = {"name": name}
    if version is not None:
        named["version"] = version
    if rules.is_prompt({PROMPT_TAG: store.find_model_tag(tx, key, PROMPT_TAG) or ""}):
        named["prompt"] = True
    before, after = (None if side is None else named | side for side in (before, after))
    object_id = name if version is None else f"{name}/{version}"
    publish(tx, Event(action, object_id, actor, actor.project, before, after))


def of_model(model: RegisteredModel) -> Side:
    """Return what is told of a registered model."""
    return {"description": model.description, "tags": model.tags}


def of_version(version: ModelVersion) -> Side:
    """Return what is told of a version."""
    return {
        "description": version.description,
        "tags": version.tags,
        "source": version.source,
        "run_id": version.run_id,
        "model_id": version.model_id,
        "stage": version.stage,
    }
