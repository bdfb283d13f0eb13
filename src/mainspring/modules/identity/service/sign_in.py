"""Passwords at work: signing in with one, changing one's own, setting another's."""

from __future__ import annotations

import asyncio
import hashlib
import secrets

from sqlalchemy import Connection

from mainspring.db.engine import Database
from mainspring.kit.actors import NOBODY, Actor
from mainspring.kit.context import client_address
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, Unauthenticated
from mainspring.kit.events import Event, publish
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.identity.schemas import AccountKind, PasswordChange
from mainspring.modules.identity.service import attempts, names, passwords
from mainspring.modules.identity.service.accounts import find_user
from mainspring.modules.identity.service.acts import note, own_account, require_whole
from mainspring.modules.identity.service.credentials import change_access, revoke_all
from mainspring.modules.identity.store import accounts as store
from mainspring.modules.identity.store import credentials, sign_ins
from mainspring.modules.identity.store.accounts import AccountRecord
from mainspring.modules.identity.store.credentials import Account

WRONG = "The name or the password is wrong."

Asked = tuple[int, bytes]
_salt = secrets.token_bytes(16)
_under_way: dict[Asked, asyncio.Task[Account]] = {}


async def verify_password(db: Database, name: str, password: str, address: str) -> Account:
    """Return the account of a name and its password, given by a client at ``address``.

    An unknown name and a wrong password cost the same and answer alike. Raises Unauthenticated, or RateLimited
    for who failed too often. What several requests ask at the same time is looked at once.
    """
    text = "\0".join((name, password, address)).encode(errors="surrogatepass")
    asked = (id(db), hashlib.blake2b(text, key=_salt).digest())
    task = _under_way.get(asked)
    if task is None:
        task = asyncio.create_task(_verify(db, names.fold(name), password, address))
        _under_way[asked] = task
        task.add_done_callback(lambda _: _under_way.pop(asked, None))
    return await asyncio.shield(task)


async def _verify(db: Database, name: str, password: str, address: str) -> Account:
    with passwords.place():
        record = await db.write(_begin, name, address)
        known = record.password_hash if record else None
        fitting = await passwords.fits(known, password)
        if record is None or known is None or not fitting or record.blocked:
            await db.write(_note_failure, record)
            raise Unauthenticated(WRONG)
    fresh = await passwords.hash_password(password) if passwords.is_outdated(known) else None
    return await db.write(_succeed, record, address, fresh)


def _begin(tx: Connection, name: str, address: str) -> AccountRecord | None:
    attempts.begin_attempt(tx, name, address)
    return store.find_account(tx, name) if names.is_possible(name) else None


def _note_failure(tx: Connection, record: AccountRecord | None) -> None:
    """Publish a refused sign-in. What was typed as an unknown name is not told: it may be a password."""
    publish(tx, Event("session.create", record.name if record else "", NOBODY, None, allowed=False))


def _succeed(tx: Connection, seen: AccountRecord, address: str, fresh: str | None) -> Account:
    """Forget the failures of an account whose password was right, unless it has changed meanwhile."""
    attempts.end_attempt(tx, seen.name, address)
    now = store.get_account(tx, seen.key)
    account = credentials.find_account(tx, seen.key)
    if now is None or account is None or now.password_hash != seen.password_hash:
        raise Unauthenticated(WRONG)
    if fresh is not None:
        store.update_account(tx, seen.key, password_hash=fresh)
    return account


async def change_password(db: Database, actor: Actor, change: PasswordChange) -> None:
    """Change one's own password: other sessions end, API keys stay. Raises InvalidArgument, also for a wrong one."""
    require_whole(actor)
    record = await db.read(own_account, actor)
    if record.password_hash is None:
        raise FailedPrecondition("This account has no password; an administrator can make a link to set one.")
    check_for(record, change.new_password, "new_password")
    try:
        await verify_password(db, record.name, change.current_password, client_address.get())
    except Unauthenticated:
        raise InvalidArgument("current_password is wrong.", field="current_password") from None
    await db.write(keep_password, actor, record.key, await passwords.hash_password(change.new_password))


async def set_password(db: Database, actor: Actor, name: str, password: str) -> None:
    """Set the password of an account that one manages: all its sessions end. Raises NotFound or InvalidArgument."""
    actor.require(Permission.USERS_MANAGE)
    require_whole(actor)
    record = await db.read(find_user, name)
    if record.kind != AccountKind.USER:
        raise InvalidArgument(f"'{record.name}' is a service account, which has no password.", field="name")
    check_for(record, password)
    await db.write(keep_password, actor, record.key, await passwords.hash_password(password))


def check_for(record: AccountRecord, password: str, field: str = "password") -> None:
    """Raise InvalidArgument for a password that is not good enough for an account."""
    passwords.check_password(password, record.name, record.display_name, record.email, field=field)


def keep_password(tx: Connection, actor: Actor, user: int, password_hash: str) -> None:
    """Keep the hash of an account's new password, and end its sessions but for the one that asks."""
    change_access(tx)
    record = store.get_account(tx, user)
    if record is None:
        raise Unauthenticated(WRONG)
    store.update_account(tx, user, password_hash=password_hash, updated_at=now_ms())
    revoke_all(tx, user, "session", but=actor.credential)
    sign_ins.delete_links(tx, "password", user)
    note(tx, actor, "user.set_password", record.name)
