"""One-time links: the first administrator's, and those by which people set their password anew.

A link leads to a page with its token in the fragment, which browsers send to no server; the page sends it in a body.
"""

from __future__ import annotations

from sqlalchemy import Connection

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.context import client_address
from mainspring.kit.errors import AlreadyExists, FailedPrecondition, InvalidArgument, PermissionDenied
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.identity.schemas import AccountKind, OneTimeLink, PasswordReset, SessionDetails, Setup
from mainspring.modules.identity.service import attempts, names, passwords, tokens
from mainspring.modules.identity.service.accounts import find_user
from mainspring.modules.identity.service.acts import acting, note, require_whole
from mainspring.modules.identity.service.credentials import change_access
from mainspring.modules.identity.service.sessions import DAY_MS, begin_session
from mainspring.modules.identity.service.sign_in import check_for, keep_password
from mainspring.modules.identity.store import accounts as store
from mainspring.modules.identity.store import sign_ins
from mainspring.modules.identity.store.accounts import AccountRecord
from mainspring.modules.identity.store.sign_ins import Link

SETUP, PASSWORD = "setup", "password"
PAGES = {SETUP: "/setup", PASSWORD: "/reset"}
GONE = "This link is not good, or not any more: it was used, replaced, or is older than a day."


def create_setup_link(tx: Connection) -> OneTimeLink | None:
    """Make a link by which the first administrator is made; None once there is one.

    Earlier ones stay good: of several servers on one database each prints its own.
    """
    change_access(tx)
    if store.count_admins(tx):
        return None
    return _create_link(tx, SETUP, None)


def create_password_link(tx: Connection, actor: Actor, name: str) -> OneTimeLink:
    """Make the link by which the owner of an account sets its password, in place of an earlier one. Raises NotFound."""
    actor.require(Permission.USERS_MANAGE)
    require_whole(actor)
    record = find_user(tx, name)
    if record.kind != AccountKind.USER:
        raise InvalidArgument(f"'{record.name}' is a service account, which has no password.", field="name")
    sign_ins.delete_links(tx, PASSWORD, record.key)
    note(tx, actor, "user.create_password_link", record.name)
    return _create_link(tx, PASSWORD, record.key)


async def set_up(db: Database, given: Setup, user_agent: str, idle_days: int = 14) -> str:
    """Make the first administrator, and return the value of the cookie of the session that begins.

    Raises PermissionDenied for a link that is not good, FailedPrecondition where there is an administrator.
    """
    await _good_link(db, SETUP, given.token)
    name = names.check_name(given.name)
    texts = {"display_name": names.check_display_name(given.display_name), "email": names.check_email(given.email)}
    passwords.check_password(given.password, name, *texts.values())
    details = SessionDetails(client_address.get(), user_agent, "password")
    password_hash = await passwords.hash_password(given.password)
    return await db.write(_make_admin, given.token, name, texts, password_hash, details, idle_days)


async def reset_password(db: Database, given: PasswordReset) -> None:
    """Set the password of the account that a link is for: all its sessions end. Raises PermissionDenied."""
    record = await db.read(_owner, await _good_link(db, PASSWORD, given.token))
    check_for(record, given.password)
    await db.write(_reset, given.token, record, await passwords.hash_password(given.password))


async def _good_link(db: Database, purpose: str, token: str) -> Link:
    """Return a link that is good, before anything costly is done for who sent it. Guesses are counted."""
    link = await db.write(_look, purpose, token)
    if link is None:
        raise PermissionDenied(GONE, field="token")
    return link


def _look(tx: Connection, purpose: str, token: str) -> Link | None:
    address = client_address.get()
    attempts.begin_guess(tx, address)
    link = sign_ins.find_link(tx, tokens.digest_of(token), purpose, now_ms())
    if link is not None:
        attempts.end_guess(tx, address)
    return link


def _make_admin(
    tx: Connection, token: str, name: str, texts: dict[str, str], password_hash: str, details: SessionDetails, idle: int
) -> str:
    change_access(tx)
    _use(tx, SETUP, token)
    if store.count_admins(tx):
        raise FailedPrecondition("This installation has an administrator: sign in, or ask them for an account.")
    if store.is_taken(tx, name):
        raise AlreadyExists(f"The name '{name}' is taken, or was: names are not given twice.", field="name")
    key = store.insert_account(tx, name, AccountKind.USER, now_ms(), texts, is_admin=True, password_hash=password_hash)
    record = store.get_account(tx, key)
    assert record is not None
    note(tx, acting(record), "user.create", name, after={"name": name, "is_admin": True, **texts})
    return begin_session(tx, key, details, idle)


def _owner(tx: Connection, link: Link) -> AccountRecord:
    record = None if link.user is None else store.get_account(tx, link.user)
    if record is None:
        raise PermissionDenied(GONE, field="token")
    return record


def _reset(tx: Connection, token: str, record: AccountRecord, password_hash: str) -> None:
    change_access(tx)
    _use(tx, PASSWORD, token)
    keep_password(tx, acting(record), record.key, password_hash)


def _use(tx: Connection, purpose: str, token: str) -> None:
    """Use a link up. Raises PermissionDenied where somebody was faster."""
    digest, now = tokens.digest_of(token), now_ms()
    if sign_ins.find_link(tx, digest, purpose, now) is None or not sign_ins.use_link(tx, digest, now):
        raise PermissionDenied(GONE, field="token")


def _create_link(tx: Connection, purpose: str, user: int | None) -> OneTimeLink:
    token, now = tokens.new_token(tokens.LINK), now_ms()
    sign_ins.insert_link(tx, tokens.digest_of(token), purpose, user, now, now + DAY_MS)
    return OneTimeLink(token, f"{PAGES[purpose]}#token={token}", now + DAY_MS)
