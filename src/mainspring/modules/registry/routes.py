"""``/api/v1`` of registered models, their versions, aliases, tags and files."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, patch, post, put, route
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.artifacts import routes as files
from mainspring.modules.artifacts.routes import READING, AnyRequest, Blobs, Folder, Stores
from mainspring.modules.artifacts.schemas import Artifacts, Preview, SignedDownload
from mainspring.modules.registry import service
from mainspring.modules.registry.schemas import (
    AliasTarget,
    MeasuredVersions,
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
    RequestState,
    StageDecision,
    StageRequest,
    StageRequestCreate,
    StageRequests,
)
from mainspring.modules.tracking.schemas import TagValue

READ, WRITE = needs(Permission.REGISTRY_READ), needs(Permission.REGISTRY_WRITE)
DECIDE = needs(Permission.PROJECT_MANAGE)
READ_FILES = needs(Permission.ARTIFACTS_READ)
Db = NamedDependency[Database]
Who = NamedDependency[Actor]
Filter = Annotated[str, QueryParameter(description="Conditions joined by AND, such as `tags.team = 'vision'`.")]
OrderBy = Annotated[list[str] | None, QueryParameter(description="Such as `name DESC`; may come repeatedly.")]
MaxResults = Annotated[int, QueryParameter(description="How many at most.")]
PageToken = Annotated[str | None, QueryParameter(description="The `next_page_token` of the page before.")]
MODELS = "/api/v1/models"
REQUESTS = "/api/v1/model-requests"
MODEL = f"{MODELS}/{{name:str}}"
VERSION = f"{MODEL}/versions/{{version:int}}"


@get(MODELS, opt=READ)
async def search_models(
    db: Db,
    actor: Who,
    filter: Filter = "",
    max_results: MaxResults = 100,
    order_by: OrderBy = None,
    page_token: PageToken = None,
) -> RegisteredModels:
    """Search registered models."""
    wanted = RegistrySearch(filter, max_results, order_by or [], page_token)
    page = await db.read(service.search_registered_models, actor, wanted)
    return RegisteredModels(page.items, page.next_page_token)


@post(MODELS, opt=WRITE)
async def create_model(db: Db, actor: Who, data: JSONBody[RegisteredModelCreate]) -> RegisteredModel:
    """Create a registered model."""
    return await db.write(service.create_registered_model, actor, data)


@get(MODEL, opt=READ)
async def get_model(db: Db, actor: Who, name: FromPath[str]) -> RegisteredModel:
    """Get a registered model with the newest version of each stage."""
    return await db.read(service.get_registered_model, actor, name)


@patch(MODEL, opt=WRITE)
async def update_model(
    db: Db, actor: Who, name: FromPath[str], data: JSONBody[RegisteredModelUpdate]
) -> RegisteredModel:
    """Change a registered model's description or name."""
    return await db.write(service.update_registered_model, actor, name, data)


@delete(MODEL, opt=WRITE)
async def delete_model(db: Db, actor: Who, name: FromPath[str]) -> None:
    """Delete a registered model with its versions."""
    await db.write(service.delete_registered_model, actor, name)


@put(f"{MODEL}/tags/{{key:path}}", opt=WRITE, status_code=204)
async def set_model_tag(db: Db, actor: Who, name: FromPath[str], key: FromPath[str], data: JSONBody[TagValue]) -> None:
    """Set a tag of a registered model."""
    await db.write(service.set_registered_model_tag, actor, name, key.removeprefix("/"), data.value)


@delete(f"{MODEL}/tags/{{key:path}}", opt=WRITE)
async def delete_model_tag(db: Db, actor: Who, name: FromPath[str], key: FromPath[str]) -> None:
    """Delete a tag of a registered model."""
    await db.write(service.delete_registered_model_tag, actor, name, key.removeprefix("/"))


@get(f"{MODEL}/aliases/{{alias:str}}", opt=READ)
async def get_model_version_by_alias(db: Db, actor: Who, name: FromPath[str], alias: FromPath[str]) -> ModelVersion:
    """Get the version that an alias leads to; `latest` is the newest."""
    return await db.read(service.get_model_version_by_alias, actor, name, alias)


@put(f"{MODEL}/aliases/{{alias:str}}", opt=WRITE, status_code=204)
async def set_model_alias(
    db: Db, actor: Who, name: FromPath[str], alias: FromPath[str], data: JSONBody[AliasTarget]
) -> None:
    """Point an alias at a version."""
    await db.write(service.set_alias, actor, name, alias, data.version)


