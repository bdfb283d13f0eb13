"""Real stores of MLflow, filled by its own client with everything that an import must bring along."""

from __future__ import annotations

import math
import os
from itertools import groupby
from pathlib import Path
from typing import Any

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # the original asks for it since 3.14
os.environ["GIT_PYTHON_REFRESH"] = "quiet"

import sqlalchemy as sa
import yaml
from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    Param,
    RunTag,
)

POINTS = [
    (0, 1.5, 10),
    (1, math.nan, 11),
    (2, math.inf, 12),
    (3, -math.inf, 13),
    (-5, -0.0, 14),
    (7, 3.25, 9),  # a later step, logged earlier
    (7, 3.25, 9),  # a repeated point
    (4, 1e-308, 15),
    (4, 2.0, 15),
    (2**40, 123456789.123456789, 2**41),
]
"""(step, value, timestamp): what histories may hold."""


def fill(client: MlflowClient, folder: Path) -> None:
    """Put some of everything into a store; ``folder`` is for files on their way."""
    first = client.create_experiment("first", tags={"team": "vision", "note": "Größe 🙂\nzwei"})
    second = client.create_experiment("second / with strange: name")
    gone = client.create_experiment("gone")
    for experiment in ("0", first, second):
        add_run(client, experiment, folder)
    deleted = add_run(client, first, folder)
    add_run(client, gone, folder)
    add_models(client, first, folder)
    add_registered(client, first, folder)
    client.delete_run(deleted)
    client.delete_experiment(gone)


def add_run(client: MlflowClient, experiment: str, folder: Path) -> str:
    """Log a run with all kinds of params, tags, points, inputs and files, and return its id."""
    run = client.create_run(experiment, start_time=1_700_000_000_123, tags={"mlflow.user": "ann"}, run_name="a run")
    run_id = str(run.info.run_id)
    points = [Metric("loss", value, timestamp, step) for step, value, timestamp in POINTS]
    points += [Metric("dir/acc", step / 100, step, step) for step in range(100)]
    params = [Param("depth", "3"), Param("a/b.c-d e", "v" * 500), Param("leer", ""), Param("utf", "ÄÖ\n\t✓")]
    client.log_batch(run_id, points, params, [RunTag("long", "t" * 4000), RunTag("x/y", "z")])
    data = Dataset("wine", "abc123", "local", '{"uri": "s3://a/b"}', schema='{"s": 1}', profile='{"rows": 5}')
    other = Dataset("beer", "def456", "http", "{}")
    inputs = [DatasetInput(data, [InputTag("mlflow.data.context", "training")]), DatasetInput(other, [])]
    client.log_inputs(run_id, inputs)
    write(folder / "plots", {"a.txt": "a", "deep/er/ü b.bin": "b" * 3_000_000, "leer.txt": ""})
    client.log_artifacts(run_id, str(folder / "plots"))
    client.log_artifacts(run_id, str(folder / "plots" / "deep"), "model")
    client.set_terminated(run_id, "FAILED" if experiment == "0" else "FINISHED", 1_700_000_009_999)
    return run_id


def add_models(client: MlflowClient, experiment: str, folder: Path) -> None:
    """Log models: one ready with files and metrics, read and made by runs; one pending; one deleted."""
    maker, reader = (str(client.create_run(experiment).info.run_id) for _ in range(2))
    model = client.create_logged_model(experiment, "net", maker, {"t": "1"}, {"layers": "3"}, "classifier")
    write(folder / "weights", {"weights.bin": "w" * 1000, "MLmodel": "flavors: {}\n"})
    client.log_model_artifacts(model.model_id, str(folder / "weights"))
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    client.log_outputs(maker, [LoggedModelOutput(model.model_id, 4)])
    client.log_inputs(reader, models=[LoggedModelInput(model.model_id)])
    client.log_metric(maker, "acc", 0.5, 5, 0, model_id=model.model_id, dataset_name="wine", dataset_digest="abc123")
    client.log_metric(maker, "acc", 0.75, 6, 2, model_id=model.model_id)
    client.create_logged_model(experiment, "pending")
    dropped = client.create_logged_model(experiment, "dropped")
    client.delete_logged_model(dropped.model_id)
    for run_id in (maker, reader):
        client.set_terminated(run_id)


