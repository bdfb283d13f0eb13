"""``/api/config``, what SharingHub's page asks before anything else, and ``/api/check``, whether there is a project.

Nothing of what is told here is a secret: no token is part of it.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from sqlalchemy import Connection

from mainspring.api.routing import Routes
from mainspring.api.sharinghub.naming import find_key
from mainspring.kit.actors import Actor
from mainspring.kit.http import TEXT, Request, Send, respond
from mainspring.kit.permissions import Permission, Role
from mainspring.modules.catalog import service as catalog
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.service import origins
from mainspring.modules.services import Services
from mainspring.settings import Settings

ROUTES = Routes()
TITLE, DESCRIPTION = "Mainspring", "Models, datasets and processors of this installation."


@ROUTES.add("GET", "/api/config", "/api/config/", permission=Permission.PUBLIC)
async def get_config(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer how this installation presents itself."""
    categories = {each.id: _category(each) for each in catalog.categories_of(services.settings)}
    answer = {
        "store": True,
        "gitlab": {"url": services.settings.gitlab_url or None},
        "jupyterlab": {"url": None},
        "mlflow": {"url": request.origin},
        "docs": {"url": None},
        "spaces": {"url": None},
        "root": {"locales": {"en": {"title": TITLE, "description": DESCRIPTION}}},
        "categories": categories,
        "external_urls": [],
        "alert_info": {"locales": {"en": {}}},
    }
    await respond(send, 200, msgspec.json.encode(answer))


@ROUTES.add("GET", "/api/check/{project:path}", permission=Permission.PROJECTS_DISCOVER)
async def check(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Answer 200 for a project that the caller may see, else 404; with ``info`` what it is called."""
    told = await services.db.read(_told, services.settings, actor, fields["project"].strip("/"))
    if (request.field("info") or "").lower() in ("true", "1", "yes", "on"):
        await respond(send, 200, msgspec.json.encode(told))
    else:
        await respond(send, 200, b"", TEXT)


def _category(category: catalog.Category) -> dict[str, Any]:
    text = {"title": category.title, "description": category.description}
    return {"gitlab_topic": sorted(category.topics)[0], "locales": {"en": text}}


def _told(tx: Connection, settings: Settings, actor: Actor, name: str) -> dict[str, Any]:
    key = find_key(tx, settings, name)
    inside = catalog.enter(tx, actor, projects.paths_of(tx, [key]).get(key, ""))
    project, held = projects.own_project(tx, inside), projects.get_permissions(tx, inside).role
    origin = origins.get_origin(tx, key)
    id = origin.external_id if origin else project.workspace
    role = Role[held.name] if held else Role.OWNER if inside.is_admin else 0
    return {
        "id": int(id) if re.fullmatch(r"[0-9]{1,18}", id, re.ASCII) else id,
        "name": project.name,
        "path": project.path,
        "access_level": int(role),
    }
