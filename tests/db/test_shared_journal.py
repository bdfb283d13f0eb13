"""The journal of a database that several processes write to: all see what one has acknowledged, written once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from typing import Any

import msgspec
import psycopg
import pytest
from sqlalchemy import Connection, event, text

from mainspring.db import journal
from mainspring.db.engine import Database, check_url
from mainspring.db.journal import Deferred, Kind, Known, Unsettled, holds_writes
from mainspring.db.lookups import Lookup
from mainspring.kit.errors import MainspringError, Unavailable
from mainspring.kit.sql_engines import create_write_engine
from mainspring.server.schema import metadata

UPSERT = "INSERT INTO marks VALUES (:n, :v, 1) ON CONFLICT (n) DO UPDATE SET v = :v, times = marks.times + 1"
broken = threading.Event()


class Marks(msgspec.Struct, array_like=True):
    marks: list[tuple[str, int]] = []
    seen_by_all: list[tuple[str, int]] = []


def _apply(tx: Connection, written: list[Marks]) -> None:
    if broken.is_set():
        raise Unavailable("broken")
    for each in written:
        for name, value in [*each.marks, *each.seen_by_all]:
            upsert = (
                "INSERT INTO marks VALUES (:n, :v, 1) ON CONFLICT (n) DO UPDATE SET v = :v, times = marks.times + 1"
            )
            tx.execute(text(upsert), {"n": name, "v": value})


def _check(tx: Connection, calls: list[tuple[Any, ...]], known: Known) -> tuple[list[MainspringError | None], Marks]:
    entry = Marks([], [])
    for name, value in calls:
        if name.startswith("?"):
            tx.execute(text("SELECT 1"))  # by SQLAlchemy, which begins a transaction for it
        (entry.seen_by_all if name.startswith("!") else entry.marks).append((name, value))
    return [None] * len(calls), entry


def _divide(entry: Marks) -> tuple[Marks | None, Marks | None]:
    return (
        Marks(entry.marks, []) if entry.marks else None,
        Marks([], entry.seen_by_all) if entry.seen_by_all else None,
    )


def _waits_wholly(name: str, _value: int) -> bool:
    return not name.startswith("!")


mark: Deferred[[str, int], None] = Deferred(Kind("tests.marks", Marks, _apply, _divide), _check, _waits_wholly)
"""Set a mark to a value; one whose name begins with ``!`` may not wait."""


def values(tx: Connection) -> dict[str, int]:
    return dict(tx.execute(text("SELECT n, v FROM marks")).tuples().all())


def times(tx: Connection) -> dict[str, int]:
    return dict(tx.execute(text("SELECT n, times FROM marks")).tuples().all())


def remove(tx: Connection, name: str) -> int:
    return tx.execute(text("DELETE FROM marks WHERE n = :n"), {"n": name}).rowcount


def _find(tx: Connection, calls: list[tuple[bool, str]]) -> list[int | MainspringError]:
    waiting, found = holds_writes(tx), values(tx)
    return [Unsettled() if waiting and not settled else found[name] for settled, name in calls]


find: Lookup[[bool, str], int] = Lookup(_find)


@pytest.fixture
def url(postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database with a table of marks; what waits is not written by itself for a minute."""
    monkeypatch.setattr(journal, "MAX_WAIT_S", 60)
    engine = create_write_engine(check_url(postgres_database))
    metadata.create_all(engine)
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE marks (n VARCHAR PRIMARY KEY, v BIGINT NOT NULL, times BIGINT NOT NULL)"))
    engine.dispose()
    yield check_url(postgres_database)
    broken.clear()


def on(url: str, processes: int, work: Callable[..., Coroutine[Any, Any, None]]) -> None:
    """Do some work on as many databases as there are processes, and close them."""

    async def run() -> None:
        opened = [Database(url) for _ in range(processes)]
        try:
            await work(*opened)
        finally:
            for db in opened:
                await asyncio.to_thread(db.close)

    asyncio.run(run())


def stored(url: str) -> tuple[int, int]:
    """Return how many marks and how many rows of the journal are in the tables."""
    with closing(psycopg.connect(url.replace("+psycopg", ""))) as connection:
        marks = connection.execute("SELECT count(*) FROM marks").fetchone()
        rows = connection.execute("SELECT count(*) FROM write_journal").fetchone()
    assert marks
    assert rows
    return marks[0], rows[0]


def test_what_one_process_has_acknowledged_every_process_reads(url: str) -> None:
    async def work(one: Database, other: Database) -> None:
        await asyncio.gather(*(one.write(mark, f"m{n}", n) for n in range(10)))
        assert stored(url)[0] == 0
        assert await other.read(values) == {f"m{n}": n for n in range(10)}
        assert stored(url) == (10, 0)
        await one.write(mark, "m3", 33)
        assert await other.look_up(find, "m3") == 33
        await one.write(mark, "m3", 34)
        assert await one.look_up(find, "m3") == 34
        assert await one.look_up(find, "m4") == 4

    on(url, 2, work)


def test_what_may_wait_is_noted_without_a_transaction_around(url: str) -> None:
    async def work(db: Database) -> None:
        begun: list[Connection] = []
        event.listen(db.write_engine, "begin", begun.append)
        await asyncio.gather(*(db.write(mark, f"m{n}", n) for n in range(10)))
        assert not begun
        assert stored(url) == (0, 1)
        await db.write(mark, "?m", 10)  # whose check begins one
        assert (len(begun), stored(url)) == (1, (0, 2))
        await asyncio.gather(db.write(mark, "!m", 11), db.write(mark, "m11", 12))
        assert (len(begun), stored(url)) == (2, (1, 3))
        assert len(await db.read(values)) == 13

    on(url, 1, work)


