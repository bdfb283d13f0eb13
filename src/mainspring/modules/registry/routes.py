"""``/api/v1`` of registered models, their versions, aliases and tags."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, patch, post, put
from litestar.params import Dependency, Parameter

from mainspring.db.engine import Database
from mainspring.engines.blobs import BlobStore
from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.registry import service
from mainspring.modules.registry.schemas import (
    AliasTarget,
    ModelVersion,
    ModelVersionCreate,
    ModelVersionDetails,
    ModelVersions,
    ModelVersionUpdate,
    RegisteredModel,
    RegisteredModelCreate,
    RegisteredModels,
    RegisteredModelUpdate,
    RegistrySearch,
)
from mainspring.modules.tracking.schemas import TagValue

READ, WRITE = needs(Permission.REGISTRY_READ), needs(Permission.REGISTRY_WRITE)
Filter = Annotated[str, Parameter(description="Conditions joined by AND, such as `tags.team = 'vision'`.")]
OrderBy = Annotated[list[str] | None, Parameter(query="order_by", description="Such as `name DESC`.")]
# A protocol: there is nothing that the framework could check.
Blobs = Annotated[BlobStore, Dependency(skip_validation=True)]
MODELS = "/api/v1/models"
MODEL = f"{MODELS}/{{name:str}}"
VERSION = f"{MODEL}/versions/{{version:int}}"


@get(MODELS, opt=READ)
async def search_models(
    db: Database,
    actor: Actor,
    filter: Filter = "",
    max_results: int = 100,
    order_by: OrderBy = None,
    page_token: str | None = None,
) -> RegisteredModels:
    """Search registered models."""
    wanted = RegistrySearch(filter, max_results, order_by or [], page_token)
    page = await db.read(service.search_registered_models, actor, wanted)
    return RegisteredModels(page.items, page.next_page_token)


@post(MODELS, opt=WRITE)
async def create_model(db: Database, actor: Actor, data: RegisteredModelCreate) -> RegisteredModel:
    """Create a registered model."""
    return await db.write(service.create_registered_model, actor, data)


@get(MODEL, opt=READ)
async def get_model(db: Database, actor: Actor, name: str) -> RegisteredModel:
    """Get a registered model with the newest version of each stage."""
    return await db.read(service.get_registered_model, actor, name)


@patch(MODEL, opt=WRITE)
async def update_model(db: Database, actor: Actor, name: str, data: RegisteredModelUpdate) -> RegisteredModel:
    """Change a registered model's description or name."""
    return await db.write(service.update_registered_model, actor, name, data)


@delete(MODEL, opt=WRITE)
async def delete_model(db: Database, actor: Actor, name: str) -> None:
    """Delete a registered model with its versions."""
    await db.write(service.delete_registered_model, actor, name)


@put(f"{MODEL}/tags/{{key:path}}", opt=WRITE, status_code=204)
async def set_model_tag(db: Database, actor: Actor, name: str, key: str, data: TagValue) -> None:
    """Set a tag of a registered model."""
    await db.write(service.set_registered_model_tag, actor, name, key.removeprefix("/"), data.value)


@delete(f"{MODEL}/tags/{{key:path}}", opt=WRITE)
async def delete_model_tag(db: Database, actor: Actor, name: str, key: str) -> None:
    """Delete a tag of a registered model."""
    await db.write(service.delete_registered_model_tag, actor, name, key.removeprefix("/"))


@get(f"{MODEL}/aliases/{{alias:str}}", opt=READ)
async def get_version_by_alias(db: Database, actor: Actor, name: str, alias: str) -> ModelVersion:
    """Get the version that an alias leads to; `latest` is the newest."""
    return await db.read(service.get_model_version_by_alias, actor, name, alias)


@put(f"{MODEL}/aliases/{{alias:str}}", opt=WRITE, status_code=204)
async def set_alias(db: Database, actor: Actor, name: str, alias: str, data: AliasTarget) -> None:
    """Point an alias at a version."""
    await db.write(service.set_alias, actor, name, alias, data.version)


@delete(f"{MODEL}/aliases/{{alias:str}}", opt=WRITE)
async def delete_alias(db: Database, actor: Actor, name: str, alias: str) -> None:
    """Delete an alias."""
    await db.write(service.delete_alias, actor, name, alias)


@get(f"{MODEL}/versions", opt=READ)
async def search_versions(
    db: Database,
    actor: Actor,
    name: str,
    filter: Filter = "",
    max_results: int = 100,
    order_by: OrderBy = None,
    page_token: str | None = None,
) -> ModelVersions:
    """Search the versions of one registered model."""
    wanted = RegistrySearch(filter, max_results, order_by or [], page_token)
    page = await db.read(service.search_model_versions, actor, wanted, name)
    return ModelVersions(page.items, page.next_page_token)


@post(f"{MODEL}/versions", opt=WRITE)
async def create_version(
    db: Database, blobs: Blobs, actor: Actor, name: str, data: ModelVersionCreate
) -> ModelVersionDetails:
    """Create the next version of a registered model."""
    version = await db.write(service.create_model_version, actor, name, data)
    await service.read_model_file(db, blobs, actor, name, version.version)
    return await db.read(service.get_model_version_details, actor, name, version.version)


@get(VERSION, opt=READ)
async def get_version(db: Database, actor: Actor, name: str, version: int) -> ModelVersionDetails:
    """Get a version with its params, metrics, signature and flavours."""
    return await db.read(service.get_model_version_details, actor, name, version)


@patch(VERSION, opt=WRITE)
async def update_version(db: Database, actor: Actor, name: str, version: int, data: ModelVersionUpdate) -> ModelVersion:
    """Change a version's description or stage."""
    return await db.write(service.update_model_version, actor, name, version, data)


@delete(VERSION, opt=WRITE)
async def delete_version(db: Database, actor: Actor, name: str, version: int) -> None:
    """Delete a version; its number is not given again."""
    await db.write(service.delete_model_version, actor, name, version)


@put(f"{VERSION}/tags/{{key:path}}", opt=WRITE, status_code=204)
async def set_version_tag(db: Database, actor: Actor, name: str, version: int, key: str, data: TagValue) -> None:
    """Set a tag of a version."""
    await db.write(service.set_model_version_tag, actor, name, version, key.removeprefix("/"), data.value)


@delete(f"{VERSION}/tags/{{key:path}}", opt=WRITE)
async def delete_version_tag(db: Database, actor: Actor, name: str, version: int, key: str) -> None:
    """Delete a tag of a version."""
    await db.write(service.delete_model_version_tag, actor, name, version, key.removeprefix("/"))


HANDLERS = [
    search_models,
    create_model,
    get_model,
    update_model,
    delete_model,
    set_model_tag,
    delete_model_tag,
    get_version_by_alias,
    set_alias,
    delete_alias,
    search_versions,
    create_version,
    get_version,
    update_version,
    delete_version,
    set_version_tag,
    delete_version_tag,
]
