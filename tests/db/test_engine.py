"""Reads run in few threads: who waits for one too long is asked to come again, and the others are answered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from mainspring.db import engine
from mainspring.db.engine import Database
from mainspring.kit.errors import Unavailable
from mainspring.kit.sql_engines import readers


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'some.db'}")
    yield opened
    opened.close()


def one(tx: Connection) -> int:
    return int(tx.execute(text("SELECT 1")).scalar_one())


def test_who_waits_too_long_is_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "THREAD_WAIT_S", 0.2)
    go_on = threading.Event()

    def slow(tx: Connection) -> int:
        go_on.wait(20)
        return one(tx)

    async def test() -> None:
        busy = [asyncio.create_task(database.read(slow)) for _ in range(readers(database.url))]
        late = [asyncio.create_task(database.read(one)) for _ in range(20)]
        for refused in await asyncio.gather(*late, return_exceptions=True):
            assert isinstance(refused, Unavailable)
            assert refused.retry_after
        assert not any(task.done() for task in busy)
        go_on.set()
        assert await asyncio.gather(*busy) == [1] * len(busy)
        assert await database.read(one) == 1

    asyncio.run(test())


def test_who_gives_up_waiting_is_cancelled(database: Database) -> None:
    go_on = threading.Event()

    async def test() -> None:
        busy = [asyncio.create_task(database.read(lambda tx: go_on.wait(20))) for _ in range(readers(database.url))]
        late = asyncio.create_task(database.read(one))
        await asyncio.sleep(0.1)
        late.cancel()
        with pytest.raises(asyncio.CancelledError):
            await late
        go_on.set()
        assert await asyncio.gather(*busy) == [True] * len(busy)

    asyncio.run(test())
