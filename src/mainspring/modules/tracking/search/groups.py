"""What the runs of a search have in common: the keys that were logged, and groups of runs by what they share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from mainspring.kit.sql_engines import select_rows
from mainspring.kit.sql_text import Spelling, Sql, joined
from mainspring.modules.tracking.schemas import MetricSummary, RunGroup, RunGroups
from mainspring.modules.tracking.search.probes import COLUMNS, TABLES, Conditions, Scope, Subject, probes

MAX_KEYS = 5_000
LARGEST = 1e150
"""Beyond it a square is no number any more."""
_NUMBER = "is_nan = false AND {0}value BETWEEN ? AND ?"


def logged_keys(tx: Connection, entity: str, experiments: Sequence[int]) -> list[str]:
    """Return the keys of the metrics, params or tags of some experiments: one step along an index for each key."""
    table = TABLES[entity]
    statement = (
        f"WITH RECURSIVE k(key, n) AS (SELECT min(key), 1 FROM {table} WHERE experiment = ? UNION ALL "
        f"SELECT (SELECT min(t.key) FROM {table} t WHERE t.experiment = ? AND t.key > k.key), n + 1 "
        "FROM k WHERE k.key IS NOT NULL AND n < ?) SELECT key FROM k WHERE key IS NOT NULL"
    )
    found: set[str] = set()
    for experiment in experiments:
        found.update(key for (key,) in select_rows(tx, statement, (experiment, experiment, MAX_KEYS)))
    return sorted(found)[:MAX_KEYS]


def group_runs(
    tx: Connection, scope: Scope, conditions: Conditions, by: Sequence[Subject], metrics: Sequence[str], most: int
) -> RunGroups:
    """Return the largest groups of the runs that meet conditions, with the mean and spread of some metrics."""
    values = [
        COLUMNS[subject.key] if subject.entity == "attribute" else f"g{place}.value" for place, subject in enumerate(by)
    ]
    middles = [_middle(tx, scope, key) for key in metrics]
    counts = Sql("count(*), count(*) OVER (), sum(count(*)) OVER ()")
    figures = [_figures(f"m{place}", middle) for place, middle in enumerate(middles)]
    chosen = joined(", ", [counts, *map(Sql, values), *figures])
    source = joined(" ", [Sql("runs r"), *_joins(by, metrics)])
    where = joined(" AND ", [scope.holds(), *probes(conditions, Spelling(tx))])
    grouped = f"GROUP BY {', '.join(values)}" if values else ""
    order = ", ".join(["count(*) DESC", *(f"{value} IS NULL, {value}" for value in values)])
    statement = f"SELECT {chosen.text} FROM {source.text} WHERE {where.text} {grouped} ORDER BY {order} LIMIT ?"
    rows = select_rows(tx, statement, (*chosen.values, *source.values, *where.values, most))
    # Without anything to group by there is a row even of no runs.
    items = [_group(row, len(by), metrics, middles) for row in rows if row[0]]
    return RunGroups(items, int(rows[0][1]), int(rows[0][2])) if items else RunGroups([], 0, 0)


def _joins(by: Sequence[Subject], metrics: Sequence[str]) -> Iterator[Sql]:
    for place, (entity, key) in enumerate(by):
        if entity != "attribute":
            yield Sql(f"LEFT JOIN {TABLES[entity]} g{place} ON g{place}.run = r.id AND g{place}.key = ?", (key,))
    for place, key in enumerate(metrics):
        row = f"m{place}"
        met = f"{row}.run = r.id AND {row}.key = ? AND {row}.{_NUMBER.format(f'{row}.')}"
        yield Sql(f"LEFT JOIN latest_metrics {row} ON {met}", (key, -LARGEST, LARGEST))


def _middle(tx: Connection, scope: Scope, key: str) -> float:
    """Return about where a metric's values lie: squares are summed about it, so that no digits are lost."""
    if not scope.experiments:
        return 0.0
    where = f"experiment = ? AND key = ? AND {_NUMBER.format('')}"
    values = (scope.experiments[0], key, -LARGEST, LARGEST)
    [(found,)] = select_rows(tx, f"SELECT avg(value) FROM latest_metrics WHERE {where}", values)
    return float(found or 0.0)


def _figures(row: str, middle: float) -> Sql:
    off = f"({row}.value - ?)"
    text = f"count({row}.value), avg({off}), avg({off} * {off}), min({row}.value), max({row}.value)"
    return Sql(text, (middle,) * 3)


def _group(row: Sequence[Any], by: int, metrics: Sequence[str], middles: Sequence[float]) -> RunGroup:
    values, figures = row[3 : 3 + by], row[3 + by :]
    summaries = [
        _summary(key, middle, figures[5 * place : 5 * place + 5])
        for place, (key, middle) in enumerate(zip(metrics, middles, strict=True))
    ]
    return RunGroup(list(values), row[0], summaries)


def _summary(key: str, middle: float, figures: Sequence[Any]) -> MetricSummary:
    runs, off, squared, least, greatest = figures
    if not runs:
        return MetricSummary(key, 0, None, None, None, None)
    return MetricSummary(key, runs, middle + off, math.sqrt(max(0.0, squared - off * off)), least, greatest)
