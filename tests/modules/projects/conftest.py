"""A fresh database, on SQLite and on PostgreSQL, and people who work in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Engine, insert

from mainspring.kit.actors import Actor
from mainspring.modules.identity import service as identity
from mainspring.modules.identity.tables import group_members, groups, users
from mainspring.modules.projects import service
from mainspring.modules.projects.service import Place
from tests.components.databases import engine_with_tables

Enter = Callable[..., Actor]


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with all tables."""
    yield from engine_with_tables(request, tmp_path_factory)


@pytest.fixture
def tx(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is undone after the test."""
    with engine.connect() as connection:
        for name in ("ann", "bob", "eve"):
            add_user(connection, name)
        add_user(connection, "root", is_admin=True)
        yield connection
        connection.rollback()


def add_user(tx: Connection, name: str, *, is_admin: bool = False, kind: str = "user") -> int:
    """Insert an account and return its key."""
    row = {"name": name, "display_name": name, "email": "", "kind": kind, "is_admin": is_admin, "blocked": False}
    made = insert(users).values(row | {"created_at": 0, "updated_at": 0}).returning(users.c.id)
    return int(tx.execute(made).scalar_one())


def add_group(tx: Connection, name: str, *members: str) -> None:
    """Insert a group with members."""
    made = insert(groups).values(name=name, description="", created_at=0).returning(groups.c.id)
    key = tx.execute(made).scalar_one()
    for member in members:
        user = identity.find_holder(tx, "user", member)
        tx.execute(insert(group_members).values(group=key, user=user, source=""))


@pytest.fixture
def enter(tx: Connection) -> Enter:
    """A function that lets somebody enter a project: ``enter("ann", "team/churn")``; nobody is ``None``."""

    def enter_project(name: str | None, path: str = "", *, public_read: bool = False) -> Actor:
        account = None if name is None else identity.get_account(tx, identity.find_holder(tx, "user", name))
        return service.enter(tx, account, None, Place(path), public_read)

    return enter_project
