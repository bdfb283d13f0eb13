"""Thousands of connections that are kept open and say nothing: little memory each, and others do not notice them."""

from __future__ import annotations

import resource
import shutil
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.components.ports import wait_until
from tests.components.server import MainspringServer

REQUEST = b"HEAD /api/2.0/mlflow/experiments/get?experiment_id=0 HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n"
KIB_EACH = 15
SPARE = 1000
"""Files that this process has open besides."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MainspringServer]:
    """A server that was started where few files may be open: it must raise that itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        with MainspringServer(tmp_path / "data") as running:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            yield running
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def ask(connection: socket.socket) -> bytes:
    """Send a request whose answer has no body, and return the first line of that."""
    connection.sendall(REQUEST)
    return connection.recv(4096).partition(b"\r\n")[0]


def connect(server: MainspringServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def memory(server: MainspringServer) -> int:
    return int(psutil.Process(server.pid).memory_info().rss)


@pytest.mark.parametrize("number", [2_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_idle_connections(server: MainspringServer, number: int) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most < number + SPARE:
        pytest.skip(f"this process may open {most} files at most")
    active = connect(server)
    for _ in range(500):
        assert ask(active) == b"HTTP/1.1 200 OK"
    # All that it loads at its start, or for its first requests, is there: what grows from now on is for connections.
    assert httpx.get(f"{server.url}/api/v1/experiments").status_code == 200
    before = memory(server)
    idle: list[socket.socket] = []
    try:
        for _ in range(number):
            idle.append(connect(server))
            assert ask(idle[-1]) == b"HTTP/1.1 200 OK"
        assert len(psutil.Process(server.pid).net_connections("tcp")) > number
        grown = memory(server) - before
        assert grown < number * KIB_EACH * 1024, f"{grown / number / 1024:.1f} KiB each"
        started = time.perf_counter()
        for _ in range(200):
            assert ask(active) == b"HTTP/1.1 200 OK"
        assert time.perf_counter() - started < 10
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        for connection in idle[:: number // 200]:
            assert ask(connection) == b"HTTP/1.1 200 OK"
    finally:
        for connection in idle:
            connection.close()
    wait_until(lambda: len(psutil.Process(server.pid).net_connections("tcp")) < SPARE, "all to be let go")


@pytest.mark.skipif(not shutil.which("prlimit"), reason="prlimit of util-linux is not installed")
def test_one_too_many_is_refused_and_disturbs_nobody(tmp_path: Path) -> None:
    """Files are left for the work itself, and the server still listens when those who came have gone."""
    with MainspringServer(tmp_path / "data", wrapper=("prlimit", "--nofile=512")) as server:
        assert '"few_open_files"' in server.log
        active = connect(server)
        crowd = [connect(server) for _ in range(600)]
        answers = Counter(answer_of(connection) for connection in crowd)
        assert answers.keys() <= {b"HTTP/1.1 200 OK", b"HTTP/1.1 503 Service Unavailable", b""}
        assert 300 < answers[b"HTTP/1.1 200 OK"] < 400
        assert ask(active) == b"HTTP/1.1 200 OK"
        put = b"PUT /api/2.0/mlflow-artifacts/artifacts/f HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx"
        active.sendall(put)
        assert active.recv(4096).startswith(b"HTTP/1.1 200 ")
        for connection in crowd:
            connection.close()
        wait_until(lambda: psutil.Process(server.pid).num_fds() < 100, "those who left to be let go")
        assert ask(connect(server)) == b"HTTP/1.1 200 OK"


def answer_of(connection: socket.socket) -> bytes:
    """Return the first line of the answer, empty where the connection was cut: it may be before the request is sent."""
    try:
        return ask(connection)
    except ConnectionError:
        return b""
