"""Endpoints of artifacts: the proxy that clients read and write through, and what the pages ask for.

Bytes stream both ways. What is downloaded is sent as an attachment of a harmless type.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing

import msgspec

from mainspring.api.mlflow import messages
from mainspring.api.mlflow.answers import Json, present
from mainspring.api.mlflow.dispatch import endpoint, raw_endpoint
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, TooLarge
from mainspring.kit.http import JSON, Request, Send, respond, respond_stream
from mainspring.kit.names import invalid_value, missing_value
from mainspring.kit.pages import Page
from mainspring.kit.permissions import Permission
from mainspring.modules.artifacts import service
from mainspring.modules.artifacts.schemas import Artifact
from mainspring.modules.registry import service as registry
from mainspring.modules.services import Services
from mainspring.modules.tracking import service as tracking

READ, WRITE = Permission.ARTIFACTS_READ, Permission.ARTIFACTS_WRITE
PROXIES = ("/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts")
MAX_PAGE_UPLOAD = 10 * 1024 * 1024


class ListArtifacts(messages.RunMessage):
    path: str | None = None
    page_token: str | None = None


def file_out(artifact: Artifact) -> Json:
    return present({"path": artifact.path, "is_dir": artifact.is_dir, "file_size": artifact.size or None})


@endpoint("GET", "artifacts/list", ListArtifacts, READ)
async def list_artifacts(services: Services, actor: Actor, message: ListArtifacts) -> Json:
    run = await services.db.read(tracking.get_run_header, actor, message.run_id or "")
    return await _listed(services, actor, run.artifact_uri, message.path, message.page_token)


@endpoint("GET", "logged-models/{model_id}/artifacts/directories", messages.ListLoggedModelArtifacts, READ)
async def list_logged_model_artifacts(
    services: Services, actor: Actor, message: messages.ListLoggedModelArtifacts
) -> Json:
    model = await services.db.read(tracking.get_logged_model, actor, message.model_id or "")
    return await _listed(services, actor, model.artifact_uri, message.artifact_directory_path, message.page_token)


async def list_proxied(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """List a folder: clients know no pages here, so one that has several is sent page by page."""
    path = request.field("path") or ""
    page = await service.list_artifacts(services, actor, service.ROOT, path)
    if page.next_page_token is None:
        await respond(send, 200, msgspec.json.encode(present({"files": _bare(page)})))
        return
    headers = [(b"content-type", JSON)]
    await respond_stream(request, send, 200, headers, _all_pages(services, actor, path, page))


async def _all_pages(services: Services, actor: Actor, path: str, page: Page[Artifact]) -> AsyncIterator[bytes]:
    yield b'{"files": [' + _joined(page)
    while page.next_page_token:
        page = await service.list_artifacts(services, actor, service.ROOT, path, page_token=page.next_page_token)
        if page.items:
            yield b"," + _joined(page)
    yield b"]}"


def _joined(page: Page[Artifact]) -> bytes:
    return msgspec.json.encode(_bare(page))[1:-1]


def _bare(page: Page[Artifact]) -> list[Json]:
    """Return files by their bare names, which the proxy's clients join to the folder that they asked for."""
    return [file_out(artifact) | {"path": artifact.name} for artifact in page.items]


async def get_proxied(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    await _download(services, actor, request, send, service.ROOT, fields["path"])


async def put_proxied(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    announced = service.announced_sha256(request.header(b"content-digest"), request.header(b"x-amz-checksum-sha256"))
    path = fields["path"]
    stored = await service.put_artifact(services, actor, service.ROOT, path, request.stream(), announced)
    headers = [(b"etag", stored.etag.encode()), (b"repr-digest", service.digest_field(stored.sha256).encode())]
    await respond(send, 200, b"", headers=headers)


async def delete_proxied(
    services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]
) -> None:
    await service.delete_artifact(services, actor, service.ROOT, fields["path"])
    await respond(send, 200, b"{}")


for proxy in PROXIES:
    raw_endpoint("GET", f"{proxy}/artifacts", READ)(list_proxied)
    raw_endpoint("GET", f"{proxy}/artifacts/{{path:path}}", READ)(get_proxied)
    raw_endpoint("PUT", f"{proxy}/artifacts/{{path:path}}", WRITE)(put_proxied)
    raw_endpoint("DELETE", f"{proxy}/artifacts/{{path:path}}", WRITE)(delete_proxied)


@raw_endpoint("GET", "/get-artifact", READ)
@raw_endpoint("GET", "artifacts/download", READ)
async def get_artifact(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Send a file of a run; ``artifacts/download`` is what older clients and scripts ask for."""
    run = await services.db.read(tracking.get_run_header, actor, _required(request, "run_id", "run_uuid"))
    path = request.field("path")
    if path is None:
        raise missing_value("path")
    await _download(services, actor, request, send, run.artifact_uri, path)


@raw_endpoint("GET", "/model-versions/get-artifact", READ)
async def get_model_version_artifact(
    services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]
) -> None:
    name, version = _required(request, "name"), _version(_required(request, "version"))
    location = await services.db.read(registry.get_files_uri, actor, name, version)
    await _download(services, actor, request, send, location, _required(request, "path"))


@raw_endpoint("GET", "logged-models/{model_id}/artifacts/files", READ)
async def get_logged_model_artifact(
    services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]
) -> None:
    model = await services.db.read(tracking.get_logged_model, actor, fields["model_id"])
    await _download(services, actor, request, send, model.artifact_uri, _required(request, "artifact_file_path"))


@raw_endpoint("POST", "/ajax-api/2.0/mlflow/upload-artifact", WRITE)
async def upload_artifact(
    services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]
) -> None:
    """Take a small file of a run, as MLflow's page sends it."""
    run_id, path = _required(request, "run_uuid", "run_id"), _required(request, "path")
    run = await services.db.read(tracking.get_run_header, actor, run_id)
    if request.header(b"content-length") == "0":
        raise InvalidArgument("The file is empty: send its bytes as the request's body.", field="body")
    chunks = _at_most(request.stream(), MAX_PAGE_UPLOAD)
    await service.put_artifact(services, actor, run.artifact_uri, path, chunks)
    await respond(send, 200, b"{}")


async def _at_most(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"Artifact size is too large. Max size is {limit} bytes.")
        yield chunk


def _required(request: Request, *names: str) -> str:
    value = request.field(*names)
    if not value:
        raise missing_value(names[0])
    return value


def _version(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise invalid_value("version", text, "It must be a model version's number.")
    return int(text)


async def _listed(services: Services, actor: Actor, location: str, path: str | None, page_token: str | None) -> Json:
    page = await service.list_artifacts(services, actor, location, path or "", page_token=page_token)
    files = [file_out(artifact) for artifact in page.items]
    return present({"root_uri": location, "files": files, "next_page_token": page.next_page_token})


async def _download(services: Services, actor: Actor, request: Request, send: Send, location: str, path: str) -> None:
    head = request.method == "HEAD"
    answer = await service.download_artifact(
        services.blobs,
        actor,
        location,
        path,
        asked=request.header(b"range"),
        known=request.header(b"if-none-match"),
        same=request.header(b"if-range"),
        head=head,
    )
    async with aclosing(answer.chunks):
        await service.add_digest(services, actor, location, path, answer, head=head)
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
        await respond_stream(request, send, answer.status, headers, answer.chunks)
