"""Who acts on accounts, and the note that it was done."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from mainspring.kit.actors import Actor, ActorKind
from mainspring.kit.errors import FailedPrecondition, PermissionDenied, Unauthenticated
from mainspring.kit.events import Event, publish
from mainspring.modules.identity.store import accounts
from mainspring.modules.identity.store.accounts import AccountRecord
from mainspring.modules.identity.store.credentials import Account


def own_account(tx: Connection, actor: Actor) -> AccountRecord:
    """Return the account of who asks. Raises FailedPrecondition for who has none."""
    found = None if actor.key is None else accounts.get_account(tx, actor.key)
    if found is not None:
        return found
    if actor.kind is ActorKind.NOBODY:
        raise Unauthenticated("Sign in first, or send a token: this is about your account.")
    raise FailedPrecondition(f"'{actor.name}' has no account here: start the server with auth=local to have accounts.")


def require_whole(actor: Actor) -> None:
    """Raise PermissionDenied for a token that is limited: it does not manage the account that could undo the limit."""
    if actor.scoped or actor.run_id is not None:
        raise PermissionDenied("This token is limited to some permissions or projects; it may not manage accounts.")


def acting(account: Account | AccountRecord) -> Actor:
    """Return an account as who acts where it has just proved itself: it may do nothing yet."""
    return Actor(account.name, frozenset(), key=account.key, kind=ActorKind(account.kind), is_admin=account.is_admin)


def note(
    tx: Connection,
    actor: Actor,
    action: str,
    name: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Publish an act upon what belongs to the whole installation."""
    publish(tx, Event(action, name, actor, None, before, after))
