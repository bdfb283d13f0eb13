"""SQL of accounts that a place knows where projects are kept, of what they may do there, and of their tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, select, update

from mainspring.kit.sql_engines import upsert_rows
from mainspring.modules.projects.tables import source_accounts, source_roles, sources


@dataclass(frozen=True, slots=True)
class SourceAccount:
    """An account that a source knows. ``asked_at`` and ``good_until`` are in ms, ``token`` is encrypted."""

    source: int
    user: int
    inside: bool
    asked_at: int
    good_until: int
    token: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a source lets an account do in one project now: its level there, 0 for none, and until when that is good."""

    inside: bool
    level: int
    good_until: int


@dataclass(frozen=True, slots=True)
class SourceRole:
    """The level that an account has in a project by its source, and when that was said."""

    user: int
    level: int
    asked_at: int
    good_until: int


_COLUMNS = ("source", "user", "inside", "asked_at", "good_until", "token")
_ACCOUNT: Select[Any] = select(*(source_accounts.c[name] for name in _COLUMNS))
_SAME = and_(source_roles.c.source == source_accounts.c.source, source_roles.c.user == source_accounts.c.user)


def find_source_account(tx: Connection, user: int, source: str, *, hold: bool = False) -> SourceAccount | None:
    """Return what a source, by its name, said of an account, or None; ``hold`` others back who change it."""
    named = _ACCOUNT.join_from(source_accounts, sources).where(source_accounts.c.user == user, sources.c.name == source)
    row = tx.execute(named.with_for_update(of=source_accounts) if hold else named).one_or_none()
    return None if row is None else SourceAccount(*row)


def source_name(tx: Connection, source: int) -> str:
    """Return the name of a source, ``<kind>:<URL>``."""
    return str(tx.execute(select(sources.c.name).where(sources.c.id == source)).scalar_one())


def set_source_account(tx: Connection, account: SourceAccount) -> None:
    """Keep what a source said of an account in place of what it had said."""
    upsert_rows(tx, source_accounts, _COLUMNS, [tuple(getattr(account, name) for name in _COLUMNS)])


def close_account(tx: Connection, source: int, user: int, *, forget: bool) -> None:
    """Let what a source said of an account count no more; ``forget`` its token too."""
    mine = (source_accounts.c.source == source, source_accounts.c.user == user)
    gone = {"token": None} if forget else {}
    tx.execute(update(source_accounts).where(*mine).values(good_until=0, **gone))


def find_standing(tx: Connection, user: int, source: int, project: int, now: int) -> Standing | None:
    """Return what a source lets an account do in a project, None where it does not know the account (any more)."""
    role = and_(_SAME, source_roles.c.project == project)
    found = select(source_accounts.c.inside, source_roles.c.role, source_accounts.c.good_until)
    mine = (
        source_accounts.c.source == source,
        source_accounts.c.user == user,
        source_accounts.c.good_until > now,
    )
    row = tx.execute(found.outerjoin_from(source_accounts, source_roles, role).where(*mine)).one_or_none()
    return None if row is None else Standing(row.inside, row.role or 0, row.good_until)


def list_source_roles(tx: Connection, project: int, now: int) -> list[SourceRole]:
    """Return the levels that accounts have in a project by its source, by account."""
    columns = (source_roles.c.user, source_roles.c.role, source_accounts.c.asked_at, source_accounts.c.good_until)
    good = (source_roles.c.project == project, source_accounts.c.good_until > now)
    found = select(*columns).join_from(source_roles, source_accounts, _SAME).where(*good)
    return [SourceRole(*row) for row in tx.execute(found.order_by(source_roles.c.user))]


def levels_of(tx: Connection, source: int, user: int) -> dict[int, int]:
    """Return the levels that an account has by a source, by the keys of projects."""
    mine = (source_roles.c.user == user, source_roles.c.source == source)
    rows = tx.execute(select(source_roles.c.project, source_roles.c.role).where(*mine))
    return {row.project: row.role for row in rows}


def set_levels(tx: Connection, source: int, user: int, old: Mapping[int, int], new: Mapping[int, int]) -> None:
    """Give an account these levels by a source, in place of the old ones."""
    for project in old.keys() - new.keys():
        mine = (source_roles.c.user == user, source_roles.c.project == project)
        tx.execute(delete(source_roles).where(*mine))
    columns = ("user", "project", "source", "role")
    rows = [(user, key, source, level) for key, level in sorted(new.items()) if old.get(key) != level]
    upsert_rows(tx, source_roles, columns, rows)


def find_tokens(tx: Connection, project: int, level: int, limit: int) -> list[SourceAccount]:
    """Return accounts with a token that have at least a level in a project, those that were asked for last first."""
    have = (source_roles.c.project == project, source_roles.c.role >= level, source_accounts.c.token.is_not(None))
    found = _ACCOUNT.join_from(source_accounts, source_roles, _SAME).where(*have)
    newest = found.order_by(source_accounts.c.good_until.desc(), source_accounts.c.user).limit(limit)
    return [SourceAccount(*row) for row in tx.execute(newest)]


def find_inside(tx: Connection, source: str, limit: int) -> list[SourceAccount]:
    """Return accounts with a token that a source, by its name, shows its internal projects, the last asked first."""
    inside = (sources.c.name == source, source_accounts.c.inside, source_accounts.c.token.is_not(None))
    found = _ACCOUNT.join_from(source_accounts, sources).where(*inside)
    newest = found.order_by(source_accounts.c.asked_at.desc(), source_accounts.c.user).limit(limit)
    return [SourceAccount(*row) for row in tx.execute(newest)]


def forget_user(tx: Connection, user: int) -> None:
    """Forget what sources said of an account."""
    tx.execute(delete(source_roles).where(source_roles.c.user == user))
    tx.execute(delete(source_accounts).where(source_accounts.c.user == user))
