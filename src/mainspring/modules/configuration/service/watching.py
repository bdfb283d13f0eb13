"""Who waits for changes of documents: a process asks the database for all of them together, while anyone waits.

Changes of any process are seen: their revisions are handed out one after the other, each committed before the next.
Who waits holds neither a thread nor a connection to the database.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import msgspec
import structlog
from sqlalchemy import Connection

from mainspring.db.engine import Database
from mainspring.db.lookups import Lookup
from mainspring.kit.actors import Actor
from mainspring.kit.errors import MainspringError, RateLimited
from mainspring.kit.permissions import Permission
from mainspring.modules.configuration.schemas import EffectiveDocument, Environment
from mainspring.modules.configuration.service.effective import effective_after, get_effective
from mainspring.modules.configuration.store import documents as store
from mainspring.modules.configuration.store.documents import INSTANCE, Touched

POLL_S = 0.25
RECHECK_S = 2.0
"""How long a stream may go on after its reader has lost the right to it."""
HEARTBEAT_S = 15.0
MAX_LISTENERS = 2000
MAX_LISTENERS_EACH = 200
MAX_TOUCHED = 1000

Again = Callable[[], Awaitable[Actor]]
"""Asks anew who makes a request, and raises where its credential is no good any more."""
Events = AsyncIterator[bytes]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Asking:
    """Who asks, who that is after a while, and what is set when the server stops."""

    actor: Actor
    again: Again
    stopping: asyncio.Event

    async def renew(self) -> None:
        """Ask anew who it is, as rights are taken away meanwhile."""
        self.actor = await self.again()
        self.actor.require(Permission.CONFIGURATION_READ)


@dataclass(eq=False, slots=True)
class Listener:
    """Someone who waits for a document; ``changed`` is set when it may be worth a look."""

    project: int
    name: str
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def cares(self, touched: Touched) -> bool:
        """Say whether a change may concern this one."""
        return touched.name == self.name and touched.project in (self.project, INSTANCE)


def _newest(tx: Connection, calls: list[tuple[()]]) -> list[int]:
    return [store.get_revision(tx)] * len(calls)


newest_revision: Lookup[[], int] = Lookup(_newest)
"""The number of the last change."""


class Changes:
    """The changes of a process's database, told to those who wait for them."""

    def __init__(self, db: Callable[[], Database]) -> None:
        """``db`` gives the database, once somebody waits."""
        self._db = db
        self._listeners: set[Listener] = set()
        self._of_each: Counter[tuple[int, str]] = Counter()
        self._polling: asyncio.Task[None] | None = None
        self._seen = 0

    async def wait(
        self, asking: Asking, name: str, environment: Environment | None, after: int | None, seconds: float
    ) -> EffectiveDocument:
        """Return what holds once its revision is not ``after``; in any case after so many seconds.

        Raises what ``get_effective`` does, and RateLimited where too many wait.
        """
        if after is None or not seconds:
            return await self._db().read(get_effective, asking.actor, name, environment)
        ends = asyncio.get_running_loop().time() + seconds
        with self._listening(asking, name) as listener:
            while True:
                listener.changed.clear()
                found = await self._db().read(get_effective, asking.actor, name, environment)
                while not listener.changed.is_set():
                    left = ends - asyncio.get_running_loop().time()
                    if found.revision != after or left <= 0 or asking.stopping.is_set():
                        return found
                    await _changed_within(listener, min(left, RECHECK_S))
                    await asking.renew()

    async def follow(self, asking: Asking, name: str, environment: Environment | None, after: int | None) -> Events:
        """Return server-sent events: what holds now, or held after each change behind ``after``; then each change.

        They end when the server stops, and when who asks may read no more. Raises as ``wait`` does.
        """
        self._check_room(asking.actor)
        await self._db().read(get_effective, asking.actor, name, environment)
        return self._events(asking, name, environment, after)

    async def _events(self, asking: Asking, name: str, environment: Environment | None, after: int | None) -> Events:
        seen, silent = after, 0.0
        try:
            with self._listening(asking, name) as listener:
                listener.changed.set()
                while not asking.stopping.is_set():
                    worth_a_look = listener.changed.is_set()
                    listener.changed.clear()  # before the look: what changes meanwhile is worth another
                    for each in await self._next(asking.actor, name, environment, seen) if worth_a_look else []:
                        listener.changed.set()  # there may be more
                        yield b"id: %d\nevent: change\ndata: %b\n\n" % (each.revision, msgspec.json.encode(each))
                        seen, silent = each.revision, 0.0
                    await _changed_within(listener, RECHECK_S)
                    await asking.renew()
                    silent += RECHECK_S
                    if silent >= HEARTBEAT_S:
                        yield b": nothing new\n\n"
                        silent = 0.0
        except MainspringError as error:  # its reader comes back, and is told then
            log.info("stream_ended", document=name, reader=asking.actor.name, reason=error.message)

    async def _next(
        self, actor: Actor, name: str, environment: Environment | None, seen: int | None
    ) -> list[EffectiveDocument]:
        if seen is None:
            return [await self._db().read(get_effective, actor, name, environment)]
        return await self._db().read(effective_after, actor, name, environment, seen)

    def _check_room(self, actor: Actor) -> None:
        if len(self._listeners) >= MAX_LISTENERS or self._of_each[actor.project, actor.name] >= MAX_LISTENERS_EACH:
            raise RateLimited(
                f"Too many wait for changes already: {MAX_LISTENERS_EACH} of one account in a project, {MAX_LISTENERS} "
                "of one server process.",
                retry_after=10,
            )

    @contextmanager
    def _listening(self, asking: Asking, name: str) -> Iterator[Listener]:
        """Have a listener woken while the block lasts. Raises RateLimited where too many wait."""
        self._check_room(asking.actor)
        who = (asking.actor.project, asking.actor.name)
        listener = Listener(asking.actor.project, name)
        self._listeners.add(listener)
        self._of_each[who] += 1
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll(asking.stopping))
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            self._of_each -= Counter([who])

    async def _poll(self, stopping: asyncio.Event) -> None:
        """Ask for the last revision again and again while somebody waits, and wake those whom a change concerns."""
        try:
            while self._listeners and not stopping.is_set():
                await self._look()
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), POLL_S)
        finally:
            self._polling = None
            self._wake(self._listeners)

    async def _look(self) -> None:
        try:
            newest = await self._db().look_up_undeferred(newest_revision)
            if newest == self._seen:
                return
            touched = await self._db().read(store.touched_after, self._seen, MAX_TOUCHED)
        except MainspringError as error:
            log.warning("changes_not_seen", reason=error.message)
            return
        if len(touched) < MAX_TOUCHED and newest > self._seen:
            self._wake(each for each in self._listeners if any(each.cares(one) for one in touched))
        else:  # too many to tell apart, or another database
            self._wake(self._listeners)
        self._seen = newest

    def _wake(self, listeners: Iterable[Listener]) -> None:
        for listener in listeners:
            listener.changed.set()


async def _changed_within(listener: Listener, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(listener.changed.wait(), seconds)
