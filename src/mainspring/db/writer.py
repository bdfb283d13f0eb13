"""The group-commit writer: every write of a process goes through one thread and few transactions.

Requests wait while one transaction takes what has gathered, and are answered after its commit, so
that "acknowledged" means "committed" and a disk flush is shared by all who wait for it. A member
that fails fails alone: it is undone to its savepoint, the rest commit. On an embedded database
deferred writes wait in the journal until somebody asks for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mainspring.db.gathering import Gathering
from mainspring.db.journal import Deferred, Entries, Journal, SharedJournal
from mainspring.db.kept import KeptConnection
from mainspring.kit.errors import Internal, MainspringError, RateLimited, Unavailable
from mainspring.kit.events import told_last
from mainspring.kit.sql_engines import UNREACHABLE, each_by_itself, unavailable_reason

P = ParamSpec("P")
T = TypeVar("T")
Write = Callable[Concatenate[Connection, P], T]

MAX_PENDING = 20_000
MAX_GROUP = 512
ATTEMPTS = 4

log = structlog.get_logger(__name__)


class Grouped(Generic[P, T]):
    """A write whose calls of one transaction are carried out together, by a few statements.

    ``many`` takes the arguments of all calls and gives each its result or its MainspringError;
    a call that gets an error must have written nothing.
    """

    def __init__(self, many: Callable[[Connection, list[tuple[Any, ...]]], Sequence[T | MainspringError]]) -> None:
        self.many = many
        self.__doc__ = many.__doc__
        self.__name__ = many.__name__

    def __call__(self, tx: Connection, *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out one call by itself in the caller's transaction."""
        _by_position(self, kwargs)
        [outcome] = self.many(tx, [args])
        if isinstance(outcome, MainspringError):
            raise outcome
        return outcome


def _settle(tx: Connection, calls: list[tuple[Any, ...]]) -> list[None]:
    return [None] * len(calls)


settle: Grouped[[], None] = Grouped(_settle)
"""Write nothing, but after all that waits in the journal: ``settle(tx)``."""


def _by_position(write: Grouped[Any, Any] | Deferred[Any, Any], kwargs: dict[str, Any]) -> None:
    if kwargs:
        raise TypeError(f"{write.__name__} takes its arguments by position; got {', '.join(kwargs)} by name")


@dataclass(slots=True, eq=False)
class _Member:
    write: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    context: Context | None
    """Of a write that is carried out by itself: what it publishes carries the request along."""
    outcome: Any = None

    def carry_out(self, tx: Connection) -> None:
        """Call the write. Raises what it raises."""
        assert self.context is not None
        self.outcome = self.context.run(self.write, tx, *self.args, **self.kwargs)


