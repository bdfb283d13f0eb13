"""Requests come in pieces as the network cuts them: whole, byte by byte, several in one. The answers are the same."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from mainspring.server.protocol import Config, Connection
from tests.components.server import MainspringServer
from tests.faults.http import API, Answer

WAIT_S = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainspringServer]:
    """A server of its own."""
    with MainspringServer(tmp_path_factory.mktemp("pieces") / "data") as running:
        yield running


class Client:
    """A socket that sends bytes as they are and reads answers."""

    def __init__(self, server: MainspringServer) -> None:
        host, port = server.url.removeprefix("http://").split(":")
        self._socket = socket.create_connection((host, int(port)), timeout=WAIT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes at once."""
        self._socket.sendall(data)

    def head(self) -> tuple[int, dict[str, str]]:
        """Read the status and the headers of an answer."""
        status = int(self._file.readline().split()[1])
        lines = iter(self._file.readline, b"\r\n")
        pairs = (line.decode().partition(":") for line in lines)
        return status, {name.lower(): value.strip() for name, _, value in pairs}

    def answer(self, *, of_head: bool = False) -> Answer:
        """Read an answer."""
        status, headers = self.head()
        size = 0 if of_head else int(headers["content-length"])
        return Answer(status, headers, self._file.read(size))

    def rest(self) -> bytes:
        """Read until the server closes the connection."""
        return self._file.read()


def request(method: str, path: str, body: bytes = b"", *more: str, version: str = "1.1") -> bytes:
    """Return a request; ``more`` are headers."""
    lines = [f"{method} {path} HTTP/{version}", "Host: 127.0.0.1", "Content-Type: application/json", *more]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def search(name: str) -> bytes:
    """Return the message that looks for an experiment by its name."""
    return json.dumps({"max_results": 3, "filter": f"name = '{name}'"}).encode()


SEARCH = f"{API}/experiments/search"
FOUND = request("POST", SEARCH, search("Default"))
REQUESTS = {
    "health": (request("GET", "/health"), b"OK"),
    "version": (request("GET", "/version?a=%20b"), b"3."),
    "found": (FOUND, b'"name":"Default"'),
    "not found": (request("POST", SEARCH, search("none")), b"{}"),
    "of v1": (request("GET", "/api/v1/experiments"), b'"Default"'),
    "refused": (request("POST", SEARCH, b"{"), b"INVALID_PARAMETER_VALUE"),
    "nowhere": (request("GET", "/no%20where"), b"Not Found"),
    "chunked": (
        request("POST", SEARCH, b"", "Transfer-Encoding: chunked") + b"5\r\n" + search("Default")[:5] + b"\r\n"
        b"%x\r\n" % len(search("Default")[5:]) + search("Default")[5:] + b"\r\n0\r\n\r\n",
        b'"name":"Default"',
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_byte_by_byte(server: MainspringServer, name: str) -> None:
    sent, expected = REQUESTS[name]
    with Client(server) as whole, Client(server) as slow:
        whole.send(sent)
        for place in range(len(sent)):
            slow.send(sent[place : place + 1])
        at_once, in_pieces = whole.answer(), slow.answer()
    assert expected in at_once.body
    assert _without_id(in_pieces) == _without_id(at_once)


def _without_id(answer: Answer) -> tuple[int, set[str], bytes]:
    """Return what does not differ between two answers to the same."""
    own = answer.headers["x-request-id"].encode()
    return answer.status, set(answer.headers), answer.body.replace(own, b"")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_requests_in_any_pieces(server: MainspringServer, data: st.DataObject) -> None:
    """Several requests on one connection, not waiting for answers: each is answered once, in their order."""
    names = data.draw(st.lists(st.sampled_from(sorted(REQUESTS)), min_size=1, max_size=6))
    stream = b"".join(REQUESTS[name][0] for name in names)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=8)))
    with Client(server) as client:
        for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            client.send(stream[begin:end])
        answers = [client.answer() for _ in names]
        client.send(request("GET", "/health", b"", "Connection: close"))
        assert client.answer().body == b"OK"
        assert client.rest() == b""
    assert [REQUESTS[name][1] in answer.body for name, answer in zip(names, answers, strict=True)] == [True] * len(
        names
    )
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(names)


