"""What a repository is and what is in it: its description, its branches and tags, its files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from mainspring.api.hub.answers import (
    ROUTES,
    EntryNotFound,
    RevisionNotFound,
    parts_behind,
    respond_json,
)
from mainspring.api.hub.repositories import (
    MAIN,
    Repository,
    describe_one,
    find_commit,
    find_files,
    find_repository,
)
from mainspring.engines.sources import TreeEntry
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, NotFound, PermissionDenied
from mainspring.kit.http import JSON, Request, Send, respond_stream
from mainspring.kit.names import check_text
from mainspring.kit.permissions import Permission
from mainspring.modules.catalog import service as catalog
from mainspring.modules.catalog.service import ProjectFiles
from mainspring.modules.services import Services

DISCOVER = Permission.PROJECTS_DISCOVER
KINDS = ("models", "datasets")
# A slug alone stands before a path of two parts: what follows a slug could be the second of them.
PLACES = ("{workspace_name}", "{owner}/{repository}")
MAX_SIBLINGS = 50_000
MAX_PATHS = 1_000
MAX_BODY = 1024 * 1024
MAX_LOOKED_UP = 100
"""Of so many files the size is looked up where a list of them does not tell it, as GitLab's: it costs a call each."""
AT_ONCE = 8
BATCH = 200


def _paths(rest: str) -> list[str]:
    return [f"/api/{kind}/{place}{rest}" for place in PLACES for kind in KINDS]


def kind_of(request: Request) -> str:
    """Return which kind of repository a path of the API is about."""
    return request.path.split("/")[2]


