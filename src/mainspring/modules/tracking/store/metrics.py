"""SQL of logging metric points: every point once, and the greatest of each key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection

from mainspring.kit.sql_engines import insert_rows, upsert_rows
from mainspring.modules.tracking.positions import Position
from mainspring.modules.tracking.store import blocks
from mainspring.modules.tracking.tables import latest_metrics, metric_points

if TYPE_CHECKING:
    from mainspring.modules.tracking.blocks import Packed

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
    """Insert points as blocks, which is cheaper from some 8 of one run and key on; else like ``insert_points``.

    A point that was logged before is kept again: readers and the compaction drop it.
    """
    alike: dict[tuple[Sequence[int], Sequence[int]], list[Series]] = {}
    for each in series:
        alike.setdefault((tuple(each.timestamps), tuple(each.steps)), []).append(each)
    packed: list[tuple[int, str, Packed]] = []
    latest: list[Point] = []
    for those in alike.values():
        _pack_alike(those, packed, latest)
    blocks.insert_packed(tx, packed)
    _keep_latest(tx, sorted(latest), experiments)


def _pack_alike(series: Sequence[Series], packed: list[tuple[int, str, Packed]], latest: list[Point]) -> None:
    """Pack series that have their times and steps in common, and find the latest point of each."""
    import numpy as np

    from mainspring.modules.tracking.blocks import MAX_POINTS, Points, arrange, by_step, is_arranged, pack, pack_alike

    times, steps = np.array(series[0].timestamps, dtype=np.int64), np.array(series[0].steps, dtype=np.int64)
    values = np.array([each.values for each in series], dtype=np.float64)
    if len(times) <= MAX_POINTS and is_arranged(Points(times, steps, values[0])):
        last = len(steps) - 1 - int(steps[::-1].argmax())
        place = times.item(last), steps.item(last)
        for each, block in zip(series, pack_alike(times, steps, values), strict=True):
            packed.append((each.run, each.key, block))
            latest.append((each.run, each.key, *Position.of(*place, each.values[last])))
        return
    for each, row in zip(series, values, strict=True):
        points = arrange(times, steps, row)
        cuts = (points.cut(at, at + MAX_POINTS) for at in range(0, len(points), MAX_POINTS))
        packed += [(each.run, each.key, pack(cut)) for cut in cuts]
        latest.append((each.run, each.key, *by_step(points).position(-1)))


def _keep_latest(tx: Connection, points: Iterable[Point], experiments: Mapping[int, int]) -> None:
    """Replace the latest point of a run and key where this one is later; they are sorted and one of each."""
    newest = [(*point, experiments[point[0]]) for point in points]
    upsert_rows(tx, latest_metrics, _LATEST, newest, newer="step, timestamp, value")


def _rank(point: Point) -> tuple[int, int, float]:
    return point[3], point[2], point[4]