@delete(f"{MODEL}/aliases/{{alias:str}}", opt=WRITE)
async def delete_model_alias(db: Db, actor: Who, name: FromPath[str], alias: FromPath[str]) -> None:
    """Delete an alias."""
    await db.write(service.delete_alias, actor, name, alias)


@get("/api/v1/model-versions", opt=READ)
async def search_model_versions(
    db: Db,
    actor: Who,
    filter: Filter = "",
    max_results: MaxResults = 100,
    order_by: OrderBy = None,
    page_token: PageToken = None,
) -> ModelVersions:
    """Search the versions of all registered models."""
    wanted = RegistrySearch(filter, max_results, order_by or [], page_token)
    page = await db.read(service.search_model_versions, actor, wanted)
    return ModelVersions(page.items, page.next_page_token)


@get(f"{MODEL}/versions", opt=READ)
async def list_model_versions(
    db: Db,
    actor: Who,
    name: FromPath[str],
    filter: Filter = "",
    max_results: MaxResults = 100,
    order_by: OrderBy = None,
    page_token: PageToken = None,
) -> ModelVersions:
    """Search the versions of one registered model."""
    await db.read(service.get_registered_model, actor, name)
    wanted = RegistrySearch(filter, max_results, order_by or [], page_token)
    page = await db.read(service.search_model_versions, actor, wanted, name)
    return ModelVersions(page.items, page.next_page_token)


@get(f"{MODEL}/measured", opt=READ)
async def measure_model_versions(
    db: Db,
    actor: Who,
    name: FromPath[str],
    version: Annotated[list[int], QueryParameter(description="A version's number; may come up to 100 times.")],
) -> MeasuredVersions:
    """Get the params and metrics of some versions of a registered model."""
    return MeasuredVersions(await db.read(service.measure_versions, actor, name, version))


@post(f"{MODEL}/versions", opt=WRITE)
async def create_model_version(
    db: Db, blobs: Blobs, actor: Who, name: FromPath[str], data: JSONBody[ModelVersionCreate]
) -> ModelVersionDetails:
    """Create the next version of a registered model."""
    version = await db.write(service.create_model_version, actor, name, data)
    await service.read_model_file(db, blobs, actor, name, version.version)
    return await db.read(service.get_model_version_details, actor, name, version.version)


@get(VERSION, opt=READ)
async def get_model_version(db: Db, actor: Who, name: FromPath[str], version: FromPath[int]) -> ModelVersionDetails:
    """Get a version with its params, metrics, signature and flavours."""
    return await db.read(service.get_model_version_details, actor, name, version)


@patch(VERSION, opt=WRITE)
async def update_model_version(
    db: Db, actor: Who, name: FromPath[str], version: FromPath[int], data: JSONBody[ModelVersionUpdate]
) -> ModelVersion:
    """Change a version's description or stage."""
    return await db.write(service.update_model_version, actor, name, version, data)


@delete(VERSION, opt=WRITE)
async def delete_model_version(db: Db, actor: Who, name: FromPath[str], version: FromPath[int]) -> None:
    """Delete a version; its number is not given again."""
    await db.write(service.delete_model_version, actor, name, version)


@put(f"{VERSION}/tags/{{key:path}}", opt=WRITE, status_code=204)
async def set_model_version_tag(
    db: Db, actor: Who, name: FromPath[str], version: FromPath[int], key: FromPath[str], data: JSONBody[TagValue]
) -> None:
    """Set a tag of a version."""
    await db.write(service.set_model_version_tag, actor, name, version, key.removeprefix("/"), data.value)


@delete(f"{VERSION}/tags/{{key:path}}", opt=WRITE)
async def delete_model_version_tag(
    db: Db, actor: Who, name: FromPath[str], version: FromPath[int], key: FromPath[str]
) -> None:
    """Delete a tag of a version."""
    await db.write(service.delete_model_version_tag, actor, name, version, key.removeprefix("/"))


@get(f"{VERSION}/artifacts", opt=READ_FILES)
async def list_model_version_artifacts(
    services: Stores,
    actor: Who,
    name: FromPath[str],
    version: FromPath[int],
    path: Folder = "",
    max_results: files.PageSize = files.PAGE_SIZE,
    page_token: PageToken = None,
) -> Artifacts:
    """List what lies directly in a folder of a version's files."""
    location = await services.db.read(service.get_files_uri, actor, name, version)
    return await files.list_files(services, actor, location, path, max_results, page_token)


