"""Short reads that many requests ask at once: those of one turn of the event loop go by one statement.

On SQLite they run in the event loop itself, where a look at an index costs less than handing it to a thread;
on PostgreSQL in a thread, and what comes meanwhile goes by the next statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from mainspring.db.gathering import Gathering
from mainspring.db.kept import KeptConnection
from mainspring.kit.errors import Internal, MainspringError, Unavailable
from mainspring.kit.sql_engines import UNREACHABLE, create_lookup_engine, embedded_file, unavailable_reason

P = ParamSpec("P")
T = TypeVar("T")

Many = Callable[[Connection, list[tuple[Any, ...]]], Sequence[Any]]
Outcomes = Sequence[Any] | MainspringError
"""A result or an error for each call, or the one error of all."""

ANSWER_WAIT_S = 10.0

log = structlog.get_logger(__name__)


class Lookup(Generic[P, T]):
    """A read whose calls are carried out together, by one statement that finds its rows by an index.

    ``many`` takes the arguments of all calls and gives each its result or its MainspringError.
    """

    def __init__(self, many: Callable[[Connection, list[tuple[Any, ...]]], Sequence[T | MainspringError]]) -> None:
        self.many = many
        self.__doc__ = many.__doc__
        self.__name__ = many.__name__


Calls = list[tuple[tuple[Any, ...], "asyncio.Future[Any]"]]


@dataclass(slots=True)
class _Group:
    """Lookups that go together; ``patience`` ends their waiting where a thread runs them."""

    calls: dict[Many, Calls] = field(default_factory=dict)
    count: int = 0
    patience: asyncio.TimerHandle | None = None


class Lookups:
    """Gathers lookups while the last ones run, and runs them together."""

    def __init__(self, url: str) -> None:
        self._engine = create_lookup_engine(url)
        self._thread = None if embedded_file(url) else ThreadPoolExecutor(1, thread_name_prefix="db-lookup")
        self._kept = KeptConnection(self._engine)
        self._group = _Group()
        self._running = False
        self._gathering = Gathering(self._run)

    async def get(self, lookup: Lookup[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of one call. Raises what the lookup raises, Unavailable where the database is away."""
        assert not kwargs, "a lookup takes its arguments by position"
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        group = self._group
        group.calls.setdefault(lookup.many, []).append((args, future))
        group.count += 1
        if self._thread and group.patience is None:
            group.patience = loop.call_later(ANSWER_WAIT_S, self._give_up, group)
        if not self._running:
            self._gathering.come(loop, group.count)
        return await future

    def close(self) -> None:
        """Let what runs come to its end, and close the connections."""
        if self._thread:
            self._thread.shutdown()
        self._kept.let_go()
        self._engine.dispose()

    def _run(self) -> None:
        group, self._group = self._group, _Group()
        if self._thread:
            self._running = True
            running = asyncio.get_running_loop().run_in_executor(self._thread, self._look_in_thread, group)
            running.add_done_callback(partial(self._finish, group))
        else:
            for many, calls in group.calls.items():
                _answer(calls, self._look_here(many, calls))

    def _look_here(self, many: Many, calls: Calls) -> Outcomes:
        try:
            return _look(self._kept.get(), many, calls)
        except Exception as error:  # noqa: BLE001 - whatever a lookup raises is its callers' answer
            return _failure(error)

    def _look_in_thread(self, group: _Group) -> list[Outcomes]:
        try:
            return self._look_at_all(group)
        except SQLAlchemyError as error:
            if unavailable_reason(error) != UNREACHABLE:
                raise
            # The connection may be older than a restart of the database.
            self._kept.let_go()
            self._engine.dispose()
            return self._look_at_all(group)

    def _look_at_all(self, group: _Group) -> list[Outcomes]:
        tx = self._kept.get()
        return [_look(tx, many, calls) for many, calls in group.calls.items()]

    def _finish(self, group: _Group, running: asyncio.Future[list[Outcomes]]) -> None:
        if group.patience:
            group.patience.cancel()
        error = running.exception()
        outcomes = [_failure(error)] * len(group.calls) if error else running.result()
        for calls, found in zip(group.calls.values(), outcomes, strict=True):
            _answer(calls, found)
        self._running = False
        self._gathering.usual = group.count + self._group.count
        if self._group.count:
            self._gathering.come(asyncio.get_running_loop(), self._group.count)

    def _give_up(self, group: _Group) -> None:
        if group is self._group:  # who comes from now on waits as long again
            self._group = _Group()
        reason = f"The database is busy: it has not answered for {ANSWER_WAIT_S:g} s."
        for calls in group.calls.values():
            _answer(calls, Unavailable(reason, retry_after=1))


def _look(tx: Connection, many: Many, calls: Calls) -> Outcomes:
    return many(tx, [args for args, _ in calls])


def _failure(error: BaseException) -> MainspringError:
    """Return what callers are told of an error, and log it."""
    if isinstance(error, MainspringError):
        return error
    if isinstance(error, SQLAlchemyError) and (reason := unavailable_reason(error)):
        log.error("database_unavailable", reason=reason, error=str(error))
        return Unavailable(reason, retry_after=1)
    log.error("lookup_failed", exc_info=error)
    return Internal("The database refused a lookup; see the server's log.")


def _answer(calls: Calls, outcomes: Outcomes) -> None:
    each = [outcomes] * len(calls) if isinstance(outcomes, MainspringError) else outcomes
    for (_, future), outcome in zip(calls, each, strict=True):
        if future.done():  # its request went away
            continue
        if isinstance(outcome, MainspringError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
