"""What MLflow's page asks of things that are not here: it gets none of them, and shows that there are none.

What makes such things is not offered, and so this is the truth. Clients ask for the same under ``/api``.
"""

from __future__ import annotations

from mainspring.api.mlflow.answers import Json
from mainspring.api.mlflow.dispatch import Message, endpoint
from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission
from mainspring.modules.services import Services

TELEMETRY = {"disable_ui_telemetry": True, "disable_ui_events": [], "ui_rollout_percentage": 0}
ASSISTANT = {"providers": {}, "projects": {}, "remote_access_allowed": False}


@endpoint("GET", "ui-telemetry", Message, Permission.PUBLIC)
async def get_telemetry(services: Services, actor: Actor, message: Message) -> Json:
    """Tell the page to send what people do in it to nobody."""
    return TELEMETRY


@endpoint("GET", "assistant/config", Message, Permission.PUBLIC)
async def get_assistant(services: Services, actor: Actor, message: Message) -> Json:
    return ASSISTANT


@endpoint("GET", "assistant/providers", Message, Permission.PUBLIC)
async def list_assistant_providers(services: Services, actor: Actor, message: Message) -> Json:
    return {"providers": []}


@endpoint("GET", "gateway-proxy", Message, Permission.TRACKING_READ)
async def list_gateway_endpoints(services: Services, actor: Actor, message: Message) -> Json:
    return {"endpoints": []}


@endpoint("GET", "users/current/permissions", Message, Permission.SIGNED_IN)
async def list_own_permissions(services: Services, actor: Actor, message: Message) -> Json:
    """Answer with the permissions that the actor has on single things: here they come from roles alone."""
    return {"permissions": []}


@endpoint("GET", "users/roles/list", Message, Permission.SIGNED_IN)
async def list_user_roles(services: Services, actor: Actor, message: Message) -> Json:
    """Answer with the roles of a user that somebody has made up: there are five, the same for all."""
    return {"roles": []}


async def _answer_none(services: Services, actor: Actor, message: Message) -> None:
    """Answer that nothing was found."""


for _method, _path in (
    ("POST", "traces/search"),
    ("POST", "traces/metrics"),
    ("GET", "datasets/search"),
    ("POST", "datasets/search"),
    ("GET", "scorers/list"),
    ("GET", "scorers/online-configs"),
    ("GET", "review-queues/list"),
    ("GET", "label-schemas/list"),
    ("POST", "issues/search"),
    ("GET", "mcp-servers"),
):
    endpoint(_method, _path, Message, Permission.TRACKING_READ)(_answer_none)
