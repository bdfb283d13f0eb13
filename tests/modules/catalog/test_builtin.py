"""Projects that are at home here: their items follow each act, in the transaction of the act."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
from sqlalchemy import Connection, delete, func, select

from mainspring.kit.actors import LOCAL, Actor
from mainspring.kit.time import now_ms
from mainspring.modules.catalog import service as catalog
from mainspring.modules.catalog.service import builtin, indexing
from mainspring.modules.catalog.service.entries import Content, Description
from mainspring.modules.catalog.tables import catalog_items, catalog_values
from mainspring.modules.files import service as files
from mainspring.modules.files.schemas import ReleaseCreate
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import ProjectCreate, ProjectUpdate
from mainspring.modules.projects.service import Place
from mainspring.modules.services import Services
from tests.modules.catalog.conftest import World

CARD = "---\ntitle: Churn\nlicense: MIT\nassets:\n  - '*.onnx'\n---\n# Churn\nWho leaves.\n"
PATH = "team/churn"


def items(tx: Connection) -> dict[tuple[str, str], Content]:
    found = tx.execute(select(catalog_items.c.slug, catalog_items.c.collection, catalog_items.c.content))
    return {(slug, collection): msgspec.json.decode(text, type=Content) for slug, collection, text in found}


def entries(tx: Connection) -> list[tuple[str, str, int]]:
    found = select(catalog_items.c.collection, catalog_items.c.etag, catalog_items.c.indexed_at)
    return [tuple(row) for row in tx.execute(found.order_by(catalog_items.c.collection))]


def make(tx: Connection, *topics: str, path: str = PATH, readme: str = CARD) -> Actor:
    """Make a project, and return the owner in it."""
    projects.create_project(tx, LOCAL, ProjectCreate(path, readme=readme, topics=[*topics]))
    return projects.acting_in(tx, LOCAL, Place(path))


def change(tx: Connection, actor: Actor, **values: object) -> None:
    projects.update_project(tx, actor, msgspec.convert(values, ProjectUpdate))


def test_an_item_is_there_when_its_project_is(tx: Connection) -> None:
    make(tx, "sharinghub:aimodel", "SharingHub:Dataset", "customers")
    found = items(tx)
    assert found.keys() == {("team-churn", "ai-model"), ("team-churn", "dataset")}
    model = found["team-churn", "ai-model"]
    assert (model.properties["title"], model.properties["license"]) == ("Churn", "MIT")
    assert "Who leaves." in model.readme


def test_items_follow_each_act(tx: Connection) -> None:
    actor = make(tx)
    assert items(tx) == {}
    change(tx, actor, topics=["sharinghub:aimodel"])
    assert items(tx).keys() == {("team-churn", "ai-model")}
    change(tx, actor, readme=CARD.replace("Churn", "Leaving"))
    assert items(tx)["team-churn", "ai-model"].properties["title"] == "Leaving"
    change(tx, actor, path="team/leaving")
    assert items(tx).keys() == {("team-churn", "ai-model")}
    change(tx, actor, topics=["sharinghub:dataset"])
    assert items(tx).keys() == {("team-churn", "dataset")}
    projects.delete_project(tx, actor)
    assert items(tx) == {}
    projects.restore_project(tx, LOCAL, "team/leaving")
    assert items(tx).keys() == {("team-churn", "dataset")}
    change(tx, actor, topics=[])
    assert items(tx) == {}
    assert tx.execute(select(func.count()).select_from(catalog_values)).scalar_one() == 0


def test_nothing_is_written_where_nothing_changes(tx: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    actor = make(tx, "sharinghub:aimodel")
    description = builtin.tell(tx, actor.project).description  # type: ignore[union-attr]
    before = entries(tx)
    monkeypatch.setattr(indexing, "now_ms", lambda: 0)
    assert not catalog.index_project(tx, actor.project, description, builtin.tell(tx, actor.project).categories)  # type: ignore[union-attr]
    assert entries(tx) == before


def test_a_project_of_no_category_costs_no_generating(tx: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "prepare", pytest.fail)
    actor = make(tx, "customers")
    change(tx, actor, description="Other")
    change(tx, actor, readme=CARD)


def test_stars_are_counted_once_each(tx: Connection) -> None:
    actor = make(tx, "sharinghub:aimodel")
    assert [projects.set_star(tx, actor, True) for _ in range(2)] == [1, 1]
    assert items(tx)["team-churn", "ai-model"].properties["sharinghub:stars"] == 1
    assert tx.execute(select(catalog_items.c.stars)).scalar_one() == 1
    assert [projects.set_star(tx, actor, False) for _ in range(2)] == [0, 0]
    assert items(tx)["team-churn", "ai-model"].properties["sharinghub:stars"] == 0


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def set_up(services: Services, readme: str = CARD) -> Actor:
    def making(tx: Connection) -> Actor:
        return make(tx, "sharinghub:aimodel", readme=readme)

    return await services.db.write(making)


def test_files_and_releases_are_in_the_item_at_once(world: World) -> None:
    async def work(services: Services) -> None:
        actor = await set_up(services)
        await files.put_file(services, actor, "model.onnx", chunks(b"onnx"))
        model = (await services.db.read(items))["team-churn", "ai-model"]
        assert "file:model.onnx" in [asset["href"] for asset in model.assets.values()]
        await services.db.write(files.create_release, actor, ReleaseCreate("v1"))
        released = (await services.db.read(items))["team-churn", "ai-model"]
        assert released != model
        await services.db.write(files.delete_file, actor, "model.onnx")
        await services.db.write(files.delete_release, actor, "v1")
        bare = (await services.db.read(items))["team-churn", "ai-model"]
        assert "file:model.onnx" not in [asset["href"] for asset in bare.assets.values()]
        assert not await builtin.index_noted(services)

    world.run(work)


def test_a_readme_that_is_a_file_is_read_a_moment_later(world: World) -> None:
    async def work(services: Services) -> None:
        actor = await set_up(services, readme="")
        await files.put_file(services, actor, "README.md", chunks(CARD.encode()))
        assert await builtin.index_noted(services)
        assert (await services.db.read(items))["team-churn", "ai-model"].properties["title"] == "Churn"
        await files.put_file(services, actor, "other.txt", chunks(b"x"))
        assert (await services.db.read(items))["team-churn", "ai-model"].properties["title"] == "Churn"
        await services.db.write(files.delete_file, actor, "README.md")
        assert (await services.db.read(items))["team-churn", "ai-model"].properties["title"] == "churn"
        while await builtin.index_noted(services):
            pass
        assert (await services.db.read(items))["team-churn", "ai-model"].properties["title"] == "churn"

    world.run(work)


def test_many_files_are_indexed_once_and_not_at_each(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "MANY_FILES", 3)

    async def work(services: Services) -> None:
        actor = await set_up(services)
        for number in range(4):
            await files.put_file(services, actor, f"{number}.onnx", chunks(b"%d" % number))
        three = await services.db.read(entries)
        await files.put_file(services, actor, "last.onnx", chunks(b"last"))
        assert await services.db.read(entries) == three
        assert await builtin.index_noted(services)
        hrefs = [asset["href"] for asset in (await services.db.read(items))["team-churn", "ai-model"].assets.values()]
        assert "file:last.onnx" in hrefs
        assert not await builtin.index_noted(services)

    world.run(work)


def test_what_changes_while_it_is_indexed_is_indexed_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = indexing.prepare
    titles: Iterator[str] = iter(["Second", "Third"])

    async def work(services: Services) -> None:
        actor = await set_up(services)
        await services.db.write(catalog.request_sync, LOCAL, catalog_sync(PATH), ())

        def slowly(description: Description, *rest: object) -> object:
            title = next(titles, None)
            if title:
                monkeypatch.setattr(builtin, "prepare", made)  # the act itself is as fast as ever
                engine = services.db.write_engine
                with engine.begin() as tx:
                    change(tx, actor, description=title)
                monkeypatch.setattr(builtin, "prepare", slowly)
            return made(description, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(builtin, "prepare", slowly)
        while await builtin.index_noted(services):
            pass
        assert "Third" in str((await services.db.read(items))["team-churn", "ai-model"].properties)

    world.run(work)


def catalog_sync(project: str) -> object:
    from mainspring.modules.catalog.schemas import SyncRequest

    return SyncRequest(project=project)


def test_no_act_fails_and_nothing_waits_where_items_cannot_be_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = indexing.prepare
    broken = [True]

    def prepare(description: Description, *rest: object) -> object:
        if broken and description.slug == "team-churn":
            raise RuntimeError("nobody foresaw this")
        return made(description, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtin, "prepare", prepare)

    def make_other(tx: Connection) -> None:
        make(tx, "sharinghub:dataset", path="team/other")

    async def work(services: Services) -> None:
        await set_up(services)
        await services.db.write(make_other)
        await services.db.write(catalog.request_sync, LOCAL, catalog_sync("team/other"), ())
        assert await builtin.index_noted(services)
        assert {slug for slug, _ in await services.db.read(items)} == {"team-other"}
        assert not await builtin.index_noted(services)
        broken.clear()
        monkeypatch.setattr(builtin, "now_ms", lambda: now_ms() + builtin.RETRY_MS)
        assert await builtin.index_noted(services)
        assert {slug for slug, _ in await services.db.read(items)} == {"team-other", "team-churn"}

    world.run(work)


def test_a_database_from_before_is_indexed_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "KEYS", 2)

    def fill(tx: Connection) -> None:
        for number in range(5):
            make(tx, *(["sharinghub:dataset"] if number % 2 else []), path=f"team/p{number}")
        tx.execute(delete(catalog_values))
        tx.execute(delete(catalog_items))

    async def work(services: Services) -> None:
        await services.db.write(fill)
        steps = 0
        while await builtin.index_older(services):
            steps += 1
        assert steps == 3  # six projects, the default one too
        while await builtin.index_noted(services):
            pass
        assert {slug for slug, _ in await services.db.read(items)} == {"team-p1", "team-p3"}
        assert not await builtin.index_older(services)
        assert not await builtin.index_noted(services)

    world.run(work)
