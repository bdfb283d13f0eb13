"""HTTP connections that wait for nobody without end: what uvicorn's protocol leaves without a limit.

A client that stops in the middle of a request is told 408 and let go, one whose head has no end 431, and one
too many 503. Who says nothing between two requests is let go by uvicorn itself.
"""

from __future__ import annotations

import asyncio
import re
import time
from functools import partial
from http import HTTPStatus
from typing import Any

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


class Connection(HttpToolsProtocol):
    """One connection. A head may take ``read_timeout`` from its first byte, a body as long between two pieces."""

    __slots__ = ("_head", "_heard", "_watch")  # past 30 names an object pays for a dictionary of its own
    config: Config
    flow: _Flow

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport)
        self._head = 0
        self._heard = time.monotonic()
        self._watch = self.loop.call_later(self.config.read_timeout, self._check)
        if len(self.connections) > self.config.max_connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head():
            # These bytes may be the head's end with much of a body: what came before them was all head.
            if self._head > MAX_HEAD:
                return self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            self._head += len(data)
        else:
            self._head = 0
            self._heard = time.monotonic()
        super().data_received(data)

    def shutdown(self) -> None:
        self.config.stopping.set()
        super().shutdown()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.scope["extensions"] = {
            WHOLE_ANSWER: {"send": partial(self._answer, cycle)},
            STOPPING: {"event": self.config.stopping},
        }
        super()._start_asgi_task(cycle, app)

    def _answer(self, cycle: RequestResponseCycle, status: int, headers: Headers, body: bytes) -> bool:
        """Send head and body of an answer by one write; say whether that could be done.

        ``headers`` name the body's length. Uvicorn's own way, two messages that it checks by themselves, costs
        a small request more than all else that it does.
        """
        if self.flow.write_paused or cycle.disconnected or cycle.response_started or not cycle.keep_alive:
            return False
        lines = [name + b": " + value for name, value in (*cycle.default_headers, *headers)]
        if _NOT_IN_HEADERS.search(b"".join(lines)):
            return False
        shown = b"" if cycle.scope["method"] == "HEAD" else body
        head = b"%b%b\r\n\r\n" % (STATUS_LINE[status], b"\r\n".join(lines))
        if len(shown) < LONG:
            self.transport.write(head + shown)
        else:
            self.transport.writelines((head, shown))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True

    def _in_head(self) -> bool:
        """Say whether a head is due or has begun; it ends where its request's cycle begins."""
        return self.cycle is None or self.cycle.scope is not self.scope

    def _check(self) -> None:
        """Let the client go if it has been silent for too long while it was its turn; else look again later."""
        left = self.config.read_timeout
        if self._is_clients_turn():
            left += max(self._heard, self.flow.resumed) - time.monotonic()
        if left > 0:
            self._watch = self.loop.call_later(left, self._check)
        else:
            log.info("request_timed_out", client=self.client, seconds=self.config.read_timeout)
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _is_clients_turn(self) -> bool:
        if self.timeout_keep_alive_task is not None:  # between two requests
            return False
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
