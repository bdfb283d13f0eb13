"""An open database of the test's own, on SQLite and on PostgreSQL, and a double of GitLab in this process."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg
import pytest
from sqlalchemy import Connection, Engine

from mainspring.db.engine import Database, check_url
from mainspring.engines.blobs import open_store
from mainspring.engines.sources import Source
from mainspring.engines.sources.gitlab import GitlabSource
from mainspring.engines.sources.gitlab_http import Limits
from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.catalog.service import builtin
from mainspring.modules.catalog.service.categories import OWN
from mainspring.modules.services import Services
from mainspring.server.schema import metadata
from mainspring.settings import Settings
from tests.components.postgres import Postgres, create_database, drop_database
from tests.gitlab_double.app import GitLabDouble, create_app

T = TypeVar("T")
GITLAB = "http://gitlab.test"
TOPICS = tuple(sorted({topic for category in OWN for topic in category.topics}))
FAST = Limits(pause_s=0.001, patience_s=1.0, own_patience_s=1.0, away_s=0.05)
ROOT = "double-root"


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name what copies of a new database are made of: a file, or a database of the test's PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("catalog") / "template.db"
        _make_tables(f"sqlite:///{path}")
        return str(path)
    postgres: Postgres = request.getfixturevalue("postgres")
    name = create_database(postgres)
    _make_tables(check_url(postgres.database_url(name)))
    return name


def _make_tables(url: str) -> None:
    engine = create_write_engine(url)
    metadata.create_all(engine)
    engine.dispose()


@pytest.fixture
def url(request: pytest.FixtureRequest, template: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of the test's own."""
    if template.endswith(".db"):
        shutil.copy(template, tmp_path / "own.db")
        yield f"sqlite:///{tmp_path}/own.db"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{template}"')
    yield check_url(postgres.database_url(name))
    drop_database(postgres, name)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_write_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def tx(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is undone after the test."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture(autouse=True)
def own_categories() -> None:
    builtin.use_categories(OWN)


@pytest.fixture
def double() -> GitLabDouble:
    """A GitLab of the test's own."""
    return create_app()


@dataclass
class World:
    """A database and its sources, for as long as a process would have them open."""

    url: str
    folder: Path
    settings: Settings

    def run(self, work: Callable[[Services], Coroutine[Any, Any, T]], *sources: Source) -> T:
        """Return what some work returns that is done by a process with these sources."""

        async def working() -> T:
            async with self.open(*sources) as services:
                return await work(services)

        return asyncio.run(working())

    @asynccontextmanager
    async def open(self, *sources: Source) -> AsyncIterator[Services]:
        db, blobs = Database(self.url), open_store(f"file://{self.folder}")
        try:
            yield Services(db, blobs, self.settings, {source.name: source for source in sources})
        finally:
            for source in sources:
                await source.close()
            await blobs.close()
            db.close()


@pytest.fixture
def world(url: str, tmp_path: Path) -> World:
    (tmp_path / "blobs").mkdir()
    return World(url, tmp_path / "blobs", Settings(data=tmp_path, gitlab_url=GITLAB.replace("http", "https")))


def gitlab(double: GitLabDouble, token: str = ROOT, topics: Sequence[str] = TOPICS) -> GitlabSource:
    """Return a source that reads a double in this process."""
    transport = httpx.ASGITransport(double, raise_app_exceptions=False)
    return GitlabSource(GITLAB, token, topics, limits=FAST, transport=transport)