@route(f"{VERSION}/artifacts/{{path:path}}", http_method=READING, opt=READ_FILES)
async def get_model_version_artifact(
    services: Stores,
    actor: Who,
    request: AnyRequest,
    name: FromPath[str],
    version: FromPath[int],
    path: FromPath[str],
    frame: files.Framed = None,
) -> Stream:
    """Get a file of a version.

    One range of bytes may be asked for, and `If-None-Match` is answered. `Repr-Digest` tells the file's SHA-256
    where it is known.
    """
    location = await services.db.read(service.get_files_uri, actor, name, version)
    return await files.send_file(services, actor, request, location, path, frame)


@get(f"{VERSION}/previews/{{path:path}}", opt=READ_FILES)
async def preview_model_version_artifact(
    services: Stores,
    actor: Who,
    name: FromPath[str],
    version: FromPath[int],
    path: FromPath[str],
    max_rows: files.Rows = files.ROWS,
    page_token: PageToken = None,
) -> Preview:
    """Get what is shown of a file of a version: rows, a graph, a signature, cells.

    Of CSV, TSV, Parquet, ONNX, notebooks and `MLmodel`. A file that would take too much to read is refused.
    """
    location = await services.db.read(service.get_files_uri, actor, name, version)
    return await files.preview_file(services, actor, location, path, max_rows, page_token)


@get(f"{VERSION}/downloads/{{path:path}}", opt=READ_FILES)
async def sign_model_version_download(
    services: Stores,
    actor: Who,
    request: AnyRequest,
    name: FromPath[str],
    version: FromPath[int],
    path: FromPath[str],
    expires_s: files.Expires = files.DOWNLOAD_S,
) -> SignedDownload:
    """Get a signed URL by which a file of a version is read without credentials."""
    location = await services.db.read(service.get_files_uri, actor, name, version)
    return await files.sign_download(services, actor, request, location, path, expires_s)


@post(f"{VERSION}/requests", opt=WRITE)
async def create_stage_request(
    db: Db, actor: Who, name: FromPath[str], version: FromPath[int], data: JSONBody[StageRequestCreate]
) -> StageRequest:
    """Ask that a version enter a stage."""
    return await db.write(service.create_stage_request, actor, name, version, data)


@get(REQUESTS, opt=READ)
async def search_stage_requests(
    db: Db,
    actor: Who,
    standing: Annotated[RequestState | None, QueryParameter(name="state", description="How they stand.")] = None,
    name: FromQuery[str | None] = None,
    version: FromQuery[int | None] = None,
    max_results: MaxResults = 100,
    page_token: PageToken = None,
) -> StageRequests:
    """Search what was asked of the stages of versions, the newest first."""
    page = await db.read(service.search_stage_requests, actor, standing, name, version, max_results, page_token)
    return StageRequests(page.items, page.next_page_token)


@post(f"{REQUESTS}/{{request_id:int}}/decision", opt=DECIDE, status_code=200)
async def decide_stage_request(
    db: Db, actor: Who, request_id: FromPath[int], data: JSONBody[StageDecision]
) -> StageRequest:
    """Approve or reject a request for a stage."""
    return await db.write(service.decide_stage_request, actor, request_id, data)


@delete(f"{REQUESTS}/{{request_id:int}}", opt=WRITE)
async def withdraw_stage_request(db: Db, actor: Who, request_id: FromPath[int]) -> None:
    """Take a request for a stage back."""
    await db.write(service.withdraw_stage_request, actor, request_id)


HANDLERS = [
    create_stage_request,
    search_stage_requests,
    decide_stage_request,
    withdraw_stage_request,
    measure_model_versions,
    search_models,
    create_model,
    get_model,
    update_model,
    delete_model,
    set_model_tag,
    delete_model_tag,
    get_model_version_by_alias,
    set_model_alias,
    delete_model_alias,
    search_model_versions,
    list_model_versions,
    create_model_version,
    get_model_version,
    update_model_version,
    delete_model_version,
    set_model_version_tag,
    delete_model_version_tag,
    list_model_version_artifacts,
    get_model_version_artifact,
    preview_model_version_artifact,
    sign_model_version_download,
]
