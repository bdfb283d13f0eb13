"""Deleting for good: nothing is left of what goes, nothing is lost of what stays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.types import BigInteger, Boolean, Double, Integer, LargeBinary

from mainspring.db import migrate
from mainspring.db.engine import Database, check_url
from mainspring.engines.blobs import open_store
from mainspring.kit.actors import LOCAL, NOBODY
from mainspring.kit.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    MainspringError,
    NotFound,
    Unauthenticated,
)
from mainspring.modules.registry import service as registry
from mainspring.modules.registry.schemas import ModelVersionCreate, RegisteredModelCreate
from mainspring.modules.services import Services
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import (
    Batch,
    Dataset,
    DatasetInput,
    ExperimentCreate,
    GarbageKind,
    GarbageQuery,
    GarbageReport,
    LoggedModelCreate,
    Metric,
    ModelOutput,
    RunCreate,
    RunInputs,
)
from mainspring.modules.tracking.service import deletion
from mainspring.modules.tracking.store.deletion import references
from mainspring.modules.tracking.tables import datasets, experiments, logged_models, runs
from mainspring.server.schema import metadata

OUTLIVES = {
    "credentials.run_id",
    "logged_models.source_run_id",
    "logged_model_metrics.run_id",
    "model_versions.run_id",
}
"""Columns that name a run and stay when it is gone: they tell what something was made of."""
TELL = {"events", "event_chain", "outbox_positions", "webhook_deliveries"}
SAYS_MORE = {"runs.run_id", "model_versions.run_link"}
DAY_MS = 24 * 3600 * 1000
FILES = {"model/MLmodel": b"flavors: {}", "model/data/weights.bin": b"w" * 1000, "notes.txt": b"n" * 10}
BYTES = sum(map(len, FILES.values()))


class Platform:
    """A database and a store, worked on from tests that are not asynchronous."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self.services = Services(Database(url), open_store(folder.as_uri()))
        migrate.upgrade(self.services.db.write_engine, metadata)
        self.empty = self.counts()

    def counts(self) -> dict[str, int]:
        """Return how many rows the tables have."""
        with self.services.db.read_engine.connect() as tx:
            tables = [table for table in metadata.sorted_tables if table.name not in TELL]
            return {table.name: tx.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}

    def close(self) -> None:
        self.loop.run_until_complete(self.services.blobs.close())
        self.services.db.close()
        self.loop.close()

    def do(self, write: Any, *args: Any, **kwargs: Any) -> Any:
        """Carry out a service's write."""
        return self.loop.run_until_complete(self.services.db.write(write, *args, **kwargs))

    def gc(self, **query: Any) -> GarbageReport:
        """Collect to the end, and return the sum of the steps."""
        total, token = GarbageReport(), query.pop("page_token", None)
        while True:
            step = self.step(page_token=token, **query)
            for name in ("runs", "logged_models", "experiments", "files", "bytes", "kept", "left"):
                setattr(total, name, getattr(total, name) + getattr(step, name))
            token = step.next_page_token
            if token is None:
                return total

    def step(self, **query: Any) -> GarbageReport:
        """Take one step."""
        garbage = tracking.collect_garbage(self.services, LOCAL, GarbageQuery(**query), registry.find_holders)
        return self.loop.run_until_complete(garbage)

    def experiment(self, name: str, location: str | None = None) -> str:
        return str(self.do(tracking.create_experiment, LOCAL, ExperimentCreate(name, location)).experiment_id)

    def run(self, experiment: str, *, files: bool = True, deleted: bool = True) -> str:
        """Make a run of which every table of runs knows something."""
        run = self.do(tracking.create_run, LOCAL, RunCreate(experiment, tags={"t": "1"}))
        metrics = [Metric("m", float(step), step, step) for step in range(3)]
        self.do(tracking.log_batch, LOCAL, run.run_id, Batch(metrics, [("p", "1")], []))
        data = DatasetInput(Dataset("d", run.run_id, "local", "d.csv"), {"context": "training"})
        self.do(tracking.log_inputs, LOCAL, run.run_id, RunInputs([data], ["m-1"]))
        self.do(tracking.log_outputs, LOCAL, run.run_id, [ModelOutput("m-2", 1)])
        if files:
            self.put(run.artifact_uri)
        if deleted:
            self.do(tracking.delete_run, LOCAL, run.run_id)
        return str(run.run_id)

    def model(self, experiment: str, *, deleted: bool = True) -> str:
        new = LoggedModelCreate(experiment, params={"p": "1"}, tags={"t": "1"})
        model = self.do(tracking.create_logged_model, LOCAL, new)
        self.put(model.artifact_uri)
        if deleted:
            self.do(tracking.delete_logged_model, LOCAL, model.model_id)
        return str(model.model_id)

    def put(self, location: str) -> None:
        """Put the files below a location."""
        folder = self.folder / location.removeprefix("mlflow-artifacts:/")
        for path, content in FILES.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)

    def files(self) -> list[str]:
        """Return every file of the store."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
        return sorted(str(path) for path in found if not str(path).startswith("."))

    def rows(self) -> dict[str, int]:
        """Return how many rows the tables have, but for what is there from the start, and what tells of acts."""
        counts = self.counts()
        return {name: count - self.empty[name] for name, count in counts.items() if count != self.empty[name]}


@pytest.fixture(params=["sqlite", "postgresql"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'a.db'}"
    else:
        url = check_url(request.getfixturevalue("postgres_database"))
    made = Platform(url, tmp_path / "artifacts")
    yield made
    made.close()


# What goes


def test_nothing_is_left_of_an_experiment_with_runs_and_models(platform: Platform) -> None:
    experiment = platform.experiment("e")
    for _ in range(3):
        platform.run(experiment)
    platform.run(experiment, files=False, deleted=False)
    platform.model(experiment)
    platform.model(experiment, deleted=False)
    platform.do(tracking.set_experiment_tag, LOCAL, experiment, "k", "v")
    (platform.folder / experiment / "stray.txt").write_text("nobody's")
    platform.do(tracking.delete_experiment, LOCAL, experiment)

    expected = GarbageReport(4, 2, 1, 3 * 5 + 1, 5 * BYTES + 8)
    before = platform.rows(), platform.files()
    # Stray files of the experiment's folder are counted only when they go.
    assert platform.gc(dry_run=True) == GarbageReport(4, 2, 1, 3 * 5, 5 * BYTES)
    assert (platform.rows(), platform.files()) == before
    assert platform.gc() == expected
    assert platform.rows() == {}
    assert platform.files() == []
    assert [path.name for path in platform.folder.iterdir() if not path.name.startswith(".")] == []
    assert platform.gc() == GarbageReport()
    assert platform.experiment("e")  # its name is free


def test_what_is_not_deleted_stays(platform: Platform) -> None:
    experiment = platform.experiment("e")
    kept = platform.run(experiment, deleted=False)
    before = platform.rows(), platform.files()
    platform.run(experiment)
    assert platform.gc() == GarbageReport(1, 0, 0, 3, BYTES)
    assert (platform.rows(), platform.files()) == before
    found = platform.do(tracking.get_run, LOCAL, kept)
    assert (found.params, len(found.metrics), len(found.datasets)) == ({"p": "1"}, 1, 1)


def test_a_dataset_goes_with_the_last_run_that_read_it(platform: Platform) -> None:
    experiment = platform.experiment("e")
    first, second = platform.run(experiment, deleted=False), platform.run(experiment, deleted=False)
    shared = DatasetInput(Dataset("shared", "1", "local", "d.csv"), {})
    for run in (first, second):
        platform.do(tracking.log_inputs, LOCAL, run, RunInputs([shared], []))
    platform.do(tracking.delete_run, LOCAL, first)
    platform.gc()
    names = [each.name for each in platform.do(tracking.search_datasets, LOCAL, [experiment])]
    assert sorted(names) == ["d", "shared"]
    platform.do(tracking.delete_run, LOCAL, second)
    platform.gc()
    assert "datasets" not in platform.rows()


def test_more_rows_than_a_transaction_takes(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "ROWS", 7)
    monkeypatch.setattr(deletion, "BATCH", 2)
    experiment = platform.experiment("e")
    for _ in range(5):
        platform.run(experiment)
    assert platform.gc().runs == 5
    assert platform.rows() == {"experiments": 1}


def test_a_step_without_time_does_a_part_and_the_next_goes_on(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "SECONDS", 1e-9)
    monkeypatch.setattr(deletion, "ROWS", 2)
    monkeypatch.setattr("mainspring.modules.artifacts.service.erasure.AT_ONCE", 1)
    experiment = platform.experiment("e")
    runs = [platform.run(experiment) for _ in range(2)]
    monkeypatch.setattr(deletion, "SECONDS", 0.001)
    first = platform.step()
    assert first.runs == 0
    assert first.next_page_token
    with pytest.raises(FailedPrecondition, match="is being deleted for good"):
        platform.do(tracking.restore_run, LOCAL, runs[0])
    total = platform.gc()
    assert total.runs == 2
    assert total.files + first.files == 6
    assert platform.rows() == {"experiments": 1}
    assert platform.files() == []


# What is named, and how long ago


def test_named_runs(platform: Platform) -> None:
    experiment = platform.experiment("e")
    first, second, active = platform.run(experiment), platform.run(experiment), platform.run(experiment, deleted=False)
    model = platform.model(experiment)
    assert platform.gc(run_ids=[second]) == GarbageReport(1, 0, 0, 3, BYTES)
    platform.do(tracking.get_run, LOCAL, first)
    with pytest.raises(NotFound):
        platform.do(tracking.get_run, LOCAL, second)
    assert platform.gc(logged_model_ids=[model]) == GarbageReport(0, 1, 0, 3, BYTES)
    with pytest.raises(FailedPrecondition, match=rf"Run '{active}' is active"):
        platform.gc(run_ids=[first, active])
    platform.do(tracking.get_run, LOCAL, first)


@pytest.mark.parametrize(
    ("query", "kind", "message"),
    [
        ({"run_ids": ["0" * 32]}, NotFound, "Run '0{32}' not found"),
        ({"logged_model_ids": ["m-0"]}, NotFound, "Logged model 'm-0' not found"),
        ({"experiment_ids": ["77"]}, NotFound, "Experiment '77' not found"),
        ({"experiment_ids": ["0"]}, FailedPrecondition, "Experiment '0' is active"),
        ({"experiment_ids": ["one"]}, InvalidArgument, "Invalid experiment ID 'one'"),
        ({"run_ids": ["a"] * 1001}, InvalidArgument, "1001 ids are named; at most 1000"),
        ({"older_than_s": -1}, InvalidArgument, "older_than_s is -1"),
        ({"older_than_s": float("inf")}, InvalidArgument, "older_than_s is inf"),
        ({"page_token": "run"}, InvalidArgument, "Invalid page token 'run'"),
        ({"page_token": "runs:1"}, InvalidArgument, "Invalid page token 'runs:1'"),
        ({"page_token": "run:" + "9" * 50}, InvalidArgument, "Invalid page token 'run:9"),
    ],
)
def test_refusals(platform: Platform, query: dict[str, Any], kind: type[MainspringError], message: str) -> None:
    with pytest.raises(kind, match=message):
        platform.gc(**query)


def test_a_named_experiment_takes_its_runs_and_models(platform: Platform) -> None:
    gone, other = platform.experiment("gone"), platform.experiment("other")
    for experiment in (gone, other):
        platform.run(experiment)
        platform.model(experiment, deleted=False)
        platform.do(tracking.delete_experiment, LOCAL, experiment)
    assert platform.gc(experiment_ids=[gone]) == GarbageReport(1, 1, 1, 6, 2 * BYTES)
    platform.do(tracking.restore_experiment, LOCAL, other)
    assert len(platform.files()) == 6


def test_only_what_was_deleted_long_ago(platform: Platform) -> None:
    experiment, old = platform.experiment("e"), platform.experiment("old")
    young_run, old_run = platform.run(experiment), platform.run(experiment)
    young_model, old_model = platform.model(experiment), platform.model(experiment)
    platform.do(tracking.delete_experiment, LOCAL, old)
    with platform.services.db.write_engine.begin() as tx:
        tx.execute(update(runs).where(runs.c.run_id == old_run).values(deleted_at=runs.c.deleted_at - DAY_MS))
        for table, ours in (
            (logged_models, logged_models.c.model_id == old_model),
            (experiments, experiments.c.id == int(old)),
        ):
            tx.execute(update(table).where(ours).values(updated_at=table.c.updated_at - DAY_MS))
    hour = {"older_than_s": 3600.0}
    assert platform.gc(older_than_s=2 * 86400.0) == GarbageReport()
    with pytest.raises(FailedPrecondition, match=f"Run '{young_run}' was deleted only"):
        platform.gc(run_ids=[young_run], **hour)
    assert platform.gc(**hour) == GarbageReport(1, 1, 1, 6, 2 * BYTES)
    platform.do(tracking.restore_run, LOCAL, young_run)
    assert platform.do(tracking.get_logged_model, LOCAL, young_model, True)


# What stays because others refer to it


def register(platform: Platform, source: str, **origin: str) -> None:
    """Register a version of the model ``m``."""
    with suppress(AlreadyExists):
        platform.do(registry.create_registered_model, LOCAL, RegisteredModelCreate("m"))
    platform.do(registry.create_model_version, LOCAL, "m", ModelVersionCreate(source, **origin))


@pytest.mark.parametrize("source", ["runs:/{run}/model", "mlflow-artifacts:/{experiment}/{run}/artifacts/model"])
def test_a_run_whose_files_are_those_of_a_version_is_kept(platform: Platform, source: str) -> None:
    experiment = platform.experiment("e")
    held, free = platform.run(experiment), platform.run(experiment)
    register(platform, source.format(run=held, experiment=experiment), run_id=held)
    platform.do(tracking.delete_experiment, LOCAL, experiment)
    for dry_run in (True, False):
        report = platform.gc(dry_run=dry_run)
        assert (report.runs, report.experiments, report.files) == (1, 0, 3)
        assert [(note.kind, note.id, note.reason) for note in report.kept] == [
            (GarbageKind.RUN, held, "version 1 of the model 'm' has its files there"),
            (GarbageKind.EXPERIMENT, experiment, "1 of its runs and 0 of its logged models stay"),
        ]
    with pytest.raises(NotFound):
        platform.do(tracking.get_run, LOCAL, free)
    assert platform.do(registry.get_files_uri, LOCAL, "m", 1).endswith(f"{held}/artifacts/model")
    assert len(platform.files()) == 3
    platform.do(tracking.restore_experiment, LOCAL, experiment)
    platform.do(tracking.delete_experiment, LOCAL, experiment)
    platform.do(registry.delete_model_version, LOCAL, "m", 1)
    assert platform.gc() == GarbageReport(1, 0, 1, 3, BYTES)


def test_a_copy_of_a_version_holds_the_files_too(platform: Platform) -> None:
    experiment = platform.experiment("e")
    run = platform.run(experiment)
    register(platform, f"runs:/{run}/model", run_id=run)
    register(platform, "models:/m/1")
    platform.do(registry.delete_model_version, LOCAL, "m", 1)
    assert platform.gc().kept[0].reason == "version 2 of the model 'm' has its files there"


def test_a_model_whose_files_are_those_of_a_version_is_kept(platform: Platform) -> None:
    experiment = platform.experiment("e")
    model, run = platform.model(experiment, deleted=False), platform.run(experiment)
    register(platform, f"models:/{model}", model_id=model, run_id=run)
    platform.do(tracking.delete_logged_model, LOCAL, model)
    report = platform.gc()
    # The version came of the run too, but does without it.
    assert (report.runs, report.logged_models) == (1, 0)
    assert [note.id for note in report.kept] == [model]
    assert len(platform.files()) == 3


def test_a_version_registered_after_the_mark_is_kept(platform: Platform) -> None:
    run = platform.run(platform.experiment("e"))
    with platform.services.db.write_engine.begin() as tx:
        tx.execute(update(runs).where(runs.c.run_id == run).values(collected_at=1))
    register(platform, f"runs:/{run}/model", run_id=run)
    assert platform.gc().runs == 0
    assert len(platform.files()) == 3


def test_files_outside_the_store_are_left(platform: Platform, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    run = platform.run(platform.experiment("local", str(outside)), files=False)
    folder = outside / run / "artifacts"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    away = platform.run(platform.experiment("s3", "s3://user:secret@bucket/prefix?key=secret"), files=False)
    report = platform.gc()
    assert (report.runs, report.files) == (2, 0)
    assert {note.id for note in report.left} == {run, away}
    assert all("outside this server's store" in note.reason for note in report.left)
    assert "secret" not in str(report)
    assert (folder / "mine.txt").read_text() == "mine"


def test_a_folder_that_others_lie_in_is_kept(platform: Platform) -> None:
    experiment = platform.experiment("e")
    run = platform.run(experiment)
    inner = platform.experiment("inner", f"mlflow-artifacts:/{experiment}/{run}/artifacts/inner")
    other = platform.run(inner, deleted=False)
    assert [(note.id, note.reason) for note in platform.gc().kept] == [
        (run, f"the artifacts of experiment {inner} lie in its folder")
    ]
    assert sum(other in path for path in platform.files()) == 3


def test_a_folder_without_the_id_of_its_run_is_kept(platform: Platform) -> None:
    experiment = platform.experiment("e")
    run, other = platform.run(experiment), platform.run(experiment, deleted=False)
    with platform.services.db.write_engine.begin() as tx:
        location = f"mlflow-artifacts:/{experiment}"
        tx.execute(update(runs).where(runs.c.run_id == run).values(artifact_uri=location))
    assert [note.id for note in platform.gc().kept] == [run]
    assert sum(other in path for path in platform.files()) == 3


def test_the_default_experiment_stays(platform: Platform) -> None:
    platform.run("0")
    platform.do(tracking.delete_experiment, LOCAL, "0")
    report = platform.gc()
    assert (report.runs, report.experiments) == (1, 0)
    assert [note.id for note in report.kept] == ["0"]
    platform.do(tracking.restore_experiment, LOCAL, "0")


def test_a_run_restored_in_a_deleted_experiment_keeps_it(platform: Platform) -> None:
    experiment = platform.experiment("e")
    run = platform.run(experiment)
    platform.do(tracking.delete_experiment, LOCAL, experiment)
    platform.do(tracking.restore_run, LOCAL, run)
    for dry_run in (True, False):
        assert [note.id for note in platform.gc(dry_run=dry_run).kept] == [experiment]
    platform.do(tracking.restore_experiment, LOCAL, experiment)
    assert len(platform.files()) == 3


# Marks, and who may


def test_what_is_marked_is_not_restored(platform: Platform) -> None:
    experiment = platform.experiment("e")
    marked, free = platform.run(experiment), platform.run(experiment)
    with platform.services.db.write_engine.begin() as tx:
        tx.execute(update(runs).where(runs.c.run_id == marked).values(collected_at=1))
    with pytest.raises(FailedPrecondition, match="is being deleted for good"):
        platform.do(tracking.restore_run, LOCAL, marked)
    platform.do(tracking.delete_experiment, LOCAL, experiment)
    platform.do(tracking.restore_experiment, LOCAL, experiment)
    stages = {run: platform.do(tracking.get_run, LOCAL, run).lifecycle_stage for run in (marked, free)}
    assert stages == {marked: "deleted", free: "active"}
    platform.do(tracking.delete_experiment, LOCAL, experiment)
    with platform.services.db.write_engine.begin() as tx:
        tx.execute(update(experiments).where(experiments.c.id == int(experiment)).values(collected_at=1))
    with pytest.raises(FailedPrecondition, match="is being deleted for good"):
        platform.do(tracking.restore_experiment, LOCAL, experiment)
    # What was begun is finished, however young it is.
    assert platform.gc(older_than_s=3600).runs == 1


def test_it_needs_a_permission(platform: Platform) -> None:
    garbage = tracking.collect_garbage(platform.services, NOBODY, GarbageQuery(), registry.find_holders)
    with pytest.raises(Unauthenticated):
        platform.loop.run_until_complete(garbage)


# No table is forgotten


def test_every_table_that_speaks_of_runs_is_dealt_with() -> None:
    dealt = {f"{table.name}.{column}" for table, column in references(GarbageKind.RUN)}
    named = {str(column) for table in metadata.sorted_tables for column in table.columns if "run" in column.name}
    assert named - dealt == OUTLIVES | SAYS_MORE
    assert dealt - named == set()


def test_a_row_in_every_table_goes(platform: Platform) -> None:
    """Also in tables that no service of this test writes to."""
    experiment = platform.experiment("e")
    run, model = platform.run(experiment, files=False), platform.model(experiment)
    with platform.services.db.write_engine.begin() as tx:
        dataset = tx.execute(select(datasets.c.id)).scalar_one()
        keys = {
            GarbageKind.RUN: tx.execute(select(runs.c.id)).scalar_one(),
            GarbageKind.LOGGED_MODEL: tx.execute(select(logged_models.c.id)).scalar_one(),
            GarbageKind.EXPERIMENT: int(experiment),
        }
        for kind, key in keys.items():
            for table, column in references(kind):
                row = {each.name: anything(each) for each in table.columns} | {column: key}
                row |= {"dataset": dataset} if "dataset" in table.c else {}
                row |= {"id": 1000} if "id" in table.c else {}
                if kind is not GarbageKind.RUN or table.name not in ("run_datasets", "run_documents"):
                    tx.execute(insert(table).values(row))
    filled = platform.rows()
    assert {table.name for kind in keys for table, _ in references(kind)} <= filled.keys()
    platform.do(tracking.delete_experiment, LOCAL, experiment)
    assert platform.gc().experiments == 1
    assert platform.rows() == {}
    assert run
    assert model


def anything(column: Any) -> Any:
    """Return a value that a column takes."""
    kinds = ((Boolean, False), (LargeBinary, b"x"), (Double, 0.5), (BigInteger, 7), (Integer, 7))
    return next((value for kind, value in kinds if isinstance(column.type, kind)), "x")