def test_a_connection_that_the_database_has_closed_is_opened_again(url: str) -> None:
    async def work(db: Database) -> None:
        for value in range(5):
            await db.write(mark, "m", value)
            assert await db.look_up(find, "m") == value
            with closing(psycopg.connect(url.replace("+psycopg", ""), autocommit=True)) as admin:
                others = "datname = current_database() AND pid <> pg_backend_pid()"
                admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
            name = "!m" if value % 2 else "n"
            await db.write(mark, name, value)
            found = await db.read(values)
            assert (found["m"], found[name]) == (value, value)

    on(url, 1, work)


def test_a_connection_that_is_known_to_be_broken_is_opened_again(url: str) -> None:
    async def work(db: Database) -> None:
        await db.write(mark, "m", 0)
        for name, value in (("m", 1), ("!m", 2), ("m", 3)):
            for kept in (db._writer._kept, db._lookups._kept):
                kept.get().connection.driver_connection.close()  # type: ignore[union-attr]
            await db.write(mark, name, value)
            assert await db.look_up(find, name) == value

    on(url, 1, work)


def test_the_later_write_of_two_processes_counts(url: str) -> None:
    async def work(one: Database, other: Database) -> None:
        for value in range(20):
            await (one if value % 2 else other).write(mark, "m", value)
        assert stored(url)[0] == 0
        assert await one.read(values) == {"m": 19}

    on(url, 2, work)


def test_another_write_comes_after_what_waits(url: str) -> None:
    async def work(one: Database, other: Database) -> None:
        await one.write(mark, "m", 1)
        assert await other.write(remove, "m") == 1
        assert await one.read(values) == {}

    on(url, 2, work)


def test_what_others_must_know_of_does_not_wait(url: str) -> None:
    async def work(db: Database) -> None:
        await asyncio.gather(db.write(mark, "m", 1), db.write(mark, "!m", 2))
        assert stored(url) == (1, 1)
        assert await db.read(values) == {"m": 1, "!m": 2}

    on(url, 1, work)


def test_what_a_killed_process_left_is_read(url: str) -> None:
    body = msgspec.msgpack.encode([("tests.marks", Marks([("m", 1)], []))])
    with closing(psycopg.connect(url.replace("+psycopg", ""), autocommit=True)) as connection:
        connection.execute("INSERT INTO write_journal (writes) VALUES (%s)", (body,))

    async def work(db: Database) -> None:
        assert await db.read(values) == {"m": 1}

    on(url, 1, work)
    assert stored(url) == (1, 0)


def test_each_write_of_many_is_written_once(url: str) -> None:
    """Three processes write, read and look up at once: each sees all that was acknowledged, and nothing comes twice."""

    async def busy(db: Database, name: str) -> None:
        for n in range(40):
            await db.write(mark, f"{name}{n}", n)
            seen = await db.read(values) if n % 3 else {f"{name}{n}": await db.look_up(find, f"{name}{n}")}
            assert seen[f"{name}{n}"] == n

    async def work(*processes: Database) -> None:
        await asyncio.gather(*(busy(db, f"{p}-{b}-") for p, db in enumerate(processes) for b in range(4)))
        assert set((await processes[0].read(times)).values()) == {1}

    on(url, 3, work)
    assert stored(url) == (3 * 4 * 40, 0)


def test_it_is_written_after_a_moment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_WAIT_S", 0.05)

    async def work(db: Database) -> None:
        await db.write(mark, "m", 1)
        async with asyncio.timeout(10):
            while stored(url) != (1, 0):
                await asyncio.sleep(0.02)

    on(url, 1, work)


def test_it_does_not_grow_without_end(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_BYTES", 200)

    async def work(db: Database) -> None:
        for n in range(100):
            await db.write(mark, f"m{n}", n)
        async with asyncio.timeout(10):
            while stored(url)[0] < 90:
                await asyncio.sleep(0.02)

    on(url, 1, work)
    assert stored(url) == (100, 0)  # what waits is written at the end


def test_what_cannot_be_written_now_is_written_later(url: str) -> None:
    async def work(one: Database, other: Database) -> None:
        await one.write(mark, "m", 1)
        broken.set()
        for db in (one, other):
            with pytest.raises(Unavailable):
                await db.read(values)
        assert stored(url) == (0, 1)
        broken.clear()
        assert await other.read(values) == {"m": 1}

    on(url, 2, work)


def test_the_room_of_what_has_gone_is_given_back(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks whether writes wait must not pass all those that have waited."""
    monkeypatch.setattr(journal, "MAX_DEAD", 50)

    async def work(db: Database) -> None:
        for n in range(120):
            await db.write(mark, "m" * 100, n)
            if n % 10 == 9:
                await db.read(values)
        async with asyncio.timeout(10):
            while pages(url) > 1:
                await db.write(mark, "m", 0)
                await db.read(values)

    on(url, 1, work)


def pages(url: str) -> int:
    """Return how many pages the table of the journal has."""
    with closing(psycopg.connect(url.replace("+psycopg", ""))) as connection:
        size = connection.execute("SELECT pg_relation_size('write_journal') / 8192").fetchone()
    assert size
    return int(size[0])
