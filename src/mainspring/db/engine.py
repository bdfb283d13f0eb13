"""Opening a database, and running functions of a transaction against it.

Services are synchronous functions ``f(tx, …)`` on a SQLAlchemy connection. The edges run them by
``await database.read(f, …)`` (a thread, a read-only transaction) or ``await database.write(f, …)``
(the group-commit writer).
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from mainspring.db.writer import GroupWriter, Write
from mainspring.kit.errors import Internal, InvalidArgument, Unavailable
from mainspring.kit.sql_engines import create_read_engine, create_write_engine, readers, unavailable_reason

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)


class Database:
    """An open database: reads in a pool of threads, writes through one group-commit writer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.write_engine: Engine = create_write_engine(url)
        self.read_engine: Engine = create_read_engine(url, readers(url))
        self._threads = ThreadPoolExecutor(readers(url), thread_name_prefix="db-read")
        self._writer = GroupWriter(self.write_engine)

    async def read(self, query: Write[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``query(tx, *args)`` in a read-only transaction of its own, in a thread."""
        loop = asyncio.get_running_loop()
        # The context goes along, so that what a query logs carries the request's id.
        call = partial(copy_context().run, self._read, partial(query, **kwargs), args)
        return await loop.run_in_executor(self._threads, call)

    async def write(self, write: Write[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``write(tx, *args)`` and return its result once it is committed."""
        return await self._writer.submit(write, *args, **kwargs)

    async def check(self) -> None:
        """Raise ``Unavailable`` unless the database answers."""
        await self.read(_ping)

    def close(self) -> None:
        """Commit what waits and close every connection."""
        self._writer.close()
        self._threads.shutdown()
        self.read_engine.dispose()
        self.write_engine.dispose()

    def _read(self, query: partial[T], args: tuple[Any, ...]) -> T:
        try:
            with self.read_engine.connect() as tx:
                return query(tx, *args)
        except SQLAlchemyError as error:
            if reason := unavailable_reason(error):
                log.error("database_unavailable", reason=reason, error=str(error))
                raise Unavailable(reason, retry_after=1) from error
            log.exception("read_failed", query=query.func.__name__)
            raise Internal(f"The database refused {query.func.__name__}; see the server's log.") from error


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
