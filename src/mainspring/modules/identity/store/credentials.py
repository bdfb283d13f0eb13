"""SQL of credentials, and of the number that changes with every change of access."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, update

from mainspring.kit.permissions import Permission
from mainspring.kit.sql_engines import select_rows, update_rows
from mainspring.modules.identity.tables import access_epoch, credentials, group_members, session_keys, users


@dataclass(frozen=True, slots=True)
class Account:
    """An account as access is decided by it. ``groups`` are keys of the groups that it is in."""

    key: int
    name: str
    kind: str
    is_admin: bool
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Credential:
    """What vouches for an account, and what it is limited to: None stands for no limit."""

    key: int
    kind: str
    account: Account
    permissions: frozenset[Permission] | None
    projects: frozenset[int] | None
    run_id: str | None
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """A credential as it is listed. ``user`` is the account's key; ``details`` is JSON of the kind's own."""

    key: int
    user: int
    account: str
    kind: str
    name: str
    permissions: frozenset[Permission] | None
    projects: frozenset[int] | None
    run_id: str | None
    parent: int | None
    details: str
    created_at: int
    expires_at: int | None
    last_used_at: int | None


@dataclass(frozen=True, slots=True)
class Use:
    """A credential that was used."""

    key: int
    kind: str
    user: int
    created_at: int
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A credential that is to be stored, by the digest of its token."""

    user: int
    kind: str
    digest: bytes
    created_at: int
    expires_at: int
    name: str = ""
    permissions: frozenset[Permission] | None = None
    projects: frozenset[int] | None = None
    run_id: str | None = None
    parent: int | None = None
    details: str = "{}"


def find_credential(tx: Connection, digest: bytes, now: int) -> Credential | None:
    """Return the credential of that digest if it is good at ``now`` (ms) and its account is not blocked, or None."""
    columns = (credentials, users.c.name.label("account"), users.c.kind.label("account_kind"), users.c.is_admin)
    found = select(*columns).join_from(credentials, users, credentials.c.user == users.c.id)
    good = (credentials.c.digest == digest, credentials.c.revoked_at.is_(None), users.c.blocked.is_(False))
    row = tx.execute(found.where(*good)).one_or_none()
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    account = Account(row.user, row.account, row.account_kind, row.is_admin, groups_of(tx, row.user))
    return Credential(row.id, row.kind, account, *_limits(row), row.run_id, row.expires_at)


def find_account(tx: Connection, key: int) -> Account | None:
    """Return an account that is not blocked, by its key, or None."""
    good = (users.c.id == key, users.c.blocked.is_(False))
    row = tx.execute(select(users.c.name, users.c.kind, users.c.is_admin).where(*good)).one_or_none()
    return None if row is None else Account(key, row.name, row.kind, row.is_admin, groups_of(tx, key))


def groups_of(tx: Connection, user: int) -> tuple[int, ...]:
    """Return the keys of the groups that an account is in."""
    return tuple(tx.execute(select(group_members.c.group).where(group_members.c.user == user)).scalars())


def insert_credential(tx: Connection, new: NewCredential) -> int:
    """Store a credential and return its key."""
    values = {
        "user": new.user,
        "kind": new.kind,
        "name": new.name,
        "digest": new.digest,
        "permissions": _list_of(new.permissions),
        "projects": _list_of(new.projects),
        "run_id": new.run_id,
        "parent": new.parent,
        "details": new.details,
        "created_at": new.created_at,
        "expires_at": new.expires_at,
    }
    return int(tx.execute(insert(credentials).values(values).returning(credentials.c.id)).scalar_one())


def get_record(tx: Connection, key: int, now: int) -> CredentialRecord | None:
    """Return a credential that is good at ``now``, by its key, or None."""
    if not 0 < key < 2**63:
        return None
    found = _select_records(tx, now, credentials.c.id == key)
    return found[0] if found else None


def list_records(tx: Connection, user: int, kind: str, now: int) -> list[CredentialRecord]:
    """Return the credentials of a kind of an account that are good at ``now``, newest first."""
    return _select_records(tx, now, credentials.c.user == user, credentials.c.kind == kind)


def count_records(tx: Connection, user: int, kind: str, now: int) -> int:
    """Return how many credentials of a kind of an account are good at ``now``."""
    mine = (credentials.c.user == user, credentials.c.kind == kind, *_good(now))
    return int(tx.execute(select(func.count()).where(*mine)).scalar_one())


