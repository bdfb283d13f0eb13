"""Reading a request and answering it, by our own server where that matters."""

import asyncio
import gc
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.http import MAX_QUERY_FIELDS, Answer, Receive, Request, Scope, Send, respond
from mainspring.server.protocol import Config, Connection

REQUESTS = 50


async def nothing() -> None:
    """Do what an answer waits for before it is sent: nothing."""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as the platform does: at once where the server can."""
    request = Request(scope, receive)
    await respond(Answer(scope, send, "1", nothing, nothing), 200, await request.body(100))


async def answers(count: int) -> list[bytes]:
    """Return the bodies of so many answers of a server, one after the other on one connection."""
    config = Config(application, http=Connection, lifespan="off", ws="none", log_config=None)
    config.load()
    state = ServerState()

    def connect() -> Any:
        return Connection(config=config, server_state=state, app_state={})

    server = await asyncio.get_running_loop().create_server(connect, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    bodies = []
    for number in range(count):
        body = b"%04d" % number
        writer.write(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n" + body)
        await reader.readuntil(b"\r\n\r\n")
        bodies.append(await reader.readexactly(4))
    writer.close()
    server.close()
    await server.wait_closed()
    return bodies


def test_requests_leave_no_cycles() -> None:
    """What a request was made of goes with it, and not when a search for cycles finds it: that cost a sixth of it."""

    async def left_by(count: int) -> int:
        await answers(1)
        gc.collect()
        gc.disable()
        try:
            assert await answers(count) == [b"%04d" % number for number in range(count)]
            return gc.collect()
        finally:
            gc.enable()

    def found(count: int) -> int:
        return asyncio.run(left_by(count))

    found(1)
    assert found(REQUESTS) - found(1) < REQUESTS


QUERIES = st.lists(st.text(alphabet="ab=&%+26 é", max_size=12), max_size=6).map("&".join)


def of_query(text: str) -> Request:
    """Return a request with a query string."""
    scope = {"method": "GET", "path": "/", "headers": [], "query_string": text.encode("latin-1")}

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    return Request(scope, receive)


@given(QUERIES)
def test_queries_are_read_as_they_are_written(text: str) -> None:
    assert of_query(text).query == parse_qsl(text, keep_blank_values=True)


def test_long_queries_are_refused() -> None:
    assert len(of_query("&".join(["a=1"] * MAX_QUERY_FIELDS)).query) == MAX_QUERY_FIELDS
    with pytest.raises(InvalidArgument, match="more than 2000 fields"):
        _ = of_query("&".join(["a=1"] * (MAX_QUERY_FIELDS + 1))).query
