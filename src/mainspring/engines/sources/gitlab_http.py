"""How GitLab is asked: by calls that are bounded in time, size and number, and tried again while that may help.

A token goes to GitLab's own address alone, in a header. Cookies are not kept: they would mix up those who ask.
"""

from __future__ import annotations

import asyncio
import base64
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

from mainspring.engines.sources.gitlab_answers import (
    AWAY,
    REDIRECTS,
    TOO_MANY,
    Asker,
    Passing,
    Refusal,
    decoded,
    moved_project,
    next_page,
    pause_s,
    told_at,
    told_to_wait_s,
)
from mainspring.engines.sources.gitlab_circuit import Circuit, Rates
from mainspring.engines.sources.gitlab_urls import joined, origin, split
from mainspring.kit.errors import InvalidArgument, MainspringError, Unauthenticated, Unavailable

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

MAX_REDIRECTS = 3
MAX_PAGES = 100_000
MAX_TOKEN = 8192


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, how often and how much at a time GitLab is asked: seconds, counts, bytes.

    ``patience_s`` is how long a question with a user's token waits for the rate limit: the user waits, too.
    ``own_patience_s`` is that of our own, most of which are asked in the background; the limits are by the minute.
    """

    connect_s: float = 5.0
    attempt_s: float = 15.0
    whole_s: float = 30.0
    silence_s: float = 30.0
    tries: int = 3
    pause_s: float = 0.3
    patience_s: float = 10.0
    own_patience_s: float = 75.0
    away_s: float = 5.0
    calls: int = 10
    transfers: int = 40
    answer_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """A question: ``what`` it is about, for messages, and with whose ``token``, None for our own.

    ``follows`` says that the answer may be had elsewhere, to which no token goes: the call is ``bare`` then. ``git``
    says that the address is one of git's, which take a token as a password. ``bytes_range`` is a ``Range`` header.
    """

    what: str
    url: str
    token: str | None = field(default=None, repr=False)
    params: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    bytes_range: str = ""
    follows: bool = False
    bare: bool = False
    git: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``stream`` is the answer while it is open, ``body`` all of one that was read, and ``value`` that
    as it was asked for. ``elsewhere`` says that GitLab led to another place, which sent it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    value: Any = field(default=None, repr=False)
    elsewhere: bool = False
    stream: httpx.Response | None = field(default=None, repr=False)

    @property
    def good(self) -> bool:
        """Whether it is what was asked for."""
        return 200 <= self.status < 300

    async def close(self) -> None:
        """Read no more of it."""
        if self.stream is not None:
            await self.stream.aclose()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list, and what to ask the next one with, None after the last.

    ``told_at`` is when GitLab told it, by its clock, in milliseconds since the epoch; 0 where it does not say.
    """

    rows: list[T]
    following: dict[str, str] | None
    told_at: int


