"""Databases with all tables, for tests of modules."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from mainspring.db.engine import check_url
from mainspring.kit.sql_engines import create_write_engine
from mainspring.server.schema import metadata
from tests.components.postgres import create_database, drop_database


def engine_with_tables(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Yield an engine of a new database, on what the fixture's parameter says: ``sqlite`` or ``postgresql``."""
    if request.param == "sqlite":
        yield from _with_tables(f"sqlite:///{tmp_path_factory.mktemp('tables')}/new.db")
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
