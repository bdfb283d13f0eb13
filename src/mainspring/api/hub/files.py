"""Files of repositories, by the addresses that ``huggingface_hub`` makes: ``…/resolve/<revision>/<path>``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mainspring.api.hub.answers import ROUTES, EntryNotFound, parts_behind
from mainspring.api.hub.repositories import find_commit, find_files
from mainspring.engines.sources import SourceFile
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, NotFound
from mainspring.kit.http import Request, Send
from mainspring.kit.permissions import Permission
from mainspring.modules.files import service as files
from mainspring.modules.services import Services

_REST = "/resolve/{revision:path}"
_SAFE = re.compile(r"[\w.-]{1,128}", re.ASCII)


@ROUTES.add(
    "GET",
    "/datasets/{workspace_name}" + _REST,
    "/datasets/{owner}/{repository}" + _REST,
    permission=Permission.PROJECTS_DISCOVER,
)
async def get_dataset_file(
    services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]
) -> None:
    """Send a file of a dataset, or tell of it."""
    await _send(services, actor, request, send, fields, "datasets")


@ROUTES.add(
    "GET", "/{workspace_name}" + _REST, "/{owner}/{repository}" + _REST, permission=Permission.PROJECTS_DISCOVER
)
async def get_model_file(
    services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]
) -> None:
    """Send a file of a model, or tell of it."""
    await _send(services, actor, request, send, fields, "models")


async def _send(
    services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str], kind: str
) -> None:
    repository, found = await find_files(services, actor, kind, fields)
    revision, *parts = parts_behind(request, "resolve")
    path = "/".join(parts)
    commit = await find_commit(services, repository, found, revision)
    looked: list[SourceFile] = []

    @asynccontextmanager
    async def open(start: int, end: int | None) -> AsyncIterator[SourceFile]:
        # Who asks of a file alone moves none of its bytes, wherever it is kept.
        async with found.open(services, path, commit, start, 0 if request.method == "HEAD" else end) as file:
            looked.append(file)
            yield file

    try:
        async with files.answer_file(path, files.Asked.by(request), open) as answer:
            answer.headers["X-Repo-Commit"] = commit
            answer.headers["X-Linked-Size"] = str(looked[-1].size)
            answer.headers["X-Linked-Etag"] = f'"{content_id(looked[-1], commit, path)}"'
            await files.send_answer(request, send, answer)
    except (NotFound, InvalidArgument) as error:
        missing = EntryNotFound(f"{repository.id} has no file '{path[:200]}' at {revision[:200]}.")
        missing.commit = commit
        raise missing from error


def content_id(file: SourceFile, commit: str, path: str) -> str:
    """Return what the client keeps a file's content by, as a file's name: its hash, or what its origin has for one."""
    if file.sha256:
        return file.sha256
    if _SAFE.fullmatch(file.etag):
        return file.etag
    return hashlib.sha256(f"{commit} {path}".encode()).hexdigest()
