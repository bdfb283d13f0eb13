"""Our tables in a database of a test file's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mainspring.db import migrate
from mainspring.db.engine import Database, check_url
from mainspring.server.schema import metadata
from tests.components.postgres import create_database, drop_database


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Yield an open database without anything in it, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield from _opened(f"sqlite:///{tmp_path_factory.mktemp('database') / 'ours.db'}")
        return
    server = request.getfixturevalue("postgres")
    name = create_database(server)
    try:
        yield from _opened(server.database_url(name))
    finally:
        drop_database(server, name)


def _opened(url: str) -> Iterator[Database]:
    database = Database(check_url(url))
    migrate.upgrade(database.write_engine, metadata)
    yield database
    database.close()
