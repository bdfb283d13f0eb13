"""The model registry: registered models, their versions, stages, aliases and tags.

Every function takes a transaction and an actor, and commits nothing. Prompts are registered models
with the tag ``mlflow.prompt.is_prompt``; searches leave them out unless they ask for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import AlreadyExists, InvalidArgument, NotFound
from mainspring.kit.names import check_key, check_length, invalid_value, missing_value
from mainspring.kit.pages import Page, offset_of, page_of
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.registry import search, store
from mainspring.modules.registry.origins import Measured, canonical_stage, find_origin, list_on_model, measured
from mainspring.modules.registry.schemas import (
    ModelFile,
    ModelVersion,
    ModelVersionCreate,
    ModelVersionDetails,
    ModelVersionUpdate,
    RegisteredModel,
    RegisteredModelCreate,
    RegisteredModelUpdate,
    RegistrySearch,
    Stage,
)
from mainspring.modules.registry.sources import PROMPT_TAG, is_prompt, run_of
from mainspring.modules.tracking import service as tracking

MAX_NAME = 256
MAX_TEXT = 100_000
MAX_TAG_KEY = 250
MAX_TAG_VALUE = 100_000
MAX_ALIAS = 255
MAX_MODELS = 1000
MAX_VERSIONS = 200_000
MAX_VERSION_NUMBER = 2**31 - 1
PROMPT_TEXT_TAG = "mlflow.prompt.text"
ACTIVE_STAGES = (Stage.STAGING, Stage.PRODUCTION)


# Registered models


def create_registered_model(tx: Connection, actor: Actor, new: RegisteredModelCreate) -> RegisteredModel:
    """Create a registered model. Raises InvalidArgument or AlreadyExists."""
    actor.require(Permission.REGISTRY_WRITE)
    _check_name(new.name)
    _check_text("description", new.description)
    for key, value in new.tags.items():
        _check_tag(key, value)
    _check_free(tx, new.name, new.tags)
    store.insert_model(tx, new.name, new.description, new.tags, now_ms())
    return _model(tx, new.name)


def get_registered_model(tx: Connection, actor: Actor, name: str) -> RegisteredModel:
    """Return a registered model with the newest version of each stage. Raises NotFound."""
    actor.require(Permission.REGISTRY_READ)
    _check_name(name)
    return _model(tx, name)


def update_registered_model(tx: Connection, actor: Actor, name: str, change: RegisteredModelUpdate) -> RegisteredModel:
    """Change a registered model's description or name. Raises NotFound, InvalidArgument or AlreadyExists."""
    actor.require(Permission.REGISTRY_WRITE)
    _check_name(name)
    if change.description is not UNSET:
        _check_text("description", change.description)
    key = _model_key(tx, name)
    now = now_ms()
    if change.description is not UNSET:
        store.update_model(tx, key, description=change.description, updated_at=now)
    if change.name is not None:
        _check_name(change.name, "new_name")
        if change.name != name:
            _check_free(tx, change.name, {PROMPT_TAG: store.find_model_tag(tx, key, PROMPT_TAG) or ""})
        store.update_model(tx, key, name=change.name, updated_at=now)
        store.touch_versions(tx, key, now)
    return _model(tx, change.name or name)


def delete_registered_model(tx: Connection, actor: Actor, name: str) -> None:
    """Delete a registered model with its versions, tags and aliases. Raises NotFound."""
    actor.require(Permission.REGISTRY_WRITE)
    _check_name(name)
    store.delete_model(tx, _model_key(tx, name))


def search_registered_models(tx: Connection, actor: Actor, wanted: RegistrySearch) -> Page[RegisteredModel]:
    """Return a page of registered models, by name unless ordered otherwise. Raises InvalidArgument."""
    actor.require(Permission.REGISTRY_READ)
    limit = _check_max_results(wanted.max_results, MAX_MODELS)
    offset = offset_of(wanted.page_token)
    conditions = search.model_conditions(wanted.filter)
    rows = store.search_models(tx, conditions, search.model_order(wanted.order_by), limit + 1, offset)
    return page_of(rows, offset, limit)


def get_latest_versions(tx: Connection, actor: Actor, name: str, stages: list[str]) -> list[ModelVersion]:
    """Return the newest version of each of these stages, of all stages if none is named. Raises NotFound."""
    actor.require(Permission.REGISTRY_READ)
    _check_name(name)
    key = _model_key(tx, name)
    wanted = {canonical_stage(stage) for stage in stages} or set(Stage)
    return [version for version in store.latest_versions(tx, [key]).get(key, []) if version.stage in wanted]


