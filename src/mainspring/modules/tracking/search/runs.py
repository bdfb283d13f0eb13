"""The search of runs, and of the datasets that they read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Join, Select, Table, and_, exists, func, not_, select
from sqlalchemy.sql.elements import ColumnElement

from mainspring.kit.filters import (
    LIST,
    NUMERIC,
    PRESENCE,
    TEXT,
    Clause,
    Entity,
    Field,
    Order,
    Vocabulary,
    parse_filter,
    parse_orders,
)
from mainspring.kit.sql import nulls_last, unindexed
from mainspring.modules.tracking.schemas import DatasetSummary, ViewType
from mainspring.modules.tracking.search.conditions import (
    Condition,
    compare,
    compare_metric,
    in_experiments,
    in_view,
    numbers_first,
)
from mainspring.modules.tracking.tables import (
    datasets,
    latest_metrics,
    params,
    run_dataset_tags,
    run_datasets,
    runs,
    tags,
)

MANY_RUNS = 1_000
"""From how many runs of the experiments on a page ordered by a metric is read off the metric's index."""
MAX_DATASETS = 1_000
"""Summaries of datasets that a search gives, as MLflow does."""
CONTEXT_TAG = "mlflow.data.context"

_COLUMNS: dict[str, ColumnElement[Any]] = {
    "run_id": runs.c.run_id,
    "run_name": runs.c.name,
    "user_id": runs.c.user_id,
    "status": runs.c.status,
    "artifact_uri": runs.c.artifact_uri,
    "start_time": runs.c.started_at,
    "end_time": runs.c.ended_at,
}
_KEYED: dict[str, Table] = {"metric": latest_metrics, "parameter": params, "tag": tags}

_METRIC = Entity("metric", ("metric", "metrics"), any_key=Field("number", NUMERIC))
_PARAM = Entity("parameter", ("parameter", "parameters", "param", "params"), any_key=Field("string", TEXT | PRESENCE))
_TAG = Entity("tag", ("tag", "tags"), any_key=Field("string", TEXT | PRESENCE))
_DATASET = Entity(
    "dataset",
    ("dataset", "datasets"),
    keys={key: Field("string", TEXT | LIST) for key in ("name", "digest", "context")},
)
_ATTRIBUTE = Entity(
    "attribute",
    ("attribute", "attributes", "attr", "run"),
    keys={
        "run_id": Field("string", TEXT | LIST),
        **{key: Field("string", TEXT) for key in ("run_name", "user_id", "status", "artifact_uri")},
        **{key: Field("number", NUMERIC) for key in ("start_time", "end_time")},
    },
    key_aliases={
        **dict.fromkeys(("created", "Created"), "start_time"),
        **dict.fromkeys(("run name", "Run name", "Run Name"), "run_name"),
    },
)
FILTERS = Vocabulary(_ATTRIBUTE, (_METRIC, _PARAM, _TAG, _DATASET))
ORDERS = Vocabulary(
    Entity(
        "attribute",
        _ATTRIBUTE.spellings,
        keys=_ATTRIBUTE.keys,
        key_aliases=dict.fromkeys(("created", "Created"), "start_time"),
    ),
    (_METRIC, _PARAM, _TAG),
)


def search_runs(
    tx: Connection,
    experiments: Sequence[int],
    filter: str | None,
    view: ViewType,
    limit: int,
    offset: int,
    order_by: Sequence[str],
) -> list[int]:
    """Return keys of runs, the newest first unless ordered otherwise.

    A sort key's values come first, then its NaNs, then the runs that lack it, whatever the direction;
    ties are ordered by start, newest first, and run id. Raises InvalidArgument for a filter or order
    that cannot be read.
    """
    clauses = parse_filter(filter, FILTERS)
    orders = parse_orders(order_by, ORDERS)
    scope = in_experiments(runs.c.experiment, experiments)
    if orders and orders[0].entity == "metric" and _has_many(tx, scope):
        parts = _by_metric(experiments, view, clauses, orders)
    else:
        conditions = [scope, *in_view(runs.c.lifecycle_stage, view), *map(_condition, clauses)]
        parts = iter([_ordered(runs, conditions, orders)])
    return _slice(tx, parts, limit, offset)


def _has_many(tx: Connection, scope: Condition) -> bool:
    some = select(runs.c.id).where(scope).limit(MANY_RUNS).subquery()
    return tx.scalar(select(func.count()).select_from(some)) == MANY_RUNS


def _ordered(
    source: Table | Join, conditions: Sequence[Condition], orders: Sequence[Order], *first: ColumnElement[Any]
) -> Select[tuple[int]]:
    """Select keys of runs from ``source`` by ``first``, then ``orders``, then as runs are ordered by themselves."""
    joined: Any = source
    terms: list[ColumnElement[Any]] = [*first]
    for order in orders:
        if order.entity == "attribute":
            terms.append(nulls_last(_COLUMNS[order.key], ascending=order.ascending))
            continue
        table = _KEYED[order.entity].alias()
        joined = joined.outerjoin(table, and_(table.c.run == runs.c.id, table.c.key == order.key))
        if order.entity == "metric":
            terms.append(numbers_first(table.c.is_nan))
        terms.append(nulls_last(table.c.value, ascending=order.ascending))
    terms += [nulls_last(runs.c.started_at, ascending=False), runs.c.run_id]
    return select(runs.c.id).select_from(joined).where(*conditions).order_by(*terms)


