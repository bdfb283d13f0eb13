"""HTTP connections that wait for nobody without end, and ask little of the CPU for a small request.

A client that stops in the middle of a request is told 408 and let go, one whose head has no end 431, and one too many
503. Who says nothing between two requests is let go without a word. Uvicorn's protocol does the rest. A request that
has come in one piece, as small ones do, is spared what uvicorn keeps ready for the pieces of a body.
"""

from __future__ import annotations

import asyncio
import re
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import httptools
import structlog
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from mainspring.kit.http import STOPPING, WHOLE_ANSWER, Headers

MAX_HEAD = 64 * 1024
"""Bytes of a request's line and headers after which no more are read."""

LONG = 64 * 1024
"""From so many bytes on a body is not copied behind its head: two writes cost less."""

_NOT_IN_HEADERS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

log = structlog.get_logger(__name__)


class Config(uvicorn.Config):
    """Uvicorn's configuration, with how long clients may be silent in the middle of a request and how many may come."""

    read_timeout: float = 60
    max_connections: int = 10_000
    stopping: asyncio.Event

    def load(self) -> None:
        super().load()
        self.stopping = asyncio.Event()


class _Flow(FlowControl):
    """Flow control that knows when reading went on: until then it was the server that kept the client waiting."""

    resumed = 0.0

    def resume_reading(self) -> None:
        if self.read_paused:
            self.resumed = time.monotonic()
            super().resume_reading()


class _WholeRequest(RequestResponseCycle):
    """A request that has come in one piece, and its answer. What all of them begin with stands here, at the class."""

    access_log = disconnected = more_body = False
    response_started = response_complete = waiting_for_100_continue = False
    chunked_encoding = None
    expected_content_length = 0
    _event: asyncio.Event | None = None

    def __init__(self, connection: Connection, body: bytes, *, keep_alive: bool) -> None:
        self.scope = connection.scope
        self.transport, self.flow, self.logger = connection.transport, connection.flow, connection.logger
        self.default_headers = connection.server_state.default_headers
        self.on_response = connection.on_response_complete
        self.keep_alive = keep_alive
        self._body: bytes | None = body

    @property
    def message_event(self) -> asyncio.Event:  # type: ignore[override]
        """Set once the client has gone away or has its answer; hardly any handler waits for it."""
        self._event = self._event or asyncio.Event()
        return self._event

    async def receive(self) -> Any:
        """Return the body; after it, once the client has gone away or has its answer, that it is gone."""
        if self._body is not None and not self.disconnected:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self.disconnected and not self.response_complete:
            self.flow.resume_reading()
            await self.message_event.wait()
        return {"type": "http.disconnect"}

    def answer(self, status: int, headers: Headers, body: bytes) -> bool:
        """Send head and body of an answer by one write; say whether that could be done.

        ``headers`` name the body's length. Uvicorn's own way, two messages that it checks by themselves, costs
        a small request more than all else that it does.
        """
        if self.flow.write_paused or self.disconnected or self.response_started or not self.keep_alive:
            return False
        lines = [name + b": " + value for name, value in (*self.default_headers, *headers)]
        if _NOT_IN_HEADERS.search(b"".join(lines)):
            return False
        shown = b"" if self.scope["method"] == "HEAD" else body
        head = b"%b%b\r\n\r\n" % (STATUS_LINE[status], b"\r\n".join(lines))
        if len(shown) < LONG:
            self.transport.write(head + shown)
        else:
            self.transport.writelines((head, shown))
        self.response_started = self.response_complete = True
        if self._event:
            self._event.set()
        self.on_response()
        return True


class Connection(HttpToolsProtocol):
    """One connection. A head may take ``read_timeout`` from its first byte, a body as long between two pieces."""

    __slots__ = ("_answering", "_body", "_head", "_heard", "_idle", "_unbegun", "_watch")
    # Past 30 names an object pays for a dictionary of its own.
    config: Config
    flow: _Flow

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport)
        self._head = 0
        self._heard = time.monotonic()
        self._idle = self._unbegun = False
        self._body: list[bytes] = []
        self._answering: RequestResponseCycle | None = None  # while ``cycle`` is of the last request that has come
        self._watch = self.loop.call_later(min(self.config.read_timeout, self.timeout_keep_alive), self._check)
        if len(self.connections) > self.config.max_connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.cancel()
        if self._answering and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._idle = False
        if self._in_head():
            # These bytes may be the head's end with much of a body: what came before them was all head.
            if self._head > MAX_HEAD:
                return self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            self._head += len(data)
        else:
            self._head = 0
            self._heard = time.monotonic()
        super().data_received(data)
        if self._unbegun and not self.transport.is_closing():
            self._begin_in_pieces()

    def on_headers_complete(self) -> None:
        """Wait with the request until its bytes that are here are read: all of it may be among them."""
        self._body, self._unbegun = [], True

    def on_body(self, body: bytes) -> None:
        if self._unbegun:
            self._body.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._unbegun:
            super().on_message_complete()
        elif self.cycle is None or self.cycle.response_complete:
            self._begin_whole()
        else:
            self._begin_in_pieces()  # it waits for the answer of the one before it
            super().on_message_complete()

    def _begin_whole(self) -> None:
        self._unbegun = False
        url, version = httptools.parse_url(self.url), self.parser.get_http_version()
        path = url.path.decode("ascii")
        self.scope |= {
            "http_version": version,
            "method": self.parser.get_method().decode("ascii"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": url.path,
            "query_string": url.query or b"",
        }
        keep_alive = version != "1.0" and self.parser.should_keep_alive()
        self.cycle = whole = _WholeRequest(self, b"".join(self._body), keep_alive=keep_alive)
        self._start_asgi_task(whole, self.app)

    def _begin_in_pieces(self) -> None:
        self._unbegun = False
        super().on_headers_complete()
        for piece in self._body:
            super().on_body(piece)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        extensions: dict[str, dict[object, object]] = {STOPPING: {"event": self.config.stopping}}
        if isinstance(cycle, _WholeRequest):
            extensions[WHOLE_ANSWER] = {"send": cycle.answer}
        cycle.scope["extensions"] = extensions
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Go on with the request that waits, if one does; else the client has its time to send the next one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle, self._heard = True, time.monotonic()

    def shutdown(self) -> None:
        self.config.stopping.set()
        super().shutdown()

    def _in_head(self) -> bool:
        """Say whether a head is due or has begun; it ends where its request's cycle begins."""
        return self.cycle is None or self.cycle.scope is not self.scope

    def _check(self) -> None:
        """Let the client go if it has been silent for too long while it was its turn; else look again later."""
        left = patience = self.config.read_timeout
        if self._idle:
            left = self._heard + self.timeout_keep_alive - time.monotonic()
        elif self._is_clients_turn():
            left = max(self._heard, self.flow.resumed) + patience - time.monotonic()
        if left > 0:
            self._watch = self.loop.call_later(min(left, patience, self.timeout_keep_alive), self._check)
        elif self._idle:
            self.timeout_keep_alive_handler()
        else:
            log.info("request_timed_out", client=self.client, seconds=patience)
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _is_clients_turn(self) -> bool:
        if self._in_head() or self.cycle.response_complete:
            return True
        return self.cycle.more_body and not self.flow.read_paused

    def _refuse(self, status: HTTPStatus) -> None:
        """Close the connection, with an answer where none has begun."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete and self.cycle.response_started:
            return self.transport.abort()
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        self.transport.write(head.encode())
        self.transport.close()
