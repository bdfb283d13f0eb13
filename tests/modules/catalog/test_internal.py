"""Internal projects: somebody inside brings them, member or not, and only who is inside is shown them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import Connection, update

from mainspring.engines.sources.gitlab import GitlabSource
from mainspring.engines.sources.gitlab_records import time_of
from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.catalog.service import syncing
from mainspring.modules.catalog.service.categories import OWN
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.service import SourceAccess, source_access
from mainspring.modules.projects.service import sources as mirrors
from mainspring.modules.projects.tables import source_changes, sources
from mainspring.modules.services import Services
from mainspring.settings import Settings
from tests.gitlab_double.app import GitLabDouble, create_app
from tests.gitlab_double.data import Project
from tests.modules.catalog.conftest import FAST, TOPICS, World
from tests.modules.catalog.test_syncing import ANYONE, ON_ONE, PUBLIC, WINE, items

URL, DEFAULT = "https://gitlab.test", "double-default-token"
WINES = {(WINE, "ai-model"), (WINE, "dataset")}
SHIPS_PATH, WINE_PATH = "eo-lab/restricted-ship-detector", "ml-samples/wine-quality"


@pytest.fixture
def shared(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which people sign in by the GitLab that is read."""
    monkeypatch.setattr(source_access, "_on_seen", [partial(syncing.take_own, categories=OWN)])
    by_gitlab = {"gitlab_url": URL, "gitlab_client_id": "app", "gitlab_client_secret": "secret"}
    return replace(world, settings=Settings(data=world.settings.data, auth="oidc", **by_gitlab))


def public_gitlab(double: GitLabDouble) -> GitlabSource:
    """Return a source that reads a double with a token that is shown what is public there."""
    transport = httpx.ASGITransport(double, raise_app_exceptions=False)
    return GitlabSource(URL, DEFAULT, TOPICS, limits=FAST, transport=transport)


async def come_by(services: Services, *names: str) -> list[Actor]:
    """Let people send their tokens of GitLab, and return who they are here."""
    access = SourceAccess(services)
    keys = [(await access.vouch(f"double-{name}")).user for name in names]
    return [Actor(f"account {key}", frozenset({Permission.PROJECTS_DISCOVER}), 0, key) for key in keys]


async def sync(services: Services, **position: int) -> None:
    """Do what the tasks do, as if the pause since the last listing were over."""
    await services.db.write(_end_pause, **position)
    await syncing.list_sources(services)
    while await syncing.read_changes(services):
        pass


def _end_pause(tx: Connection, **position: int) -> None:
    record = mirrors.know_source(tx, f"gitlab:{URL}")
    moved = msgspec.structs.replace(syncing.position_of(record), **{"listed_at": 0, **position})
    tx.execute(update(sources).values(position=msgspec.json.encode(moved).decode()))
    tx.execute(update(source_changes).where(source_changes.c.noted_at > now_ms()).values(noted_at=now_ms()))


def seen_by(tx: Connection, actor: Actor) -> set[str]:
    return {each.path for each in projects.search_projects(tx, actor).items}


def calls(double: GitLabDouble, user: str | None = None) -> int:
    """Return how often a GitLab was asked by an account, or at all, since this was last called."""
    number = len([each for each in double.log if user in (None, each["user"])])
    double.log.clear()
    return number


def test_somebody_inside_who_is_no_member_brings_internal_projects(shared: World, double: GitLabDouble) -> None:
    async def work(services: Services) -> None:
        await sync(services)
        assert (await services.db.read(items)).keys() == PUBLIC
        [eve] = await come_by(services, "eve")
        assert WINE_PATH not in await services.db.read(seen_by, eve)
        await syncing.list_sources(services)  # by the task, although the pause of other listings is not over
        assert WINE_PATH in await services.db.read(seen_by, eve)
        while await syncing.read_changes(services):
            pass
        found = await services.db.read(items)
        assert found.keys() == PUBLIC | WINES
        assert not found[WINE, "dataset"].warnings
        assert found[WINE, "dataset"].assets.keys() >= {"wine-quality.csv"}
        [portal] = await come_by(services, "portal")
        for nobody in (ANYONE, portal):
            assert WINE_PATH not in await services.db.read(seen_by, nobody)
        for somebody in await come_by(services, "eve", "dave"):
            assert WINE_PATH in await services.db.read(seen_by, somebody)
        assert SHIPS_PATH not in await services.db.read(seen_by, eve)

    shared.run(work, public_gitlab(double))


