"""Files on ``/api/v1``: how they come and go, for the routes of whatever has files, and the URLs that are signed.

Runs, logged models and model versions know where their files lie; their modules declare the routes. Who has a
signed URL of this server is asked for nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any

from litestar import Request, Response, put, route
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.enums import HttpMethod, MediaType
from litestar.params import FromPath, QueryParameter, SkipValidation
from litestar.response import Stream

from mainspring.engines.blobs import BlobStore
from mainspring.kit.actors import DEFAULT_PROJECT, Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.http import Request as RawRequest
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.artifacts import service
from mainspring.modules.artifacts.schemas import (
    Artifact,
    Artifacts,
    Frame,
    PartNumbers,
    Preview,
    SignedDownload,
    SignedUrls,
    Upload,
    UploadCreate,
    UploadedPart,
    UploadMethod,
    UploadState,
)
from mainspring.modules.services import Services

# A protocol: there is nothing that the framework could check.
Blobs = NamedDependency[SkipValidation[BlobStore]]
Stores = NamedDependency[SkipValidation[Services]]
Folder = Annotated[str, QueryParameter(description="The folder to list; left out, the top one.")]
PageSize = Annotated[int, QueryParameter(description=f"How many at most, up to {service.MAX_PAGE}.")]
PageToken = Annotated[str | None, QueryParameter(description="The `next_page_token` of the page before.")]
Rows = Annotated[int, QueryParameter(description=f"How many rows of a table at most, up to {service.MAX_ROWS}.")]
Framed = Annotated[
    Frame | None,
    QueryParameter(description="Send a page of HTML to be shown in a frame, as a page of nobody's; not to be saved."),
]
Expires = Annotated[int, QueryParameter(description="For how many seconds the URL is good.")]
AnyRequest = Request[Any, Any, Any]
READING = [HttpMethod.GET, HttpMethod.HEAD]
PAGE_SIZE = 1000
ROWS = 100
DOWNLOAD_S = 900
# The SDK asks for the URL of a part when it is about to send it.
PART_S = 3600
MAX_SIGNED = 1000
_BEARER = Actor("the bearer of a signed URL", frozenset({Permission.ARTIFACTS_READ}))


async def list_files(
    services: Services, actor: Actor, location: str, path: str, max_results: int, page_token: str | None
) -> Artifacts:
    """Answer a page of a folder below ``location``, with the files' hashes."""
    page = await service.list_artifacts(services, actor, location, path, max_results, page_token, hashes=True)
    return Artifacts(page.items, page.next_page_token)


async def send_file(
    services: Services, actor: Actor, request: AnyRequest, location: str, path: str, frame: Frame | None = None
) -> Stream:
    """Answer a GET or HEAD of the file ``path`` below ``location``, as one to save, or to show in a ``frame``.

    NotFound if there is none.
    """
    path, head = path.removeprefix("/"), request.method == HttpMethod.HEAD
    shown = service.framed_headers(path, frame) if frame else {}
    answer = await service.download_artifact(
        services.blobs,
        actor,
        location,
        path,
        asked=request.headers.get("range"),
        known=request.headers.get("if-none-match"),
        same=request.headers.get("if-range"),
        head=head,
    )
    try:
        await service.add_digest(services, actor, location, path, answer, head=head)
    except BaseException:
        await answer.chunks.aclose()
        raise
    done = BackgroundTask(answer.chunks.aclose)
    return Stream(answer.chunks, status_code=answer.status, headers=answer.headers | shown, background=done)


async def preview_file(
    services: Services, actor: Actor, location: str, path: str, max_rows: int, page_token: str | None
) -> Preview:
    """Answer what is shown of the file ``path`` below ``location``."""
    return await service.preview_artifact(services, actor, location, path.removeprefix("/"), max_rows, page_token)


async def store_file(services: Services, actor: Actor, request: AnyRequest, location: str, path: str) -> Artifact:
    """Store the body of a request, of any length, as the file ``path`` below ``location``."""
    path = path.removeprefix("/")
    stored = await service.put_artifact(services, actor, location, path, body_of(request), announced_by(request))
    return Artifact(path, False, stored.size, stored.sha256)


async def begin_upload(services: Services, actor: Actor, location: str, wanted: UploadCreate) -> Upload:
    """Begin an upload to ``location``, or say that the ordinary PUT is the way."""
    begun = await service.begin_upload(services, actor, location, wanted.path, wanted.size, wanted.sha256)
    if begun is None:
        return Upload(None, wanted.path, wanted.size, wanted.sha256, UploadMethod.PROXY, wanted.size)
    return await _described(services, location, begun)


