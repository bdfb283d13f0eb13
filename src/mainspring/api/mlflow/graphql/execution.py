"""Executing a GraphQL query by the library ``graphql-core``, in a thread: picking fields takes its time."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import structlog
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLList,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    IntValueNode,
    StringValueNode,
    ValueNode,
    build_schema,
    execute,
    parse,
    validate,
)

from mainspring.api.mlflow.answers import Json
from mainspring.api.mlflow.graphql.limits import check_limits
from mainspring.api.mlflow.graphql.roots import Roots
from mainspring.kit.actors import Actor
from mainspring.modules.services import Services

MAX_TOKENS = 10_000
MAX_ERRORS = 10
NAN = "NaN"
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="graphql")

log = structlog.get_logger(__name__)


async def execute_query(
    services: Services, actor: Actor, query: str, variables: dict[str, Any] | None, operation: str | None
) -> bytes:
    """Return the answer as JSON: ``data``, and under ``errors`` what is wrong with the query, as texts."""
    loop = asyncio.get_running_loop()
    roots = Roots(services, actor, loop)
    work = copy_context().run
    return await loop.run_in_executor(_THREADS, work, _execute, roots, query, variables, operation)


def _execute(roots: Roots, query: str, variables: dict[str, Any] | None, operation: str | None) -> bytes:
    try:
        result = _result(roots, query, variables, operation)
    except GraphQLError as error:
        result = ExecutionResult(None, [error])
    except RecursionError:
        result = ExecutionResult(None, [GraphQLError("The query is nested too deeply.")])
    errors = [_told(error) for error in result.errors] if result.errors else None
    return msgspec.json.encode({"data": result.data, "errors": errors})


def _result(roots: Roots, query: str, variables: dict[str, Any] | None, operation: str | None) -> ExecutionResult:
    document = parse(query, no_location=True, max_tokens=MAX_TOKENS)
    check_limits(document)
    if wrong := validate(_schema(), document, max_errors=MAX_ERRORS):
        return ExecutionResult(None, wrong)
    result = execute(
        _schema(),
        document,
        context_value=roots,
        variable_values=variables,
        operation_name=operation,
        field_resolver=_pick,
    )
    assert isinstance(result, ExecutionResult)  # no resolver is asynchronous
    return result


def _told(error: GraphQLError) -> str:
    """Return what is told of an error: of one that is not about the query, no more than that there is one."""
    if error.original_error is None or isinstance(error.original_error, GraphQLError):
        return error.message
    log.error("unexpected_error", path=error.path, exc_info=error.original_error)
    return "The server met an unexpected error; its log tells more."


@cache
def _schema() -> GraphQLSchema:
    schema = build_schema((Path(__file__).parent / "schema.graphql").read_text())
    for root in (schema.query_type, schema.mutation_type):
        assert root is not None
        for field in root.fields.values():
            field.resolve = _ask
    run = _type(schema, "MlflowRun")
    run.fields["experiment"].resolve = _experiment
    run.fields["modelVersions"].resolve = _versions
    for metric in ("MlflowMetric", "MlflowMetricWithRunId"):
        _type(schema, metric).fields["value"].resolve = _value
    long = schema.type_map["LongString"]
    assert isinstance(long, GraphQLScalarType)
    long.serialize, long.parse_value, long.parse_literal = str, _long, _long_literal  # type: ignore[assignment, method-assign]
    return schema


def _type(schema: GraphQLSchema, name: str) -> GraphQLObjectType:
    found = schema.type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return found


def _ask(_source: object, info: GraphQLResolveInfo, input: dict[str, Any] | None = None) -> Json:
    roots: Roots = info.context
    return roots.answer(info.field_name, input or {})


def _experiment(run: Json, info: GraphQLResolveInfo) -> Json | None:
    roots: Roots = info.context
    return roots.find_experiment(run["info"]["experiment_id"])


def _versions(run: Json, info: GraphQLResolveInfo) -> list[Json]:
    roots: Roots = info.context
    return roots.find_versions(run["info"]["run_id"])


def _value(metric: Json, _info: GraphQLResolveInfo) -> Any:
    """Return a metric's value; GraphQL has no number that is none."""
    return None if metric["value"] == NAN else metric["value"]


def _pick(source: Json, info: GraphQLResolveInfo) -> Any:
    """Return a field of an answer; a list that REST leaves out is empty."""
    value = source.get(_rest_name(info.field_name))
    return [] if value is None and isinstance(info.return_type, GraphQLList) else value


@cache
def _rest_name(field: str) -> str:
    """Return how a field of the schema is called over REST."""
    return re.sub(r"([A-Z])", r"_\1", field).lower()


def _long(value: object) -> int:
    try:
        return int(str(value))
    except ValueError as error:
        raise GraphQLError(f"{str(value)[:100]!r} is no integer.") from error


def _long_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> int:
    if not isinstance(node, IntValueNode | StringValueNode):
        raise GraphQLError("An integer is wanted here, as a number or as text.")
    return _long(node.value)
