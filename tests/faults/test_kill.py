"""SIGKILL in the middle of 64 concurrent writers: every acknowledged write is there once, and none by half."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.components.server import MainspringServer
from tests.faults.http import Connection, start_run
from tests.faults.writers import Ledger, check, write

WRITERS = 64


def test_killed_among_writers(tmp_path: Path, database_url: str | None) -> None:
    kill_among_writers(tmp_path, database_url, rounds=2)


@pytest.mark.slow
def test_killed_among_writers_many_times(tmp_path: Path, database_url: str | None) -> None:
    kill_among_writers(tmp_path, database_url, rounds=8)


def kill_among_writers(folder: Path, database_url: str | None, rounds: int) -> None:
    after = random.Random(rounds)
    with MainspringServer(folder / "data", database_url=database_url) as server:
        for number in range(rounds):
            asyncio.run(kill_and_check(server, f"round {number}", after.uniform(0.3, 2.5)))


async def kill_and_check(server: MainspringServer, name: str, seconds: float) -> None:
    connection = await Connection.open(server)
    experiment, run = await start_run(connection, name)
    ledger = Ledger()
    writers = [asyncio.create_task(write(server, experiment, run, each, ledger)) for each in range(WRITERS)]
    await until_writing(ledger)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(server.kill)
    await asyncio.gather(*writers)
    await asyncio.to_thread(server.start)
    assert not ledger.refused, ledger.refused[0]
    assert len(ledger.sent) > len(ledger.acknowledged)
    await check(server, experiment, run, ledger)


async def until_writing(ledger: Ledger) -> None:
    """Return once every writer has been answered."""
    async with asyncio.timeout(60):
        while len({writer for _, writer, _ in ledger.acknowledged}) < WRITERS:
            await asyncio.sleep(0.01)
