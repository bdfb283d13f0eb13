"""What searches of the registry may speak of, and what that is in SQL."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, UnaryExpression, literal, select

from mainspring.kit.filters import LIST, NUMERIC, TEXT, Clause, Entity, Field, Vocabulary, parse_filter, parse_orders
from mainspring.kit.sql import ilike, like
from mainspring.modules.registry.schemas import PROMPT_TAG
from mainspring.modules.registry.tables import (
    model_version_tags,
    model_versions,
    registered_model_tags,
    registered_models,
)

Condition = ColumnElement[bool]
Order = UnaryExpression[Any]

_OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_ORDERED = Field("string", frozenset())
_TAGS = Entity("tag", ("tag", "tags"), any_key=Field("string", TEXT))

MODELS = Vocabulary(Entity("attribute", ("attribute",), keys={"name": Field("string", TEXT | LIST)}), (_TAGS,))
VERSIONS = Vocabulary(
    Entity(
        "attribute",
        ("attribute",),
        keys={
            "name": Field("string", TEXT | LIST),
            "run_id": Field("string", TEXT | LIST),
            "source_path": Field("string", TEXT),
            "version_number": Field("digits", NUMERIC),
        },
    ),
    (_TAGS,),
)
MODEL_ORDER = Vocabulary(
    Entity(
        "order by",
        keys={"name": _ORDERED, "last_updated_timestamp": _ORDERED},
        key_aliases={"timestamp": "last_updated_timestamp"},
    )
)
VERSION_ORDER = Vocabulary(
    Entity(
        "attribute",
        ("attribute",),
        keys=dict.fromkeys(("name", "version_number", "creation_timestamp", "last_updated_timestamp"), _ORDERED),
    )
)

_MODEL_COLUMNS: dict[str, ColumnElement[Any]] = {
    "name": registered_models.c.name,
    "last_updated_timestamp": registered_models.c.updated_at,
}
_VERSION_COLUMNS: dict[str, ColumnElement[Any]] = {
    "name": registered_models.c.name,
    "run_id": model_versions.c.run_id,
    "source_path": model_versions.c.source,
    "version_number": model_versions.c.version,
    "creation_timestamp": model_versions.c.created_at,
    "last_updated_timestamp": model_versions.c.updated_at,
}


def model_conditions(text: str) -> list[Condition]:
    """Return the conditions of a filter of registered models; prompts are left out unless it asks for them."""
    tags, key = registered_model_tags, registered_models.c.id
    prompts = select(tags.c.model).where(tags.c.key == PROMPT_TAG, tags.c.value == "true")
    clauses, conditions = _sift(parse_filter(text, MODELS), key.not_in(prompts))
    for clause in clauses:
        if clause.entity == "tag":
            tagged = select(tags.c.model).where(tags.c.key == clause.key, _compare(tags.c.value, clause))
            conditions.append(key.in_(tagged))
        else:
            conditions.append(_compare(_MODEL_COLUMNS[clause.key], clause))
    return conditions


def version_conditions(text: str, model: int | None = None) -> list[Condition]:
    """Return the conditions of a filter of versions, of the registered model with a key or of all.

    Of all, those of prompts are left out unless the filter asks for them. Here a prompt is a registered
    model one of whose versions has the tag, as in MLflow.
    """
    tags, key = model_version_tags, model_versions.c.id
    tagged_versions = model_versions.alias()
    prompts = (
        select(tagged_versions.c.model)
        .join(tags, tags.c.version == tagged_versions.c.id)
        .where(tags.c.key == PROMPT_TAG, tags.c.value == "true")
    )
    clauses, conditions = parse_filter(text, VERSIONS), [model_versions.c.model == model]
    if model is None:
        clauses, conditions = _sift(clauses, model_versions.c.model.not_in(prompts))
    for clause in clauses:
        if clause.entity == "tag":
            tagged = select(tags.c.version).where(tags.c.key == clause.key, _compare(tags.c.value, clause))
            conditions.append(key.in_(tagged))
        else:
            conditions.append(_compare(_VERSION_COLUMNS[clause.key], clause))
    return conditions


def model_order(texts: Sequence[str]) -> list[Order]:
    """Return the order of registered models: as asked, then by name."""
    return _order(texts, MODEL_ORDER, _MODEL_COLUMNS, ["name ASC"])


def version_order(texts: Sequence[str]) -> list[Order]:
    """Return the order of versions: as asked (else the last updated first), then by name, the newest first."""
    asked = texts or ["last_updated_timestamp DESC"]
    return _order(asked, VERSION_ORDER, _VERSION_COLUMNS, ["name ASC", "version_number DESC"])


def _order(
    texts: Sequence[str], vocabulary: Vocabulary, columns: dict[str, ColumnElement[Any]], last: list[str]
) -> list[Order]:
    """Sort as asked, then by what makes the order total."""
    asked = parse_orders(list(texts), vocabulary)
    keys = {order.key for order in asked}
    ties = [order for order in parse_orders(last, vocabulary) if order.key not in keys]
    return [columns[each.key].asc() if each.ascending else columns[each.key].desc() for each in (*asked, *ties)]


def _sift(clauses: list[Clause], without_prompts: Condition) -> tuple[list[Clause], list[Condition]]:
    """Return the clauses that hold and the condition that leaves prompts out, where they do not ask for prompts.

    As MLflow has it, the first clause about prompts decides, and if it does not ask for them none holds.
    """
    about = [clause for clause in clauses if clause.entity == "tag" and clause.key == PROMPT_TAG]
    if about and (about[0].comparator, str(about[0].value).lower()) in {("=", "true"), ("!=", "false")}:
        return clauses, []
    return [clause for clause in clauses if clause not in about], [without_prompts]


def _compare(column: ColumnElement[Any], clause: Clause) -> Condition:
    """Compare a column with a clause's value; a missing value of the column meets nothing."""
    value = clause.value
    if isinstance(value, tuple):
        return column.in_(value) if clause.comparator == "IN" else column.not_in(value)
    if isinstance(value, str) and clause.comparator in ("LIKE", "ILIKE"):
        return (like if clause.comparator == "LIKE" else ilike)(column, value)
    # Numbers here are counted from 1 and fit 32 bits: what is past them compares like the next one past.
    bound = value if isinstance(value, str) else literal(int(min(max(value or 0, -1), 2**31)), BigInteger())
    result: Condition = _OPERATORS[clause.comparator](column, bound)
    return result
