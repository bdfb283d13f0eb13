"""SQL of logging metric points: every point once, and the greatest of each key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from mainspring.kit.sql_engines import insert_rows, upsert_rows
from mainspring.modules.tracking.store import blocks
from mainspring.modules.tracking.tables import latest_metrics, metric_points

Point = tuple[int, str, int, int, float, bool]
"""(run, key, timestamp, step, value, is_nan): a row of ``metric_points``."""

_POINT = ("run", "key", "timestamp", "step", "value", "is_nan")
_LATEST = (*_POINT, "experiment")


class Series(NamedTuple):
    """Points of one run and key as columns of one length, in any order; values are NaN where they are no numbers."""

    run: int
    key: str
    timestamps: Sequence[int]
    steps: Sequence[int]
    values: Sequence[float]


def insert_points(tx: Connection, points: Sequence[Point], experiments: Mapping[int, int]) -> None:
    """Insert points, a repeated one once, and keep the latest of each key by (step, timestamp, value).

    ``experiments`` are those of the points' runs, by the runs' keys.
    """
    by_series: dict[tuple[int, str], list[Point]] = {}
    for point in points:
        by_series.setdefault(point[:2], []).append(point)
    # One order in every process: transactions that touch the same rows wait, and do not deadlock.
    parts = [sorted(set(by_series[series])) for series in sorted(by_series)]
    insert_rows(tx, metric_points, _POINT, [point for part in parts for point in part], ignore=True)
    _keep_latest(tx, [max(part, key=_rank) for part in parts], experiments)


def insert_blocks(tx: Connection, series: Iterable[Series], experiments: Mapping[int, int]) -> None:
    """Insert points as blocks, which is cheaper from some 16 of one run and key on; else like ``insert_points``.

    A point that was logged before is kept again: readers and the compaction drop it.
    """
    from mainspring.modules.tracking.blocks import MAX_POINTS, arrange, by_step

    new, latest = [], []
    for run, key, timestamps, steps, values in series:
        points = arrange(timestamps, steps, values)
        new += [(run, key, points.cut(at, at + MAX_POINTS)) for at in range(0, len(points), MAX_POINTS)]
        latest.append((run, key, *by_step(points).position(-1)))
    blocks.insert_blocks(tx, new)
    _keep_latest(tx, sorted(latest), experiments)


def _keep_latest(tx: Connection, points: Iterable[Point], experiments: Mapping[int, int]) -> None:
    """Replace the latest point of a run and key where this one is later; they are sorted and one of each."""
    newest = [(*point, experiments[point[0]]) for point in points]
    upsert_rows(tx, latest_metrics, _LATEST, newest, newer="step, timestamp, value")


def _rank(point: Point) -> tuple[int, int, float]:
    return point[3], point[2], point[4]
