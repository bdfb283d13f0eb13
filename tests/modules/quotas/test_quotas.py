"""Quotas: what is counted, when more is refused, and that counting is seldom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from mainspring.db.engine import Database, check_url
from mainspring.kit import events
from mainspring.kit.actors import LOCAL, Actor
from mainspring.kit.errors import InvalidArgument, PermissionDenied, TooLarge
from mainspring.kit.events import Event
from mainspring.kit.permissions import ROLE_PERMISSIONS, Permission, Role
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.configuration import service as configuration
from mainspring.modules.configuration.schemas import DocumentUpdate, Environment, SecretWrite
from mainspring.modules.configuration.service import Level
from mainspring.modules.quotas import service
from mainspring.modules.quotas.schemas import Quota, QuotaChange, Resource, Source
from mainspring.modules.registry import service as registry
from mainspring.modules.registry.schemas import RegisteredModelCreate
from mainspring.modules.services import Services
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import ExperimentCreate, Run, RunCreate
from mainspring.server.schema import metadata
from tests.components.ports import wait_until
from tests.components.postgres import Postgres, create_database, drop_database

OWNER = replace(LOCAL, permissions=ROLE_PERMISSIONS[Role.OWNER], is_admin=False)


def limit(tx: Connection, actor: Actor = LOCAL, scope: Source = Source.PROJECT, **limits: object) -> None:
    change = QuotaChange({Resource(name): value for name, value in limits.items()}, scope)  # type: ignore[misc]
    service.change_quotas(tx, actor, change)


def quota(tx: Connection, actor: Actor, resource: Resource) -> Quota:
    return next(each for each in service.get_quotas(tx, actor).items if each.resource is resource)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Gets an entry whenever runs are counted."""
    seen: list[int] = []
    [count] = service._COUNTS[Resource.RUNS]

    def counting(tx: Connection, project: int) -> int:
        seen.append(project)
        return count(tx, project)

    monkeypatch.setitem(service._COUNTS, Resource.RUNS, [counting])
    return seen


def test_without_limits_nothing_is_counted(tx: Connection, looks: list[int]) -> None:
    for _ in range(20):
        tracking.create_run(tx, LOCAL, RunCreate("0"))
    assert looks == []
    assert quota(tx, LOCAL, Resource.RUNS) == Quota(Resource.RUNS, 20, None)


def test_runs(tx: Connection) -> None:
    limit(tx, runs=3)
    runs = [tracking.create_run(tx, LOCAL, RunCreate("0")) for _ in range(3)]
    with pytest.raises(TooLarge, match="quota of runs is used up: it may have 3"):
        tracking.create_run(tx, LOCAL, RunCreate("0"))
    tracking.delete_run(tx, LOCAL, runs[0].run_id)
    assert quota(tx, LOCAL, Resource.RUNS) == Quota(Resource.RUNS, 3, 3, Source.PROJECT)
    limit(tx, runs=4)
    tracking.create_run(tx, LOCAL, RunCreate("0"))


def test_experiments_and_models(tx: Connection, other: Actor) -> None:
    limit(tx, other, experiments=1, registered_models=1)
    tracking.create_experiment(tx, other, ExperimentCreate("a", "mlflow-artifacts:/_projects/7/1"))
    registry.create_registered_model(tx, other, RegisteredModelCreate("a"))
    with pytest.raises(TooLarge, match="experiments"):
        tracking.create_experiment(tx, other, ExperimentCreate("b", "mlflow-artifacts:/_projects/7/2"))
    with pytest.raises(TooLarge, match="registered_models"):
        registry.create_registered_model(tx, other, RegisteredModelCreate("b"))
    registry.create_registered_model(tx, LOCAL, RegisteredModelCreate("b"))
    assert quota(tx, other, Resource.MODELS).used == 1


def test_documents(tx: Connection, other: Actor) -> None:
    limit(tx, other, configuration_documents=1)
    configuration.set_document(tx, other, "a", Level(), DocumentUpdate({"x": 1}))
    configuration.set_document(tx, other, "a", Level(), DocumentUpdate({"x": 2}))
    with pytest.raises(TooLarge, match="configuration_documents"):
        configuration.set_document(tx, other, "b", Level(), DocumentUpdate({}))
    configuration.delete_document(tx, other, "a", Level())
    assert quota(tx, other, Resource.DOCUMENTS).used == 0
    limit(tx, other, configuration_documents=1)
    configuration.set_document(tx, other, "b", Level(), DocumentUpdate({}))
    with pytest.raises(TooLarge, match="configuration_documents"):
        configuration.set_document(tx, other, "a", Level(), DocumentUpdate({}))


