"""Sessions: what a browser carries as a cookie from its sign-in to its sign-out.

A session ends when it was idle for the days of the setting ``session_days``, and after 90 days whatever happens.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.context import client_address
from mainspring.kit.errors import NotFound, Unauthenticated
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.identity.schemas import Session, SessionDetails, SignIn, WhoAmI
from mainspring.modules.identity.service import sign_in, tokens
from mainspring.modules.identity.service.acts import acting, note, own_account, require_whole
from mainspring.modules.identity.service.credentials import change_access, find_credential, revoke_all, sign
from mainspring.modules.identity.store import accounts, credentials, groups
from mainspring.modules.identity.store.credentials import CredentialRecord, NewCredential

COOKIE, SECURE_COOKIE = "mainspring_session", "__Host-mainspring_session"
"""What the cookie is called over HTTP and over HTTPS, where no other host of the domain can set it."""

DAY_MS = 86_400_000
LONGEST_DAYS = 90
MAX_AGENT = 300


async def sign_in_with_password(
    db: Database, given: SignIn, user_agent: str, cookie: str = "", idle_days: int = 14
) -> str:
    """Begin a session with a name and a password, and return its cookie's value.

    ``cookie`` is what the browser has brought: the session that it stands for ends. Raises Unauthenticated or
    RateLimited.
    """
    address = client_address.get()
    account = await sign_in.verify_password(db, given.name, given.password, address)
    details = SessionDetails(address, user_agent[:MAX_AGENT], "password")
    return await db.write(_follow_session, cookie, account.key, details, idle_days)


def _follow_session(tx: Connection, cookie: str, user: int, details: SessionDetails, idle_days: int) -> str:
    before = find_credential(tx, cookie)
    if before is not None and before.kind == "session":
        credentials.revoke(tx, [before.key], now_ms())
        change_access(tx)
    return begin_session(tx, user, details, idle_days)


def begin_session(
    tx: Connection, user: int, details: SessionDetails, idle_days: int = 14, before: Actor | None = None
) -> str:
    """Begin a session of an account that has proved itself, and return its cookie's value.

    ``before`` is who asked so far in that browser. Raises Unauthenticated for an account that is blocked.
    """
    account = credentials.find_account(tx, user)
    if account is None:
        raise Unauthenticated("This account is blocked.")
    token, now = tokens.new_token(tokens.SESSION), now_ms()
    new = NewCredential(
        user,
        "session",
        tokens.digest_of(token),
        now,
        now + idle_days * DAY_MS,
        details=msgspec.json.encode(details).decode(),
    )
    credentials.insert_credential(tx, new)
    accounts.note_seen(tx, [user], now)
    if before is not None:
        _end_current(tx, before, "session")
    note(tx, acting(account), "session.create", account.name, after={"provider": details.provider})
    return sign(tx, token)


def list_sessions(tx: Connection, actor: Actor) -> list[Session]:
    """Return one's own sessions, newest first."""
    actor.require(Permission.SIGNED_IN)
    require_whole(actor)
    record = own_account(tx, actor)
    return [_session(each, actor) for each in credentials.list_records(tx, record.key, "session", now_ms())]


def revoke_session(tx: Connection, actor: Actor, key: int) -> None:
    """End one of one's own sessions. Raises NotFound."""
    actor.require(Permission.SIGNED_IN)
    require_whole(actor)
    record, found = own_account(tx, actor), credentials.get_record(tx, key, now_ms())
    if found is None or found.user != record.key or found.kind != "session":
        raise NotFound(f"You have no session {key}.")
    credentials.revoke(tx, [key], now_ms())
    change_access(tx)
    note(tx, actor, "session.delete", record.name)


def sign_out(tx: Connection, actor: Actor) -> None:
    """End what vouches for who asks: the session, or the token, that the request came with."""
    actor.require(Permission.SIGNED_IN)
    _end_current(tx, actor, "session", "key", "run")


def sign_out_everywhere(tx: Connection, actor: Actor) -> None:
    """End all of one's own sessions."""
    actor.require(Permission.SIGNED_IN)
    require_whole(actor)
    record = own_account(tx, actor)
    revoke_all(tx, record.key, "session")
    note(tx, actor, "session.delete_all", record.name)


def who_am_i(tx: Connection, actor: Actor) -> WhoAmI:
    """Return who asks, and what that actor may do in the project that the request is about."""
    actor.require(Permission.SIGNED_IN)
    names = sorted(groups.names_of(tx, actor.groups).values())
    permissions = sorted(actor.permissions)
    return WhoAmI(actor.name, actor.kind, actor.is_admin, permissions, names, actor.scoped, actor.run_id)


def _end_current(tx: Connection, actor: Actor, *kinds: str) -> None:
    found = None if actor.credential is None else credentials.get_record(tx, actor.credential, now_ms())
    if found is None or found.kind not in kinds:
        return
    credentials.revoke(tx, [found.key], now_ms())
    change_access(tx)
    note(tx, actor, "session.delete" if found.kind == "session" else "api_key.delete", found.account)


def _session(record: CredentialRecord, actor: Actor) -> Session:
    details = msgspec.json.decode(record.details, type=SessionDetails)
    return Session(
        record.key,
        record.created_at,
        record.expires_at or 0,
        record.last_used_at,
        details.address,
        details.user_agent,
        details.provider,
        record.key == actor.credential,
    )