class GitlabHttp:
    """The calls to one GitLab."""

    def __init__(
        self, url: str, own_token: str, limits: Limits, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.url = _checked(url)
        self.api = f"{self.url}/api/v4"
        self.limits = limits
        self._own_token = own_token
        self._transport = transport
        self._opened: httpx.AsyncClient | None = None
        self._circuit = Circuit(limits.away_s, limits.whole_s)
        self._rates = Rates()
        self._calls = asyncio.Semaphore(limits.calls)
        self._transfers = asyncio.Semaphore(limits.transfers)

    async def get(self, kind: type[T], call: Call) -> T:
        """Return what GitLab answers in JSON. Raises what the port says, by status."""
        value: T = self._value(call, await self._arrive(call, kind))
        return value

    async def answer(self, call: Call) -> Answer:
        """Return the whole answer, whatever its status."""
        return await self._arrive(call, None)

    async def page(self, kind: type[list[T]], call: Call) -> Page[T]:
        """Return one page of a list."""
        answer = await self._arrive(call, kind)
        return Page(self._value(call, answer), next_page(answer.headers), told_at(answer.headers))

    async def pages(self, kind: type[list[T]], call: Call, most: int = MAX_PAGES) -> AsyncIterator[list[T]]:
        """Yield the pages of a list, at most so many. Raises Unavailable where they lead back to one before."""
        asked: set[tuple[tuple[str, str], ...]] = set()
        for _ in range(most):
            page = await self.page(kind, call)
            yield page.rows
            if page.following is None:
                return
            cursor = tuple(sorted(page.following.items()))
            if cursor in asked:
                raise Unavailable(f"GitLab at {self.url} leads in a circle through its pages of {call.what}.")
            asked.add(cursor)
            call = replace(call, params={**call.params, **page.following})

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncIterator[Answer]:
        """Open an answer that streams where it is good; another has been read."""
        await self._slot(self._transfers)
        try:
            answer = await self._arrive(call, None, streams=True)
            try:
                yield answer
            finally:
                await answer.close()
        finally:
            self._transfers.release()

    def refusal(self, call: Call, answer: Answer) -> MainspringError:
        """Return the error that an answer of 400 or more means."""
        if answer.elsewhere:
            return Unavailable(f"The store to which GitLab leads for {call.what} refuses it ({answer.status}).")
        return Refusal(self.url, call.what, self._asker(call), answer.status, answer.body).error()

    def is_own(self, url: str) -> bool:
        """Return whether an address is GitLab's, to which tokens may go."""
        parts, path = split(url), urlsplit(self.url).path
        inside = parts.path.startswith(f"{path}/") and ".." not in parts.path.split("/")
        return inside and origin(url) == origin(self.url)

    async def close(self) -> None:
        """Close all connections."""
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None

    def _value(self, call: Call, answer: Answer) -> Any:
        if not answer.good:
            raise self.refusal(call, answer)
        return answer.value

    def _asker(self, call: Call) -> Asker:
        if call.token is not None:
            return Asker.USER
        return Asker.OWN if self._own_token else Asker.NOBODY

    async def _arrive(self, call: Call, kind: type[Any] | None, *, streams: bool = False) -> Answer:
        """Ask, and follow where GitLab leads."""
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._persist(call, kind, streams=streams)
            if answer.status not in REDIRECTS:
                return replace(answer, elsewhere=call.bare or not self.is_own(call.url))
            call = self._onward(call, answer.headers.get("location", ""))
        raise Unavailable(f"GitLab at {self.url} leads in a circle to {call.what}.")

    def _onward(self, call: Call, location: str) -> Call:
        """Return the call with which to follow a redirect."""
        if moved := moved_project(call.url, location):
            return replace(call, url=moved)
        target = joined(call.url, location)
        if not call.follows or not target:
            there = f"{split(target).scheme}://{split(target).netloc}" if target else "an address that is none"
            raise Unavailable(f"GitLab at {self.url} leads to {there}: gitlab_url must be its own address.")
        # A store lets in by a signature in the address, and refuses those who show anything else besides.
        return replace(call, url=target, params={}, headers={}, bare=True)

    async def _persist(self, call: Call, kind: type[Any] | None, *, streams: bool) -> Answer:
        """Ask until GitLab answers, there were too many failures, or to wait would take too long."""
        own, token = self.is_own(call.url), self._token_of(call)
        if own:
            self._circuit.check(f"GitLab at {self.url}")
        started = time.monotonic()
        patience = self.limits.own_patience_s if call.token is None else self.limits.patience_s
        waited, failures = 0.0, 0
        while True:
            if own:
                waited += await self._wait_for_rate(token, patience - waited)
            left = self.limits.whole_s - (time.monotonic() - started - waited)
            try:
                answer = await self._attempt(call, kind, streams=streams, seconds=left)
            except Passing as failure:
                failures += 1
                pause = max(self.limits.pause_s * 2**failures * random.uniform(0.5, 1), failure.retry_after)
                if failures >= self.limits.tries or pause >= left:
                    raise self._gave_up(call, failure, started) from failure
                await asyncio.sleep(pause)
                continue
            if not own:
                return answer
            self._circuit.answered()
            self._rates.pause(token, told_to_wait_s(answer.status, answer.headers))
            if answer.status != TOO_MANY:
                return answer

    async def _wait_for_rate(self, token: str, patience: float) -> float:
        """Wait until the rate limit lets an account ask, and return the seconds. Raises Unavailable."""
        seconds = self._rates.left_s(token)
        if not seconds:
            return 0.0
        if seconds > patience:
            raise Unavailable(f"GitLab at {self.url} was asked too often.", retry_after=seconds)
        seconds += random.uniform(0, 0.25)
        await asyncio.sleep(seconds)
        return seconds

    def _gave_up(self, call: Call, failure: Passing, started: float) -> Unavailable:
        after = failure.retry_after or self.limits.away_s
        if not self.is_own(call.url):
            return Unavailable(f"The store to which GitLab leads for {call.what} fails ({failure}).", retry_after=after)
        if failure.away:
            self._circuit.failed(started)
        return Unavailable(f"GitLab at {self.url} does not answer for {call.what} ({failure}).", retry_after=after)

    async def _attempt(self, call: Call, kind: type[Any] | None, *, streams: bool, seconds: float) -> Answer:
        import httpx

        request = self._request(call)
        if not streams:
            await self._slot(self._calls)
        try:
            async with asyncio.timeout(max(0.1, min(seconds, self.limits.attempt_s))):
                response = await self._client().send(request, stream=True)
                answer = await (self._begin(response) if streams else self._read(response))
        except (httpx.TransportError, OSError) as error:
            raise Passing(type(error).__name__) from error
        finally:
            if not streams:
                self._calls.release()
        if answer.status >= 500:
            after = pause_s(answer.headers) if "retry-after" in answer.headers else 0.0
            raise Passing(f"status {answer.status}", away=answer.status in AWAY, retry_after=after)
        if kind is None or not answer.good:
            return answer
        return replace(answer, value=decoded(answer.body, kind))

    async def _begin(self, response: httpx.Response) -> Answer:
        """Return an answer that is left open where it is good."""
        if response.is_success and response.headers.get("content-encoding", "identity") == "identity":
            return Answer(response.status_code, response.headers, stream=response)
        return await self._read(response)

    async def _read(self, response: httpx.Response) -> Answer:
        """Return an answer that is read whole."""
        body = bytearray()
        try:
            # What comes compressed may be a thousand times larger than it looks.
            if response.headers.get("content-encoding", "identity") != "identity":
                raise Unavailable(f"GitLab at {self.url} compresses its answer, which was not asked for.")
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self.limits.answer_bytes:
                    raise Unavailable(f"GitLab at {self.url} answers with more than {self.limits.answer_bytes} bytes.")
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, bytes(body))

    async def _slot(self, slots: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(self.limits.whole_s):
                await slots.acquire()
        except TimeoutError as error:
            raise Unavailable(f"Too much is asked of GitLab at {self.url} at once.", retry_after=5) from error

    def _request(self, call: Call) -> httpx.Request:
        import httpx

        headers = {"Accept": "application/json, */*;q=0.5", "Accept-Encoding": "identity"} | self._granted(call)
        if call.bytes_range:
            headers["Range"] = call.bytes_range
        timeout = httpx.Timeout(self.limits.silence_s, connect=self.limits.connect_s, pool=self.limits.whole_s)
        params = call.params or None
        try:
            return self._client().build_request(
                call.method, call.url, params=params, headers=headers, content=call.body, timeout=timeout
            )
        except httpx.InvalidURL as error:
            raise Unavailable(f"GitLab at {self.url} leads to an address for {call.what} that is none.") from error

    def _granted(self, call: Call) -> dict[str, str]:
        """Return the headers of a call that open doors: those of GitLab's own, and the token where it may go."""
        token, headers = self._token_of(call), dict(call.headers)
        if not token:
            return headers
        if call.bare or not self.is_own(call.url):
            secrets = (token, _basic(token))
            return {name: value for name, value in headers.items() if not any(secret in value for secret in secrets)}
        if "authorization" not in map(str.lower, headers):
            headers["Authorization"] = _basic(token) if call.git else f"Bearer {token}"
        return headers

    def _token_of(self, call: Call) -> str:
        if call.token is None:
            return self._own_token
        if not 0 < len(call.token) <= MAX_TOKEN or not call.token.isascii() or not call.token.isprintable():
            raise Unauthenticated("This is not a token of GitLab: it must be of printable characters.")
        return call.token

    def _client(self) -> httpx.AsyncClient:
        if self._opened is None:
            import httpx

            most = self.limits.calls + self.limits.transfers
            limits = httpx.Limits(max_connections=most, max_keepalive_connections=self.limits.calls)
            self._opened = httpx.AsyncClient(
                transport=self._transport, limits=limits, follow_redirects=False, headers={"User-Agent": "mainspring"}
            )
            self._opened.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return self._opened


def _basic(token: str) -> str:
    return "Basic " + base64.b64encode(f"oauth2:{token}".encode()).decode()


def _checked(url: str) -> str:
    parts = split(url)
    if not origin(url) or parts.query or parts.fragment:
        raise InvalidArgument(
            "The address of a GitLab must be http:// or https://, a host and perhaps a path, and nothing else.",
            field="gitlab_url",
        )
    return url.rstrip("/")
