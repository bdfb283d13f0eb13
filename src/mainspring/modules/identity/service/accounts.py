"""Accounts: made, found, changed, blocked and deleted by administrators, and kept by who they belong to."""

from __future__ import annotations

from msgspec import UNSET
from sqlalchemy import Connection

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from mainspring.kit.pages import Page, position_of, query_mark, token_of
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.identity.schemas import AccountKind, User, UserCreate, UserUpdate
from mainspring.modules.identity.service import names, passwords, projects
from mainspring.modules.identity.service.acts import note, own_account, require_whole
from mainspring.modules.identity.service.credentials import change_access, revoke_all
from mainspring.modules.identity.store import accounts as store
from mainspring.modules.identity.store import credentials, groups, sign_ins
from mainspring.modules.identity.store.accounts import AccountRecord

SHORTEST_PREFIX = 2
ALL_KINDS = ("session", "key", "run")


async def create_user(db: Database, actor: Actor, new: UserCreate) -> User:
    """Create an account. Raises InvalidArgument or AlreadyExists."""
    actor.require(Permission.USERS_MANAGE)
    name = names.check_name(new.name)
    if new.password is None:
        return await db.write(insert_user, actor, new)
    if new.kind is AccountKind.SERVICE:
        raise InvalidArgument("A service account has no password: create an API key for it.", field="password")
    passwords.check_password(new.password, name, new.display_name, new.email)
    return await db.write(insert_user, actor, new, await passwords.hash_password(new.password))


def insert_user(tx: Connection, actor: Actor, new: UserCreate, password_hash: str | None = None) -> User:
    """Create an account with the hash of a password that was checked. Raises InvalidArgument or AlreadyExists."""
    actor.require(Permission.USERS_MANAGE)
    require_whole(actor)
    name = names.check_name(new.name)
    texts = {"display_name": names.check_display_name(new.display_name), "email": names.check_email(new.email)}
    change_access(tx)
    if store.is_taken(tx, name):
        raise AlreadyExists(f"The name '{name}' is taken, or was: names are not given twice.", field="name")
    store.insert_account(tx, name, new.kind, now_ms(), texts, password_hash=password_hash)
    note(tx, actor, "user.create", name, after={"name": name, "kind": new.kind, **texts})
    return described(actor, find_user(tx, name))


def get_user(tx: Connection, actor: Actor, name: str) -> User:
    """Return an account. Raises NotFound."""
    actor.require(Permission.SIGNED_IN)
    return described(actor, find_user(tx, name))


def get_me(tx: Connection, actor: Actor) -> User:
    """Return the account of who asks. Raises FailedPrecondition for who has none."""
    actor.require(Permission.SIGNED_IN)
    return described(actor, own_account(tx, actor))


def search_users(
    tx: Connection, actor: Actor, prefix: str, kind: AccountKind | None, max_results: int, page_token: str | None
) -> Page[User]:
    """Return accounts by name. Who does not manage them names how they begin."""
    actor.require(Permission.SIGNED_IN)
    names.check_page_size(max_results)
    prefix = names.fold(prefix)
    if len(prefix) < SHORTEST_PREFIX and not actor.may(Permission.USERS_MANAGE):
        right = f"give at least the first {SHORTEST_PREFIX} characters of the name"
        raise InvalidArgument(f"prefix is '{prefix}'; {right}.", field="prefix")
    mark = query_mark("users", prefix, kind)
    [after] = position_of(page_token, mark, [str]) if page_token else [""]
    found = store.search_accounts(tx, prefix, kind, after, max_results + 1)
    more = token_of(mark, [found[max_results - 1].name]) if len(found) > max_results else None
    return Page([described(actor, record) for record in found[:max_results]], more)


def update_user(tx: Connection, actor: Actor, name: str, change: UserUpdate) -> User:
    """Change what an account says of itself. Raises NotFound or InvalidArgument."""
    actor.require(Permission.USERS_MANAGE)
    return _update(tx, actor, find_user(tx, name), change)


