"""SQL of webhooks and their deliveries."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from mainspring.engines.vault import WrappedKey
from mainspring.kit.sql_engines import insert_rows
from mainspring.modules.audit.schemas import (
    Delivery,
    DeliveryState,
    Webhook,
    WebhookFormat,
    WebhookStatus,
)
from mainspring.modules.audit.store import events
from mainspring.modules.audit.tables import deliveries, event_chain, webhook_keys, webhooks

READER = "webhooks"
"""By what name the deliveries are made from the outbox."""


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook as deliveries are made for it; ``secret`` is encrypted."""

    key: int
    project: int
    webhook: Webhook
    secret: bytes | None


@dataclass(frozen=True, slots=True)
class Sending:
    """A delivery that was claimed for its next attempt, the ``attempts``-th."""

    key: int
    delivery_id: str
    body: str
    attempts: int
    target: Target


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: the receiver's answer, or the error that kept it away."""

    status: int | None
    duration_ms: int
    answer: str | None
    error: str | None

    @property
    def taken(self) -> bool:
        """Whether the receiver has taken the delivery."""
        return self.status is not None and 200 <= self.status < 300


# The key of the secrets


def find_key(tx: Connection) -> WrappedKey | None:
    """Return the wrapped key under which secrets are kept, or None where there is none yet."""
    row = tx.execute(select(webhook_keys)).one_or_none()
    return None if row is None else WrappedKey(row.vault_key, bytes(row.wrapped))


def keep_key(tx: Connection, key: WrappedKey, now: int) -> None:
    """Keep the key under which secrets are kept; one that is there already stays."""
    insert_rows(
        tx, webhook_keys, ("id", "vault_key", "wrapped", "created_at"), [(1, key.key_id, key.data, now)], ignore=True
    )


def wrap_anew(tx: Connection, old: WrappedKey, new: WrappedKey) -> None:
    """Keep the same key as another key of the vault has wrapped it."""
    tx.execute(
        update(webhook_keys).where(webhook_keys.c.wrapped == old.data).values(vault_key=new.key_id, wrapped=new.data)
    )


# Webhooks


def insert_webhook(tx: Connection, project: int, webhook: Webhook, secret: bytes | None) -> None:
    """Insert a webhook; ``secret`` is encrypted."""
    values = msgspec.structs.asdict(webhook)
    del values["signed"]
    values |= {"project": project, "events": _as_text(webhook.events), "secret": secret}
    tx.execute(insert(webhooks).values(values | {"format": webhook.format.value, "status": webhook.status.value}))


def update_webhook(tx: Connection, key: int, values: dict[str, Any]) -> None:
    """Set columns of a webhook."""
    if "events" in values:
        values = values | {"events": _as_text(values["events"])}
    tx.execute(update(webhooks).where(webhooks.c.id == key).values(values))


def _as_text(names: Sequence[str]) -> str:
    return msgspec.json.encode(names).decode()


def delete_webhook(tx: Connection, key: int) -> None:
    """Delete a webhook with its deliveries."""
    tx.execute(delete(deliveries).where(deliveries.c.webhook == key))
    tx.execute(delete(webhooks).where(webhooks.c.id == key))


def find_webhook(tx: Connection, project: int, webhook_id: str) -> Target | None:
    """Return a webhook of a project, or None."""
    mine = webhooks.c.webhook_id == webhook_id, webhooks.c.project == project
    row = tx.execute(select(webhooks).where(*mine)).one_or_none()
    return None if row is None else _target(row)


def list_webhooks(
    tx: Connection, project: int, format: WebhookFormat | None, before: int | None, limit: int
) -> list[Target]:
    """Return webhooks of a project, the newest first."""
    conditions: list[ColumnElement[bool]] = [webhooks.c.project == project]
    if format is not None:
        conditions.append(webhooks.c.format == format.value)
    if before is not None:
        conditions.append(webhooks.c.id < before)
    return _targets(tx, conditions, limit)


def find_active(tx: Connection, projects: Collection[int]) -> list[Target]:
    """Return the active webhooks of some projects."""
    return _targets(tx, [webhooks.c.project.in_(projects), webhooks.c.status == WebhookStatus.ACTIVE.value])


def _targets(tx: Connection, conditions: Sequence[ColumnElement[bool]], limit: int | None = None) -> list[Target]:
    found = select(webhooks).where(*conditions).order_by(webhooks.c.id.desc()).limit(limit)
    return [_target(row) for row in tx.execute(found)]


def _target(row: Any) -> Target:
    webhook = Webhook(
        row.webhook_id,
        row.name,
        row.url,
        msgspec.json.decode(row.events, type=list[str]),
        WebhookFormat(row.format),
        WebhookStatus(row.status),
        row.secret is not None,
        row.created_by,
        row.created_at,
        row.updated_at,
        row.description,
    )
    return Target(row.id, row.project, webhook, row.secret)


# Deliveries