async def get_upload(services: Services, actor: Actor, location: str, upload_id: str) -> Upload:
    """Answer an upload to ``location``, with the parts of it that have come."""
    return await _described(services, location, await service.find_upload(services, actor, location, upload_id))


async def sign_parts(
    services: Services, actor: Actor, request: AnyRequest, location: str, upload_id: str, wanted: PartNumbers
) -> SignedUrls:
    """Answer the requests by which parts of an upload are sent."""
    upload = await service.find_upload(services, actor, location, upload_id)
    service.check_open(upload)
    if len(wanted.numbers) > MAX_SIGNED:
        raise InvalidArgument(f"At most {MAX_SIGNED} parts are signed at once.", field="numbers")
    service.check_numbers(wanted.numbers, service.part_count(upload))
    origin = _raw(request).origin
    return SignedUrls(await service.sign_parts(services, origin, upload, wanted.numbers, PART_S))


async def complete_upload(services: Services, actor: Actor, location: str, upload_id: str) -> Artifact:
    """Make the file of an upload visible, and answer it."""
    upload = await service.find_upload(services, actor, location, upload_id)
    done = await service.complete_upload(services, upload)
    return Artifact(service.relative_path(location, done.path), False, done.stored_size, done.sha256)


async def abort_upload(services: Services, actor: Actor, location: str, upload_id: str) -> None:
    """Drop an upload and what has come of it."""
    await service.abort_upload(services, await service.find_upload(services, actor, location, upload_id))


async def sign_download(
    services: Services, actor: Actor, request: AnyRequest, location: str, path: str, expires_s: int
) -> SignedDownload:
    """Answer what is known of a file, and a request that reads it."""
    path = path.removeprefix("/")
    meta = await service.head_artifact(services.blobs, actor, location, path)
    known = await service.find_record(services, meta.path, meta.etag)
    signed = await service.sign_download(services, _raw(request).origin, meta.path, expires_s)
    sha256, verified = (known.sha256, known.verified) if known else (None, False)
    return SignedDownload(path, meta.size, meta.etag, sha256, verified, signed)


@put(
    f"{service.TRANSFERS}/{{path:path}}",
    opt=needs(Permission.PUBLIC),
    request_max_body_size=None,
    include_in_schema=False,
    status_code=200,
)
async def put_transfer(services: Stores, request: AnyRequest, path: FromPath[str]) -> Response[bytes]:
    """Store what a signed URL allows: a part of an upload, or a file."""
    raw = _raw(request)
    allowed = await service.check_capability(services, raw.method, path.removeprefix("/"), raw.query)
    etag = await service.receive(services, allowed, raw.stream(), announced_by(request))
    return Response(b"", media_type=MediaType.TEXT, headers={"ETag": etag})


@route(f"{service.TRANSFERS}/{{path:path}}", http_method=READING, opt=needs(Permission.PUBLIC), include_in_schema=False)
async def get_transfer(services: Stores, request: AnyRequest, path: FromPath[str]) -> Stream:
    """Send the file that a signed URL allows to read."""
    raw = _raw(request)
    allowed = await service.check_capability(services, raw.method, path.removeprefix("/"), raw.query)
    bearer = replace(_BEARER, project=service.owner_of(allowed.path) or DEFAULT_PROJECT)
    return await send_file(services, bearer, request, service.ROOT, path)


def body_of(request: AnyRequest) -> AsyncIterator[bytes]:
    """Return the bytes of a request as they arrive, of any length."""
    return _raw(request).stream()


def announced_by(request: AnyRequest) -> str | None:
    """Return the SHA-256 that a request announces of its body, or None."""
    headers = request.headers
    return service.announced_sha256(headers.get("content-digest"), headers.get("x-amz-checksum-sha256"))


async def _described(services: Services, location: str, upload: service.UploadRecord) -> Upload:
    parts = await service.uploaded_parts(services, upload)
    return Upload(
        upload.id,
        service.relative_path(location, upload.path),
        upload.size or 0,
        upload.sha256 or "",
        UploadMethod.PARTS if upload.multipart_id else UploadMethod.SINGLE,
        upload.part_size or 0,
        UploadState(upload.state),
        [UploadedPart(part.number, part.size) for part in parts],
    )


def _raw(request: AnyRequest) -> RawRequest:
    return RawRequest(request.scope, request.receive)  # type: ignore[arg-type]


HANDLERS = [put_transfer, get_transfer]
