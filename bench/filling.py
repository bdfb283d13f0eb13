"""Put the data set into a server: through its API, but by bulk SQL into MLflow, whose API would need many minutes."""

import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench import dataset
from bench.products import MLFLOW, ROOT, mlflow_python, mlflow_store
from bench.servers import Api
from bench.subject import Subject


def fill(subject: Subject, data: set[str]) -> None:
    """Put in the parts that the chosen cases read, `runs` and `points`, and wait until the server is at rest again."""
    for part, put in (("runs", fill_runs), ("points", fill_points)):
        if part in data:
            put(subject)
    if data:
        if subject.server.postgres:
            subject.server.postgres.vacuum()
        subject.server.settle(calm_windows=4)


def fill_runs(subject: Subject) -> None:
    """Create the runs of the data set in an experiment of their own, and note their ids."""
    subject.experiment = subject.server.new_experiment()
    if subject.server.product is MLFLOW:
        run_fill_of_mlflow(subject, "runs", subject.experiment, str(subject.size.runs))
    else:
        in_parallel(subject, range(subject.size.runs), 250, create_runs)
    with subject.server.api() as api:
        subject.runs = {run["info"]["run_name"]: run["info"]["run_id"] for run in all_runs(api, subject.experiment)}


def fill_points(subject: Subject) -> None:
    """Log the long history to a run of its own."""
    subject.history_run = subject.create_runs(1)[0]
    if subject.server.product is MLFLOW:
        run_fill_of_mlflow(subject, "points", subject.history_run, str(subject.size.points))
    else:
        in_parallel(subject, range(subject.size.points), 1000, log_points)


def run_fill_of_mlflow(subject: Subject, *arguments: str) -> None:
    """Run `bench.mlflow_fill` in the original's environment."""
    store = mlflow_store(subject.server.folder, subject.server.database_url)
    subprocess.run([str(mlflow_python()), "-m", "bench.mlflow_fill", store, *arguments], check=True, cwd=ROOT)


def in_parallel(subject: Subject, numbers: range, length: int, work: Callable[[Subject, Api, range], None]) -> None:
    """Do a work for ranges of at most `length`, four at a time, each on a connection of its own."""

    def part(start: int) -> None:
        with subject.server.api() as api:
            work(subject, api, numbers[start : start + length])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(part, range(0, len(numbers), length)))


def log_points(subject: Subject, api: Api, steps: range) -> None:
    """Log a stretch of the long history."""
    points = []
    for step in steps:
        timestamp, value = dataset.chart_point(step, subject.size.points)
        points.append({"key": dataset.HISTORY_KEY, "value": value, "timestamp": timestamp, "step": step})
    api.post("runs/log-batch", {"run_id": subject.history_run, "metrics": points})


def create_runs(subject: Subject, api: Api, indexes: Iterable[int]) -> None:
    """Create, log and end some runs of the data set."""
    for index in indexes:
        row = dataset.run_row(index)
        new = {"experiment_id": subject.experiment, "start_time": row.start_ms, "run_name": row.name}
        run_id = api.post("runs/create", new)["run"]["info"]["run_id"]
        metrics = [{"key": k, "value": v, "timestamp": row.start_ms, "step": 0} for k, v in row.metrics.items()]
        api.post(
            "runs/log-batch",
            {"run_id": run_id, "metrics": metrics, "params": pairs(row.params), "tags": pairs(row.tags)},
        )
        api.post("runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": row.start_ms + 500})


def pairs(entries: dict[str, str]) -> list[dict[str, str]]:
    """Return params or tags as the API takes them."""
    return [{"key": key, "value": value} for key, value in entries.items()]


def all_runs(api: Api, experiment: str) -> list[dict[str, Any]]:
    """Return every run of an experiment, in the longest pages: FastTrackML refuses its own token for offset 10000."""
    runs: list[dict[str, Any]] = []
    body: dict[str, Any] = {"experiment_ids": [experiment], "max_results": 50_000}
    while True:
        answer = api.post("runs/search", body)
        runs += answer.get("runs", [])
        if not answer.get("next_page_token"):
            return runs
        body["page_token"] = answer["next_page_token"]
