"""Clients that stop in the middle of a request: they are told so and let go, and those who only take long are not."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator

import psutil
import pytest

from tests.components.server import MainspringServer
from tests.faults.http import API, Connection

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
LIMIT = 2
LATE = 10
"""Seconds until a machine that is busy has surely noticed."""
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainspringServer]:
    """A server that gives its clients little time."""
    folder = tmp_path_factory.mktemp("silent") / "data"
    with MainspringServer(folder, "--read-timeout", str(LIMIT)) as running:
        yield running


def files(server: MainspringServer) -> list[str]:
    """Return every file of the artifact store, unfinished uploads too."""
    return sorted(path.name for path in (server.data / "artifacts").rglob("*") if path.is_file())


async def rest_of(connection: Connection) -> bytes:
    """Return what the server still sends until it closes the connection, which it must soon."""
    async with asyncio.timeout(LIMIT + LATE):
        return await connection.reader.read()


TIMEOUT = b"HTTP/1.1 408 Request Timeout"
MESSAGE = json.dumps({"name": "never"}).encode()
UPLOAD = Connection.head("PUT", f"{ARTIFACTS}/silent", 4 * MIB, "application/octet-stream")


SILENCES = {
    "nothing": b"",
    "half a line": b"GET /health HT",
    "half a head": b"GET /health HTTP/1.1\r\nhost: localhost\r\n",
    "half a message": Connection.head("POST", f"{API}/experiments/create", len(MESSAGE)) + MESSAGE[:5],
    "half a message of v1": Connection.head("POST", "/api/v1/experiments", len(MESSAGE)) + MESSAGE[:5],
    "an upload's head": UPLOAD,
    "half an upload": UPLOAD + bytes(2 * MIB),
}


def test_who_stops_in_the_middle_is_let_go(server: MainspringServer) -> None:
    async def stop_after(sent: bytes) -> bytes:
        connection = await Connection.open(server)
        connection.writer.write(sent)
        answer = await rest_of(connection)
        await connection.close()
        return answer.partition(b"\r\n")[0]

    async def stop_in_a_second_request() -> bytes:
        connection = await Connection.open(server)
        assert (await connection.call("experiments/get", {"experiment_id": "0"}, "GET")).status == 200
        connection.writer.write(b"GET /health HTTP/1.1\r\nhost:")
        answer = await rest_of(connection)
        await connection.close()
        return answer.partition(b"\r\n")[0]

    async def stop_after_a_refusal() -> None:
        connection = await Connection.open(server)
        connection.writer.write(Connection.head("PUT", "/no/such/path", 4 * MIB) + bytes(MIB))
        assert (await connection.answer()).status in (404, 405)
        connection.writer.write(bytes(MIB))
        await rest_of(connection)
        await connection.close()

    async def test() -> None:
        async with asyncio.TaskGroup() as all_at_once:
            silences = {name: all_at_once.create_task(stop_after(sent)) for name, sent in SILENCES.items()}
            silences["a second request"] = all_at_once.create_task(stop_in_a_second_request())
            all_at_once.create_task(stop_after_a_refusal())
        assert {name: task.result() for name, task in silences.items()} == dict.fromkeys(silences, TIMEOUT)
        other = await Connection.open(server)
        found = await other.call("experiments/get-by-name", {"experiment_name": "never"}, "GET")
        assert found.status == 404
        assert files(server) == []
        await other.close()
        assert '"request_timed_out"' in server.log
        assert "unexpected_error" not in server.log

    asyncio.run(test())


def test_who_is_only_slow_is_served(server: MainspringServer) -> None:
    """Pauses below the limit that add up to more than it, between pieces of a body and between requests."""

    async def test() -> None:
        connection = await Connection.open(server)
        body = os.urandom(6 * 1000)
        connection.writer.write(Connection.head("PUT", f"{ARTIFACTS}/slow", len(body), "application/octet-stream"))
        for start in range(0, len(body), 1000):
            await asyncio.sleep(LIMIT / 4)
            connection.writer.write(body[start : start + 1000])
        assert (await connection.answer()).status == 200
        assert (server.data / "artifacts" / "slow").read_bytes() == body
        await asyncio.sleep(LIMIT * 1.25)
        assert (await connection.call("experiments/get", {"experiment_id": "0"}, "GET")).status == 200
        await connection.close()
        (server.data / "artifacts" / "slow").unlink()

    asyncio.run(test())


def test_who_reads_slowly_is_served(server: MainspringServer) -> None:
    async def test() -> None:
        content = os.urandom(16 * MIB)
        path = server.data / "artifacts" / "large"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        connection = await Connection.open(server)
        await connection.send("GET", f"{ARTIFACTS}/large")
        head = await connection.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        received = b""
        while len(received) < len(content):
            if len(received) < MIB // 2:
                await asyncio.sleep(LIMIT / 4)
            received += await connection.reader.read(100_000)
        assert received == content
        await connection.close()
        path.unlink()

    asyncio.run(test())


def test_a_body_that_comes_with_its_head_is_taken(server: MainspringServer) -> None:
    async def test() -> None:
        connection = await Connection.open(server)
        body = bytes(4 * MIB)
        head = Connection.head("PUT", f"{ARTIFACTS}/at-once", len(body), "application/octet-stream")
        connection.writer.write(head + body)
        assert (await connection.answer()).status == 200
        await connection.close()
        (server.data / "artifacts" / "at-once").unlink()

    asyncio.run(test())


@pytest.mark.parametrize("line", [b"a: b\r\n", b"x" * 10], ids=["many headers", "one header"])
def test_a_head_without_end_is_refused(server: MainspringServer, line: bytes) -> None:
    async def test() -> None:
        before = psutil.Process(server.pid).memory_info().rss
        connection = await Connection.open(server)
        connection.writer.write(b"GET /health HTTP/1.1\r\nhost: localhost\r\nx: ")
        piece = line * (MIB // len(line))
        with pytest.raises(ConnectionError):
            await pour(connection, piece)
        assert psutil.Process(server.pid).memory_info().rss - before < 20 * MIB

    asyncio.run(test())


async def pour(connection: Connection, piece: bytes) -> None:
    """Send as much as would fill the server's memory."""
    for _ in range(200):
        connection.writer.write(piece)
        await connection.writer.drain()
        await asyncio.sleep(0)
