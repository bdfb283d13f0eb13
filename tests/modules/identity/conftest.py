"""A fresh database, on SQLite and on PostgreSQL, and accounts in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, Engine

from mainspring.db.engine import Database, check_url
from mainspring.kit.actors import Actor, ActorKind
from mainspring.kit.permissions import Permission
from mainspring.kit.sql_engines import create_write_engine
from mainspring.kit.time import now_ms
from mainspring.modules.identity.schemas import AccountKind
from mainspring.modules.identity.service.passwords import HASHER
from mainspring.modules.identity.store import accounts
from mainspring.server.schema import metadata
from tests.components.databases import engine_with_tables

T = TypeVar("T")

PASSWORD = "a lantern in the quiet hall"
PASSWORD_HASH = HASHER.hash(PASSWORD)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with all tables, whose tests undo what they do."""
    yield from engine_with_tables(request, tmp_path_factory)


@pytest.fixture
def tx(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is undone after the test."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of the test's own."""
    if request.param == "sqlite":
        found = f"sqlite:///{tmp_path}/identity.db"
    else:
        found = check_url(request.getfixturevalue("postgres_database"))
    engine = create_write_engine(found)
    metadata.create_all(engine)
    engine.dispose()
    return found


@pytest.fixture
def run(url: str) -> Callable[[Callable[[Database], Coroutine[Any, Any, T]]], T]:
    """A function that runs ``test(db)`` in an event loop, with a database of the test's own."""

    def run_test(test: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
        async def whole() -> T:
            db = Database(url)
            try:
                return await test(db)
            finally:
                await asyncio.to_thread(db.close)

        return asyncio.run(whole())

    return run_test


def make_account(
    tx: Connection, name: str, *, is_admin: bool = False, kind: str = "user", password_hash: str | None = PASSWORD_HASH
) -> Actor:
    """Insert an account, and return who asks when it does."""
    key = accounts.insert_account(
        tx,
        name,
        AccountKind(kind),
        now_ms(),
        {"display_name": name.title(), "email": f"{name}@example.org"},
        is_admin=is_admin,
        password_hash=password_hash,
    )
    allowed = frozenset(Permission) if is_admin else frozenset({Permission.SIGNED_IN, Permission.TRACKING_WRITE})
    return Actor(name, allowed, key=key, kind=ActorKind(kind), is_admin=is_admin)


@pytest.fixture
def admin(tx: Connection) -> Actor:
    """An administrator."""
    return make_account(tx, "ada", is_admin=True)


@pytest.fixture
def anna(tx: Connection) -> Actor:
    """A user who is no administrator."""
    return make_account(tx, "anna")
