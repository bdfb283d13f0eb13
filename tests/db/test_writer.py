"""The group-commit writer: who waits together shares a commit, and nobody shares a failure."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, event, text
from sqlalchemy.exc import DBAPIError

from mainspring.db import writer
from mainspring.db.engine import check_url
from mainspring.db.journal import SharedJournal, write_journal
from mainspring.db.writer import Grouped, GroupWriter
from mainspring.kit.errors import Internal, InvalidArgument, MainspringError, RateLimited, Unavailable
from mainspring.kit.sql_engines import create_write_engine, insert_rows


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/writer.db"
    return check_url(request.getfixturevalue("postgres_database"))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """A database with one table of a unique number."""
    engine = create_write_engine(url)
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY, thread INTEGER)"))
        write_journal.create(tx)
    yield engine
    engine.dispose()


def insert(tx: Connection, n: int) -> int:
    tx.execute(text("INSERT INTO numbers VALUES (:n, 0)"), {"n": n})
    return n


def refuse(tx: Connection, n: int) -> int:
    insert(tx, n)
    raise InvalidArgument(f"{n} is refused")


def stumble(tx: Connection, n: int) -> int:
    insert(tx, n)
    raise KeyError(n)


def break_statement(tx: Connection, n: int) -> int:
    insert(tx, n)
    tx.execute(text("SELECT * FROM no_such_table"))
    return n


def lose_a_race(tx: Connection, n: int) -> int:
    """Insert by the driver's own cursor what another process may have inserted meanwhile."""
    taken = tx.execute(text("SELECT n FROM numbers WHERE n = :n"), {"n": n}).first()
    if taken:
        raise InvalidArgument(f"{n} is taken")
    if n not in raced:
        raced.add(n)
        insert_rows(tx, NUMBERS, ("n",), [(n,)], ignore=False)
    insert_rows(tx, NUMBERS, ("n",), [(n,)], ignore=False)
    return n


NUMBERS = Table("numbers", MetaData(), Column("n", Integer, primary_key=True))
raced: set[int] = set()


def _insert_many(tx: Connection, calls: list[tuple[Any, ...]]) -> Sequence[int | MainspringError]:
    outcomes: list[int | MainspringError] = []
    for (n,) in calls:
        outcomes.append(InvalidArgument(f"{n} is refused") if n < 0 else insert(tx, n))
    return outcomes


insert_many: Grouped[[int], int] = Grouped(_insert_many)


def _stumble_many(tx: Connection, calls: list[tuple[Any, ...]]) -> Sequence[int]:
    for (n,) in calls:
        insert(tx, n)
    if len(calls) > 1:
        raise InvalidArgument("not several at once")
    return [n for (n,) in calls]


stumble_many: Grouped[[int], int] = Grouped(_stumble_many)


