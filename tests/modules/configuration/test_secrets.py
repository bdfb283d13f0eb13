"""Secrets: who may reveal what, that each reveal is an act first, and that no ciphertext opens in another's place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from mainspring.db.engine import Database
from mainspring.engines.vault import open_vault
from mainspring.kit import events
from mainspring.kit.actors import LOCAL, Actor, ActorKind
from mainspring.kit.errors import (
    FailedPrecondition,
    Internal,
    InvalidArgument,
    MainspringError,
    NotFound,
    PermissionDenied,
    Unavailable,
)
from mainspring.kit.events import Event
from mainspring.kit.permissions import Role
from mainspring.modules.configuration import service
from mainspring.modules.configuration.schemas import Environment, Secret, SecretUpdate, SecretWrite
from mainspring.modules.services import Services
from mainspring.settings import Settings
from tests.modules.configuration.conftest import DEVELOPER, MAINTAINER, REPORTER, STRANGER, member

DEV = Environment.DEV
READER = member(Role.DEVELOPER, "ada")
PROGRAM = member(Role.DEVELOPER, "trainer", kind=ActorKind.SERVICE)
JOB = replace(READER, run_id="a" * 32)


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What was published, be it committed or not."""
    told: list[Event] = []
    monkeypatch.setattr(events, "_SUBSCRIBERS", [lambda _tx, event: told.append(event)])
    return told


@asynccontextmanager
async def open_services(url: str, folder: Path) -> AsyncIterator[Services]:
    db = Database(url)
    nothing: Any = None
    try:
        yield Services(db, nothing, Settings(data=folder))
    finally:
        await asyncio.to_thread(db.close)


def run(url: str, folder: Path, test: Callable[[Services], Awaitable[None]]) -> None:
    async def main() -> None:
        async with open_services(url, folder) as services:
            await test(services)

    asyncio.run(main())


async def put(services: Services, value: str = "value", name: str = "token", **more: Any) -> Secret:
    return await service.set_secret(services, more.pop("by", MAINTAINER), DEV, name, SecretWrite(value, **more))


async def reveal(services: Services, actor: Actor, name: str = "token", version: int | None = None) -> str:
    return (await service.reveal_secret(services, actor, DEV, name, version)).value


def test_who_may_reveal(url: str, tmp_path: Path, acts: list[Event]) -> None:
    async def test(services: Services) -> None:
        await put(services, readers=["ada", "trainer"])
        for actor in (MAINTAINER, LOCAL, READER, PROGRAM, JOB):
            assert await reveal(services, actor) == "value"
        with pytest.raises(PermissionDenied, match="must name the account among its readers"):
            await reveal(services, DEVELOPER)
        with pytest.raises(PermissionDenied, match="secrets:read"):
            await reveal(services, REPORTER)
        with pytest.raises(NotFound):
            await reveal(services, STRANGER)
        read = [(act.actor.name, act.allowed) for act in acts if act.action == "secret.read"]
        assert read[-1] == ("developer", False)
        assert [allowed for _, allowed in read] == [True] * 5 + [False]

    run(url, tmp_path, test)


def test_of_a_write_only_secret_only_programs_read(url: str, tmp_path: Path, acts: list[Event]) -> None:
    async def test(services: Services) -> None:
        await put(services, "old", readers=["ada", "trainer"])
        await services.db.write(service.update_secret, MAINTAINER, DEV, "token", SecretUpdate(write_only=True))
        for actor in (MAINTAINER, LOCAL, READER):
            with pytest.raises(PermissionDenied):
                await reveal(services, actor)
        assert [await reveal(services, actor) for actor in (PROGRAM, JOB)] == ["old", "old"]
        with pytest.raises(FailedPrecondition, match="only with a new value"):
            await services.db.write(service.update_secret, MAINTAINER, DEV, "token", SecretUpdate(write_only=False))
        await put(services, "new", write_only=False)
        assert await reveal(services, MAINTAINER) == "new"
        with pytest.raises(PermissionDenied):
            await reveal(services, MAINTAINER, version=1)

    run(url, tmp_path, test)


