"""The reading cases, on the data set: every answer is compared with what the data set says."""

import json
from typing import Any
from urllib.parse import urlencode

from bench import BenchError, dataset
from bench.products import MAINSPRING
from bench.servers import TRACKING
from bench.subject import Sample, Subject

PAGE = 100
LONG_PAGE = 1000
CHART_POINTS = 320


def search(subject: Subject, query: dict[str, Any], expected: list[str]) -> Sample:
    """Search a page on 4 connections; compare the page with what the data set says."""
    body = {"experiment_ids": [subject.experiment], **query}
    with subject.server.api() as api:
        found = api.post("runs/search", body)["runs"]
    if len(found) != len(expected):
        raise BenchError(f"expected a page of {len(expected)} runs, found {len(found)}")
    for run, name in zip(found, expected, strict=True):
        expect_run(run, name)
    account = subject.load("ask", 4, path=f"{TRACKING}runs/search", body=body)
    account.expect_one_size()
    return account.milliseconds()


def expect_run(run: dict[str, Any], name: str) -> None:
    """Raise BenchError unless a found run is that run of the data set, with all that was logged."""
    row = dataset.run_row(int(name.removeprefix("run-")))
    data = {part: {e["key"]: e["value"] for e in run["data"].get(part, [])} for part in ("params", "metrics", "tags")}
    data["tags"].pop("mlflow.runName", None)  # MLflow and Mainspring set it, FastTrackML does not
    if run["info"]["run_name"] != name or data != {"params": row.params, "metrics": row.metrics, "tags": row.tags}:
        raise BenchError(f"expected {row} at this place, found {run['info']['run_name']} with {data}")


def search_newest(subject: Subject) -> Sample:
    """Search as the run list of the page does."""
    query = {"max_results": PAGE, "order_by": ["attributes.start_time DESC"]}
    return search(subject, query, dataset.newest(subject.size.runs, PAGE))


def search_filtered(subject: Subject) -> Sample:
    """Search by a metric and a param, ordered by another metric."""
    query = {"max_results": PAGE, "filter": dataset.SEARCH_FILTER, "order_by": [dataset.SEARCH_ORDER]}
    return search(subject, query, dataset.best_of_filter(subject.size.runs, PAGE))


def search_long_page(subject: Subject) -> Sample:
    """Take the newest 1,000 runs in one page, as MLflow's own page does."""
    query = {"max_results": LONG_PAGE, "order_by": ["attributes.start_time DESC"]}
    return search(subject, query, dataset.newest(subject.size.runs, LONG_PAGE))


def get_run(subject: Subject) -> Sample:
    """Get runs of the data set on 16 connections, one after the other."""
    names = [dataset.run_row(index).name for index in range(0, subject.size.runs, subject.size.runs // 400)]
    with subject.server.api() as api:
        for name in names:
            expect_run(api.get("runs/get", run_id=subject.runs[name])["run"], name)
    paths = [f"{TRACKING}runs/get?run_id={subject.runs[name]}" for name in names]
    return subject.load("get", 16, paths=paths).rate()


def history(subject: Subject) -> Sample:
    """Read the long history in one answer; every point is compared. The figure is the CPU seconds of that."""
    path = f"{TRACKING}metrics/get-history?run_id={subject.history_run}&metric_key={dataset.HISTORY_KEY}"
    with subject.server.api() as api, subject.server.spending() as spent:
        answer = api.ask("GET", path)
    points = sorted((int(p.get("step", 0)), int(p["timestamp"]), p["value"]) for p in json.loads(answer)["metrics"])
    if points != [(step, *chart_point(subject, step)) for step in range(subject.size.points)]:
        raise BenchError(f"{subject.size.points} points are in the history, {len(points)} came back, or they differ")
    return Sample(spent.cpu, growth_mib=spent.growth_mib)


def chart_point(subject: Subject, step: int) -> tuple[int, float]:
    """Return timestamp (ms) and value of one step of the long history."""
    return dataset.chart_point(step, subject.size.points)


def bulk_interval(subject: Subject) -> Sample:
    """Read some 320 points of the long history as MLflow's charts do; each must be one of it, the last among them."""
    query = {"run_ids": subject.history_run, "metric_key": dataset.HISTORY_KEY, "max_results": CHART_POINTS}
    path = f"/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?{urlencode(query)}"
    with subject.server.api() as api:
        points = json.loads(api.ask("GET", path))["metrics"]
    steps = [int(point.get("step", 0)) for point in points]
    if not CHART_POINTS <= len(set(steps)) <= CHART_POINTS + 2 or max(steps) != subject.size.points - 1:
        raise BenchError(f"expected {CHART_POINTS} steps up to the last one, got {len(set(steps))} up to {max(steps)}")
    for step, point in zip(steps, points, strict=True):
        if (int(point["timestamp"]), point["value"]) != chart_point(subject, step):
            raise BenchError(f"step {step} came back as {point}")
    account = subject.load("get", 1, paths=[path])
    account.expect_one_size()
    return account.milliseconds()


def series(subject: Subject) -> Sample:
    """Read 320 points of the long history by Mainspring's own call, which keeps extrema; of others as above."""
    if subject.server.product is not MAINSPRING:
        return bulk_interval(subject)
    path, keys = "/api/v1/runs/metrics:series", [dataset.HISTORY_KEY]
    body = {"run_ids": [subject.history_run], "keys": keys, "points": CHART_POINTS}
    with subject.server.api() as api:
        answer = json.loads(api.ask("POST", path, json.dumps(body).encode()))
    values = [value for one in answer["series"] for value in one["values"]]
    if not {-dataset.SPIKE, dataset.SPIKE} <= set(values) or len(values) > 2 * CHART_POINTS:
        raise BenchError(f"{len(values)} points from {min(values)} to {max(values)}: the spikes are not all there")
    account = subject.load("ask", 1, path=path, body=body)
    account.expect_one_size()
    return account.milliseconds()
