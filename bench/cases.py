"""The cases: what is asked of both servers, what one unit of work is, and how the result is read back and counted."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import dataset
from bench.load import BATCH_KEYS, BATCH_STEPS
from bench.servers import MLFLOW, QUIET, ROOT, BenchError, Server, mlflow_python, mlflow_store

PAGE = 100


@dataclass(frozen=True)
class Size:
    """How much work: seconds of load a case and server, runs and points held, MiB of an artifact."""

    warm_s: float = 0.4
    seconds: float = 2.0
    runs: int = 10_000
    points: int = 100_000
    artifact_mib: int = 32
    rounds: int = 3


QUICK = Size(warm_s=0.2, seconds=0.8, runs=2_000, points=20_000, artifact_mib=8, rounds=1)


@dataclass(frozen=True)
class Sample:
    """One measurement: `value` in the row's unit; by the clock: units per second, and latencies in seconds."""

    value: float
    wall_rate: float | None = None
    p50: float | None = None
    p99: float | None = None


@dataclass
class Subject:
    """A running server with the data set in it."""

    server: Server
    size: Size
    experiment: str = ""
    history_run: str = ""

    def create_runs(self, count: int) -> list[str]:
        """Return the ids of new runs in an experiment of their own."""
        with self.server.api() as api:
            experiment = new_experiment(self.server)
            body = {"experiment_id": experiment, "start_time": dataset.FIRST_START_MS}
            return [api.post("runs/create", body)["run"]["info"]["run_id"] for _ in range(count)]


def new_experiment(server: Server) -> str:
    """Create an experiment with a name of its own and return its id."""
    with server.api() as api:
        return str(api.post("experiments/create", {"name": f"bench-{time.time_ns()}"})["experiment_id"])


def fill(subject: Subject) -> None:
    """Put the data set in: by bulk SQL into the original, through the API into Mainspring."""
    subject.experiment = new_experiment(subject.server)
    by_sql = subject.server.product is MLFLOW
    subject.history_run = fill_by_sql(subject) if by_sql else fill_by_requests(subject)
    if subject.server.postgres:
        subject.server.postgres.analyze()


def fill_by_sql(subject: Subject) -> str:
    """Run `bench.mlflow_fill` in the original's environment; return the id of the run with the long history."""
    size = [subject.experiment, str(subject.size.runs), str(subject.size.points)]
    store = mlflow_store(subject.server.folder, subject.server.database_url)
    command = [str(mlflow_python()), "-m", "bench.mlflow_fill", store, *size]
    return subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.strip()


def fill_by_requests(subject: Subject) -> str:
    """Create and log every run of the data set; return the id of the run with the long history."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda part: fill_runs(subject, part), chunks(range(subject.size.runs), 250)))
    run_id = subject.create_runs(1)[0]
    with subject.server.api() as api:
        for steps in chunks(range(subject.size.points), 1000):
            points = [history_json(dataset.HISTORY_KEY, step) for step in steps]
            api.post("runs/log-batch", {"run_id": run_id, "metrics": points})
    return run_id


def chunks(numbers: range, length: int) -> Iterable[range]:
    """Cut a range into ranges of at most `length`."""
    return (numbers[start : start + length] for start in range(0, len(numbers), length))


def history_json(key: str, step: int) -> dict[str, Any]:
    """Return one point of a metric's history as the API takes it."""
    timestamp, value = dataset.history_point(step)
    return {"key": key, "value": value, "timestamp": timestamp, "step": step}


def fill_runs(subject: Subject, indexes: Iterable[int]) -> None:
    """Create, log and end some runs of the data set."""
    with subject.server.api() as api:
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