def test_old_clients_and_such_that_say_so_are_let_go(server: MainspringServer) -> None:
    for sent in (
        request("GET", "/health", version="1.0"),
        request("GET", "/health", b"", "Connection: close"),
        request("POST", SEARCH, search("Default"), "Connection: close"),
    ):
        with Client(server) as client:
            client.send(sent)
            answer = client.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert client.rest() == b""


def test_a_head_has_no_body_and_the_length_of_one(server: MainspringServer) -> None:
    with Client(server) as client:
        client.send(request("HEAD", "/version") + request("GET", "/version"))
        head, get = client.answer(of_head=True), client.answer()
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.body))


def test_who_expects_it_is_told_to_go_on(server: MainspringServer) -> None:
    body = search("Default")
    sent = request("POST", SEARCH, body, "Expect: 100-continue")
    with Client(server) as client:
        client.send(sent[: -len(body)])
        assert client.head()[0] == 100
        client.send(body)
        assert b'"Default"' in client.answer().body
    with Client(server) as client:  # who does not wait needs not be told
        client.send(sent)
        assert b'"Default"' in client.answer().body


UNREADABLE = {
    "no colon": b"GET /health HTTP/1.1\r\nhost 127.0.0.1\r\n\r\n",
    "no size of a piece": request("POST", SEARCH, b"", "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n0\r\n\r\n",
    "not HTTP": b"\x16\x03\x01\r\n\r\n",
}


@pytest.mark.parametrize("wrong", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_ends_the_connection(server: MainspringServer, wrong: bytes) -> None:
    with Client(server) as client:
        client.send(request("GET", "/health"))
        assert client.answer().body == b"OK"
        client.send(wrong)
        assert client.head()[0] == 400
        assert client.rest() == b"Invalid HTTP request received."


def test_a_body_of_very_many_pieces(server: MainspringServer) -> None:
    body = search("Default") + b" " * 30_000
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
    with Client(server) as client:
        client.send(request("POST", SEARCH, b"", "Transfer-Encoding: chunked") + pieces + b"0\r\n\r\n")
        assert b'"Default"' in client.answer().body


def test_another_protocol_is_not_spoken(server: MainspringServer) -> None:
    with Client(server) as client:
        client.send(request("GET", "/health", b"", "Connection: Upgrade", "Upgrade: websocket"))
        assert client.answer().body == b"OK"


def test_a_client_that_leaves_before_its_answer_disturbs_nobody(server: MainspringServer) -> None:
    for _ in range(20):
        with Client(server) as client:
            client.send(FOUND * 3)
    with Client(server) as client:
        client.send(FOUND)
        assert client.answer().status == 200
    assert "unexpected_error" not in server.log
    assert "Traceback" not in server.log


def test_who_says_nothing_between_two_requests_is_let_go_without_a_word() -> None:
    """With a patience of a second between requests and of half a second within one."""

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"OK"})

    async def test() -> None:
        config = Config(app, lifespan="off", log_config=None, timeout_keep_alive=1)
        config.read_timeout = 0.5
        config.load()
        state, loop = ServerState(), asyncio.get_running_loop()
        listener = await loop.create_server(lambda: Connection(config, state, {}, loop), "127.0.0.1", 0)
        async with listener:
            reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
            for pause in (0.7, 0.7, 0):
                writer.write(request("GET", "/"))
                assert (await reader.readuntil(b"\r\n\r\nOK")).startswith(b"HTTP/1.1 200")
                await asyncio.sleep(pause)
            began = loop.time()
            assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
            assert loop.time() - began > 0.8
            writer.close()

    asyncio.run(test())
