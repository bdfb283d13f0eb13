"""Several writers of one registered model: every version gets a number of its own, and none is left out."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

import mainspring.modules.registry.tables
import mainspring.modules.tracking.tables  # noqa: F401
from mainspring.db.engine import Database, check_url
from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import AlreadyExists
from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.registry import service
from mainspring.modules.registry.schemas import ModelVersionCreate, RegisteredModelCreate, RegistrySearch
from mainspring.server.schema import metadata

PROCESSES, EACH = 3, 20

WRITER = """
import asyncio, sys
from mainspring.db.engine import Database
from mainspring.kit.actors import LOCAL
from mainspring.modules.registry import service
from mainspring.modules.registry.schemas import ModelVersionCreate

async def main(url, count):
    db = Database(url)
    new = ModelVersionCreate("s3://b/p", tags={"k": "v"})
    made = await asyncio.gather(*(db.write(service.create_model_version, LOCAL, "m", new) for _ in range(count)))
    print(*(version.version for version in made))
    db.close()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with tables."""
    given = f"sqlite:///{tmp_path}/m.db" if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    engine = create_write_engine(check_url(given))
    metadata.create_all(engine)
    engine.dispose()
    return check_url(given)


def test_processes_share_the_numbers(url: str) -> None:
    async def prepare() -> None:
        db = Database(url)
        await db.write(service.create_registered_model, LOCAL, RegisteredModelCreate("m"))
        db.close()

    async def count() -> int:
        db = Database(url)
        page = await db.read(service.search_model_versions, LOCAL, RegistrySearch("tags.k = 'v'", 1000))
        db.close()
        return len(page.items)

    asyncio.run(prepare())
    command = [sys.executable, "-c", WRITER, url, str(EACH)]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    outputs = [writer.communicate(timeout=120)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * PROCESSES
    numbers = sorted(int(number) for output in outputs for number in output.split())
    assert numbers == list(range(1, PROCESSES * EACH + 1))
    assert asyncio.run(count()) == PROCESSES * EACH


def test_one_of_two_gets_the_name(url: str) -> None:
    async def race() -> list[object]:
        databases = [Database(url), Database(url)]
        new = RegisteredModelCreate("m")
        writes = (db.write(service.create_registered_model, LOCAL, new) for db in databases for _ in range(5))
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        for db in databases:
            db.close()
        return list(outcomes)

    outcomes = asyncio.run(race())
    assert len([outcome for outcome in outcomes if not isinstance(outcome, Exception)]) == 1
    assert len([outcome for outcome in outcomes if isinstance(outcome, AlreadyExists)]) == 9


def test_a_failed_member_of_a_group_takes_no_number(url: str) -> None:
    async def group() -> list[object]:
        db = Database(url)
        await db.write(service.create_registered_model, LOCAL, RegisteredModelCreate("m"))
        good, bad = ModelVersionCreate("s3://b/p"), ModelVersionCreate("/etc/passwd")
        writes = (db.write(service.create_model_version, LOCAL, "m", new) for new in (good, bad, good))
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        db.close()
        return list(outcomes)

    outcomes = asyncio.run(group())
    assert [getattr(outcome, "version", None) for outcome in outcomes] == [1, None, 2]
