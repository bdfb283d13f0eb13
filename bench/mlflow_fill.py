"""Put the data set into the original server's database by bulk SQL, since its REST API would need minutes.

Run in the original's own environment: `python -m bench.mlflow_fill URL EXPERIMENT_ID RUNS POINTS`; prints the id of the
run that holds the long metric history.
"""

import sys
import uuid
from typing import Any

import sqlalchemy as sa

from bench.dataset import HISTORY_KEY, history_point, run_row

Rows = dict[str, list[dict[str, Any]]]


def run_record(run_id: str, experiment_id: int, name: str, start_ms: int) -> dict[str, Any]:
    """Return one record of the table `runs`, as the server itself would have written it."""
    unset = dict.fromkeys(("source_name", "entry_point_name", "source_version"), "")
    uri = f"mlflow-artifacts:/{experiment_id}/{run_id}/artifacts"
    run = {"run_uuid": run_id, "name": name, "experiment_id": experiment_id, "artifact_uri": uri, "user_id": "bench"}
    times = {"start_time": start_ms, "end_time": start_ms + 500}
    return {**unset, **run, **times, "status": "FINISHED", "lifecycle_stage": "active", "source_type": "UNKNOWN"}


def point_record(run_id: str, key: str, step: int, timestamp: int, value: float) -> dict[str, Any]:
    """Return one record of the tables `metrics` and `latest_metrics`."""
    return {"run_uuid": run_id, "key": key, "step": step, "timestamp": timestamp, "value": value, "is_nan": False}


def entries(run_id: str, values: dict[str, str]) -> list[dict[str, str]]:
    """Return the records of one run's params or tags."""
    return [{"run_uuid": run_id, "key": key, "value": value} for key, value in values.items()]


def records(experiment_id: int, runs: int, history_run: str, points: int) -> Rows:
    """Return the records of the whole data set by table."""
    rows: Rows = {"runs": [], "params": [], "latest_metrics": [], "metrics": [], "tags": []}
    for index in range(runs):
        row, run_id = run_row(index), uuid.uuid4().hex
        rows["runs"].append(run_record(run_id, experiment_id, row.name, row.start_ms))
        rows["tags"] += entries(run_id, {**row.tags, "mlflow.runName": row.name})
        rows["params"] += entries(run_id, row.params)
        rows["metrics"] += [point_record(run_id, key, 0, row.start_ms, value) for key, value in row.metrics.items()]
    history = [point_record(history_run, HISTORY_KEY, step, *history_point(step)) for step in range(points)]
    rows["runs"].append(run_record(history_run, 0, "history", 0))
    rows["latest_metrics"] = [*rows["metrics"], history[-1]]
    rows["metrics"] += history
    return rows


def main(url: str, experiment_id: int, runs: int, points: int) -> None:
    """Insert everything in one transaction."""
    history_run = uuid.uuid4().hex
    engine, schema = sa.create_engine(url), sa.MetaData()
    rows = records(experiment_id, runs, history_run, points)
    schema.reflect(engine, only=list(rows))
    with engine.begin() as connection:
        for table, values in rows.items():
            connection.execute(schema.tables[table].insert(), values)
    print(history_run)


if __name__ == "__main__":
    main(sys.argv[1], *(int(word) for word in sys.argv[2:5]))
