"""The index follows a GitLab: what arrives, what changes, what goes, and what happens when something fails."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, select, update

from mainspring.engines.sources import Source, SourceProject
from mainspring.engines.sources.gitlab_records import time_of
from mainspring.kit.actors import LOCAL, NOBODY, Actor
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.catalog import service as catalog
from mainspring.modules.catalog.schemas import CatalogSource, SyncRequest, SyncState
from mainspring.modules.catalog.service import looking, syncing
from mainspring.modules.catalog.service.categories import OWN
from mainspring.modules.catalog.service.entries import Content
from mainspring.modules.catalog.tables import catalog_items, catalog_values
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.service import Place
from mainspring.modules.projects.service import sources as mirrors
from mainspring.modules.projects.tables import source_changes, sources
from mainspring.modules.services import Services
from tests.gitlab_double.app import GitLabDouble, create_app
from tests.modules.catalog.conftest import GITLAB, TOPICS, World, gitlab

MODEL, DATASET, PROCESSOR = "ai-model", "dataset", "processor"
FLOOD, WINE = ("eo-lab-flood-model", MODEL), "ml-samples-wine-quality"
SHIPS = ("eo-lab-restricted-ship-detector", MODEL)
PUBLIC = {
    FLOOD,
    ("eo-lab-sen1floods11-dataset", DATASET),
    ("eo-lab-level-two-ndwi-processor", PROCESSOR),
    ("eo-lab-empty-model", MODEL),
    ("eo-lab-broken-metadata", MODEL),
    ("eo-lab-attic-model", MODEL),
}
ALL = PUBLIC | {(WINE, MODEL), (WINE, DATASET), SHIPS}
ANYONE = Actor(NOBODY.name, frozenset({Permission.PROJECTS_DISCOVER}), kind=NOBODY.kind)
ON_ONE = pytest.mark.parametrize("template", ["sqlite"], indirect=True)
"""What does not depend on the database is tried on one."""
Items = dict[tuple[str, str], Content]


async def sync(services: Services) -> None:
    """List what has changed, as if the pause since the last listing were over, and read all that is to be read."""
    await services.db.write(end_pause)
    await syncing.list_sources(services)
    while await syncing.read_changes(services):
        pass


async def settle(services: Services) -> None:
    """Read all, and once more what had changed shortly before: of that a source may have more to tell."""
    await sync(services)
    await sync(services)


def end_pause(tx: Connection, **position: int) -> None:
    """Let it be long ago that anything was listed, or could not be read."""
    record = mirrors.know_source(tx, f"gitlab:{GITLAB}")
    moved = msgspec.structs.replace(syncing.position_of(record), listed_at=0, **position)
    tx.execute(update(sources).values(position=msgspec.json.encode(moved).decode()))
    tx.execute(update(source_changes).where(source_changes.c.noted_at > now_ms()).values(noted_at=now_ms()))


async def sync_all(services: Services) -> None:
    """List all projects, as is done now and then."""
    await services.db.write(end_pause, full_at=0)
    await sync(services)


def items(tx: Connection) -> Items:
    found = tx.execute(select(catalog_items.c.slug, catalog_items.c.collection, catalog_items.c.content))
    return {(slug, collection): msgspec.json.decode(text, type=Content) for slug, collection, text in found}


def state(tx: Connection, source: Source) -> CatalogSource:
    [found] = catalog.list_source_states(tx, LOCAL, [source.name])
    return found


def indexed_at(tx: Connection) -> dict[str, int]:
    return {row[0]: row[1] for row in tx.execute(select(catalog_items.c.slug, catalog_items.c.indexed_at))}


def waiting(tx: Connection) -> list[str]:
    return sorted(tx.execute(select(source_changes.c.external_id)).scalars())


def anyone_sees(tx: Connection) -> set[str]:
    return {each.path for each in projects.search_projects(tx, ANYONE).items}


def calls(double: GitLabDouble) -> int:
    """Return how often a GitLab was asked since this was last called."""
    number = len(double.log)
    double.log.clear()
    return number


def commit(double: GitLabDouble, project: int, name: str, content: str) -> None:
    """Change a file of a project, of which GitLab says that it is active now."""
    changed = double.projects[project]
    double.commit(changed, {**changed.files, name: content.encode()}, "change", next(iter(double.users.values())))
    changed.last_activity_at = time_of(now_ms())


def test_all_of_a_gitlab_arrives(world: World, double: GitLabDouble) -> None:
    async def work(services: Services) -> None:
        [source] = services.sources.values()
        await sync(services)
        found = await services.db.read(items)
        assert found.keys() == ALL
        assert found[FLOOD].properties["title"] != ""
        assert found[FLOOD].assets.keys()
        assert [each.code for each in found["eo-lab-broken-metadata", MODEL].warnings] != []
        assert "<script" not in found["eo-lab-broken-metadata", MODEL].readme
        assert not found["eo-lab-empty-model", MODEL].warnings
        project = await services.db.read(projects.acting_in, LOCAL, Place("eo-lab/attic-model"))
        assert Permission.TRACKING_WRITE not in project.permissions
        now = await services.db.read(state, source)
        assert (now.state, now.projects, now.waiting, now.failure) == (SyncState.CURRENT, 8, 0, "")
        seen = await services.db.read(anyone_sees)
        assert {path.replace("/", "-") for path in seen} == {slug for slug, _ in PUBLIC}

    world.run(work, gitlab(double))


def test_nothing_is_read_or_written_again_that_has_not_changed(world: World, double: GitLabDouble) -> None:
    async def work(services: Services) -> None:
        await settle(services)
        before = await services.db.read(indexed_at)
        calls(double)
        await syncing.list_sources(services)  # the pause is not over
        assert calls(double) == 0
        await sync(services)
        assert calls(double) <= 1
        await sync_all(services)
        listing = calls(double)
        assert listing <= len(services.settings.categories) + 6  # a page for each topic, and none of a project
        assert await services.db.read(indexed_at) == before

    world.run(work, gitlab(double))


def test_a_change_is_read_and_no_other_project_is(world: World, double: GitLabDouble) -> None:
    async def work(services: Services) -> None:
        await settle(services)
        before = await services.db.read(indexed_at)
        await asyncio.sleep(0.01)
        commit(double, 104, "readme.md", "---\ntitle: Water index\nlicense: MIT\n---\n# NDWI\n")
        calls(double)
        await sync(services)
        assert calls(double) <= 6
        after = await services.db.read(indexed_at)
        assert {slug for slug in after if after[slug] != before[slug]} == {"eo-lab-level-two-ndwi-processor"}
        found = await services.db.read(items)
        assert found["eo-lab-level-two-ndwi-processor", PROCESSOR].properties["title"] == "Water index"

    world.run(work, gitlab(double))


@ON_ONE
def test_large_files_have_their_own_size_and_checksum_and_are_asked_for_once(
    world: World, double: GitLabDouble
) -> None:
    def sizes() -> int:
        return len([each for each in double.log if each["path"] == "/api/graphql"])

    async def work(services: Services) -> None:
        await sync(services)
        assert sizes() == 5  # of the projects that show files
        found = await services.db.read(items)
        [(digest, whole)] = double.projects[101].lfs.items()
        asset = found[FLOOD].assets["checkpoints/flood-unet.onnx"]
        assert (asset["file:size"], asset["file:checksum"]) == (len(whole), f"1220{digest}")
        assert any("/file/" in each for each in found[FLOOD].extensions)
        table = found[WINE, DATASET].assets["wine-quality.csv"]
        assert table["file:size"] == len(double.projects[103].files["wine-quality.csv"])
        assert "file:checksum" not in table
        before = await services.db.read(indexed_at)
        for path in ("eo-lab/flood-model", "eo-lab/sen1floods11-dataset", "ml-samples/wine-quality"):
            await services.db.write(catalog.request_sync, LOCAL, SyncRequest(project=path), ())
        calls(double)
        await sync(services)
        assert sizes() == 0
        assert await services.db.read(indexed_at) == before

    world.run(work, gitlab(double))


@ON_ONE
def test_where_sizes_are_not_told_the_item_is_without(world: World, double: GitLabDouble) -> None:
    async def work(services: Services) -> None:
        double.faults = [{"match": "/api/graphql", "status": 403}, {"match": "onnx/raw", "status": 403}]
        await sync(services)
        assert "file:size" not in (await services.db.read(items))[FLOOD].assets["checkpoints/flood-unet.onnx"]

    world.run(work, gitlab(double))


def test_stars_are_taken_over_without_reading_anything(world: World, double: GitLabDouble) -> None:
    def stars(tx: Connection) -> list[Any]:
        of = (catalog_items.c.slug == FLOOD[0],)
        named = select(catalog_values.c.number).join(catalog_items).where(catalog_values.c.name == "sharinghub:stars")
        return [
            tx.execute(select(catalog_items.c.stars).where(*of)).scalar_one(),
            tx.execute(named.where(*of)).scalar_one(),
            items(tx)[FLOOD].properties["sharinghub:stars"],
        ]

    async def work(services: Services) -> None:
        await sync(services)
        double.projects[101].starrers = {1, 2, 3, 4, 5}
        calls(double)
        await sync_all(services)
        assert not [each for each in double.log if "/projects/" in each["path"]]
        assert await services.db.read(stars) == [5, 5, 5]
        before = await services.db.read(indexed_at)
        await services.db.write(catalog.request_sync, LOCAL, SyncRequest(project="eo-lab/flood-model"), ())
        await sync(services)
        assert await services.db.read(indexed_at) == before  # what was put in is what would have been made

    world.run(work, gitlab(double))


def test_a_project_that_moves_is_the_same_item(world: World, double: GitLabDouble) -> None:
    async def work(services: Services) -> None:
        await sync(services)
        double.projects[101].path = "water-model"
        double.projects[101].last_activity_at = time_of(now_ms())
        await sync(services)
        assert (await services.db.read(items)).keys() == ALL
        old, new = Place("eo-lab/flood-model"), Place("eo-lab/water-model")
        assert await services.db.read(projects.find_place, old) == await services.db.read(projects.find_place, new)

    world.run(work, gitlab(double))


def test_what_loses_its_topic_leaves_the_catalog_and_what_gains_one_comes(world: World, double: GitLabDouble) -> None:
    async def work(services: Services) -> None:
        await sync(services)
        double.projects[101].topics = ["water"]
        double.projects[103].topics = ["sharinghub:dataset"]
        double.projects[106].topics = ["sharinghub-processor"]
        await sync_all(services)
        assert (await services.db.read(items)).keys() == ALL - {FLOOD, (WINE, MODEL)} | {("alice-notes", PROCESSOR)}
        assert "eo-lab/flood-model" in await services.db.read(anyone_sees)
        double.projects[101].visibility = "private"
        await sync_all(services)
        assert "eo-lab/flood-model" not in await services.db.read(anyone_sees)
        double.projects[101].topics = ["sharinghub:aimodel"]
        await sync_all(services)
        assert FLOOD in await services.db.read(items)

    world.run(work, gitlab(double))


def test_what_is_deleted_or_hidden_there_is_seen_by_nobody_here(world: World, double: GitLabDouble) -> None:
    async def work(services: Services) -> None:
        await sync(services)
        flood = double.projects.pop(101)
        double.projects[102].visibility = "private"
        await sync_all(services)
        gone = {FLOOD, ("eo-lab-sen1floods11-dataset", DATASET)}
        assert (await services.db.read(items)).keys() == PUBLIC - gone
        assert not {"eo-lab/flood-model", "eo-lab/sen1floods11-dataset"} & await services.db.read(anyone_sees)
        kept = await services.db.read(projects.find_place, Place("eo-lab/flood-model"))
        calls(double)
        await sync_all(services)
        assert not [each for each in double.log if "/projects/" in each["path"]]  # it is not asked for again and again
        double.projects[101] = flood
        await sync_all(services)
        assert FLOOD in await services.db.read(items)
        back = await services.db.read(projects.find_place, Place("eo-lab/flood-model"))
        assert (back.key, back.visibility, back.archived_at) == (kept.key, "public", None)

    world.run(work, gitlab(double, "double-default-token"))


FAULTS = {
    "429": {"status": 429, "retry_after": 60},
    "502": {"status": 502},
    "dropped": {"mode": "drop"},
    "bad JSON": {"mode": "bad_json"},
    "500": {"status": 500},
}


@ON_ONE
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_gitlab_that_fails_when_it_is_listed_leaves_what_there_was_and_is_stale(
    world: World, double: GitLabDouble, fault: dict[str, Any]
) -> None:
    async def work(services: Services) -> None:
        [source] = services.sources.values()
        await sync(services)
        double.faults = [{"match": "/api/v4/projects$", **fault}]
        await sync(services)
        assert (await services.db.read(items)).keys() == ALL
        stale = await services.db.read(state, source)
        assert stale.state is SyncState.STALE
        assert stale.stale_since is not None
        assert stale.failure.startswith("GitLab at http://gitlab.test")
        assert "double-root" not in stale.failure
        assert list((await services.db.read(catalog.stale_sources)).values()) == [stale.stale_since]
        await sync(services)
        assert (await services.db.read(state, source)).stale_since == stale.stale_since  # since when, not when last
        commit(double, 104, "readme.md", "---\ntitle: Later\n---\n")
        double.faults = []

    async def later(services: Services) -> None:
        [source] = services.sources.values()
        await sync(services)
        assert (await services.db.read(state, source)).state is SyncState.CURRENT
        found = await services.db.read(items)
        assert found["eo-lab-level-two-ndwi-processor", PROCESSOR].properties["title"] == "Later"

    world.run(work, gitlab(double))
    world.run(later, gitlab(double))


@ON_ONE
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_project_that_cannot_be_read_stops_no_other_and_is_read_later(
    world: World, double: GitLabDouble, fault: dict[str, Any]
) -> None:
    async def work(services: Services) -> None:
        double.faults = [{"match": "/projects/102/repository/tree", **fault}]
        await sync(services)
        found = await services.db.read(items)
        assert found.keys() == ALL
        bare = found["eo-lab-sen1floods11-dataset", DATASET]
        assert "files_not_readable" in [each.code for each in bare.warnings]
        assert "102" in await services.db.read(waiting)  # where it limits us, others wait too
        assert not await syncing.read_changes(services)  # not before its time

    async def later(services: Services) -> None:
        double.faults = []
        await sync(services)
        assert await services.db.read(waiting) == []
        whole = (await services.db.read(items))["eo-lab-sen1floods11-dataset", DATASET]
        assert "files_not_readable" not in [each.code for each in whole.warnings]
        assert whole.bbox is not None

    world.run(work, gitlab(double))
    world.run(later, gitlab(double))


@ON_ONE
def test_files_that_were_readable_stay_in_the_index_while_they_are_not(world: World, double: GitLabDouble) -> None:
    async def work(services: Services) -> None:
        await sync(services)
        before = (await services.db.read(items))[FLOOD]
        double.projects[101].last_activity_at = time_of(now_ms())
        double.faults = [{"match": "/projects/101/repository", "status": 502}]
        await sync(services)
        assert (await services.db.read(items))[FLOOD] == before

    world.run(work, gitlab(double))


@ON_ONE
@pytest.mark.parametrize("after", [0, 3, 9, 21, 40])
def test_who_dies_in_the_middle_loses_nothing(world: World, double: GitLabDouble, after: int) -> None:
    """A process ends at its n-th question of GitLab; another one goes on, and repeats no more than was under way."""
    source = gitlab(double)

    async def dying(services: Services) -> None:
        running = asyncio.create_task(sync(services))
        while not running.done() and len(double.log) < after:
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def work(services: Services) -> None:
        await sync(services)
        assert (await services.db.read(items)).keys() == ALL
        assert await services.db.read(waiting) == []

    world.run(dying, source)
    world.run(work, gitlab(double))


def test_what_nobody_but_its_members_is_shown_is_not_taken_away_for_want_of_a_token(
    world: World, double: GitLabDouble
) -> None:
    async def work(services: Services) -> None:
        await sync_all(services)

    def take(tx: Connection, source: Source, own: list[SourceProject]) -> None:
        catalog.take_own(tx, mirrors.know_source(tx, source.name), own, OWN)

    async def shown_to_members(services: Services) -> None:
        [source] = services.sources.values()
        await sync(services)
        own = [project async for page in source.list_own("double-bob") for project in page]
        await services.db.write(take, source, own)
        await sync_all(services)
        assert (await services.db.read(items)).keys() == ALL

    async def shown_before(services: Services) -> None:
        await sync_all(services)
        assert (await services.db.read(items)).keys() == PUBLIC

    world.run(shown_to_members, gitlab(double, "double-default-token"))
    world.run(work, gitlab(double))
    world.run(shown_before, gitlab(double, "double-default-token"))


@ON_ONE
def test_a_project_that_no_database_can_keep_is_left_out_and_the_others_are_not(
    world: World, double: GitLabDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = gitlab(double)
    listing = source.list_changed

    async def list_changed(since: int | None, token: str | None = None) -> AsyncIterator[list[SourceProject]]:
        async for page in listing(since, token):
            yield [replace(each, created_at=2**70) if each.id == "102" else each for each in page]

    monkeypatch.setattr(source, "list_changed", list_changed)

    async def work(services: Services) -> None:
        await sync(services)
        assert (await services.db.read(items)).keys() == ALL - {("eo-lab-sen1floods11-dataset", DATASET)}
        assert (await services.db.read(state, source)).state is SyncState.CURRENT

    world.run(work, source)


@ON_ONE
def test_an_installation_names_categories_of_its_own(world: World, double: GitLabDouble) -> None:
    double.projects[106].topics = ["notes"]
    world.settings = replace(world.settings, categories="note=Notes=notes,jottings")

    async def work(services: Services) -> None:
        await sync(services)
        assert (await services.db.read(items)).keys() == ALL | {("alice-notes", "note")}

    world.run(work, gitlab(double, topics=(*TOPICS, "notes", "jottings")))


@ON_ONE
def test_a_webhook_tells_of_a_project_that_is_gone(world: World, double: GitLabDouble) -> None:
    async def work(services: Services) -> None:
        await sync(services)
        for project in (101, 105):
            double.projects.pop(project)
            path = {101: "eo-lab/flood-model", 105: "eo-lab/restricted-ship-detector"}[project]
            await services.db.write(catalog.request_sync, LOCAL, SyncRequest(project=path), ())
        assert await syncing.read_changes(services)
        assert (await services.db.read(items)).keys() == ALL - {FLOOD, SHIPS}
        assert await services.db.read(waiting) == []
        hidden = await services.db.read(projects.find_place, Place("eo-lab/flood-model"))
        assert (hidden.visibility, hidden.archived_at is None) == ("private", False)

    world.run(work, gitlab(double))


@ON_ONE
def test_a_source_is_read_anew_when_it_is_asked_for(world: World, double: GitLabDouble) -> None:
    async def work(services: Services) -> None:
        [source] = services.sources.values()
        await sync(services)
        double.projects[101].topics = []
        await services.db.write(catalog.request_sync, LOCAL, SyncRequest(source=source.name), [source.name])
        await syncing.list_sources(services)
        while await syncing.read_changes(services):
            pass
        assert FLOOD not in await services.db.read(items)
        double.projects[102].topics = []
        await services.db.write(catalog.request_sync, LOCAL, SyncRequest(project="EO-lab/sen1floods11-dataset"), ())
        assert await syncing.read_changes(services)
        assert ("eo-lab-sen1floods11-dataset", DATASET) not in await services.db.read(items)

    world.run(work, gitlab(double))


@ON_ONE
def test_three_hundred_projects_take_a_few_calls_each_and_little_memory(world: World) -> None:
    double = create_app(bulk=300)

    async def work(services: Services) -> None:
        await sync(services)
        assert len(await services.db.read(items)) == 300 + len(ALL)
        asked = calls(double)
        assert asked <= 308 * 4 + 17
        await sync(services)
        calls(double)
        await sync(services)
        assert calls(double) <= 1
        tracemalloc.start()
        await sync_all(services)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 12_000_000
        assert calls(double) <= 14

    world.run(work, gitlab(double))


def test_a_member_who_comes_by_brings_what_only_members_may_see(
    world: World, double: GitLabDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source's own token is one that sees public projects alone."""
    tokens: list[str] = []

    async def token_of_member(_services: Services, _project: int) -> str | None:
        return tokens[0] if tokens else None

    monkeypatch.setattr(looking, "token_of_member", token_of_member)

    async def come_by(services: Services, token: str) -> None:
        [source] = services.sources.values()
        own = [project async for page in source.list_own(token) for project in page]

        def keep(tx: Connection) -> None:
            catalog.take_own(tx, mirrors.know_source(tx, source.name), own, catalog.categories_of(services.settings))

        await services.db.write(keep)
        while await syncing.read_changes(services):
            pass

    async def work(services: Services) -> None:
        await sync(services)
        assert (await services.db.read(items)).keys() == PUBLIC
        await come_by(services, "double-dave")  # a guest there, with whose token no file can be read
        listed = await services.db.read(items)
        assert listed.keys() == PUBLIC | {SHIPS}
        assert "files_not_readable" in [each.code for each in listed[SHIPS].warnings]
        await sync_all(services)
        assert (await services.db.read(items)).keys() == PUBLIC | {SHIPS}
        tokens[:] = ["double-bob"]
        await come_by(services, "double-bob")
        whole = await services.db.read(items)
        assert whole.keys() == ALL
        assert "files_not_readable" not in [each.code for each in whole[SHIPS].warnings]
        assert SHIPS[0] not in {path.replace("/", "-") for path in await services.db.read(anyone_sees)}
        await sync_all(services)
        assert (await services.db.read(items)).keys() == ALL

    world.run(work, gitlab(double, "double-default-token"))
