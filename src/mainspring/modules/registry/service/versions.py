"""Versions of registered models: their numbers, stages, tags and files."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import check_key, check_length
from mainspring.kit.pages import Page, offset_of, page_of
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.registry import search, store
from mainspring.modules.registry.schemas import (
    MeasuredVersion,
    ModelFile,
    ModelVersion,
    ModelVersionCreate,
    ModelVersionDetails,
    ModelVersionUpdate,
    RegistrySearch,
    Stage,
)
from mainspring.modules.registry.service import acts, rules
from mainspring.modules.registry.service.origins import Measured, find_origin, list_on_model, measured
from mainspring.modules.registry.service.sources import run_of
from mainspring.modules.tracking import service as tracking

MAX_VERSIONS = 200_000
MAX_MEASURED = 100
ACTIVE_STAGES = (Stage.STAGING, Stage.PRODUCTION)


def create_model_version(tx: Connection, actor: Actor, name: str, new: ModelVersionCreate) -> ModelVersion:
    """Create the next version of a registered model.

    Numbers are given once, also to concurrent writers and after deletions. Raises NotFound, and
    InvalidArgument where the source may not be used (see ``sources``).
    """
    actor.require(Permission.REGISTRY_WRITE)
    rules.check_name(name)
    rules.check_text("description", new.description)
    rules.check_text("run_link", new.run_link)
    check_length("run_id", new.run_id or "", 32)
    for key, value in new.tags.items():
        rules.check_version_tag(key, value)
    origin = find_origin(tx, actor, new)
    now = now_ms()
    taken = store.take_version_number(tx, actor.project, name, now)
    if taken is None:
        raise rules.no_model(name)
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
        tags=dict(sorted(new.tags.items())),
    )
    store.insert_version(tx, model_key, version, origin.measured.params, origin.measured.metrics)
    if new.model_id and origin.model_id:
        list_on_model(tx, actor, origin.model_id, version)
    acts.note(tx, actor, "model_version.create", model_key, name, number, after=acts.of_version(version))
    return version


def get_model_version(tx: Connection, actor: Actor, name: str, version: int) -> ModelVersion:
    """Return a version. Raises NotFound."""
    actor.require(Permission.REGISTRY_READ)
    return rules.find_version(tx, actor.project, name, version)


def get_model_version_details(tx: Connection, actor: Actor, name: str, version: int) -> ModelVersionDetails:
    """Return a version with its params, metrics and model file. Raises NotFound."""
    actor.require(Permission.REGISTRY_READ)
    rules.check_name(name)
    found = store.find_version_details(tx, actor.project, name, version) if rules.is_version_number(version) else None
    if found is None:
        raise rules.no_version(name, version)
    now = measured(tx, actor, found.run_id, found.model_id).over(Measured(found.params, found.metrics))
    return msgspec.structs.replace(found, params=now.params, metrics=now.metrics)


def measure_versions(tx: Connection, actor: Actor, name: str, versions: list[int]) -> list[MeasuredVersion]:
    """Return params and metrics of some versions of one registered model. Raises NotFound or InvalidArgument."""
    if not 1 <= len(versions) <= MAX_MEASURED:
        raise InvalidArgument(f"{len(versions)} versions are named; name 1 to {MAX_MEASURED}.", field="version")
    found = (get_model_version_details(tx, actor, name, version) for version in versions)
    return [MeasuredVersion(each.version, each.params, each.metrics) for each in found]


def update_model_version(
    tx: Connection, actor: Actor, name: str, version: int, change: ModelVersionUpdate
) -> ModelVersion:
    """Change a version's description or stage. Raises NotFound or InvalidArgument.

    The stage may be named in any case. ``archive_existing`` is for Staging and Production.
    """
    actor.require(Permission.REGISTRY_WRITE)
    rules.check_name(name)
    now = now_ms()
    if change.description is not UNSET:
        rules.check_text("description", change.description)
        key, version_key = rules.version_keys(tx, actor.project, name, version)
        before = {"description": rules.find_version(tx, actor.project, name, version).description}
        store.update_version(tx, version_key, description=change.description, updated_at=now)
        after = {"description": change.description}
        acts.note(tx, actor, "model_version.update", key, name, version, before=before, after=after)
    if change.stage is not None:
        transition(tx, actor, name, version, change.stage, change.archive_existing, now)
    return rules.find_version(tx, actor.project, name, version)


def check_stage(stage: str, archive_existing: bool) -> Stage:
    """Return the stage to enter. Raises InvalidArgument for none, and for one that is not emptied of others."""
    entered = rules.canonical_stage(stage)
    if archive_existing and entered not in ACTIVE_STAGES:
        raise InvalidArgument(
            "Model version transition cannot archive existing model versions because "
            f"'{stage}' is not an Active stage. Valid stages are {[str(active) for active in ACTIVE_STAGES]}",
            field="archive_existing_versions",
        )
    return entered


def transition(
    tx: Connection, actor: Actor, name: str, version: int, stage: str, archive_existing: bool, now: int
) -> None:
    """Have a version enter a stage, for who has looked at whether that may be. Raises InvalidArgument or NotFound."""
    entered = check_stage(stage, archive_existing)
    key, version_key = rules.version_keys(tx, actor.project, name, version)
    # The model's row first: two transitions of one model wait for each other, and do not meet half way.
    store.update_model(tx, key, updated_at=now)
    before = {"stage": rules.find_version(tx, actor.project, name, version).stage}
    if archive_existing:
        store.archive_others(tx, key, version_key, entered, now)
    store.update_version(tx, version_key, stage=entered.value, updated_at=now)
    after = {"stage": entered, "archive_existing": archive_existing}
    acts.note(tx, actor, "model_version.transition", key, name, version, before=before, after=after)


def delete_model_version(tx: Connection, actor: Actor, name: str, version: int) -> None:
    """Delete a version with its tags and aliases; its number is not given again. Raises NotFound."""
    actor.require(Permission.REGISTRY_WRITE)
    rules.check_name(name)
    key, version_key = rules.version_keys(tx, actor.project, name, version)
    store.update_model(tx, key, updated_at=now_ms())
    before = acts.of_version(rules.find_version(tx, actor.project, name, version))
    store.delete_version(tx, version_key)
    acts.note(tx, actor, "model_version.delete", key, name, version, before=before)


def search_model_versions(
    tx: Connection, actor: Actor, wanted: RegistrySearch, name: str | None = None
) -> Page[ModelVersion]:
    """Return a page of versions, of one registered model or of all, the last updated first unless ordered otherwise.

    Raises InvalidArgument, and NotFound for the model.
    """
    actor.require(Permission.REGISTRY_READ)
    limit = rules.check_max_results(wanted.max_results, MAX_VERSIONS)
    offset = offset_of(wanted.page_token)
    model = None if name is None else rules.model_key(tx, actor.project, name)
    conditions = search.version_conditions(wanted.filter, model)
    rows = store.search_versions(
        tx, actor.project, conditions, search.version_order(wanted.order_by), limit + 1, offset
    )
    return page_of(rows, offset, limit)


def get_download_uri(tx: Connection, actor: Actor, name: str, version: int) -> str:
    """Return where a version's files are, as its client named it (maybe ``runs:/…``). Raises NotFound."""
    actor.require(Permission.REGISTRY_READ)
    return rules.find_version(tx, actor.project, name, version).storage_location


