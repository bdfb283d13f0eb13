"""The writing cases: each writes under load, then reads everything back and counts it."""

from collections.abc import Callable

from bench import BenchError, dataset
from bench.filling import all_runs
from bench.servers import Api
from bench.subject import Sample, Subject

RUNS_OF_A_CONNECTION = 20
HISTORIES_READ = 50


def log_metric(subject: Subject, connections: int) -> Sample:
    """Log single points, one run a connection; read every history back."""
    runs = subject.create_runs(connections)
    account = subject.load("log_metric", connections, runs=runs)
    with subject.server.api() as api:
        for run_id, done in zip(runs, account.done, strict=True):
            expect_history(api, run_id, dataset.HISTORY_KEY, done)
    return account.rate()


def log_batch(subject: Subject, keys: int, steps: int) -> Sample:
    """Log batches of some steps of some metrics on 4 connections; read last values and histories back."""
    runs = subject.create_runs(4)
    account = subject.load("log_batch", 4, runs=runs, keys=keys, steps=steps)
    with subject.server.api() as api:
        for run_id, done in zip(runs, account.done, strict=True):
            expect_last(api, run_id, keys, done * steps - 1)
            for key in range(0, keys, max(1, keys // HISTORIES_READ)):
                expect_history(api, run_id, f"k{key}", done * steps)
    return account.rate(keys * steps)


def log_batch_settled(subject: Subject) -> Sample:
    """Log batches of 100 steps of 10 metrics and end the runs; count what the server does until it rests, too."""
    server, runs, steps, keys = subject.server, subject.create_runs(4), 100, 10
    server.settle()
    before = server.cpu()
    account = subject.load("log_batch", 4, runs=runs, keys=keys, steps=steps)
    with server.api() as api:
        for run_id in runs:
            api.post("runs/update", {"run_id": run_id, "status": "FINISHED"})
        server.settle(calm_windows=5)
        cpu = server.cpu() - before
        for run_id, done in zip(runs, account.done, strict=True):
            expect_history(api, run_id, "k0", done * steps)
    return Sample(sum(account.done) * keys * steps / cpu)


def expect_last(api: Api, run_id: str, keys: int, step: int) -> None:
    """Raise BenchError unless a run has these metrics, each with this step as its last."""
    metrics = api.get("runs/get", run_id=run_id)["run"]["data"]["metrics"]
    got = {(one["key"], int(one["step"]), int(one["timestamp"]), one["value"]) for one in metrics}
    if got != {(f"k{key}", step, *dataset.history_point(step)) for key in range(keys)}:
        raise BenchError(f"{keys} metrics up to step {step} were acknowledged, run {run_id} has {len(got)} or others")


def expect_history(api: Api, run_id: str, key: str, points: int) -> None:
    """Raise BenchError unless a history is steps 0 … points - 1, each once, with the values that were sent."""
    found = api.get("metrics/get-history", run_id=run_id, metric_key=key).get("metrics", [])
    got = sorted((int(point.get("step", 0)), int(point["timestamp"]), float(point["value"])) for point in found)
    if got != [(step, *dataset.history_point(step)) for step in range(points)]:
        raise BenchError(f"{points} points of {key} were acknowledged, {len(got)} came back, or their values differ")


def create_run(subject: Subject) -> Sample:
    """Create runs on 16 connections in an experiment of their own; find every one of them again."""
    experiment = subject.server.new_experiment()
    account = subject.load("create_run", 16, experiment=experiment)
    expected = [f"new-{connection}-{number}" for connection, done in enumerate(account.done) for number in range(done)]
    with subject.server.api() as api:
        names = [run["info"]["run_name"] for run in all_runs(api, experiment)]
    if sorted(names) != sorted(expected):
        raise BenchError(f"{len(expected)} runs were acknowledged, {len(names)} were found")
    return account.rate()


def entries(subject: Subject, kind: str, part: str) -> Sample:
    """Log params or set tags on 16 connections, each to 20 runs in turn; read every run back."""
    runs = subject.create_runs(16 * RUNS_OF_A_CONNECTION)
    lanes = [runs[start : start + RUNS_OF_A_CONNECTION] for start in range(0, len(runs), RUNS_OF_A_CONNECTION)]
    account = subject.load(kind, 16, runs=lanes)
    with subject.server.api() as api:
        for lane, done in zip(lanes, account.done, strict=True):
            for place, run_id in enumerate(lane):
                numbers = range(place, done, RUNS_OF_A_CONNECTION)
                expect_entries(api, run_id, part, {f"k{n // RUNS_OF_A_CONNECTION}": f"value {n}" for n in numbers})
    return account.rate()


def expect_entries(api: Api, run_id: str, part: str, expected: dict[str, str]) -> None:
    """Raise BenchError unless a run has exactly these params or tags, those that the server sets itself aside."""
    found = api.get("runs/get", run_id=run_id)["run"]["data"].get(part, [])
    got = {entry["key"]: entry["value"] for entry in found if not entry["key"].startswith("mlflow.")}
    if got != expected:
        raise BenchError(f"{len(expected)} {part} of run {run_id} were acknowledged, it has {len(got)}, or they differ")


def log_parameter(subject: Subject) -> Sample:
    """Log params."""
    return entries(subject, "log_parameter", "params")


def set_tag(subject: Subject) -> Sample:
    """Set tags."""
    return entries(subject, "set_tag", "tags")


def log_batch_of(keys: int, steps: int) -> Callable[[Subject], Sample]:
    """Return the log-batch case for batches of a shape."""
    return lambda subject: log_batch(subject, keys, steps)


def log_metric_on(connections: int) -> Callable[[Subject], Sample]:
    """Return the log-metric case for a number of connections."""
    return lambda subject: log_metric(subject, connections)
