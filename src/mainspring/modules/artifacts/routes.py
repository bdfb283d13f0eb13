"""Files on ``/api/v1``: how they come and go, for the routes of whatever has files.

Runs, logged models and model versions know where their files lie; their modules declare the routes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Request
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.params import QueryParameter, SkipValidation
from litestar.response import Stream

from mainspring.engines.blobs import BlobStore
from mainspring.kit.actors import Actor
from mainspring.kit.http import Request as RawRequest
from mainspring.modules.artifacts import service

# A protocol: there is nothing that the framework could check.
Blobs = NamedDependency[SkipValidation[BlobStore]]
Folder = Annotated[str, QueryParameter(description="The folder to list; left out, the top one.")]
AnyRequest = Request[Any, Any, Any]
READING = [HttpMethod.GET, HttpMethod.HEAD]


async def send_file(blobs: BlobStore, actor: Actor, request: AnyRequest, location: str, path: str) -> Stream:
    """Answer a GET or HEAD of the file ``path`` below ``location``. NotFound if there is none."""
    answer = await service.download_artifact(
        blobs,
        actor,
        location,
        path.removeprefix("/"),
        asked=request.headers.get("range"),
        known=request.headers.get("if-none-match"),
        head=request.method == HttpMethod.HEAD,
    )
    done = BackgroundTask(answer.chunks.aclose)
    return Stream(answer.chunks, status_code=answer.status, headers=answer.headers, background=done)


def body_of(request: AnyRequest) -> AsyncIterator[bytes]:
    """Return the bytes of a request as they arrive, of any length."""
    return RawRequest(request.scope, request.receive).stream()  # type: ignore[arg-type]
