"""`mainspring import mlflow`: what it refuses, what it prints, and where files are looked for."""

from __future__ import annotations

import os
import pty
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.components.environment import fresh_environment
from tests.components.server import MainspringServer
from tests.transfer.conftest import COMMAND, Store, mainspring
from tests.transfer.seen import hashes


def test_a_dry_run_counts_and_writes_nothing(sqlite_store: Store, imported: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    report = mainspring("import", "mlflow", sqlite_store.address, "--data", data, "--dry-run", "--json").json
    assert not data.exists()
    done = mainspring("import", "mlflow", sqlite_store.address, "--data", imported, "--json").json
    assert (report["dry_run"], report["complete"]) == (True, False)
    assert report["total"] == done["total"]
    assert report["files"]["files"] == len(hashes(imported / "artifacts"))


def test_a_running_server_is_not_written_past(sqlite_store: Store, tmp_path: Path) -> None:
    with MainspringServer(tmp_path / "data"):
        said = mainspring("import", "mlflow", sqlite_store.address, "--data", tmp_path / "data", code=7)
    assert "A server already runs" in said.err


def test_passwords_are_not_printed(postgresql_store: Store, tmp_path: Path) -> None:
    password = postgresql_store.address.partition("@")[0].rpartition(":")[2]
    said = mainspring("import", "mlflow", postgresql_store.address, "--data", tmp_path / "data", "--no-artifacts")
    assert ":***@" in said.out
    assert password not in said.out + said.err
    wrong = postgresql_store.address.replace(password, "wrong-secret")
    said = mainspring("import", "mlflow", wrong, "--data", tmp_path / "data", code=10)
    assert "wrong-secret" not in said.out + said.err


def test_people_see_a_table_and_a_bar(sqlite_store: Store, tmp_path: Path) -> None:
    """The bar is on standard error, and only on a terminal."""
    command = [*COMMAND, "import", "mlflow", sqlite_store.address, "--data", str(tmp_path / "data")]
    terminal, other = pty.openpty()
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=other, env={**fresh_environment(), "TERM": "xterm"}, check=True
    )
    os.close(other)
    drawn = b""
    while part := read_some(terminal):
        drawn += part
    os.close(terminal)
    assert "runs" in drawn.decode()
    assert "7/7" in drawn.decode()
    assert "All of it is here" in done.stdout.decode()
    assert "first" in done.stdout.decode()
    said = mainspring("import", "mlflow", sqlite_store.address, "--data", tmp_path / "data")
    assert said.err == ""


def read_some(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the other end is closed
        return b""


def test_without_artifacts_locations_stay(sqlite_store: Store, tmp_path: Path) -> None:
    mainspring("import", "mlflow", sqlite_store.address, "--data", tmp_path / "data", "--no-artifacts")
    with closing(sqlite3.connect(tmp_path / "data" / "mainspring.db")) as connection:
        locations = [uri for (uri,) in connection.execute("SELECT artifact_uri FROM runs")]
    assert all(location.startswith("/") for location in locations)
    assert hashes(tmp_path / "data" / "artifacts") == {}


def test_files_behind_a_server_are_asked_for(sqlite_store: Store, tmp_path: Path) -> None:
    """A database says `mlflow-artifacts:/` and not where that is: it may be a folder, or the server."""
    folder = Path(sqlite_store.address.removeprefix("sqlite:///")).parent
    shutil.copy(folder / "mlflow.db", tmp_path / "mlflow.db")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        for table, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("logged_models", "artifact_location"),
        ):
            moved = f"replace({column}, '{folder}/mlruns', 'mlflow-artifacts:')"
            connection.execute(f"UPDATE {table} SET {column} = {moved}")
    address = f"sqlite:///{tmp_path}/mlflow.db"
    said = mainspring("import", "mlflow", address, "--data", tmp_path / "data", code=2)
    assert "--artifacts-from" in said.err
    options = ["--artifacts-from", str(folder / "mlruns"), "--json"]
    report = mainspring("import", "mlflow", address, "--data", tmp_path / "data", *options).json
    assert report["complete"] is True
    assert hashes(tmp_path / "data" / "artifacts") == hashes(folder / "mlruns")
    with MainspringServer(tmp_path / "data") as server:
        options = ["--artifacts-from", server.url, "--json"]
        report = mainspring("import", "mlflow", address, "--data", tmp_path / "again", *options).json
    assert report["complete"] is True
    assert hashes(tmp_path / "again" / "artifacts") == hashes(folder / "mlruns")


