"""The runner: turns, shares, failures, an end, and one leader of several processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
import structlog

from mainspring.db.engine import Database, check_url
from mainspring.engines.blobs import open_store
from mainspring.kit.errors import Unavailable
from mainspring.modules.services import Services, Task
from mainspring.worker import runner as runners
from mainspring.worker.leader import Leader
from mainspring.worker.runner import Runner

Step = Callable[[Services], Awaitable[bool]]
LOCKS = """
    pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""


@asynccontextmanager
async def running(url: str, folder: Path, *tasks: Task) -> AsyncIterator[Runner]:
    """Yield a runner that has begun."""
    services = Services(Database(url), open_store((folder / "artifacts").as_uri()))
    runner = Runner(services, lambda: tasks)
    runner.start()
    try:
        yield runner
    finally:
        await runner.stop()
        services.db.close()


async def until(done: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until something is so, or fail."""
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.01)


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'a.db'}"


@pytest.fixture(autouse=True)
def _begin_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "FIRST_PAUSE_S", 0.05)


async def counted(services: Services) -> int:
    """Read the database as a task would."""
    return await services.db.read(lambda tx: tx.exec_driver_sql("SELECT 1").scalar_one())


def test_a_task_goes_on_at_once_while_work_waits_and_pauses_then(sqlite: str, tmp_path: Path) -> None:
    times: list[float] = []

    async def step(services: Services) -> bool:
        times.append(time.monotonic())
        assert await counted(services) == 1
        return len(times) < 5

    async def run() -> None:
        async with running(sqlite, tmp_path, Task("t", 0.5, step)):
            await until(lambda: len(times) == 6)

    asyncio.run(run())
    assert times[4] - times[0] < 0.45
    assert times[5] - times[4] > 0.49


def test_a_task_keeps_to_its_share_of_the_time(sqlite: str, tmp_path: Path) -> None:
    times: dict[str, list[float]] = {"tenth": [], "half": []}

    def step_of(name: str) -> Step:
        async def step(services: Services) -> bool:
            times[name].append(time.monotonic())
            await asyncio.to_thread(time.sleep, 0.05)
            return True

        return step

    async def run() -> None:
        tenth, half = Task("tenth", 60, step_of("tenth")), Task("half", 60, step_of("half"), share=0.5)
        async with running(sqlite, tmp_path, tenth, half):
            await until(lambda: len(times["tenth"]) == 3)

    asyncio.run(run())
    assert times["tenth"][2] - times["tenth"][0] >= 1.0
    assert times["half"][2] - times["half"][0] < 0.8


def test_a_failure_is_logged_and_tried_again_later_and_the_others_go_on(sqlite: str, tmp_path: Path) -> None:
    failed, worked = [], []

    async def fail(services: Services) -> bool:
        failed.append(time.monotonic())
        if len(failed) == 1:
            raise Unavailable("The store is away.")
        if len(failed) == 2:
            raise ZeroDivisionError
        return False

    async def work(services: Services) -> bool:
        worked.append(1)
        return False

    async def run() -> None:
        async with running(sqlite, tmp_path, Task("bad", 60, fail), Task("good", 0.1, work)):
            await until(lambda: len(failed) == 3)

    with structlog.testing.capture_logs() as logs:
        asyncio.run(run())
    assert failed[1] - failed[0] >= 2
    assert failed[2] - failed[1] >= 4
    assert len(worked) > 10
    said = [(each["task"], each["error"], bool(each["exc_info"])) for each in logs if each["event"] == "task_failed"]
    assert said == [("bad", "The store is away.", False), ("bad", "", True)]


def test_tasks_that_cannot_be_loaded_are_logged(sqlite: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with running(sqlite, tmp_path) as runner:
            runner._load = lambda: [][0]
            await asyncio.sleep(0.2)

    with structlog.testing.capture_logs() as logs:
        asyncio.run(run())
    assert [each["event"] for each in logs] == ["tasks_not_loaded"]


def test_the_end_does_not_wait_for_a_step(sqlite: str, tmp_path: Path) -> None:
    begun: list[int] = []

    async def step(services: Services) -> bool:
        begun.append(1)
        await asyncio.sleep(3600)
        return True

    async def run() -> float:
        async with running(sqlite, tmp_path, Task("long", 1, step)):
            await until(lambda: begun != [])
            started = time.monotonic()
        return time.monotonic() - started

    assert asyncio.run(run()) < 1


def test_one_process_leads_and_another_takes_over(
    postgres_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mainspring.worker.leader.ASK_AGAIN_S", 0.1)
    monkeypatch.setattr(runners, "ASK_AGAIN_S", 0.1)
    url = check_url(postgres_database)
    steps: list[str] = []

    def task(who: str) -> Task:
        async def step(services: Services) -> bool:
            steps.append(who)
            return False

        return Task("t", 0.01, step)

    async def run() -> None:
        async with running(url, tmp_path, task("a")):
            await until(lambda: len(steps) > 3)
            async with running(url, tmp_path, task("b")):
                await asyncio.sleep(0.5)
                assert set(steps) == {"a"}
                # The leader's connection is cut: one of the two leads again, and never both at once.
                with psycopg.connect(postgres_database, autocommit=True) as admin:
                    admin.execute(f"SELECT pg_terminate_backend(pid) FROM {LOCKS}")
                steps.clear()
                await until(lambda: len(steps) > 3)
                [leader] = set(steps[1:])
            if leader == "b":
                steps.clear()
            await until(lambda: "a" in steps)

    with structlog.testing.capture_logs() as logs:
        asyncio.run(run())
    assert [each["event"] for each in logs] == ["leader_lock_lost"]


def test_a_term_ends_between_steps_alone(postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mainspring.worker.leader.TERM_S", 0)
    monkeypatch.setattr("mainspring.worker.leader.ASK_AGAIN_S", 0)
    with psycopg.connect(postgres_database, autocommit=True) as admin:

        async def began() -> object:
            assert await leader.leads(may_yield=False)
            row = admin.execute(f"SELECT xact_start, backend_xmin FROM {LOCKS}").fetchone()
            assert row is not None
            assert row[1] is None  # it holds back no vacuum
            return row[0]

        async def run() -> None:
            first = await began()
            assert await began() == first
            assert await leader.leads(may_yield=True)
            assert await began() != first

        leader = Leader(check_url(postgres_database))
        asyncio.run(run())
        leader.close()
        assert admin.execute(f"SELECT count(*) FROM {LOCKS}").fetchone() == (0,)


def test_a_database_that_is_away_has_no_leader() -> None:
    leader = Leader("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with structlog.testing.capture_logs() as logs:
        assert not asyncio.run(leader.leads(may_yield=True))
    leader.close()
    assert [each["event"] for each in logs] == ["leader_lock_lost"]
