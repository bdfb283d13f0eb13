"""Releases: states of the files that stay as they were."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from mainspring.kit import events
from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from mainspring.kit.events import Event
from mainspring.kit.permissions import Role
from mainspring.modules.files import service
from mainspring.modules.files.schemas import Release, ReleaseCreate
from mainspring.modules.services import Services
from tests.modules.files.conftest import add_project, member, put, read


async def release(services: Services, tag: str, **more: str) -> Release:
    return await services.db.write(service.create_release, LOCAL, ReleaseCreate(tag, **more))


def test_a_release_stays_as_it_was(services: Services) -> None:
    async def scene() -> None:
        await put(services, "a", b"1")
        await put(services, "b/c", b"22")
        made = await release(services, "v1", name="The first", description="All of it.")
        assert (made.tag, made.name, made.files, made.size, made.created_by) == ("v1", "The first", 2, 3, "local")
        await put(services, "a", b"other")
        await services.db.write(service.delete_file, LOCAL, "b/c")
        await put(services, "new", b"x")
        for ref in ("v1", made.commit):
            page = await services.db.read(service.list_files, LOCAL, ref)
            assert [file.path for file in page.items] == ["a", "b/c"]
            assert (await read(services, "a", ref), await read(services, "b/c", ref)) == (b"1", b"22")
            with pytest.raises(NotFound):
                await services.db.read(service.get_file, LOCAL, "new", ref)
        assert await services.db.read(service.get_release, LOCAL, "v1") == made
        assert await read(services, "a") == b"other"
        pages = [
            (await services.db.read(service.list_files, LOCAL, "v1", "", 1, token)).next_page_token for token in [None]
        ]
        assert (await services.db.read(service.list_files, LOCAL, "v1", "", 1, pages[0])).items[0].path == "b/c"

    asyncio.run(scene())


def test_a_state_has_one_id(services: Services) -> None:
    async def state(ref: str = "main") -> str:
        return await services.db.read(service.state_id, LOCAL, ref)

    async def scene() -> None:
        assert await state() == hashlib.sha256(b"").hexdigest()
        await put(services, "b", b"2")
        await put(services, "a", b"1")
        lines = f"{hashlib.sha256(b'1').hexdigest()}  a\n{hashlib.sha256(b'2').hexdigest()}  b\n"
        first = await state()
        assert first == hashlib.sha256(lines.encode()).hexdigest()
        assert await state(first) == first
        made = await release(services, "v1", commit=first)
        assert made.commit == first == await state("v1")
        await put(services, "a", b"3")
        assert await state() != first
        with pytest.raises(FailedPrecondition, match="not in"):
            await release(services, "v2", commit=first)
        await put(services, "a", b"1")
        assert await state() == first

    asyncio.run(scene())


def test_releases_come_newest_first_in_pages(services: Services) -> None:
    async def scene() -> None:
        await put(services, "a", b"1")
        for number in range(5):
            await release(services, f"v{number}")
        found, token = [], None
        while True:
            page = await services.db.read(service.list_releases, LOCAL, 2, token)
            found += [each.tag for each in page.items]
            token = page.next_page_token
            if token is None:
                break
        assert found == ["v4", "v3", "v2", "v1", "v0"]
        other = await add_project(services)
        assert (await services.db.read(service.list_releases, other)).items == []
        with pytest.raises(NotFound):
            await services.db.read(service.get_release, other, "v1")

    asyncio.run(scene())


@pytest.mark.parametrize(
    "tag", ["", "main", "-v", ".v", "a/b", "a..b", "a b", "ä", "a\n", "v" * 101, "0" * 64, "%2e"], ids=repr
)
def test_tags_that_no_release_has(embedded: Services, tag: str) -> None:
    async def scene() -> None:
        await put(embedded, "a", b"1")
        with pytest.raises(InvalidArgument, match="tag"):
            await release(embedded, tag)

    asyncio.run(scene())


def test_what_is_not_released(services: Services) -> None:
    async def scene() -> None:
        with pytest.raises(FailedPrecondition, match="no files"):
            await release(services, "v1")
        await put(services, "a", b"1")
        await release(services, "v1")
        with pytest.raises(AlreadyExists, match="v1"):
            await release(services, "v1")
        with pytest.raises(PermissionDenied):
            await services.db.write(service.create_release, member(Role.REPORTER), ReleaseCreate("v2"))
        with pytest.raises(InvalidArgument, match="name"):
            await release(services, "v2", name="n" * 201)
        with pytest.raises(NotFound, match="v9"):
            await services.db.read(service.list_files, LOCAL, "v9")
        with pytest.raises(NotFound):
            await services.db.write(service.delete_release, LOCAL, "v9")

    asyncio.run(scene())


def test_acts_are_told(embedded: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Event] = []

    async def scene() -> None:
        await put(embedded, "a", b"1")
        monkeypatch.setattr(events, "_SUBSCRIBERS", [lambda _tx, event: told.append(event)])
        await release(embedded, "v1")
        await embedded.db.write(service.delete_release, LOCAL, "v1")

    asyncio.run(scene())
    assert [(event.action, event.object_id) for event in told] == [("release.create", "v1"), ("release.delete", "v1")]
    assert told[0].after is not None
    assert told[0].after["files"] == 1