def test_secrets(services: Services) -> None:
    async def test() -> None:
        await services.db.write(limit, LOCAL, secrets=1)
        for value in ("one", "two"):
            await configuration.set_secret(services, LOCAL, Environment.DEV, "a", SecretWrite(value))
        with pytest.raises(TooLarge, match="secrets"):
            await configuration.set_secret(services, LOCAL, Environment.DEV, "b", SecretWrite("x"))
        assert (await services.db.read(quota, LOCAL, Resource.SECRETS)).used == 1

    asyncio.run(test())


def test_a_run_that_is_refused_takes_nothing(tx: Connection) -> None:
    limit(tx, runs=1)
    with pytest.raises(InvalidArgument):
        tracking.create_run(tx, LOCAL, RunCreate("0", user_id="x" * 300))
    tracking.create_run(tx, LOCAL, RunCreate("0"))


def test_limits_of_all_projects(tx: Connection, other: Actor) -> None:
    limit(tx, scope=Source.INSTANCE, runs=5)
    assert quota(tx, other, Resource.RUNS) == Quota(Resource.RUNS, 0, 5)
    limit(tx, other, runs="unlimited")
    assert quota(tx, other, Resource.RUNS) == Quota(Resource.RUNS, 0, None, Source.PROJECT)
    assert quota(tx, LOCAL, Resource.RUNS) == Quota(Resource.RUNS, 0, 5)
    limit(tx, other, runs="default")
    assert quota(tx, other, Resource.RUNS) == Quota(Resource.RUNS, 0, 5)
    limit(tx, scope=Source.INSTANCE, runs="default")
    assert quota(tx, LOCAL, Resource.RUNS).limit is None


@pytest.mark.parametrize("number", [-1, 2**63])
def test_wrong_limits(tx: Connection, number: int) -> None:
    with pytest.raises(InvalidArgument, match="quota of runs"):
        limit(tx, runs=number)


def test_nothing_at_all_may_be_allowed(tx: Connection) -> None:
    limit(tx, runs=0)
    with pytest.raises(TooLarge):
        tracking.create_run(tx, LOCAL, RunCreate("0"))


def test_who_may(tx: Connection) -> None:
    assert service.get_quotas(tx, OWNER).items
    with pytest.raises(PermissionDenied):
        limit(tx, OWNER, runs=1)
    with pytest.raises(PermissionDenied):
        service.get_quotas(tx, replace(OWNER, permissions=frozenset({Permission.TRACKING_READ})))


def test_a_change_is_told(tx: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Event] = []
    monkeypatch.setattr(events, "_SUBSCRIBERS", [lambda _, event: told.append(event)])
    limit(tx, runs=1)
    limit(tx, scope=Source.INSTANCE, runs="unlimited")
    assert [(each.action, each.project, each.after) for each in told] == [
        ("quota.update", 1, {"runs": 1}),
        ("quota.update", None, {"runs": "unlimited"}),
    ]


def test_counting_is_seldom(tx: Connection, looks: list[int]) -> None:
    limit(tx, runs=1000)
    looks.clear()
    for _ in range(500):
        tracking.create_run(tx, LOCAL, RunCreate("0"))
    assert len(looks) <= 6  # shares of 125, 109, 95, 83, 72, 63
    for _ in range(500):
        tracking.create_run(tx, LOCAL, RunCreate("0"))
    looks.clear()
    for _ in range(50):
        with pytest.raises(TooLarge):
            tracking.create_run(tx, LOCAL, RunCreate("0"))
    assert len(looks) <= 1


def test_many_at_once_never_pass_a_limit(services: Services) -> None:
    """Runs that wait in the journal of SQLite are counted too."""

    async def test() -> list[Run | BaseException]:
        await services.db.write(limit, LOCAL, runs=20)
        creating = (services.db.write(tracking.create_run, LOCAL, RunCreate("0")) for _ in range(60))
        return await asyncio.gather(*creating, return_exceptions=True)

    outcomes = asyncio.run(test())
    assert sum(isinstance(each, Run) for each in outcomes) == 20
    assert sum(isinstance(each, TooLarge) for each in outcomes) == 40


