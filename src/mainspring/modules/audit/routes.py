"""``/api/v1`` of the audit log and of webhooks."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.audit import service
from mainspring.modules.audit.schemas import (
    AuditEvents,
    AuditFormat,
    AuditScope,
    AuditSearch,
    Deliveries,
    Delivery,
    Verification,
    Webhook,
    WebhookCreate,
    Webhooks,
    WebhookTest,
    WebhookTestResult,
    WebhookUpdate,
)
from mainspring.modules.services import Services

READ, MANAGE = needs(Permission.AUDIT_READ), needs(Permission.WEBHOOKS_MANAGE)
Db = NamedDependency[Database]
Who = NamedDependency[Actor]
All = NamedDependency[Services]
# "actor" and "scope" have a meaning of their own among a handler's arguments.
By = Annotated[str | None, QueryParameter(name="actor", description="Who did it.")]
Action = Annotated[str | None, QueryParameter(description="Such as `model_version.create` or `model_version.*`.")]
ObjectId = Annotated[str | None, QueryParameter(description="What it was done to.")]
Text = Annotated[str | None, QueryParameter(description="Part of an object's id, in any case.")]
Allowed = Annotated[bool | None, QueryParameter(description="Whether it was allowed.")]
Since = Annotated[int | None, QueryParameter(description="The first moment, in ms since the epoch.")]
Until = Annotated[int | None, QueryParameter(description="The first moment past it, in ms since the epoch.")]
Whose = Annotated[
    AuditScope, QueryParameter(name="scope", description="`instance` is for admins: the acts of all projects.")
]
Format = Annotated[AuditFormat, QueryParameter(description="A JSON object a line, or comma-separated values.")]
MaxResults = Annotated[int, QueryParameter(description="How many at most.")]
PageToken = Annotated[str | None, QueryParameter(description="The `next_page_token` of the page before.")]
After = Annotated[int, QueryParameter(description="Where to go on: the `next_after` of the part before.")]
AUDIT, WEBHOOKS = "/api/v1/audit", "/api/v1/webhooks"
WEBHOOK = f"{WEBHOOKS}/{{webhook_id:str}}"
MEDIA_TYPES = {AuditFormat.NDJSON: "application/x-ndjson", AuditFormat.CSV: "text/csv; charset=utf-8"}


@get(AUDIT, opt=READ)
async def search_audit(
    db: Db,
    actor: Who,
    by: By = None,
    action: Action = None,
    object_id: ObjectId = None,
    text: Text = None,
    allowed: Allowed = None,
    since: Since = None,
    until: Until = None,
    audit_scope: Whose = AuditScope.PROJECT,
    max_results: MaxResults = 100,
    page_token: PageToken = None,
) -> AuditEvents:
    """Search the audit log, the newest acts first."""
    wanted = AuditSearch(by, action, object_id, text, allowed, since, until, audit_scope)
    page = await db.read(service.search_events, actor, wanted, max_results, page_token)
    return AuditEvents(page.items, page.next_page_token)


@get(f"{AUDIT}/export", opt=READ)
async def export_audit(
    db: Db,
    actor: Who,
    by: By = None,
    action: Action = None,
    object_id: ObjectId = None,
    text: Text = None,
    allowed: Allowed = None,
    since: Since = None,
    until: Until = None,
    audit_scope: Whose = AuditScope.PROJECT,
    format: Format = AuditFormat.NDJSON,
) -> Stream:
    """Export acts of the audit log as a file, the oldest first."""
    wanted = AuditSearch(by, action, object_id, text, allowed, since, until, audit_scope)
    pieces = await service.export(db, actor, wanted, format)
    headers = {"Content-Disposition": f'attachment; filename="audit.{format}"', "X-Content-Type-Options": "nosniff"}
    return Stream(pieces, media_type=MEDIA_TYPES[format], headers=headers)


@get(f"{AUDIT}/verify", opt=READ)
async def verify_audit(db: Db, actor: Who, after: After = 0) -> Verification:
    """Check that no act of the audit log was changed or is missing."""
    return await db.read(service.verify, actor, after)


@get(WEBHOOKS, opt=MANAGE)
async def list_webhooks(db: Db, actor: Who, max_results: MaxResults = 100, page_token: PageToken = None) -> Webhooks:
    """List webhooks, the newest first."""
    page = await db.read(service.list_webhooks, actor, max_results, page_token)
    return Webhooks(page.items, page.next_page_token)


@post(WEBHOOKS, opt=MANAGE)
async def create_webhook(services: All, actor: Who, data: JSONBody[WebhookCreate]) -> Webhook:
    """Create a webhook."""
    return await service.create_webhook(services, actor, data)


@get(WEBHOOK, opt=MANAGE)
async def get_webhook(db: Db, actor: Who, webhook_id: FromPath[str]) -> Webhook:
    """Get a webhook."""
    return await db.read(service.get_webhook, actor, webhook_id)


@patch(WEBHOOK, opt=MANAGE)
async def update_webhook(
    services: All, actor: Who, webhook_id: FromPath[str], data: JSONBody[WebhookUpdate]
) -> Webhook:
    """Change a webhook; one that is disabled is sent nothing of what waits."""
    return await service.update_webhook(services, actor, webhook_id, data)


@delete(WEBHOOK, opt=MANAGE)
async def delete_webhook(db: Db, actor: Who, webhook_id: FromPath[str]) -> None:
    """Delete a webhook with its deliveries."""
    await db.write(service.delete_webhook, actor, webhook_id)


@post(f"{WEBHOOK}/test", opt=MANAGE, status_code=200)
async def test_webhook(
    services: All, actor: Who, webhook_id: FromPath[str], data: JSONBody[WebhookTest]
) -> WebhookTestResult:
    """Send a webhook an example, and tell what it answered."""
    return await service.test_webhook(services, actor, webhook_id, data.event)


@get(f"{WEBHOOK}/deliveries", opt=MANAGE)
async def list_deliveries(
    db: Db, actor: Who, webhook_id: FromPath[str], max_results: MaxResults = 100, page_token: PageToken = None
) -> Deliveries:
    """List what a webhook was sent, the newest first."""
    page = await db.read(service.list_deliveries, actor, webhook_id, max_results, page_token)
    return Deliveries(page.items, page.next_page_token)


@post(f"{WEBHOOK}/deliveries/{{delivery_id:str}}/redeliver", opt=MANAGE, status_code=202)
async def redeliver(db: Db, actor: Who, webhook_id: FromPath[str], delivery_id: FromPath[str]) -> Delivery:
    """Send a delivery again, under the id that it had."""
    return await db.write(service.redeliver, actor, webhook_id, delivery_id)


HANDLERS = [
    search_audit,
    export_audit,
    verify_audit,
    list_webhooks,
    create_webhook,
    get_webhook,
    update_webhook,
    delete_webhook,
    test_webhook,
    list_deliveries,
    redeliver,
]
