"""A fresh database, on SQLite and on PostgreSQL, with a store of files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from mainspring.db.engine import Database, check_url
from mainspring.engines.blobs import open_store
from mainspring.kit.actors import LOCAL, Actor
from mainspring.modules.services import Services
from mainspring.server.schema import metadata
from mainspring.settings import Settings
from tests.components.postgres import create_database, drop_database


@pytest.fixture(params=["sqlite", "postgresql"])
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Services]:
    """An open database with all tables, and a store."""
    name = ""
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        name = create_database(postgres)
    url = check_url(postgres.database_url(name)) if name else f"sqlite:///{tmp_path}/quotas.db"
    db = Database(url)
    metadata.create_all(db.write_engine)
    yield Services(db, open_store((tmp_path / "files").as_uri()), Settings(data=tmp_path))
    db.close()
    if name:
        drop_database(postgres, name)


@pytest.fixture
def tx(services: Services) -> Iterator[Connection]:
    """A connection in a transaction that is undone after the test."""
    with services.db.write_engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def other() -> Actor:
    """The owner, in another project."""
    return replace(LOCAL, project=7)
