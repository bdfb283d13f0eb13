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
from mainspring.api.mlflow.dispatch import Services, endpoint, raw_endpoint
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, TooLarge, Unsupported
from mainspring.kit.http import Request, Send, respond, respond_stream
from mainspring.kit.names import invalid_value, missing_value
from mainspring.kit.permissions import Permission
from mainspring.modules.artifacts import service
from mainspring.modules.artifacts.schemas import Artifact
from mainspring.modules.registry import service as registry
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
    found = await service.list_artifacts(services.blobs, actor, run.artifact_uri, message.path or "")
    return present({"root_uri": run.artifact_uri, "files": [file_out(artifact) for artifact in found]})


@endpoint("GET", "logged-models/{model_id}/artifacts/directories", messages.ListLoggedModelArtifacts, READ)
async def list_logged_model_artifacts(
    services: Services, actor: Actor, message: messages.ListLoggedModelArtifacts
) -> Json:
    model = await services.db.read(tracking.get_logged_model, actor, message.model_id or "")
    path = message.artifact_directory_path or ""
    found = await service.list_artifacts(services.blobs, actor, model.artifact_uri, path)
    return present({"root_uri": model.artifact_uri, "files": [file_out(artifact) for artifact in found]})


async def list_proxied(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    found = await service.list_artifacts(services.blobs, actor, service.ROOT, request.field("path") or "")
    # The proxy answers with bare names: the client joins them to the folder that it asked for.
    files = [file_out(artifact) | {"path": artifact.path.rpartition("/")[2]} for artifact in found]
    await respond(send, 200, msgspec.json.encode(present({"files": files})))


async def get_proxied(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    await _download(services, actor, request, send, service.ROOT, fields["path"])


async def put_proxied(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    await service.put_artifact(services.blobs, actor, service.ROOT, fields["path"], request.stream())
    await respond(send, 200, b"")


async def delete_proxied(
    services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]
) -> None:
    await service.delete_artifact(services.blobs, actor, service.ROOT, fields["path"])
    await respond(send, 200, b"{}")


async def refuse_direct_transfer(
    services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]
) -> None:
    raise Unsupported("Multipart and presigned transfers are not offered by this server: send the file whole.")


for proxy in PROXIES:
    raw_endpoint("GET", f"{proxy}/artifacts", READ)(list_proxied)
    raw_endpoint("GET", f"{proxy}/artifacts/{{path:path}}", READ)(get_proxied)
    raw_endpoint("PUT", f"{proxy}/artifacts/{{path:path}}", WRITE)(put_proxied)
    raw_endpoint("DELETE", f"{proxy}/artifacts/{{path:path}}", WRITE)(delete_proxied)
    raw_endpoint("POST", f"{proxy}/mpu/{{path:path}}", WRITE)(refuse_direct_transfer)
    raw_endpoint("GET", f"{proxy}/presigned/{{path:path}}", READ)(refuse_direct_transfer)
raw_endpoint("POST", "artifacts/presigned-upload-url", WRITE)(refuse_direct_transfer)
raw_endpoint("POST", "artifacts/presigned-download-url", READ)(refuse_direct_transfer)


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
    await service.put_artifact(services.blobs, actor, run.artifact_uri, path, chunks)
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


async def _download(services: Services, actor: Actor, request: Request, send: Send, location: str, path: str) -> None:
    answer = await service.download_artifact(
        services.blobs,
        actor,
        location,
        path,
        asked=request.header(b"range"),
        known=request.header(b"if-none-match"),
        head=request.method == "HEAD",
    )
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    async with aclosing(answer.chunks):
        await respond_stream(request, send, answer.status, headers, answer.chunks)
