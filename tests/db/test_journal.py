"""The journal of an embedded database: what is acknowledged is on the disk, seen by every read, and written once."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, text

from mainspring.db import journal
from mainspring.db.engine import Database
from mainspring.db.journal import Deferred, Kind, Known
from mainspring.kit.errors import AlreadyExists, FailedPrecondition, MainspringError, Unavailable
from mainspring.kit.sql_engines import create_write_engine
from mainspring.server.schema import metadata


class Numbers(msgspec.Struct, array_like=True):
    numbers: list[int] = []


broken = threading.Event()


def _apply(tx: Connection, written: list[Numbers]) -> None:
    if broken.is_set():
        raise Unavailable("broken")
    for each in written:
        for number in each.numbers:
            tx.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": number})


def _check(tx: Connection, calls: list[tuple[Any, ...]], known: Known) -> tuple[list[int | MainspringError], Numbers]:
    """Take numbers, each once; a negative one breaks the whole group."""
    outcomes: list[int | MainspringError] = []
    entry = Numbers([])
    for (number,) in calls:
        if number < 0:
            raise ValueError(number)
        stored = tx.execute(text("SELECT 1 FROM numbers WHERE n = :n"), {"n": number}).first()
        if stored or number in known:
            outcomes.append(AlreadyExists(f"{number} is there"))
            continue
        known[number] = True
        entry.numbers.append(number)
        outcomes.append(number)
    return outcomes, entry


add: Deferred[[int], int] = Deferred(Kind("tests.numbers", Numbers, _apply), _check)


def count(tx: Connection) -> int:
    return int(tx.execute(text("SELECT count(*) FROM numbers")).scalar_one())


def remove(tx: Connection, number: int) -> int:
    return tx.execute(text("DELETE FROM numbers WHERE n = :n"), {"n": number}).rowcount


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """An embedded database with a table of numbers; checks wait a minute before they write by themselves."""
    path = tmp_path / "m.db"
    engine = create_write_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY)"))
    engine.dispose()
    yield path
    broken.clear()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_WAIT_S", 60)


def on(file: Path, work: Callable[[Database], Coroutine[Any, Any, Any]]) -> Any:
    """Do some work on the database, and close it."""

    async def run() -> Any:
        db = Database(f"sqlite:///{file}")
        try:
            return await work(db)
        finally:
            await asyncio.to_thread(db.close)

    return asyncio.run(run())


def stored(file: Path) -> tuple[int, int]:
    """Return how many numbers and how many rows of the journal another process sees."""
    with closing(sqlite3.connect(file)) as connection:
        numbers = connection.execute("SELECT count(*) FROM numbers").fetchone()[0]
        return numbers, connection.execute("SELECT count(*) FROM write_journal").fetchone()[0]


@pytest.mark.usefixtures("patient")
def test_a_read_sees_what_waits(file: Path) -> None:
    async def work(db: Database) -> None:
        await db.read(count)
        assert await asyncio.gather(*(db.write(add, number) for number in range(10))) == list(range(10))
        assert stored(file)[0] == 0
        assert stored(file)[1] > 0
        assert await db.read(count) == 10
        assert stored(file) == (10, 0)

    on(file, work)


@pytest.mark.usefixtures("patient")
def test_other_writes_come_after_what_waits(file: Path) -> None:
    async def work(db: Database) -> None:
        await db.write(add, 1)
        assert await db.write(remove, 1) == 1
        await db.write(add, 1)
        with pytest.raises(AlreadyExists):
            await db.write(add, 1)

    on(file, work)
    assert stored(file) == (1, 0)


def test_it_is_written_after_a_moment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_WAIT_S", 0.05)

    async def work(db: Database) -> None:
        await db.write(add, 1)
        async with asyncio.timeout(10):
            while stored(file) != (1, 0):
                await asyncio.sleep(0.02)

    on(file, work)


@pytest.mark.usefixtures("patient")
def test_it_does_not_grow_without_end(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_BYTES", 200)

    async def work(db: Database) -> None:
        for number in range(100):
            await db.write(add, number)
        async with asyncio.timeout(10):
            while stored(file)[0] < 90:
                await asyncio.sleep(0.02)

    on(file, work)
    assert stored(file) == (100, 0)


@pytest.mark.usefixtures("patient")
def test_the_next_process_finds_it(file: Path, tmp_path: Path) -> None:
    killed = tmp_path / "killed"

    async def leave(db: Database) -> None:
        await asyncio.gather(*(db.write(add, number) for number in range(5)))
        # What a process that is killed now leaves behind.
        shutil.copytree(tmp_path, killed)

    async def find(db: Database) -> None:
        assert await db.read(count) == 5

    async def write(db: Database) -> None:
        with pytest.raises(AlreadyExists):
            await db.write(add, 4)

    on(file, leave)
    on(killed / file.name, find)
    on(killed / file.name, write)
    assert stored(killed / file.name) == (5, 0)


@pytest.mark.usefixtures("patient")
def test_nothing_is_written_twice(file: Path) -> None:
    async def work(db: Database) -> None:
        await db.write(add, 1)

        async def other(second: Database) -> int:
            return await second.read(count)

        assert await asyncio.to_thread(on, file, other) == 1
        assert await db.read(count) == 1

    on(file, work)


@pytest.mark.usefixtures("patient")
def test_a_group_that_breaks_is_forgotten(file: Path) -> None:
    """A number of the broken group may come again, one that was acknowledged before it may not."""

    async def work(db: Database) -> None:
        await db.write(add, 1)
        outcomes = await asyncio.gather(db.write(add, 2), db.write(add, -1), db.write(add, 1), return_exceptions=True)
        assert outcomes[0] == 2
        assert [type(outcome).__name__ for outcome in outcomes[1:]] == ["Internal", "AlreadyExists"]
        with pytest.raises(AlreadyExists):
            await db.write(add, 2)
        assert await db.read(count) == 2

    on(file, work)


@pytest.mark.usefixtures("patient")
def test_what_cannot_be_written_now_is_written_later(file: Path) -> None:
    async def work(db: Database) -> None:
        await db.write(add, 1)
        broken.set()
        with pytest.raises(Unavailable):
            await db.read(count)
        assert stored(file) == (0, 1)
        broken.clear()
        assert await db.read(count) == 1

    on(file, work)


def test_a_kind_of_a_newer_release_is_refused(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        body = msgspec.msgpack.encode([("tests.tomorrow", [1])])
        connection.execute("INSERT INTO write_journal (writes) VALUES (?)", (body,))
        connection.commit()

    async def work(db: Database) -> None:
        with pytest.raises(FailedPrecondition, match=r"tests\.tomorrow"):
            await db.read(count)

    on(file, work)
    assert stored(file) == (0, 1)


def test_by_itself_it_is_written_at_once(file: Path) -> None:
    engine = create_write_engine(f"sqlite:///{file}")
    with engine.begin() as tx:
        assert add(tx, 1) == 1
        assert count(tx) == 1
        with pytest.raises(AlreadyExists):
            add(tx, 1)
    engine.dispose()


@pytest.mark.usefixtures("patient")
def test_nothing_waits_on_a_disk_that_is_nearly_full(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(db: Database) -> None:
        await db.write(add, 1)
        assert stored(file) == (0, 1)
        monkeypatch.setattr(journal, "ROOM_BYTES", 1 << 60)
        await db.write(add, 2)
        assert stored(file) == (2, 0)
        with pytest.raises(AlreadyExists):
            await db.write(add, 1)

    on(file, work)