def set_registered_model_tag(tx: Connection, actor: Actor, name: str, key: str, value: str) -> None:
    """Set a tag of a registered model. Raises NotFound or InvalidArgument."""
    actor.require(Permission.REGISTRY_WRITE)
    _check_name(name)
    _check_tag(key, value)
    store.set_model_tags(tx, _model_key(tx, name), {key: value})


def delete_registered_model_tag(tx: Connection, actor: Actor, name: str, key: str) -> None:
    """Delete a tag of a registered model; one that is not there is no error. Raises NotFound."""
    actor.require(Permission.REGISTRY_WRITE)
    _check_name(name)
    check_key(key, "key")
    store.delete_model_tag(tx, _model_key(tx, name), key)


# Aliases


def set_alias(tx: Connection, actor: Actor, name: str, alias: str, version: int) -> None:
    """Point an alias at a version, away from the one that had it. Raises NotFound or InvalidArgument."""
    actor.require(Permission.REGISTRY_WRITE)
    _check_name(name)
    _check_alias(alias)
    if alias.lower() == "latest":
        raise InvalidArgument("'latest' alias name (case insensitive) is reserved.", field="alias")
    if re.fullmatch(r"[vV]\d+", alias):
        raise InvalidArgument(f"Version alias name '{alias}' is reserved.", field="alias")
    key, version_key = _version_keys(tx, name, version)
    store.set_alias(tx, key, alias, version_key)


def delete_alias(tx: Connection, actor: Actor, name: str, alias: str) -> None:
    """Delete an alias; one that is not there is no error. Raises NotFound for the model."""
    actor.require(Permission.REGISTRY_WRITE)
    _check_name(name)
    _check_alias(alias)
    store.delete_alias(tx, _model_key(tx, name), alias)


def get_model_version_by_alias(tx: Connection, actor: Actor, name: str, alias: str) -> ModelVersion:
    """Return the version that an alias leads to; ``latest`` is the newest of all.

    Raises NotFound for the model, and InvalidArgument for the alias, as MLflow's clients expect.
    """
    actor.require(Permission.REGISTRY_READ)
    _check_name(name)
    _check_alias(alias)
    key = _model_key(tx, name)
    if alias.lower() == "latest":
        newest = store.latest_versions(tx, [key]).get(key)
        if not newest:
            raise NotFound(f"Latest version not found for model {name}.", field="alias")
        return max(newest, key=lambda version: version.version)
    found = store.find_aliased_version(tx, key, alias)
    if found is None:
        raise InvalidArgument(f"Registered model alias {alias} not found.", field="alias")
    return found


# Versions


def create_model_version(tx: Connection, actor: Actor, name: str, new: ModelVersionCreate) -> ModelVersion:
    """Create the next version of a registered model.

    Numbers are given once, also to concurrent writers and after deletions. Raises NotFound, and
    InvalidArgument where the source may not be used (see ``sources``).
    """
    actor.require(Permission.REGISTRY_WRITE)
    _check_name(name)
    _check_text("description", new.description)
    _check_text("run_link", new.run_link)
    check_length("run_id", new.run_id or "", 32)
    for key, value in new.tags.items():
        _check_version_tag(key, value)
    origin = find_origin(tx, actor, new)
    now = now_ms()
    taken = store.take_version_number(tx, name, now)
    if taken is None:
        raise _no_model(name)
    model_key, number = taken
    version = ModelVersion(
        name=name,
        version=number,
        stage=Stage.NONE,
        source=origin.source,
        storage_location=origin.storage_location,
        user_id=actor.name,
        created_at=now,
        updated_at=now,
        description=new.description,
        run_id=origin.run_id,
        run_link=new.run_link,
        model_id=origin.model_id,
        tags=new.tags,
    )
    store.insert_version(tx, model_key, version, origin.measured.params, origin.measured.metrics)
    if new.model_id and origin.model_id:
        list_on_model(tx, actor, origin.model_id, version)
    return version


def get_model_version(tx: Connection, actor: Actor, name: str, version: int) -> ModelVersion:
    """Return a version. Raises NotFound."""
    actor.require(Permission.REGISTRY_READ)
    return _version(tx, name, version)


