"""A full disk: writes are refused in plain words, reads go on, nothing acknowledged is lost, and it passes."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.components.server import MainspringServer
from tests.faults.http import Answer, Connection, data_of, start_run

DISK_BYTES = 16 * 1024 * 1024
TAG_BYTES = 8000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Yield the mount point of a disk of 16 MiB; needs root, who may mount."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    folder = tmp_path / "data"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield folder
    # Lazily: it must go also where a process that failed still holds a file of it.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, spare: int) -> Path:
    """Write a file until only ``spare`` bytes are left, and return it."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with filler.open("wb", buffering=0) as file:
        file.write(bytes(max(0, free - spare)))
    return filler


def check_full(answer: Answer) -> None:
    assert answer.status == 503, answer
    assert answer.json["error_code"] == "TEMPORARILY_UNAVAILABLE"
    assert "full" in answer.json["message"]


async def log(connection: Connection, run: str, names: list[str]) -> Answer:
    pairs = [{"key": name, "value": "x" * TAG_BYTES} for name in names]
    return await connection.call("runs/log-batch", {"run_id": run, "tags": pairs})


async def log_until_full(connection: Connection, run: str) -> set[str]:
    """Log batches of tags until one is refused for want of space; return the names that were acknowledged."""
    acknowledged: set[str] = set()
    for number in range(1000):
        names = [f"t{number}-{place}" for place in range(20)]
        answer = await log(connection, run, names)
        if answer.status != 200:
            check_full(answer)
            return acknowledged
        acknowledged.update(names)
    raise AssertionError("the disk never became full")


async def names_of(connection: Connection, run: str) -> set[str]:
    return {name for name in (await data_of(connection, run))["tags"] if name.startswith("t")}


def test_a_full_disk_under_the_database(tmp_path: Path, disk: Path) -> None:
    with MainspringServer(disk) as server:
        asyncio.run(fill_the_database(server, disk))


async def fill_the_database(server: MainspringServer, disk: Path) -> None:
    connection = await Connection.open(server)
    experiment, run = await start_run(connection, "full")
    filler = fill(disk, spare=3 * 1024 * 1024)
    acknowledged = await log_until_full(connection, run)
    assert acknowledged
    others = [await Connection.open(server) for _ in range(20)]
    for answer in await asyncio.gather(*(log(other, run, [f"t9999-{n}"] * 1) for n, other in enumerate(others))):
        check_full(answer)

    assert await names_of(connection, run) == acknowledged
    assert (await connection.call("runs/search", {"experiment_ids": [experiment]})).status == 200
    assert httpx.get(f"{server.url}/livez").status_code == 200

    filler.unlink()
    assert (await log(connection, run, ["t-freed"])).status == 200
    acknowledged.add("t-freed")
    assert await names_of(connection, run) == acknowledged
    await asyncio.to_thread(server.restart)
    again = await Connection.open(server)
    assert await names_of(again, run) == acknowledged


def test_a_full_disk_under_the_artifacts(tmp_path: Path, disk: Path) -> None:
    with MainspringServer(disk) as server:
        asyncio.run(fill_the_store(server, disk))


async def fill_the_store(server: MainspringServer, disk: Path) -> None:
    connection = await Connection.open(server)
    assert (await connection.put("1/kept", b"k" * 1000)).status == 200
    filler = fill(disk, spare=1024 * 1024)
    for length in (4 * 1024 * 1024, 1100 * 1024):
        check_full(await connection.put("1/large", bytes(length)))
    check_full(await connection.put("1/kept", bytes(4 * 1024 * 1024)))
    assert sorted(path.name for path in (disk / "artifacts").rglob("*") if path.is_file()) == ["kept"]

    fetched = httpx.get(f"{server.url}/api/2.0/mlflow-artifacts/artifacts/1/kept")
    assert fetched.content == b"k" * 1000
    fill_up = disk / "rest"
    fill_up.write_bytes(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize))
    ready = httpx.get(f"{server.url}/readyz")
    assert ready.status_code == 503
    assert "full" in ready.text

    filler.unlink()
    fill_up.unlink()
    assert (await connection.put("1/large", bytes(4 * 1024 * 1024))).status == 200
    assert httpx.get(f"{server.url}/readyz").status_code == 200
