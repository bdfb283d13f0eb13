"""Which one of the processes on a database runs the background tasks.

On PostgreSQL the leader holds an advisory lock by an open transaction, on a connection of its own.
That is simpler than a row that names the holder until some time: it needs no table and no clocks that
agree, it is free the moment its holder dies, and pgbouncer's transaction pooling keeps the connection
for as long as the transaction lasts. The transaction has no snapshot, so it holds back no vacuum; it
is ended and begun again every minute, so that no monitor takes it for one that was forgotten.

A leader whose connection was cut learns it at its next step only, when another may lead already:
steps must bear being run by two at once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import ExitStack

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from mainspring.kit.sql_engines import create_lock_engine, try_leader_lock

TERM_S = 60
ASK_AGAIN_S = 5

log = structlog.get_logger(__name__)


class Leader:
    """This process's claim to lead; an embedded database has the one process, which always leads."""

    def __init__(self, url: str) -> None:
        self._engine = create_lock_engine(url)
        self._guard = threading.Lock()
        self._held: Connection | None = None
        self._ask_at = 0.0
        self._term_ends = 0.0

    async def leads(self, *, may_yield: bool) -> bool:
        """Say whether this process leads now. ``may_yield`` lets a term that is over end: no step is under way."""
        return self._engine is None or await asyncio.to_thread(self._claim, may_yield)

    def close(self) -> None:
        """Give the lead up."""
        with self._guard:
            self._drop()

    def _claim(self, may_yield: bool) -> bool:
        with self._guard:
            now = time.monotonic()
            if self._held and may_yield and now >= self._term_ends:
                self._drop()
            try:
                if self._held:
                    self._held.exec_driver_sql("SELECT 1")
                elif now >= self._ask_at:
                    self._ask(now)
            except SQLAlchemyError as error:
                log.warning("leader_lock_lost", error=str(error))
                if self._held:
                    self._held.invalidate()
                self._drop()
            return self._held is not None

    def _ask(self, now: float) -> None:
        """Open a connection and keep it if it gets the lock."""
        assert self._engine is not None
        self._ask_at, self._term_ends = now + ASK_AGAIN_S, now + TERM_S
        with ExitStack() as refused:
            asking = refused.enter_context(self._engine.connect())
            if try_leader_lock(asking):
                self._held = asking
                refused.pop_all()

    def _drop(self) -> None:
        held, self._held = self._held, None
        if held:
            held.close()
