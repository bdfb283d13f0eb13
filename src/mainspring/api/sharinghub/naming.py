"""By which names SharingHub's clients know a project: GitLab's id of it, its path, or its slug."""

from __future__ import annotations

import re

from sqlalchemy import Connection

from mainspring.kit.errors import NotFound
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.service import Place, origins
from mainspring.settings import Settings


def find_key(tx: Connection, settings: Settings, name: str) -> int:
    """Return the key of the project of a name; whether somebody may see it is not asked here. Raises NotFound.

    A number is the id of GitLab's project before it is the slug of another: what is pushed to an id must not come to
    whoever takes it for a slug.
    """
    if re.fullmatch(r"[0-9]{1,19}", name, re.ASCII) and settings.gitlab_url:
        source = origins.find_source(tx, f"gitlab:{settings.gitlab_url.rstrip('/')}")
        mirrors = origins.find_mirrors(tx, source.key, [name]) if source else {}
        if name in mirrors:
            return mirrors[name].origin.project
    try:
        return projects.find_place(tx, Place(path=name) if "/" in name else Place(workspace=name or "/")).key
    except NotFound:
        raise no_project() from None


def no_project() -> NotFound:
    """Return the error for a project that is not there, or that the caller may not see: they are told alike."""
    return NotFound("There is no such project, or you may not see it.")