def test_several_processes_go_past_a_limit_by_an_eighth_at_most(postgres: Postgres) -> None:
    name = create_database(postgres)
    processes = [Database(check_url(postgres.database_url(name))) for _ in range(2)]
    metadata.create_all(processes[0].write_engine)

    async def create(db: Database) -> bool:
        try:
            await db.write(tracking.create_run, LOCAL, RunCreate("0"))
        except TooLarge:
            return False
        return True

    async def test() -> int:
        await processes[0].write(limit, LOCAL, runs=80)
        # The second takes a share of ten when there are none yet, and uses it when the first is full.
        made = [await create(processes[1])]
        made += [await create(processes[0]) for _ in range(100)]
        made += [await create(processes[1]) for _ in range(100)]
        return sum(made)

    assert 80 <= asyncio.run(test()) <= 90
    for db in processes:
        db.close()
    drop_database(postgres, name)


def test_what_is_deleted_for_good_makes_room(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "LEASE_S", 0.05)

    async def create() -> bool:
        try:
            await services.db.write(registry.create_registered_model, LOCAL, RegisteredModelCreate("b"))
        except TooLarge:
            return False
        return True

    async def prepare() -> None:
        await services.db.write(limit, LOCAL, registered_models=1)
        await services.db.write(registry.create_registered_model, LOCAL, RegisteredModelCreate("a"))
        assert not await create()
        await services.db.write(registry.delete_registered_model, LOCAL, "a")

    asyncio.run(prepare())
    wait_until(lambda: asyncio.run(create()), "room", 5)


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 100):
        yield bytes(100)


async def put(services: Services, actor: Actor, path: str, size: int) -> None:
    root = artifacts.own_location(actor.project, "0")
    await artifacts.put_artifact(services, actor, root, path, chunks(size))


def test_bytes(services: Services, other: Actor) -> None:
    async def test() -> None:
        await services.db.write(limit, other, artifact_bytes=1000)
        await services.db.write(limit, LOCAL, artifact_bytes=500)
        await put(services, other, "a", 600)
        with pytest.raises(TooLarge, match="room for 400 bytes"):
            await put(services, other, "b", 500)
        assert not (await artifacts.list_artifacts(services, other, artifacts.own_location(7, "0"), "b")).items
        await put(services, other, "b", 400)
        with pytest.raises(TooLarge, match="artifact_bytes is used up"):
            await put(services, other, "c", 100)
        await put(services, LOCAL, "a", 500)
        used = [await services.db.read(quota, actor, Resource.BYTES) for actor in (LOCAL, other)]
        assert [each.used for each in used] == [500, 1000]

    asyncio.run(test())


def test_announced_bytes(services: Services) -> None:
    async def test() -> None:
        await services.db.write(limit, LOCAL, artifact_bytes=1000)
        root = artifacts.own_location(LOCAL.project, "0")
        with pytest.raises(TooLarge, match="room for 1000 bytes"):
            await artifacts.begin_upload(services, LOCAL, root, "f", 1001, "0" * 64)
        assert await artifacts.begin_upload(services, LOCAL, root, "f", 1000, "0" * 64)

    asyncio.run(test())


def test_bytes_in_parts_of_sizes_that_nobody_has_announced(services: Services) -> None:
    async def upload(path: str, size: int) -> None:
        root = artifacts.own_location(LOCAL.project, "0")
        begun = await artifacts.begin_multipart(services, LOCAL, root, path)
        part = await services.blobs.put_part(begun.path, begun.multipart_id or "", 1, chunks(size))
        await artifacts.complete_upload(services, begun, [(1, part.etag)])

    async def test() -> None:
        await services.db.write(limit, LOCAL, artifact_bytes=1000)
        with pytest.raises(TooLarge, match="room for 1000 bytes"):
            await upload("a", 1100)
        await upload("a", 1000)
        assert (await services.db.read(quota, LOCAL, Resource.BYTES)).used == 1000
        [file] = (await artifacts.list_artifacts(services, LOCAL, "mlflow-artifacts:/0", hashes=True)).items
        assert (file.path, file.size, file.sha256) == ("a", 1000, None)
        with pytest.raises(TooLarge, match="is used up"):
            await upload("b", 100)

    asyncio.run(test())
