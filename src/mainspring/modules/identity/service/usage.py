"""Noting that credentials are used: gathered in the process, written down at most once a minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

import structlog
from sqlalchemy import Connection

from mainspring.db.engine import Database
from mainspring.kit.errors import MainspringError
from mainspring.kit.time import now_ms
from mainspring.modules.identity.service.sessions import DAY_MS, LONGEST_DAYS
from mainspring.modules.identity.store import accounts, credentials

EVERY_S = 60.0
EXTENDED_MS = 3_600_000
"""A session's end moves at most once in so long."""

log = structlog.get_logger(__name__)


class Usage:
    """What a process has seen of credentials since it last wrote that down."""

    def __init__(self, db: Database, session_days: int) -> None:
        self._db = db
        self._session_days = session_days
        self._seen: set[int] = set()
        self._written = time.monotonic()
        self._writing: asyncio.Task[None] | None = None

    def note(self, credential: int) -> None:
        """Note that a credential vouches for a request. Called in the event loop, by every request."""
        self._seen.add(credential)
        if time.monotonic() - self._written >= EVERY_S and self._writing is None:
            self._written = time.monotonic()
            self._writing = asyncio.create_task(self.write())

    async def write(self) -> None:
        """Write down what was seen."""
        seen, self._seen = self._seen, set()
        try:
            await self._db.write(record_uses, seen, self._session_days)
        except MainspringError as error:
            log.warning("uses_not_noted", error=error.message)
        finally:
            self._writing = None


def record_uses(tx: Connection, keys: Collection[int], session_days: int) -> None:
    """Note that credentials were just used: the end of a session moves on with it, at most once an hour."""
    now = now_ms()
    found = credentials.find_uses(tx, keys)
    credentials.set_uses(tx, [(now, _end(use, now, session_days), use.key) for use in found])
    accounts.note_seen(tx, {use.user for use in found}, now)


def _end(use: credentials.Use, now: int, session_days: int) -> int | None:
    idle = session_days * DAY_MS
    if use.kind != "session" or use.expires_at is None or use.expires_at - now > idle - EXTENDED_MS:
        return use.expires_at
    return max(use.expires_at, min(now + idle, use.created_at + LONGEST_DAYS * DAY_MS))
