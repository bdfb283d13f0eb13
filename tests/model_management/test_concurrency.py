"""Writers in several processes, and writers that are killed."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest

from model_management import create_registry
from tests.model_management.writers import SAVES, Thresholds, die_after_the_bytes, save_many, save_until_killed

PROCESSES = 3
SPAWN = multiprocessing.get_context("spawn")


def _start(target: object, *arguments: object) -> SpawnProcess:
    process = SPAWN.Process(target=target, args=arguments)  # type: ignore[arg-type]
    process.start()
    return process


@pytest.mark.parametrize("registry_url", ["local", "sqlite", "postgresql", "mariadb"], indirect=True)
def test_processes_that_save_one_name_get_a_version_each(registry_url: str, tmp_path: Path) -> None:
    # All start at once, on a registry that does not exist yet.
    storage = tmp_path / "models"
    writers = [_start(save_many, registry_url, storage, number, ["wine", "beer"]) for number in range(PROCESSES)]
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0] * PROCESSES

    registry = create_registry(registry_url, storage=storage)
    each = PROCESSES * SAVES // 2
    for model in ("wine", "beer"):
        versions = registry.list_versions(model)
        assert [version.version for version in versions] == list(range(each, 0, -1))
        loaded = [registry.load_model(model, version.version) for version in versions]
        assert len({tuple(one.limits) for one in loaded}) == each  # type: ignore[attr-defined]


@pytest.mark.parametrize("registry_url", ["local", "sqlite"], indirect=True)
def test_a_writer_killed_at_any_moment_leaves_whole_versions(registry_url: str, tmp_path: Path) -> None:
    url, storage = registry_url, tmp_path / "models"
    registry = create_registry(url, storage=storage)
    chance = random.Random(7)
    for _ in range(6):
        before = registry.get_statistics()["versions"]
        writer = _start(save_until_killed, url, storage)
        while registry.get_statistics()["versions"] < before + 2:
            assert writer.is_alive()
            time.sleep(0.01)
        time.sleep(chance.random() * 0.05)
        writer.kill()
        writer.join()

    versions = registry.list_versions("wine")
    assert [version.version for version in versions] == list(range(len(versions), 0, -1))
    for version in versions:
        registry.load_model("wine", version.version)
    assert registry.save_model(Thresholds([0.0]), "wine").version == len(versions) + 1


@pytest.mark.parametrize("registry_url", ["local", "sqlite"], indirect=True)
def test_bytes_without_metadata_are_no_version(registry_url: str, tmp_path: Path) -> None:
    url, storage = registry_url, tmp_path / "models"
    writer = _start(die_after_the_bytes, url, storage)
    writer.join(60)

    assert writer.exitcode == -signal.SIGKILL
    assert len(list(storage.iterdir())) == 1
    registry = create_registry(url, storage=storage)
    assert registry.list_models() == []
    assert registry.save_model(Thresholds([1.0]), "wine").version == 1
