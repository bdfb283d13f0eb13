"""The journal of a database: writes that are on its disk before their rows are in the tables.

A row touches its table and each of its indexes; SQLite writes every page that is touched, whole. A deferred write only
adds what it is going to write to one row of ``write_journal`` and is acknowledged when that is committed. Its rows go
into the tables with thousands of others: before the next read and before any other write, which so never see that they
waited, and after a moment in any case. What a killed process left in the journal, the next one applies first.

Of an embedded database one process has all of the journal (``Journal``). On a server several processes note and apply
(``SharedJournal``), so that only those writes wait there which need not know of each other.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

import msgspec
from sqlalchemy import Column, Connection, LargeBinary, Table

from mainspring.db.schema import Key, metadata
from mainspring.kit.errors import FailedPrecondition, MainspringError
from mainspring.kit.sql_engines import each_by_itself, run_statement, select_rows

P = ParamSpec("P")
T = TypeVar("T")
Known = dict[Any, Any]

MAX_WAIT_S = 1.0
MAX_BYTES = 3 * 1024 * 1024
"""When rows go into the tables though nobody asks: so old is the first of them, so many bytes they are."""
ROOM_BYTES = 64 * 1024 * 1024
MAX_DEAD = 2_000
"""So many rows may have come and gone on a server before their room is given back."""
LOOK_EVERY_S = 0.2
"""What is acknowledged must fit into the tables: on a disk with less room, looked at so often, nothing may wait."""

write_journal = Table(
    "write_journal",
    metadata,
    Column("id", Key, primary_key=True),
    Column("writes", LargeBinary, nullable=False),
)
"""MessagePack of [[name of the kind, entry], …]: the deferred writes of one transaction. A later one has a greater
``id`` than those that were committed before it began."""


WRITES_WAIT = "EXISTS (SELECT 1 FROM write_journal)"
"""In SQL, whether there are any."""


class Kind:
    """What deferred writes leave to be done: entries of a type, a msgspec Struct, and who writes many of them.

    Entries outlive the process and its release: a new field of the type needs a default. ``divide`` cuts an entry into
    what may wait where checks of other processes do not see it, and what may not; either may be None.
    """

    def __init__(
        self,
        name: str,
        entry: type[Any],
        apply: Callable[[Connection, list[Any]], None],
        divide: Callable[[Any], tuple[Any, Any]] = lambda entry: (None, entry),
    ) -> None:
        self.name, self.entry, self.apply, self.divide = name, entry, apply, divide
        _KINDS[name] = self


_KINDS: dict[str, Kind] = {}


def _never(*_: object, **__: object) -> bool:
    return False


class Deferred(Generic[P, T]):
    """A write in two halves, whose calls of one transaction are carried out together.

    ``check`` takes the arguments of all calls and gives each its result or its MainspringError, and one entry
    with what those that succeed are going to write. It looks into the tables, and into ``known``, where checks
    before it have put what the tables do not have yet; it puts there what those behind it must know. What is
    known holds until the entries are applied.

    ``waits_wholly`` says of a call's arguments whether ``Kind.divide`` will let all of it wait.
    """

    def __init__(
        self,
        kind: Kind,
        check: Callable[[Connection, list[tuple[Any, ...]], Known], tuple[Sequence[T | MainspringError], Any]],
        waits_wholly: Callable[P, bool] = _never,
    ) -> None:
        self.kind, self.check, self.waits_wholly = kind, check, waits_wholly
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
class _Noted:
    """What this process has noted and what is not applied yet."""

    known: Known = field(default_factory=dict)
    _rows: dict[int, Entries] = field(default_factory=dict)
    _noted: dict[int, Entries] = field(default_factory=dict)
    _bytes: int = 0
    _since: float = field(default_factory=time.monotonic)

    @property
    def due_in(self) -> float | None:
        """Seconds until the rows go into the tables by themselves; None where none of this process wait."""
        if not self._rows:
            return None
        return 0 if self._bytes >= MAX_BYTES else max(0, self._since + MAX_WAIT_S - time.monotonic())

    def add(self, tx: Connection, entries: Entries) -> None:
        """Store entries, all of which may wait, as a row."""
        body = msgspec.msgpack.encode([(kind.name, entry) for kind, entry in entries])
        [(row,)] = select_rows(tx, "INSERT INTO write_journal (writes) VALUES (?) RETURNING id", (body,))
        self._noted[row] = entries
        self._bytes += len(body)

    def _write(self, tx: Connection, rows: Iterable[tuple[int, bytes]]) -> None:
        """Write what rows hold into the tables; those of this process need not be read again."""
        _write_all(tx, [each for row, body in rows for each in self._rows.get(row) or _decoded(body)])

    def _take_over(self, *, applied: bool) -> None:
        """Count what the transaction has noted, without what it has applied."""
        if applied:
            self._rows.clear()
            self._bytes = 0
        if self._noted and not self._rows:
            self._since = time.monotonic()
        self._rows |= self._noted
        self._noted = {}

    def _give_up(self) -> None:
        """Forget what the transaction did: what was known may be of it."""
        self.known, self._noted = {}, {}
        self._since = time.monotonic()


@dataclass(slots=True)
class Journal(_Noted):
    """What waits to be written into the tables. All but ``waits`` belongs to the writer's thread."""

    folder: Path = field(kw_only=True)
    waits: bool = True
    """Whether a read must wait for ``apply``: at first, too, for what an earlier process may have left."""
    _left: bool = True
    _applied: bool = False
    _looked_at: float = 0.0
    _room: int = 0
    _undone: bool = False

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

    def is_only_to_add(self, calls: Iterable[tuple[Deferred[Any, Any], tuple[Any, ...]]]) -> bool:
        """Say whether all that some calls will write may wait, with nothing to be applied before or with it."""
        return self.has_room and not self.is_behind and self.due_in != 0

    def note(self, tx: Connection, entries: Entries) -> None:
        """Add the entries of a transaction; where none may wait they are written now."""
        if not self.has_room:
            self.apply(tx)
            _write_all(tx, entries)
        elif entries:
            self.add(tx, entries)

    def apply(self, tx: Connection) -> None:
        """Write everything that waits into the tables, and empty the journal; checks know nothing but the tables."""
        self.known = {}
        if not self._rows and not (self._left and _has_journal(tx)):
            self._left = False
            return
        # What waits is what is stored: nothing is applied twice, whoever else had the file open.
        self._write(tx, select_rows(tx, "SELECT id, writes FROM write_journal ORDER BY id"))
        tx.exec_driver_sql("DELETE FROM write_journal")
        self._applied = True

    def committed(self) -> None:
        """Take over what the transaction did."""
        if self._applied:
            self._left = self._undone = False
        self._take_over(applied=self._applied)
        self.waits = bool(self._rows)
        self._applied = False

    def undone(self) -> None:
        """Forget what the transaction did."""
        self._give_up()
        self._undone, self._applied = bool(self._rows), False


