"""SQL of failed sign-ins and of one-time links."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select, update

from mainspring.kit.sql_engines import upsert_rows
from mainspring.modules.identity.tables import one_time_links, sign_in_failures


@dataclass(frozen=True, slots=True)
class Failures:
    """How often a subject failed in a row, when last (ms), and when it was last good."""

    failures: int = 0
    last_at: int = 0
    good_at: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link that is still good."""

    digest: bytes
    purpose: str
    user: int | None


def find_failures(tx: Connection, subjects: Collection[bytes]) -> dict[bytes, Failures]:
    """Return what is noted of subjects."""
    table = sign_in_failures
    rows = tx.execute(select(table).where(table.c.subject.in_(list(subjects))))
    return {bytes(row.subject): Failures(row.failures, row.last_at, row.good_at) for row in rows}


def set_failures(tx: Connection, noted: Sequence[tuple[bytes, Failures]]) -> None:
    """Note how often subjects failed."""
    rows = [(subject, found.failures, found.last_at, found.good_at) for subject, found in noted]
    upsert_rows(tx, sign_in_failures, ("subject", "failures", "last_at", "good_at"), rows)


def delete_failures(tx: Connection, before: int, good_before: int) -> int:
    """Forget failures before the one time of who was not good since the other; return how many subjects."""
    table = sign_in_failures
    forgotten = or_(table.c.good_at.is_(None), table.c.good_at < good_before)
    return tx.execute(delete(table).where(table.c.last_at < before, forgotten)).rowcount


def insert_link(
    tx: Connection, digest: bytes, purpose: str, user: int | None, created_at: int, expires_at: int
) -> None:
    """Store a one-time link by the digest of its token."""
    values = {"digest": digest, "purpose": purpose, "user": user, "created_at": created_at, "expires_at": expires_at}
    tx.execute(insert(one_time_links).values(values))


def find_link(tx: Connection, digest: bytes, purpose: str, now: int) -> Link | None:
    """Return a link that is good at ``now``, or None."""
    table = one_time_links
    good = (table.c.digest == digest, table.c.purpose == purpose, table.c.used_at.is_(None), table.c.expires_at > now)
    row = tx.execute(select(table).where(*good)).one_or_none()
    return None if row is None else Link(bytes(row.digest), row.purpose, row.user)


def use_link(tx: Connection, digest: bytes, now: int) -> bool:
    """Use a link up; say whether nobody had before."""
    table = one_time_links
    unused = (table.c.digest == digest, table.c.used_at.is_(None))
    return tx.execute(update(table).where(*unused).values(used_at=now)).rowcount == 1


def delete_links(tx: Connection, purpose: str, user: int) -> None:
    """Make the links of a purpose for an account worthless."""
    table = one_time_links
    tx.execute(delete(table).where(table.c.purpose == purpose, table.c.user == user))


def delete_stale_links(tx: Connection, before: int) -> int:
    """Delete links that ended before that time; return how many."""
    return tx.execute(delete(one_time_links).where(one_time_links.c.expires_at < before)).rowcount
