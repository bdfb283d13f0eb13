"""``/api/v1`` of the files and releases of projects."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import Annotated, Any

from litestar import Request, Response, delete, get, post, put, route
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter
from litestar.response import Stream

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.http import Request as RawRequest
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.artifacts.routes import READING, announced_by, body_of
from mainspring.modules.files import service
from mainspring.modules.files.schemas import File, Files, Release, ReleaseCreate, Releases
from mainspring.modules.services import Services

READ, WRITE = needs(Permission.ARTIFACTS_READ), needs(Permission.ARTIFACTS_WRITE)
Db = NamedDependency[Database]
Host = NamedDependency[Services]
Who = NamedDependency[Actor]
AnyRequest = Request[Any, Any, Any]
Ref = Annotated[
    str, QueryParameter(description="`main`, which is the files as they are now, a release's tag, or a state's id.")
]
Prefix = Annotated[str, QueryParameter(description="How the paths begin, such as `data/`.")]
PageSize = Annotated[int, QueryParameter(description=f"How many at most, up to {service.MAX_PAGE}.")]
MaxResults = Annotated[int, QueryParameter(description="How many at most, up to 1000.")]
PageToken = Annotated[str | None, QueryParameter(description="The `next_page_token` of the page before.")]
IfMatch = Annotated[
    str | None, HeaderParameter(name="If-Match", description="The ETag that the file must have, which is its SHA-256.")
]
IfNoneMatch = Annotated[
    str | None, HeaderParameter(name="If-None-Match", description="`*` where there must be no such file yet.")
]
FILES = "/api/v1/files"
RELEASES = "/api/v1/releases"


@get(FILES, opt=READ)
async def list_files(
    db: Db,
    actor: Who,
    ref: Ref = service.MAIN,
    prefix: Prefix = "",
    max_results: PageSize = 1000,
    page_token: PageToken = None,
) -> Files:
    """List the files of the project, or of a release, by path."""
    page = await db.read(service.list_files, actor, ref, prefix, max_results, page_token)
    return Files(page.items, page.next_page_token)


@route(f"{FILES}/{{path:path}}", http_method=READING, opt=READ)
async def get_file(
    services: Host, request: AnyRequest, actor: Who, path: FromPath[str], ref: Ref = service.MAIN
) -> Stream:
    """Download a file; one range of bytes is served. Its ETag is its SHA-256."""
    name, stack = path.removeprefix("/"), AsyncExitStack()
    asked = service.Asked.by(RawRequest(request.scope, request.receive))  # type: ignore[arg-type]
    opened = partial(service.open_file, services, actor, name, ref)
    answer = await stack.enter_async_context(service.answer_file(name, asked, opened))
    return Stream(
        answer.chunks, status_code=answer.status, headers=answer.headers, background=BackgroundTask(stack.aclose)
    )


@put(f"{FILES}/{{path:path}}", opt=WRITE, request_max_body_size=None, status_code=200)
async def put_file(
    services: Host,
    request: AnyRequest,
    actor: Who,
    path: FromPath[str],
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response[File]:
    """Put a file, whose bytes are the request's body, in place of what was there."""
    stored = await service.put_file(
        services,
        actor,
        path.removeprefix("/"),
        body_of(request),
        sha256=announced_by(request),
        if_match=if_match,
        if_none_match=if_none_match,
    )
    return Response(stored, headers={"ETag": f'"{stored.sha256}"'})


@delete(f"{FILES}/{{path:path}}", opt=WRITE)
async def delete_file(db: Db, actor: Who, path: FromPath[str], if_match: IfMatch = None) -> None:
    """Delete a file; releases keep theirs."""
    await db.write(service.delete_file, actor, path.removeprefix("/"), if_match)


@get(RELEASES, opt=READ)
async def list_releases(db: Db, actor: Who, max_results: MaxResults = 100, page_token: PageToken = None) -> Releases:
    """List the releases of the project, newest first."""
    page = await db.read(service.list_releases, actor, max_results, page_token)
    return Releases(page.items, page.next_page_token)


@post(RELEASES, opt=WRITE)
async def create_release(db: Db, actor: Who, data: JSONBody[ReleaseCreate]) -> Release:
    """Release the files of the project as they are now."""
    return await db.write(service.create_release, actor, data)


@get(f"{RELEASES}/{{tag:str}}", opt=READ)
async def get_release(db: Db, actor: Who, tag: FromPath[str]) -> Release:
    """Get a release."""
    return await db.read(service.get_release, actor, tag)


@delete(f"{RELEASES}/{{tag:str}}", opt=WRITE)
async def delete_release(db: Db, actor: Who, tag: FromPath[str]) -> None:
    """Delete a release; files that are still as they were then stay."""
    await db.write(service.delete_release, actor, tag)


HANDLERS = [
    list_files,
    get_file,
    put_file,
    delete_file,
    list_releases,
    create_release,
    get_release,
    delete_release,
]
