"""An export holds all that is here, and its manifest proves it."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from mainspring.kit.errors import Unavailable
from mainspring.transfer import parquet
from mainspring.transfer.parquet import TableFile
from mainspring.transfer.tables import TABLES
from tests.components.server import MainspringServer
from tests.transfer.conftest import Store, mainspring
from tests.transfer.seen import hashes, history_of


@pytest.fixture(scope="module")
def exported(imported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an export of everything."""
    folder = tmp_path_factory.mktemp("export") / "out"
    mainspring("export", folder, "--data", imported)
    return folder


def table(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(folder / f"{name}.parquet")


def rows(folder: Path, name: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return some columns of a table, sorted; a NaN, which equals nothing, by its name."""
    found = (
        tuple("nan" if each != each else each for each in row) for row in table(folder, name).select(columns).rows()
    )
    return sorted(found, key=repr)


def test_manifest_counts_and_hashes_every_file(exported: Path) -> None:
    manifest = json.loads((exported / "manifest.json").read_text())
    assert manifest["tables"].keys() == TABLES.keys()
    for name, said in manifest["tables"].items():
        file = exported / f"{name}.parquet"
        assert said["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert said["bytes"] == file.stat().st_size
        assert said["rows"] == pq.ParquetFile(file).metadata.num_rows
    files = hashes(exported / "artifacts")
    listed = {path: sha256 for path, _, sha256 in table(exported, "artifacts").rows()}
    assert listed == files
    assert manifest["artifacts"] == {
        "files": len(files),
        "bytes": sum(size for _, size, _ in table(exported, "artifacts").rows()),
        "elsewhere": 0,
    }


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_as_documented(exported: Path, name: str) -> None:
    schema = pq.read_schema(exported / f"{name}.parquet")
    assert schema.names == list(TABLES[name])
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "move-from-mlflow.md").read_text()
    [line] = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
    assert line.split("|")[2].strip() == ", ".join(f"`{column}`" for column in TABLES[name])


def test_tables_hold_what_the_client_sees(exported: Path, imported: Path, tmp_path: Path) -> None:
    with MainspringServer(imported) as server:
        client = MlflowClient(server.url, server.url)
        experiments = client.search_experiments(ViewType.ALL)
        runs = client.search_runs([each.experiment_id for each in experiments], run_view_type=ViewType.ALL)
        points = {
            (run.info.run_id, key, *point)
            for run in runs
            for key in run.data.metrics
            for point in history_of(client, run.info.run_id, key)
        }
    assert rows(exported, "experiments", "experiment_id", "name") == sorted(
        ((each.experiment_id, each.name) for each in experiments), key=repr
    )
    assert rows(exported, "runs", "run_id", "experiment_id", "status", "lifecycle_stage") == sorted(
        (run.info.run_id, run.info.experiment_id, run.info.status, run.info.lifecycle_stage) for run in runs
    )
    for name, pairs in (("params", lambda run: run.data.params), ("tags", lambda run: run.data.tags)):
        assert rows(exported, name, "run_id", "key", "value") == sorted(
            ((run.info.run_id, *pair) for run in runs for pair in pairs(run).items()), key=repr
        )
    metrics = table(exported, "metrics").with_columns(pl.col("timestamp").cast(pl.Int64))
    seen = {
        (run_id, key, at, step, repr(value) if not math.isnan(value) else "nan")
        for run_id, key, step, at, value in metrics.rows()
    }
    assert seen == points
    assert len(metrics) == len(points)


def test_models_and_registry_are_there(exported: Path) -> None:
    assert rows(exported, "logged_models", "name", "lifecycle_stage") == [
        ("dropped", "deleted"),
        ("net", "active"),
        ("pending", "active"),
    ]
    assert rows(exported, "logged_model_metrics", "key", "step", "value") == [("acc", 0, 0.5), ("acc", 2, 0.75)]
    assert [role for role, _ in rows(exported, "run_models", "role", "step")] == ["input", "output"]
    assert rows(exported, "registered_models", "name") == [("empty",), ("greeting",), ("wine",)]
    assert rows(exported, "registered_model_aliases", "alias", "version") == [("challenger", 3), ("champion", 2)]
    assert rows(exported, "model_versions", "name", "version", "stage") == [
        ("greeting", 1, "None"),
        ("wine", 1, "Production"),
        ("wine", 2, "None"),
        ("wine", 3, "None"),
    ]


def test_postgresql_gives_the_same_tables(
    exported: Path, sqlite_store: Store, postgres_database: str, tmp_path: Path
) -> None:
    where = ["--data", tmp_path / "data", "--database-url", postgres_database]
    mainspring("import", "mlflow", sqlite_store.address, *where)
    mainspring("export", tmp_path / "out", *where)
    for name in TABLES:
        assert rows(tmp_path / "out", name, *TABLES[name]) == rows(exported, name, *TABLES[name]), name


def test_one_experiment_alone(imported: Path, tmp_path: Path) -> None:
    said = mainspring("export", tmp_path / "out", "--data", imported, "--experiment", "first", "--json").json
    assert said["experiments"] == ["1"]
    assert said["tables"]["runs"]["rows"] == 4
    assert rows(tmp_path / "out", "registered_models", "name") == [("wine",)]
    assert {path.partition("/")[0] for path in hashes(tmp_path / "out" / "artifacts")} == {"1"}
    by_id = mainspring("export", tmp_path / "b", "--data", imported, "--experiment", "2", "--no-artifacts", "--json")
    assert by_id.json["tables"]["runs"]["rows"] == 1
    assert by_id.json["artifacts"] is None
    assert not (tmp_path / "b" / "artifacts").exists()


def test_files_elsewhere_are_counted(copied: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(copied / "mainspring.db")) as connection, connection:
        connection.execute("UPDATE runs SET artifact_uri = 's3://bucket/x' WHERE experiment = 2")
    said = mainspring("export", tmp_path / "out", "--data", copied, "--json").json
    assert said["artifacts"]["elsewhere"] == 1


def test_a_folder_that_is_taken_is_refused(imported: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    assert "is not empty" in mainspring("export", tmp_path / "out", "--data", imported, code=6).err
    assert hashes(tmp_path) == {"out/mine": hashlib.sha256(b"mine").hexdigest()}


def test_what_a_broken_export_left_is_cleared(imported: Path, tmp_path: Path) -> None:
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "rest").write_text("rest")
    mainspring("export", tmp_path / "out", "--data", imported)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert not (tmp_path / "out" / "rest").exists()


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (["--experiment", "nobody"], 5, "no experiment with the name or id 'nobody'"),
        (["--data", "/nowhere"], 5, "no database at /nowhere"),
    ],
)
def test_what_is_not_there_is_said(imported: Path, tmp_path: Path, words: list[str], code: int, what: str) -> None:
    said = mainspring("export", tmp_path / "out", "--data", imported, *words, code=code)
    assert what in said.err
    assert not (tmp_path / "out").exists()


def test_a_table_is_written_in_groups_of_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 25_000)
    file = TableFile("metrics", tmp_path)
    for step in range(60_000):
        file.add("r", "k", step, None if step % 2 else step, step / 2)
    file.close()
    read = pq.ParquetFile(tmp_path / "metrics.parquet")
    assert read.metadata.num_row_groups == 3
    assert read.read().column("step").to_pylist() == list(range(60_000))


def test_a_table_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    file = TableFile("params", tmp_path / "missing")
    file.add("r", "k", "v")
    with pytest.raises(Unavailable, match=r"params\.parquet cannot be written"):
        file.close()
