"""The journal of an embedded database: writes that are on the disk before their rows are in the tables.

SQLite writes every page that a transaction touches, whole, and a row touches one of its table and one of each index.
A deferred write only adds what it is going to write to one row of ``write_journal`` and is acknowledged when that is
committed. Its rows go into the tables with thousands of others, by the writer that noted them: before the next read
and before any other write, which so never see that they waited, and after a moment in any case. What a killed
process left in the journal, the next one applies first.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

import msgspec
from sqlalchemy import Column, Connection, Integer, LargeBinary, Table

from mainspring.db.schema import metadata
from mainspring.kit.errors import FailedPrecondition, MainspringError
from mainspring.kit.sql_engines import select_rows

P = ParamSpec("P")
T = TypeVar("T")
Known = dict[Any, Any]

MAX_WAIT_S = 1.0
MAX_BYTES = 3 * 1024 * 1024
"""When rows go into the tables though nobody asks: so old is the first of them, so many bytes they are."""
ROOM_BYTES = 64 * 1024 * 1024
LOOK_EVERY_S = 0.2
"""What is acknowledged must fit into the tables: on a disk with less room, looked at so often, nothing may wait."""

write_journal = Table(
    "write_journal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("writes", LargeBinary, nullable=False),
)
"""MessagePack of [[name of the kind, entry], …]: the deferred writes of one transaction. Only SQLite has rows in it."""


class Kind:
    """What deferred writes leave to be done: entries of a type, a msgspec Struct, and who writes many of them.

    Entries outlive the process and its release: a new field of the type needs a default.
    """

    def __init__(self, name: str, entry: type[Any], apply: Callable[[Connection, list[Any]], None]) -> None:
        self.name, self.entry, self.apply = name, entry, apply
        _KINDS[name] = self


_KINDS: dict[str, Kind] = {}


class Deferred(Generic[P, T]):
    """A write in two halves, whose calls of one transaction are carried out together.

    ``check`` takes the arguments of all calls and gives each its result or its MainspringError, and one entry
    with what those that succeed are going to write. It looks into the tables, and into ``known``, where checks
    before it have put what the tables do not have yet; it puts there what those behind it must know. What is
    known holds until the entries are applied.
    """

    def __init__(
        self,
        kind: Kind,
        check: Callable[[Connection, list[tuple[Any, ...]], Known], tuple[Sequence[T | MainspringError], Any]],
    ) -> None:
        self.kind, self.check = kind, check
        self.__doc__ = check.__doc__
        self.__name__ = check.__name__

    def __call__(self, tx: Connection, *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out one call by itself in the caller's transaction, both halves."""
        assert not kwargs, f"{self.__name__} takes its arguments by position"
        [outcome], entry = self.check(tx, [args], {})
        if isinstance(outcome, MainspringError):
            raise outcome
        self.kind.apply(tx, [entry])
        return outcome


Entries = list[tuple[Kind, Any]]


@dataclass(slots=True)
class Journal:
    """What waits to be written into the tables. All but ``waits`` belongs to the writer's thread."""

    folder: Path
    known: Known = field(default_factory=dict)
    waits: bool = True
    """Whether a read must wait for ``apply``: at first, too, for what an earlier process may have left."""
    _rows: dict[int, Entries] = field(default_factory=dict)
    _noted: dict[int, Entries] = field(default_factory=dict)
    _bytes: int = 0
    _since: float = field(default_factory=time.monotonic)
    _left: bool = True
    _applied: bool = False
    _looked_at: float = 0.0
    _room: int = 0
    _undone: bool = False

    @property
    def due_in(self) -> float | None:
        """Seconds until the rows go into the tables by themselves; None where none wait."""
        if not self._rows:
            return None
        if self._bytes >= MAX_BYTES:
            return 0
        return max(0, self._since + MAX_WAIT_S - time.monotonic())

    @property
    def is_behind(self) -> bool:
        """Say whether checks would see too little: what was known is lost, the tables do not have it yet."""
        return self._left or self._undone

    @property
    def has_room(self) -> bool:
        """Say whether writes may wait: on a disk that is nearly full they go straight into the tables."""
        now = time.monotonic()
        if now >= self._looked_at + LOOK_EVERY_S:
            disk = os.statvfs(self.folder)
            self._looked_at, self._room = now, disk.f_bavail * disk.f_frsize
        return self._room >= ROOM_BYTES

    def note(self, tx: Connection, entries: Entries) -> None:
        """Add the entries of a transaction."""
        if not entries:
            return
        body = msgspec.msgpack.encode([(kind.name, entry) for kind, entry in entries])
        [(row,)] = select_rows(tx, "INSERT INTO write_journal (writes) VALUES (?) RETURNING id", (body,))
        self._noted[row] = entries
        self._bytes += len(body)

    def apply(self, tx: Connection) -> None:
        """Write everything that waits into the tables, and empty the journal; checks know nothing but the tables."""
        self.known = {}
        if not self._rows and not (self._left and _has_journal(tx)):
            self._left = False
            return
        by_kind: dict[Kind, list[Any]] = {}
        # What waits is what is stored: nothing is applied twice, whoever else had the file open.
        for row, body in select_rows(tx, "SELECT id, writes FROM write_journal ORDER BY id"):
            for kind, entry in self._rows.get(row) or _decoded(body):
                by_kind.setdefault(kind, []).append(entry)
        for kind, entries in by_kind.items():
            kind.apply(tx, entries)
        tx.exec_driver_sql("DELETE FROM write_journal")
        self._applied = True

    def committed(self) -> None:
        """Take over what the transaction did."""
        if self._applied:
            self._rows.clear()
            self._bytes = 0
            self._left = self._undone = False
        if self._noted and not self._rows:
            self._since = time.monotonic()
        self._rows |= self._noted
        self.waits = bool(self._rows)
        self._noted, self._applied = {}, False

    def undone(self) -> None:
        """Forget what the transaction did: what was known may be of it."""
        self.known = {}
        self._undone = bool(self._rows)
        self._noted, self._applied = {}, False
        self._since = time.monotonic()


def _has_journal(tx: Connection) -> bool:
    """Say whether the database has its tables: without them nothing can wait in it."""
    return bool(select_rows(tx, "SELECT 1 FROM sqlite_master WHERE name = ?", (write_journal.name,)))


def _decoded(body: bytes) -> Entries:
    """Read a row that another process wrote. Raises FailedPrecondition where it is of an unknown kind."""
    entries: Entries = []
    for name, raw in msgspec.msgpack.decode(body, type=list[tuple[str, msgspec.Raw]]):
        if name not in _KINDS:
            raise FailedPrecondition(f"The database's journal has writes of the kind '{name}', of a newer release.")
        entries.append((_KINDS[name], msgspec.msgpack.decode(raw, type=_KINDS[name].entry)))
    return entries
