"""Histories of any length: the server sends them piece by piece, and holds nothing for those who read slowly."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from tests.components.postgres import create_database, drop_database
from tests.components.server import MainspringServer
from tests.faults.http import API, Connection, start_run
from tests.faults.test_rude_clients import connected, leave, open_narrow, read_slowly, until

POINTS = 200_000
MIB = 2**20
AS_WRITTEN = {"MAINSPRING_BACKGROUND": "false"}
"""Without compaction, that what a test has written lies where it knows."""


class Long:
    """A server with a history of 200,000 points, 15 MB as JSON; the last thousand are rows still."""

    def __init__(self, server: MainspringServer, database_url: str | None) -> None:
        self.server = server
        self.database_url = database_url
        self.process = psutil.Process(server.pid)
        self.run = asyncio.run(self._fill())
        self.path = f"{API}/metrics/get-history?run_id={self.run}&metric_key=m"

    async def _fill(self) -> str:
        connection = await Connection.open(self.server)
        _, run = await start_run(connection, "long")
        for start in range(0, POINTS, 1000):
            points = [
                {"key": "m", "value": 0.1 * step, "timestamp": 1_700_000_000_000 + 7 * step, "step": step}
                for step in range(start, start + 1000)
            ]
            # A batch of few points of a key is written as rows.
            for at in range(0, 1000, 10 if start + 1000 == POINTS else 1000):
                part = points[at : at + 10] if start + 1000 == POINTS else points
                answer = await connection.call("runs/log-batch", {"run_id": run, "metrics": part})
                assert answer.status == 200, answer
        await connection.close()
        return run

    def change(self, statement: str) -> None:
        """Carry out a statement in the database, past the server."""
        if self.database_url:
            with psycopg.connect(self.database_url) as postgres:
                postgres.execute(statement)
            return
        with closing(sqlite3.connect(self.server.data / "mainspring.db")) as sqlite, sqlite:
            sqlite.execute(statement)

    def open_transactions(self) -> int:
        """Return how many transactions of readers are open in PostgreSQL."""
        if self.database_url is None:
            return 0
        with psycopg.connect(self.database_url) as postgres:
            row = postgres.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()"
            ).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def long(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Long]:
    folder = tmp_path_factory.mktemp("long") / "data"
    if request.param == "sqlite":
        with MainspringServer(folder, environment=AS_WRITTEN) as server:
            yield Long(server, None)
        return
    postgres = request.getfixturevalue("postgres")
    name = create_database(postgres)
    url = postgres.database_url(name)
    with MainspringServer(folder, database_url=url, environment=AS_WRITTEN) as server:
        yield Long(server, url)
    drop_database(postgres, name)


def test_a_whole_history_comes_in_little_memory(long: Long) -> None:
    before, most, body = long.process.memory_info().rss, 0, bytearray()
    with httpx.stream("GET", long.server.url + long.path, timeout=60) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert "content-length" not in answer.headers
        for piece in answer.iter_raw():
            body += piece
            most = max(most, long.process.memory_info().rss)
    points = json.loads(body)
    assert set(points) == {"metrics"}
    assert points["metrics"][1] == {"key": "m", "value": 0.1, "timestamp": 1_700_000_000_007, "step": 1}
    assert [point["step"] for point in points["metrics"]] == list(range(POINTS))
    assert most - before < 40 * MIB


def test_a_large_page_says_where_the_next_begins(long: Long) -> None:
    steps: list[int] = []
    query: dict[str, Any] = {"max_results": 80_000}
    while query.get("page_token") != "":
        page = httpx.get(long.server.url + long.path, params={**query, **parts(long)}, timeout=60).json()
        steps += [point["step"] for point in page["metrics"]]
        query["page_token"] = page.get("next_page_token", "")
    assert steps == list(range(POINTS))


def parts(long: Long) -> dict[str, str]:
    return {"run_id": long.run, "metric_key": "m"}


def test_slow_readers_hold_a_piece_each(long: Long) -> None:
    readers = 20

    async def test() -> None:
        control = await Connection.open(long.server)
        before, threads = long.process.memory_info().rss, long.process.num_threads()
        async with slow_readers(long, readers) as slow:
            await read_slowly(slow, 3)
            assert long.process.memory_info().rss - before < readers * 4 * MIB
            assert long.process.num_threads() - threads < readers // 2
            await until(lambda: long.open_transactions() == 0)
            async with asyncio.timeout(10):
                assert (await control.call("experiments/get", {"experiment_id": "0"}, "GET")).status == 200
        await until(lambda: connected(long.server) == 1)
        await control.close()

    asyncio.run(test())


@asynccontextmanager
async def slow_readers(long: Long, count: int) -> AsyncIterator[list[Connection]]:
    slow = [await open_narrow(long.server, long.path) for _ in range(count)]
    yield slow
    for connection in slow:
        await leave(connection)


def test_a_history_ends_with_its_reader(long: Long) -> None:
    """One who has read little and leaves costs little: what a hundred of them cost is less than a hundred histories."""

    async def test() -> None:
        whole = cpu_seconds(long)
        httpx.get(long.server.url + long.path, timeout=60)
        whole = cpu_seconds(long) - whole
        before = cpu_seconds(long)
        for _ in range(5):
            async with slow_readers(long, 20) as slow:
                await read_slowly(slow, 1)
        await until(lambda: connected(long.server) == 0)
        assert cpu_seconds(long) - before < 60 * whole

    asyncio.run(test())


def cpu_seconds(long: Long) -> float:
    times = long.process.cpu_times()
    return float(times.user + times.system)


def test_an_error_in_the_middle_breaks_the_connection_off(long: Long) -> None:
    long.change("CREATE TABLE kept AS SELECT number, data FROM metric_blocks WHERE first_step > 150000")
    nothing = "'\\x00'" if long.database_url else "x'00'"
    long.change(f"UPDATE metric_blocks SET data = {nothing} WHERE first_step > 150000")
    body = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        read_into(body, long)
    kept = "SELECT data FROM kept WHERE kept.number = metric_blocks.number"
    long.change(f"UPDATE metric_blocks SET data = ({kept}) WHERE first_step > 150000")
    assert 1_000_000 < len(body) < 14_000_000
    assert not body.endswith(b"]}")
    assert "answer_interrupted" in long.server.log
    assert "A block of metric points is damaged" in long.server.log
    assert httpx.get(long.server.url + long.path, timeout=60).json()["metrics"][-1]["step"] == POINTS - 1


def read_into(body: bytearray, long: Long) -> None:
    with httpx.stream("GET", long.server.url + long.path, timeout=60) as answer:
        for piece in answer.iter_raw():
            body += piece
