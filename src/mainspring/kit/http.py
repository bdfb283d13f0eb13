"""The little of HTTP that raw ASGI handlers need: reading a request, streaming, answering."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from mainspring.kit.errors import InvalidArgument, MainspringError, TooLarge, Unsupported
from mainspring.kit.names import check_text

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

WholeAnswer = Callable[[int, Headers, bytes], bool]
Noting = Callable[[], Awaitable[None]]
WHOLE_ANSWER = "mainspring.whole_answer"
"""The ASGI extension by which our server takes an answer at once; False means that it must come as messages."""

STOPPING = "mainspring.stopping"
"""The ASGI extension by which our server says that it stops: its ``event`` is set then."""

PROJECT = "mainspring.project"
"""Where the scope of a request keeps the path of the project that its URL names; absent where it names none."""

UNAUTHENTICATED, DENIED = 401, 403
JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"
MAX_QUERY_FIELDS = 2_000
SINGLE_HEADERS = (
    b"host",
    b"authorization",
    b"x-mlflow-workspace",
    b"content-type",
    b"content-length",
    b"content-encoding",
    b"transfer-encoding",
    b"origin",
    b"x-request-id",
)
"""Headers of which one request has one."""
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")


class ClientDisconnected(Exception):
    """The client went away before its request was read, or before it was answered."""


class AnswerInterrupted(Exception):
    """An answer failed after its first bytes: its connection is closed, which is all that its client can be told."""


class Request:
    """One HTTP request of an ASGI server."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        # The first of a name counts, as it does for the guard of hosts and for proxies.
        self._headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        self.repeats_headers = len(self._headers) < len(scope["headers"])
        self._query: list[tuple[str, str]] | None = None
        self._receive = receive

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query string's fields in order, empty values included. Raises InvalidArgument."""
        if self._query is None:
            self._query = self._parse_query()
        return self._query

    def _parse_query(self) -> list[tuple[str, str]]:
        text = self.scope.get("query_string", b"").decode("latin-1")
        if text.count("&") >= MAX_QUERY_FIELDS:
            raise InvalidArgument(f"The query string has more than {MAX_QUERY_FIELDS} fields.")
        if "%" in text or "+" in text:
            fields = parse_qsl(text, keep_blank_values=True)
        else:  # nothing is quoted: the same, in a quarter of the time
            fields = [(key, value) for key, _, value in (part.partition("=") for part in text.split("&") if part)]
        return [(key, check_text(value, key)) for key, value in fields]

    def field(self, *names: str) -> str | None:
        """Return the first query field of one of these names, or None."""
        for name in names:
            for key, value in self.query:
                if key == name:
                    return value
        return None

    def header(self, name: bytes) -> str | None:
        """Return a header by its lower-case name, or None."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    def check_headers(self) -> None:
        """Refuse what a proxy before us may have read in another way than we do.

        Raises InvalidArgument for a header that comes twice and must not, and where HTTP/1.1 names no host;
        Unsupported for a transfer coding that is not undone.
        """
        if b"host" not in self._headers and self.scope.get("http_version") == "1.1":
            raise InvalidArgument("The Host header is missing.", field="Host")
        coding = self._headers.get(b"transfer-encoding")
        if coding and coding.lower() != b"chunked":
            raise Unsupported("The body has a Transfer-Encoding other than 'chunked'.", field="Transfer-Encoding")
        if self.repeats_headers:
            self._check_repeated()

    def _check_repeated(self) -> None:
        counts = Counter(name for name, _ in self.scope["headers"])
        twice = [name.decode() for name in SINGLE_HEADERS if counts[name] > 1]
        if twice:
            raise InvalidArgument(f"The header {twice[0]} comes {counts[twice[0].encode()]} times; send it once.")

    @property
    def origin(self) -> str:
        """Scheme and host by which the client calls this server, for links back to it.

        Raises InvalidArgument where the request does not name a host.
        """
        host = self.header(b"host") or ""
        if not _HOST.fullmatch(host):
            raise InvalidArgument(f"The Host header is '{host[:255]}'; it must be a name and a port.", field="Host")
        return f"{self.scope['scheme']}://{host}"

    @property
    def project(self) -> str:
        """The path of the project that the URL names; empty where it names none."""
        return str(self.scope.get(PROJECT, ""))

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives. Raises ClientDisconnected."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected
            if chunk := message.get("body"):
                yield chunk
            if not message.get("more_body"):
                return

    async def wait_for_disconnect(self) -> None:
        """Return when the client has gone away; its body must have been read, or is passed over."""
        while (await self._receive())["type"] != "http.disconnect":
            continue

    async def body(self, limit: int) -> bytes:
        """Return the whole body, of at most ``limit`` bytes. Raises TooLarge or ClientDisconnected."""
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected
            chunk, more = message.get("body", b""), message.get("more_body", False)
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"The request's body is larger than {limit} bytes.")
            parts.append(chunk)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def stopping_of(scope: Mapping[str, Any]) -> asyncio.Event:
    """Return what is set when the server stops, so that answers without an end come to theirs."""
    event: asyncio.Event | None = scope.get("extensions", {}).get(STOPPING, {}).get("event")
    return event or asyncio.Event()


class Answer:
    """The ``send`` of one request that is answered: it adds ``headers`` to every answer, and remembers the status.

    Once it is held, it waits for ``settle`` before it sends; a refusal (403) waits for ``note_denied``.
    """

    __slots__ = ("_held", "_note_denied", "_send", "_settle", "_whole", "headers", "status")

    def __init__(
        self, scope: Scope, send: Send, request_id: str, settle: Callable[[], Awaitable[None]], note_denied: Noting
    ) -> None:
        self.status = 0
        self._note_denied = note_denied
        self._held, self._settle = False, settle
        # Without the second a browser may take a file or an answer for a page, and run what stands in it.
        self.headers = [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
        self._send = send
        # Taken out: it holds the scope, and in it would be a cycle, which only the garbage collector finds.
        self._whole: WholeAnswer | None = scope.get("extensions", {}).pop(WHOLE_ANSWER, {}).get("send")

    def hold(self) -> None:
        """Have the answer wait for ``settle``."""
        self._held = True

    async def __call__(self, message: Message) -> None:
        """Send a message of ASGI."""
        if message["type"] == "http.response.start":
            if self._held:
                await self._settle()
            if message["status"] == DENIED:
                await self._note_denied()
            self._note(message["status"])
            message["headers"] = [*message.get("headers", ()), *self.headers]
        await self._send(message)

    def send_whole(self, status: int, headers: Headers, body: bytes) -> bool:
        """Send a whole answer, and say whether that could be done."""
        plain = not self._held and status != UNAUTHENTICATED and status != DENIED
        if self._whole and plain and self._whole(status, [*headers, *self.headers], body):
            self.status = status
            return True
        return False

    def _note(self, status: int) -> None:
        self.status = status
        if status == UNAUTHENTICATED:
            self.headers.append((b"www-authenticate", b'Bearer realm="mainspring"'))


async def respond(send: Send, status: int, body: bytes, content_type: bytes = JSON, headers: Headers = ()) -> None:
    """Send a whole answer."""
    own = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *headers]
    if isinstance(send, Answer) and send.send_whole(status, own, body):
        return
    await send({"type": "http.response.start", "status": status, "headers": own})
    await send({"type": "http.response.body", "body": body})


async def respond_stream(
    request: Request, send: Send, status: int, headers: Headers, chunks: AsyncIterator[bytes]
) -> None:
    """Send an answer piece by piece, waiting for the client to take each.

    Raises ClientDisconnected, and AnswerInterrupted where a piece cannot be had.
    """
    gone = asyncio.ensure_future(request.wait_for_disconnect())
    try:
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        async for chunk in chunks:
            # The server drops what is sent to nobody: without this a file of any size would be read to its end.
            if gone.done():
                raise ClientDisconnected
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except MainspringError as error:
        raise AnswerInterrupted(error.message) from error
    finally:
        gone.cancel()
