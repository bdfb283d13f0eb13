"""Bytes that nothing names any more are dropped, and no others."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import Unavailable
from mainspring.modules.files import service, store
from mainspring.modules.files.schemas import ReleaseCreate
from mainspring.modules.files.service import unused
from mainspring.modules.files.tables import file_blobs
from mainspring.modules.services import Services
from tests.modules.files.conftest import add_project, put, read, stored


async def drop(services: Services, grace_ms: int = -1) -> int:
    return (await service.drop_unused(services, LOCAL, time.monotonic() + 10, grace_ms)).files


def test_what_is_named_stays(services: Services) -> None:
    async def scene() -> None:
        await put(services, "a", b"1")
        await put(services, "b", b"2")
        await services.db.write(service.create_release, LOCAL, ReleaseCreate("v1"))
        await put(services, "a", b"3")
        await services.db.write(service.delete_file, LOCAL, "b")
        assert (await drop(services), len(await stored(services))) == (0, 3)
        await put(services, "a", b"4")
        assert await drop(services, grace_ms=60_000) == 0
        assert (await drop(services), len(await stored(services))) == (1, 3)
        await services.db.write(service.delete_release, LOCAL, "v1")
        assert (await drop(services), await read(services, "a")) == (2, b"4")
        assert len(await stored(services)) == 1

    asyncio.run(scene())


def test_what_is_named_again_stays(services: Services) -> None:
    async def scene() -> None:
        await put(services, "a", b"1")
        await services.db.write(service.delete_file, LOCAL, "a")
        await put(services, "b", b"1")
        assert (await drop(services), await read(services, "b")) == (0, b"1")

    asyncio.run(scene())


def test_a_mark_that_is_wrong_is_taken_back(services: Services) -> None:
    async def scene() -> None:
        await put(services, "a", b"1")
        await services.db.write(lambda tx: tx.execute(update(file_blobs).values(unused_since=1)))
        assert (await drop(services), await read(services, "a")) == (0, b"1")
        left = await services.db.read(lambda tx: tx.execute(file_blobs.select()).one())
        assert left.unused_since is None

    asyncio.run(scene())


def test_whoever_is_killed_while_dropping_leaves_what_the_next_one_drops(services: Services) -> None:
    async def scene() -> None:
        await put(services, "a", b"1")
        await services.db.write(service.delete_file, LOCAL, "a")
        taken = await services.db.write(store.take_unused, 2**50, 0, 10)
        assert len(taken) == 1
        await put(services, "b", b"1")  # is not given the bytes that are going
        assert await drop(services) == 1
        assert (await read(services, "b"), len(await stored(services))) == (b"1", 1)

    asyncio.run(scene())


def test_what_was_left_half_way_is_dropped_after_days(services: Services) -> None:
    async def scene() -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield b"half"
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await service.put_file(services, LOCAL, "a", broken())
        assert await drop(services) == 0  # it may still be on its way
        await services.db.write(lambda tx: tx.execute(update(file_blobs).values(unused_since=1)))
        assert await drop(services) == 1
        assert await services.db.read(lambda tx: tx.execute(file_blobs.select()).all()) == []

    asyncio.run(scene())


def test_what_came_too_late_is_refused(services: Services) -> None:
    async def scene() -> None:
        async def slow() -> AsyncIterator[bytes]:
            yield b"late"
            await services.db.write(lambda tx: tx.execute(update(file_blobs).values(unused_since=1)))
            await drop(services)

        with pytest.raises(Unavailable, match="send it again"):
            await service.put_file(services, LOCAL, "a", slow())
        assert (await services.db.read(service.list_files, LOCAL)).items == []

    asyncio.run(scene())


def test_putting_and_dropping_at_once_loses_nothing(services: Services) -> None:
    """A few contents are put and deleted again and again while what is unused is dropped without a pause."""
    contents = [b"a", b"b", b"c"]
    chance = random.Random(7)

    async def change(path: str) -> None:
        for _ in range(15):
            content = chance.choice(contents)
            await put(services, path, content)
            assert await read(services, path) == content
            if chance.random() < 0.5:
                await services.db.write(service.delete_file, LOCAL, path)

    async def sweep(done: asyncio.Event) -> None:
        while not done.is_set():
            await drop(services)

    async def scene() -> None:
        done = asyncio.Event()
        sweeping = asyncio.create_task(sweep(done))
        await asyncio.gather(*(change(f"p{number}") for number in range(4)))
        done.set()
        await sweeping
        for file in (await services.db.read(service.list_files, LOCAL)).items:
            assert len(await read(services, file.path)) == 1
        await drop(services)
        named = {file.sha256 for file in (await services.db.read(service.list_files, LOCAL)).items}
        assert len(await stored(services)) == len(named)

    asyncio.run(scene())


def test_a_projects_bytes_go_with_it(services: Services) -> None:
    async def scene() -> None:
        other = await add_project(services)
        await put(services, "a", b"1")
        await put(services, "a", b"1", other)
        await put(services, "b", b"2", other)
        await services.db.write(service.create_release, other, ReleaseCreate("v1"))
        await service.put_dvc_object(services, other, "files/md5/d4/1d8cd98f00b204e9800998ecf8427e", nothing())
        await services.db.write(service.drop_project, LOCAL, other.project)
        gone = await service.erase_project(services, LOCAL, other.project, time.monotonic() + 10)
        assert (gone.files, gone.bytes, gone.complete) == (3, 2, True)
        assert await read(services, "a") == b"1"
        assert len(await stored(services)) == 1
        assert await services.db.read(unused.count_bytes, other.project) == 0
        assert await drop(services) == 0

    asyncio.run(scene())


def test_what_no_mark_tells_is_found(services: Services) -> None:
    async def scene() -> None:
        await put(services, "a", b"1")
        await put(services, "b", b"2")
        await services.db.write(store.delete_file, 1, "a")
        assert await drop(services) == 0
        await services.db.write(service.note_unnamed, LOCAL)
        assert (await drop(services), await read(services, "b")) == (1, b"2")

    asyncio.run(scene())


async def nothing() -> AsyncIterator[bytes]:
    return
    yield b""
