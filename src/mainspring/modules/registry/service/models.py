"""Registered models, their tags and aliases."""

from __future__ import annotations

import re

from msgspec import UNSET
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, NotFound
from mainspring.kit.names import check_key
from mainspring.kit.pages import Page, offset_of, page_of
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.quotas import service as quotas
from mainspring.modules.quotas.schemas import Resource
from mainspring.modules.registry import search, store
from mainspring.modules.registry.schemas import (
    PROMPT_TAG,
    ModelVersion,
    RegisteredModel,
    RegisteredModelCreate,
    RegisteredModelUpdate,
    RegistrySearch,
    Stage,
)
from mainspring.modules.registry.service import acts, rules

MAX_MODELS = 1000


def create_registered_model(tx: Connection, actor: Actor, new: RegisteredModelCreate) -> RegisteredModel:
    """Create a registered model. Raises InvalidArgument or AlreadyExists."""
    actor.require(Permission.REGISTRY_WRITE)
    rules.check_name(new.name)
    rules.check_text("description", new.description)
    for key, value in new.tags.items():
        rules.check_tag(key, value)
    rules.check_free(tx, actor.project, new.name, new.tags)
    quotas.take(tx, actor.project, Resource.MODELS)
    model = store.insert_model(tx, actor.project, new.name, new.description, new.tags, now_ms())
    made = rules.find_model(tx, actor.project, new.name)
    acts.note(tx, actor, "registered_model.create", model, made.name, after=acts.of_model(made))
    return made


quotas.counted(Resource.MODELS)(store.count_models)


def get_registered_model(tx: Connection, actor: Actor, name: str) -> RegisteredModel:
    """Return a registered model with the newest version of each stage. Raises NotFound."""
    actor.require(Permission.REGISTRY_READ)
    rules.check_name(name)
    return rules.find_model(tx, actor.project, name)


def update_registered_model(tx: Connection, actor: Actor, name: str, change: RegisteredModelUpdate) -> RegisteredModel:
    """Change a registered model's description or name. Raises NotFound, InvalidArgument or AlreadyExists."""
    actor.require(Permission.REGISTRY_WRITE)
    rules.check_name(name)
    if change.description is not UNSET:
        rules.check_text("description", change.description)
    key = rules.model_key(tx, actor.project, name)
    now = now_ms()
    if change.description is not UNSET:
        before = {"description": rules.find_model(tx, actor.project, name).description}
        store.update_model(tx, key, description=change.description, updated_at=now)
        after = {"description": change.description}
        acts.note(tx, actor, "registered_model.update", key, name, before=before, after=after)
    if change.name is not None:
        rules.check_name(change.name, "new_name")
        if change.name != name:
            rules.check_free(
                tx, actor.project, change.name, {PROMPT_TAG: store.find_model_tag(tx, key, PROMPT_TAG) or ""}
            )
        store.update_model(tx, key, name=change.name, updated_at=now)
        store.touch_versions(tx, key, now)
        acts.note(tx, actor, "registered_model.rename", key, name, before={}, after={"name": change.name})
    return rules.find_model(tx, actor.project, change.name or name)


def delete_registered_model(tx: Connection, actor: Actor, name: str) -> None:
    """Delete a registered model with its versions, tags and aliases. Raises NotFound."""
    actor.require(Permission.REGISTRY_WRITE)
    rules.check_name(name)
    key = rules.model_key(tx, actor.project, name)
    before = acts.of_model(rules.find_model(tx, actor.project, name))
    acts.note(tx, actor, "registered_model.delete", key, name, before=before)
    store.delete_model(tx, key)


def search_registered_models(tx: Connection, actor: Actor, wanted: RegistrySearch) -> Page[RegisteredModel]:
    """Return a page of registered models, by name unless ordered otherwise. Raises InvalidArgument."""
    actor.require(Permission.REGISTRY_READ)
    limit = rules.check_max_results(wanted.max_results, MAX_MODELS)
    offset = offset_of(wanted.page_token)
    conditions = search.model_conditions(wanted.filter)
    rows = store.search_models(tx, actor.project, conditions, search.model_order(wanted.order_by), limit + 1, offset)
    return page_of(rows, offset, limit)


