"""Documents of runs: never out of step with the tables, whatever changes a run, in one process or two."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from mainspring.db import migrate
from mainspring.db.engine import check_url
from mainspring.kit.actors import LOCAL
from mainspring.kit.sql_engines import create_write_engine
from mainspring.kit.time import now_ms
from mainspring.modules.tracking import documents, service
from mainspring.modules.tracking.schemas import (
    Batch,
    Dataset,
    DatasetInput,
    ExperimentCreate,
    LoggedModelCreate,
    Metric,
    ModelOutput,
    Run,
    RunCreate,
    RunInputs,
    RunStatus,
    RunUpdate,
)
from mainspring.modules.tracking.store import documents as store
from mainspring.server.schema import metadata

LATER = now_ms() + 10**9
DATASET = DatasetInput(Dataset("wine", "d1", "http", "s", schema="{}"), {"context": "train"})
MODEL = {"artifact_path": "m", "flavors": {}, "run_id": "r", "utc_time_created": "now"}
Change = Callable[[Connection, str], object]
CHANGES: dict[str, Change] = {
    "metric": lambda tx, run: service.log_batch(tx, LOCAL, run, Batch([Metric("loss", 0.1, 9, 9)])),
    "many points": lambda tx, run: service.log_batch(
        tx, LOCAL, run, Batch([Metric("loss", 0.5, 10 + n, 10 + n) for n in range(50)])
    ),
    "nan": lambda tx, run: service.log_batch(tx, LOCAL, run, Batch([Metric("loss", "NaN", 9, 9)])),
    "param": lambda tx, run: service.log_batch(tx, LOCAL, run, Batch(params=[("new", "1")])),
    "tag": lambda tx, run: service.log_batch(tx, LOCAL, run, Batch(tags=[("note", "new")])),
    "name by tag": lambda tx, run: service.log_batch(tx, LOCAL, run, Batch(tags=[("mlflow.runName", "new")])),
    "tag deleted": lambda tx, run: service.delete_tag(tx, LOCAL, run, "note"),
    "status": lambda tx, run: service.update_run(tx, LOCAL, run, RunUpdate(RunStatus.FAILED)),
    "end": lambda tx, run: service.update_run(tx, LOCAL, run, RunUpdate(ended_at=5)),
    "name": lambda tx, run: service.update_run(tx, LOCAL, run, RunUpdate(name="new")),
    "deleted": lambda tx, run: service.delete_run(tx, LOCAL, run),
    "dataset": lambda tx, run: service.log_inputs(tx, LOCAL, run, RunInputs([DATASET])),
    "model input": lambda tx, run: service.log_inputs(tx, LOCAL, run, RunInputs(models=["m-1"])),
    "model output": lambda tx, run: service.log_outputs(tx, LOCAL, run, [ModelOutput("m-2", 3)]),
    "model log": lambda tx, run: service.log_model(tx, LOCAL, run, MODEL),
    "experiment deleted": lambda tx, run: service.delete_experiment(
        tx, LOCAL, service.get_run(tx, LOCAL, run).experiment_id
    ),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/documents.db"
    else:
        url = check_url(request.getfixturevalue("postgres_database"))
    engine = create_write_engine(url)
    migrate.upgrade(engine, metadata)
    yield engine
    engine.dispose()


def make_run(tx: Connection, name: str = "e") -> str:
    experiment = service.create_experiment(tx, LOCAL, ExperimentCreate(name)).experiment_id
    run_id = service.create_run(tx, LOCAL, RunCreate(experiment, "first", tags={"note": "old"})).run_id
    service.log_batch(tx, LOCAL, run_id, Batch([Metric("loss", 1.0, 1, 1)], [("lr", "0.1")]))
    return run_id


def kept(tx: Connection, run_id: str) -> Run | None:
    """Return the run of the document that is kept, None where it is out of date."""
    body = store.find_documents(tx, [run_id])[run_id][1]
    return None if body is None else documents.decode_joined(body)[0]


def refresh_all(tx: Connection) -> None:
    while store.refresh(tx, LATER, 100):
        pass


def test_every_change_empties_the_document(engine: Engine) -> None:
    for name, change in CHANGES.items():
        with engine.begin() as tx:
            run_id = make_run(tx, name)
            refresh_all(tx)
            before = service.get_run(tx, LOCAL, run_id)
            assert kept(tx, run_id) == before, name
            change(tx, run_id)
            after = service.get_run(tx, LOCAL, run_id)
            assert after != before, name
            assert kept(tx, run_id) is None, name
            refresh_all(tx)
            assert kept(tx, run_id) == after, name


def test_restoring_empties_it_too(engine: Engine) -> None:
    with engine.begin() as tx:
        run_id = make_run(tx)
        service.delete_run(tx, LOCAL, run_id)
        refresh_all(tx)
        service.restore_run(tx, LOCAL, run_id)
        assert kept(tx, run_id) is None
        experiment = service.get_run(tx, LOCAL, run_id).experiment_id
        service.delete_experiment(tx, LOCAL, experiment)
        refresh_all(tx)
        service.restore_experiment(tx, LOCAL, experiment)
        assert kept(tx, run_id) is None


def test_what_changes_no_run_leaves_it(engine: Engine) -> None:
    with engine.begin() as tx:
        run_id = make_run(tx)
        refresh_all(tx)
        experiment = service.get_run(tx, LOCAL, run_id).experiment_id
        service.create_logged_model(tx, LOCAL, LoggedModelCreate(experiment, "m", run_id))
        service.rename_experiment(tx, LOCAL, experiment, "other")
        assert kept(tx, run_id) == service.get_run(tx, LOCAL, run_id)


def test_young_changes_wait(engine: Engine) -> None:
    with engine.begin() as tx:
        run_id = make_run(tx)
        store.refresh(tx, now_ms() - 60_000, 100)
        assert kept(tx, run_id) is None


def test_a_process_keeps_no_document_of_what_it_did_not_see(postgres_database: str) -> None:
    """One process logs in a transaction that is still open, while another writes documents."""
    writing, refreshing = (create_write_engine(check_url(postgres_database)) for _ in range(2))
    migrate.upgrade(writing, metadata)
    with writing.begin() as tx:
        run_id = make_run(tx)
    with writing.begin() as tx:
        service.log_batch(tx, LOCAL, run_id, Batch(params=[("late", "1")]))
        with refreshing.begin() as other:
            assert store.refresh(other, LATER, 100) == {}
    with refreshing.begin() as other:
        refresh_all(other)
        assert kept(other, run_id) == service.get_run(other, LOCAL, run_id)
        assert "late" in service.get_run(other, LOCAL, run_id).params

    # The other way round: the writer waits for the document's row, and then empties it.
    with writing.begin() as tx:
        service.log_batch(tx, LOCAL, run_id, Batch(params=[("later", "1")]))
    with refreshing.begin() as other:
        store.refresh(other, LATER, 100)
        logging = threading.Thread(target=_log, args=(writing, run_id))
        logging.start()
        logging.join(0.5)
        assert logging.is_alive()
    logging.join(10)
    with refreshing.begin() as other:
        assert kept(other, run_id) is None
    for engine in (writing, refreshing):
        engine.dispose()


def _log(engine: Engine, run_id: str) -> None:
    with engine.begin() as tx:
        service.log_batch(tx, LOCAL, run_id, Batch(params=[("latest", "1")]))
