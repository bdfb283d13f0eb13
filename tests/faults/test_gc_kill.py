"""SIGKILL in the middle of ``gc``: what goes was marked before, the next call finishes it, and nothing else is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

import mainspring as ms
from mainspring.kit.errors import FailedPrecondition, MainspringError, NotFound
from mainspring.modules.tracking.schemas import GarbageKind
from mainspring.modules.tracking.store.deletion import references
from tests.components.server import MainspringServer

RUNS, FILES = 200, 4
KILLED_WITH_LEFT = (0.9, 0.4, 0.15)
"""Parts of the files that are there when the server is killed: in the first batch of runs, then in the second."""

MOMENT = 0.002
"""Seconds that the server works between two counts: time for a few files, not for all."""


def test_killed_while_it_deletes(tmp_path: Path, database_url: str | None) -> None:
    with MainspringServer(tmp_path / "data", database_url=database_url) as server, ms.connect(server.url) as client:
        experiment = client.experiments.create("gone").experiment_id
        runs = fill(client, server, experiment, RUNS)
        held = runs[RUNS // 2]
        client.models.create("m")
        client.models.create_version("m", f"runs:/{held}/model", run_id=held)
        [active] = fill(client, server, client.experiments.create("stays").experiment_id, 1)
        client.experiments.delete(experiment)
        folder = server.data / "artifacts" / experiment
        halfway = 0
        for left in KILLED_WITH_LEFT:
            halfway += kill_while_deleting(server, folder, round(RUNS * FILES * left))
            check_halfway(client, folder, runs)
        assert halfway, "it was killed too late each time"
        report = client.storage.gc()
        assert [note.id for note in report.kept] == [held, experiment]
        assert client.storage.gc().runs == 0
        assert {path.relative_to(folder).parts[0] for path in files_in(folder)} == {held}
        check_whole(client, held, tmp_path / "held")
        check_whole(client, active, tmp_path / "active")
        client.models.download("m", 1, to=tmp_path / "version")
        assert len(files_in(tmp_path / "version")) == FILES
    assert orphans(tmp_path / "data" / "mainspring.db", database_url) == []


def fill(client: ms.Client, server: MainspringServer, experiment: str, number: int) -> list[str]:
    """Make runs with params, points and files, and return their ids."""

    def make(_: int) -> str:
        run = client.runs.create(experiment).run_id
        client.runs.log(run, metrics={"loss": 0.5, "acc": 0.5}, params={"lr": "0.1"}, tags={"k": "v"})
        model = server.data / "artifacts" / experiment / run / "artifacts" / "model"
        model.mkdir(parents=True)
        for name in range(FILES):
            (model / f"{name}.bin").write_text(run)
        return run

    with ThreadPoolExecutor(8) as pool:
        return sorted(pool.map(make, range(number)))


def kill_while_deleting(server: MainspringServer, folder: Path, left: int) -> bool:
    """Call gc, kill the server once at most ``left`` files are there, and start it again; say whether some were left.

    The server is let go on for a moment at a time and stands still while its files are counted: on a fast
    machine all of them would be gone between the count and the kill. A busy one may make the moment long.
    """

    def collect() -> None:
        with suppress(MainspringError), ms.connect(server.url, retries=0) as client:
            client.storage.gc()

    collecting = threading.Thread(target=collect)
    collecting.start()
    deadline = time.monotonic() + 60
    while len(files_in(folder)) > left:
        assert time.monotonic() < deadline
        os.killpg(server.pid, signal.SIGCONT)
        time.sleep(MOMENT)
        os.killpg(server.pid, signal.SIGSTOP)
    server.kill()
    collecting.join()
    server.start()
    return len(files_in(folder)) > FILES


def check_halfway(client: ms.Client, folder: Path, runs: Iterable[str]) -> None:
    """Of each run there is all, or it is deleted for good already, or about to be and cannot be restored."""
    for run in runs:
        left = len(files_in(folder / run))
        try:
            found = client.runs.get(run)
        except NotFound:
            assert left == 0
            continue
        assert found.lifecycle_stage == "deleted"
        if left < FILES:
            with pytest.raises(FailedPrecondition, match="is being deleted for good"):
                client.runs.restore(run)
        else:
            assert (found.params, len(found.metrics)) == ({"lr": "0.1"}, 2)


def check_whole(client: ms.Client, run: str, to: Path) -> None:
    """Nothing of a run is missing."""
    found = client.runs.get(run)
    assert (found.params, found.tags["k"], len(found.metrics)) == ({"lr": "0.1"}, "v", 2)
    assert len(list(client.runs.metric_history(run, "loss"))) == 1
    downloaded = files_in(client.artifacts.download(run, to=to))
    assert [path.read_text() for path in downloaded] == [run] * FILES


def files_in(folder: Path) -> list[Path]:
    return [Path(where, name) for where, _, names in os.walk(folder) for name in names]


def orphans(embedded: Path, database_url: str | None) -> list[str]:
    """Return the tables with rows of runs that are not there."""
    lost = "SELECT count(*) FROM {table} WHERE {column} NOT IN (SELECT id FROM runs)"
    statements = {
        table.name: lost.format(table=table.name, column=column) for table, column in references(GarbageKind.RUN)
    }
    if database_url is None:
        with sqlite3.connect(embedded) as connection:
            return [name for name, count in statements.items() if connection.execute(count).fetchone() != (0,)]
    with psycopg.connect(database_url) as connection:
        return [name for name, count in statements.items() if connection.execute(count).fetchone() != (0,)]  # type: ignore[call-overload]