def get_model_version_details(tx: Connection, actor: Actor, name: str, version: int) -> ModelVersionDetails:
    """Return a version with its params, metrics and model file. Raises NotFound."""
    actor.require(Permission.REGISTRY_READ)
    _check_name(name)
    found = store.find_version_details(tx, name, version) if _is_possible(version) else None
    if found is None:
        raise _no_version(name, version)
    now = measured(tx, actor, found.run_id, found.model_id).over(Measured(found.params, found.metrics))
    return msgspec.structs.replace(found, params=now.params, metrics=now.metrics)


def update_model_version(
    tx: Connection, actor: Actor, name: str, version: int, change: ModelVersionUpdate
) -> ModelVersion:
    """Change a version's description or stage. Raises NotFound or InvalidArgument.

    The stage may be named in any case. ``archive_existing`` is for Staging and Production.
    """
    actor.require(Permission.REGISTRY_WRITE)
    _check_name(name)
    now = now_ms()
    if change.description is not UNSET:
        _check_text("description", change.description)
        _, version_key = _version_keys(tx, name, version)
        store.update_version(tx, version_key, description=change.description, updated_at=now)
    if change.stage is not None:
        _transition(tx, name, version, change.stage, change.archive_existing, now)
    return _version(tx, name, version)


def _transition(tx: Connection, name: str, version: int, stage: str, archive_existing: bool, now: int) -> None:
    entered = canonical_stage(stage)
    if archive_existing and entered not in ACTIVE_STAGES:
        raise InvalidArgument(
            "Model version transition cannot archive existing model versions because "
            f"'{stage}' is not an Active stage. Valid stages are {[str(active) for active in ACTIVE_STAGES]}",
            field="archive_existing_versions",
        )
    key, version_key = _version_keys(tx, name, version)
    # The model's row first: two transitions of one model wait for each other, and do not meet half way.
    store.update_model(tx, key, updated_at=now)
    if archive_existing:
        store.archive_others(tx, key, version_key, entered, now)
    store.update_version(tx, version_key, stage=entered.value, updated_at=now)


def delete_model_version(tx: Connection, actor: Actor, name: str, version: int) -> None:
    """Delete a version with its tags and aliases; its number is not given again. Raises NotFound."""
    actor.require(Permission.REGISTRY_WRITE)
    _check_name(name)
    key, version_key = _version_keys(tx, name, version)
    store.update_model(tx, key, updated_at=now_ms())
    store.delete_version(tx, version_key)


def search_model_versions(tx: Connection, actor: Actor, wanted: RegistrySearch) -> Page[ModelVersion]:
    """Return a page of versions, the last updated first unless ordered otherwise. Raises InvalidArgument."""
    actor.require(Permission.REGISTRY_READ)
    limit = _check_max_results(wanted.max_results, MAX_VERSIONS)
    offset = offset_of(wanted.page_token)
    conditions = search.version_conditions(wanted.filter)
    rows = store.search_versions(tx, conditions, search.version_order(wanted.order_by), limit + 1, offset)
    return page_of(rows, offset, limit)


def get_download_uri(tx: Connection, actor: Actor, name: str, version: int) -> str:
    """Return where a version's files are, as its client named it (maybe ``runs:/…``). Raises NotFound."""
    actor.require(Permission.REGISTRY_READ)
    return _version(tx, name, version).storage_location


def get_files_uri(tx: Connection, actor: Actor, name: str, version: int) -> str:
    """Return the folder of a version's files in the artifact store. Raises NotFound."""
    actor.require(Permission.REGISTRY_READ)
    location = _version(tx, name, version).storage_location
    parts = urlsplit(location)
    if parts.scheme != "runs":
        return location
    run_id = run_of(parts)
    folder = parts.path.removeprefix(f"/{run_id}").strip("/")
    artifacts = tracking.get_run_header(tx, actor, run_id).artifact_uri
    return f"{artifacts.rstrip('/')}/{folder}" if folder else artifacts


def set_model_version_tag(tx: Connection, actor: Actor, name: str, version: int, key: str, value: str) -> None:
    """Set a tag of a version. Raises NotFound or InvalidArgument."""
    actor.require(Permission.REGISTRY_WRITE)
    _check_name(name)
    _check_version_tag(key, value)
    _, version_key = _version_keys(tx, name, version)
    store.set_version_tags(tx, version_key, {key: value})


def delete_model_version_tag(tx: Connection, actor: Actor, name: str, version: int, key: str) -> None:
    """Delete a tag of a version; one that is not there is no error. Raises NotFound."""
    actor.require(Permission.REGISTRY_WRITE)
    _check_name(name)
    check_key(key, "key")
    _, version_key = _version_keys(tx, name, version)
    store.delete_version_tag(tx, version_key, key)


