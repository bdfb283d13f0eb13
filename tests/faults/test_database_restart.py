"""PostgreSQL restarts under load: requests wait or are asked to come again, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.components.pgbouncer import Pgbouncer, pgbouncer_binary
from tests.components.ports import wait_until
from tests.components.postgres import Postgres, create_database, postgres_binaries
from tests.components.server import MainspringServer
from tests.faults.http import Connection, start_run
from tests.faults.writers import Ledger, check, write

WRITERS = 24


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL of this test's own: the one that the tests share is not restarted."""
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: no initdb under /usr/lib/postgresql/*/bin or on PATH")
    server = Postgres(binaries)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("mode", "workers"), [("fast", 1), pytest.param("immediate", 2, marks=pytest.mark.slow)], ids=["fast", "immediate"]
)
def test_the_database_restarts_under_load(tmp_path: Path, own_postgres: Postgres, mode: str, workers: int) -> None:
    url = own_postgres.database_url(create_database(own_postgres))
    with MainspringServer(tmp_path / "data", "--workers", str(workers), database_url=url) as server:
        asyncio.run(restart_under_load(server, own_postgres, mode))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_it_restarts_behind_a_pooler(tmp_path: Path, own_postgres: Postgres, mode: str) -> None:
    """Pgbouncer keeps clients waiting for a database that is away: nobody need be refused."""
    binary = pgbouncer_binary()
    if binary is None:
        pytest.skip("pgbouncer is not installed: none on PATH or in /usr/sbin")
    pooler = Pgbouncer(binary, own_postgres)
    try:
        pooler.start()
        url = pooler.database_url(create_database(own_postgres))
        with MainspringServer(tmp_path / "data", database_url=url) as server:
            asyncio.run(restart_under_load(server, own_postgres, mode, pooled=True))
    finally:
        pooler.stop()


async def restart_under_load(server: MainspringServer, postgres: Postgres, mode: str, *, pooled: bool = False) -> None:
    connection = await Connection.open(server)
    experiment, run = await start_run(connection, "restarted")
    ledger = Ledger()
    writers = [asyncio.create_task(write(server, experiment, run, each, ledger)) for each in range(WRITERS)]
    await until(lambda: len(ledger.acknowledged) > 200)

    await asyncio.to_thread(postgres.interrupt, mode)
    if pooled:
        await asyncio.sleep(3)
    else:
        await check_refusals(connection, run, ledger)
    ready, alive = f"{server.url}/readyz", f"{server.url}/livez"
    assert (await asyncio.to_thread(httpx.get, ready, timeout=30)).status_code == 503
    assert (await asyncio.to_thread(httpx.get, alive)).status_code == 200
    await asyncio.to_thread(postgres.resume)

    await asyncio.to_thread(wait_until, lambda: httpx.get(ready, timeout=30).status_code == 200, ready)
    acknowledged = len(ledger.acknowledged)
    await until(lambda: len(ledger.acknowledged) > acknowledged + 200)
    ledger.stopped = True
    await asyncio.gather(*writers)
    for answer in ledger.refused:
        assert answer.status == 503, answer
        assert answer.json["error_code"] == "TEMPORARILY_UNAVAILABLE"
        assert int(answer.headers["retry-after"]) >= 1
    await check(server, experiment, run, ledger)


async def check_refusals(connection: Connection, run: str, ledger: Ledger) -> None:
    """Wait until every writer has been refused, and check that a reader is."""
    before = len(ledger.refused)
    await until(lambda: len(ledger.refused) > before + WRITERS)
    read = await connection.call("runs/get", {"run_id": run}, "GET")
    assert (read.status, read.headers["retry-after"]) == (503, "1"), read


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)
