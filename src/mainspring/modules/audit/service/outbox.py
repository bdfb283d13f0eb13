"""From acts to deliveries, and from deliveries to what came of them.

Deliveries are made in the transaction that moves the outbox's position, so that no act is missed and none is
told twice. One that is claimed and never heard of again, since its process was killed, is due again after
a moment: receivers get it at least once, under one id.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from mainspring.kit.errors import MainspringError
from mainspring.kit.time import now_ms
from mainspring.modules.audit.schemas import DeliveryState
from mainspring.modules.audit.service.keeping import open_key, unseal
from mainspring.modules.audit.service.payloads import message_of
from mainspring.modules.audit.service.sending import Message
from mainspring.modules.audit.store import events, webhooks
from mainspring.modules.audit.store.webhooks import READER, Outcome, Sending
from mainspring.modules.services import Services

ACTS_AT_ONCE = 200
LEASE_MS = 15_000
"""Longer than an attempt may take."""
FIRST_PAUSE_MS = 2_000
LONGEST_PAUSE_MS = 3_600_000
MOST_AT_ONCE = 16
MOST_OF_ONE = 2
"""How many deliveries are under way at once, and of these how many to one webhook: a dead one holds up no other."""


def has_work(tx: Connection) -> tuple[bool, bool]:
    """Return whether there are acts that no deliveries were made from, and whether deliveries are due."""
    return webhooks.has_work(tx, now_ms())


def make_deliveries(tx: Connection) -> None:
    """Make the deliveries of the next acts of the outbox."""
    position = events.lock_position(tx, READER)
    acts = [act for act, _ in events.read_after(tx, position, ACTS_AT_ONCE)]
    if not acts:
        return
    targets = webhooks.find_active(tx, {act.project for act in acts if act.project is not None})
    now = now_ms()
    rows = [
        {
            "delivery_id": str(uuid.uuid4()),
            "webhook": target.key,
            "seq": act.seq,
            "event": message[0],
            "body": message[1],
            "created_at": now,
        }
        for act in acts
        if act.allowed
        for target in targets
        if target.project == act.project and target.webhook.created_at <= act.at
        if (message := message_of(target.webhook, act))
    ]
    webhooks.insert_deliveries(tx, rows)
    events.set_position(tx, READER, acts[-1].seq)


def claim(tx: Connection, under_way: Mapping[int, int]) -> list[Sending]:
    """Claim deliveries that are due. ``under_way`` is how many there are by webhook's key."""
    now, busy = now_ms(), Counter(under_way)
    chosen: list[int] = []
    free = MOST_AT_ONCE - busy.total()
    while free > len(chosen):
        full = [key for key, number in busy.items() if number >= MOST_OF_ONE]
        fresh = [row for row in webhooks.find_due(tx, now, full, MOST_AT_ONCE + len(chosen)) if row[0] not in chosen]
        if not fresh:
            break
        for key, webhook in fresh[: free - len(chosen)]:
            if busy[webhook] < MOST_OF_ONE:
                chosen.append(key)
                busy[webhook] += 1
    claimed = webhooks.claim(tx, chosen, now, now + LEASE_MS) if chosen else []
    return webhooks.get_sendings(tx, claimed)


async def open_secrets(services: Services, sendings: Sequence[Sending]) -> list[Message | Outcome]:
    """Return what is to be sent for claimed deliveries, or what came of those whose secret cannot be had."""
    key: bytes | MainspringError | None = None
    if any(sending.target.secret for sending in sendings):
        try:
            key = await open_key(services)
        except MainspringError as error:
            key = error
    return [_message(sending, key) for sending in sendings]


def _message(sending: Sending, key: bytes | MainspringError | None) -> Message | Outcome:
    target, secret = sending.target, None
    try:
        if isinstance(key, MainspringError) and target.secret:
            raise key
        if isinstance(key, bytes) and target.secret:
            secret = unseal(key, target)
    except MainspringError as error:
        return Outcome(None, 0, None, error.message)
    return Message(target.webhook, secret, sending.delivery_id, sending.body)


def note_outcomes(tx: Connection, outcomes: list[tuple[Sending, Outcome]], max_attempts: int) -> None:
    """Note what came of attempts: what was not taken is sent again later, until it was tried often enough."""
    now = now_ms()
    for sending, outcome in outcomes:
        if outcome.taken:
            state, next_at = DeliveryState.DELIVERED, None
        elif sending.attempts >= max_attempts:
            state, next_at = DeliveryState.FAILED, None
        else:
            state, next_at = DeliveryState.PENDING, now + pause_ms(sending.attempts)
        webhooks.note_outcome(tx, sending, outcome, state, next_at, now)


def pause_ms(attempts: int) -> int:
    """Return how long to wait after so many attempts: about twice as long each time, never all at the same moment."""
    whole = min(FIRST_PAUSE_MS * 2.0 ** min(attempts - 1, 30), LONGEST_PAUSE_MS)
    return round(whole * random.uniform(0.5, 1))
