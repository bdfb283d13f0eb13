"""MLflow's JSON of the model registry.

Answers keep the original's habits: a version's empty description, run and link are answered, a
registered model's empty description is left out, and only some answers name aliases.
"""

from __future__ import annotations

from typing import ClassVar

from mainspring.api.mlflow.answers import Json, pairs_out, present
from mainspring.api.mlflow.dispatch import Message
from mainspring.api.mlflow.messages import KeyValue
from mainspring.modules.registry.schemas import ModelVersion, RegisteredModel


class CreateRegisteredModel(Message):
    required: ClassVar[tuple[str, ...]] = ("name",)
    name: str | None = None
    description: str | None = None
    tags: list[KeyValue] = []


class ModelName(Message):
    required: ClassVar[tuple[str, ...]] = ("name",)
    name: str | None = None


class UpdateRegisteredModel(ModelName):
    description: str | None = None


class RenameRegisteredModel(ModelName):
    required: ClassVar[tuple[str, ...]] = ("name", "new_name")
    new_name: str | None = None


class SearchRegisteredModels(Message):
    filter: str | None = None
    max_results: int = 100
    order_by: list[str] = []
    page_token: str | None = None


class ListRegisteredModels(Message):
    max_results: int = 100
    page_token: str | None = None


class GetLatestVersions(ModelName):
    stages: list[str] = []


class ModelTag(ModelName):
    required: ClassVar[tuple[str, ...]] = ("name", "key")
    key: str | None = None
    value: str | None = None


class ModelAlias(ModelName):
    required: ClassVar[tuple[str, ...]] = ("name", "alias")
    alias: str | None = None


class SetModelAlias(ModelAlias):
    required: ClassVar[tuple[str, ...]] = ("name", "alias", "version")
    version: str | None = None


class CreateModelVersion(ModelName):
    required: ClassVar[tuple[str, ...]] = ("name", "source")
    source: str | None = None
    run_id: str | None = None
    tags: list[KeyValue] = []
    run_link: str | None = None
    description: str | None = None
    model_id: str | None = None


class VersionName(ModelName):
    required: ClassVar[tuple[str, ...]] = ("name", "version")
    version: str | None = None


class DownloadUri(Message):
    name: str | None = None
    version: str | None = None


class UpdateModelVersion(VersionName):
    description: str | None = None


class TransitionStage(VersionName):
    required: ClassVar[tuple[str, ...]] = ("name", "version", "stage")
    stage: str | None = None
    archive_existing_versions: bool | str = False


class VersionTag(VersionName):
    required: ClassVar[tuple[str, ...]] = ("name", "version", "key")
    key: str | None = None
    value: str | None = None


class SearchModelVersions(Message):
    filter: str | None = None
    max_results: int = 200_000
    order_by: list[str] = []
    page_token: str | None = None


def version_out(version: ModelVersion, *, aliases: bool = True) -> Json:
    return present(
        {
            "name": version.name,
            "version": str(version.version),
            "creation_timestamp": version.created_at,
            "last_updated_timestamp": version.updated_at,
            "current_stage": version.stage,
            "description": version.description,
            "source": version.source,
            "run_id": version.run_id,
            "status": "READY",
            "tags": pairs_out(version.tags),
            "run_link": version.run_link,
            "aliases": version.aliases if aliases else [],
        }
    )


def model_out(model: RegisteredModel) -> Json:
    return present(
        {
            "name": model.name,
            "creation_timestamp": model.created_at,
            "last_updated_timestamp": model.updated_at,
            "description": model.description or None,
            "latest_versions": [version_out(version, aliases=False) for version in model.latest_versions],
            "tags": pairs_out(model.tags),
            "aliases": [{"alias": alias, "version": str(version)} for alias, version in model.aliases.items()],
        }
    )
