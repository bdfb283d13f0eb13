"""What an hour of training does to the server's memory: its requests, sent as fast as they are answered.

The hour: 64 runs that log a point a second; every second somebody looks at the table and at a chart; every ten seconds
a run begins.
"""

from dataclasses import replace

from bench.dataset import HISTORY_KEY
from bench.filling import fill
from bench.products import MAINSPRING
from bench.reads import CHART_POINTS, PAGE
from bench.servers import TRACKING, Server
from bench.subject import Size, Subject

RUNS = 64
MINUTES = 60
SLICES = 12


def memory(database: str, runs: int, minutes: int) -> dict[str, float]:
    """Return the resident memory in MiB at rest, after the first slice of the hour, and after all of them."""
    server = Server(MAINSPRING, database)
    try:
        server.settle()
        found = {"idle": server.memory()}
        subject = Subject(server, replace(Size(), runs=runs))
        fill(subject, {"runs"})
        for number in range(SLICES):
            train(subject, 60 * minutes // SLICES)
            server.settle(calm_windows=3)
            found["after the first minutes" if number == 0 else "after the hour"] = server.memory()
    finally:
        server.stop()
    return found


def train(subject: Subject, seconds: int) -> None:
    """Send what comes in so many seconds."""
    runs = subject.create_runs(RUNS)
    page = {"experiment_ids": [subject.experiment], "max_results": PAGE, "order_by": ["metrics.m0 DESC"]}
    chart = (
        f"/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?metric_key={HISTORY_KEY}&max_results={CHART_POINTS}"
    )
    charts = [f"{chart}&run_ids={run_id}" for run_id in runs]
    at_once = {"warm": 0, "seconds": 3600}
    subject.load("log_metric", RUNS, runs=runs, requests=RUNS * seconds, **at_once)
    subject.load("ask", 4, path=f"{TRACKING}runs/search", body=page, requests=seconds, **at_once)
    subject.load("get", 4, paths=charts, requests=seconds, **at_once)
    subject.load("create_run", 4, experiment=subject.experiment, requests=seconds // 10, **at_once)
