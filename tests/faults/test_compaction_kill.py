"""SIGKILL in the middle of the compaction, under load: readers see every acknowledged point once, at any time."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.components.server import MainspringServer
from tests.faults.http import Connection
from tests.faults.writers import GONE

WRITERS = 6
READERS = 2
POINTS_A_RUN = 1_500
BATCH = 20
START = 1_700_000_000_000


@dataclass
class Ledger:
    """The steps that were sent to each run, and those that were acknowledged; how often somebody has read them."""

    sent: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    acknowledged: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    reads: int = 0


async def write(server: MainspringServer, ledger: Ledger, dice: random.Random) -> None:
    """Log to one run after another until the server is gone: single points, batches that come late, and both again."""
    connection = await Connection.open(server)
    try:
        while True:
            answer = await connection.call("runs/create", {"experiment_id": "0"})
            run = answer.json["run"]["info"]["run_id"]
            for step in range(0, POINTS_A_RUN, 2):
                await log(connection, ledger, run, [step])
                if step % (2 * BATCH) == 0:
                    await log(connection, ledger, run, range(max(1, step - 2 * BATCH + 1), step, 2))
                if dice.random() < 0.02:
                    await log(connection, ledger, run, range(max(0, step - BATCH), step + 1, 2))
    except GONE:
        return


async def log(connection: Connection, ledger: Ledger, run: str, steps: Any) -> None:
    ledger.sent[run].update(steps)
    points = [{"key": "m", "value": step, "timestamp": START + step // 3, "step": step} for step in steps]
    single = len(points) == 1
    path, body = ("runs/log-metric", points[0]) if single else ("runs/log-batch", {"metrics": points})
    answer = await connection.call(path, {"run_id": run, **body})
    assert answer.status == 200, answer
    ledger.acknowledged[run].update(steps)


async def read(server: MainspringServer, ledger: Ledger, dice: random.Random) -> None:
    """Read one run after another, whole or in pages, until the server is gone."""
    connection = await Connection.open(server)
    try:
        while True:
            if ledger.acknowledged:
                await check(connection, ledger, dice.choice(list(ledger.acknowledged)), dice.choice([None, 97, 700]))
                ledger.reads += 1
            await asyncio.sleep(0.02)
    except GONE:
        return


async def check(connection: Connection, ledger: Ledger, run: str, page: int | None) -> None:
    """Check that all that was acknowledged is there, each once, and nothing that was not sent."""
    acknowledged = set(ledger.acknowledged[run])
    query: dict[str, Any] = {"run_id": run, "metric_key": "m"} | ({"max_results": page} if page else {})
    steps: list[int] = []
    token = ""
    while token is not None:
        answer = (await connection.call("metrics/get-history", {**query, "page_token": token}, "GET")).json
        steps += [point["step"] for point in answer.get("metrics", [])]
        token = answer.get("next_page_token")
    assert len(steps) == len(set(steps)), f"{run}: some points came twice"
    assert steps == sorted(steps)
    # A point that arrives behind a reader of pages is seen by the next one.
    assert acknowledged <= set(steps), f"{run}: {len(acknowledged - set(steps))} of {len(acknowledged)} points are lost"
    assert set(steps) <= ledger.sent[run]


def count(server: MainspringServer, database_url: str | None, statement: str) -> int:
    """Return the number that a statement finds in the server's database."""
    if database_url:
        with psycopg.connect(database_url) as postgres:
            row = postgres.execute(statement).fetchone()
    else:
        with closing(sqlite3.connect(server.data / "mainspring.db")) as sqlite:
            row = sqlite.execute(statement).fetchone()
    assert row is not None
    return int(row[0])


def test_killed_while_compacting(tmp_path: Path, database_url: str | None) -> None:
    kill_while_compacting(tmp_path, database_url, rounds=1)


@pytest.mark.slow
def test_killed_while_compacting_many_times(tmp_path: Path, database_url: str | None) -> None:
    kill_while_compacting(tmp_path, database_url, rounds=8)


def kill_while_compacting(folder: Path, database_url: str | None, rounds: int) -> None:
    dice = random.Random(rounds)
    ledger = Ledger()
    # On PostgreSQL one process compacts what another one writes.
    arguments = ("--workers", "2") if database_url else ()
    with MainspringServer(folder / "data", *arguments, database_url=database_url) as server:
        for _ in range(rounds):
            asyncio.run(kill_and_check(server, database_url, ledger, dice))
        asyncio.run(check_all(server, ledger))


async def kill_and_check(
    server: MainspringServer, database_url: str | None, ledger: Ledger, dice: random.Random
) -> None:
    before, reads = merged(server, database_url), ledger.reads
    working = [asyncio.create_task(write(server, ledger, dice)) for _ in range(WRITERS)]
    working += [asyncio.create_task(read(server, ledger, dice)) for _ in range(READERS)]
    async with asyncio.timeout(90):
        while merged(server, database_url) < before + 5:
            await asyncio.sleep(0.05)
            for task in working:
                assert not task.done() or task.result()
    await asyncio.sleep(dice.uniform(0, 1))
    await asyncio.to_thread(server.kill)
    await asyncio.gather(*working)
    assert ledger.reads > reads
    await asyncio.to_thread(server.start)
    await check_all(server, ledger)


def merged(server: MainspringServer, database_url: str | None) -> int:
    """Return how many blocks the compaction has made: writers make none as large."""
    return count(server, database_url, f"SELECT count(*) FROM metric_blocks WHERE points > {BATCH + 1}")


async def check_all(server: MainspringServer, ledger: Ledger) -> None:
    connection = await Connection.open(server)
    for run in ledger.acknowledged:
        await check(connection, ledger, run, None)
    await connection.close()