def get_latest_versions(tx: Connection, actor: Actor, name: str, stages: list[str]) -> list[ModelVersion]:
    """Return the newest version of each of these stages, of all stages if none is named. Raises NotFound."""
    actor.require(Permission.REGISTRY_READ)
    rules.check_name(name)
    key = rules.model_key(tx, actor.project, name)
    wanted = {rules.canonical_stage(stage) for stage in stages} or set(Stage)
    return [version for version in store.latest_versions(tx, [key]).get(key, []) if version.stage in wanted]


def set_registered_model_tag(tx: Connection, actor: Actor, name: str, key: str, value: str) -> None:
    """Set a tag of a registered model. Raises NotFound or InvalidArgument."""
    actor.require(Permission.REGISTRY_WRITE)
    rules.check_name(name)
    rules.check_tag(key, value)
    model = rules.model_key(tx, actor.project, name)
    before = {"key": key, "value": store.find_model_tag(tx, model, key)}
    store.set_model_tags(tx, model, {key: value})
    after = {"key": key, "value": value}
    acts.note(tx, actor, "registered_model_tag.set", model, name, before=before, after=after)


def delete_registered_model_tag(tx: Connection, actor: Actor, name: str, key: str) -> None:
    """Delete a tag of a registered model; one that is not there is no error. Raises NotFound."""
    actor.require(Permission.REGISTRY_WRITE)
    rules.check_name(name)
    check_key(key, "key")
    model = rules.model_key(tx, actor.project, name)
    before = {"key": key, "value": store.find_model_tag(tx, model, key)}
    acts.note(tx, actor, "registered_model_tag.delete", model, name, before=before)
    store.delete_model_tag(tx, model, key)


def set_alias(tx: Connection, actor: Actor, name: str, alias: str, version: int) -> None:
    """Point an alias at a version, away from the one that had it. Raises NotFound or InvalidArgument."""
    actor.require(Permission.REGISTRY_WRITE)
    rules.check_name(name)
    rules.check_alias(alias)
    if alias.lower() == "latest":
        raise InvalidArgument("'latest' alias name (case insensitive) is reserved.", field="alias")
    if re.fullmatch(r"[vV]\d+", alias):
        raise InvalidArgument(f"Version alias name '{alias}' is reserved.", field="alias")
    key, version_key = rules.version_keys(tx, actor.project, name, version)
    led_to = store.find_aliased_version(tx, key, alias)
    store.set_alias(tx, key, alias, version_key)
    before = {"alias": alias, "version": led_to.version} if led_to else None
    after = {"alias": alias, "version": version}
    acts.note(tx, actor, "registered_model_alias.set", key, name, before=before, after=after)


def delete_alias(tx: Connection, actor: Actor, name: str, alias: str) -> None:
    """Delete an alias; one that is not there is no error. Raises NotFound for the model."""
    actor.require(Permission.REGISTRY_WRITE)
    rules.check_name(name)
    rules.check_alias(alias)
    key = rules.model_key(tx, actor.project, name)
    led_to = store.find_aliased_version(tx, key, alias)
    store.delete_alias(tx, key, alias)
    before = {"alias": alias, "version": led_to.version if led_to else None}
    acts.note(tx, actor, "registered_model_alias.delete", key, name, before=before)


def get_model_version_by_alias(tx: Connection, actor: Actor, name: str, alias: str) -> ModelVersion:
    """Return the version that an alias leads to; ``latest`` is the newest of all.

    Raises NotFound for the model, and InvalidArgument for the alias, as MLflow's clients expect.
    """
    actor.require(Permission.REGISTRY_READ)
    rules.check_name(name)
    rules.check_alias(alias)
    key = rules.model_key(tx, actor.project, name)
    if alias.lower() == "latest":
        newest = store.latest_versions(tx, [key]).get(key)
        if not newest:
            raise NotFound(f"Latest version not found for model {name}.", field="alias")
        return max(newest, key=lambda version: version.version)
    found = store.find_aliased_version(tx, key, alias)
    if found is None:
        raise InvalidArgument(f"Registered model alias {alias} not found.", field="alias")
    return found
