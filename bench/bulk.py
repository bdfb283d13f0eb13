"""Put many runs straight into a Mainspring database by the module's own store: a million take hours by requests.

Meanwhile the server is stopped. What its background tasks would do later is done, too: documents and compaction.
"""

import time

from sqlalchemy import Connection, Engine

from bench import dataset
from bench.servers import Server
from mainspring.db.engine import check_url
from mainspring.kit.ids import new_run_id
from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.tracking.schemas import LifecycleStage, Run, RunStatus
from mainspring.modules.tracking.service import upkeep
from mainspring.modules.tracking.store import documents, imports, metrics, runs

AT_ONCE = 2_000


def fill(server: Server, experiment: str, indexes: range) -> None:
    """Insert these runs of the data set into an experiment, and do what is left to do for them."""
    server.halt()
    engine = create_write_engine(check_url(server.database_url or f"sqlite:///{server.folder}/data/mainspring.db"))
    for start in range(0, len(indexes), AT_ONCE):
        with engine.begin() as tx:
            insert(tx, experiment, indexes[start : start + AT_ONCE])
    time.sleep(upkeep.STALE_MS / 1000)
    finish(engine)
    engine.dispose()
    if server.postgres:
        server.postgres.vacuum()
    server.launch()
    server.settle()


def insert(tx: Connection, experiment: str, indexes: range) -> None:
    """Insert some runs with all that was logged to them."""
    rows = dict(zip(runs.reserve_keys(tx, len(indexes)), map(dataset.run_row, indexes), strict=True))
    made, where = {key: run_of(experiment, row) for key, row in rows.items()}, int(experiment)
    runs.insert_runs(tx, [runs.run_row(key, run) for key, run in made.items()], {})
    imports.update_runs(tx, made, {})
    runs.set_tags(tx, sorted((key, t, text, where) for key, run in made.items() for t, text in run.tags.items()))
    runs.insert_params(tx, sorted((key, p, text, where) for key, row in rows.items() for p, text in row.params.items()))
    points = [(key, m, row.start_ms, 0, value, False) for key, row in rows.items() for m, value in row.metrics.items()]
    metrics.insert_points(tx, points, dict.fromkeys(rows, where))
    documents.mark_stale(tx, rows)


def run_of(experiment: str, row: dataset.RunRow) -> Run:
    """Return a run of the data set as the API would have stored it."""
    run_id = new_run_id()
    return Run(
        run_id=run_id,
        experiment_id=experiment,
        name=row.name,
        user_id="",
        status=RunStatus.FINISHED,
        lifecycle_stage=LifecycleStage.ACTIVE,
        artifact_uri=f"mlflow-artifacts:/{experiment}/{run_id}/artifacts",
        started_at=row.start_ms,
        ended_at=row.start_ms + 500,
        tags={**row.tags, "mlflow.runName": row.name},
    )


def finish(engine: Engine) -> None:
    """Write the documents of the new runs, and take them from the queue of the compaction."""
    more = True
    while more:
        with engine.begin() as tx:
            more = upkeep.refresh_documents(tx)
    while True:
        with engine.begin() as tx:
            look = upkeep.look(tx)
            for jobs in look.batches:
                upkeep.compact(tx, jobs)
            upkeep.finish_look(tx, look)
        if not look.more:
            return
