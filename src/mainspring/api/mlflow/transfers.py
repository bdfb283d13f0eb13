"""Endpoints by which large files go past this server, or in parts through it: multipart uploads and signed URLs.

On an object store the signed URLs are the store's own; elsewhere they lead to this server.
"""

from __future__ import annotations

import ntpath
import posixpath
from typing import ClassVar

from mainspring.api.mlflow.answers import Json, present
from mainspring.api.mlflow.artifacts import PROXIES, READ, WRITE
from mainspring.api.mlflow.dispatch import Message, Part, endpoint, linking_endpoint
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, Unsupported
from mainspring.kit.names import invalid_value
from mainspring.modules.artifacts import service
from mainspring.modules.artifacts.schemas import SignedUrl
from mainspring.modules.services import Services
from mainspring.modules.tracking import service as tracking

# A client cannot ask for the URLs of an upload again, so they last as long as a slow line takes for it.
PARTS_S = 12 * 3600
UPLOAD_S = DOWNLOAD_S = 900
# Clients that read this send the file as a whole instead.
NO_MULTIPART = "Multipart upload is not supported for the current artifact repository"


class MultipartMessage(Message):
    """Base of messages of an upload to the folder ``artifact_path`` of a file that the client calls ``path``."""

    artifact_path: str = ""
    path: str | None = None
    required: ClassVar[tuple[str, ...]] = ("path",)

    @property
    def target(self) -> str:
        """The path below the store's root: of what the client calls the file, on POSIX or Windows, the last part."""
        return posixpath.join(self.artifact_path, ntpath.basename(self.path or ""))


class CreateMultipartUpload(MultipartMessage):
    num_parts: int = 0


class UploadedPartIn(Part):
    part_number: int = 0
    etag: str = ""
    url: str | None = None


class CompleteMultipartUpload(MultipartMessage):
    required: ClassVar[tuple[str, ...]] = ("path", "upload_id", "parts")
    upload_id: str | None = None
    parts: list[UploadedPartIn] | None = None


class AbortMultipartUpload(MultipartMessage):
    required: ClassVar[tuple[str, ...]] = ("path", "upload_id")
    upload_id: str | None = None


class PresignedDownload(Message):
    artifact_path: str = ""


class CreatePresignedDownloadUrl(Message):
    required: ClassVar[tuple[str, ...]] = ("run_id", "path")
    run_id: str | None = None
    path: str | None = None
    expiration: int = DOWNLOAD_S


class CreatePresignedUploadUrl(Message):
    required: ClassVar[tuple[str, ...]] = ("path",)
    run_id: str | None = None
    model_id: str | None = None
    path: str | None = None
    expiration: int = UPLOAD_S


async def create_multipart_upload(
    services: Services, actor: Actor, message: CreateMultipartUpload, origin: str
) -> Json:
    """Begin an upload, and sign the requests by which its parts are sent."""
    if message.num_parts == 0:
        raise Unsupported(f"{NO_MULTIPART}: an empty file has no parts.")
    if not 1 <= message.num_parts <= service.MAX_PARTS:
        raise invalid_value("num_parts", message.num_parts, f"It must be 1 to {service.MAX_PARTS}.")
    service.file_key(actor, service.ROOT, message.target)
    try:
        upload = await service.begin_multipart(services, actor, service.ROOT, message.target)
    except Unsupported as error:
        raise Unsupported(f"{NO_MULTIPART}: {error.message}") from error
    numbers = range(1, message.num_parts + 1)
    signed = await service.sign_parts(services, origin, upload, numbers, PARTS_S)
    credentials = [
        {"url": each.url, "part_number": number, "headers": each.headers}
        for number, each in zip(numbers, signed, strict=True)
    ]
    return {"upload_id": upload.id, "credentials": credentials}


async def complete_multipart_upload(services: Services, actor: Actor, message: CompleteMultipartUpload) -> None:
    """Make the file of an upload visible."""
    upload = await service.find_upload(services, actor, service.ROOT, message.upload_id or "", message.target)
    chosen = [(part.part_number, part.etag) for part in message.parts or []]
    await service.complete_upload(services, upload, chosen)


async def abort_multipart_upload(services: Services, actor: Actor, message: AbortMultipartUpload) -> None:
    """Drop an upload."""
    upload = await service.find_upload(services, actor, service.ROOT, message.upload_id or "", message.target)
    await service.abort_upload(services, upload)


async def get_presigned_download_url(services: Services, actor: Actor, message: PresignedDownload, origin: str) -> Json:
    """Sign the request that reads a file of the store."""
    signed, size = await _readable(services, actor, origin, service.ROOT, message.artifact_path, DOWNLOAD_S)
    return {"url": signed.url, "headers": signed.headers, "file_size": size}


@linking_endpoint("POST", "artifacts/presigned-download-url", CreatePresignedDownloadUrl, READ)
async def create_presigned_download_url(
    services: Services, actor: Actor, message: CreatePresignedDownloadUrl, origin: str
) -> Json:
    """Sign the request that reads a file of a run."""
    run = await services.db.read(tracking.get_run_header, actor, message.run_id or "")
    path = message.path or ""
    signed, size = await _readable(services, actor, origin, run.artifact_uri, path, message.expiration)
    return {"presigned_url": signed.url, "headers": signed.headers, "file_size": size}


@linking_endpoint("POST", "artifacts/presigned-upload-url", CreatePresignedUploadUrl, WRITE)
async def create_presigned_upload_url(
    services: Services, actor: Actor, message: CreatePresignedUploadUrl, origin: str
) -> Json:
    """Sign the request that writes a file of a run or of a logged model."""
    if bool(message.run_id) == bool(message.model_id):
        raise InvalidArgument("Exactly one of run_id and model_id must be provided.", field="run_id")
    if message.run_id:
        location = (await services.db.read(tracking.get_run_header, actor, message.run_id)).artifact_uri
    else:
        location = (await services.db.read(tracking.get_logged_model, actor, message.model_id or "")).artifact_uri
    key = service.written_key(actor, location, message.path or "")
    signed = await service.sign_upload(services, origin, key, message.expiration)
    return present({"presigned_url": signed.url, "headers": signed.headers})


async def _readable(
    services: Services, actor: Actor, origin: str, location: str, path: str, expires_s: int
) -> tuple[SignedUrl, int]:
    """Return the request that reads a file, and its size. NotFound if there is none."""
    meta = await service.head_artifact(services.blobs, actor, location, path)
    return await service.sign_download(services, origin, meta.path, expires_s), meta.size


for proxy in PROXIES:
    mpu = f"{proxy}/mpu"
    linking_endpoint("POST", f"{mpu}/create/{{artifact_path:path}}", CreateMultipartUpload, WRITE)(
        create_multipart_upload
    )
    endpoint("POST", f"{mpu}/complete/{{artifact_path:path}}", CompleteMultipartUpload, WRITE)(
        complete_multipart_upload
    )
    endpoint("POST", f"{mpu}/abort/{{artifact_path:path}}", AbortMultipartUpload, WRITE)(abort_multipart_upload)
    linking_endpoint("GET", f"{proxy}/presigned/{{artifact_path:path}}", PresignedDownload, READ)(
        get_presigned_download_url
    )