def add_registered(client: MlflowClient, experiment: str, folder: Path) -> None:
    """Register models: versions of a run and of a logged model, stages, aliases, tags, a deleted version; a prompt."""
    run = next(run for run in client.search_runs([experiment]) if run.data.params)
    [model] = [found for found in client.search_logged_models([experiment]) if found.name == "net"]
    client.create_registered_model("wine", {"owner": "ann"}, "what it is for")
    client.create_model_version(
        "wine", f"{run.info.artifact_uri}/model", run.info.run_id, {"k": "v"}, description="one"
    )
    client.create_model_version("wine", f"runs:/{run.info.run_id}/model", run.info.run_id)
    client.create_model_version("wine", f"models:/{model.model_id}", model.source_run_id, model_id=model.model_id)
    client.create_model_version("wine", f"{run.info.artifact_uri}/gone", run.info.run_id)
    client.transition_model_version_stage("wine", "1", "Production")
    client.set_registered_model_alias("wine", "champion", "2")
    client.set_registered_model_alias("wine", "challenger", "3")
    client.delete_model_version("wine", "4")
    client.create_registered_model("empty")
    client.register_prompt("greeting", "Hello, {{ name }}!", tags={"lang": "en"})


Rows = dict[str, list[dict[str, Any]]]


def add_rows(url: str, rows: Rows) -> None:
    """Put rows into a database of the original by bulk: its API would take minutes."""
    engine, schema = sa.create_engine(url), sa.MetaData()
    schema.reflect(engine, only=list(rows))
    with engine.begin() as connection:
        for table, values in rows.items():
            connection.execute(schema.tables[table].insert(), values)
    engine.dispose()


def write_rows(root: Path, rows: Rows) -> None:
    """Write rows as the original's file store keeps them."""
    [experiment] = rows["experiments"]
    home = root / str(experiment["experiment_id"])
    home.mkdir(parents=True, exist_ok=True)
    (home / "meta.yaml").write_text(yaml.safe_dump({**experiment, "experiment_id": str(experiment["experiment_id"])}))
    for run in rows["runs"]:
        folder = home / run["run_uuid"]
        for name in ("params", "tags", "metrics", "artifacts"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        meta = {**run, "run_id": run["run_uuid"], "run_name": run["name"], "status": 3, "experiment_id": home.name}
        (folder / "meta.yaml").write_text(yaml.dump(meta, Dumper=yaml.CSafeDumper))
    for table in ("params", "tags"):
        for row in rows[table]:
            (home / row["run_uuid"] / table / row["key"]).write_text(row["value"])
    for (run_id, key), points in groupby(rows["metrics"], key=lambda row: (row["run_uuid"], row["key"])):
        lines = (f"{point['timestamp']} {point['value']} {point['step']}\n" for point in points)
        (home / run_id / "metrics" / key).write_text("".join(lines))


def many_rows(artifact_root: Path, runs: int) -> Rows:
    """Return the rows of an experiment with many runs by table, as the original would have written them.

    Every tenth run gets a file, and one has a history of 30,000 points.
    """
    location = artifact_root / "77"
    experiment = {"experiment_id": 77, "name": "many", "artifact_location": str(location), "lifecycle_stage": "active"}
    rows: Rows = {"experiments": [{**experiment, "creation_time": 1, "last_update_time": 2, "workspace": "default"}]}
    for table in ("runs", "params", "tags", "metrics", "latest_metrics"):
        rows[table] = []
    for number in range(runs):
        run_id = f"{number * 2654435761 % 2**32:08x}{number:024x}"
        uri = f"{location}/{run_id}/artifacts"
        if number % 10 == 0:
            write(Path(uri), {"notes/a.txt": f"run {number}"})
        named = {"run_uuid": run_id, "name": f"run-{number}", "experiment_id": 77, "artifact_uri": uri, "user_id": "u"}
        times = {"start_time": 1_600_000_000_000 + number, "end_time": 1_600_000_100_000 + number}
        stage = {"lifecycle_stage": "deleted" if number % 50 == 7 else "active", "status": "FINISHED"}
        rows["runs"].append({**named, **times, **stage, "source_type": "LOCAL"})
        for key in range(5):
            rows["params"].append({"run_uuid": run_id, "key": f"p{key}", "value": f"{number % 7}-{key}"})
        for key, value in {"mlflow.runName": f"run-{number}", "host": f"node{number % 9}"}.items():
            rows["tags"].append({"run_uuid": run_id, "key": key, "value": value})
        for key in range(3):
            add_history(rows, run_id, f"m{key}", 30_000 if number == key == 1 else 10 + number % 13)
    return rows


def add_history(rows: Rows, run_id: str, key: str, points: int) -> None:
    for step in range(points):
        value = {"step": step, "value": math.sin(step) / 7, "timestamp": 1_600_000_000_000 + step * 10, "is_nan": False}
        rows["metrics"].append({"run_uuid": run_id, "key": key, **value})
    rows["latest_metrics"].append(rows["metrics"][-1])


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
