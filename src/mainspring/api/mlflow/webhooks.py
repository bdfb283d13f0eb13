"""Endpoints of webhooks: those in MLflow's own format, whose events are MLflow's."""

from __future__ import annotations

from typing import ClassVar

from msgspec import UNSET

from mainspring.api.mlflow.answers import Json, present
from mainspring.api.mlflow.dispatch import Message, Part, endpoint
from mainspring.kit.actors import Actor
from mainspring.kit.errors import NotFound
from mainspring.kit.names import invalid_value
from mainspring.kit.permissions import Permission
from mainspring.modules.audit import service
from mainspring.modules.audit.schemas import (
    Webhook,
    WebhookCreate,
    WebhookFormat,
    WebhookStatus,
    WebhookTestResult,
    WebhookUpdate,
)
from mainspring.modules.services import Services

MANAGE = Permission.WEBHOOKS_MANAGE
WEBHOOK = "webhooks/{webhook_id}"


class WebhookEvent(Part):
    entity: str | None = None
    action: str | None = None


class CreateWebhook(Message):
    required: ClassVar[tuple[str, ...]] = ("name", "url")
    name: str | None = None
    description: str | None = None
    url: str | None = None
    events: list[WebhookEvent] = []
    secret: str | None = None
    status: str | None = None


class ListWebhooks(Message):
    max_results: int = 100
    page_token: str | None = None


class WebhookId(Message):
    webhook_id: str = ""


class UpdateWebhook(CreateWebhook):
    required: ClassVar[tuple[str, ...]] = ()
    webhook_id: str = ""


class WebhookTest(WebhookId):
    event: WebhookEvent | None = None


@endpoint("POST", "webhooks", CreateWebhook, MANAGE)
async def create_webhook(services: Services, actor: Actor, message: CreateWebhook) -> Json:
    new = WebhookCreate(
        message.name or "",
        message.url or "",
        [_event_name(event) for event in message.events],
        message.description or None,
        message.secret or None,
        WebhookFormat.MLFLOW,
        _status(message.status) or WebhookStatus.ACTIVE,
    )
    return {"webhook": _webhook_out(await service.create_webhook(services, actor, new))}


@endpoint("GET", "webhooks", ListWebhooks, MANAGE)
async def list_webhooks(services: Services, actor: Actor, message: ListWebhooks) -> Json:
    wanted = (message.max_results or 100, message.page_token, WebhookFormat.MLFLOW)
    page = await services.db.read(service.list_webhooks, actor, *wanted)
    return present({"webhooks": [_webhook_out(each) for each in page.items], "next_page_token": page.next_page_token})


@endpoint("GET", WEBHOOK, WebhookId, MANAGE)
async def get_webhook(services: Services, actor: Actor, message: WebhookId) -> Json:
    return {"webhook": _webhook_out(await _find(services, actor, message.webhook_id))}


@endpoint("PATCH", WEBHOOK, UpdateWebhook, MANAGE)
async def update_webhook(services: Services, actor: Actor, message: UpdateWebhook) -> Json:
    found = await _find(services, actor, message.webhook_id)
    change = WebhookUpdate(
        message.name or UNSET,
        message.url or UNSET,
        [_event_name(event) for event in message.events] or UNSET,
        UNSET if message.description is None else message.description,
        UNSET if message.secret is None else message.secret,
        _status(message.status) or UNSET,
    )
    return {"webhook": _webhook_out(await service.update_webhook(services, actor, found.webhook_id, change))}


@endpoint("DELETE", WEBHOOK, WebhookId, MANAGE)
async def delete_webhook(services: Services, actor: Actor, message: WebhookId) -> None:
    found = await _find(services, actor, message.webhook_id)
    await services.db.write(service.delete_webhook, actor, found.webhook_id)


@endpoint("POST", f"{WEBHOOK}/test", WebhookTest, MANAGE)
async def try_webhook(services: Services, actor: Actor, message: WebhookTest) -> Json:
    found = await _find(services, actor, message.webhook_id)
    event = _event_name(message.event) if message.event else None
    return {"result": _result_out(await service.test_webhook(services, actor, found.webhook_id, event))}


async def _find(services: Services, actor: Actor, webhook_id: str) -> Webhook:
    """Return a webhook of this format: others have events that this dialect has no words for. Raises NotFound."""
    found = await services.db.read(service.get_webhook, actor, webhook_id)
    if found.format is not WebhookFormat.MLFLOW:
        raise NotFound(f"Webhook with ID {webhook_id[:100]} not found.", field="webhook_id")
    return found


def _event_name(event: WebhookEvent) -> str:
    return f"{event.entity}.{event.action}".lower()


def _status(text: str | None) -> WebhookStatus | None:
    if not text:
        return None
    if text not in list(WebhookStatus):
        raise invalid_value("status", text, f"It must be one of {', '.join(WebhookStatus)}.")
    return WebhookStatus(text)


def _webhook_out(webhook: Webhook) -> Json:
    pairs = (name.upper().split(".") for name in webhook.events)
    return present(
        {
            "webhook_id": webhook.webhook_id,
            "name": webhook.name,
            "description": webhook.description or None,
            "url": webhook.url,
            "events": [{"entity": entity, "action": action} for entity, action in pairs],
            "status": webhook.status,
            "creation_timestamp": webhook.created_at,
            "last_updated_timestamp": webhook.updated_at,
        }
    )


def _result_out(result: WebhookTestResult) -> Json:
    answered = {"response_status": result.response_status, "response_body": result.response_body}
    return present({"success": result.success, **answered, "error_message": result.error})