def get_files_uri(tx: Connection, actor: Actor, name: str, version: int) -> str:
    """Return the folder of a version's files in the artifact store. Raises NotFound."""
    actor.require(Permission.REGISTRY_READ)
    location = rules.find_version(tx, actor.project, name, version).storage_location
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
    rules.check_name(name)
    rules.check_version_tag(key, value)
    model, version_key = rules.version_keys(tx, actor.project, name, version)
    before = {"key": key, "value": rules.find_version(tx, actor.project, name, version).tags.get(key)}
    store.set_version_tags(tx, version_key, {key: value})
    after = {"key": key, "value": value}
    acts.note(tx, actor, "model_version_tag.set", model, name, version, before=before, after=after)


def delete_model_version_tag(tx: Connection, actor: Actor, name: str, version: int, key: str) -> None:
    """Delete a tag of a version; one that is not there is no error. Raises NotFound."""
    actor.require(Permission.REGISTRY_WRITE)
    rules.check_name(name)
    check_key(key, "key")
    model, version_key = rules.version_keys(tx, actor.project, name, version)
    before = {"key": key, "value": rules.find_version(tx, actor.project, name, version).tags.get(key)}
    store.delete_version_tag(tx, version_key, key)
    acts.note(tx, actor, "model_version_tag.delete", model, name, version, before=before)


def record_model_file(tx: Connection, actor: Actor, name: str, version: int, file: ModelFile) -> None:
    """Keep what a version's ``MLmodel`` says, read by ``model_files.parse_model_file``. Raises NotFound."""
    actor.require(Permission.REGISTRY_WRITE)
    _, version_key = rules.version_keys(tx, actor.project, name, version)
    store.update_version(tx, version_key, model_file=msgspec.json.encode(file).decode())
