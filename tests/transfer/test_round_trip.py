"""A whole server moved in arrives without loss: its own client sees the same here as there."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.components.server import MainspringServer
from tests.transfer.conftest import Store, client_of, mainspring
from tests.transfer.seen import Seen, everything


def compare(seen: Seen, wanted: Seen) -> None:
    """Check that two servers hold the same, one thing after the other: the difference is then readable."""
    assert sorted(seen) == sorted(wanted)
    for name in wanted:
        assert seen[name] == wanted[name], name


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("sqlite", "sqlite"),
        pytest.param("sqlite", "postgresql", marks=pytest.mark.slow),
        ("postgresql", "postgresql"),
        ("file", "sqlite"),
        ("rest", "sqlite"),
        pytest.param("original", "sqlite", marks=pytest.mark.slow),
    ],
)
def test_everything_arrives(source: str, target: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    store: Store = request.getfixturevalue(f"{source}_store")
    database = request.getfixturevalue("postgres_database") if target == "postgresql" else None
    where = ["--data", tmp_path / "data", *(["--database-url", database] if database else [])]
    report = mainspring("import", "mlflow", store.address, *where, "--json").json
    assert report["complete"] is True
    assert report["notes"] == []
    assert report["files"]["failed"] == 0
    with MainspringServer(tmp_path / "data", database_url=database) as server, client_of(server.url) as client:
        seen, wanted = everything(client, tmp_path / "downloaded"), dict(store.seen)
        if source == "file":
            # The original has lost sight of the files of what is in its trash; here they are back.
            [trashed] = [name for name in seen if name[0] == "run" and seen[name][0] == "gone"]
            assert len(seen.pop(("files", trashed[1]))) == 4
            assert wanted.pop(("files", trashed[1])) == {}
        compare(seen, wanted)
        # What comes next gets ids of its own.
        assert client.create_experiment("one more") not in {each["source_id"] for each in report["experiments"]}
        deleted = 4 if source in ("sqlite", "postgresql", "file") else 3  # REST shows no number of a deleted version
        [run] = client.search_runs(["0"])
        source_of_next = f"runs:/{run.info.run_id}/model"
        assert int(client.create_model_version("wine", source_of_next, run.info.run_id).version) == deleted + 1


def test_a_second_import_changes_nothing(sqlite_store: Store, copied: Path) -> None:
    before = contents(copied / "mainspring.db")
    report = mainspring("import", "mlflow", sqlite_store.address, "--data", copied, "--json").json
    assert report["complete"] is True
    assert [each["already"] for each in report["experiments"]] == [1, 7, 1, 1]
    assert contents(copied / "mainspring.db") == before


def contents(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of all tables but those that follow the others."""
    with sqlite3.connect(database) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        derived = {"run_documents", "metric_blocks", "compactions"}
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in {*tables} - derived}
