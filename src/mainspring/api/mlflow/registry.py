"""Endpoints of the model registry."""

from __future__ import annotations

from mainspring.api.mlflow import registry_messages as messages
from mainspring.api.mlflow.answers import Json, present
from mainspring.api.mlflow.dispatch import endpoint
from mainspring.api.mlflow.messages import pairs_in
from mainspring.api.mlflow.registry_messages import model_out, version_out
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import invalid_value, missing_value
from mainspring.kit.pages import Page
from mainspring.kit.permissions import Permission
from mainspring.modules.registry import service
from mainspring.modules.registry.schemas import (
    ModelVersionCreate,
    ModelVersionUpdate,
    RegisteredModel,
    RegisteredModelCreate,
    RegisteredModelUpdate,
    RegistrySearch,
)
from mainspring.modules.services import Services

READ, WRITE = Permission.REGISTRY_READ, Permission.REGISTRY_WRITE


@endpoint("POST", "registered-models/create", messages.CreateRegisteredModel, WRITE)
async def create_registered_model(services: Services, actor: Actor, message: messages.CreateRegisteredModel) -> Json:
    new = RegisteredModelCreate(message.name or "", message.description, dict(pairs_in(message.tags)))
    return {"registered_model": model_out(await services.db.write(service.create_registered_model, actor, new))}


@endpoint("GET", "registered-models/get", messages.ModelName, READ)
async def get_registered_model(services: Services, actor: Actor, message: messages.ModelName) -> Json:
    model = await services.db.read(service.get_registered_model, actor, message.name or "")
    return {"registered_model": model_out(model)}


@endpoint("PATCH", "registered-models/update", messages.UpdateRegisteredModel, WRITE)
async def update_registered_model(services: Services, actor: Actor, message: messages.UpdateRegisteredModel) -> Json:
    change = RegisteredModelUpdate(description=message.description or "")
    return await _update_model(services, actor, message.name or "", change)


@endpoint("POST", "registered-models/rename", messages.RenameRegisteredModel, WRITE)
async def rename_registered_model(services: Services, actor: Actor, message: messages.RenameRegisteredModel) -> Json:
    return await _update_model(services, actor, message.name or "", RegisteredModelUpdate(name=message.new_name))


async def _update_model(services: Services, actor: Actor, name: str, change: RegisteredModelUpdate) -> Json:
    model = await services.db.write(service.update_registered_model, actor, name, change)
    return {"registered_model": model_out(model)}


@endpoint("DELETE", "registered-models/delete", messages.ModelName, WRITE)
async def delete_registered_model(services: Services, actor: Actor, message: messages.ModelName) -> None:
    await services.db.write(service.delete_registered_model, actor, message.name or "")


@endpoint("GET", "registered-models/search", messages.SearchRegisteredModels, READ)
async def search_registered_models(services: Services, actor: Actor, message: messages.SearchRegisteredModels) -> Json:
    limit = _at_most(message.max_results, service.MAX_MODELS)
    wanted = RegistrySearch(message.filter or "", limit, message.order_by, message.page_token)
    return _page_of_models(await services.db.read(service.search_registered_models, actor, wanted))


@endpoint("GET", "registered-models/list", messages.ListRegisteredModels, READ)
async def list_registered_models(services: Services, actor: Actor, message: messages.ListRegisteredModels) -> Json:
    """Answer clients of the 1.x series."""
    wanted = RegistrySearch(max_results=message.max_results, page_token=message.page_token)
    return _page_of_models(await services.db.read(service.search_registered_models, actor, wanted))


def _page_of_models(page: Page[RegisteredModel]) -> Json:
    return present(
        {"registered_models": [model_out(model) for model in page.items], "next_page_token": page.next_page_token}
    )


@endpoint("GET", "registered-models/get-latest-versions", messages.GetLatestVersions, READ)
@endpoint("POST", "registered-models/get-latest-versions", messages.GetLatestVersions, READ)
async def get_latest_versions(services: Services, actor: Actor, message: messages.GetLatestVersions) -> Json:
    found = await services.db.read(service.get_latest_versions, actor, message.name or "", message.stages)
    return present({"model_versions": [version_out(version) for version in found]})


@endpoint("POST", "registered-models/set-tag", messages.ModelTag, WRITE)
async def set_registered_model_tag(services: Services, actor: Actor, message: messages.ModelTag) -> None:
    tag = (message.key or "", message.value or "")
    await services.db.write(service.set_registered_model_tag, actor, message.name or "", *tag)


@endpoint("DELETE", "registered-models/delete-tag", messages.ModelTag, WRITE)
async def delete_registered_model_tag(services: Services, actor: Actor, message: messages.ModelTag) -> None:
    await services.db.write(service.delete_registered_model_tag, actor, message.name or "", message.key or "")


@endpoint("POST", "registered-models/alias", messages.SetModelAlias, WRITE)
async def set_alias(services: Services, actor: Actor, message: messages.SetModelAlias) -> None:
    version = version_number(message.version)
    await services.db.write(service.set_alias, actor, message.name or "", message.alias or "", version)


