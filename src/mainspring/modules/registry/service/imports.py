"""Taking in the registered models of another server: version numbers, times and stages stay as they were.

What is here already stays as it is, so that everything may be taken in twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission
from mainspring.modules.registry import store
from mainspring.modules.registry.schemas import ModelVersion, RegisteredModel
from mainspring.modules.registry.service import rules
from mainspring.modules.registry.service.origins import measured


class RegisteredModelRecord(RegisteredModel, frozen=True):
    """A registered model, and the greatest number that a version of it has had; ``latest_versions`` is not taken in."""

    last_version: int = 0


def import_registered_model(tx: Connection, actor: Actor, model: RegisteredModelRecord) -> None:
    """Take in a registered model or prompt; one that is here gets the tags that it lacks."""
    actor.require(Permission.REGISTRY_WRITE)
    found = store.find_model(tx, actor.project, model.name)
    if found is None:
        store.insert_model(tx, actor.project, model.name, model.description, model.tags, model.updated_at)
        key = rules.model_key(tx, actor.project, model.name)
        store.update_model(tx, key, created_at=model.created_at, last_version=model.last_version)
    else:
        lacking = {tag: value for tag, value in model.tags.items() if tag not in found.tags}
        store.set_model_tags(tx, rules.model_key(tx, actor.project, model.name), lacking)


def import_model_versions(tx: Connection, actor: Actor, name: str, versions: Sequence[ModelVersion]) -> list[int]:
    """Take in those versions of a registered model whose numbers are free, and return them.

    Their params and metrics are those of their run and logged model here.
    """
    actor.require(Permission.REGISTRY_WRITE)
    key = rules.model_key(tx, actor.project, name)
    taken = []
    for version in versions:
        if store.find_version_keys(tx, actor.project, name, version.version) is None:
            origin = measured(tx, actor, version.run_id, version.model_id)
            store.insert_version(tx, key, version, origin.params, origin.metrics)
            taken.append(version.version)
    if taken:
        store.raise_last_version(tx, key, max(taken))
    return taken


def import_aliases(tx: Connection, actor: Actor, name: str, aliases: Mapping[str, int]) -> None:
    """Take in those aliases of a registered model that are free and whose version is here."""
    actor.require(Permission.REGISTRY_WRITE)
    found = rules.find_model(tx, actor.project, name)
    for alias, version in aliases.items():
        keys = store.find_version_keys(tx, actor.project, name, version)
        if keys is not None and alias not in found.aliases:
            store.set_alias(tx, keys[0], alias, keys[1])
