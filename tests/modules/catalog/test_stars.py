"""Stars: of projects at home kept here, of others given where they come from, and tokens that go nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection

from mainspring.kit.actors import LOCAL, Actor, ActorKind
from mainspring.kit.errors import FailedPrecondition, MainspringError, PermissionDenied, Unauthenticated, Unavailable
from mainspring.kit.permissions import ROLE_PERMISSIONS, Permission, Role
from mainspring.modules.catalog import service as catalog
from mainspring.modules.catalog.service import stars, syncing
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import ProjectCreate
from mainspring.modules.projects.service import Place
from mainspring.modules.services import Services
from tests.gitlab_double.app import GitLabDouble
from tests.modules.catalog.conftest import GITLAB, World, gitlab
from tests.modules.catalog.test_syncing import sync

pytestmark = pytest.mark.parametrize("template", ["sqlite"], indirect=True)
GUEST = ROLE_PERMISSIONS[Role.GUEST]
BOB = Actor("bob", GUEST, key=7, kind=ActorKind.USER)


def make(tx: Connection) -> int:
    projects.create_project(tx, LOCAL, ProjectCreate("team/churn", topics=["sharinghub:aimodel"]))
    return projects.acting_in(tx, LOCAL, Place("team/churn")).project


def count(tx: Connection, key: int) -> int:
    return projects.count_stars(tx, key)


def test_everyone_who_sees_a_project_may_star_it_once(world: World) -> None:
    async def work(services: Services) -> None:
        key = await services.db.write(make)
        for actor in (LOCAL, BOB, BOB):
            await catalog.star_project(services, replace(actor, project=key), True)
        assert await services.db.read(count, key) == 2
        for _ in range(2):
            await catalog.star_project(services, replace(BOB, project=key), False)
        assert await services.db.read(count, key) == 1

    world.run(work)


@pytest.mark.parametrize(
    ("actor", "error"),
    [
        (Actor("nobody", frozenset({Permission.PROJECT_READ}), kind=ActorKind.NOBODY), Unauthenticated),
        (replace(BOB, limits=GUEST), PermissionDenied),
        (replace(BOB, run_id="r"), PermissionDenied),
        (replace(BOB, permissions=frozenset({Permission.SIGNED_IN})), PermissionDenied),
    ],
    ids=["nobody", "a token that reads", "a run's token", "no role"],
)
def test_others_may_not(world: World, actor: Actor, error: type[MainspringError]) -> None:
    async def work(services: Services) -> None:
        key = await services.db.write(make)
        with pytest.raises(error):
            await catalog.star_project(services, replace(actor, project=key), True)
        assert await services.db.read(count, key) == 0

    world.run(work)


def test_a_project_of_gitlab_is_starred_there_as_who_asks(
    world: World, double: GitLabDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["double-carol"]

    async def token_of(_services: Services, _actor: Actor) -> str | None:
        return given[0] if given else None

    monkeypatch.setattr(stars, "token_of", token_of)

    async def work(services: Services) -> None:
        await sync(services)
        flood = (await services.db.read(projects.find_place, Place("eo-lab/flood-model"))).key
        bob = replace(BOB, project=flood)
        before = set(double.projects[101].starrers)
        with pytest.raises(FailedPrecondition, match="Star it at http"):  # people sign in elsewhere
            await catalog.star_project(services, bob, True)
        assert double.projects[101].starrers == before
        monkeypatch.setattr(stars, "source_of_sign_ins", lambda _settings: f"gitlab:{GITLAB}")
        for on, change in ((True, 1), (True, 1), (False, 0), (False, 0)):
            await catalog.star_project(services, bob, on)
            assert len(double.projects[101].starrers) == len(before) + change
            assert await syncing.read_changes(services)
        assert {each["user"] for each in double.log if each["path"].endswith("star")} == {"carol"}
        given.clear()
        with pytest.raises(FailedPrecondition, match="knows no account of yours"):
            await catalog.star_project(services, bob, True)

    async def without(services: Services) -> None:
        flood = (await services.db.read(projects.find_place, Place("eo-lab/flood-model"))).key
        with pytest.raises(Unavailable, match="not read any more"):
            await catalog.star_project(services, replace(BOB, project=flood), True)

    world.run(work, gitlab(double))
    world.run(without)
