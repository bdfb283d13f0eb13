"""The endpoint of GraphQL."""

from __future__ import annotations

from typing import Any, ClassVar

from mainspring.api.mlflow.dispatch import Message, endpoint
from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission
from mainspring.modules.services import Services

MAX_BODY = 1_000_000


class GraphqlQuery(Message):
    required: ClassVar[tuple[str, ...]] = ("query",)
    query: str | None = None
    variables: dict[str, Any] | None = None
    operation_name: str | None = None


@endpoint("POST", "/graphql", GraphqlQuery, Permission.TRACKING_READ, max_body=MAX_BODY)
async def answer_query(services: Services, actor: Actor, message: GraphqlQuery) -> bytes:
    # Loaded with the first query: it takes 12 MiB, and nobody but MLflow's page asks.
    from mainspring.api.mlflow.graphql.execution import execute_query

    return await execute_query(services, actor, message.query or "", message.variables, message.operation_name)
