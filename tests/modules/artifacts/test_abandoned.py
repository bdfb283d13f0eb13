"""The task that drops uploads which nobody completed."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from mainspring.db import migrate
from mainspring.db.engine import Database, check_url
from mainspring.engines.blobs import open_store
from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import NotFound
from mainspring.modules.artifacts import service
from mainspring.modules.artifacts.service import abandoned
from mainspring.modules.artifacts.store import UploadRecord
from mainspring.modules.artifacts.tables import artifact_uploads
from mainspring.modules.artifacts.tasks import TASKS
from mainspring.modules.services import Services
from mainspring.server.schema import metadata
from mainspring.settings import Settings

WHERE = "mlflow-artifacts:/1/r/artifacts"
DAY_S = 24 * 3600
[TASK] = TASKS
Test = Callable[[Services], Awaitable[None]]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a.db'}"
    return check_url(request.getfixturevalue("postgres_database"))


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator[Services]:
    db = Database(url)
    migrate.upgrade(db.write_engine, metadata)
    yield Services(db, open_store(folder.as_uri()), Settings(upload_days=3))
    db.close()


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def begin(services: Services, name: str, age_days: float) -> UploadRecord:
    """Begin an upload of parts, one of which has come, so many days ago."""
    upload = await service.begin_multipart(services, LOCAL, WHERE, name)
    assert upload.multipart_id
    await services.blobs.put_part(upload.path, upload.multipart_id, 1, chunks(b"part"))
    began = int((time.time() - age_days * DAY_S) * 1000)
    with services.db.write_engine.begin() as tx:
        tx.execute(update(artifact_uploads).where(artifact_uploads.c.id == upload.id).values(created_at=began))
    return upload


async def under_way(services: Services) -> list[str]:
    return sorted([pending.path.rpartition("/")[2] async for pending in services.blobs.list_multiparts()])


def age(folder: Path, days: float) -> None:
    """Make a file, or a folder with what is in it, older."""
    then = time.time() - days * DAY_S
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (then, then))


def test_old_uploads_are_dropped_and_younger_ones_go_on(url: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with opened(url, tmp_path / "store") as services:
            old, young = await begin(services, "old", 3.1), await begin(services, "young", 2.9)
            assert not await TASK.step(services)
            assert await under_way(services) == ["young"]
            with pytest.raises(NotFound):
                await service.find_upload(services, LOCAL, WHERE, old.id, "old")
            found = await service.find_upload(services, LOCAL, WHERE, young.id, "young")
            [part] = await service.uploaded_parts(services, found)
            done = await service.complete_upload(services, found, [(part.number, part.etag)])
            assert done.stored_size == 4

    asyncio.run(run())


def test_the_file_of_a_completed_upload_stays(url: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with opened(url, tmp_path / "store") as services:
            upload = await begin(services, "done", 0)
            [part] = await service.uploaded_parts(services, upload)
            await service.complete_upload(services, upload, [(part.number, part.etag)])
            with services.db.write_engine.begin() as tx:
                tx.execute(update(artifact_uploads).values(created_at=0))
            assert not await TASK.step(services)
            assert (await services.blobs.head(upload.path)).size == 4
            with pytest.raises(NotFound):
                await service.find_upload(services, LOCAL, WHERE, upload.id, "done")

    asyncio.run(run())


def test_what_only_the_store_knows_is_dropped(url: str, tmp_path: Path) -> None:
    store = tmp_path / "store"

    async def run() -> None:
        async with opened(url, store) as services:
            old = await services.blobs.create_multipart("1/r/artifacts/old")
            await services.blobs.create_multipart("1/r/artifacts/young")
            incoming = store / ".mainspring-incoming"
            age(incoming / old, 3.1)
            for name, days in (("dead", 1.1), ("alive", 0.1)):
                (incoming / name).write_text("half a file")
                age(incoming / name, days)
            assert not await TASK.step(services)
            assert await under_way(services) == ["young"]
            assert not (incoming / "dead").exists()
            assert (incoming / "alive").exists()

    asyncio.run(run())


def test_many_are_dropped_step_by_step(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abandoned, "BATCH", 2)
    store = tmp_path / "store"

    async def run() -> None:
        async with opened(url, store) as services:
            for number in range(3):
                await begin(services, f"known{number}", 10)
                upload = await services.blobs.create_multipart(f"1/r/artifacts/unknown{number}")
                age(store / ".mainspring-incoming" / upload, 10)
            steps = 1
            while await TASK.step(services):
                steps += 1
            assert steps == 3
            assert await under_way(services) == []

    asyncio.run(run())
