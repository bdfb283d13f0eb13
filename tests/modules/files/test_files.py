"""Files of a project: put, read, listed and deleted, over a real store and both databases."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, insert, update

from mainspring.kit import events
from mainspring.kit.actors import LOCAL, Actor
from mainspring.kit.errors import (
    FailedPrecondition,
    InvalidArgument,
    MainspringError,
    NotFound,
    PermissionDenied,
    TooLarge,
)
from mainspring.kit.events import Event
from mainspring.kit.permissions import Permission, Role
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.files import service
from mainspring.modules.projects.tables import projects, sources
from mainspring.modules.quotas import service as quotas
from mainspring.modules.quotas.schemas import QuotaChange, Resource
from mainspring.modules.services import Services
from tests.modules.files.conftest import add_project, chunks, member, put, read, stored


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def paths(services: Services, actor: Actor = LOCAL, **asked: str) -> list[str]:
    page = await services.db.read(service.list_files, actor, **asked)
    assert page.next_page_token is None
    return [file.path for file in page.items]


def test_a_file_is_what_was_put(services: Services) -> None:
    async def scene() -> None:
        file = await put(services, "data/train set/ünïcode.csv", b"a,b\n1,2\n")
        assert (file.size, file.sha256, file.created_by) == (8, sha256(b"a,b\n1,2\n"), "local")
        assert await services.db.read(service.get_file, LOCAL, file.path) == file
        assert await read(services, file.path) == b"a,b\n1,2\n"
        async with service.open_file(services, LOCAL, file.path, start=2, end=5) as part:
            assert (part.start, part.end, part.size, part.etag) == (2, 5, 8, file.sha256)
            assert b"".join([chunk async for chunk in part.chunks]) == b"b\n1"
        await put(services, file.path, b"")
        assert await read(services, file.path) == b""
        await services.db.write(service.delete_file, LOCAL, file.path)
        with pytest.raises(NotFound, match="ünïcode"):
            await services.db.read(service.get_file, LOCAL, file.path)
        with pytest.raises(NotFound):
            await services.db.write(service.delete_file, LOCAL, file.path)

    asyncio.run(scene())


def test_the_same_bytes_are_stored_once(services: Services) -> None:
    async def scene() -> None:
        for path in ("a", "b", "c/d"):
            await put(services, path, b"same")
        assert len(await stored(services)) == 1
        usage = await services.db.read(quotas.get_quotas, LOCAL)
        assert next(each.used for each in usage.items if each.resource is Resource.BYTES) == 4
        other = await add_project(services)
        await put(services, "a", b"same", other)
        assert len(await stored(services)) == 2

    asyncio.run(scene())


def test_pages_hold_what_begins_so_each_once(services: Services) -> None:
    async def scene() -> None:
        names = ["a", "data.csv", "data/1", "data/2", "data/ä", "data0", "b/\U0001f600"]
        for name in names:
            await put(services, name, name.encode())
        assert await paths(services) == sorted(names)
        assert await paths(services, prefix="data/") == ["data/1", "data/2", "data/ä"]
        assert await paths(services, prefix="b/") == ["b/\U0001f600"]
        found: list[str] = []
        token = None
        while True:
            page = await services.db.read(service.list_files, LOCAL, prefix="data", max_results=2, page_token=token)
            found += [file.path for file in page.items]
            token = page.next_page_token
            if token is None:
                break
            with pytest.raises(InvalidArgument, match="another"):
                await services.db.read(service.list_files, LOCAL, prefix="", max_results=2, page_token=token)
        assert found == ["data.csv", "data/1", "data/2", "data/ä", "data0"]

    asyncio.run(scene())


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_pages_have_a_size(embedded: Services, limit: int) -> None:
    with pytest.raises(InvalidArgument, match="max_results"):
        asyncio.run(embedded.db.read(service.list_files, LOCAL, max_results=limit))


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "/etc/passwd",
            "../up",
            "a/../../b",
            "a//b",
            "a/",
            "a\\b",
            "C:/x",
            "a\r\nSet-Cookie: x",
            "%2e%2e/x",
            "./a",
        ),
        *("a" * 256, "/".join(["a" * 250] * 4) + "/b"),
    ],
    ids=lambda path: repr(path[:20]),
)
def test_paths_that_no_file_has(embedded: Services, path: str) -> None:
    async def scene() -> None:
        with pytest.raises(InvalidArgument):
            await put(embedded, path, b"x")
        assert await stored(embedded) == set()
        assert await paths(embedded) == []

    asyncio.run(scene())


@pytest.mark.parametrize("path", ["a/b/c", "a/b", "a"])
def test_nothing_is_a_file_and_a_folder(services: Services, path: str) -> None:
    async def scene() -> None:
        await put(services, "a/b" if path != "a/b" else "a/b/c", b"x")
        with pytest.raises(FailedPrecondition, match="beside the file"):
            await put(services, path, b"y")
        await put(services, "a-b", b"z")

    asyncio.run(scene())


def test_what_was_announced_must_come(embedded: Services) -> None:
    async def scene() -> None:
        await put(embedded, "a", b"right", sha256=sha256(b"right"))
        with pytest.raises(InvalidArgument, match="announced"):
            await put(embedded, "a", b"wrong", sha256=sha256(b"other"))
        assert await read(embedded, "a") == b"right"

    asyncio.run(scene())


def test_conditions(services: Services) -> None:
    async def scene() -> None:
        first = await put(services, "a", b"1", if_none_match="*")
        with pytest.raises(FailedPrecondition, match="there already"):
            await put(services, "a", b"2", if_none_match="*")
        with pytest.raises(FailedPrecondition, match="read it again"):
            await put(services, "a", b"2", if_match=f'"{sha256(b"?")}"')
        with pytest.raises(FailedPrecondition, match="not there"):
            await put(services, "b", b"2", if_match="*")
        second = await put(services, "a", b"2", if_match=f'"x", "{first.sha256}"')
        with pytest.raises(FailedPrecondition):
            await services.db.write(service.delete_file, LOCAL, "a", f'"{first.sha256}"')
        await services.db.write(service.delete_file, LOCAL, "a", f'"{second.sha256}"')
        assert await paths(services) == []

    asyncio.run(scene())


def test_who_changes_a_file_meanwhile_is_not_overwritten(services: Services) -> None:
    async def scene() -> None:
        first = await put(services, "a", b"1")

        async def slow() -> AsyncIterator[bytes]:
            yield b"mine"
            await put(services, "a", b"theirs")

        with pytest.raises(FailedPrecondition):
            await service.put_file(services, LOCAL, "a", slow(), if_match=f'"{first.sha256}"')
        assert await read(services, "a") == b"theirs"

    asyncio.run(scene())


def test_a_body_that_breaks_changes_nothing(services: Services) -> None:
    async def scene() -> None:
        await put(services, "a", b"old")
        before = await stored(services)

        async def broken() -> AsyncIterator[bytes]:
            yield b"new"
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await service.put_file(services, LOCAL, "a", broken())
        assert await read(services, "a") == b"old"
        assert await stored(services) == before

    asyncio.run(scene())


ROLES = [Role.GUEST, Role.REPORTER, Role.DEVELOPER]


@pytest.mark.parametrize("role", ROLES, ids=[role.name for role in ROLES])
def test_guests_see_no_files_and_developers_write_them(embedded: Services, role: Role) -> None:
    async def allowed(call: object) -> bool:
        try:
            await call  # type: ignore[misc]
        except PermissionDenied:
            return False
        return True

    async def scene() -> None:
        await put(embedded, "a", b"1")
        who = member(role)
        reads = [
            await allowed(embedded.db.read(service.list_files, who)),
            await allowed(embedded.db.read(service.get_file, who, "a")),
            await allowed(read(embedded, "a", actor=who)),
            await allowed(embedded.db.read(service.list_releases, who)),
            await allowed(embedded.db.read(service.state_id, who)),
        ]
        assert set(reads) == {role >= Role.REPORTER}
        writes = [
            await allowed(put(embedded, "b", b"1", who)),
            await allowed(embedded.db.write(service.delete_file, who, "a")),
        ]
        assert set(writes) == {role >= Role.DEVELOPER}

    asyncio.run(scene())


def test_a_run_token_writes_no_files(embedded: Services) -> None:
    bearer = Actor("run", frozenset({Permission.ARTIFACTS_READ, Permission.PROJECT_READ}), run_id="0" * 32)
    with pytest.raises(PermissionDenied):
        asyncio.run(put(embedded, "a", b"1", bearer))


def test_projects_have_their_own_files(services: Services) -> None:
    async def scene() -> None:
        other = await add_project(services)
        await put(services, "mine", b"1")
        await put(services, "theirs", b"2", other)
        assert (await paths(services), await paths(services, other)) == (["mine"], ["theirs"])
        with pytest.raises(NotFound):
            await read(services, "mine", actor=other)

    asyncio.run(scene())


def test_a_mirrored_project_takes_no_files(services: Services) -> None:
    def mirror(tx: Connection, key: int) -> None:
        values = {"name": f"gitlab:https://g/{key}", "kind": "gitlab", "position": "", "failure": ""}
        source = tx.execute(insert(sources).values(values).returning(sources.c.id)).scalar_one()
        tx.execute(update(projects).where(projects.c.id == key).values(source=source))

    async def scene() -> None:
        other = await add_project(services)
        await services.db.write(mirror, other.project)
        with pytest.raises(FailedPrecondition, match="only mirrored here"):
            await put(services, "a", b"1", other)
        assert await stored(services) == set()

    asyncio.run(scene())


def test_acts_are_told(embedded: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Event] = []
    monkeypatch.setattr(events, "_SUBSCRIBERS", [lambda _tx, event: told.append(event)])

    async def scene() -> None:
        await put(embedded, "a", b"1")
        await put(embedded, "a", b"1")  # changes nothing
        await put(embedded, "a", b"22")
        await embedded.db.write(service.delete_file, LOCAL, "a")

    asyncio.run(scene())
    one, two = {"size": 1, "sha256": sha256(b"1")}, {"size": 2, "sha256": sha256(b"22")}
    assert [(event.action, event.object_id, event.before, event.after) for event in told] == [
        ("file.put", "a", None, one),
        ("file.put", "a", one, two),
        ("file.delete", "a", two, None),
    ]


def test_a_quota_of_bytes_ends_it(embedded: Services) -> None:
    async def scene() -> None:
        await embedded.db.write(quotas.change_quotas, LOCAL, QuotaChange({Resource.BYTES: 100}))
        await put(embedded, "a", b"x" * 80)
        with pytest.raises(TooLarge, match="room for 20 bytes"):
            await put(embedded, "b", b"y" * 21)
        await put(embedded, "b", b"y" * 20)
        with pytest.raises(TooLarge):
            await put(embedded, "c", b"z")
        assert await paths(embedded) == ["a", "b"]

    asyncio.run(scene())


@pytest.mark.parametrize("project", [1, 2])
def test_artifacts_do_not_reach_the_bytes_of_files(embedded: Services, project: int) -> None:
    """Neither by the proxy's paths, nor by locations that experiments choose, in whatever case."""

    async def refused(call: object) -> None:
        with pytest.raises(MainspringError):
            await call  # type: ignore[misc]

    async def scene() -> None:
        owner = LOCAL if project == 1 else await add_project(embedded)
        await put(embedded, "a", b"secret", owner)
        await service.put_dvc_object(embedded, owner, DVC_A, chunks(b"a"))
        before = await stored(embedded)
        assert len(before) == 2
        location = artifacts.own_location(owner.project, "")
        listed = await artifacts.list_artifacts(embedded, owner, location)
        assert listed.items == []
        for key in before | {key.upper() for key in before}:
            await refused(artifacts.open_artifact(embedded.blobs, owner, artifacts.ROOT, key))
            await refused(artifacts.head_artifact(embedded.blobs, owner, artifacts.ROOT, key))
            await refused(artifacts.put_artifact(embedded, owner, artifacts.ROOT, key, chunks(b"evil")))
            await refused(artifacts.delete_artifact(embedded, owner, artifacts.ROOT, key))
            await refused(artifacts.list_artifacts(embedded, owner, artifacts.ROOT, key.rpartition("/")[0]))
            await refused(artifacts.begin_upload(embedded, owner, artifacts.ROOT, key, 1, "0" * 64))
            await refused(artifacts.delete_artifact(embedded, owner, artifacts.ROOT, key.rpartition("/")[0]))
        for folder in (artifacts.FILES, artifacts.DVC):
            await refused(artifacts.delete_artifact(embedded, owner, location, folder))
        assert await stored(embedded) == before

    asyncio.run(scene())


DVC_A = "files/md5/0c/c175b9c0f1b6a831c399e269772661"