def update_me(tx: Connection, actor: Actor, change: UserUpdate) -> User:
    """Change what one's own account says of itself. Raises InvalidArgument."""
    actor.require(Permission.SIGNED_IN)
    return _update(tx, actor, own_account(tx, actor), change)


def set_admin(tx: Connection, actor: Actor, name: str, is_admin: bool) -> User:
    """Make an account an administrator of the installation, or no longer one. Never takes the last one away."""
    record = _managed(tx, actor, name)
    if record.is_admin != is_admin:
        store.update_account(tx, record.key, is_admin=is_admin, updated_at=now_ms())
        _keep_an_admin(tx, record)
        note(tx, actor, "user.set_admin", name, {"is_admin": record.is_admin}, {"is_admin": is_admin})
    return described(actor, find_user(tx, name))


def set_blocked(tx: Connection, actor: Actor, name: str, blocked: bool) -> User:
    """Keep an account out, or let it in again: its sessions end for good, its API keys rest meanwhile."""
    record = _managed(tx, actor, name)
    if record.blocked != blocked:
        store.update_account(tx, record.key, blocked=blocked, updated_at=now_ms())
        _keep_an_admin(tx, record)
        if blocked:
            revoke_all(tx, record.key, "session", "run")
        note(tx, actor, "user.block" if blocked else "user.unblock", name)
    return described(actor, find_user(tx, name))


def delete_user(tx: Connection, actor: Actor, name: str) -> None:
    """Delete an account: nothing vouches for it any more, and only its name stays. Raises NotFound."""
    record, now = _managed(tx, actor, name), now_ms()
    revoke_all(tx, record.key, *ALL_KINDS)
    credentials.anonymise(tx, record.key)
    groups.remove_from_all(tx, record.key)
    store.delete_externals(tx, record.key)
    sign_ins.delete_links(tx, "password", record.key)
    projects.forget_account(tx, record.key)
    gone = {"display_name": "", "email": "", "password_hash": None, "last_seen_at": None, "is_admin": False}
    store.update_account(tx, record.key, **gone, blocked=True, deleted_at=now, updated_at=now)
    _keep_an_admin(tx, record)
    note(tx, actor, "user.delete", record.name)


def find_user(tx: Connection, name: str) -> AccountRecord:
    """Return the account of a name. Raises NotFound."""
    folded = names.fold(name)
    found = store.find_account(tx, folded) if names.is_possible(folded) else None
    if found is None:
        raise NotFound(f"There is no user '{name[:100]}'.")
    return found


def described(actor: Actor, record: AccountRecord) -> User:
    """Return as much of an account as the actor may see."""
    seen = User(record.name, record.display_name, AccountKind(record.kind))
    if actor.key != record.key and not actor.may(Permission.USERS_MANAGE):
        return seen
    return User(
        seen.name,
        seen.display_name,
        seen.kind,
        record.email,
        record.is_admin,
        record.blocked,
        record.password_hash is not None,
        record.created_at,
        record.updated_at,
        record.last_seen_at,
    )


def _managed(tx: Connection, actor: Actor, name: str) -> AccountRecord:
    """Return an account whose access the actor changes, with other changes of access held back."""
    actor.require(Permission.USERS_MANAGE)
    require_whole(actor)
    change_access(tx)
    return find_user(tx, name)


def _update(tx: Connection, actor: Actor, record: AccountRecord, change: UserUpdate) -> User:
    require_whole(actor)
    values = {}
    if change.display_name is not UNSET:
        values["display_name"] = names.check_display_name(change.display_name)
    if change.email is not UNSET:
        values["email"] = names.check_email(change.email)
    if values:
        store.update_account(tx, record.key, **values, updated_at=now_ms())
        note(tx, actor, "user.update", record.name, {each: getattr(record, each) for each in values}, dict(values))
    return described(actor, find_user(tx, record.name))


def _keep_an_admin(tx: Connection, changed: AccountRecord) -> None:
    """Refuse a change of an administrator that leaves none."""
    if changed.is_admin and changed.kind == AccountKind.USER and not store.count_admins(tx):
        raise FailedPrecondition(f"'{changed.name}' is the last administrator: make another one first.")
