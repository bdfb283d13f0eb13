"""A fresh database, on SQLite and on PostgreSQL, and who acts on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, delete

from mainspring.db.engine import check_url
from mainspring.kit.actors import Actor, ActorKind
from mainspring.kit.permissions import ROLE_PERMISSIONS, Role
from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.configuration.tables import (
    configuration_documents,
    configuration_schemas,
    configuration_versions,
    secret_versions,
    secrets,
)
from mainspring.server.schema import metadata
from tests.components.postgres import create_database, drop_database


def member(role: Role, name: str = "", project: int = 1, kind: ActorKind = ActorKind.USER) -> Actor:
    """Return an actor with a role in a project."""
    return Actor(name or role.name.lower(), ROLE_PERMISSIONS[role], project, kind=kind)


REPORTER, DEVELOPER, MAINTAINER = (member(role) for role in (Role.REPORTER, Role.DEVELOPER, Role.MAINTAINER))
STRANGER = member(Role.MAINTAINER, "stranger", project=2)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with all tables."""
    if request.param == "sqlite":
        yield from _with_tables(f"sqlite:///{tmp_path_factory.mktemp('configuration')}/c.db")
        return
    postgres = request.getfixturevalue("postgres")
    name = create_database(postgres)
    yield from _with_tables(check_url(postgres.database_url(name)))
    drop_database(postgres, name)


def _with_tables(url: str) -> Iterator[Engine]:
    engine = create_write_engine(url)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def tx(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is undone after the test."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def url(engine: Engine) -> str:
    """The URL of the database, in which no document and no secret is left."""
    with engine.begin() as tx:
        for table in (secret_versions, secrets, configuration_versions, configuration_documents, configuration_schemas):
            tx.execute(delete(table))
    return engine.url.render_as_string(hide_password=False)
