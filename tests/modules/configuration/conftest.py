"""A fresh database, on SQLite and on PostgreSQL, and who acts on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, delete

from mainspring.kit.actors import Actor, ActorKind
from mainspring.kit.permissions import ROLE_PERMISSIONS, Role
from mainspring.modules.configuration.tables import (
    configuration_documents,
    configuration_schemas,
    configuration_versions,
    secret_versions,
    secrets,
)
from tests.components.databases import engine_with_tables


def member(role: Role, name: str = "", project: int = 1, kind: ActorKind = ActorKind.USER) -> Actor:
    """Return an actor with a role in a project."""
    return Actor(name or role.name.lower(), ROLE_PERMISSIONS[role], project, kind=kind)


REPORTER, DEVELOPER, MAINTAINER = (member(role) for role in (Role.REPORTER, Role.DEVELOPER, Role.MAINTAINER))
STRANGER = member(Role.MAINTAINER, "stranger", project=2)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with all tables."""
    yield from engine_with_tables(request, tmp_path_factory)


@pytest.fixture
def tx(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is undone after the test."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def url(engine: Engine) -> Iterator[str]:
    """The URL of the database, in which there is no document and no secret: neither before the test nor after it."""
    empty(engine)
    yield engine.url.render_as_string(hide_password=False)
    empty(engine)


def empty(engine: Engine) -> None:
    """Delete all documents and secrets."""
    with engine.begin() as tx:
        for table in (secret_versions, secrets, configuration_versions, configuration_documents, configuration_schemas):
            tx.execute(delete(table))
