"""Conditions that every search of tracking is made of."""

from __future__ import annotations

import operator
from collections.abc import Collection
from typing import Any

from sqlalchemy import BigInteger, Double, and_, case, false, literal, not_, or_
from sqlalchemy.sql.elements import ColumnElement

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.filters import FilterValue
from mainspring.kit.sql import ilike, like
from mainspring.modules.tracking.schemas import LifecycleStage, ViewType
from mainspring.modules.tracking.search.probes import MAX_PATTERN

MAX_EXPERIMENTS = 20_000
"""Experiments of one search: databases limit the parameters of a statement."""

Condition = ColumnElement[bool]

_OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
STAGES = {
    ViewType.ACTIVE_ONLY: (LifecycleStage.ACTIVE.value,),
    ViewType.DELETED_ONLY: (LifecycleStage.DELETED.value,),
    ViewType.ALL: (LifecycleStage.ACTIVE.value, LifecycleStage.DELETED.value),
}
"""The lifecycle stages of a view."""


def compare(column: ColumnElement[Any], comparator: str, value: FilterValue) -> Condition:
    """Compare a column with the value of a clause; a missing value of the column meets nothing.

    Raises InvalidArgument for a pattern that is too long.
    """
    if isinstance(value, tuple):
        return column.in_(value) if comparator == "IN" else column.not_in(value)
    if isinstance(value, str) and comparator in ("LIKE", "ILIKE"):
        if len(value) > MAX_PATTERN:
            raise InvalidArgument(
                f"Invalid filter: a {comparator} pattern has {len(value)} characters, it may have {MAX_PATTERN}.",
                field="filter",
            )
        return (like if comparator == "LIKE" else ilike)(column, value)
    result: Condition = _OPERATORS[comparator](column, value if isinstance(value, str) else _number(value))
    return result


def _number(value: float | None) -> ColumnElement[Any]:
    # With its own type: bound as the column's, 1.5 would be rounded to compare it with a whole number.
    return literal(value, BigInteger() if isinstance(value, int) else Double())


def compare_metric(
    value: ColumnElement[float], is_nan: ColumnElement[bool], comparator: str, number: FilterValue
) -> Condition:
    """Compare a metric, whose NaN is stored as 0: a NaN differs from every number and meets nothing else."""
    if comparator == "!=":
        return or_(compare(value, comparator, number), is_nan)
    return and_(compare(value, comparator, number), not_(is_nan))


def numbers_first(is_nan: ColumnElement[bool]) -> ColumnElement[int]:
    """Sort numbers before NaNs before what is missing."""
    return case((is_nan.is_(None), 2), (is_nan, 1), else_=0)


def known_experiments(experiments: Collection[int]) -> tuple[int, ...]:
    """Return the keys that an experiment may have, each once. Raises InvalidArgument where they are too many."""
    known = sorted({key for key in experiments if 0 <= key < 2**63})
    if len(known) > MAX_EXPERIMENTS:
        raise InvalidArgument(
            f"experiment_ids has {len(known)} experiments, at most {MAX_EXPERIMENTS} are searched at once.",
            field="experiment_ids",
        )
    return tuple(known)


def in_experiments(column: ColumnElement[int], experiments: Collection[int]) -> Condition:
    """Hold the rows of some experiments. Raises InvalidArgument where they are too many."""
    known = known_experiments(experiments)
    if not known:
        return false()
    return column == known[0] if len(known) == 1 else column.in_(known)


def in_view(column: ColumnElement[str], view: ViewType) -> list[Condition]:
    """Hold the rows of a view: active, deleted or (no condition) all."""
    return [column == STAGES[view][0]] if len(STAGES[view]) == 1 else []