@endpoint("DELETE", "registered-models/alias", messages.ModelAlias, WRITE)
async def delete_alias(services: Services, actor: Actor, message: messages.ModelAlias) -> None:
    await services.db.write(service.delete_alias, actor, message.name or "", message.alias or "")


@endpoint("GET", "registered-models/alias", messages.ModelAlias, READ)
async def get_model_version_by_alias(services: Services, actor: Actor, message: messages.ModelAlias) -> Json:
    where = (message.name or "", message.alias or "")
    return {"model_version": version_out(await services.db.read(service.get_model_version_by_alias, actor, *where))}


@endpoint("POST", "model-versions/create", messages.CreateModelVersion, WRITE)
async def create_model_version(services: Services, actor: Actor, message: messages.CreateModelVersion) -> Json:
    new = ModelVersionCreate(
        message.source or "",
        message.description or "",
        message.run_id,
        message.run_link or "",
        message.model_id,
        dict(pairs_in(message.tags)),
    )
    version = await services.db.write(service.create_model_version, actor, message.name or "", new)
    await service.read_model_file(services.db, services.blobs, actor, version.name, version.version)
    return {"model_version": version_out(version)}


@endpoint("GET", "model-versions/get", messages.VersionName, READ)
async def get_model_version(services: Services, actor: Actor, message: messages.VersionName) -> Json:
    version = await services.db.read(service.get_model_version, actor, *_version(message))
    return {"model_version": version_out(version)}


@endpoint("PATCH", "model-versions/update", messages.UpdateModelVersion, WRITE)
async def update_model_version(services: Services, actor: Actor, message: messages.UpdateModelVersion) -> Json:
    return await _update_version(services, actor, message, ModelVersionUpdate(description=message.description))


@endpoint("POST", "model-versions/transition-stage", messages.TransitionStage, WRITE)
async def transition_stage(services: Services, actor: Actor, message: messages.TransitionStage) -> Json:
    archive = message.archive_existing_versions
    if not isinstance(archive, bool):
        raise invalid_value("archive_existing_versions", archive, "It must be true or false, without quotes.")
    change = ModelVersionUpdate(stage=message.stage, archive_existing=archive)
    return await _update_version(services, actor, message, change)


async def _update_version(
    services: Services, actor: Actor, message: messages.VersionName, change: ModelVersionUpdate
) -> Json:
    version = await services.db.write(service.update_model_version, actor, *_version(message), change)
    return {"model_version": version_out(version)}


@endpoint("DELETE", "model-versions/delete", messages.VersionName, WRITE)
async def delete_model_version(services: Services, actor: Actor, message: messages.VersionName) -> None:
    await services.db.write(service.delete_model_version, actor, *_version(message))


@endpoint("GET", "model-versions/search", messages.SearchModelVersions, READ)
async def search_model_versions(services: Services, actor: Actor, message: messages.SearchModelVersions) -> Json:
    limit = _at_most(message.max_results, service.MAX_VERSIONS)
    wanted = RegistrySearch(message.filter or "", limit, message.order_by, message.page_token)
    page = await services.db.read(service.search_model_versions, actor, wanted)
    found = [version_out(version, aliases=False) for version in page.items]
    return present({"model_versions": found, "next_page_token": page.next_page_token})


@endpoint("GET", "model-versions/get-download-uri", messages.DownloadUri, READ)
async def get_download_uri(services: Services, actor: Actor, message: messages.DownloadUri) -> Json:
    if not message.name:
        raise missing_value("name")
    where = (message.name, version_number(message.version))
    return {"artifact_uri": await services.db.read(service.get_download_uri, actor, *where)}


@endpoint("POST", "model-versions/set-tag", messages.VersionTag, WRITE)
async def set_model_version_tag(services: Services, actor: Actor, message: messages.VersionTag) -> None:
    tag = (message.key or "", message.value or "")
    await services.db.write(service.set_model_version_tag, actor, *_version(message), *tag)


@endpoint("DELETE", "model-versions/delete-tag", messages.VersionTag, WRITE)
async def delete_model_version_tag(services: Services, actor: Actor, message: messages.VersionTag) -> None:
    await services.db.write(service.delete_model_version_tag, actor, *_version(message), message.key or "")


def _at_most(max_results: int, limit: int) -> int:
    # As this dialect says it: the value came as text of the query.
    if max_results > limit:
        raise invalid_value("max_results", str(max_results), f"It must be at most {limit}.")
    return max_results


def _version(message: messages.VersionName) -> tuple[str, int]:
    return message.name or "", version_number(message.version)


def version_number(text: str | None) -> int:
    """Return a version's number, which this dialect writes as text, or raise InvalidArgument."""
    try:
        return int(text or "")
    except ValueError as error:
        raise InvalidArgument(
            f"Parameter 'version' must be an integer, got '{(text or '')[:100]}'.", field="version"
        ) from error
