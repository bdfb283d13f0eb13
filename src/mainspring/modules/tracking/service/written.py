"""What the write path writes: rows that wait in the journal of the database, then go into the tables."""

from __future__ import annotations

from collections import defaultdict
from math import nan

from msgspec import Struct, field
from sqlalchemy import Connection

from mainspring.db.journal import Kind
from mainspring.kit.sql_engines import written_together
from mainspring.modules.tracking.service.rules import RUN_NAME_TAG
from mainspring.modules.tracking.store import documents
from mainspring.modules.tracking.store import metrics as metric_store
from mainspring.modules.tracking.store import models as model_store
from mainspring.modules.tracking.store import runs as store

BLOCK_POINTS = 8
"""From how many points of one run and key in a transaction are written as a block at once."""


class Rows(Struct, array_like=True):
    """Rows of the tables in the order that they came in. The journal keeps them."""

    experiments: dict[int, int] = field(default_factory=dict)
    params: list[store.TextRow] = field(default_factory=list)
    tags: list[store.TextRow] = field(default_factory=list)
    points: list[metric_store.Point] = field(default_factory=list)
    model_metrics: list[model_store.MetricRow] = field(default_factory=list)
    names: list[tuple[int, str]] = field(default_factory=list)
    runs: list[store.RunRow] = field(default_factory=list)
    projects: dict[int, int] = field(default_factory=dict)
    """Of new runs by key, where it is another than the default project."""

    def add(self, other: Rows) -> None:
        """Append other rows."""
        self.experiments |= other.experiments
        self.params += other.params
        self.tags += other.tags
        self.points += other.points
        self.model_metrics += other.model_metrics
        self.names += other.names
        self.runs += other.runs
        self.projects |= other.projects


def _divide(rows: Rows) -> tuple[Rows | None, Rows | None]:
    """Return those of the rows which no other write need know of to be checked, and the others.

    Points are the same in any order, and of a tag the last one counts. A run's name is a column of the run, too.
    """
    if rows.runs:
        return None, rows
    named = [tag for tag in rows.tags if tag[1] == RUN_NAME_TAG]
    later = Rows(rows.experiments, points=rows.points, tags=[tag for tag in rows.tags if tag[1] != RUN_NAME_TAG])
    now = Rows(rows.experiments, rows.params, named, [], rows.model_metrics, rows.names)
    return (
        later if later.points or later.tags else None,
        now if now.params or now.tags or now.model_metrics else None,
    )


def _write(tx: Connection, written: list[Rows]) -> None:
    """Write all rows, by one statement a table."""
    rows = Rows()
    for each in written:
        rows.add(each)
    if rows.names and rows.runs:  # a new run may have been named anew
        store.insert_runs(tx, rows.runs, rows.projects)
        rows.runs = []
    for run, name in sorted(dict(rows.names).items()):
        store.update_run(tx, run, {"name": name})
    with written_together(tx):
        _write_rows(tx, rows)


def _write_rows(tx: Connection, rows: Rows) -> None:
    points, series = _divided(rows.points)
    store.insert_runs(tx, rows.runs, rows.projects)
    last = {tag[:2]: tag for tag in rows.tags}
    store.insert_params(tx, sorted(rows.params))
    store.set_tags(tx, sorted(last.values()))
    metric_store.insert_points(tx, points, rows.experiments)
    metric_store.insert_blocks(tx, series, rows.experiments)
    model_store.insert_metrics(tx, sorted(set(rows.model_metrics), key=str))
    documents.mark_stale(tx, rows.experiments)


def _divided(points: list[metric_store.Point]) -> tuple[list[metric_store.Point], list[metric_store.Series]]:
    """Return the points to be kept one a row, and those that are many of one run and key."""
    if len(points) < BLOCK_POINTS:
        return points, []
    by_series: dict[tuple[int, str], list[metric_store.Point]] = defaultdict(list)
    for point in points:
        by_series[point[:2]].append(point)
    single = [point for part in by_series.values() if len(part) < BLOCK_POINTS for point in part]
    return single, [_series(*key, part) for key, part in by_series.items() if len(part) >= BLOCK_POINTS]


def _series(run: int, key: str, points: list[metric_store.Point]) -> metric_store.Series:
    _, _, timestamps, steps, values, _ = zip(*points, strict=True)
    if any(point[5] for point in points):
        values = tuple(nan if is_nan else value for *_, value, is_nan in points)
    return metric_store.Series(run, key, timestamps, steps, values)


WRITTEN = Kind("tracking.rows", Rows, _write, _divide)
