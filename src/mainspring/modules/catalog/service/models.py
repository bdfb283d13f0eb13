"""Registered models in the items of their projects: looked up when an item is read, and never kept with it.

So a version is in its project's item at the next read after it was made, and away when it is deleted. Of each
registered model one version is shown: the newest that bears the alias ``champion`` or ``production``, else the newest
in the stage Production, else the newest with any alias, else the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import MainspringError, NotFound
from mainspring.kit.permissions import Permission
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.artifacts.service import FileRecord
from mainspring.modules.catalog.service.model_links import SIGNED_S, ModelFile, ModelLink
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.service import Place
from mainspring.modules.registry import service as registry
from mainspring.modules.registry.schemas import Stage
from mainspring.modules.registry.service import LinkedModel, LinkedVersion

MAX_FILES = 25
"""So many files of a model are assets, the first by path; what lies beyond is found by the link to the model."""
_PREFERRED = ("champion", "production")


def linked_models(
    tx: Connection, actor: Actor, project_keys: Collection[int], *, signed: bool = False
) -> dict[int, list[ModelLink]]:
    """Return the registered models that items of projects show, by project; projects without any are left out.

    Call it with the projects of a page of items, in the transaction that reads them, and hand each item with its
    project's links to ``add_models``. It takes five queries for a page at most, two where there are no models. What the
    actor may not see is left out. ``signed`` is for the answer of a single item, since it costs some queries for each
    project: files that the actor may read get URLs that need no credentials for a while.
    """
    shown = [(model, _shown(model)) for model in registry.linked_models(tx, actor, project_keys)]
    keys = {(model.project, model.name): _key(model.project, version.location) for model, version in shown}
    files = artifacts.find_recorded(tx, [key for key in keys.values() if key], MAX_FILES) if shown else {}
    readable = _readable(tx, actor, {model.project for model, _ in shown}) if signed else frozenset()
    sign = artifacts.download_signer(tx, SIGNED_S) if readable else None
    links: dict[int, list[ModelLink]] = {}
    for model, version in shown:
        key = keys[model.project, model.name]
        own = [_file(key, each, sign if model.project in readable else None) for each in files.get(key, ())]
        links.setdefault(model.project, []).append(_link(model, version, own))
    return links


def _shown(model: LinkedModel) -> LinkedVersion:
    """Return the version of a model that is shown."""

    def rank(version: LinkedVersion) -> tuple[bool, bool, bool, int]:
        preferred = any(alias.lower() in _PREFERRED for alias in version.aliases)
        return preferred, version.stage == Stage.PRODUCTION, bool(version.aliases), version.version

    return max(model.versions, key=rank)


def _key(project: int, location: str) -> str:
    """Return where in the store a version lies, "" where that is elsewhere, or not what the project owns."""
    try:
        key = artifacts.resolve(location)
    except MainspringError:
        return ""
    return key if artifacts.owner_of(key) == project else ""


def _readable(tx: Connection, actor: Actor, keys: set[int]) -> set[int]:
    """Return the projects among some whose files the actor may read."""
    readable = set()
    for key, path in projects.paths_of(tx, keys).items():
        with suppress(NotFound):
            if projects.acting_in(tx, actor, Place(path)).may(Permission.ARTIFACTS_READ):
                readable.add(key)
    return readable


def _file(folder: str, record: FileRecord, sign: Callable[[str], str] | None) -> ModelFile:
    path = record.path.removeprefix(f"{folder}/")
    return ModelFile(path, record.size, record.sha256, sign(record.path) if sign else "")


def _link(model: LinkedModel, version: LinkedVersion, files: Sequence[ModelFile]) -> ModelLink:
    return ModelLink(
        model.name,
        version.version,
        max(each.version for each in model.versions),
        version.stage,
        version.aliases,
        version.run_id,
        version.model_id,
        version.created_at,
        tuple(files),
    )


def add_models(item: dict[str, Any], links: Sequence[ModelLink], origin: str, path: str) -> None:
    """Put into an item's JSON where its project tracks runs, and its registered models with their files.

    ``origin`` is scheme and host by which the client calls this server, ``path`` the project's ``namespace/name``.
    Added are a link ``mlflow:tracking`` and the property ``mlflow:tracking_uri``, for each model a link
    ``mlflow:model``, and for each file an asset ``mlflow:<model>/<path>``, with size and checksum (a multihash) where
    they are known. In an item with MLM's properties that has no model yet, the largest file of the first model is it.
    The item's ETag must change with its links: they are no part of ``catalog_items.etag``.
    """
    # Imported with the first item: a server starts sooner without what items are generated by.
    from mainspring.modules.catalog.service import model_assets

    model_assets.add_models(item, links, origin, path)
