"""A database with all tables and an empty log for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from mainspring.db.engine import check_url
from mainspring.kit.sql_engines import create_write_engine
from mainspring.server.schema import metadata
from tests.components.postgres import create_database, drop_database


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def kept_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database with all tables, which tests share."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('audit')}/audit.db"
        _make_tables(url)
        yield url
        return
    postgres = request.getfixturevalue("postgres")
    name = create_database(postgres)
    url = check_url(postgres.database_url(name))
    _make_tables(url)
    yield url
    drop_database(postgres, name)


def _make_tables(url: str) -> None:
    engine = create_write_engine(url)
    metadata.create_all(engine)
    engine.dispose()


@pytest.fixture
def url(kept_url: str) -> str:
    """The URL of a database whose log is empty and which has no webhooks."""
    engine = create_write_engine(kept_url)
    with engine.begin() as tx:
        for table in ("webhook_deliveries", "webhooks", "webhook_keys", "events"):
            tx.execute(text(f"DELETE FROM {table}"))
        tx.execute(
            text("UPDATE event_chain SET seq = 0, hash = :zero, cut_seq = 0, cut_hash = :zero"), {"zero": bytes(32)}
        )
        tx.execute(text("UPDATE outbox_positions SET seq = 0"))
    engine.dispose()
    return kept_url


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
