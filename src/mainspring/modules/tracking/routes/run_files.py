"""Files of a run: its artifacts, what is shown of them, and uploads."""

from __future__ import annotations

from litestar import delete, get, post, put, route
from litestar.params import FromPath, JSONBody
from litestar.response import Stream

from mainspring.modules.artifacts import routes as files
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.artifacts.routes import READING, AnyRequest, Folder, Stores
from mainspring.modules.artifacts.schemas import (
    Artifact,
    Artifacts,
    PartNumbers,
    Preview,
    SignedDownload,
    SignedUrls,
    Upload,
    UploadCreate,
)
from mainspring.modules.tracking import service
from mainspring.modules.tracking.routes.parameters import (
    READ_FILES,
    RUNS,
    WRITE_FILES,
    PageToken,
    Who,
)

UPLOAD = f"{RUNS}/{{run_id:str}}/uploads/{{upload_id:str}}"


@get(f"{RUNS}/{{run_id:str}}/artifacts", opt=READ_FILES)
async def list_run_artifacts(
    services: Stores,
    actor: Who,
    run_id: FromPath[str],
    path: Folder = "",
    max_results: files.PageSize = files.PAGE_SIZE,
    page_token: PageToken = None,
) -> Artifacts:
    """List what lies directly in a folder of a run's artifacts."""
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.list_files(services, actor, run.artifact_uri, path, max_results, page_token)


@route(f"{RUNS}/{{run_id:str}}/artifacts/{{path:path}}", http_method=READING, opt=READ_FILES)
async def get_run_artifact(
    services: Stores,
    actor: Who,
    request: AnyRequest,
    run_id: FromPath[str],
    path: FromPath[str],
    frame: files.Framed = None,
) -> Stream:
    """Get a file of a run.

    One range of bytes may be asked for, and `If-None-Match` is answered. `Repr-Digest` tells the file's SHA-256
    where it is known.
    """
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.send_file(services, actor, request, run.artifact_uri, path, frame)


@get(f"{RUNS}/{{run_id:str}}/previews/{{path:path}}", opt=READ_FILES)
async def preview_run_artifact(
    services: Stores,
    actor: Who,
    run_id: FromPath[str],
    path: FromPath[str],
    max_rows: files.Rows = files.ROWS,
    page_token: PageToken = None,
) -> Preview:
    """Get what is shown of a file of a run: rows, a graph, a signature, cells.

    Of CSV, TSV, Parquet, ONNX, notebooks and `MLmodel`. A file that would take too much to read is refused.
    """
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.preview_file(services, actor, run.artifact_uri, path, max_rows, page_token)


@put(f"{RUNS}/{{run_id:str}}/artifacts/{{path:path}}", opt=WRITE_FILES, request_max_body_size=None)
async def put_run_artifact(
    services: Stores, actor: Who, request: AnyRequest, run_id: FromPath[str], path: FromPath[str]
) -> Artifact:
    """Store a file of a run.

    All of it is there once this is answered; after any failure, what was there before. What `Content-Digest`
    (RFC 9530) announces by its `sha-256` is checked first.
    """
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.store_file(services, actor, request, run.artifact_uri, path)


@delete(f"{RUNS}/{{run_id:str}}/artifacts/{{path:path}}", opt=WRITE_FILES)
async def delete_run_artifact(services: Stores, actor: Who, run_id: FromPath[str], path: FromPath[str]) -> None:
    """Delete a file of a run, or a folder with all it holds.

    That there is neither is no error.
    """
    run = await services.db.read(service.get_run_header, actor, run_id)
    await artifacts.delete_artifact(services, actor, run.artifact_uri, path.removeprefix("/"))


@get(f"{RUNS}/{{run_id:str}}/downloads/{{path:path}}", opt=READ_FILES)
async def sign_run_download(
    services: Stores,
    actor: Who,
    request: AnyRequest,
    run_id: FromPath[str],
    path: FromPath[str],
    expires_s: files.Expires = files.DOWNLOAD_S,
) -> SignedDownload:
    """Get a signed URL by which a file of a run is read without credentials."""
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.sign_download(services, actor, request, run.artifact_uri, path, expires_s)


@post(f"{RUNS}/{{run_id:str}}/uploads", opt=WRITE_FILES)
async def begin_run_upload(services: Stores, actor: Who, run_id: FromPath[str], data: JSONBody[UploadCreate]) -> Upload:
    """Begin the upload of a large file, to the store itself where it can be reached."""
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.begin_upload(services, actor, run.artifact_uri, data)


@get(UPLOAD, opt=WRITE_FILES)
async def get_run_upload(services: Stores, actor: Who, run_id: FromPath[str], upload_id: FromPath[str]) -> Upload:
    """Get an upload, with the parts of it that have come."""
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.get_upload(services, actor, run.artifact_uri, upload_id)


@post(f"{UPLOAD}/parts", opt=WRITE_FILES, status_code=200)
async def sign_run_upload(
    services: Stores,
    actor: Who,
    request: AnyRequest,
    run_id: FromPath[str],
    upload_id: FromPath[str],
    data: JSONBody[PartNumbers],
) -> SignedUrls:
    """Sign the requests by which parts of an upload are sent."""
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.sign_parts(services, actor, request, run.artifact_uri, upload_id, data)


@post(f"{UPLOAD}/complete", opt=WRITE_FILES, status_code=200)
async def complete_run_upload(
    services: Stores, actor: Who, run_id: FromPath[str], upload_id: FromPath[str]
) -> Artifact:
    """Make the file of an upload visible.

    Its parts must all have come. To repeat this is answered the same.
    """
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.complete_upload(services, actor, run.artifact_uri, upload_id)


@delete(UPLOAD, opt=WRITE_FILES)
async def abort_run_upload(services: Stores, actor: Who, run_id: FromPath[str], upload_id: FromPath[str]) -> None:
    """Drop an upload and what has come of it.

    That it was dropped or completed before is no error.
    """
    run = await services.db.read(service.get_run_header, actor, run_id)
    await files.abort_upload(services, actor, run.artifact_uri, upload_id)


HANDLERS = [
    list_run_artifacts,
    get_run_artifact,
    preview_run_artifact,
    put_run_artifact,
    delete_run_artifact,
    sign_run_download,
    begin_run_upload,
    get_run_upload,
    sign_run_upload,
    complete_run_upload,
    abort_run_upload,
]