def revoke(tx: Connection, keys: Collection[int], now: int) -> None:
    """Revoke credentials and what was made with them."""
    left = list(keys)
    while left:
        good = (credentials.c.id.in_(left), credentials.c.revoked_at.is_(None))
        tx.execute(update(credentials).where(*good).values(revoked_at=now))
        children = select(credentials.c.id).where(credentials.c.parent.in_(left), credentials.c.revoked_at.is_(None))
        left = list(tx.execute(children).scalars())


def keys_of(tx: Connection, user: int, kinds: Sequence[str]) -> list[int]:
    """Return the keys of an account's credentials of these kinds that were not revoked."""
    mine = (credentials.c.user == user, credentials.c.kind.in_(kinds), credentials.c.revoked_at.is_(None))
    return list(tx.execute(select(credentials.c.id).where(*mine)).scalars())


def anonymise(tx: Connection, user: int) -> None:
    """Forget what an account's credentials were called and where they were used."""
    tx.execute(update(credentials).where(credentials.c.user == user).values(name="", details="{}"))


def find_uses(tx: Connection, keys: Collection[int]) -> list[Use]:
    """Return what is known of credentials that were used."""
    columns = (getattr(credentials.c, name) for name in ("id", "kind", "user", "created_at", "expires_at"))
    return [Use(*row) for row in tx.execute(select(*columns).where(credentials.c.id.in_(list(keys))))]


def set_uses(tx: Connection, uses: Sequence[tuple[int, int | None, int]]) -> None:
    """Set last use and end of credentials: rows of (last use, end, key)."""
    if uses:
        update_rows(tx, credentials, ("last_used_at", "expires_at", "id"), uses)


def delete_stale(tx: Connection, before: int, limit: int) -> int:
    """Delete credentials that ended before that time and have no children left; return how many."""
    over = or_(credentials.c.expires_at < before, credentials.c.revoked_at < before)
    parents = select(credentials.c.parent).where(credentials.c.parent.is_not(None))
    stale = select(credentials.c.id).where(over, credentials.c.id.not_in(parents)).limit(limit)
    return tx.execute(delete(credentials).where(credentials.c.id.in_(stale))).rowcount


def get_session_key(tx: Connection) -> bytes:
    """Return the key that session cookies are signed with."""
    return bytes(tx.execute(select(session_keys.c.key).where(session_keys.c.id == 1)).scalar_one())


def get_epoch(tx: Connection) -> int:
    """Return the number of the last change of access."""
    # Asked by every process twenty times a second: straight to the driver it takes a fifth of the time.
    [(number,)] = select_rows(tx, "SELECT number FROM access_epoch")
    return int(number)


def raise_epoch(tx: Connection) -> None:
    """Note that access changed: nobody goes by what they remember any more."""
    tx.execute(update(access_epoch).values(number=access_epoch.c.number + 1))


def lock_access(tx: Connection) -> None:
    """Wait until no other transaction changes access or counts sign-ins, and hold them back until this one ends."""
    tx.execute(select(access_epoch.c.number).with_for_update())


def _good(now: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return credentials.c.revoked_at.is_(None), or_(credentials.c.expires_at.is_(None), credentials.c.expires_at > now)


def _select_records(tx: Connection, now: int, *conditions: ColumnElement[bool]) -> list[CredentialRecord]:
    found = select(credentials, users.c.name.label("account")).join_from(
        credentials, users, credentials.c.user == users.c.id
    )
    rows = tx.execute(found.where(*conditions, *_good(now)).order_by(credentials.c.id.desc())).all()
    return [_record(row) for row in rows]


def _record(row: Row[Any]) -> CredentialRecord:
    return CredentialRecord(
        row.id,
        row.user,
        row.account,
        row.kind,
        row.name,
        *_limits(row),
        row.run_id,
        row.parent,
        row.details,
        row.created_at,
        row.expires_at,
        row.last_used_at,
    )


def _limits(row: Row[Any]) -> tuple[frozenset[Permission] | None, frozenset[int] | None]:
    """Return the permissions and projects that a credential is limited to; what this release does not know is none."""
    permissions = None if row.permissions is None else msgspec.json.decode(row.permissions, type=frozenset[str])
    projects = None if row.projects is None else msgspec.json.decode(row.projects, type=frozenset[int])
    known = None if permissions is None else frozenset(each for each in Permission if each in permissions)
    return known, projects


def _list_of(values: frozenset[Any] | None) -> str | None:
    return None if values is None else msgspec.json.encode(sorted(values)).decode()
