"""An import that is killed, again and again, goes on where it was: nothing is lost, nothing comes twice."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.components.environment import fresh_environment
from tests.transfer.conftest import COMMAND, Store, mainspring
from tests.transfer.original import add_rows, many_rows
from tests.transfer.seen import hashes

RUNS = 1_000
KILLS = 3
MARKED = "SELECT count(*) FROM tags WHERE key = 'mainspring.import'"


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of a store with many runs."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/mlflow.db"
    MlflowClient(url).search_experiments()
    add_rows(url, many_rows(tmp_path / "mlruns", RUNS))
    return url


def count(database: Path, statement: str = "SELECT count(*) FROM runs") -> int:
    """Return what a statement counts; 0 while there is no such table yet."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return int(connection.execute(statement).fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def import_until(address: str, data: Path, runs: int) -> bool:
    """Import, and kill the program once this many runs are here; say whether it was killed before its end."""
    command = [*COMMAND, "import", "mlflow", address, "--data", str(data)]
    program = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=fresh_environment())
    while program.poll() is None and count(data / "mainspring.db") < runs:
        time.sleep(0.01)
    os.kill(program.pid, signal.SIGKILL)
    return program.wait() == -signal.SIGKILL


def test_killed_imports_go_on(many: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    killed = [import_until(many, data, (kill + 1) * 200) for kill in range(KILLS)]
    assert any(killed), "every import was done before it could be killed"
    assert count(data / "mainspring.db") < RUNS
    report = mainspring("import", "mlflow", many, "--data", data, "--json").json
    assert report["complete"] is True
    [done] = [each for each in report["experiments"] if each["name"] == "many"]
    assert 0 < done["already"] < RUNS
    assert done["here"] == done["source"]
    assert count(data / "mainspring.db") == RUNS
    assert count(data / "mainspring.db", MARKED) == 0
    there = hashes(tmp_path / "mlruns")
    assert hashes(data / "artifacts") == there


def test_a_run_that_is_marked_is_taken_in_again(sqlite_store: Store, copied: Path) -> None:
    """The state that a kill leaves: a run without some of its points, params and files, and its mark."""
    with closing(sqlite3.connect(copied / "mainspring.db")) as connection, connection:
        [run, run_id, experiment, location] = connection.execute(
            "SELECT id, run_id, experiment, artifact_uri FROM runs WHERE experiment = 1 AND name = 'a run' LIMIT 1"
        ).fetchone()
        connection.execute("DELETE FROM metric_points WHERE run = ?", (run,))
        connection.execute("DELETE FROM metric_blocks WHERE run = ? AND key = 'dir/acc'", (run,))
        connection.execute("DELETE FROM params WHERE run = ? AND key = 'depth'", (run,))
        connection.execute("DELETE FROM run_dataset_tags WHERE run = ?", (run,))
        connection.execute("DELETE FROM run_datasets WHERE run = ?", (run,))
        marked = (run, "mainspring.import", "incomplete", experiment)
        connection.execute("INSERT INTO tags (run, key, value, experiment) VALUES (?, ?, ?, ?)", marked)
    files = copied / "artifacts" / location.removeprefix("mlflow-artifacts:/")
    (files / "a.txt").unlink()
    (files / "deep" / "er" / "ü b.bin").write_text("c" * 3_000_000)  # the right size, and other bytes
    report = mainspring("import", "mlflow", sqlite_store.address, "--data", copied, "--json").json
    assert report["complete"] is True
    assert hashes(files) == sqlite_store.seen["files", run_id]


def test_what_differs_is_told_and_updated_on_request(sqlite_store: Store, copied: Path) -> None:
    with closing(sqlite3.connect(copied / "mainspring.db")) as connection, connection:
        [run, run_id] = connection.execute("SELECT id, run_id FROM runs WHERE experiment = 2").fetchone()
        connection.execute("UPDATE params SET value = 'other' WHERE run = ? AND key = 'depth'", (run,))
    said = mainspring("import", "mlflow", sqlite_store.address, "--data", copied, "--json", code=7)
    assert said.json["complete"] is False
    assert [each["differing"] for each in said.json["experiments"] if each["id"] == "2"] == [[run_id]]
    assert "Not everything is here" in said.err
    updated = mainspring("import", "mlflow", sqlite_store.address, "--data", copied, "--update", "--json").json
    assert updated["complete"] is True


def test_experiments_find_their_place(sqlite_store: Store, tmp_path: Path) -> None:
    """What has the name of one that is here joins it; what has the id of another gets a new one."""
    data = tmp_path / "data"
    mainspring("db", "upgrade", "--data", data)
    with closing(sqlite3.connect(data / "mainspring.db")) as connection, connection:
        ours = [(2, "ours"), (40, "first")]
        columns = "id, name, artifact_location, lifecycle_stage, created_at, updated_at"
        statement = f"INSERT INTO experiments ({columns}) VALUES (?, ?, 'mlflow-artifacts:/x', 'active', 7, 7)"
        connection.executemany(statement, ours)
        connection.execute("INSERT INTO experiment_tags VALUES (40, 'team', 'ours')")
    report = mainspring("import", "mlflow", sqlite_store.address, "--data", data, "--json").json
    assert report["complete"] is True
    places = {each["name"]: (each["source_id"], each["id"]) for each in report["experiments"]}
    second = "second / with strange: name"
    assert places == {"Default": ("0", "0"), "first": ("1", "40"), second: ("2", "41"), "gone": ("3", "3")}
    with closing(sqlite3.connect(data / "mainspring.db")) as connection:
        tags = dict(connection.execute("SELECT key, value FROM experiment_tags WHERE experiment = 40"))
        assert tags == {"team": "ours", "note": "Größe 🙂\nzwei"}
        locations = connection.execute("SELECT DISTINCT artifact_uri FROM runs WHERE experiment = 41").fetchall()
        assert all(location.startswith("mlflow-artifacts:/41/") for (location,) in locations)
