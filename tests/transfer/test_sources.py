"""What the readers make of old schemas, odd files and things that are no store at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from mlflow.store.db.utils import _get_alembic_config
from mlflow.store.tracking.dbmodels.initial_models import Base

from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable, Unsupported
from mainspring.modules.tracking.schemas import LifecycleStage, RunStatus
from mainspring.modules.tracking.service.imports import RunRecord
from mainspring.transfer.mlflow_files import MlflowFiles
from mainspring.transfer.mlflow_sql import MlflowDatabase
from mainspring.transfer.opening import open_source
from mainspring.transfer.source import Source
from mainspring.transfer.spool import Spool

LARGEST = 1.7976931348623157e308
RUN = "ab" * 16
OLDEST = "df50e92ffc5e"


def old_database(path: Path, revision: str) -> str:
    """Make a database as the original's migrations had it at a revision, and return its URL."""
    url = f"sqlite:///{path}"
    engine = sa.create_engine(url)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        config = _get_alembic_config(url)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    return url


def runs_of(source: Source, experiment_id: str) -> list[RunRecord]:
    return [run for batch in source.runs(experiment_id) for run in batch]


@pytest.mark.parametrize("revision", [OLDEST, "0c779009ac13", "7f2a7d5fae7d", "6953534de441"])
def test_older_schemas_are_read(tmp_path: Path, revision: str) -> None:
    url = old_database(tmp_path / "old.db", revision)
    with closing(sqlite3.connect(tmp_path / "old.db")) as old, old:
        old.execute("INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (3, 'e', 'deleted')")
        old.execute("INSERT INTO experiment_tags (key, value, experiment_id) VALUES ('k', NULL, 3)")
        columns = "run_uuid, experiment_id, status, start_time, lifecycle_stage, artifact_uri"
        old.execute(f"INSERT INTO runs ({columns}) VALUES ('{RUN}', 3, 'FAILED', 5, 'active', '/a')")
        old.execute(f"INSERT INTO params (key, value, run_uuid) VALUES ('p', 'v', '{RUN}')")
        old.execute(f"INSERT INTO tags (key, value, run_uuid) VALUES ('mlflow.runName', 'named', '{RUN}')")
        points = [(1.5, 7, 0, 0), (0, 8, 1, 1)]
        metric = (
            f"INSERT INTO metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES ('m', ?, ?, ?, ?, '{RUN}')"
        )
        old.executemany(metric, points)
    source = MlflowDatabase(url)
    [experiment] = source.experiments()
    assert (experiment.name, experiment.lifecycle_stage, experiment.tags) == ("e", LifecycleStage.DELETED, {"k": ""})
    [run] = runs_of(source, "3")
    assert (run.name, run.status, run.params, run.started_at) == ("named", RunStatus.FAILED, {"p": "v"}, 5)
    assert list(source.points([run])) == [(RUN, "m", 7, 0, 1.5, False), (RUN, "m", 8, 1, 0.0, True)]
    assert list(source.logged_models("3")) == list(source.registered_models()) == []
    assert source.not_imported() == {}
    source.close()


def test_too_old_a_schema_is_refused(tmp_path: Path) -> None:
    url = old_database(tmp_path / "old.db", "451aebb31d03")
    with pytest.raises(FailedPrecondition, match=r"older than MLflow 1\.2: .*mlflow db upgrade"):
        MlflowDatabase(url)


def test_traces_are_counted(sqlite_store: object, tmp_path: Path) -> None:
    url = old_database(tmp_path / "new.db", "867495a8f9d4")
    with closing(sqlite3.connect(tmp_path / "new.db")) as new, new:
        new.execute("INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (3, 'e', 'active')")
        new.execute("INSERT INTO trace_info (request_id, experiment_id, timestamp_ms, status) VALUES ('t', 3, 1, 'OK')")
    assert MlflowDatabase(url).not_imported() == {"traces": 1}


