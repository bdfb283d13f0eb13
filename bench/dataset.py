"""The runs and metric points that the servers hold before the reading cases start: the same in all of them.

Standard library only: this module is also imported by the environment of the original server.
"""

import random
from dataclasses import dataclass

FIRST_START_MS = 1_700_000_000_000
HISTORY_KEY = "loss"
SPIKE = 1024.0
SEARCH_FILTER = "metrics.m0 > 0.5 and params.p0 != 'v1'"
SEARCH_ORDER = "metrics.m1 DESC"


@dataclass(frozen=True)
class RunRow:
    """One run of the data set; times in Unix milliseconds."""

    name: str
    start_ms: int
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]


def run_row(index: int) -> RunRow:
    """Return run `index` of the data set: 5 params, 5 metrics, 3 tags, the same on every call."""
    draw = random.Random(index)
    return RunRow(
        name=f"run-{index:06d}",
        start_ms=FIRST_START_MS + 1000 * index,
        params={f"p{n}": f"v{draw.randrange(5)}" for n in range(5)},
        metrics={f"m{n}": draw.random() for n in range(5)},
        tags={f"t{n}": f"team-{draw.randrange(20)}" for n in range(3)},
    )


def history_point(step: int) -> tuple[int, float]:
    """Return timestamp (ms) and value of one step of a metric's history; the value is exact in binary."""
    return FIRST_START_MS + step, step * 0.25


def chart_point(step: int, points: int) -> tuple[int, float]:
    """Return timestamp (ms) and value of one step of the long history: a saw tooth with one low and one high spike."""
    spikes = {points // 3: -SPIKE, points * 2 // 3 + 1: SPIKE}
    return FIRST_START_MS + step, spikes.get(step, step % 1000 * 0.25)


def newest(runs: int, page: int) -> list[str]:
    """Return the names that a search for the newest runs must answer."""
    return [run_row(index).name for index in range(runs - 1, max(-1, runs - 1 - page), -1)]


def best_of_filter(runs: int, page: int) -> list[str]:
    """Return the names that SEARCH_FILTER ordered by SEARCH_ORDER must answer."""
    rows = (run_row(index) for index in range(runs))
    found = [row for row in rows if row.metrics["m0"] > 0.5 and row.params["p0"] != "v1"]
    return [row.name for row in sorted(found, key=lambda row: -row.metrics["m1"])[:page]]
