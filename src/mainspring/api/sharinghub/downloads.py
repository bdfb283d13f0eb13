"""``/api/download``: files of projects, and archives of all of them.

A project is called by its slug and a path behind it, ``{slug}/{path}?ref=…``, and its archive by the slug alone; or as
SharingHub's clients do it, ``{namespace}/{name}/repository/{path}``, ``{namespace}/{name}/archive.zip`` and
``{namespace}/{name}?path=…``. What is sent is saved by browsers, and not run.
"""

from __future__ import annotations

import re
from contextlib import aclosing
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from mainspring.api.routing import Routes
from mainspring.api.sharinghub.naming import find_key
from mainspring.kit.actors import Actor
from mainspring.kit.errors import NotFound
from mainspring.kit.http import Request, Send, respond_stream
from mainspring.kit.permissions import Permission
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.catalog import service as catalog
from mainspring.modules.files import service as files
from mainspring.modules.services import Services
from mainspring.settings import Settings

ROUTES = Routes()
_IN_REPOSITORY = re.compile(r"(?P<project>[^/]+(?:/[^/]+)+?)/repository/(?P<path>.+)", re.DOTALL)
_WHOLE = re.compile(r"(?P<project>[^/]+(?:/[^/]+)+)/archive\.(?P<format>zip|tar)")


class _Wanted(NamedTuple):
    """A file of a project, or where ``path`` is empty all of them as an archive."""

    project: int
    path: str
    format: str = "zip"


@ROUTES.add("GET", "/api/download/{rest:path}", permission=Permission.PUBLIC)
async def download(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Send a file or an archive to who may read it, by themselves or by a signed URL."""
    query = dict(reversed(request.query))
    signed = catalog.SIGNATURE in query
    if not signed:
        actor.require(Permission.PROJECTS_DISCOVER)
    rest = fields["rest"]
    wanted = await services.db.read(_find_own if signed else _find, services.settings, rest, query)
    if signed:
        actor = await catalog.check_signed(services, actor, wanted.project, wanted.path, query)
    ref = query.get("ref", "")
    if not wanted.path:
        return await _send_archive(services, actor, request, send, wanted, ref)
    opened = partial(catalog.open_file, services, actor, wanted.project, wanted.path, ref)
    async with files.answer_file(wanted.path, files.Asked.by(request), opened) as answer:
        await files.send_answer(request, send, answer)


async def _send_archive(
    services: Services, actor: Actor, request: Request, send: Send, wanted: _Wanted, ref: str
) -> None:
    archive = await catalog.open_archive(services, actor, wanted.project, ref, wanted.format)
    told = artifacts.download_headers(archive.name)
    told |= {"Content-Type": archive.media_type, "Cache-Control": "private, no-cache"}
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in told.items()]
    async with aclosing(archive.chunks) as chunks:
        if request.method == "HEAD":
            return await files.send_answer(request, send, files.Answer(200, told, files.nothing()))
        await respond_stream(request, send, 200, headers, chunks)


def _find(tx: Connection, settings: Settings, rest: str, query: dict[str, str]) -> _Wanted:
    """Return what a URL of either form names. Raises NotFound."""
    if "path" in query:
        return _Wanted(find_key(tx, settings, rest), query["path"])
    for form in (_IN_REPOSITORY, _WHOLE):
        if match := form.fullmatch(rest):
            try:
                project = find_key(tx, settings, match["project"])
            except NotFound:
                continue
            named = match.groupdict()
            return _Wanted(project, named.get("path", ""), named.get("format", "zip"))
    return _find_own(tx, settings, rest, query)


def _find_own(tx: Connection, settings: Settings, rest: str, query: dict[str, str]) -> _Wanted:
    slug, _, path = rest.partition("/")
    return _Wanted(find_key(tx, settings, slug), path, query.get("format", "zip"))
