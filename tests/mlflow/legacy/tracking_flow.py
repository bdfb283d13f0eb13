"""Run by a client of MLflow 1.30 or 2.22: experiments, runs, searches and artifacts. Arguments: address, name."""

from __future__ import annotations

import json
import os
import sys
import tempfile

import mlflow
from mlflow.tracking import MlflowClient


def main(address: str, name: str) -> None:
    """Track one run, read everything back, and print what was found as one line of JSON."""
    mlflow.set_tracking_uri(address)
    client = MlflowClient(address)
    experiment = mlflow.create_experiment(name, tags={"kind": "legacy"})
    mlflow.set_experiment(name)
    with mlflow.start_run(run_name="first") as run:
        mlflow.log_params({"rate": 0.1, "depth": 3})
        for step in range(3):
            mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
        mlflow.log_metrics({"acc": 0.5, "nan": float("nan")})
        mlflow.set_tags({"team": "red", "nobody": "x"})
        mlflow.log_text("héllo", "notes/hello.txt")
        mlflow.log_dict({"a": 1}, "config.json")
        with mlflow.start_run(run_name="child", nested=True) as child:
            mlflow.log_metric("loss", 9)
    client.delete_tag(run.info.run_id, "nobody")
    with mlflow.start_run(run_name="gone") as gone:
        pass
    client.delete_run(gone.info.run_id)
    client.set_experiment_tag(experiment, "more", "1")
    found = client.search_runs(
        [experiment], "metrics.loss < 0.5 and params.depth = '3' and tags.team = 'red'", order_by=["metrics.loss ASC"]
    )
    everything = client.search_runs([experiment], order_by=["metrics.loss DESC"])
    read = client.get_run(run.info.run_id)
    with tempfile.TemporaryDirectory() as folder:
        local = client.download_artifacts(run.info.run_id, "", folder)
        with open(os.path.join(local, "notes", "hello.txt"), encoding="utf-8") as file:
            text = file.read()
    report = {
        "experiment": experiment,
        "run": run.info.run_id,
        "by_name": client.get_experiment_by_name(name).experiment_id,
        "experiment_tags": client.get_experiment(experiment).tags,
        "status": read.info.status,
        "params": read.data.params,
        "loss": read.data.metrics["loss"],
        "nan": str(read.data.metrics["nan"]),
        "team": read.data.tags.get("team"),
        "nobody": read.data.tags.get("nobody"),
        "run_name": read.data.tags.get("mlflow.runName"),
        "parent": client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"],
        "history": [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, "loss")],
        "found": [entry.info.run_id for entry in found],
        "everything": [entry.data.tags["mlflow.runName"] for entry in everything],
        "artifacts": [(entry.path, entry.is_dir) for entry in client.list_artifacts(run.info.run_id)],
        "text": text,
    }
    print(json.dumps(report))


main(*sys.argv[1:])
