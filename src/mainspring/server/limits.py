"""How many requests may come in a time: per user, per credential, per project, and per address for nobody.

Windows are fixed, and begin at another moment for each subject, so that those who must wait do not all come back
at once. They are counted in this process, or in a Redis that processes share; while that is away each process
counts for itself. What is refused counts too, for nobody but the subject that had too many.

The library ``limits`` reads the notation and counts in Redis. Its counters in memory are not used: they look
through all subjects in each turn of the event loop, which a flood from many addresses makes 5 ms a request.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from ipaddress import IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import structlog

from mainspring.kit.actors import Actor, ActorKind
from mainspring.kit.errors import InvalidArgument, RateLimited
from mainspring.kit.permissions import Permission
from mainspring.kit.rates import Rate, Subject
from mainspring.modules.artifacts.service import TRANSFERS
from mainspring.settings import mask

if TYPE_CHECKING:
    from limits.aio.storage import RedisStorage
    from redis.asyncio import BlockingConnectionPool

MAX_SUBJECTS = 100_000
"""Subjects of a rate that a process counts at most: past it those begin anew whose window is over, or all."""
REDIS_WAIT_S = 0.25
ASK_AGAIN_S = 5.0
COMPLAIN_S = 60.0
CONNECTIONS = 32

log = structlog.get_logger(__name__)
Header = tuple[bytes, bytes]


UNCOUNTED = frozenset({"/", "/livez", "/readyz", "/health", "/version"})


def is_counted(path: str) -> bool:
    """Say whether requests of a path are counted: not those of monitors or by a signed URL, nor the pages' files."""
    return path not in UNCOUNTED and not path.startswith((f"{TRANSFERS}/", "/-/", "/mlflow/static-files/"))


class Counted(NamedTuple):
    """What came of counting a request: the headers of its answer, and the refusal if it was one too many."""

    headers: list[Header]
    refusal: RateLimited | None = None


NOT_COUNTED = Counted([])


class RateLimits:
    """The counters of a server process."""

    def __init__(self, rates: Sequence[Rate], storage_url: str = "") -> None:
        """``storage_url`` is a Redis; empty: memory. Raises InvalidArgument."""
        self._counters = [_Counter(rate) for rate in rates]
        self._shared = _SharedCounters(storage_url) if storage_url else None

    async def check(self, actor: Actor, address: str) -> Counted:
        """Count a request of an actor that came from an address, by each rate that is about either."""
        now = time.time()
        states: list[_State] = []
        for counter in self._counters:
            subject = _subject(counter.rate.subject, actor, address)
            if subject is None:
                continue
            counted = await self._shared.add(counter.rate, subject, now) if self._shared else None
            count, ends = counted or counter.add(subject, now)
            left = counter.rate.requests - count
            states.append(_State(counter, max(0, left), math.ceil(ends - now)))
            if left < 0:
                return Counted(_headers(states), _refusal(states[-1]))
        return Counted(_headers(states)) if states else NOT_COUNTED

    async def close(self) -> None:
        """Close the connections."""
        if self._shared:
            await self._shared.close()


class _State(NamedTuple):
    """How much of a rate is left to a subject, and for how many seconds that is so."""

    counter: _Counter
    left: int
    seconds: int


def _subject(subject: Subject, actor: Actor, address: str) -> int | str | None:
    """Return whose requests a request is counted with, or None where it is not this rate's."""
    if actor.kind is ActorKind.NOBODY:
        return _network(address) if subject is Subject.ADDRESS else None
    if subject is Subject.USER:
        return actor.key
    if subject is Subject.KEY:
        return actor.credential
    # Who may not even read a project must not be able to use up what its members are allowed.
    return actor.project if subject is Subject.PROJECT and actor.may(Permission.PROJECT_READ) else None


def _network(address: str) -> str:
    """Return an address, or the /64 of an IPv6 one: whoever has one has them all."""
    if ":" not in address:
        return address
    return str(IPv6Network((int(ip_address(address)), 64), strict=False))


