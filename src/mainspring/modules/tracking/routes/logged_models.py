"""``/api/v1/logged-models``: logged models and their files."""

from __future__ import annotations

from litestar import get, post, route
from litestar.params import FromPath, JSONBody
from litestar.response import Stream

from mainspring.kit.pages import offset_of
from mainspring.modules.artifacts import routes as files
from mainspring.modules.artifacts.routes import READING, AnyRequest, Folder, Stores
from mainspring.modules.artifacts.schemas import (
    Artifacts,
    Preview,
    SignedDownload,
)
from mainspring.modules.tracking import service
from mainspring.modules.tracking.routes.parameters import (
    READ,
    READ_FILES,
    Db,
    PageToken,
    Who,
)
from mainspring.modules.tracking.schemas import (
    LoggedModel,
    LoggedModels,
    LoggedModelSearch,
)

LOGGED_MODELS = "/api/v1/logged-models"


@post(f"{LOGGED_MODELS}/search", opt=READ, status_code=200)
async def search_logged_models(db: Db, actor: Who, data: JSONBody[LoggedModelSearch]) -> LoggedModels:
    """Search the logged models of several experiments."""
    offset = offset_of(data.page_token)
    wanted = (data.experiment_ids, data.filter, data.datasets, data.max_results, data.order_by, offset)
    page = await db.read(service.search_logged_models, actor, *wanted)
    return LoggedModels(page.items, page.next_page_token)


@get(f"{LOGGED_MODELS}/{{model_id:str}}", opt=READ)
async def get_logged_model(db: Db, actor: Who, model_id: FromPath[str]) -> LoggedModel:
    """Get a logged model with its params, tags and metrics."""
    return await db.read(service.get_logged_model, actor, model_id)


@get(f"{LOGGED_MODELS}/{{model_id:str}}/artifacts", opt=READ_FILES)
async def list_logged_model_artifacts(
    services: Stores,
    actor: Who,
    model_id: FromPath[str],
    path: Folder = "",
    max_results: files.PageSize = files.PAGE_SIZE,
    page_token: PageToken = None,
) -> Artifacts:
    """List what lies directly in a folder of a logged model's files."""
    model = await services.db.read(service.get_logged_model, actor, model_id)
    return await files.list_files(services, actor, model.artifact_uri, path, max_results, page_token)


@route(f"{LOGGED_MODELS}/{{model_id:str}}/artifacts/{{path:path}}", http_method=READING, opt=READ_FILES)
async def get_logged_model_artifact(
    services: Stores,
    actor: Who,
    request: AnyRequest,
    model_id: FromPath[str],
    path: FromPath[str],
    frame: files.Framed = None,
) -> Stream:
    """Get a file of a logged model.

    One range of bytes may be asked for, and `If-None-Match` is answered. `Repr-Digest` tells the file's SHA-256
    where it is known.
    """
    model = await services.db.read(service.get_logged_model, actor, model_id)
    return await files.send_file(services, actor, request, model.artifact_uri, path, frame)


@get(f"{LOGGED_MODELS}/{{model_id:str}}/previews/{{path:path}}", opt=READ_FILES)
async def preview_logged_model_artifact(
    services: Stores,
    actor: Who,
    model_id: FromPath[str],
    path: FromPath[str],
    max_rows: files.Rows = files.ROWS,
    page_token: PageToken = None,
) -> Preview:
    """Get what is shown of a file of a logged model: rows, a graph, a signature.

    Of CSV, TSV, Parquet, ONNX, notebooks and `MLmodel`. A file that would take too much to read is refused.
    """
    model = await services.db.read(service.get_logged_model, actor, model_id)
    return await files.preview_file(services, actor, model.artifact_uri, path, max_rows, page_token)


@get(f"{LOGGED_MODELS}/{{model_id:str}}/downloads/{{path:path}}", opt=READ_FILES)
async def sign_logged_model_download(
    services: Stores,
    actor: Who,
    request: AnyRequest,
    model_id: FromPath[str],
    path: FromPath[str],
    expires_s: files.Expires = files.DOWNLOAD_S,
) -> SignedDownload:
    """Get a signed URL by which a file of a logged model is read without credentials."""
    model = await services.db.read(service.get_logged_model, actor, model_id)
    return await files.sign_download(services, actor, request, model.artifact_uri, path, expires_s)


HANDLERS = [
    search_logged_models,
    get_logged_model,
    list_logged_model_artifacts,
    get_logged_model_artifact,
    preview_logged_model_artifact,
    sign_logged_model_download,
]
