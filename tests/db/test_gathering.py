"""Writes of clients that each wait for their answer are committed together; who comes alone waits for nobody."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from mainspring.db import gathering
from mainspring.db.engine import Database, check_url
from mainspring.db.gathering import PATIENCE_S, Gathering
from mainspring.db.journal import write_journal
from mainspring.db.lookups import Lookup
from mainspring.db.writer import MAX_GROUP, Grouped
from mainspring.kit.sql_engines import create_write_engine

CLIENTS, ROUNDS = 16, 20


class Begun:
    """A gathering that notes how many had come whenever it began."""

    def __init__(self, usual: int) -> None:
        self.waiting = 0
        self.groups: list[int] = []
        self.gathering = Gathering(self.begin)
        self.gathering.usual = usual

    def begin(self) -> None:
        self.groups.append(self.waiting)
        self.waiting = 0

    def come(self, count: int = 1) -> None:
        for _ in range(count):
            self.waiting += 1
            self.gathering.come(asyncio.get_running_loop(), self.waiting)


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_who_comes_alone_waits_for_nobody() -> None:
    async def run() -> None:
        for usual in (0, 1):
            begun = Begun(usual)
            begun.come()
            await turns()
            assert begun.groups == [1]

    asyncio.run(run())


def test_it_begins_once_as_many_wait_as_usual() -> None:
    async def run() -> None:
        begun = Begun(3)
        begun.come(2)
        await turns()
        assert begun.groups == []
        begun.come(2)  # the fourth of the same turn goes along
        await turns()
        assert begun.groups == [4]

    asyncio.run(run())


def test_it_does_not_wait_for_long() -> None:
    async def run() -> None:
        begun = Begun(3)
        for _ in range(2):
            begun.come()
            await asyncio.sleep(PATIENCE_S * 10)
        assert begun.groups == [1, 1]

    asyncio.run(run())


def test_it_begins_in_a_new_event_loop_though_the_last_one_ended_before_it_began() -> None:
    begun = Begun(3)

    async def run(*, wait: bool) -> None:
        begun.come()
        if wait:
            await asyncio.sleep(PATIENCE_S * 10)

    asyncio.run(run(wait=False))
    asyncio.run(run(wait=True))
    assert begun.groups == [2]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with nothing but a journal in it."""
    url = f"sqlite:///{tmp_path}/g.db" if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    engine = create_write_engine(check_url(url))
    write_journal.create(engine)
    engine.dispose()
    return url


def count(tx: Connection, calls: list[tuple[Any, ...]]) -> list[None]:
    """Note how many went together, and write nothing."""
    groups = calls[0][0]
    groups.append(len(calls))
    return [None] * len(calls)


Ask = Callable[[Database, list[int]], Coroutine[Any, Any, None]]


def groups_of(url: str, ask: Ask) -> list[int]:
    """Return how many went together when clients asked for the next once they had their answer each."""
    groups: list[int] = []

    async def client(db: Database) -> None:
        for _ in range(ROUNDS):
            await ask(db, groups)

    async def run() -> None:
        db = Database(url)
        try:
            await asyncio.gather(*(client(db) for _ in range(CLIENTS)))
        finally:
            db.close()

    asyncio.run(run())
    assert sum(groups) == CLIENTS * ROUNDS
    return groups


def test_writes_of_many_clients_are_committed_together(url: str) -> None:
    write: Grouped[[list[int]], None] = Grouped(count)
    assert len(groups_of(url, lambda db, groups: db.write(write, groups))) <= 2 * ROUNDS


def test_lookups_of_many_clients_go_together(postgres_database: str) -> None:
    lookup: Lookup[[list[int]], None] = Lookup(count)
    groups = groups_of(postgres_database, lambda db, groups: db.look_up_undeferred(lookup, groups))
    assert len(groups) <= 2 * ROUNDS


def test_who_stays_alone_waits_for_the_others_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "PATIENCE_S", 0.5)
    write: Grouped[[list[int]], None] = Grouped(count)

    async def run() -> float:
        db = Database(url)
        try:
            await asyncio.gather(*(db.write(write, []) for _ in range(CLIENTS)))
            began = time.monotonic()
            for _ in range(10):
                await db.write(write, [])
            return time.monotonic() - began
        finally:
            db.close()

    assert asyncio.run(run()) < 2.5  # it would be 5 s if each of them waited


def test_more_than_a_group_is_written_though_nobody_else_comes(url: str) -> None:
    write: Grouped[[list[int]], None] = Grouped(count)

    async def run() -> list[int]:
        db, groups = Database(url), list[int]()
        try:
            async with asyncio.timeout(30):
                await asyncio.gather(*(db.write(write, groups) for _ in range(MAX_GROUP + 88)))
        finally:
            db.close()
        return groups

    assert asyncio.run(run()) == [MAX_GROUP, 88]
