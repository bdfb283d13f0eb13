"""SQL of groups and their members."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from mainspring.kit.sql_engines import chosen
from mainspring.modules.identity.tables import group_members, groups, users


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """A group."""

    key: int
    name: str
    description: str
    claim: str | None
    created_at: int


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """An account in a group; ``source`` is the issuer whose claims keep it there, empty for none."""

    key: int
    name: str
    display_name: str
    kind: str
    source: str


def insert_group(tx: Connection, name: str, description: str, claim: str | None, now: int) -> int:
    """Insert a group and return its key."""
    values = {"name": name, "description": description, "claim": claim, "created_at": now}
    return int(tx.execute(insert(groups).values(values).returning(groups.c.id)).scalar_one())


def find_group(tx: Connection, name: str) -> GroupRecord | None:
    """Return the group of that name, or None."""
    return _one(tx, select(groups).where(groups.c.name == name))


def find_claimed(tx: Connection, claim: str) -> GroupRecord | None:
    """Return the group that identity providers know by that claim, or None."""
    return _one(tx, select(groups).where(groups.c.claim == claim))


def search_groups(tx: Connection, prefix: str, after: str, limit: int) -> list[GroupRecord]:
    """Return groups whose names begin with ``prefix`` and come behind ``after``, by name."""
    found = select(groups).where(groups.c.name > after).order_by(groups.c.name).limit(limit)
    if prefix:
        found = found.where(func.substr(groups.c.name, 1, len(prefix)) == prefix)
    return [_record(row) for row in tx.execute(found).all()]


def update_group(tx: Connection, key: int, **values: Any) -> None:
    """Set columns of a group."""
    tx.execute(update(groups).where(groups.c.id == key).values(values))


def delete_group(tx: Connection, key: int) -> None:
    """Delete a group with its memberships."""
    tx.execute(delete(group_members).where(group_members.c.group == key))
    tx.execute(delete(groups).where(groups.c.id == key))


def names_of(tx: Connection, keys: Collection[int]) -> dict[int, str]:
    """Return the names of groups by their keys."""
    found = select(groups.c.id, groups.c.name)
    rows = [row for part in chosen(keys) for row in tx.execute(found.where(groups.c.id.in_(part)))]
    return {row.id: row.name for row in rows}


def search_members(tx: Connection, group: int, after: str, limit: int) -> list[MemberRecord]:
    """Return members of a group whose names come behind ``after``, by name."""
    columns = (users.c.id, users.c.name, users.c.display_name, users.c.kind, group_members.c.source)
    found = select(*columns).join_from(group_members, users, group_members.c.user == users.c.id)
    mine = (group_members.c.group == group, users.c.name > after)
    return [MemberRecord(*row) for row in tx.execute(found.where(*mine).order_by(users.c.name).limit(limit))]


def find_source(tx: Connection, group: int, user: int) -> str | None:
    """Return the source of a membership, None where there is no such membership."""
    table = group_members
    found = select(table.c.source).where(table.c.group == group, table.c.user == user)
    return tx.execute(found).scalar_one_or_none()


def add_member(tx: Connection, group: int, user: int) -> None:
    """Make an account a member of a group; one that identity providers keep there is kept by us from now on."""
    table = group_members
    if find_source(tx, group, user) is None:
        tx.execute(insert(table).values(group=group, user=user, source=""))
    else:
        tx.execute(update(table).where(table.c.group == group, table.c.user == user).values(source=""))


def remove_member(tx: Connection, group: int, user: int) -> None:
    """Take an account out of a group."""
    table = group_members
    tx.execute(delete(table).where(table.c.group == group, table.c.user == user))


def remove_from_all(tx: Connection, user: int) -> None:
    """Take an account out of every group."""
    tx.execute(delete(group_members).where(group_members.c.user == user))


def follow_claims(tx: Connection, user: int, source: str, claims: Collection[str]) -> bool:
    """Make an account a member of just the groups that it claims, as far as ``source`` says; say if that changed any.

    Memberships from elsewhere stay.
    """
    claimed = set()
    for part in chosen(claims):
        claimed |= set(tx.execute(select(groups.c.id).where(groups.c.claim.in_(part))).scalars())
    table = group_members
    kept = {row.group: row.source for row in tx.execute(select(table).where(table.c.user == user))}
    gone = {group for group, of in kept.items() if of == source and group not in claimed}
    new = claimed - kept.keys()
    if gone:
        tx.execute(delete(table).where(table.c.user == user, table.c.group.in_(gone)))
    if new:
        tx.execute(insert(table), [{"group": group, "user": user, "source": source} for group in sorted(new)])
    return bool(gone or new)


def _one(tx: Connection, found: Select[Any]) -> GroupRecord | None:
    row = tx.execute(found).one_or_none()
    return None if row is None else _record(row)


def _record(row: Row[Any]) -> GroupRecord:
    return GroupRecord(row.id, row.name, row.description, row.claim, row.created_at)
