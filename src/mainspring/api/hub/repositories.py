"""Repositories of the Hub: projects of the catalog, by ``namespace/name``, or by their slug.

The Hub's clients take one slash in a name at most: a project of a deeper namespace is called by its slug.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from mainspring.api.hub.answers import RevisionNotFound, time_out
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, NotFound, Unavailable
from mainspring.modules.catalog import service as catalog
from mainspring.modules.catalog.service import Content, ItemRecord, ProjectFiles
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import Project, Visibility
from mainspring.modules.projects.service import Place
from mainspring.modules.services import Services

COLLECTIONS = {"models": "ai-model", "datasets": "dataset"}
"""What the Hub calls kinds of repositories → the collections that they are in the catalog."""

MAIN = "main"
"""The revision that clients ask for where they name none."""

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_NAME = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Repository:
    """A project as a repository; ``actor`` is who asks, with what they may do in it."""

    kind: str
    actor: Actor
    project: Project
    record: ItemRecord
    content: Content

    @property
    def id(self) -> str:
        """What clients call it."""
        return repository_id(self.project.path, self.record.slug)


async def find_repository(services: Services, actor: Actor, kind: str, fields: dict[str, str]) -> Repository:
    """Return the repository that a path names. Raises NotFound."""
    id = f"{fields['owner']}/{fields['repository']}" if "owner" in fields else fields["workspace_name"]
    return await services.db.read(_find, actor, kind, id)


def _find(tx: Connection, actor: Actor, kind: str, id: str) -> Repository:
    record, around = catalog.find_item(tx, actor, COLLECTIONS[kind], id)
    acting = projects.acting_in(tx, actor, Place(around.paths[record.project]))
    project = projects.get_project(tx, acting)
    return Repository(kind, acting, project, record, content_of(record))


async def find_files(
    services: Services, actor: Actor, kind: str, fields: dict[str, str]
) -> tuple[Repository, ProjectFiles]:
    """Return the repository that a path names, and its files. Raises NotFound, PermissionDenied."""
    repository = await find_repository(services, actor, kind, fields)
    return repository, await catalog.files_of(services, repository.actor, repository.record.project)


async def find_commit(services: Services, repository: Repository, files: ProjectFiles, revision: str) -> str:
    """Return the commit of a revision; ``main`` is the default branch where there is none of this name."""
    default = repository.content.ref
    refs = [revision, default] if revision == MAIN and default not in ("", MAIN) else [revision]
    for ref in filter(None, refs):
        try:
            commit = await files.commit(services, ref)
        except (NotFound, InvalidArgument):
            continue
        if not _COMMIT.fullmatch(commit):  # clients make folders that are called so
            raise Unavailable(f"What keeps {repository.id} tells a commit that is none.")
        return commit
    raise RevisionNotFound(f"{repository.id} has no revision '{revision[:200]}'.")


def content_of(record: ItemRecord) -> Content:
    """Return what an item is made of."""
    return msgspec.json.decode(record.content, type=Content)


def repository_id(path: str, slug: str) -> str:
    """Return what clients may call a project: its path, or its slug where they take no such path."""
    parts = path.split("/")
    good = len(parts) == 2 and len(path) <= 96 and all(_NAME.fullmatch(part) for part in parts)
    return path if good and not path.endswith(".git") else slug


def describe(kind: str, record: ItemRecord, content: Content, path: str) -> dict[str, Any]:
    """Return what a list tells of a repository."""
    properties, id = content.properties, repository_id(path, record.slug)
    keywords = [str(each) for each in properties.get("keywords", ())]
    license = str(properties.get("license", ""))
    told = {
        "_id": record.slug,
        "id": id,
        "author": path.rpartition("/")[0],
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": record.stars,
        "tags": [*keywords, *([f"license:{license.lower()}"] if license else [])],
        "createdAt": properties.get("created"),
        "lastModified": properties.get("updated"),
    }
    if kind == "models":
        return told | {"modelId": id}
    return told | {"description": str(properties.get("description", ""))}


def describe_one(repository: Repository) -> dict[str, Any]:
    """Return what is told of one repository that is asked for."""
    project = repository.project
    told = describe(repository.kind, repository.record, repository.content, project.path)
    told["private"] = project.visibility is not Visibility.PUBLIC
    told["createdAt"] = told["createdAt"] or time_out(project.created_at)
    told["lastModified"] = told["lastModified"] or time_out(project.updated_at)
    return told
