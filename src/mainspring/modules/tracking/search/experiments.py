"""The search of experiments."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, exists, select

from mainspring.kit.filters import (
    LIST,
    NUMERIC,
    PRESENCE,
    TEXT,
    Clause,
    Entity,
    Field,
    Vocabulary,
    parse_filter,
    parse_orders,
)
from mainspring.modules.tracking.schemas import ViewType
from mainspring.modules.tracking.search.conditions import Condition, compare, in_view
from mainspring.modules.tracking.tables import experiment_tags, experiments

_COLUMNS = {
    "experiment_id": experiments.c.id,
    "name": experiments.c.name,
    "creation_time": experiments.c.created_at,
    "last_update_time": experiments.c.updated_at,
}
_ATTRIBUTE = Entity(
    "attribute",
    ("attribute",),
    keys={
        "experiment_id": Field("id", frozenset({"=", "!="}) | LIST),
        "name": Field("string", TEXT),
        "creation_time": Field("integer", NUMERIC),
        "last_update_time": Field("integer", NUMERIC),
    },
)
FILTERS = Vocabulary(_ATTRIBUTE, (Entity("tag", ("tag", "tags"), any_key=Field("string", TEXT | PRESENCE)),))
ORDERS = Vocabulary(_ATTRIBUTE)


def search_experiments(
    tx: Connection, project: int, filter: str | None, view: ViewType, limit: int, offset: int, order_by: Sequence[str]
) -> list[int]:
    """Return keys of a project's experiments, the newest first unless ordered otherwise.

    Raises InvalidArgument for a filter or order that cannot be read.
    """
    conditions = [_condition(clause) for clause in parse_filter(filter, FILTERS)]
    orders = parse_orders(order_by or ["creation_time DESC", "experiment_id ASC"], ORDERS, unique=False)
    terms = [_COLUMNS[order.key].asc() if order.ascending else _COLUMNS[order.key].desc() for order in orders]
    found = (
        select(experiments.c.id)
        .where(experiments.c.project == project, *in_view(experiments.c.lifecycle_stage, view), *conditions)
        .order_by(*terms, experiments.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return list(tx.scalars(found))


def _condition(clause: Clause) -> Condition:
    if clause.entity == "attribute":
        return compare(_COLUMNS[clause.key], clause.comparator, clause.value)
    tag = exists().where(experiment_tags.c.experiment == experiments.c.id, experiment_tags.c.key == clause.key)
    if clause.comparator == "IS NULL":
        return ~tag
    if clause.comparator == "IS NOT NULL":
        return tag
    return tag.where(compare(experiment_tags.c.value, clause.comparator, clause.value))
