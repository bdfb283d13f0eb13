"""SQL of the audit log: appending, reading and cutting acts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from mainspring.modules.audit.schemas import AuditSearch
from mainspring.modules.audit.tables import event_chain, events, outbox_positions

Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Act:
    """A row of the log without its hash; the order of the fields is the order in which they are hashed."""

    seq: int
    at: int
    actor: str
    actor_kind: str
    actor_key: int | None
    credential: int | None
    project: int | None
    action: str
    object_id: str
    before: str | None
    after: str | None
    allowed: bool
    request_id: str
    address: str
    previous: bytes


@dataclass(frozen=True, slots=True)
class Chain:
    """The ends of the log: its newest act, and the newest one that was cut off."""

    seq: int
    hash: bytes
    cut_seq: int
    cut_hash: bytes


def take_seq(tx: Connection) -> tuple[int, bytes]:
    """Return the next act's number and the hash that it follows.

    The row stays locked until the transaction ends: whoever appends waits for the one before.
    """
    counted = update(event_chain).where(event_chain.c.id == 1).values(seq=event_chain.c.seq + 1)
    row = tx.execute(counted.returning(event_chain.c.seq, event_chain.c.hash)).one()
    return row.seq, row.hash


def append(tx: Connection, act: Act, digest: bytes) -> None:
    """Add an act at the end of the log."""
    tx.execute(insert(events).values(asdict(act) | {"hash": digest}))
    tx.execute(update(event_chain).where(event_chain.c.id == 1).values(hash=digest))


def get_chain(tx: Connection) -> Chain:
    """Return the ends of the log."""
    row = tx.execute(select(event_chain)).one()
    return Chain(row.seq, row.hash, row.cut_seq, row.cut_hash)


def lock_chain(tx: Connection) -> Chain:
    """Return the ends of the log, and hold back whoever appends or cuts until the transaction ends."""
    row = tx.execute(update(event_chain).where(event_chain.c.id == 1).values(id=1).returning(*event_chain.c)).one()
    return Chain(row.seq, row.hash, row.cut_seq, row.cut_hash)


def find_hash(tx: Connection, seq: int) -> bytes | None:
    """Return the hash that an act was given, or None where there is no such act."""
    return tx.execute(select(events.c.hash).where(events.c.seq == seq)).scalar_one_or_none()


def read_after(tx: Connection, seq: int, limit: int, conditions: Sequence[Condition] = ()) -> list[tuple[Act, bytes]]:
    """Return the next acts with their hashes, oldest first."""
    found = select(events).where(events.c.seq > seq, *conditions).order_by(events.c.seq).limit(limit)
    return [_act(row) for row in tx.execute(found)]


def search(tx: Connection, conditions: Sequence[Condition], limit: int) -> list[tuple[Act, bytes]]:
    """Return acts with their hashes, newest first."""
    found = select(events).where(*conditions).order_by(events.c.seq.desc()).limit(limit)
    return [_act(row) for row in tx.execute(found)]


def _act(row: Any) -> tuple[Act, bytes]:
    *fields, digest = row
    return Act(*fields), digest


def conditions_of(wanted: AuditSearch, project: int | None, before: int | None = None) -> list[Condition]:
    """Return what acts must meet: of a project or of all, and before an act where one is given."""
    table = events.c
    given: tuple[tuple[Any, Callable[[Any], Condition]], ...] = (
        (project, lambda value: table.project == value),
        (before, lambda value: table.seq < value),
        (wanted.actor, lambda value: table.actor == value),
        (wanted.action, _of_action),
        (wanted.object_id, lambda value: table.object_id == value),
        (wanted.text, lambda value: func.lower(table.object_id).contains(value.lower(), autoescape=True)),
        (wanted.allowed, lambda value: table.allowed.is_(value)),
        (wanted.since, lambda value: table.at >= value),
        (wanted.until, lambda value: table.at < value),
    )
    return [condition(value) for value, condition in given if value is not None]


def _of_action(pattern: str) -> Condition:
    if pattern.endswith("*"):
        return events.c.action.startswith(pattern[:-1], autoescape=True)
    return events.c.action == pattern


def cut(tx: Connection, seq: int, digest: bytes) -> None:
    """Delete all acts up to one, whose hash is kept as the anchor."""
    tx.execute(delete(events).where(events.c.seq <= seq))
    tx.execute(update(event_chain).where(event_chain.c.id == 1).values(cut_seq=seq, cut_hash=digest))


def get_position(tx: Connection, reader: str) -> int:
    """Return up to which act a reader of the outbox has come."""
    return int(tx.execute(select(outbox_positions.c.seq).where(outbox_positions.c.reader == reader)).scalar_one())


def lock_position(tx: Connection, reader: str) -> int:
    """Return the position of a reader, and hold back another process that reads for it until the transaction ends."""
    mine = outbox_positions.c.reader == reader
    locked = update(outbox_positions).where(mine).values(reader=reader)
    return int(tx.execute(locked.returning(outbox_positions.c.seq)).scalar_one())


def set_position(tx: Connection, reader: str, seq: int) -> None:
    """Note up to which act a reader of the outbox has come."""
    tx.execute(update(outbox_positions).where(outbox_positions.c.reader == reader).values(seq=seq))
