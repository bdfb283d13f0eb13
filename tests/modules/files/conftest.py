"""An open database and an artifact store on the disk, on SQLite and on PostgreSQL, and who acts on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete

from mainspring.db.engine import Database, check_url
from mainspring.engines.blobs import open_store
from mainspring.kit.actors import LOCAL, Actor, ActorKind
from mainspring.kit.permissions import ROLE_PERMISSIONS, Role
from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.artifacts.tables import artifact_files
from mainspring.modules.files import service
from mainspring.modules.files.schemas import File
from mainspring.modules.files.tables import file_blobs, project_files, project_releases, release_files
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import ProjectCreate
from mainspring.modules.quotas.tables import quotas
from mainspring.modules.services import Services
from mainspring.server.schema import metadata
from tests.components.postgres import create_database, drop_database

EMPTIED = (release_files, project_releases, project_files, file_blobs, artifact_files, quotas)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def files_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database with all tables, once for each kind."""
    if request.param == "sqlite":
        yield created(f"sqlite:///{tmp_path_factory.mktemp('files')}/f.db")
        return
    postgres = request.getfixturevalue("postgres")
    name = create_database(postgres)
    yield created(check_url(postgres.database_url(name)))
    drop_database(postgres, name)


@pytest.fixture(scope="session")
def embedded_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database on SQLite with all tables."""
    return created(f"sqlite:///{tmp_path_factory.mktemp('files')}/e.db")


def created(url: str) -> str:
    engine = create_write_engine(url)
    metadata.create_all(engine)
    engine.dispose()
    return url


@pytest.fixture
def services(files_url: str, tmp_path: Path) -> Iterator[Services]:
    """Yield services, once on each database, in which there is no file."""
    yield from open_services(files_url, tmp_path / "store")


@pytest.fixture
def embedded(embedded_url: str, tmp_path: Path) -> Iterator[Services]:
    """Yield services on SQLite, for what does not depend on the database."""
    yield from open_services(embedded_url, tmp_path / "store")


def open_services(url: str, folder: Path) -> Iterator[Services]:
    db = Database(url)
    with db.write_engine.begin() as tx:
        for table in EMPTIED:
            tx.execute(delete(table))
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


async def add_project(services: Services) -> Actor:
    """Make a project, and return its owner."""
    project = await services.db.write(projects.create_project, LOCAL, ProjectCreate(f"default/p{uuid4().hex}"))
    return await services.db.read(projects.acting_in, LOCAL, projects.Place(project.path))


def member(role: Role, project: int = 1) -> Actor:
    """Return an actor with a role in a project."""
    return Actor(role.name.lower(), ROLE_PERMISSIONS[role], project, kind=ActorKind.USER)


async def stored(services: Services, folder: str = "") -> set[str]:
    """Return the paths of all bytes in the store."""
    return {blob.path async for blob in services.blobs.list_recursive(folder)}
