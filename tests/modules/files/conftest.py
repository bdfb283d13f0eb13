"""An open database and an artifact store on the disk, on SQLite and on PostgreSQL, and who acts on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from mainspring.db import migrate
from mainspring.db.engine import Database, check_url
from mainspring.engines.blobs import open_store
from mainspring.kit.actors import LOCAL, Actor, ActorKind
from mainspring.kit.permissions import ROLE_PERMISSIONS, Role
from mainspring.modules.files import service
from mainspring.modules.files.schemas import File
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import ProjectCreate
from mainspring.modules.services import Services
from mainspring.server.schema import metadata


@pytest.fixture(params=["sqlite", "postgresql"])
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Services]:
    """Yield services, once on each database."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    if request.param == "postgresql":
        url = check_url(request.getfixturevalue("postgres_database"))
    yield from open_services(url, tmp_path / "store")


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Services]:
    """Yield services on SQLite, for what does not depend on the database."""
    yield from open_services(f"sqlite:///{tmp_path / 'a.db'}", tmp_path / "store")


def open_services(url: str, folder: Path) -> Iterator[Services]:
    db = Database(url)
    migrate.upgrade(db.write_engine, metadata)
    yield Services(db, open_store(folder.as_uri()))
    db.close()


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    """Yield pieces of a body."""
    for piece in pieces:
        yield piece


async def put(services: Services, path: str, content: bytes, actor: Actor = LOCAL, **more: Any) -> File:
    """Put a file of a content."""
    return await service.put_file(services, actor, path, chunks(content), **more)


async def read(services: Services, path: str, ref: str = "main", actor: Actor = LOCAL) -> bytes:
    """Return the content of a file."""
    async with service.open_file(services, actor, path, ref) as file:
        return b"".join([chunk async for chunk in file.chunks])


async def add_project(services: Services, path: str = "default/other") -> Actor:
    """Make a project, and return its owner."""
    project = await services.db.write(projects.create_project, LOCAL, ProjectCreate(path))
    return await services.db.read(projects.acting_in, LOCAL, projects.Place(project.path))


def member(role: Role, project: int = 1) -> Actor:
    """Return an actor with a role in a project."""
    return Actor(role.name.lower(), ROLE_PERMISSIONS[role], project, kind=ActorKind.USER)


async def stored(services: Services, folder: str = "") -> set[str]:
    """Return the paths of all bytes in the store."""
    return {blob.path async for blob in services.blobs.list_recursive(folder)}