def measure(subject: Subject, plan: dict[str, Any], units: float) -> tuple[Sample, dict[str, Any]]:
    """Run the load generator; return units per CPU-second and its account. Any answer but 200 raises BenchError."""
    size = subject.size
    order = {"port": subject.server.port, "warm": size.warm_s, "seconds": size.seconds, **plan}
    command = [sys.executable, "-m", "bench.load"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
        assert load.stdin
        assert load.stdout
        print(json.dumps(order), file=load.stdin, flush=True)
        if load.stdout.readline() != "ready\n":
            raise BenchError(f"the load generator did not get ready: exit {load.wait()}")
        before = subject.server.cpu()
        print("go", file=load.stdin, flush=True)
        answer = load.stdout.readline()
    time.sleep(0.5)  # what the server still does for the acknowledged work belongs to it
    cpu = subject.server.cpu() - before
    if not answer:
        raise BenchError(f"the load generator failed: exit {load.returncode}")
    account: dict[str, Any] = json.loads(answer)
    if account["error"]:
        raise BenchError(f"{plan['kind']} failed after {sum(account['done'])} requests: {account['error']}")
    amount = account["measured"] * units
    return Sample(amount / cpu, amount / account["wall"], account["p50"], account["p99"]), account


def log_metric(subject: Subject, connections: int) -> Sample:
    """Log single points, one run a connection; read every history back."""
    runs = subject.create_runs(connections)
    plan = {"kind": "log_metric", "connections": connections, "runs": runs}
    sample, account = measure(subject, plan, 1)
    for run_id, done in zip(runs, account["done"], strict=True):
        expect_history(subject, run_id, dataset.HISTORY_KEY, done)
    return sample


def expect_history(subject: Subject, run_id: str, key: str, points: int) -> None:
    """Raise BenchError unless a history is steps 0 … points - 1, each once, with the values that were sent."""
    with subject.server.api() as api:
        found = api.get("metrics/get-history", run_id=run_id, metric_key=key).get("metrics", [])
    got = sorted((int(point.get("step", 0)), int(point["timestamp"]), float(point["value"])) for point in found)
    if got != [(step, *dataset.history_point(step)) for step in range(points)]:
        raise BenchError(f"{points} points of {key} were acknowledged, {len(got)} came back, or their values differ")


def log_batch(subject: Subject) -> Sample:
    """Log batches of 1,000 points on 4 connections; read every history back."""
    runs = subject.create_runs(4)
    sample, account = measure(subject, {"kind": "log_batch", "connections": 4, "runs": runs}, BATCH_KEYS * BATCH_STEPS)
    for run_id, done in zip(runs, account["done"], strict=True):
        for key in range(BATCH_KEYS):
            expect_history(subject, run_id, f"k{key}", done * BATCH_STEPS)
    return sample


def create_run(subject: Subject) -> Sample:
    """Create runs on 16 connections; count them by paging through the search."""
    experiment = new_experiment(subject.server)
    sample, account = measure(subject, {"kind": "create_run", "connections": 16, "experiment": experiment}, 1)
    expected = [f"new-{lane}-{number}" for lane, done in enumerate(account["done"]) for number in range(done)]
    names, body = [], {"experiment_ids": [experiment], "max_results": 1000}
    with subject.server.api() as api:
        while True:
            answer = api.post("runs/search", body)
            names += [run["info"]["run_name"] for run in answer.get("runs", [])]
            if not answer.get("next_page_token"):
                break
            body["page_token"] = answer["next_page_token"]
    if sorted(names) != sorted(expected):
        raise BenchError(f"{len(expected)} runs were acknowledged, {len(names)} were found")
    return sample


def search(subject: Subject, query: dict[str, Any], expected: list[str]) -> Sample:
    """Search a page of 100 runs on 4 connections; compare the page with what the data set says."""
    body = {"experiment_ids": [subject.experiment], "max_results": PAGE, **query}
    with subject.server.api() as api:
        found = api.post("runs/search", body)["runs"]
    for run, name in zip(found, expected, strict=True):
        expect_run(run, name)
    sample, account = measure(subject, {"kind": "search", "connections": 4, "body": body}, 1)
    expect_one_size(account)
    return sample


def expect_run(run: dict[str, Any], name: str) -> None:
    """Raise BenchError unless a found run is that run of the data set, with all that was logged."""
    row = dataset.run_row(int(name.removeprefix("run-")))
    data = {part: {e["key"]: e["value"] for e in run["data"].get(part, [])} for part in ("params", "metrics", "tags")}
    tags = {**row.tags, "mlflow.runName": name}
    if run["info"]["run_name"] != name or data != {"params": row.params, "metrics": row.metrics, "tags": tags}:
        raise BenchError(f"expected {row} at this place, found {run['info']['run_name']} with {data}")


def expect_one_size(account: dict[str, Any]) -> None:
    """Raise BenchError if the same read was answered with bodies of different length."""
    if len(account["sizes"]) != 1:
        raise BenchError(f"the same request was answered with different lengths: {account['sizes']}")


def search_newest(subject: Subject) -> Sample:
    """Search as the run list of the page does."""
    return search(subject, {"order_by": ["attributes.start_time DESC"]}, dataset.newest(subject.size.runs, PAGE))


def search_filtered(subject: Subject) -> Sample:
    """Search by a metric and a param, ordered by another metric."""
    query = {"filter": dataset.SEARCH_FILTER, "order_by": [dataset.SEARCH_ORDER]}
    return search(subject, query, dataset.best_of_filter(subject.size.runs, PAGE))


def history(subject: Subject) -> Sample:
    """Read one metric's whole history in one answer, on one connection."""
    expect_history(subject, subject.history_run, dataset.HISTORY_KEY, subject.size.points)
    path = f"/api/2.0/mlflow/metrics/get-history?run_id={subject.history_run}&metric_key={dataset.HISTORY_KEY}"
    sample, account = measure(subject, {"kind": "get", "connections": 1, "path": path}, subject.size.points)
    expect_one_size(account)
    return sample


def artifact(subject: Subject, kind: str) -> Sample:
    """Put or get a file through the artifact proxy on 2 connections (unit: 10^6 bytes); read both copies back."""
    content = os.urandom(subject.size.artifact_mib * 2**20)
    source = subject.server.folder / "artifact.bin"
    source.write_bytes(content)
    with subject.server.api() as api:
        uri = api.get("runs/get", run_id=subject.create_runs(1)[0])["run"]["info"]["artifact_uri"]
        path = "/api/2.0/mlflow-artifacts/artifacts/" + uri.removeprefix("mlflow-artifacts:/") + "/{c}.bin"
        paths = [path.replace("{c}", str(number)) for number in range(2)]
        for one in paths:
            api.ask("PUT", one, content)
        plan = {"kind": kind, "connections": 2, "path": path, "file": str(source)}
        sample, account = measure(subject, plan, len(content) / 1e6)
        expect_one_size(account)
        digest = hashlib.sha256(content).digest()
        if any(hashlib.sha256(api.ask("GET", one)).digest() != digest for one in paths):
            raise BenchError("the artifact came back changed")
    return sample


def training(subject: Subject) -> Sample:
    """Run the training script with the real client; the figure is the CPU seconds that the server spent on it."""
    environment = {**os.environ, **QUIET, "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{subject.server.port}"}
    command = [sys.executable, str(Path(__file__).with_name("training.py"))]
    before = subject.server.cpu()
    done = subprocess.run(command, env=environment, cwd=subject.server.folder, capture_output=True, text=True)
    time.sleep(0.5)
    cpu = subject.server.cpu() - before
    if done.returncode:
        raise BenchError(f"the training script failed:\n{done.stderr[-2000:]}")
    run_id = done.stdout.split()[-1]
    with subject.server.api() as api:
        status = api.get("runs/get", run_id=run_id)["run"]["info"]["status"]
        points = len(api.get("metrics/get-history", run_id=run_id, metric_key="accuracy")["metrics"])
    if (status, points) != ("FINISHED", 20):
        raise BenchError(f"the training run is {status} with {points} points, expected FINISHED with 20")
    return Sample(cpu)


@dataclass(frozen=True)
class Goal:
    """What the case must reach: at least `times` the original's figure, or at most `most` of the unit."""

    text: str = ""
    times: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Case:
    """One row of the table. `run` is None where the figure is taken while servers start; `rounds` 0 is all of them."""

    title: str
    unit: str
    run: Callable[[Subject], Sample] | None
    more_is_better: bool = True
    goal: Goal = Goal()
    rounds: int = 0


def cases(size: Size) -> dict[str, Case]:
    """Return the cases by the name that `--cases` takes."""
    runs, points = f"{size.runs:,} runs", f"{size.points:,} points"
    less = Case("", "", None, more_is_better=False)
    return {
        "log-metric-1": Case("log-metric, 1 connection", "requests/CPU s", lambda s: log_metric(s, 1)),
        "log-metric-16": Case(
            "log-metric, 16 connections", "requests/CPU s", lambda s: log_metric(s, 16), goal=Goal("≥ 20×", times=20)
        ),
        "log-metric-64": Case("log-metric, 64 connections", "requests/CPU s", lambda s: log_metric(s, 64)),
        "log-batch": Case("log-batch of 1,000 points, 4 connections", "points/CPU s", log_batch),
        "create-run": Case("create-run, 16 connections", "runs/CPU s", create_run),
        "search": Case(f"search: newest 100 of {runs}", "pages/CPU s", search_newest, goal=Goal("≥ 10×", times=10)),
        "search-filter": Case(
            f"search: filter and order by metric, 100 of {runs}",
            "pages/CPU s",
            search_filtered,
            goal=Goal("≥ 10×", times=10),
        ),
        "history": Case(f"metric history of {points}", "points/CPU s", history),
        "upload": Case(f"artifact upload, {size.artifact_mib} MiB files", "MB/CPU s", lambda s: artifact(s, "put")),
        "download": Case(f"artifact download, {size.artifact_mib} MiB files", "MB/CPU s", lambda s: artifact(s, "get")),
        "training": replace(less, title="a training script (wine, autolog)", unit="CPU s", run=training, rounds=2),
        "start": replace(less, title="start on a new database to first 200", unit="s", goal=Goal("≤ 1.5 s", most=1.5)),
        "start-cpu": replace(less, title="CPU of that start", unit="CPU s"),
        "memory": replace(
            less, title="memory (RSS), idle for 5 s after the start", unit="MiB", goal=Goal("≤ 150 MiB", most=150)
        ),
        "idle": replace(less, title="CPU while idle", unit="CPU s/min"),
    }
