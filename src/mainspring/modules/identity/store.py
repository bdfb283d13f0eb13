"""SQL of identity."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, select, update

from mainspring.kit.permissions import Permission
from mainspring.modules.identity.tables import access_epoch, credentials, group_members, users


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


def find_credential(tx: Connection, digest: bytes, now: int) -> Credential | None:
    """Return the credential of that digest if it is good at ``now`` (ms) and its account is not blocked, or None."""
    columns = (credentials, users.c.name.label("account"), users.c.kind.label("account_kind"), users.c.is_admin)
    found = select(*columns).join_from(credentials, users, credentials.c.user == users.c.id)
    good = (credentials.c.digest == digest, credentials.c.revoked_at.is_(None), users.c.blocked.is_(False))
    row = tx.execute(found.where(*good)).one_or_none()
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    account = Account(row.user, row.account, row.account_kind, row.is_admin, groups_of(tx, row.user))
    permissions = None if row.permissions is None else msgspec.json.decode(row.permissions, type=frozenset[str])
    projects = None if row.projects is None else msgspec.json.decode(row.projects, type=frozenset[int])
    known = None if permissions is None else frozenset(each for each in Permission if each in permissions)
    return Credential(row.id, row.kind, account, known, projects, row.run_id, row.expires_at)


def groups_of(tx: Connection, user: int) -> tuple[int, ...]:
    """Return the keys of the groups that an account is in."""
    return tuple(tx.execute(select(group_members.c.group).where(group_members.c.user == user)).scalars())


def get_epoch(tx: Connection) -> int:
    """Return the number of the last change of access."""
    return int(tx.execute(select(access_epoch.c.number)).scalar_one())


def raise_epoch(tx: Connection) -> None:
    """Note that access changed: nobody goes by what they remember any more."""
    tx.execute(update(access_epoch).values(number=access_epoch.c.number + 1))
