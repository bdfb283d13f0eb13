"""Behind pgbouncer: its pooling is real, and Mainspring leaves nothing in a session and misses nothing there."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from mlflow import MlflowClient

from tests.components.pgbouncer import POOL, Pgbouncer
from tests.components.postgres import Postgres, create_database, drop_database
from tests.components.server import MainspringServer

CLIENTS, ROUNDS = 3, 12


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """The name of an empty database."""
    name = create_database(postgres)
    yield name
    drop_database(postgres, name)


def test_each_transaction_may_get_another_session(pgbouncer: Pgbouncer) -> None:
    with (
        psycopg.connect(pgbouncer.database_url("postgres"), prepare_threshold=None) as one,
        psycopg.connect(pgbouncer.database_url("postgres")) as other,
    ):
        assert session_of(one) != session_of(other)
        assert session_of(one) == session_of(one)
        one.rollback()
        other.rollback()
        seen = set()
        for _ in range(4):
            seen.add(session_of(one))
            one.rollback()
    assert len(seen) > 1


def test_what_a_session_prepared_is_missed(pgbouncer: Pgbouncer) -> None:
    one = psycopg.connect(pgbouncer.database_url("postgres"), autocommit=True, prepare_threshold=0)
    with one, pytest.raises(psycopg.errors.InvalidSqlStatementName):
        [session_of(one) for _ in range(POOL)]


def session_of(connection: psycopg.Connection) -> int:
    """Return the process that serves the connection now."""
    [pid] = connection.execute("select pg_backend_pid()").fetchone() or [0]
    return int(pid)


def test_wrong_password_is_refused(pgbouncer: Pgbouncer, postgres: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(pgbouncer.database_url("postgres").replace(postgres.password, "wrong"))


def test_two_processes_run_behind_it(tmp_path: Path, pgbouncer: Pgbouncer, postgres: Postgres, database: str) -> None:
    """Two processes and several clients at once, often enough that a statement would be prepared."""
    url = pgbouncer.database_url(database)
    with MainspringServer(tmp_path / "data", "--workers", "2", database_url=url) as server:
        client = MlflowClient(server.url)
        experiment = client.create_experiment("pooled")
        runs = [client.create_run(experiment).info.run_id for _ in range(CLIENTS)]
        with ThreadPoolExecutor() as threads:
            list(threads.map(log, [server.url] * CLIENTS, [experiment] * CLIENTS, runs))
        for run in runs:
            assert sorted(point.step for point in client.get_metric_history(run, "loss")) == list(range(ROUNDS))
        assert '"level":"error"' not in server.log
        assert transactions_left_open(postgres.database_url(database)) <= 1, "only the leader's lock is held for long"


def log(url: str, experiment: str, run: str) -> None:
    """Write, and read back what was written, over and over."""
    client = MlflowClient(url)
    for step in range(ROUNDS):
        client.log_metric(run, "loss", step / 10, step=step)
        client.log_param(run, f"p{step}", step)
        assert client.get_run(run).data.params[f"p{step}"] == str(step)
        assert client.search_runs([experiment], "metrics.loss >= 0", order_by=["metrics.loss DESC"])


def transactions_left_open(url: str) -> int:
    """Return how many sessions of a database are in a transaction and do nothing."""
    with psycopg.connect(url) as direct:
        query = "select count(*) from pg_stat_activity where datname = current_database() and state ~ '^idle in'"
        [number] = direct.execute(query).fetchone() or [0]
    return int(number)
