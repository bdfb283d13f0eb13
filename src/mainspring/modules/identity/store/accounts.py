"""SQL of accounts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from mainspring.kit.sql_engines import chosen
from mainspring.modules.identity.tables import external_accounts, users


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account with all that is known of it."""

    key: int
    name: str
    display_name: str
    email: str
    kind: str
    is_admin: bool
    blocked: bool
    password_hash: str | None = field(repr=False)
    created_at: int
    updated_at: int
    last_seen_at: int | None


_LIVING: Select[Any] = select(users).where(users.c.deleted_at.is_(None))


def insert_account(
    tx: Connection,
    name: str,
    kind: str,
    now: int,
    texts: Mapping[str, str],
    *,
    is_admin: bool = False,
    password_hash: str | None = None,
) -> int:
    """Insert an account and return its key; ``texts`` may be its display_name and email."""
    values = {
        "name": name,
        "display_name": "",
        "email": "",
        **texts,
        "kind": kind,
        "is_admin": is_admin,
        "blocked": False,
        "password_hash": password_hash,
        "created_at": now,
        "updated_at": now,
    }
    return int(tx.execute(insert(users).values(values).returning(users.c.id)).scalar_one())


def find_account(tx: Connection, name: str) -> AccountRecord | None:
    """Return the account of that name unless it is deleted, or None."""
    return _one(tx, _LIVING.where(users.c.name == name))


def get_account(tx: Connection, key: int) -> AccountRecord | None:
    """Return the account of that key unless it is deleted, or None."""
    return _one(tx, _LIVING.where(users.c.id == key))


def is_taken(tx: Connection, name: str) -> bool:
    """Return whether a name belongs, or belonged, to an account."""
    return tx.execute(select(users.c.id).where(users.c.name == name)).first() is not None


def search_accounts(tx: Connection, prefix: str, kind: str | None, after: str, limit: int) -> list[AccountRecord]:
    """Return accounts whose names begin with ``prefix`` and come behind ``after``, by name."""
    found = _LIVING.where(users.c.name > after).order_by(users.c.name).limit(limit)
    if prefix:
        found = found.where(func.substr(users.c.name, 1, len(prefix)) == prefix)
    if kind is not None:
        found = found.where(users.c.kind == kind)
    return [_record(row) for row in tx.execute(found).all()]


def update_account(tx: Connection, key: int, **values: Any) -> None:
    """Set columns of an account."""
    tx.execute(update(users).where(users.c.id == key).values(values))


def count_admins(tx: Connection) -> int:
    """Return how many people are administrators and not blocked."""
    admins = (users.c.is_admin.is_(True), users.c.blocked.is_(False), users.c.kind == "user")
    return int(tx.execute(select(func.count()).select_from(users).where(*admins)).scalar_one())


def note_seen(tx: Connection, keys: Collection[int], now: int) -> None:
    """Set when accounts were last seen."""
    tx.execute(update(users).where(users.c.id.in_(list(keys))).values(last_seen_at=now))


def names_of(tx: Connection, keys: Collection[int]) -> dict[int, str]:
    """Return the names of accounts by their keys; deleted ones are left out."""
    living = select(users.c.id, users.c.name).where(users.c.deleted_at.is_(None))
    rows = [row for part in chosen(keys) for row in tx.execute(living.where(users.c.id.in_(part)))]
    return {row.id: row.name for row in rows}


# Accounts at identity providers


def find_external(tx: Connection, issuer: str, subject: str) -> int | None:
    """Return the key of the account that an identity provider's user signs in to, or None."""
    table = external_accounts
    found = select(table.c.user).where(table.c.issuer == issuer, table.c.subject == subject)
    return tx.execute(found).scalar_one_or_none()


def insert_external(tx: Connection, issuer: str, subject: str, user: int, now: int) -> None:
    """Note which account an identity provider's user signs in to."""
    tx.execute(insert(external_accounts).values(issuer=issuer, subject=subject, user=user, created_at=now))


def delete_externals(tx: Connection, user: int) -> None:
    """Forget the identity providers' users of an account."""
    tx.execute(delete(external_accounts).where(external_accounts.c.user == user))


def _one(tx: Connection, found: Select[Any]) -> AccountRecord | None:
    row = tx.execute(found).one_or_none()
    return None if row is None else _record(row)


def _record(row: Row[Any]) -> AccountRecord:
    return AccountRecord(
        row.id,
        row.name,
        row.display_name,
        row.email,
        row.kind,
        row.is_admin,
        row.blocked,
        row.password_hash,
        row.created_at,
        row.updated_at,
        row.last_seen_at,
    )
