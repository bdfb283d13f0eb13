"""SQL of metric points: every point once, and the greatest of each key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Connection, Select, func, select

from mainspring.kit.sql_engines import insert_rows, upsert_rows
from mainspring.modules.tracking.schemas import Metric
from mainspring.modules.tracking.tables import latest_metrics, metric_points, runs

NAN: Literal["NaN"] = "NaN"
Point = tuple[int, str, int, int, float, bool]
"""(run, key, timestamp, step, value, is_nan): a row of ``metric_points``."""

_POINT = ("run", "key", "timestamp", "step", "value", "is_nan")
_ORDER = (metric_points.c.timestamp, metric_points.c.step, metric_points.c.value, metric_points.c.is_nan)
_BY_STEP = (metric_points.c.step, metric_points.c.timestamp, metric_points.c.value, metric_points.c.is_nan)


def insert_points(tx: Connection, points: Sequence[Point]) -> None:
    """Insert points, a repeated one once, and keep the latest of each key by (step, timestamp, value)."""
    # One order in every process: transactions that touch the same rows wait, and do not deadlock.
    points = sorted(set(points))
    insert_rows(tx, metric_points, _POINT, points, ignore=True)
    latest: dict[tuple[int, str], Point] = {}
    for point in points:
        best = latest.get(point[:2])
        if best is None or _rank(point) > _rank(best):
            latest[point[:2]] = point
    upsert_rows(tx, latest_metrics, _POINT, list(latest.values()), newer="step, timestamp, value")


def _rank(point: Point) -> tuple[int, int, float]:
    return point[3], point[2], point[4]


def _points(run_id: str, key: str) -> Select[Any]:
    point = metric_points.c
    run = select(runs.c.id).where(runs.c.run_id == run_id).scalar_subquery()
    return select(point.timestamp, point.step, point.value, point.is_nan).where(point.run == run, point.key == key)


def get_history(tx: Connection, run_id: str, key: str, offset: int, limit: int | None) -> list[Metric]:
    """Return points by timestamp, step and value; ``limit`` None is all."""
    statement = _points(run_id, key).order_by(*_ORDER).offset(offset)
    if limit is not None:
        statement = statement.limit(limit)
    return [Metric(key, NAN if is_nan else value, at, step) for at, step, value, is_nan in tx.execute(statement)]


def get_bulk_history(tx: Connection, run_ids: Sequence[str], key: str, limit: int) -> list[tuple[str, Metric]]:
    """Return (run id, point) by run id, timestamp, step and value, ``limit`` at most in all."""
    columns = (runs.c.run_id, metric_points.c.timestamp, metric_points.c.step, metric_points.c.value)
    statement = (
        select(*columns, metric_points.c.is_nan)
        .join(runs, runs.c.id == metric_points.c.run)
        .where(runs.c.run_id.in_(run_ids), metric_points.c.key == key)
        .order_by(runs.c.run_id, *_ORDER)
        .limit(limit)
    )
    return [
        (run, Metric(key, NAN if is_nan else value, at, step)) for run, at, step, value, is_nan in tx.execute(statement)
    ]


def sample_history(
    tx: Connection, run_id: str, key: str, limit: int, start_step: int | None, end_step: int | None
) -> list[Metric]:
    """Return at most ``limit`` points of a run, by step, spread evenly over them, the first and the last among them."""
    within = _points(run_id, key)
    if start_step is not None and end_step is not None:
        within = within.where(metric_points.c.step >= start_step, metric_points.c.step <= end_step)
    bucketed = within.add_columns(func.ntile(limit).over(order_by=_BY_STEP).label("bucket")).subquery()
    order = (bucketed.c.step, bucketed.c.timestamp, bucketed.c.value, bucketed.c.is_nan)
    place = func.row_number().over(partition_by=bucketed.c.bucket, order_by=order).label("place")
    ranked = select(bucketed, place).subquery()
    columns = (ranked.c.timestamp, ranked.c.step, ranked.c.value, ranked.c.is_nan)
    statement = select(*columns).where(ranked.c.place == 1).order_by(ranked.c.step, ranked.c.timestamp, *columns[2:])
    rows = [tuple(row) for row in tx.execute(statement)]
    last = tx.execute(within.order_by(*(column.desc() for column in _BY_STEP)).limit(1)).first()
    if last is not None and tuple(last) != rows[-1]:
        rows[limit - 1 :] = [tuple(last)]
    return [Metric(key, NAN if is_nan else value, at, step) for at, step, value, is_nan in rows]