def _by_metric(
    experiments: Sequence[int], view: ViewType, clauses: Sequence[Clause], orders: Sequence[Order]
) -> Iterator[Select[tuple[int]]]:
    """Give the runs that have a metric, in its order, then those where it is NaN, then those that lack it.

    The first part, and mostly the only one that a page needs, walks the index of the metric and stops
    when the page is full. Conditions on the same metric bound the walk.
    """
    order, *others = orders
    same = [clause for clause in clauses if (clause.entity, clause.key) == ("metric", order.key)]
    rest = [_condition(clause) for clause in clauses if clause not in same]
    metric = latest_metrics.alias()
    joined = metric.join(runs, runs.c.id == metric.c.run)
    walked = [
        metric.c.key == order.key,
        in_experiments(unindexed(runs.c.experiment), experiments),
        *in_view(unindexed(runs.c.lifecycle_stage), view),
        *rest,
    ]
    bounds = [compare(metric.c.value, clause.comparator, clause.value) for clause in same]
    value = metric.c.value.asc() if order.ascending else metric.c.value.desc()
    yield _ordered(joined, [*walked, *bounds, not_(metric.c.is_nan)], others, value)
    if all(clause.comparator == "!=" for clause in same):
        yield _ordered(joined, [*walked, metric.c.value == 0, metric.c.is_nan], others)
    if not same:
        scope = [in_experiments(runs.c.experiment, experiments), *in_view(runs.c.lifecycle_stage, view)]
        yield _ordered(runs, [*scope, *rest, ~_keyed(latest_metrics, order.key)], others)


def _slice(tx: Connection, parts: Iterator[Select[tuple[int]]], limit: int, offset: int) -> list[int]:
    """Return a slice of the parts, one after the other, reading no more of them than it takes."""
    found: list[int] = []
    for part in parts:
        rows = [row.id for row in tx.execute(part.limit(limit - len(found)).offset(offset))]
        found += rows
        if len(found) == limit:
            break
        if rows:
            offset = 0
        elif offset:
            offset -= tx.scalar(select(func.count()).select_from(part.order_by(None).subquery())) or 0
    return found


def _keyed(table: Table, key: str) -> Any:
    return exists().where(table.c.run == runs.c.id, table.c.key == key).correlate(runs)


def _condition(clause: Clause) -> Condition:
    if clause.entity == "attribute":
        return compare(_COLUMNS[clause.key], clause.comparator, clause.value)
    if clause.entity == "dataset":
        return _dataset_condition(clause)
    table = _KEYED[clause.entity]
    present = _keyed(table, clause.key)
    condition: Condition
    if clause.comparator == "IS NULL":
        condition = ~present
    elif clause.comparator == "IS NOT NULL":
        condition = present
    elif clause.entity == "metric":
        condition = present.where(compare_metric(table.c.value, table.c.is_nan, clause.comparator, clause.value))
    else:
        condition = present.where(compare(table.c.value, clause.comparator, clause.value))
    return condition


def _dataset_condition(clause: Clause) -> Condition:
    if clause.key == "context":
        table = run_dataset_tags
        tagged = and_(table.c.run == runs.c.id, table.c.key == CONTEXT_TAG)
        return exists().where(tagged, compare(table.c.value, clause.comparator, clause.value)).correlate(runs)
    read = and_(run_datasets.c.run == runs.c.id, run_datasets.c.dataset == datasets.c.id)
    return exists().where(read, compare(datasets.c[clause.key], clause.comparator, clause.value)).correlate(runs)


def search_datasets(tx: Connection, experiments: Sequence[int]) -> list[DatasetSummary]:
    """Return what datasets the runs of some experiments read, and as what; up to ``MAX_DATASETS``."""
    tag = run_dataset_tags
    tagged = and_(tag.c.run == run_datasets.c.run, tag.c.dataset == run_datasets.c.dataset, tag.c.key == CONTEXT_TAG)
    found = (
        select(datasets.c.experiment, datasets.c.name, datasets.c.digest, tag.c.value)
        .join_from(datasets, run_datasets, run_datasets.c.dataset == datasets.c.id)
        .outerjoin(tag, tagged)
        .where(in_experiments(datasets.c.experiment, experiments))
        .distinct()
        .order_by(datasets.c.experiment, datasets.c.name, datasets.c.digest, nulls_last(tag.c.value, ascending=True))
        .limit(MAX_DATASETS)
    )
    return [DatasetSummary(str(row.experiment), row.name, row.digest, row.value) for row in tx.execute(found)]
