"""The search of logged models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Subquery, and_, case, exists, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.filters import (
    LIST,
    MAX_ORDERS,
    NUMERIC,
    TEXT,
    Clause,
    Entity,
    Field,
    Vocabulary,
    parse_filter,
)
from mainspring.kit.sql import nulls_last
from mainspring.modules.tracking.schemas import DatasetScope, LifecycleStage, ModelOrder
from mainspring.modules.tracking.search.conditions import (
    Condition,
    compare,
    compare_metric,
    in_experiments,
    numbers_first,
)
from mainspring.modules.tracking.tables import (
    logged_model_metrics,
    logged_model_params,
    logged_model_tags,
    logged_models,
)

MAX_DATASETS = 100

_COLUMNS = {
    "model_id": logged_models.c.model_id,
    "experiment_id": logged_models.c.experiment,
    "name": logged_models.c.name,
    "artifact_location": logged_models.c.artifact_uri,
    "creation_timestamp_ms": logged_models.c.created_at,
    "last_updated_timestamp_ms": logged_models.c.updated_at,
    "status": logged_models.c.status,
    "status_message": logged_models.c.status_message,
    "lifecycle_stage": logged_models.c.lifecycle_stage,
    "model_type": logged_models.c.model_type,
    "source_run_id": logged_models.c.source_run_id,
}
_TIMES = ("creation_timestamp_ms", "last_updated_timestamp_ms")
_ALIASES = {
    "creation_time": "creation_timestamp_ms",
    "creation_timestamp": "creation_timestamp_ms",
    "last_updated_timestamp": "last_updated_timestamp_ms",
}
_STATUS_ORDER = {"PENDING": 1, "READY": 2, "FAILED": 3}
_TEXT = Field("string", TEXT | LIST)
_KEYED = {"param": logged_model_params, "tag": logged_model_tags}

FILTERS = Vocabulary(
    Entity(
        "attribute",
        ("attributes",),
        keys={
            **dict.fromkeys(_COLUMNS, _TEXT),
            **dict.fromkeys(_TIMES, Field("number", NUMERIC)),
            "experiment_id": Field("digits", frozenset({"=", "!="}) | LIST),
        },
        key_aliases=_ALIASES,
    ),
    (
        Entity("metric", ("metrics",), any_key=Field("number", NUMERIC)),
        Entity("param", ("params",), any_key=_TEXT),
        Entity("tag", ("tags",), any_key=_TEXT),
    ),
    bare_values=True,
)


def search_logged_models(
    tx: Connection,
    experiments: Sequence[int],
    filter: str | None,
    datasets: Sequence[DatasetScope],
    limit: int,
    offset: int,
    order_by: Sequence[ModelOrder],
) -> list[int]:
    """Return keys of the logged models that are not deleted, the newest first unless ordered otherwise.

    A condition on a metric holds where any of its points meets it. ``datasets`` narrows the points to
    those on these datasets; without a condition on a metric, models must have some point on them. A
    sort by a metric takes its newest point. Raises InvalidArgument for a search that cannot be read.
    """
    if len(datasets) > MAX_DATASETS:
        raise InvalidArgument(f"`datasets` names {len(datasets)} datasets, at most {MAX_DATASETS}.", field="datasets")
    scopes = [_scope(scope) for scope in datasets]
    clauses = parse_filter(filter, FILTERS)
    conditions = [_condition(clause, scopes) for clause in clauses]
    if scopes and all(clause.entity != "metric" for clause in clauses):
        conditions.append(_metric_exists(scopes))
    joined, terms = _order(order_by)
    found = (
        select(logged_models.c.id)
        .select_from(joined)
        .where(
            in_experiments(logged_models.c.experiment, experiments),
            logged_models.c.lifecycle_stage == LifecycleStage.ACTIVE.value,
            *conditions,
        )
        .order_by(*terms)
        .limit(limit)
        .offset(offset)
    )
    return list(tx.scalars(found))


def _scope(scope: DatasetScope) -> Condition:
    if not scope.dataset_name:
        raise InvalidArgument("`dataset_name` in the `datasets` clause must be specified.", field="datasets")
    return _on_dataset(scope.dataset_name, scope.dataset_digest)


def _on_dataset(name: str | None, digest: str | None) -> Condition:
    """Hold the points on a dataset: of this name, of this digest, where they are given."""
    given = ((logged_model_metrics.c.dataset_name, name), (logged_model_metrics.c.dataset_digest, digest))
    return and_(True, *(column == value for column, value in given if value))


def _metric_exists(scopes: Sequence[Condition]) -> Any:
    present = exists().where(logged_model_metrics.c.model == logged_models.c.id)
    return present.where(or_(*scopes)) if scopes else present


def _condition(clause: Clause, scopes: Sequence[Condition]) -> Condition:
    if clause.entity == "attribute":
        return compare(_COLUMNS[clause.key], clause.comparator, clause.value)
    condition: Condition
    if clause.entity == "metric":
        points = logged_model_metrics.c
        condition = _metric_exists(scopes).where(
            points.key == clause.key, compare_metric(points.value, points.is_nan, clause.comparator, clause.value)
        )
    else:
        table = _KEYED[clause.entity]
        condition = exists().where(
            table.c.model == logged_models.c.id,
            table.c.key == clause.key,
            compare(table.c.value, clause.comparator, clause.value),
        )
    return condition


def _order(order_by: Sequence[ModelOrder]) -> tuple[Any, list[ColumnElement[Any]]]:
    """Return what to select from, and by what to sort it."""
    if len(order_by) > MAX_ORDERS:
        raise InvalidArgument(f"`order_by` has {len(order_by)} keys, at most {MAX_ORDERS} are used.", field="order_by")
    joined: Any = logged_models
    terms: list[ColumnElement[Any]] = []
    for order in order_by:
        entity, dot, key = order.field_name.partition(".")
        if not dot:
            terms.append(nulls_last(_sorted_column(entity), ascending=order.ascending))
        elif entity == "metrics":
            point = _newest_points(key, order)
            joined = joined.outerjoin(point, point.c.model == logged_models.c.id)
            terms.append(numbers_first(point.c.is_nan))
            terms.append(nulls_last(point.c.value, ascending=order.ascending))
        else:
            raise InvalidArgument(
                f"Invalid order by field name: {order.field_name}. Only metrics are supported, as metrics.<name>, "
                "and attributes without a prefix.",
                field="order_by",
            )
    return joined, [*terms, logged_models.c.created_at.desc(), logged_models.c.model_id]


def _sorted_column(name: str) -> ColumnElement[Any]:
    key = _ALIASES.get(name, name)
    if key not in _COLUMNS:
        raise InvalidArgument(
            f"Invalid order by field name: {name}. Valid names are {sorted(_COLUMNS)} and metrics.<name>.",
            field="order_by",
        )
    return case(_STATUS_ORDER, value=logged_models.c.status) if key == "status" else _COLUMNS[key]


def _newest_points(key: str, order: ModelOrder) -> Subquery:
    """Select the newest point of a metric of every model."""
    points = logged_model_metrics.c
    rank = func.row_number().over(
        partition_by=points.model, order_by=(points.timestamp.desc(), points.step.desc(), points.run_id)
    )
    ranked = (
        select(points.model, points.value, points.is_nan, rank.label("rank"))
        .where(points.key == key, _on_dataset(order.dataset_name, order.dataset_digest))
        .subquery()
    )
    return select(ranked).where(ranked.c.rank == 1).subquery()
