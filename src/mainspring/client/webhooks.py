"""Webhooks: who is told of which acts."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from mainspring.client.pages import Results
from mainspring.client.transport import Transport, segment
from mainspring.modules.audit.schemas import (
    Deliveries,
    Delivery,
    Webhook,
    WebhookCreate,
    WebhookFormat,
    Webhooks,
    WebhookStatus,
    WebhookTest,
    WebhookTestResult,
    WebhookUpdate,
)


class WebhookClient:
    """The webhooks of a project."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, page_size: int = 100) -> Results[Webhook]:
        """Find webhooks, the newest first."""

        def fetch(page_token: str | None) -> Webhooks:
            query = {"max_results": page_size, "page_token": page_token}
            return self._transport.call(Webhooks, "GET", "/webhooks", query=query)

        return Results(fetch)

    def get(self, webhook_id: str) -> Webhook:
        """Return a webhook; its secret is never shown."""
        return self._transport.call(Webhook, "GET", _webhook(webhook_id))

    def create(
        self,
        name: str,
        url: str,
        events: Sequence[str],
        *,
        description: str | None = None,
        secret: str | None = None,
        format: WebhookFormat | str = WebhookFormat.MAINSPRING,
        status: WebhookStatus | str = WebhookStatus.ACTIVE,
    ) -> Webhook:
        """Create a webhook; ``events`` are actions such as ``model_version.create``, or patterns: ``model_version.*``.

        What is sent is signed with ``secret``. In the format ``mlflow`` events are MLflow's.
        """
        new = WebhookCreate(name, url, [*events], description, secret, WebhookFormat(format), WebhookStatus(status))
        return self._transport.call(Webhook, "POST", "/webhooks", body=new)

    def update(
        self,
        webhook_id: str,
        *,
        name: str | UnsetType = UNSET,
        url: str | UnsetType = UNSET,
        events: Sequence[str] | UnsetType = UNSET,
        description: str | UnsetType | None = UNSET,
        secret: str | UnsetType | None = UNSET,
        status: WebhookStatus | str | UnsetType = UNSET,
    ) -> Webhook:
        """Change a webhook; what is left out stays as it is. One that is disabled is sent nothing of what waits."""
        change = WebhookUpdate(
            name,
            url,
            UNSET if events is UNSET else [*events],
            description,
            secret,
            UNSET if status is UNSET else WebhookStatus(status),
        )
        return self._transport.call(Webhook, "PATCH", _webhook(webhook_id), body=change)

    def delete(self, webhook_id: str) -> None:
        """Delete a webhook with its deliveries."""
        self._transport.do("DELETE", _webhook(webhook_id))

    def test(self, webhook_id: str, event: str | None = None) -> WebhookTestResult:
        """Send a webhook an example of an event, left out of its first, and return what it answered."""
        path = f"{_webhook(webhook_id)}/test"
        return self._transport.call(WebhookTestResult, "POST", path, body=WebhookTest(event))

    def deliveries(self, webhook_id: str, *, page_size: int = 100) -> Results[Delivery]:
        """Find what a webhook was sent, the newest first."""

        def fetch(page_token: str | None) -> Deliveries:
            query = {"max_results": page_size, "page_token": page_token}
            return self._transport.call(Deliveries, "GET", f"{_webhook(webhook_id)}/deliveries", query=query)

        return Results(fetch)

    def redeliver(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Have a delivery sent again, under the id that it had."""
        path = f"{_webhook(webhook_id)}/deliveries/{segment(delivery_id)}/redeliver"
        return self._transport.call(Delivery, "POST", path)


def _webhook(webhook_id: str) -> str:
    return f"/webhooks/{segment(webhook_id)}"