@ON_ONE
def test_who_is_outside_brings_nothing(shared: World, double: GitLabDouble) -> None:
    async def work(services: Services) -> None:
        await sync(services)
        await come_by(services, "portal")
        calls(double)
        await syncing.list_sources(services)
        await sync(services, full_at=0)
        assert not [each for each in double.log if "visibility=" in each["query"]]
        assert (await services.db.read(items)).keys() == PUBLIC

    shared.run(work, public_gitlab(double))


@ON_ONE
def test_an_idle_pass_is_one_call_and_none_by_an_account(shared: World, double: GitLabDouble) -> None:
    async def work(services: Services) -> None:
        await sync(services)
        await come_by(services, "eve")
        calls(double)
        await syncing.list_sources(services)
        assert calls(double) <= len(TOPICS) + 2  # whose the token is, and a page for each topic
        for _ in range(3):
            await sync(services)
        calls(double)
        await come_by(services, "eve")
        asked = calls(double)
        await sync(services)
        assert calls(double, "portal") <= 1
        await come_by(services, "eve")
        await sync(services)
        assert calls(double, "eve") <= asked  # by the token itself, and by no pass

    shared.run(work, public_gitlab(double))


@ON_ONE
def test_many_are_listed_in_pages_and_only_what_is_new_is_read(shared: World) -> None:
    double = create_app(bulk=101)
    for project in bulk(double):
        project.visibility = "internal"

    async def work(services: Services) -> None:
        await sync(services)
        await come_by(services, "eve")
        calls(double)
        await syncing.list_sources(services)
        assert calls(double) <= len(TOPICS) + 2 + 1
        while await syncing.read_changes(services):
            pass
        assert len(await services.db.read(items)) == 101 + len(PUBLIC | WINES)
        await sync(services)
        calls(double)
        await sync(services, inside_at=0)
        assert not [each for each in double.log if "/projects/" in each["path"]]
        await sync(services, full_at=0)
        assert not [each for each in double.log if "/projects/" in each["path"]]

    shared.run(work, public_gitlab(double))


def bulk(double: GitLabDouble) -> list[Project]:
    return [each for each in double.projects.values() if each.path.startswith("bulk-")]


def test_what_becomes_internal_changes_or_is_closed_is_seen_by_the_next_full_pass(
    shared: World, double: GitLabDouble
) -> None:
    async def work(services: Services) -> None:
        [eve] = await come_by(services, "eve")
        await sync(services)
        notes = double.projects[106]
        notes.visibility, notes.topics = "internal", ["sharinghub:processor"]
        wine = double.projects[103]
        wine.description, wine.last_activity_at = "Another text", time_of(now_ms())
        await sync(services, full_at=0)
        found = await services.db.read(items)
        assert ("alice-notes", "processor") in found
        assert found[WINE, "dataset"].properties["description"] == "Another text"
        notes.visibility = "private"
        del double.projects[103]
        await sync(services, full_at=0)
        assert (await services.db.read(items)).keys() == PUBLIC
        assert not {WINE_PATH, "alice/notes"} & await services.db.read(seen_by, eve)

    shared.run(work, public_gitlab(double))


@ON_ONE
@pytest.mark.parametrize(
    "fault",
    [{"status": 429, "retry_after": 60}, {"status": 502}, {"status": 401}, {"mode": "bad_json"}],
    ids=["429", "502", "401", "bad JSON"],
)
def test_a_pass_that_fails_is_tried_again_and_holds_up_nothing_else(
    shared: World, double: GitLabDouble, fault: dict[str, Any]
) -> None:
    async def work(services: Services) -> None:
        await sync(services)
        await come_by(services, "eve")
        with_internal = list_projects_of(double)
        double.faults = [{"match": "/api/v4/projects$", **fault}]
        await syncing.list_sources(services)
        double.faults = []
        assert with_internal() > 0
        await syncing.list_sources(services)
        assert with_internal() == 0  # not before a pause
        record = await services.db.read(mirrors.know_source, f"gitlab:{URL}")
        assert record.failed_at is None
        before = syncing.position_of(record).inside_at
        assert now_ms() - before <= syncing.INSIDE_EVERY_MS

    shared.run(work, public_gitlab(double))


def list_projects_of(double: GitLabDouble) -> Any:
    def asked() -> int:
        number = len([each for each in double.log if "visibility=internal" in each["query"]])
        double.log.clear()
        return number

    return asked
