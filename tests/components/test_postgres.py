"""The PostgreSQL that the tests start is real: durable, guarded by a password, a fresh database for each test."""

import psycopg
import pytest

from tests.components.postgres import Postgres


def test_database_is_fresh_and_durable(postgres_database: str) -> None:
    with psycopg.connect(postgres_database) as connection:
        tables = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
        durable = [connection.execute(f"show {name}").fetchone() for name in ("fsync", "synchronous_commit")]
    assert tables == (0,)
    assert durable == [("on",), ("on",)]


def test_each_test_has_its_own_database(postgres_database: str, postgres_url: str) -> None:
    assert postgres_database != postgres_url
    with psycopg.connect(postgres_database) as connection:
        connection.execute("create table only_here (id int)")
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("select to_regclass('only_here')").fetchone() == (None,)


def test_wrong_password_is_refused(postgres: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url.replace(postgres.password, "wrong"))