def test_folders_that_are_elsewhere_are_told_before(sqlite_store: Store, tmp_path: Path) -> None:
    folder = Path(sqlite_store.address.removeprefix("sqlite:///")).parent
    shutil.copy(folder / "mlflow.db", tmp_path / "mlflow.db")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        connection.execute("UPDATE experiments SET artifact_location = '/another/machine/' || experiment_id")
    said = mainspring("import", "mlflow", f"sqlite:///{tmp_path}/mlflow.db", "--data", tmp_path / "data", code=7)
    assert "/another/machine" in said.err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "location",
    [
        "/etc",
        "/etc/../{run}/artifacts",
        "{root}/{other}/artifacts",
        "dbfs:/x/{run}/artifacts",
        "s3://b/other/artifacts",
    ],
)
def test_only_folders_of_their_own_are_read(sqlite_store: Store, tmp_path: Path, location: str) -> None:
    """Locations come from those who logged: one that leads to something else is not followed."""
    folder = Path(sqlite_store.address.removeprefix("sqlite:///")).parent
    shutil.copy(folder / "mlflow.db", tmp_path / "mlflow.db")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection, connection:
        [(run,)] = connection.execute("SELECT run_uuid FROM runs WHERE experiment_id = 2").fetchall()
        [(other,)] = connection.execute("SELECT run_uuid FROM runs WHERE experiment_id = 0").fetchall()
        wrong = location.format(run=run, other=other, root=f"{folder}/mlruns/0")
        connection.execute("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", (wrong, run))
    address = f"sqlite:///{tmp_path}/mlflow.db"
    report = mainspring("import", "mlflow", address, "--data", tmp_path / "data", "--json").json
    assert any(wrong in note["examples"] for note in report["notes"])
    assert not (tmp_path / "data" / "artifacts" / "2" / run).exists()
    with closing(sqlite3.connect(tmp_path / "data" / "mainspring.db")) as connection:
        assert connection.execute("SELECT artifact_uri FROM runs WHERE run_id = ?", (run,)).fetchone() == (wrong,)


def test_files_that_cannot_be_kept_are_told(sqlite_store: Store, tmp_path: Path) -> None:
    """A name that no store of ours takes, and a link: the rest arrives, and the import says that it is not all."""
    folder = Path(shutil.copytree(Path(sqlite_store.address.removeprefix("sqlite:///")).parent, tmp_path / "store"))
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection, connection:
        old = Path(sqlite_store.address.removeprefix("sqlite:///")).parent
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            connection.execute(f"UPDATE {table} SET {column} = replace({column}, '{old}', '{folder}')")
        [(run,)] = connection.execute("SELECT run_uuid FROM runs WHERE experiment_id = 2").fetchall()
    files = folder / "mlruns" / "2" / run / "artifacts"
    (files / "back\\slash").write_text("x")
    (files / "link").symlink_to("/etc/passwd")
    report = mainspring(
        "import", "mlflow", f"sqlite:///{folder}/mlflow.db", "--data", tmp_path / "data", "--json", code=7
    ).json
    assert report["files"]["failed"] == 1
    assert {"a file could not be copied"} == {note["what"] for note in report["notes"]}
    kept = hashes(tmp_path / "data" / "artifacts" / "2" / run / "artifacts")
    assert "a.txt" in kept
    assert kept.keys().isdisjoint({"link", "back\\slash"})
