"""Run tokens: what a job proves itself with, good for its one run and a day at most."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, PermissionDenied
from mainspring.kit.names import check_run_id
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.identity.schemas import RunToken, RunTokenCreate, RunTokenRefresh
from mainspring.modules.identity.service import tokens
from mainspring.modules.identity.service.acts import note, own_account
from mainspring.modules.identity.service.keys import limited_by
from mainspring.modules.identity.service.sessions import DAY_MS
from mainspring.modules.identity.store import credentials as store
from mainspring.modules.identity.store.credentials import NewCredential

LONGEST_S = 86_400
LONGEST_DAYS = 30
"""For so long a token can be refreshed: a job that takes longer is given a new one by whoever may write its run."""

READING = frozenset(
    {
        Permission.SIGNED_IN,
        Permission.PROJECT_READ,
        Permission.TRACKING_READ,
        Permission.REGISTRY_READ,
        Permission.ARTIFACTS_READ,
        Permission.CONFIGURATION_READ,
        Permission.SECRETS_READ,
    }
)
"""What a run token allows in its project, as far as its account may do it, beyond writing to its run."""


class _Details(msgspec.Struct, frozen=True):
    """What is kept with a run token: when the first of those that were refreshed into it was made."""

    first: int


def create_run_token(tx: Connection, actor: Actor, new: RunTokenCreate) -> RunToken:
    """Create a token that writes one run of the actor's project. Raises InvalidArgument or PermissionDenied."""
    actor.require(Permission.TRACKING_WRITE)
    if actor.scoped and actor.credential is None:
        raise PermissionDenied("A run token would outlive this token, which is not of this server: use an API key.")
    owner, now = own_account(tx, actor), now_ms()
    parent, expires_at = limited_by(tx, actor, now + _ms(new.expires_s))
    permissions, projects = READING & actor.permissions, frozenset({actor.project})
    token = tokens.new_token(tokens.RUN_TOKEN)
    made = NewCredential(
        owner.key,
        "run",
        tokens.digest_of(token),
        now,
        expires_at,
        permissions=permissions,
        projects=projects,
        run_id=check_run_id(new.run_id),
        parent=parent,
        details=_details(now),
    )
    return _told(tx, actor, token, made)


def refresh_run_token(tx: Connection, actor: Actor, wanted: RunTokenRefresh) -> RunToken:
    """Return a new token for the run of the one that asks, which stays good until its own end.

    Raises FailedPrecondition for what is no run token, and once a token was refreshed for 30 days.
    """
    actor.require(Permission.TRACKING_WRITE, actor.run_id)
    now, length = now_ms(), _ms(wanted.expires_s)
    old = None if actor.credential is None else store.get_record(tx, actor.credential, now)
    if old is None or old.kind != "run":
        raise FailedPrecondition("Only a run token can be refreshed: ask with it, or create one.")
    first = msgspec.json.decode(old.details, type=_Details).first
    last = first + LONGEST_DAYS * DAY_MS
    if last <= now:
        raise FailedPrecondition(f"This token was refreshed for {LONGEST_DAYS} days: create one for the run anew.")
    parent = None if old.parent is None else store.get_record(tx, old.parent, now)
    end = (parent.expires_at if parent else None) or last
    token = tokens.new_token(tokens.RUN_TOKEN)
    made = NewCredential(
        old.user,
        "run",
        tokens.digest_of(token),
        now,
        min(now + length, last, end),
        permissions=old.permissions,
        projects=old.projects,
        run_id=old.run_id,
        parent=old.parent,
        details=old.details,
    )
    return _told(tx, actor, token, made)


def _told(tx: Connection, actor: Actor, token: str, made: NewCredential) -> RunToken:
    """Store a run token, note that it was made, and return it with its text."""
    key, run_id = store.insert_credential(tx, made), made.run_id or ""
    note(tx, actor, "run_token.create", f"{actor.name}/{key}", after={"run_id": run_id, "expires_at": made.expires_at})
    return RunToken(token, run_id, made.expires_at)


def _details(first: int) -> str:
    return msgspec.json.encode(_Details(first)).decode()


def _ms(seconds: int) -> int:
    if not 1 <= seconds <= LONGEST_S:
        raise InvalidArgument(f"expires_s is {seconds}; it must be 1 to {LONGEST_S} seconds.", field="expires_s")
    return seconds * 1000