@dataclass(slots=True)
class SharedJournal(_Noted):
    """What waits in a database that other processes write to, too. All but ``waits`` belongs to the writer's thread.

    Nobody's checks know what others have noted: an entry waits as far as ``Kind.divide`` lets it.
    """

    waits: bool = False
    """Whether this process has noted what is not applied yet; ``holds_writes`` says it of all."""
    is_behind: bool = False
    _applied: int | None = None
    _dead: int = 0

    @property
    def is_untidy(self) -> bool:
        """Say whether so many rows have come and gone that whoever looks for others must pass them."""
        return self._dead >= MAX_DEAD

    def is_only_to_add(self, calls: Iterable[tuple[Deferred[Any, Any], tuple[Any, ...]]]) -> bool:
        """Say whether all that some calls will write may wait, with nothing to be applied before or with it."""
        return self.due_in != 0 and all(write.waits_wholly(*args) for write, args in calls)

    def note(self, tx: Connection, entries: Entries) -> None:
        """Add those parts of entries that may wait, and write the others."""
        waiting: Entries = []
        for kind, entry in entries:
            later, now = kind.divide(entry)
            if later is not None:
                waiting.append((kind, later))
            if now is not None:
                kind.apply(tx, [now])
        if waiting:
            self.add(tx, waiting)

    def apply(self, tx: Connection) -> None:
        """Write everything that waits into the tables, whoever noted it."""
        # Who applies the same rows waits here until the other has committed, and then finds them gone.
        rows = sorted(select_rows(tx, "DELETE FROM write_journal RETURNING id, writes"))
        self._write(tx, rows)
        self._applied = len(rows)

    def committed(self) -> None:
        """Take over what the transaction did."""
        self.known = {}
        self._dead += self._applied or 0
        self._take_over(applied=self._applied is not None)
        self.waits, self._applied = bool(self._rows), None

    def undone(self) -> None:
        """Forget what the transaction did."""
        self._give_up()
        self._applied = None

    def tidy(self, connection: Connection) -> None:
        """Give the room of rows that are gone back, outside of a transaction."""
        self._dead = 0  # whether it succeeds or not: the next try is due after as many
        with each_by_itself(connection):
            run_statement(connection, "VACUUM (SKIP_LOCKED) write_journal")


class Unsettled(MainspringError):
    """A read has found that writes wait, which must go into the tables first."""

    def __init__(self) -> None:
        super().__init__("Writes wait in the journal.")


def holds_writes(tx: Connection) -> bool:
    """Say whether some process has noted what is not in the tables yet."""
    [(waiting,)] = select_rows(tx, f"SELECT {WRITES_WAIT}")
    return bool(waiting)


def _write_all(tx: Connection, entries: Entries) -> None:
    """Write entries into the tables, those of a kind together."""
    by_kind: dict[Kind, list[Any]] = {}
    for kind, entry in entries:
        by_kind.setdefault(kind, []).append(entry)
    for kind, those in by_kind.items():
        kind.apply(tx, those)


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
