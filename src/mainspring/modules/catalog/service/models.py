"""Registered models in the items of their projects: looked up when an item is read, and never kept with it.

So a version is in its project's item at the next read after it was made, and away when it is deleted. Of each
registered model one version is shown: the newest that bears the alias ``champion`` or ``production``, else the newest
in the stage Production, else the newest with any alias, else the newest.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import MainspringError, NotFound
from mainspring.kit.permissions import Permission
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.artifacts.service import FileRecord
from mainspring.modules.catalog.service.generating.checking import EXTENSIONS, STAC_VERSION, validator
from mainspring.modules.catalog.service.generating.media_types import media_type
from mainspring.modules.catalog.service.generating.models import MODEL_ROLE, artifact_type
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.service import Place
from mainspring.modules.registry import service as registry
from mainspring.modules.registry.schemas import Stage
from mainspring.modules.registry.service import LinkedModel, LinkedVersion

MAX_FILES = 25
"""So many files of a model are assets, the first by path; what lies beyond is found by the link to the model."""
SIGNED_S = 900
_FILE, _MLM = (EXTENSIONS[name][0].url for name in ("file", "mlm"))
_OF_MODELS = ("mlm:", "eo:", "raster:", "cube:", "bands")
_PREFERRED = ("champion", "production")
_SHA256 = "1220"
"""What a multihash of SHA-256 begins with: its code, and its 32 bytes."""
_METADATA = ("MLmodel", ".yaml", ".yml", ".json", ".txt", ".md", ".py")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a version: ``path`` counts from the version's folder, ``sha256`` is "" where it is not known.

    ``signed`` is path and query of a URL of this server that reads it without credentials for ``SIGNED_S`` seconds,
    "" where it was not asked for or the actor may not read the file.
    """

    path: str
    size: int
    sha256: str
    signed: str = ""


@dataclass(frozen=True, slots=True)
class ModelLink:
    """A registered model of a project, and the version of it that is shown, with its files that are known."""

    name: str
    version: int
    newest: int
    stage: str
    aliases: tuple[str, ...]
    run_id: str | None
    model_id: str | None
    created_at: int
    files: tuple[ModelFile, ...]


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
    tracking_uri = f"{origin}/p/{quote(path)}"
    item["properties"]["mlflow:tracking_uri"] = tracking_uri
    item["links"].append({"rel": "mlflow:tracking", "href": tracking_uri, "title": "Runs and models of this project"})
    for link in links:
        item["links"].append(_model_link(link, tracking_uri))
        for file in link.files:
            item["assets"][_asset_key(link, file)] = _asset(link, file, origin, tracking_uri)
    if first := next((link for link in links if link.files), None):
        if _FILE not in item["stac_extensions"]:
            item["stac_extensions"].append(_FILE)
        _mark_model(item, first)


def _model_link(link: ModelLink, tracking_uri: str) -> dict[str, Any]:
    aliased = f" ({', '.join(link.aliases)})" if link.aliases else ""
    told = {
        "rel": "mlflow:model",
        "href": f"{tracking_uri}/api/v1/models/{quote(link.name, safe='')}/versions/{link.version}",
        "type": "application/json",
        "title": f"{link.name}, version {link.version}{aliased}",
        "mlflow:name": link.name,
        "mlflow:version": str(link.version),
        "mlflow:latest_version": str(link.newest),
        "mlflow:aliases": list(link.aliases),
        "mlflow:stage": link.stage,
        "mlflow:run_id": link.run_id,
        "mlflow:model_id": link.model_id,
        "mlflow:uri": f"models:/{link.name}/{link.version}",
    }
    return {name: value for name, value in told.items() if value not in (None, [])}


def _asset_key(link: ModelLink, file: ModelFile) -> str:
    return f"mlflow:{link.name}/{file.path}"


def _asset(link: ModelLink, file: ModelFile, origin: str, tracking_uri: str) -> dict[str, Any]:
    version = f"{tracking_uri}/api/v1/models/{quote(link.name, safe='')}/versions/{link.version}"
    name = posixpath.basename(file.path)
    asset = {
        "href": f"{origin}{file.signed}" if file.signed else f"{version}/artifacts/{quote(file.path)}",
        "title": f"{file.path} of {link.name}, version {link.version}",
        "type": media_type(name) or artifacts.content_type(name),
        "roles": ["metadata" if _kind(name) in _METADATA else "model"],
        "file:size": file.size,
        "mlflow:version": str(link.version),
    }
    return asset | ({"file:checksum": f"{_SHA256}{file.sha256}"} if file.sha256 else {})


def _kind(name: str) -> str:
    """Return the extension of a file, or its whole name where it has none."""
    return posixpath.splitext(name)[1].lower() or name


def _mark_model(item: dict[str, Any], link: ModelLink) -> None:
    """Make the largest file of a model the one asset that is the model of an item that has none yet.

    An item that lacked nothing but this asset claims the MLM extension with it.
    """
    assets, extensions, properties = item["assets"], item["stac_extensions"], item["properties"]
    if "mlm:name" not in properties or any(MODEL_ROLE in asset.get("roles", ()) for asset in assets.values()):
        return
    weights = [file for file in link.files if _kind(posixpath.basename(file.path)) not in _METADATA]
    chosen = max(weights or link.files, key=lambda file: file.size)
    asset = assets[_asset_key(link, chosen)]
    kind = artifact_type({"href": chosen.path}, properties.get("mlm:framework"))
    marked = asset | {"roles": [MODEL_ROLE, *asset["roles"]], "mlm:artifact_type": kind}
    if _MLM in extensions:
        asset |= marked
    elif _is_model(properties, marked):
        asset |= marked
        extensions.append(_MLM)


def _is_model(properties: dict[str, Any], asset: dict[str, Any]) -> bool:
    """Say whether an item of these properties, with this asset, is what MLM wants."""
    own = {name: value for name, value in properties.items() if name.startswith(_OF_MODELS)}
    return _fits(msgspec.json.encode((own, asset["roles"], asset["mlm:artifact_type"])))


@lru_cache(maxsize=1000)
def _fits(text: bytes) -> bool:
    """Say whether properties, roles and type of an artifact are what MLM wants: each is looked at once."""
    properties, roles, kind = msgspec.json.decode(text)
    asset = {"href": "https://example.org/model", "roles": roles, "mlm:artifact_type": kind}
    probe = {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": [_MLM],
        "id": "probe",
        "geometry": None,
        "properties": {"datetime": "2000-01-01T00:00:00Z", **properties},
        "links": [],
        "assets": {"model": asset},
    }
    return validator(_MLM).is_valid(probe)