@ROUTES.add("GET", *_paths("/refs"), permission=DISCOVER)
async def list_refs(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Tell the default branch and the tags of releases; other branches can be read, and are not listed."""
    repository, files = await find_files(services, actor, kind_of(request), fields)
    branches, tags = [], []
    if repository.content.ref:
        branches = [_ref("heads", repository.content.ref, await find_commit(services, repository, files, MAIN))]
    for release in await files.releases(services):
        commit = release.commit or await find_commit(services, repository, files, release.tag)
        tags.append(_ref("tags", release.tag, commit))
    await respond_json(send, {"branches": branches, "tags": tags, "converts": [], "pullRequests": []})


def _ref(kind: str, name: str, commit: str) -> dict[str, str]:
    return {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": commit}


@ROUTES.add("GET", *_paths("/revision/{revision:path}"), permission=DISCOVER)
async def get_revision(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Describe a repository with the files of a revision."""
    repository, files = await find_files(services, actor, kind_of(request), fields)
    revision = "/".join(parts_behind(request, "revision"))
    await respond_json(send, await _described(services, repository, files, revision, request))


@ROUTES.add("GET", *_paths("/tree/{revision:path}"), permission=DISCOVER)
async def list_tree(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """List files and folders of a revision, or of a folder in it: those directly in it, or with ``recursive`` all."""
    repository, files = await find_files(services, actor, kind_of(request), fields)
    revision, *parts = parts_behind(request, "tree")
    folder = "/".join(part for part in "/".join(parts).split("/") if part)
    commit = await find_commit(services, repository, files, revision)
    recursive = (request.field("recursive") or "").lower() in ("true", "1")
    listed = _rows(services, repository, files, commit, folder, recursive)
    async with aclosing(_with_sizes(services, files, commit, listed)) as rows:
        first = await anext(rows, None)
        if first is None and folder:
            raise EntryNotFound(f"{repository.id} has no folder '{folder[:200]}' at {revision[:200]}.")
        await respond_stream(request, send, 200, [(b"content-type", JSON)], _as_list(first, rows))


@ROUTES.add("POST", *_paths("/paths-info/{revision:path}"), permission=DISCOVER)
async def get_paths(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Tell of some files and folders of a revision; what is not there is left out."""
    repository, files = await find_files(services, actor, kind_of(request), fields)
    wanted = await _wanted(request)
    commit = await find_commit(services, repository, files, "/".join(parts_behind(request, "paths-info")))
    found: dict[str, dict[str, Any]] = {}
    async with aclosing(_rows(services, repository, files, commit, "", True)) as rows:
        async for row in rows:
            if len(found) == len(wanted):
                break
            if row["path"] in wanted:
                found[row["path"]] = row
    await _look_up(services, files, commit, list(found.values()), MAX_LOOKED_UP)
    await respond_json(send, [found[path] for path in wanted if path in found])


async def _wanted(request: Request) -> dict[str, None]:
    """Return the paths that a body asks for, as JSON or as a form, each once."""
    body = await request.body(MAX_BODY)
    try:
        if "json" in (request.header(b"content-type") or ""):
            given = msgspec.json.decode(body)
            paths = given.get("paths", []) if isinstance(given, dict) else []
        else:
            form = parse_qsl(body.decode(), max_num_fields=MAX_PATHS + 10)
            paths = [value for name, value in form if name == "paths"]
    except (ValueError, RecursionError) as error:
        raise InvalidArgument("The body must be a form or JSON with 'paths', 1000 at most.", field="paths") from error
    paths = [paths] if isinstance(paths, str) else paths
    if not isinstance(paths, list) or len(paths) > MAX_PATHS or not all(isinstance(each, str) for each in paths):
        raise InvalidArgument(f"paths must be a list of texts, of {MAX_PATHS} at most.", field="paths")
    return dict.fromkeys(check_text(path, "paths").strip("/") for path in paths)


@ROUTES.add("GET", *_paths(""), permission=DISCOVER)
async def get_repository(
    services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]
) -> None:
    """Describe a repository: with the files of its default branch, for those who may read them."""
    repository = await find_repository(services, actor, kind_of(request), fields)
    if not repository.content.ref or not repository.actor.may(Permission.ARTIFACTS_READ):
        return await respond_json(send, describe_one(repository) | {"siblings": []})
    files = await catalog.files_of(services, repository.actor, repository.record.project)
    await respond_json(send, await _described(services, repository, files, MAIN, request))


async def _described(
    services: Services, repository: Repository, files: ProjectFiles, revision: str, request: Request
) -> dict[str, Any]:
    commit = await find_commit(services, repository, files, revision)
    sizes = (request.field("blobs") or "").lower() in ("true", "1")
    siblings: list[dict[str, Any]] = []
    async for entry in _entries(services, repository, files, commit):
        if len(siblings) == MAX_SIBLINGS:
            break
        siblings.append(_sibling(entry, sizes))
    return describe_one(repository) | {"sha": commit, "siblings": siblings}


def _sibling(entry: TreeEntry, sizes: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"rfilename": entry.path}
    if sizes:
        told |= {"size": entry.size, "blobId": entry.version}
        if entry.sha256:
            told["lfs"] = {"size": entry.size, "sha256": entry.sha256, "pointerSize": 0}
    return told


async def _entries(
    services: Services, repository: Repository, files: ProjectFiles, commit: str
) -> AsyncIterator[TreeEntry]:
    try:
        async for page in files.tree(services, commit):
            for entry in page:
                yield entry
    except NotFound as error:
        raise RevisionNotFound(f"{repository.id} has no revision '{commit[:200]}' any more.") from error


async def _rows(
    services: Services, repository: Repository, files: ProjectFiles, commit: str, folder: str, recursive: bool
) -> AsyncGenerator[dict[str, Any]]:
    """Yield what is in a folder, as the Hub tells it; each folder before what is in it."""
    inside = f"{folder}/" if folder else ""
    told: set[str] = set()
    async for entry in _entries(services, repository, files, commit):
        if not entry.path.startswith(inside):
            continue
        rest = entry.path[len(inside) :]
        for name in _folders(rest, recursive):
            if name not in told:
                told.add(name)
                yield {"type": "directory", "oid": "", "size": 0, "path": inside + name}
        if recursive or "/" not in rest:
            yield _file(entry)


async def _with_sizes(
    services: Services, files: ProjectFiles, commit: str, rows: AsyncGenerator[dict[str, Any]]
) -> AsyncGenerator[dict[str, Any]]:
    """Yield rows, the first of those without a size with what was looked up."""
    left = MAX_LOOKED_UP
    async with aclosing(rows):
        while batch := [row async for row in _first(rows, BATCH)]:
            left -= await _look_up(services, files, commit, batch, left)
            for row in batch:
                yield row


async def _first(rows: AsyncGenerator[dict[str, Any]], count: int) -> AsyncIterator[dict[str, Any]]:
    for _ in range(count):
        row = await anext(rows, None)
        if row is None:
            return
        yield row


async def _look_up(services: Services, files: ProjectFiles, commit: str, rows: list[dict[str, Any]], most: int) -> int:
    """Put in the sizes of files that have none, and return how many were asked for."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def look_up(row: dict[str, Any]) -> None:
        # One that cannot be had is listed as it is.
        async with slots:
            with suppress(NotFound, PermissionDenied):
                async with files.open(services, row["path"], commit, 0, 0) as file:
                    row["size"] = file.size

    unknown = [row for row in rows if row["size"] is None][:most]
    await asyncio.gather(*map(look_up, unknown))
    return len(unknown)


def _folders(path: str, recursive: bool) -> Iterator[str]:
    parts = path.split("/")[:-1]
    for count in range(1, len(parts) + 1 if recursive else min(len(parts), 1) + 1):
        yield "/".join(parts[:count])


def _file(entry: TreeEntry) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "file", "oid": entry.version, "size": entry.size, "path": entry.path}
    if entry.sha256:
        told["lfs"] = {"oid": entry.sha256, "size": entry.size, "pointerSize": 0}
    return told


async def _as_list(first: dict[str, Any] | None, rows: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    """Yield JSON piece by piece: how many files there are is not known before."""
    piece = b"[" if first is None else b"[" + msgspec.json.encode(first)
    async for row in rows:
        piece += b"," + msgspec.json.encode(row)
        if len(piece) > 60_000:
            yield piece
            piece = b""
    yield piece + b"]"
