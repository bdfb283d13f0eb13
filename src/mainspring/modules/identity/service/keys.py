"""API keys: what programs prove themselves with. A key is told once, ends by itself, and may be limited."""

from __future__ import annotations

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, TooLarge
from mainspring.kit.names import check_length, check_text, invalid_value
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.identity.schemas import AccountKind, ApiKey, ApiKeyCreate, NewApiKey
from mainspring.modules.identity.service import projects, tokens
from mainspring.modules.identity.service.accounts import find_user
from mainspring.modules.identity.service.acts import note, own_account, require_whole
from mainspring.modules.identity.service.credentials import change_access
from mainspring.modules.identity.service.sessions import DAY_MS
from mainspring.modules.identity.store import credentials as store
from mainspring.modules.identity.store.accounts import AccountRecord
from mainspring.modules.identity.store.credentials import CredentialRecord, NewCredential

MAX_KEYS = 1000
MAX_PROJECTS = 100


def create_key(tx: Connection, actor: Actor, new: ApiKeyCreate, max_days: int = 365) -> NewApiKey:
    """Create an API key for one's own account, or for a service account that one manages.

    A key that is made with a key is revoked with it, and ends no later. Raises InvalidArgument or PermissionDenied.
    """
    actor.require(Permission.SIGNED_IN)
    require_whole(actor)
    owner, now = _owner(tx, actor, new), now_ms()
    if store.count_records(tx, owner.key, "key", now) >= MAX_KEYS:
        raise TooLarge(f"'{owner.name}' has {MAX_KEYS} API keys; revoke some first.")
    token = tokens.new_token(tokens.API_KEY)
    parent, expires_at = limited_by(tx, actor, now + _days(new.expires_days, max_days) * DAY_MS)
    made = NewCredential(
        owner.key,
        "key",
        tokens.digest_of(token),
        now,
        expires_at,
        _name(new.name),
        _permissions(new.permissions),
        _projects(tx, actor, new.projects),
        parent=parent,
    )
    record = store.get_record(tx, store.insert_credential(tx, made), now)
    assert record is not None
    key = _key(tx, record)
    told = {"name": key.name, "permissions": key.permissions, "projects": key.projects, "expires_at": key.expires_at}
    note(tx, actor, "api_key.create", f"{owner.name}/{key.id}", after=told)
    return NewApiKey(
        key.id,
        key.name,
        key.user,
        key.permissions,
        key.projects,
        key.created_at,
        key.expires_at,
        key.last_used_at,
        token=token,
    )


def list_keys(tx: Connection, actor: Actor, user: str | None = None) -> list[ApiKey]:
    """Return one's own API keys, or those of an account that one manages, newest first."""
    actor.require(Permission.SIGNED_IN)
    require_whole(actor)
    if user is not None:
        actor.require(Permission.USERS_MANAGE)
    owner = own_account(tx, actor) if user is None else find_user(tx, user)
    return [_key(tx, record) for record in store.list_records(tx, owner.key, "key", now_ms())]


def revoke_key(tx: Connection, actor: Actor, key: int) -> None:
    """Revoke an API key at once, and what was made with it. Raises NotFound."""
    actor.require(Permission.SIGNED_IN)
    require_whole(actor)
    found = store.get_record(tx, key, now_ms())
    if found is None or found.kind != "key" or not _manages(actor, found):
        raise NotFound(f"There is no API key {key} of yours.")
    store.revoke(tx, [key], now_ms())
    change_access(tx)
    note(tx, actor, "api_key.delete", f"{found.account}/{key}", before={"name": found.name})


def limited_by(tx: Connection, actor: Actor, expires_at: int) -> tuple[int | None, int]:
    """Return the key or token that a new one is made with, if any, and when the new one then ends."""
    made_with = None if actor.credential is None else store.get_record(tx, actor.credential, now_ms())
    if made_with is None or made_with.kind == "session":
        return None, expires_at
    return made_with.key, min(expires_at, made_with.expires_at or expires_at)


def _manages(actor: Actor, found: CredentialRecord) -> bool:
    return found.user == actor.key or actor.may(Permission.USERS_MANAGE)


def _owner(tx: Connection, actor: Actor, new: ApiKeyCreate) -> AccountRecord:
    if new.user is None:
        return own_account(tx, actor)
    actor.require(Permission.USERS_MANAGE)
    owner = find_user(tx, new.user)
    if owner.kind != AccountKind.SERVICE and owner.key != actor.key:
        raise PermissionDenied(f"'{owner.name}' is a person, who makes keys alone; a service account has them made.")
    if owner.blocked:
        raise FailedPrecondition(f"'{owner.name}' is blocked: unblock the account first.")
    return owner


def _name(name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise invalid_value("name", name, "say what the key is for, in one line.")
    return check_length("name", check_text(name, "name"), 200).strip()


def _days(days: int, most: int) -> int:
    if not 1 <= days <= most:
        raise InvalidArgument(f"expires_days is {days}; it must be 1 to {most}.", field="expires_days")
    return days


def _permissions(wanted: list[Permission] | None) -> frozenset[Permission] | None:
    if wanted is None:
        return None
    if not wanted:
        raise InvalidArgument("permissions is empty: such a key could do nothing. Leave it out.", field="permissions")
    return frozenset(wanted) | {Permission.SIGNED_IN}


def _projects(tx: Connection, actor: Actor, paths: list[str] | None) -> frozenset[int] | None:
    if paths is None:
        return None
    if not 1 <= len(paths) <= MAX_PROJECTS:
        raise InvalidArgument(f"projects has {len(paths)} paths; give 1 to {MAX_PROJECTS}.", field="projects")
    return projects.find_keys(tx, actor, paths)


def _key(tx: Connection, record: CredentialRecord) -> ApiKey:
    return ApiKey(
        record.key,
        record.name,
        record.account,
        None if record.permissions is None else sorted(record.permissions),
        None if record.projects is None else projects.find_paths(tx, record.projects),
        record.created_at,
        record.expires_at,
        record.last_used_at,
    )
