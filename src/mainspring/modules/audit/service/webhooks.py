"""Webhooks: who is told of which acts, and what came of it."""

from __future__ import annotations

import re
import uuid
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from mainspring.kit import events
from mainspring.kit.actors import Actor
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound
from mainspring.kit.events import Event
from mainspring.kit.names import check_length, check_text
from mainspring.kit.pages import Page, position_of, query_mark, token_of
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.audit.schemas import (
    Delivery,
    Webhook,
    WebhookCreate,
    WebhookFormat,
    WebhookStatus,
    WebhookTestResult,
    WebhookUpdate,
)
from mainspring.modules.audit.service.addresses import check_url
from mainspring.modules.audit.service.keeping import open_key, seal, unseal
from mainspring.modules.audit.service.patterns import check_pattern
from mainspring.modules.audit.service.payloads import MLFLOW_EVENTS, example_of
from mainspring.modules.audit.service.sending import Message, send
from mainspring.modules.audit.store import webhooks as store
from mainspring.modules.audit.store.webhooks import Target
from mainspring.modules.services import Services

Told = dict[str, Any]

MAX_PAGE = 1000
MAX_WEBHOOKS = 1000
MAX_EVENTS = 100
MAX_SECRET = 1000
MAX_DESCRIPTION = 10_000
_NAME = re.compile(r"(?=.{1,63}\Z)[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


async def create_webhook(services: Services, actor: Actor, new: WebhookCreate) -> Webhook:
    """Create a webhook of the actor's project.

    Raises InvalidArgument or FailedPrecondition, and Unavailable where it has a secret and the vault is away.
    """
    actor.require(Permission.WEBHOOKS_MANAGE)
    _check_name(new.name)
    check_url(new.url, services.settings.webhook_private_addresses)
    _check_events(new.events, new.format)
    _check_description(new.description)
    _check_secret(new.secret)
    return await services.db.write(_insert_webhook, actor, new, await open_key(services) if new.secret else None)


def _insert_webhook(tx: Connection, actor: Actor, new: WebhookCreate, key: bytes | None) -> Webhook:
    """Create a webhook that was checked; its secret is kept under a key."""
    if len(store.list_webhooks(tx, actor.project, None, None, MAX_WEBHOOKS)) == MAX_WEBHOOKS:
        raise FailedPrecondition(f"The project has {MAX_WEBHOOKS} webhooks, which is the most; delete one first.")
    now = now_ms()
    made = Webhook(
        webhook_id=str(uuid.uuid4()),
        name=new.name,
        url=new.url,
        events=list(dict.fromkeys(new.events)),
        format=new.format,
        status=new.status,
        signed=bool(new.secret),
        created_by=actor.name[:255],
        created_at=now,
        updated_at=now,
        description=new.description,
    )
    store.insert_webhook(tx, actor.project, made, _sealed(key, made.webhook_id, new.secret))
    _publish(tx, actor, "create", made, after=_told(made))
    return made


def _sealed(key: bytes | None, webhook_id: str, secret: str | None) -> bytes | None:
    return seal(key, webhook_id, secret) if key and secret else None


def _told(webhook: Webhook) -> Told:
    """Return what the log may hold of a webhook: its URL's path is often a secret."""
    parts = urlsplit(webhook.url)
    return {
        "name": webhook.name,
        "host": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
        "events": webhook.events,
        "format": webhook.format,
        "status": webhook.status,
        "signed": webhook.signed,
    }


def _publish(
    tx: Connection, actor: Actor, verb: str, webhook: Webhook, before: Told | None = None, after: Told | None = None
) -> None:
    events.publish(tx, Event(f"webhook.{verb}", webhook.webhook_id, actor, actor.project, before, after))


def get_webhook(tx: Connection, actor: Actor, webhook_id: str) -> Webhook:
    """Return a webhook. Raises NotFound."""
    actor.require(Permission.WEBHOOKS_MANAGE)
    return _find(tx, actor, webhook_id).webhook


def _find(tx: Connection, actor: Actor, webhook_id: str) -> Target:
    found = store.find_webhook(tx, actor.project, check_text(webhook_id, "webhook_id"))
    if found is None:
        raise NotFound(f"Webhook with ID {webhook_id[:100]} not found.", field="webhook_id")
    return found


def list_webhooks(
    tx: Connection,
    actor: Actor,
    max_results: int = 100,
    page_token: str | None = None,
    format: WebhookFormat | None = None,
) -> Page[Webhook]:
    """Return a page of the project's webhooks, the newest first. Raises InvalidArgument."""
    actor.require(Permission.WEBHOOKS_MANAGE)
    _check_max_results(max_results)
    mark = query_mark("webhooks", actor.project, format)
    before = position_of(page_token, mark, (int,))[0] if page_token else None
    rows = store.list_webhooks(tx, actor.project, format, before, max_results + 1)
    found = rows[:max_results]
    return Page(
        [target.webhook for target in found], token_of(mark, [found[-1].key]) if len(rows) > max_results else None
    )


def _check_max_results(value: int) -> None:
    if not 1 <= value <= MAX_PAGE:
        raise InvalidArgument(f"max_results is {value}; it must be from 1 to {MAX_PAGE}.", field="max_results")


async def update_webhook(services: Services, actor: Actor, webhook_id: str, change: WebhookUpdate) -> Webhook:
    """Change a webhook; one that is disabled is sent nothing of what waits.

    Raises NotFound or InvalidArgument, and Unavailable where it gets a secret and the vault is away.
    """
    actor.require(Permission.WEBHOOKS_MANAGE)
    webhook = await services.db.read(get_webhook, actor, webhook_id)
    _check_change(webhook, change, services.settings.webhook_private_addresses)
    key = await open_key(services) if change.secret else None
    return await services.db.write(_change_webhook, actor, webhook_id, change, key)


def _change_webhook(tx: Connection, actor: Actor, webhook_id: str, change: WebhookUpdate, key: bytes | None) -> Webhook:
    """Change a webhook as was checked; its secret is kept under a key."""
    found = _find(tx, actor, webhook_id)
    now = now_ms()
    values = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    values["updated_at"] = now
    if change.status is not UNSET:
        values["status"] = change.status.value
    if change.secret is not UNSET:
        values["secret"] = _sealed(key, webhook_id, change.secret)
    store.update_webhook(tx, found.key, values)
    if change.status is WebhookStatus.DISABLED:
        store.give_up_all(tx, found.key, "The webhook was disabled.", now)
    updated = _find(tx, actor, webhook_id).webhook
    after = _told(updated) | ({"signing": "changed"} if change.secret is not UNSET else {})
    _publish(tx, actor, "update", updated, before=_told(found.webhook), after=after)
    return updated


def _check_change(webhook: Webhook, change: WebhookUpdate, private_addresses: bool) -> None:
    if change.name is not UNSET:
        _check_name(change.name)
    if change.url is not UNSET:
        check_url(change.url, private_addresses)
    if change.events is not UNSET:
        _check_events(change.events, webhook.format)
    if change.description is not UNSET:
        _check_description(change.description)
    if change.secret is not UNSET:
        _check_secret(change.secret)


def delete_webhook(tx: Connection, actor: Actor, webhook_id: str) -> None:
    """Delete a webhook with its deliveries. Raises NotFound."""
    actor.require(Permission.WEBHOOKS_MANAGE)
    found = _find(tx, actor, webhook_id)
    store.delete_webhook(tx, found.key)
    _publish(tx, actor, "delete", found.webhook, before=_told(found.webhook))


async def test_webhook(services: Services, actor: Actor, webhook_id: str, event: str | None) -> WebhookTestResult:
    """Send a webhook an example of an event, by default of its first, and return what it answered.

    Raises NotFound, or InvalidArgument for an event that it cannot be sent.
    """
    target, body = await services.db.write(begin_test, actor, webhook_id, event)
    secret = unseal(await open_key(services), target) if target.secret else None
    message = Message(target.webhook, secret, str(uuid.uuid4()), body)
    outcome = await send(message, services.settings.webhook_private_addresses)
    return WebhookTestResult(outcome.taken, outcome.status, outcome.answer, outcome.error)


def begin_test(tx: Connection, actor: Actor, webhook_id: str, event: str | None) -> tuple[Target, str]:
    """Return a webhook and the body that a test sends to it."""
    actor.require(Permission.WEBHOOKS_MANAGE)
    found = _find(tx, actor, webhook_id)
    chosen = event or found.webhook.events[0]
    _check_events([chosen], found.webhook.format)
    _publish(tx, actor, "test", found.webhook)
    return found, example_of(found.webhook, chosen, now_ms())


def list_deliveries(
    tx: Connection, actor: Actor, webhook_id: str, max_results: int = 100, page_token: str | None = None
) -> Page[Delivery]:
    """Return a page of a webhook's deliveries, the newest first. Raises NotFound or InvalidArgument."""
    actor.require(Permission.WEBHOOKS_MANAGE)
    target = _find(tx, actor, webhook_id)
    _check_max_results(max_results)
    mark = query_mark("deliveries", target.key)
    before = position_of(page_token, mark, (int,))[0] if page_token else None
    rows = store.list_deliveries(tx, target.key, before, max_results + 1)
    found = rows[:max_results]
    token = token_of(mark, [found[-1][0]]) if len(rows) > max_results else None
    return Page([delivery for _, delivery in found], token)


def redeliver(tx: Connection, actor: Actor, webhook_id: str, delivery_id: str) -> Delivery:
    """Have a delivery sent again, under the id that it had. Raises NotFound, or FailedPrecondition if disabled."""
    actor.require(Permission.WEBHOOKS_MANAGE)
    target = _find(tx, actor, webhook_id)
    found = store.find_delivery(tx, target.key, check_text(delivery_id, "delivery_id"))
    if found is None:
        raise NotFound(f"The webhook {webhook_id} has no delivery {delivery_id[:100]}.", field="delivery_id")
    if target.webhook.status is WebhookStatus.DISABLED:
        raise FailedPrecondition(f"The webhook '{target.webhook.name}' is disabled; make it active first.")
    key, delivery = found
    store.send_again(tx, key, now_ms())
    _publish(tx, actor, "redeliver", target.webhook, after={"delivery_id": delivery.delivery_id})
    again = store.find_delivery(tx, target.key, delivery_id)
    assert again is not None
    return again[1]


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            f"Webhook name '{name[:100]}' is invalid. It must have 1 to 63 letters, digits, dots (.), underscores (_) "
            "and hyphens (-), and start and end with a letter or digit.",
            field="name",
        )


def _check_events(names: list[str], format: WebhookFormat) -> None:
    if not names:
        raise InvalidArgument("Webhook events cannot be empty: name what it is to be told of.", field="events")
    if len(names) > MAX_EVENTS:
        raise InvalidArgument(f"events has {len(names)} names; it may have {MAX_EVENTS}.", field="events")
    for name in names:
        if format is WebhookFormat.MAINSPRING:
            check_pattern(name, "events")
        elif name not in MLFLOW_EVENTS:
            raise InvalidArgument(
                f"events has '{name[:100]}'; it must be one of {', '.join(sorted(MLFLOW_EVENTS))}.", field="events"
            )


def _check_description(text: str | None) -> None:
    check_text(check_length("description", text or "", MAX_DESCRIPTION), "description")


def _check_secret(secret: str | None) -> None:
    check_text(check_length("secret", secret or "", MAX_SECRET), "secret")
