"""What registered models put into the JSON of an item: links, files, and the model that an MLM item must have."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.catalog.service.generating.checking import EXTENSIONS, STAC_VERSION, validator
from mainspring.modules.catalog.service.generating.media_types import media_type
from mainspring.modules.catalog.service.generating.models import MODEL_ROLE, artifact_type
from mainspring.modules.catalog.service.model_links import ModelFile, ModelLink

_FILE, _MLM = (EXTENSIONS[name][0].url for name in ("file", "mlm"))
_OF_MODELS = ("mlm:", "eo:", "raster:", "cube:", "bands")
_SHA256 = "1220"
"""What a multihash of SHA-256 begins with: its code, and its 32 bytes."""
_METADATA = ("MLmodel", ".yaml", ".yml", ".json", ".txt", ".md", ".py")


def add_models(item: dict[str, Any], links: Sequence[ModelLink], origin: str, path: str) -> None:
    """Do what ``models.add_models`` says."""
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