def _headers(states: Sequence[_State]) -> list[Header]:
    """Return the fields that tell a client how much is left.

    ``RateLimit-Policy`` and ``RateLimit`` are draft-ietf-httpapi-ratelimit-headers-10; the three older ones are
    of its draft 07, which most clients know, about the rate of which the smallest part is left.
    """
    least = states[0] if len(states) == 1 else min(states, key=lambda state: state.left / state.counter.rate.requests)
    limits = [b"%b;r=%d;t=%d" % (state.counter.name, state.left, state.seconds) for state in states]
    return [
        (b"ratelimit-policy", b", ".join([state.counter.policy for state in states])),
        (b"ratelimit", b", ".join(limits)),
        (b"ratelimit-limit", b"%d" % least.counter.rate.requests),
        (b"ratelimit-remaining", b"%d" % least.left),
        (b"ratelimit-reset", b"%d" % least.seconds),
    ]


_WHOSE = {
    Subject.USER: "this account",
    Subject.KEY: "this credential",
    Subject.PROJECT: "this project",
    Subject.ADDRESS: "this address, from which nobody has signed in",
}


def _refusal(state: _State) -> RateLimited:
    rate, wait = state.counter.rate, max(1, state.seconds)
    return RateLimited(
        f"Too many requests of {_WHOSE[rate.subject]}: at most {rate.requests} in {rate.seconds} s. "
        f"Send the request again in {wait} s.",
        retry_after=wait,
    )


def _window(rate: Rate, subject: int | str, now: float) -> tuple[int, float]:
    """Return the number of the window that a subject is in, and when it ends."""
    shift = crc32(str(subject).encode()) % rate.seconds
    number = int(now + shift) // rate.seconds
    return number, float((number + 1) * rate.seconds - shift)


class _Counter:
    """The counts of one rate in the memory of this process."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.name = b'"%b"' % rate.name.encode()
        self.policy = b"%b;q=%d;w=%d" % (self.name, rate.requests, rate.seconds)
        self._windows: dict[int | str, tuple[int, float]] = {}

    def add(self, subject: int | str, now: float) -> tuple[int, float]:
        """Count one more, and return how many these are, and when counting begins anew."""
        count, ends = self._windows.get(subject, (0, 0.0))
        if ends <= now:
            self._make_room(now)
            count, ends = 0, _window(self.rate, subject, now)[1]
        self._windows[subject] = (count + 1, ends)
        return count + 1, ends

    def _make_room(self, now: float) -> None:
        if len(self._windows) < MAX_SUBJECTS:
            return
        self._windows = {subject: each for subject, each in self._windows.items() if each[1] > now}
        if len(self._windows) > MAX_SUBJECTS // 2:
            self._windows.clear()


class _SharedCounters:
    """Counters in a Redis, which is not waited for long: while it is away it is asked again now and then."""

    def __init__(self, url: str) -> None:
        self._shown = mask(url)
        self._ask_at = self._complain_at = 0.0
        self._pool, self._redis = _open(url)

    async def add(self, rate: Rate, subject: int | str, now: float) -> tuple[int, float] | None:
        """Count one more, and return how many these are, and when counting begins anew; None where Redis is away."""
        from limits.errors import StorageError

        if time.monotonic() < self._ask_at:
            return None
        number, ends = _window(rate, subject, now)
        try:
            return await self._redis.incr(f"{rate.name}:{subject}:{number}", rate.seconds), ends
        except StorageError as error:
            self._give_up(error)
            return None

    def _give_up(self, error: Exception) -> None:
        now = time.monotonic()
        self._ask_at = now + ASK_AGAIN_S
        if now >= self._complain_at:
            self._complain_at = now + COMPLAIN_S
            counting = "by each process for itself"
            log.warning("rate_limit_storage_away", storage=self._shown, error=repr(error.__cause__), counting=counting)

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.aclose()


def _open(url: str) -> tuple[BlockingConnectionPool, RedisStorage]:
    try:
        from limits.aio.storage import RedisStorage
        from redis.asyncio import BlockingConnectionPool
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as error:
        raise InvalidArgument(
            "The setting rate_limit_storage names a Redis, for which its client is missing: install mainspring[redis].",
            field="rate_limit_storage",
        ) from error
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=REDIS_WAIT_S,
            socket_timeout=REDIS_WAIT_S,
            socket_connect_timeout=REDIS_WAIT_S,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise InvalidArgument(
            f"The setting rate_limit_storage is '{mask(url)}'; it must be like redis://host:6379/0.",
            field="rate_limit_storage",
        ) from error
    options: dict[str, Any] = {"implementation": "redispy", "key_prefix": "mainspring", "connection_pool": pool}
    return pool, RedisStorage(f"async+{url}", wrap_exceptions=True, **options)