def record_model_file(tx: Connection, actor: Actor, name: str, version: int, file: ModelFile) -> None:
    """Keep what a version's ``MLmodel`` says, read by ``model_files.parse_model_file``. Raises NotFound."""
    actor.require(Permission.REGISTRY_WRITE)
    _, version_key = _version_keys(tx, name, version)
    store.update_version(tx, version_key, model_file=msgspec.json.encode(file).decode())


# Rules


def _model(tx: Connection, name: str) -> RegisteredModel:
    found = store.find_model(tx, name)
    if found is None:
        raise _no_model(name)
    return found


def _model_key(tx: Connection, name: str) -> int:
    key = store.find_model_key(tx, name)
    if key is None:
        raise _no_model(name)
    return key


def _version(tx: Connection, name: str, version: int) -> ModelVersion:
    _check_name(name)
    found = store.find_version(tx, name, version) if _is_possible(version) else None
    if found is None:
        raise _no_version(name, version)
    return found


def _version_keys(tx: Connection, name: str, version: int) -> tuple[int, int]:
    keys = store.find_version_keys(tx, name, version) if _is_possible(version) else None
    if keys is None:
        raise _no_version(name, version)
    return keys


def _is_possible(version: int) -> bool:
    return 0 < version <= MAX_VERSION_NUMBER


def _no_model(name: str) -> NotFound:
    return NotFound(f"Registered Model with name={name} not found", field="name")


def _no_version(name: str, version: int) -> NotFound:
    return NotFound(f"Model Version (name={name}, version={version}) not found", field="version")


def _check_free(tx: Connection, name: str, tags: Mapping[str, str]) -> None:
    """Raise AlreadyExists where a model or prompt has the name."""
    key = store.find_model_key(tx, name)
    if key is None:
        return
    new = is_prompt(tags)
    old = is_prompt({PROMPT_TAG: store.find_model_tag(tx, key, PROMPT_TAG) or ""})
    kinds = ("registered model", "prompt")
    if new == old:
        raise AlreadyExists(f"{'Prompt' if new else 'Registered Model'} (name={name}) already exists.", field="name")
    raise AlreadyExists(
        f"Tried to create a {kinds[new]} with name '{name}', but the name is already taken by a {kinds[old]}. MLflow "
        "does not allow creating a model and a prompt with the same name.",
        field="name",
    )


def _check_name(name: str, field: str = "name") -> None:
    if not name.strip():
        raise missing_value(field)
    if "/" in name or ":" in name or "\0" in name:
        raise InvalidArgument(f"Invalid model name '{name}'. Names cannot contain '/' or ':'.", field=field)
    if name == "." or name.startswith(".."):
        raise invalid_value(
            field,
            name,
            "Names may be treated as files in certain cases, and must not resolve to other names when treated as "
            f"such. This name would resolve to '{name}'",
        )
    check_length(field, name, MAX_NAME)


def _check_text(field: str, text: str | None) -> None:
    if text is not None:
        check_length(field, text, MAX_TEXT)
        if "\0" in text:
            raise InvalidArgument(f"'{field}' contains the character NUL, which is not text.", field=field)


def _check_tag(key: str, value: str) -> None:
    check_key(key, "key")
    check_length("key", key, MAX_TAG_KEY)
    _check_text("value", check_length("value", value, MAX_TAG_VALUE))


def _check_version_tag(key: str, value: str) -> None:
    if key == PROMPT_TEXT_TAG and len(value) > MAX_TAG_VALUE:
        raise InvalidArgument(f"Prompt text exceeds max length of {MAX_TAG_VALUE} characters.", field="value")
    _check_tag(key, value)


def _check_alias(alias: str) -> None:
    if not alias:
        raise InvalidArgument("Registered model alias name cannot be empty.", field="alias")
    if not re.fullmatch(r"[\w\-]+", alias):
        raise InvalidArgument(
            f"Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).",
            field="alias",
        )
    check_length("Registered model alias name", alias, MAX_ALIAS)


def _check_max_results(value: int, limit: int) -> int:
    if value < 1:
        raise InvalidArgument(
            f"Invalid value for max_results. It must be a positive integer, but got {value}", field="max_results"
        )
    if value > limit:
        raise InvalidArgument(
            f"Invalid value for request parameter max_results. It must be at most {limit}, but got value {value}",
            field="max_results",
        )
    return value
