"""The cases: one row of the table each, what is asked of the servers, and what Mainspring must reach."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench import artifacts, client, reads, writes
from bench.products import FASTTRACKML
from bench.subject import Sample, Size, Subject


@dataclass(frozen=True)
class Goal:
    """What Mainspring must reach: at least `times` a peer's figure, at most `most` of the unit, or both.

    `peer` is the name of the one that `times` is meant for; empty: the best of them.
    """

    text: str = ""
    times: float | None = None
    most: float | None = None
    peer: str = ""


@dataclass(frozen=True)
class Case:
    """One row of the table. `run` is None where the figure is taken while servers start; `rounds` 0 is all of them.

    `needs` is what a product may lack, `data` the part of the data set that is read; with `growth` a second row tells
    the memory that the server takes on top meanwhile.
    """

    title: str
    unit: str
    run: Callable[[Subject], Sample] | None = None
    more_is_better: bool = True
    goal: Goal = Goal()
    growth: Goal | None = None
    needs: str = ""
    data: str = ""
    rounds: int = 0


def at_least(times: float) -> Goal:
    """Return the goal of being so many times better than the best peer."""
    return Goal(f"≥ {times:g}×", times=times)


def cases(size: Size, database: str) -> dict[str, Case]:
    """Return the cases by the name that `--cases` takes."""
    return write_cases(database) | read_cases(size) | other_cases(size)


def write_cases(database: str) -> dict[str, Case]:
    """Return what writes."""
    requests = Case("", "requests/CPU s")
    return {
        "log-metric-1": replace(
            requests, title="log-metric, 1 connection", run=writes.log_metric_on(1), goal=at_least(3)
        ),
        "log-metric-16": replace(
            requests, title="log-metric, 16 connections", run=writes.log_metric_on(16), goal=at_least(12)
        ),
        "log-metric-64": replace(
            requests, title="log-metric, 64 connections", run=writes.log_metric_on(64), goal=at_least(12)
        ),
        "log-batch": Case(
            "log-batch of 1,000 metrics, 4 connections",
            "points/CPU s",
            writes.log_batch_of(keys=1000, steps=1),
            goal=at_least(12 if database == "sqlite" else 8),
        ),
        "log-batch-steps": Case(
            "log-batch of 100 steps of 10 metrics, 4 connections",
            "points/CPU s",
            writes.log_batch_of(keys=10, steps=100),
        ),
        "log-batch-settled": Case(
            "the same, with all that follows until the server rests", "points/CPU s", writes.log_batch_settled
        ),
        "create-run": replace(requests, title="create-run, 16 connections", run=writes.create_run, goal=at_least(5)),
        "log-parameter": replace(
            requests, title="log-parameter, 16 connections", run=writes.log_parameter, goal=at_least(5)
        ),
        "set-tag": replace(requests, title="set-tag, 16 connections", run=writes.set_tag, goal=at_least(5)),
    }


def read_cases(size: Size) -> dict[str, Case]:
    """Return what reads the data set."""
    runs, points = f"{size.runs:,} runs", f"{size.points:,} points"
    page = Case("", "ms CPU", more_is_better=False, data="runs")
    chart = Case("", "ms CPU", more_is_better=False, data="points", needs="bulk-interval")
    chart_goal = Goal("≥ 50×, ≤ 10 ms", times=50, most=10)
    return {
        "get-run": Case("get-run, 16 connections", "requests/CPU s", reads.get_run, goal=at_least(5), data="runs"),
        "search": replace(page, title=f"search: newest 100 of {runs}", run=reads.search_newest),
        "search-filter": replace(
            page,
            title=f"search: filter on a metric and a param, order by a metric, 100 of {runs}",
            run=reads.search_filtered,
            goal=Goal("≥ 8×, ≤ 2.5 ms", times=8, most=2.5),
        ),
        "page-1000": replace(
            page,
            title=f"search: newest 1,000 of {runs}",
            run=reads.search_long_page,
            goal=Goal("≥ 15×, ≤ 7 ms", times=15, most=7),
        ),
        "history": Case(
            f"get-history of {points}",
            "CPU s",
            reads.history,
            more_is_better=False,
            goal=at_least(5),
            growth=Goal("≤ 50 MiB", most=50),
            data="points",
        ),
        "bulk-interval": replace(
            chart, title=f"bulk-interval, 320 of {points}", run=reads.bulk_interval, goal=chart_goal
        ),
        "series": replace(
            chart,
            title=f"series, 320 of {points}, every extremum kept (beside bulk-interval)",
            run=reads.series,
            goal=chart_goal,
        ),
    }


def other_cases(size: Size) -> dict[str, Case]:
    """Return artifacts, the real client, and the server by itself."""
    less = Case("", "CPU s", more_is_better=False)
    file = replace(less, needs="artifacts", growth=Goal("≤ 16 MiB", most=16))
    quarter = Goal("≤ ¼ of FastTrackML's", times=4, peer=FASTTRACKML.name)
    return {
        "artifact-put": replace(
            file, title=f"artifact of {size.artifact_mib:,} MiB, PUT", run=artifacts.put, goal=at_least(1.5)
        ),
        "artifact-get": replace(
            file, title=f"artifact of {size.artifact_mib:,} MiB, GET", run=artifacts.get, goal=at_least(5)
        ),
        "client": replace(
            less,
            title=f"the real client, {size.client_points:,} × log_metric",
            run=client.logging,
            goal=quarter,
        ),
        "training": replace(
            less, title="a training script (wine, autolog)", run=client.training, needs="registry", rounds=2
        ),
        "start": replace(less, title="start on a new database to first 200", unit="s", goal=Goal("≤ 1 s", most=1)),
        "start-cpu": replace(less, title="CPU of that start"),
        "memory": replace(less, title="memory (RSS) of the server, idle", unit="MiB", goal=Goal("≤ 110 MiB", most=110)),
        "idle": replace(less, title="CPU while idle", unit="CPU s/min"),
    }
