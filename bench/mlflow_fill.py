"""Put the data set into the original server's database by bulk SQL, since its REST API would need many minutes.

Run in the original's own environment: `python -m bench.mlflow_fill URL runs EXPERIMENT_ID COUNT`, or `… points RUN_ID
COUNT` for the long history of a run that is there.
"""

import sys
import uuid
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from bench.dataset import HISTORY_KEY, chart_point, run_row

Rows = dict[str, list[dict[str, Any]]]
TABLES = ("runs", "params", "latest_metrics", "metrics", "tags")
AT_ONCE = 10_000


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


def runs(experiment_id: int, indexes: range) -> Rows:
    """Return the records of some runs by table."""
    rows: Rows = {table: [] for table in TABLES}
    for index in indexes:
        row, run_id = run_row(index), uuid.uuid4().hex
        rows["runs"].append(run_record(run_id, experiment_id, row.name, row.start_ms))
        rows["tags"] += entries(run_id, {**row.tags, "mlflow.runName": row.name})
        rows["params"] += entries(run_id, row.params)
        rows["metrics"] += [point_record(run_id, key, 0, row.start_ms, value) for key, value in row.metrics.items()]
    rows["latest_metrics"] = rows["metrics"]
    return rows


def points(run_id: str, steps: range, count: int) -> Rows:
    """Return the records of a stretch of the long history; the last of all is the latest, too."""
    rows = [point_record(run_id, HISTORY_KEY, step, *chart_point(step, count)) for step in steps]
    return {"metrics": rows, "latest_metrics": rows[-1:] if steps.stop == count else []}


def stretches(count: int) -> Iterator[range]:
    """Cut 0 … count - 1 into ranges."""
    return (range(start, min(start + AT_ONCE, count)) for start in range(0, count, AT_ONCE))


def main(url: str, part: str, where: str, count: int) -> None:
    """Insert everything in one transaction."""
    engine, schema = sa.create_engine(url), sa.MetaData()
    schema.reflect(engine, only=TABLES)
    with engine.begin() as connection:
        for stretch in stretches(count):
            rows = runs(int(where), stretch) if part == "runs" else points(where, stretch, count)
            for table, values in rows.items():
                if values:
                    connection.execute(schema.tables[table].insert(), values)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
