"""Recording: every act that is published goes to the end of the log, in the transaction of the act."""

from __future__ import annotations

from sqlalchemy import Connection

from mainspring.kit import events
from mainspring.kit.actors import Actor
from mainspring.kit.events import Event
from mainspring.modules.audit.service.chain import digest_of
from mainspring.modules.audit.service.cleaning import as_json, clean_text
from mainspring.modules.audit.store import events as store
from mainspring.modules.audit.tables import MAX_OBJECT_ID

REQUEST_DENIED = "request.denied"


@events.subscribe
def record(tx: Connection, event: Event) -> None:
    """Append an act to the log."""
    seq, previous = store.take_seq(tx)
    actor = event.actor
    act = store.Act(
        seq=seq,
        at=event.at,
        actor=clean_text(actor.name, 255),
        actor_kind=actor.kind.value,
        actor_key=actor.key,
        credential=actor.credential,
        project=event.project,
        action=clean_text(event.action, 100),
        object_id=clean_text(event.object_id, MAX_OBJECT_ID),
        before=as_json(event.before),
        after=as_json(event.after),
        allowed=event.allowed,
        request_id=clean_text(event.request_id, 64),
        address=clean_text(event.address, 64),
        previous=previous,
    )
    store.append(tx, act, digest_of(act))


def record_denied(
    tx: Connection, actor: Actor, method: str, path: str, reason: str, project: int | None = None
) -> None:
    """Append a refused request, for the auditors of a project or, without one, of the instance.

    ``path`` is without the query, which may hold secrets.
    """
    refused = Event(REQUEST_DENIED, f"{method} {path}", actor, project, after={"reason": reason[:500]}, allowed=False)
    events.publish(tx, refused)
