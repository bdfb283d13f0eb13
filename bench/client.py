"""The cases that run the unmodified MLflow client, in a process of its own, against a server."""

import os
import subprocess
import sys
from pathlib import Path

from bench import BenchError, dataset
from bench.servers import QUIET
from bench.subject import Sample, Subject
from bench.writes import expect_history


def run_script(subject: Subject, name: str, *arguments: str) -> tuple[Sample, str]:
    """Run a script of this folder; return the CPU seconds that the server spent on it, and the script's last word."""
    url = f"http://127.0.0.1:{subject.server.port}"
    environment = {**os.environ, **QUIET, "MLFLOW_TRACKING_URI": url, "MLFLOW_REGISTRY_URI": url}
    command = [sys.executable, str(Path(__file__).with_name(name)), *arguments]
    with subject.server.spending() as spent:
        done = subprocess.run(command, env=environment, cwd=subject.server.folder, capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"{name} failed:\n{done.stderr[-2000:]}")
    return Sample(spent.cpu), done.stdout.split()[-1]


def training(subject: Subject) -> Sample:
    """Run the training script; the figure is the CPU seconds that the server spent on it."""
    sample, run_id = run_script(subject, "training.py")
    with subject.server.api() as api:
        status = api.get("runs/get", run_id=run_id)["run"]["info"]["status"]
        points = len(api.get("metrics/get-history", run_id=run_id, metric_key="accuracy")["metrics"])
    if (status, points) != ("FINISHED", 20):
        raise BenchError(f"the training run is {status} with {points} points, expected FINISHED with 20")
    return sample


def logging(subject: Subject) -> Sample:
    """Log points one by one with `log_metric`; the figure is the CPU seconds that the server spent on them."""
    points = subject.size.client_points
    sample, run_id = run_script(subject, "logging_loop.py", str(points))
    with subject.server.api() as api:
        expect_history(api, run_id, dataset.HISTORY_KEY, points)
    return sample