def insert_deliveries(tx: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert deliveries that are due at once; each row has delivery_id, webhook, seq, event, body and created_at."""
    waiting = {"state": DeliveryState.PENDING.value, "attempts": 0}
    made = [row | waiting | {"next_at": row["created_at"], "updated_at": row["created_at"]} for row in rows]
    if made:
        tx.execute(insert(deliveries), made)


def list_deliveries(tx: Connection, key: int, before: int | None, limit: int) -> list[tuple[int, Delivery]]:
    """Return deliveries of a webhook with their keys, the newest first."""
    conditions = [deliveries.c.webhook == key]
    if before is not None:
        conditions.append(deliveries.c.id < before)
    found = select(deliveries).where(*conditions).order_by(deliveries.c.id.desc()).limit(limit)
    return [(row.id, _delivery(row)) for row in tx.execute(found)]


def find_delivery(tx: Connection, key: int, delivery_id: str) -> tuple[int, Delivery] | None:
    """Return a delivery of a webhook with its key, or None."""
    mine = deliveries.c.webhook == key, deliveries.c.delivery_id == delivery_id
    row = tx.execute(select(deliveries).where(*mine)).one_or_none()
    return None if row is None else (row.id, _delivery(row))


def _delivery(row: Any) -> Delivery:
    fields = {name: getattr(row, name) for name in Delivery.__struct_fields__}
    return Delivery(**fields | {"state": DeliveryState(row.state)})


def send_again(tx: Connection, key: int, now: int) -> None:
    """Have a delivery sent now, as if it had not been sent yet."""
    values = {"state": DeliveryState.PENDING.value, "attempts": 0, "next_at": now, "updated_at": now}
    tx.execute(update(deliveries).where(deliveries.c.id == key).values(values))


def give_up_all(tx: Connection, key: int, reason: str, now: int) -> None:
    """Give up what a webhook was still to be sent."""
    waiting = deliveries.c.webhook == key, deliveries.c.state == DeliveryState.PENDING.value
    values = {"state": DeliveryState.FAILED.value, "next_at": None, "error": reason, "updated_at": now}
    tx.execute(update(deliveries).where(*waiting).values(values))


def has_work(tx: Connection, now: int) -> tuple[bool, bool]:
    """Return whether there are acts that no deliveries were made from, and whether deliveries are due."""
    newest = tx.execute(select(event_chain.c.seq)).scalar_one()
    due = tx.execute(select(deliveries.c.id).where(deliveries.c.next_at <= now).limit(1)).first()
    return newest > events.get_position(tx, READER), due is not None


def find_due(tx: Connection, now: int, passed_over: Collection[int], limit: int) -> list[tuple[int, int]]:
    """Return the keys of deliveries that are due and of their webhooks, the longest due first.

    Webhooks to be passed over have enough under way.
    """
    due = deliveries.c.next_at <= now, deliveries.c.webhook.not_in(passed_over)
    found = select(deliveries.c.id, deliveries.c.webhook).where(*due)
    return [
        (row.id, row.webhook) for row in tx.execute(found.order_by(deliveries.c.next_at, deliveries.c.id).limit(limit))
    ]


def claim(tx: Connection, keys: Collection[int], now: int, until: int) -> list[int]:
    """Claim deliveries that are still due, and return their keys: nobody else gets them before ``until``."""
    due = deliveries.c.id.in_(keys), deliveries.c.next_at <= now
    values = {"next_at": until, "attempts": deliveries.c.attempts + 1, "updated_at": now}
    return list(tx.execute(update(deliveries).where(*due).values(values).returning(deliveries.c.id)).scalars())


def get_sendings(tx: Connection, keys: Collection[int]) -> list[Sending]:
    """Return claimed deliveries with their webhooks."""
    rows = tx.execute(select(deliveries).where(deliveries.c.id.in_(keys))).all()
    wanted = {row.webhook for row in rows}
    targets = {target.key: target for target in _targets(tx, [webhooks.c.id.in_(wanted)])}
    return [Sending(row.id, row.delivery_id, row.body, row.attempts, targets[row.webhook]) for row in rows]


def note_outcome(
    tx: Connection, sending: Sending, outcome: Outcome, state: DeliveryState, next_at: int | None, now: int
) -> None:
    """Note what came of an attempt, unless the delivery was claimed again since."""
    mine = deliveries.c.id == sending.key, deliveries.c.attempts == sending.attempts
    values = {
        "state": state.value,
        "next_at": next_at,
        "response_status": outcome.status,
        "duration_ms": outcome.duration_ms,
        "response_body": outcome.answer,
        "error": outcome.error,
        "updated_at": now,
    }
    tx.execute(update(deliveries).where(*mine, deliveries.c.state == DeliveryState.PENDING.value).values(values))


def drop_done(tx: Connection, before: int, limit: int) -> int:
    """Delete up to ``limit`` deliveries that were made before a moment and are done; return how many."""
    old = deliveries.c.created_at < before, deliveries.c.next_at.is_(None)
    keys = (
        tx.execute(select(deliveries.c.id).where(*old).order_by(deliveries.c.created_at).limit(limit)).scalars().all()
    )
    tx.execute(delete(deliveries).where(deliveries.c.id.in_(keys)))
    return len(keys)


def delete_project(tx: Connection, project: int) -> None:
    """Delete all webhooks of a project, with their deliveries."""
    own = select(webhooks.c.id).where(webhooks.c.project == project)
    tx.execute(delete(deliveries).where(deliveries.c.webhook.in_(own)))
    tx.execute(delete(webhooks).where(webhooks.c.project == project))