class Gate:
    """A first write that holds the writer's thread until it is opened, so that what follows gathers into a group."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self, tx: Connection) -> None:
        self.entered.set()
        assert self.opened.wait(30)

    __name__ = "gate"


def stored(engine: Engine) -> list[int]:
    with engine.begin() as tx:
        return sorted(n for (n,) in tx.execute(text("SELECT n FROM numbers")))


def together(engine: Engine, *writes: tuple[Any, ...]) -> list[Any]:
    """Submit (write, argument…) as one group and return each result or error; the writer is closed."""

    async def run() -> list[Any]:
        group, gate = GroupWriter(engine, SharedJournal()), Gate()
        first = asyncio.create_task(group.submit(gate))
        await asyncio.to_thread(gate.entered.wait)
        rest = [asyncio.create_task(group.submit(write, *arguments)) for write, *arguments in writes]
        await asyncio.sleep(0)
        gate.opened.set()
        outcomes = await asyncio.gather(first, *rest, return_exceptions=True)
        await asyncio.to_thread(group.close)
        return outcomes[1:]

    return asyncio.run(run())


def test_what_the_driver_refuses_is_tried_again(engine: Engine) -> None:
    raced.clear()
    assert together(engine, (lose_a_race, 1), (insert, 2)) == [1, 2]
    assert stored(engine) == [1, 2]


@pytest.mark.parametrize(
    ("bad", "error"),
    [(refuse, InvalidArgument), (stumble, Internal), (break_statement, Internal)],
    ids=["refused", "a defect", "a wrong statement"],
)
def test_a_failed_member_fails_alone(engine: Engine, bad: Any, error: type[Exception]) -> None:
    outcomes = together(engine, (insert, 1), (bad, 2), (insert, 3), (insert_many, 4))
    assert [type(outcome) for outcome in outcomes] == [int, error, int, int]
    assert stored(engine) == [1, 3, 4]


def test_a_key_that_is_taken_fails_alone(engine: Engine) -> None:
    outcomes = together(engine, (insert, 1), (insert, 1), (insert, 2))
    assert [type(outcome) for outcome in outcomes] == [int, Internal, int]
    assert stored(engine) == [1, 2]


def test_a_refused_call_of_a_grouped_write_fails_alone(engine: Engine) -> None:
    outcomes = together(engine, (insert_many, 1), (insert_many, -1), (insert, 2), (insert_many, 3))
    assert [type(outcome) for outcome in outcomes] == [int, InvalidArgument, int, int]
    assert stored(engine) == [1, 2, 3]


def test_a_grouped_write_that_raises_is_never_taken_for_done(engine: Engine) -> None:
    assert together(engine, (stumble_many, 1), (stumble_many, 2), (insert, 3)) == [1, 2, 3]
    assert stored(engine) == [1, 2, 3]


def test_a_group_is_one_transaction(engine: Engine) -> None:
    commits: list[object] = []
    event.listen(engine, "commit", commits.append)
    together(engine, *((insert, n) for n in range(100)))
    assert len(commits) == 2  # the gate's, and that of the hundred
    assert stored(engine) == list(range(100))


def test_arguments_by_name_reach_a_write_and_are_refused_by_a_grouped_one(engine: Engine) -> None:
    async def run() -> None:
        group = GroupWriter(engine, SharedJournal())
        assert await group.submit(insert, n=7) == 7
        with pytest.raises(TypeError, match="by position"):
            await group.submit(insert_many, n=8)
        with pytest.raises(TypeError, match="by position"), engine.begin() as tx:
            insert_many(tx, n=8)
        await asyncio.to_thread(group.close)

    asyncio.run(run())
    assert stored(engine) == [7]


def test_a_caller_that_goes_away_disturbs_nobody(engine: Engine) -> None:
    async def run() -> None:
        group, gate = GroupWriter(engine, SharedJournal()), Gate()
        first = asyncio.create_task(group.submit(gate))
        await asyncio.to_thread(gate.entered.wait)
        gone, stays = asyncio.create_task(group.submit(insert, 1)), asyncio.create_task(group.submit(insert, 2))
        await asyncio.sleep(0)
        gone.cancel()
        gate.opened.set()
        await first
        assert await stays == 2
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert await group.submit(insert, 3) == 3
        await asyncio.to_thread(group.close)

    asyncio.run(run())
    assert stored(engine) == [1, 2, 3]


def test_a_loop_that_is_gone_disturbs_nobody(engine: Engine) -> None:
    group, gate = GroupWriter(engine, SharedJournal()), Gate()

    async def leave() -> None:
        task = asyncio.create_task(group.submit(gate))
        await asyncio.to_thread(gate.entered.wait)
        task.cancel()

    async def run() -> int:
        return await group.submit(insert, 5)

    asyncio.run(leave())
    gate.opened.set()
    assert asyncio.run(run()) == 5
    group.close()


def test_close_commits_what_waits(engine: Engine) -> None:
    async def run() -> list[int]:
        group, gate = GroupWriter(engine, SharedJournal()), Gate()
        first = asyncio.create_task(group.submit(gate))
        await asyncio.to_thread(gate.entered.wait)
        waiting = [asyncio.create_task(group.submit(insert, n)) for n in range(10)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(group.close))
        await asyncio.sleep(0.05)
        with pytest.raises(Unavailable, match="stopping"):
            await group.submit(insert, 99)
        gate.opened.set()
        await asyncio.gather(first, closing)
        return await asyncio.gather(*waiting)

    assert asyncio.run(run()) == list(range(10))
    assert stored(engine) == list(range(10))


def test_too_many_that_wait_are_sent_away(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_PENDING", 3)
    outcomes = together(engine, *((insert, n) for n in range(5)))
    assert [type(outcome) for outcome in outcomes] == [int, int, int, RateLimited, RateLimited]
    assert stored(engine) == [0, 1, 2]


def test_more_than_one_group_of_them(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_GROUP", 7)
    assert together(engine, *((insert, n) for n in range(50))) == list(range(50))
    assert stored(engine) == list(range(50))


def test_deadlocks_are_tried_again(postgres_database: str) -> None:
    """Two processes that lock two rows in opposite order: the database ends one of them, and it is tried again."""
    url = check_url(postgres_database)
    engines = [create_write_engine(url), create_write_engine(url)]
    with engines[0].begin() as tx:
        write_journal.create(tx)
        tx.execute(text("CREATE TABLE rows (n INTEGER PRIMARY KEY, hits INTEGER NOT NULL)"))
        tx.execute(text("INSERT INTO rows VALUES (1, 0), (2, 0)"))
    both, tries = threading.Barrier(2), []

    def hit(tx: Connection, first: int, second: int) -> None:
        tries.append(first)
        tx.execute(text("UPDATE rows SET hits = hits + 1 WHERE n = :n"), {"n": first})
        if len(tries) <= 2:
            both.wait(30)
        tx.execute(text("UPDATE rows SET hits = hits + 1 WHERE n = :n"), {"n": second})

    async def run() -> None:
        writers = [GroupWriter(engine, SharedJournal()) for engine in engines]
        await asyncio.gather(writers[0].submit(hit, 1, 2), writers[1].submit(hit, 2, 1))
        for each in writers:
            await asyncio.to_thread(each.close)

    asyncio.run(run())
    with engines[0].begin() as tx:
        assert [hits for (hits,) in tx.execute(text("SELECT hits FROM rows ORDER BY n"))] == [2, 2]
    assert len(tries) > 2
    for engine in engines:
        engine.dispose()


def test_a_lone_defect_is_not_tried_for_ever(engine: Engine) -> None:
    tries: list[int] = []

    def fail(tx: Connection) -> None:
        tries.append(1)
        tx.execute(text("SELECT * FROM no_such_table"))

    [outcome] = together(engine, (fail,))
    assert isinstance(outcome, Internal)
    assert isinstance(outcome.__cause__, DBAPIError | None)
    assert len(tries) == writer.ATTEMPTS
