"""A database that answers nothing for a while: who waits too long is told to come again, the rest is done at last."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from tests.components.server import MainspringServer
from tests.faults.http import Connection, data_of, start_run

READERS, WRITERS = 20, 20


@pytest.mark.slow
def test_everything_is_locked(tmp_path: Path, postgres_database: str) -> None:
    with MainspringServer(tmp_path / "data", database_url=postgres_database) as server:
        asyncio.run(lock_everything(server, postgres_database))


async def lock_everything(server: MainspringServer, database_url: str) -> None:
    control = await Connection.open(server)
    experiment, run = await start_run(control, "locked")
    with psycopg.connect(database_url) as other:
        other.execute("lock table runs, run_documents, tags in access exclusive mode")
        pair = {"run_id": run, "value": "v"}
        writers = [
            asyncio.create_task((await Connection.open(server)).call("runs/set-tag", pair | {"key": f"k{number}"}))
            for number in range(WRITERS)
        ]
        query = {"experiment_ids": [experiment]}
        readers = [
            asyncio.create_task((await Connection.open(server)).call("runs/search", query)) for _ in range(READERS)
        ]
        lookers = [
            asyncio.create_task((await Connection.open(server)).call("runs/get", {"run_id": run}, "GET"))
            for _ in range(READERS)
        ]
        refused, waiting = await asyncio.wait(readers, timeout=20)
        assert waiting, "those that have begun wait for the lock"
        assert len(refused) >= READERS - 8
        for answer in [*(task.result() for task in refused), *await asyncio.gather(*lookers)]:
            assert (answer.status, answer.headers["retry-after"]) == (503, "1"), answer
            assert answer.json["error_code"] == "TEMPORARILY_UNAVAILABLE"
        assert not any(task.done() for task in writers)
        other.rollback()
    assert {answer.status for answer in await asyncio.gather(*waiting, *writers)} == {200}
    assert (await data_of(control, run))["tags"].keys() >= {f"k{number}" for number in range(WRITERS)}
