"""A folder of git repositories in the catalog: the same index, without accounts and without a network."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection

from mainspring.engines.sources.git_folder import GitFolder
from mainspring.kit.actors import LOCAL, NOBODY, Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.permissions import Permission
from mainspring.modules.catalog import service as catalog
from mainspring.modules.catalog.schemas import SyncRequest, SyncState
from mainspring.modules.catalog.service import syncing
from mainspring.modules.catalog.service.opening import open_sources
from mainspring.modules.projects.service import source_access
from mainspring.modules.services import Services
from mainspring.settings import Settings
from tests.components.git_repositories import Repository
from tests.modules.catalog.conftest import TOPICS, World
from tests.modules.catalog.test_syncing import items

ITEM = ("team-waves", "dataset")
ANYONE = Actor(NOBODY.name, frozenset({Permission.PROJECTS_DISCOVER}), kind=NOBODY.kind)


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """What opening sources has others call is gone after each test."""
    monkeypatch.setattr(source_access, "_on_seen", [])


def readme(title: str) -> bytes:
    return f"---\ntitle: {title}\ntopics: [sharinghub:dataset]\n---\n# {title}\n".encode()


async def sync(services: Services) -> None:
    await services.db.write(catalog.request_sync, LOCAL, SyncRequest(), services.sources.keys())
    await syncing.list_sources(services)
    while await syncing.read_changes(services):
        pass


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
def test_a_folder_is_followed(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "repositories"
    waves = Repository(folder / "team" / "waves.git")
    now = int(time.time())
    waves.commit({"README.md": readme("Waves"), "data.csv": b"a,b\n"}, now - 100)
    source = GitFolder(str(folder), "", TOPICS)

    def states(tx: Connection, actor: Actor) -> list[tuple[str, SyncState, int, str]]:
        found = catalog.list_source_states(tx, actor, [source.name])
        return [(each.name, each.state, each.projects, each.failure) for each in found]

    async def work(services: Services) -> None:
        assert await services.db.read(states, LOCAL) == [(source.name, SyncState.NEW, 0, "")]
        await sync(services)
        assert (await services.db.read(items))[ITEM].properties["title"] == "Waves"
        assert await services.db.read(states, LOCAL) == [(source.name, SyncState.CURRENT, 1, "")]
        assert await services.db.read(states, ANYONE) == [("git", SyncState.CURRENT, 0, "")]  # it is private
        waves.commit({"README.md": readme("Long waves")}, now - 50)
        await sync(services)
        assert (await services.db.read(items))[ITEM].properties["title"] == "Long waves"
        folder.rename(tmp_path / "elsewhere")
        await sync(services)
        [(name, state, _, failure)] = await services.db.read(states, LOCAL)
        assert (name, state, failure != "") == (source.name, SyncState.STALE, True)
        [(name, state, _, failure)] = await services.db.read(states, ANYONE)
        assert (name, state, failure) == ("git", SyncState.STALE, "")
        assert ITEM in await services.db.read(items)
        (tmp_path / "elsewhere").rename(folder)
        shutil.rmtree(folder / "team" / "waves.git")
        await sync(services)
        assert await services.db.read(items) == {}

    async def without(services: Services) -> None:
        [found] = await services.db.read(catalog.list_source_states, LOCAL, [])
        assert found.state is SyncState.UNUSED

    world.run(work, source)
    world.run(without)


def test_the_settings_name_sources(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path,
        gitlab_url="https://gitlab.example.org/",
        sources=f"git:{tmp_path}, gitea:https://git.example.org,",
    )
    assert sorted(open_sources(settings)) == [
        f"git:{tmp_path}",
        "gitea:https://git.example.org",
        "gitlab:https://gitlab.example.org",
    ]
    assert open_sources(Settings(data=tmp_path)) == {}


@pytest.mark.parametrize("sources", ["svn:/x", "gitlab:", "git:relative", "nothing"])
def test_a_setting_that_names_none_is_refused(tmp_path: Path, sources: str) -> None:
    with pytest.raises(InvalidArgument, match=r"[Ss]ource"):
        open_sources(Settings(data=tmp_path, sources=sources))
