"""What searches of the registry may speak of, and what that is in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Table, UnaryExpression, literal, select

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.filters import LIST, NUMERIC, TEXT, Clause, Entity, Field, Vocabulary, parse_filter, parse_orders
from mainspring.kit.sql import ilike, like
from mainspring.modules.registry.sources import PROMPT_TAG
from mainspring.modules.registry.tables import (
    model_version_tags,
    model_versions,
    registered_model_tags,
    registered_models,
)

Condition = ColumnElement[bool]
Order = UnaryExpression[Any]

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
    clauses = parse_filter(text, MODELS)
    prompts = _tagged(registered_model_tags, registered_model_tags.c.model, "=", PROMPT_TAG, "true")
    kept, without_prompts = _sift(clauses, registered_models.c.id.not_in(prompts))
    return without_prompts + [
        registered_models.c.id.in_(_of_clause(registered_model_tags, registered_model_tags.c.model, clause))
        if clause.entity == "tag"
        else _compare(_MODEL_COLUMNS[clause.key], clause)
        for clause in kept
    ]


def version_conditions(text: str) -> list[Condition]:
    """Return the conditions of a filter of versions; those of prompts are left out unless it asks for them."""
    clauses = parse_filter(text, VERSIONS)
    tags = model_version_tags
    prompts = _tagged(
        tags.join(model_versions, tags.c.version == model_versions.c.id),
        model_versions.c.model,
        "=",
        PROMPT_TAG,
        "true",
    )
    kept, without_prompts = _sift(clauses, model_versions.c.model.not_in(prompts))
    return without_prompts + [
        model_versions.c.id.in_(_of_clause(tags, tags.c.version, clause))
        if clause.entity == "tag"
        else _compare(_VERSION_COLUMNS[clause.key], clause)
        for clause in kept
    ]
