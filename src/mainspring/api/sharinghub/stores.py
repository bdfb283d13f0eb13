"""``/api/store``: a remote for DVC of each project, as its ``http`` remotes work.

Objects are called by the MD5 of their bytes, which is checked; one that is there stays as it is.
"""

from __future__ import annotations

import re
from functools import partial

from sqlalchemy import Connection

from mainspring.api.routing import Routes
from mainspring.api.sharinghub.naming import find_key, no_project
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, NotFound
from mainspring.kit.http import Request, Send, respond
from mainspring.kit.permissions import Permission
from mainspring.modules.catalog import service as catalog
from mainspring.modules.files import service as files
from mainspring.modules.projects import service as projects
from mainspring.modules.services import Services
from mainspring.settings import Settings

ROUTES = Routes()
STORE = "/api/store/{rest:path}"
_OBJECT = re.compile(rf"(?P<project>[^/]+(?:/[^/]+)*?)/(?P<object>{files.DVC_PATH})")


@ROUTES.add("GET", STORE, permission=Permission.PROJECTS_DISCOVER)
async def get_object(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Send an object, or say by HEAD whether it is there."""
    named = _OBJECT.fullmatch(fields["rest"])
    if named is None:
        raise NotFound(f"DVC has no object '{fields['rest'][:200]}': expected {{project}}/files/md5/ab/cdef….")
    inside = await services.db.read(_enter, services.settings, actor, named["project"])
    opened = partial(files.open_dvc_object, services, inside, named["object"])
    async with files.answer_file(named["object"], files.Asked.by(request), opened) as answer:
        await files.send_answer(request, send, answer)


@ROUTES.add("PUT", STORE, permission=Permission.SIGNED_IN)
@ROUTES.add("POST", STORE, permission=Permission.SIGNED_IN)
async def put_object(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Store an object."""
    named = _OBJECT.fullmatch(fields["rest"])
    if named is None:
        raise InvalidArgument(
            f"'{fields['rest'][:200]}' is no object of DVC's: it must be {{project}}/files/md5/ab/cdef…, as of DVC 3.",
            field="path",
        )
    inside = await services.db.read(_enter, services.settings, actor, named["project"])
    await files.put_dvc_object(services, inside, named["object"], request.stream())
    await respond(send, 200, b'{"message": "File uploaded successfully"}')


def _enter(tx: Connection, settings: Settings, actor: Actor, name: str) -> Actor:
    key = find_key(tx, settings, name)
    path = projects.paths_of(tx, [key]).get(key)
    if path is None:
        raise no_project()
    return catalog.enter(tx, actor, path)
