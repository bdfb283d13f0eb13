"""Who waits for changes: how many may, what they cost, and that nobody is forgotten."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from mainspring.db.engine import Database
from mainspring.kit.actors import LOCAL, Actor
from mainspring.kit.errors import NotFound, PermissionDenied, RateLimited
from mainspring.modules.configuration import service
from mainspring.modules.configuration.schemas import DocumentUpdate, Environment
from mainspring.modules.configuration.service import Asking, Changes, Level, watching
from tests.modules.configuration.conftest import DEVELOPER, REPORTER

DEV = Environment.DEV


def asking(actor: Actor = REPORTER, again: Callable[[], Awaitable[Actor]] | None = None) -> Asking:
    async def same() -> Actor:
        return actor

    return Asking(actor, again or same, asyncio.Event())


async def put(db: Database, value: int, name: str = "train") -> int:
    update = DocumentUpdate({"n": value})
    return (await db.write(service.set_document, LOCAL, name, Level(DEV), update)).revision


def run(url: str, test: Callable[[Database, Changes], Awaitable[None]]) -> None:
    async def main() -> None:
        db = Database(url)
        try:
            await test(db, Changes(lambda: db))
        finally:
            await asyncio.to_thread(db.close)

    asyncio.run(main())


def test_many_wait_without_threads_and_all_are_told(url: str) -> None:
    async def test(db: Database, changes: Changes) -> None:
        seen = await put(db, 0)
        await put(db, 0, "other")
        threads = threading.active_count()
        waiting = [
            asyncio.create_task(changes.wait(asking(), "train", DEV, seen, 20))
            for _ in range(watching.MAX_LISTENERS_EACH)
        ]
        await asyncio.sleep(0.6)
        assert threading.active_count() <= threads + 8  # those that read, which all share
        await put(db, 1, "other")
        await asyncio.sleep(0.6)
        assert not any(task.done() for task in waiting)
        await put(db, 1)
        assert {(await task).value["n"] for task in waiting} == {1}

    run(url, test)


def test_one_account_cannot_take_all_places(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MAX_LISTENERS_EACH", 2)

    async def test(db: Database, changes: Changes) -> None:
        seen = await put(db, 0)
        waiting = [asyncio.create_task(changes.wait(asking(), "train", DEV, seen, 0.5)) for _ in range(2)]
        await asyncio.sleep(0.1)
        for call in (changes.wait(asking(), "train", DEV, seen, 1), changes.follow(asking(), "train", DEV, seen)):
            with pytest.raises(RateLimited, match="2 of one account"):
                await call
        assert (await changes.wait(asking(DEVELOPER), "train", DEV, seen, 0.1)).revision == seen
        await asyncio.gather(*waiting)
        assert (await changes.wait(asking(), "train", DEV, seen, 0)).revision == seen

    run(url, test)


def test_what_there_is_to_refuse_is_refused_at_once(url: str) -> None:
    async def test(db: Database, changes: Changes) -> None:
        with pytest.raises(NotFound):
            await changes.follow(asking(), "nothing", DEV, None)
        with pytest.raises(NotFound):
            await changes.wait(asking(), "nothing", DEV, 1, 10)

    run(url, test)


def test_a_stream_ends_with_the_right_to_it_and_with_the_server(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "RECHECK_S", 0.1)

    async def refuse() -> Actor:
        raise PermissionDenied("The key was revoked.")

    async def test(db: Database, changes: Changes) -> None:
        await put(db, 0)
        events = await changes.follow(asking(again=refuse), "train", DEV, None)
        assert len([event async for event in events]) == 1
        who = asking()
        events = await changes.follow(who, "train", DEV, None)
        asyncio.get_running_loop().call_later(0.3, who.stopping.set)
        assert len([event async for event in events]) == 1
        with pytest.raises(PermissionDenied):
            await changes.wait(asking(again=refuse), "train", DEV, await put(db, 1), 10)

    run(url, test)


def test_silence_is_broken_now_and_then(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "RECHECK_S", 0.05)
    monkeypatch.setattr(watching, "HEARTBEAT_S", 0.1)

    async def test(db: Database, changes: Changes) -> None:
        await put(db, 0)
        async with aclosing(await changes.follow(asking(), "train", DEV, None)) as events:
            told = [await anext(events) for _ in range(2)]
        assert told[0].startswith(b"id: ")
        assert told[1] == b": nothing new\n\n"

    run(url, test)


def test_a_database_that_was_put_back_is_noticed(url: str) -> None:
    async def test(db: Database, changes: Changes) -> None:
        await put(db, 7)
        async with aclosing(await changes.follow(asking(), "train", DEV, 10**9)) as events:
            assert b'{"n":7}' in await anext(events)

    run(url, test)