class GroupWriter:
    """One thread that owns the write connection; ``submit`` is called from event loops."""

    def __init__(self, engine: Engine, journal: Journal | SharedJournal) -> None:
        self._engine = engine
        self._journal = journal
        self._pending: deque[_Member] = deque()
        self._calls: SimpleQueue[None] = SimpleQueue()
        self._gathering = Gathering(self._call)
        self._kept = KeptConnection(engine)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    @property
    def waits(self) -> bool:
        """Whether acknowledged writes are not in the tables yet; ``settle`` puts them there."""
        return self._journal.waits

    async def submit(self, write: Write[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``write(tx, *args)`` in the next transaction and return its result once it is committed.

        Raises what the write raises, RateLimited where too many wait already, Unavailable where
        the database refuses.
        """
        loop = asyncio.get_running_loop()
        context = None
        if isinstance(write, Grouped | Deferred):
            _by_position(write, kwargs)
        else:
            context = copy_context()
        if self._closing:
            raise _stopping()
        if len(self._pending) >= MAX_PENDING:
            raise RateLimited(f"{MAX_PENDING} writes wait already; send the request again later.", retry_after=1)
        member = _Member(write, args, kwargs, loop.create_future(), loop, context)
        self._pending.append(member)
        self._gathering.come(loop, len(self._pending))
        result: T = await member.future
        return result

    def _call(self) -> None:
        if self._pending:
            self._calls.put(None)

    def close(self) -> None:
        """Commit what waits, then stop the thread."""
        self._closing = True
        self._calls.put(None)
        self._thread.join()
        self._kept.let_go()
        late = self._take()
        for member in late:
            member.outcome = _stopping()
        _answer(late)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            with contextlib.suppress(Empty):
                self._calls.get(timeout=self._journal.due_in)
            stopping = self._closing
            members = self._take()
            while members:
                self._commit_surely(members)
                self._gathering.usual = len(members) + len(self._pending)
                _answer(members)
                members = self._take() if stopping or len(members) == MAX_GROUP else []
            if self._journal.due_in is not None and (stopping or self._journal.due_in == 0):
                self._commit_surely([])
            if isinstance(self._journal, SharedJournal) and self._journal.is_untidy:
                self._tidy(self._journal)

    def _take(self) -> list[_Member]:
        return [self._pending.popleft() for _ in range(min(len(self._pending), MAX_GROUP))]

    def _commit_surely(self, members: list[_Member]) -> None:
        """Commit, and let no error of our own end the thread."""
        try:
            self._commit(members)
        except Exception as error:  # noqa: BLE001 - a log that cannot be written, say
            for member in members:
                member.outcome = Internal(f"The writer failed: {type(error).__name__}; see the server's log.")

    def _commit(self, members: list[_Member], attempt: int = 1) -> None:
        """Set every member's outcome, each committed or undone. Without members, apply what waits in the journal."""
        applied = False
        try:
            connection = self._kept.get()
            if self._is_only_to_note(members):
                with each_by_itself(connection):
                    entries = _check(connection, members, self._journal.known)
                    if entries:  # what waits where it can break here may be noted twice
                        self._journal.add(connection, entries)
            else:
                with connection.begin():
                    with told_last(connection):
                        self._carry_out(connection, members)
                    applied = True
            self._journal.committed()
        except Exception as error:  # noqa: BLE001 - whatever a write raises is its caller's answer
            self._journal.undone()
            self._recover(members, error, attempt, applied)

    def _tidy(self, journal: SharedJournal) -> None:
        try:
            journal.tidy(self._kept.get())
        except SQLAlchemyError as error:
            self._kept.let_go()
            log.warning("journal_not_tidied", error=str(error))

    def _is_only_to_note(self, members: list[_Member]) -> bool:
        """Say whether all that is to be done is one statement, which is committed by itself."""
        calls = [(member.write, member.args) for member in members if isinstance(member.write, Deferred)]
        return 0 < len(calls) == len(members) and self._journal.is_only_to_add(calls)

    def _carry_out(self, tx: Connection, members: list[_Member]) -> None:
        deferred = [member for member in members if isinstance(member.write, Deferred)]
        others = [member for member in members if not isinstance(member.write, Deferred)]
        journal = self._journal
        if others or not members or journal.is_behind or journal.due_in == 0:
            journal.apply(tx)
        _apply(tx, others)
        if deferred:
            journal.note(tx, _check(tx, deferred, journal.known))

    def _recover(self, members: list[_Member], error: Exception, attempt: int, applied: bool) -> None:
        """After a transaction was undone: try each of its members by itself, or say why not."""
        reason = unavailable_reason(error) if isinstance(error, SQLAlchemyError) else None
        if reason == UNREACHABLE:
            # The connection may be older than a restart of the database. What broke before its commit may
            # be tried again on a new one; whether a commit that broke took place is not known.
            self._kept.let_go()
            self._engine.dispose()
        if reason == UNREACHABLE and not applied and attempt == 1:
            self._commit(members, attempt + 1)
        elif reason:
            log.error("database_unavailable", reason=reason, error=str(error))
            for member in members:
                member.outcome = Unavailable(reason, retry_after=1)
        elif not members:
            log.error("journal_not_applied", exc_info=error)
        elif len(members) > 1:
            for member in members:
                self._commit([member])
        elif isinstance(error, MainspringError):
            members[0].outcome = error
        elif isinstance(error, DBAPIError) and attempt < ATTEMPTS:
            # It may have lost a race: a deadlock, a key that another process took.
            self._commit(members, attempt + 1)
        else:
            name = members[0].write.__name__
            log.error("write_failed", write=name, exc_info=error)
            members[0].outcome = Internal(f"The database refused {name}; see the server's log.")


def _stopping() -> Unavailable:
    return Unavailable("The server is stopping; send the request again.", retry_after=1)


def _apply(tx: Connection, members: list[_Member]) -> None:
    grouped: dict[Grouped[Any, Any], list[_Member]] = {}
    for member in members:
        if isinstance(member.write, Grouped):
            grouped.setdefault(member.write, []).append(member)
        elif len(members) == 1:
            member.carry_out(tx)
        else:
            _apply_in_savepoint(tx, member)
    for write, calls in grouped.items():
        for member, outcome in zip(calls, write.many(tx, [call.args for call in calls]), strict=True):
            member.outcome = outcome


def _check(tx: Connection, members: list[_Member], known: dict[Any, Any]) -> Entries:
    """Set the outcomes of deferred writes, and return what they are going to write."""
    calls: dict[Deferred[Any, Any], list[_Member]] = {}
    for member in members:
        assert isinstance(member.write, Deferred)
        calls.setdefault(member.write, []).append(member)
    entries: Entries = []
    for write, those in calls.items():
        outcomes, entry = write.check(tx, [member.args for member in those], known)
        for member, outcome in zip(those, outcomes, strict=True):
            member.outcome = outcome
        if not all(isinstance(outcome, MainspringError) for outcome in outcomes):
            entries.append((write.kind, entry))
    return entries


def _apply_in_savepoint(tx: Connection, member: _Member) -> None:
    try:
        with told_last(tx), tx.begin_nested():
            member.carry_out(tx)
    except MainspringError as error:
        member.outcome = error


def _answer(members: list[_Member]) -> None:
    """Hand the outcomes to the event loops that wait, one wake-up each."""
    loops: dict[asyncio.AbstractEventLoop, list[_Member]] = {}
    for member in members:
        loops.setdefault(member.loop, []).append(member)
    for loop, waiting in loops.items():
        # A loop that was closed has nobody left to tell; the write stands.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_resolve, waiting)


def _resolve(members: list[_Member]) -> None:
    for member in members:
        if member.future.done():  # its request went away
            continue
        if isinstance(member.outcome, MainspringError):
            member.future.set_exception(member.outcome)
        else:
            member.future.set_result(member.outcome)
