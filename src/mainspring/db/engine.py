"""Opening a database, and running functions of a transaction against it.

Services are synchronous functions ``f(tx, …)`` on a SQLAlchemy connection. The edges run them by
``await database.read(f, …)`` (a thread, a read-only transaction), ``await database.write(f, …)``
(the group-commit writer) or, for short reads by an index, ``await database.look_up(f, …)``.
A read sees every write that was acknowledged before it began.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from mainspring.db.journal import Journal, SharedJournal, Unsettled, holds_writes
from mainspring.db.lookups import Lookup, Lookups
from mainspring.db.writer import GroupWriter, Write, settle
from mainspring.kit.errors import Internal, InvalidArgument, Unavailable
from mainspring.kit.sql_engines import (
    UNREACHABLE,
    create_read_engine,
    create_write_engine,
    embedded_file,
    readers,
    unavailable_reason,
)

P = ParamSpec("P")
T = TypeVar("T")

THREAD_WAIT_S = 10.0

log = structlog.get_logger(__name__)


class Database:
    """An open database: reads in a pool of threads, writes through one group-commit writer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.write_engine: Engine = create_write_engine(url)
        self.read_engine: Engine = create_read_engine(url, readers(url))
        self._threads = ThreadPoolExecutor(readers(url), thread_name_prefix="db-read")
        self._shared = embedded_file(url) is None
        self._writer = GroupWriter(self.write_engine, _journal(url))
        self._lookups = Lookups(url)

    async def read(self, query: Write[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``query(tx, *args)`` in a read-only transaction of its own, in a thread.

        Raises what the query raises, Unavailable where the database is away or no thread becomes free in time.
        """
        settled = self._writer.waits
        if settled:
            await self._writer.submit(settle)
        read = partial(query, **kwargs)
        try:
            return await self._in_thread(read, args, look=self._shared and not settled)
        except Unsettled:
            await self._writer.submit(settle)
            return await self._in_thread(read, args, look=False)

    async def _in_thread(self, query: partial[T], args: tuple[Any, ...], *, look: bool) -> T:
        # The context goes along, so that what a query logs carries the request's id.
        call = partial(copy_context().run, self._read, query, args, look)
        running = self._threads.submit(call)
        # What runs cannot be cancelled: only what still waits for a thread is given up.
        patience = asyncio.get_running_loop().call_later(THREAD_WAIT_S, running.cancel)
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            reason = f"The database is busy: {THREAD_WAIT_S:g} s were not enough to begin to read."
            raise Unavailable(reason, retry_after=1) from None
        finally:
            patience.cancel()

    def write(self, write: Write[P, T], *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        """Run ``write(tx, *args)`` and return its result once it is committed."""
        return self._writer.submit(write, *args, **kwargs)

    async def look_up(self, lookup: Lookup[Concatenate[bool, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of a short read, which goes together with others of the same moment.

        Its first argument says whether what waits in the journal has gone into the tables: where that is not known,
        and something waits, the lookup answers Unsettled.
        """
        if self._writer.waits:
            await self._writer.submit(settle)
        elif self._shared:
            with contextlib.suppress(Unsettled):
                return await self._lookups.get(lookup, False, *args, **kwargs)
            await self._writer.submit(settle)
        return await self._lookups.get(lookup, True, *args, **kwargs)

    def look_up_undeferred(self, lookup: Lookup[P, T], *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        """Look up as ``look_up`` does what no deferred write changes: it does not wait for the journal."""
        return self._lookups.get(lookup, *args, **kwargs)

    async def check(self) -> None:
        """Raise ``Unavailable`` unless the database answers."""
        await self.read(_ping)

    def close(self) -> None:
        """Commit what waits and close every connection."""
        self._writer.close()
        self._threads.shutdown()
        self._lookups.close()
        self.read_engine.dispose()
        self.write_engine.dispose()

    def _read(self, query: partial[T], args: tuple[Any, ...], look: bool) -> T:
        try:
            return self._query(query, args, look)
        except SQLAlchemyError as error:
            if reason := unavailable_reason(error):
                log.error("database_unavailable", reason=reason, error=str(error))
                raise Unavailable(reason, retry_after=1) from error
            log.exception("read_failed", query=query.func.__name__)
            raise Internal(f"The database refused {query.func.__name__}; see the server's log.") from error

    def _query(self, query: partial[T], args: tuple[Any, ...], look: bool) -> T:
        try:
            return self._begin(query, args, look)
        except SQLAlchemyError as error:
            if unavailable_reason(error) != UNREACHABLE:
                raise
        # The connection, and those beside it, may be older than a restart of the database.
        self.read_engine.dispose()
        return self._begin(query, args, look)

    def _begin(self, query: partial[T], args: tuple[Any, ...], look: bool) -> T:
        # Begun, so that all statements see one moment: those that go straight to the driver begin nothing.
        with self.read_engine.begin() as tx:
            if look and holds_writes(tx):
                raise Unsettled()
            return query(tx, *args)


def _journal(url: str) -> Journal | SharedJournal:
    file = embedded_file(url)
    return SharedJournal() if file is None else Journal(folder=file.parent)


def _ping(tx: Connection) -> None:
    tx.execute(text("SELECT 1"))


def check_url(url: str) -> str:
    """Return a database URL as the drivers want it, or raise InvalidArgument.

    ``sqlite:///path`` and ``postgresql://…`` (also ``postgres://``) are understood.
    """
    if url.startswith("sqlite:///"):
        return url
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    scheme = url.partition(":")[0]
    raise InvalidArgument(
        f"database_url has the scheme '{scheme}': use sqlite:///path/to/file.db or postgresql://user@host/database.",
        field="database_url",
    )
