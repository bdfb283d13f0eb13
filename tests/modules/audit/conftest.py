"""A fresh database for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from mainspring.db.engine import check_url
from mainspring.kit.sql_engines import create_write_engine
from mainspring.server.schema import metadata


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with all tables."""
    if request.param == "sqlite":
        found = f"sqlite:///{tmp_path}/audit.db"
    else:
        found = check_url(request.getfixturevalue("postgres_database"))
    engine = create_write_engine(found)
    metadata.create_all(engine)
    engine.dispose()
    return found


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