def test_who_may_write(url: str, tmp_path: Path) -> None:
    async def test(services: Services) -> None:
        await put(services)
        with pytest.raises(PermissionDenied):
            await put(services, by=DEVELOPER)
        for change in (
            services.db.write(service.update_secret, DEVELOPER, DEV, "token", SecretUpdate()),
            services.db.write(service.delete_secret, DEVELOPER, DEV, "token"),
            services.db.read(service.list_secrets, REPORTER, None, 10, None),
        ):
            with pytest.raises(PermissionDenied):
                await change
        assert (await services.db.read(service.list_secrets, STRANGER, None, 10, None)).items == []
        with pytest.raises(NotFound):
            await services.db.write(service.delete_secret, STRANGER, DEV, "token")

    run(url, tmp_path, test)


def test_without_its_act_there_is_no_value(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(services: Services) -> None:
        await put(services)

        def full(_tx: Connection, event: Event) -> None:
            if event.action == "secret.read":
                raise Unavailable("The log is full.")

        monkeypatch.setattr(events, "_SUBSCRIBERS", [full])
        with pytest.raises(Unavailable, match="The log is full"):
            await reveal(services, MAINTAINER)

    run(url, tmp_path, test)


def test_acts_and_errors_hold_no_value(url: str, tmp_path: Path, acts: list[Event]) -> None:
    async def test(services: Services) -> None:
        await put(services, "s3cret", readers=["ada"])
        await services.db.write(service.update_secret, MAINTAINER, DEV, "token", SecretUpdate("d"))
        await reveal(services, MAINTAINER)
        await services.db.write(service.delete_secret, MAINTAINER, DEV, "token")
        assert [act.action for act in acts] == ["secret.set", "secret.update", "secret.read", "secret.delete"]
        assert "s3cret" not in repr(acts)
        assert "s3cret" not in repr(SecretWrite("s3cret"))
        for wrong in ("s3cret" * 20_000, "", "s3cret\0"):
            with pytest.raises(InvalidArgument) as refused:
                await put(services, wrong)
            assert "s3cret" not in refused.value.message

    run(url, tmp_path, test)


CHANGES = {
    "ciphertext": "UPDATE secret_versions SET ciphertext = :bytes WHERE version = 2",
    "data key": "UPDATE secret_versions SET wrapped_key = :bytes WHERE version = 2",
    "another version's": (
        "UPDATE secret_versions SET ciphertext = (SELECT ciphertext FROM secret_versions one WHERE one.version = 1), "
        "wrapped_key = (SELECT wrapped_key FROM secret_versions one WHERE one.version = 1) WHERE version = 2"
    ),
    "another name's": "UPDATE secrets SET name = 'other' WHERE name = 'token'",
    "another environment's": "UPDATE secrets SET environment = 'dev' WHERE environment = 'staging'",
    "another project's": "UPDATE secrets SET project = 2",
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_in_the_database_does_not_open(url: str, tmp_path: Path, change: str) -> None:
    async def test(services: Services) -> None:
        elsewhere = Environment.STAGING if "environment" in change else DEV
        for value in ("first", "second"):
            await service.set_secret(services, MAINTAINER, elsewhere, "token", SecretWrite(value))

        def forge(tx: Connection) -> None:
            given = {"bytes": b"x" * 60} if ":bytes" in CHANGES[change] else {}
            tx.execute(text(CHANGES[change]), given)

        await services.db.write(forge)
        actor = STRANGER if "project" in change else MAINTAINER
        with pytest.raises(Internal, match="does not open"):
            await reveal(services, actor, "other" if "name" in change else "token", 2)

    run(url, tmp_path, test)


def test_a_lost_key_is_told_of(url: str, tmp_path: Path) -> None:
    async def test(services: Services) -> None:
        await put(services)
        keys = tmp_path / "secret-keys"
        kept = keys.rename(tmp_path / "kept")
        with pytest.raises(Unavailable, match="put it back from a backup"):
            await reveal(services, MAINTAINER)
        await put(services, name="other")  # makes a new file
        with pytest.raises(Unavailable, match="put it back from a backup"):
            await reveal(services, MAINTAINER)
        told = await service.list_keys(services, LOCAL)
        assert [(key.current, key.available, key.secrets) for key in told] == [(True, True, 1), (False, False, 1)]
        done = await service.rewrap_keys(services, LOCAL, None)
        assert (done.rewrapped, done.failed) == (0, 1)
        keys.write_text(kept.read_text() + keys.read_text())
        assert [await reveal(services, MAINTAINER, name) for name in ("token", "other")] == ["value", "value"]

    run(url, tmp_path, test)


def test_a_wrong_key_by_the_same_name_opens_nothing(url: str, tmp_path: Path) -> None:
    async def test(services: Services) -> None:
        await put(services)
        keys = tmp_path / "secret-keys"
        key_id = (await service.list_keys(services, LOCAL))[0].id
        keys.write_text(f"{key_id} {'A' * 43}=\n")
        with pytest.raises(Internal, match="the vault has another key by this id"):
            await reveal(services, MAINTAINER)
        keys.chmod(0o644)
        with pytest.raises(FailedPrecondition, match="chmod 600"):
            await reveal(services, MAINTAINER)

    run(url, tmp_path, test)


def test_two_that_write_at_once_both_count(url: str, tmp_path: Path) -> None:
    async def test(services: Services) -> None:
        await put(services, "first")
        made = await asyncio.gather(*(put(services, f"value {number}") for number in range(20)))
        assert sorted(secret.version for secret in made) == list(range(2, 22))
        for secret in made[:3]:
            assert (await reveal(services, MAINTAINER, version=secret.version)).startswith("value ")

    run(url, tmp_path, test)


def test_keys_are_for_those_who_manage_the_instance(url: str, tmp_path: Path) -> None:
    async def test(services: Services) -> None:
        for call in (
            service.list_keys(services, MAINTAINER),
            service.rotate_key(services, MAINTAINER),
            service.rewrap_keys(services, MAINTAINER, None),
        ):
            with pytest.raises(PermissionDenied):
                await call

    run(url, tmp_path, test)


def test_every_secret_comes_over_to_a_new_key_while_it_is_read(url: str, tmp_path: Path) -> None:
    async def test(services: Services) -> None:
        for number in range(120):
            await put(services, f"value {number}", f"s{number}")
        old = (await service.list_keys(services, LOCAL))[0].id
        await asyncio.gather(*(service.rotate_key(services, LOCAL) for _ in range(2)))
        reading = asyncio.create_task(read_all(services))
        await asyncio.gather(*(rewrap_all(services) for _ in range(2)))
        await reading
        told = await service.list_keys(services, LOCAL)
        assert (told[0].secrets, sum(key.secrets for key in told)) == (120, 120)
        assert old in {key.id for key in told}
        await read_all(services)

    async def read_all(services: Services) -> None:
        for number in range(120):
            assert await reveal(services, MAINTAINER, f"s{number}") == f"value {number}"

    async def rewrap_all(services: Services) -> None:
        token = None
        while (step := await service.rewrap_keys(services, LOCAL, token)).next_page_token:
            token = step.next_page_token

    run(url, tmp_path, test)


@pytest.fixture(autouse=True)
def forget_vaults() -> None:
    """Open the vault of each test anew."""
    open_vault.cache_clear()


def test_a_page_token_of_something_else(url: str, tmp_path: Path) -> None:
    async def test(services: Services) -> None:
        await put(services)
        with pytest.raises(MainspringError, match="page token"):
            await service.rewrap_keys(services, LOCAL, "x")

    run(url, tmp_path, test)