def test_workspaces_keep_names_apart(sqlite_store: object, tmp_path: Path) -> None:
    """Names are unique within one of the original's workspaces; here there is one for all."""
    url = old_database(tmp_path / "new.db", "1b5f0d9ad7c1")
    with closing(sqlite3.connect(tmp_path / "new.db")) as new, new:
        for number, workspace in enumerate(("default", "blue"), 1):
            columns = "experiment_id, name, lifecycle_stage, workspace"
            new.execute(f"INSERT INTO experiments ({columns}) VALUES ({number}, 'e', 'active', '{workspace}')")
            new.execute(f"INSERT INTO registered_models (name, workspace) VALUES ('m', '{workspace}')")
            version = f"('m', {number}, 's', 'None', '{workspace}')"
            columns = "name, version, source, current_stage, workspace"
            new.execute(f"INSERT INTO model_versions ({columns}) VALUES {version}")
    source = MlflowDatabase(url)
    assert [each.name for each in source.experiments()] == ["e", "e (blue)"]
    assert sorted(each.name for each in source.registered_models()) == ["m", "m (blue)"]
    assert [each.version for each in source.versions("m (blue)")] == [2]


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("sqlite:////nowhere/x.db", NotFound),
        ("/nowhere", NotFound),
        ("mysql://u@h/d", Unsupported),
        ("postgresql://u:secret@127.0.0.1:1/d", Unavailable),
        ("http://127.0.0.1:1", Unavailable),
        ("http://", InvalidArgument),
    ],
)
def test_what_is_not_there_is_said(address: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mainspring.transfer.mlflow_http.PAUSES_S", ())
    with pytest.raises(error) as raised:
        open_source(address)
    assert "secret" not in str(raised.value)


def test_what_is_no_store_is_said(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    sqlite3.connect(tmp_path / "empty.db").execute("CREATE TABLE t (x)").connection.close()
    for address in (f"sqlite:///{tmp_path}/text", f"sqlite:///{tmp_path}/empty.db", str(tmp_path)):
        with pytest.raises(InvalidArgument):
            open_source(address)


def test_our_own_database_is_refused(imported: Path) -> None:
    with pytest.raises(InvalidArgument, match="of Mainspring itself"):
        open_source(f"sqlite:///{imported}/mainspring.db")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return the folder of a run in a file store."""
    run = tmp_path / "mlruns" / "4" / RUN
    for name in ("metrics", "params", "tags", "artifacts"):
        (run / name).mkdir(parents=True)
    (run.parent / "meta.yaml").write_text("{name: e, experiment_id: '4'}")
    (run / "meta.yaml").write_text(f"{{run_uuid: {RUN}, name: old, status: 3, start_time: 5, experiment_id: 4}}")
    return run


def test_lines_of_metrics(files: Path) -> None:
    lines = [
        "1 0.5",
        "2 nan 3",
        "2 nan 3",
        "3 -inf 4",
        "3 inf 4",
        "4 1e-3 -5 wine abc",
        "5 x 6",
        "6",
        "",
        "7 1 9999999999999999999",
    ]
    (files / "metrics" / "a").mkdir()
    (files / "metrics" / "a" / "b").write_text("\n".join(lines))
    source = MlflowFiles(str(files.parents[1]))
    [run] = runs_of(source, "4")
    assert (run.name, run.status) == ("old", RunStatus.FINISHED)
    assert list(source.points([run])) == [
        (RUN, "a/b", 1, 0, 0.5, False),
        (RUN, "a/b", 2, 3, 0.0, True),
        (RUN, "a/b", 3, 4, -LARGEST, False),
        (RUN, "a/b", 3, 4, LARGEST, False),
        (RUN, "a/b", 4, -5, 0.001, False),
    ]
    [note] = source.notes.all()
    assert (note.what, note.count) == ("a line of a metric's file is not understood", 4)


def test_links_and_foreign_folders_are_left_alone(files: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (files / "params" / "p").symlink_to(tmp_path / "secret")
    (files / "tags").rmdir()
    (files / "tags").symlink_to(tmp_path)
    other = files.parent / ("cd" * 16)
    other.mkdir()
    (other / "meta.yaml").write_text(f"{{run_id: {RUN}}}")
    broken = files.parent / ("ef" * 16)
    broken.mkdir()
    (broken / "meta.yaml").write_text("{")
    source = MlflowFiles(str(files.parents[1]))
    [run] = runs_of(source, "4")
    assert run.params == run.tags == {}
    assert {note.what for note in source.notes.all()} == {
        "a link in the store was not followed",
        "a folder of a run that names another run was left out",
        "a meta.yaml cannot be read",
    }


def test_a_spool_sorts_and_drops_repeated_points() -> None:
    spool = Spool()
    points = [("r", "k", at, 0, float(at % 3), False) for at in (3, 1, 2, 1, 3)] * 100
    assert list(spool.distinct(iter(points))) == sorted(set(points))
    assert list(spool.distinct(iter(points[:1]))) == points[:1]
