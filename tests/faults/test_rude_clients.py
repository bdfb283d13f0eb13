"""Slow and rude clients: what they half send is never seen, what they hold is freed, others are served meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.components.server import MainspringServer
from tests.faults.http import API, Connection, data_of, start_run

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainspringServer]:
    """A server of this file's own: it is measured."""
    with MainspringServer(tmp_path_factory.mktemp("rude") / "data") as running:
        yield running


def files(server: MainspringServer) -> list[str]:
    """Return every file of the artifact store, unfinished uploads too."""
    return sorted(path.name for path in (server.data / "artifacts").rglob("*") if path.is_file())


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def connected(server: MainspringServer) -> int:
    """Return how many connections of clients the server holds."""
    held = psutil.Process(server.pid).net_connections("tcp")
    return sum(each.status == psutil.CONN_ESTABLISHED and each.laddr.port == server.port for each in held)


async def leave(connection: Connection) -> None:
    """Go away without a word: the connection is reset."""
    connection.writer.transport.abort()


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99], ids=["the head alone", "a half", "all but the end"])
def test_a_half_sent_upload_is_never_seen(server: MainspringServer, share: float) -> None:
    async def test() -> None:
        length = 4 * MIB
        connection = await Connection.open(server)
        connection.writer.write(Connection.head("PUT", f"{ARTIFACTS}/half", length, "application/octet-stream"))
        connection.writer.write(bytes(int(length * share)))
        await connection.writer.drain()
        if share:
            await until(lambda: files(server) != [])
        assert "half" not in files(server)
        await leave(connection)
        await until(lambda: files(server) == [])
        assert "unexpected_error" not in server.log

    asyncio.run(test())


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_a_half_sent_message_changes_nothing(server: MainspringServer, share: float) -> None:
    async def test() -> None:
        connection = await Connection.open(server)
        name = f"half sent {share}"
        body = json.dumps({"name": name, "artifact_location": "", "tags": []}).encode()
        head = Connection.head("POST", f"{API}/experiments/create", len(body))
        sent = head + body[: int(len(body) * share)]
        connection.writer.write(sent)
        await connection.writer.drain()
        await asyncio.sleep(0.2)
        await leave(connection)
        other = await Connection.open(server)
        found = await other.call("experiments/get-by-name", {"experiment_name": name}, "GET")
        assert found.status == 404
        await other.close()

    asyncio.run(test())


def test_half_heads_and_nonsense_disturb_nobody(server: MainspringServer) -> None:
    async def test() -> None:
        before = connected(server)
        nonsense = (
            b"",
            b"G",
            b"GET / HT",
            b"POST /x HTTP/1.1\r\nhost: localhost\r\n",
            b"\x16\x03\x01\x02\x00",
            b"\0" * 1000,
        )
        rude = [await Connection.open(server) for _ in range(60)]
        for number, connection in enumerate(rude):
            connection.writer.write(nonsense[number % len(nonsense)])
        polite = await Connection.open(server)
        assert (await polite.call("experiments/get", {"experiment_id": "0"}, "GET")).status == 200
        await polite.close()
        for connection in rude:
            await leave(connection)
        await until(lambda: connected(server) <= before)

    asyncio.run(test())


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /api/2.0/mlflow/runs/search HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
        b"POST /api/2.0/mlflow/runs/search HTTP/1.1\r\nhost: localhost\r\ncontent-length: abc\r\n\r\n",
        b"POST /api/2.0/mlflow/runs/search HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n"
        b"content-length: 2\r\n\r\n{}",
        b"POST /api/2.0/mlflow/runs/search HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST /api/2.0/mlflow/runs/search HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n"
        b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /api/2.0/mlflow/experiments/get\r\n\r\n",
        b"GET /x HTTP/9.9\r\n\r\n",
        b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /x HTTP/1.1\r\n" + b"a: b\r\n" * 5000 + b"\r\n",
        b"GET /x HTTP/1.1\r\nhost: localhost\r\nx-request-id: \xff\xfe\x00\r\n\r\n",
    ],
    ids=lambda text: repr(text[-30:]),
)
def test_lies_in_the_head(server: MainspringServer, request_bytes: bytes) -> None:
    """The connection is answered with a refusal, or closed; never with a 5xx, and never kept waiting."""

    async def test() -> None:
        connection = await Connection.open(server)
        connection.writer.write(request_bytes)
        try:
            async with asyncio.timeout(10):
                line = await connection.reader.readline()
        except ConnectionError:
            line = b""
        assert line == b"" or line.split()[1].startswith(b"4"), line
        await leave(connection)

    asyncio.run(test())


def test_a_chunked_body_is_taken(server: MainspringServer) -> None:
    async def test() -> None:
        connection = await Connection.open(server)
        head = "\r\n".join(
            (f"POST {API}/experiments/search HTTP/1.1", "host: localhost", "content-type: application/json", "")
        )
        connection.writer.write(f"{head}transfer-encoding: chunked\r\n\r\n".encode())
        for piece in (b'{"max_', b'results": ', b"5}"):
            connection.writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await connection.writer.drain()
            await asyncio.sleep(0.05)
        connection.writer.write(b"0\r\n\r\n")
        assert (await connection.answer()).status == 200
        await connection.close()

    asyncio.run(test())


def test_who_leaves_before_the_answer_is_written_wholly_or_not_at_all(server: MainspringServer) -> None:
    async def test() -> None:
        control = await Connection.open(server)
        _, run = await start_run(control, "leavers")
        for number in range(30):
            connection = await Connection.open(server)
            pairs = [{"key": f"k{number}-{place}", "value": "v"} for place in range(50)]
            body = json.dumps({"run_id": run, "params": pairs, "tags": pairs}).encode()
            await connection.send("POST", f"{API}/runs/log-batch", body)
            await leave(connection)
        # What came before is committed before what comes after is answered.
        await asyncio.sleep(0.5)
        assert (await control.call("runs/set-tag", {"run_id": run, "key": "last", "value": "v"})).status == 200
        data = await data_of(control, run)
        for number in range(30):
            params = sum(name.startswith(f"k{number}-") for name in data["params"])
            assert params in (0, 50)
            assert params == sum(name.startswith(f"k{number}-") for name in data["tags"])
        await control.close()

    asyncio.run(test())


async def open_narrow(server: MainspringServer, path: str) -> Connection:
    """Ask for a file over a connection that takes little at a time."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", server.port))
    connection = Connection(*await asyncio.open_connection(sock=narrow, limit=1024))
    await connection.send("GET", path)
    return connection


@pytest.mark.parametrize("door", ["mlflow", "v1"])
def test_slow_readers_hold_no_memory_and_no_thread(server: MainspringServer, door: str) -> None:
    """Twenty readers at 1 kB/s of a file of 200 MiB: the server reads ahead little for each."""
    readers = 20

    async def test() -> None:
        control = await Connection.open(server)
        experiment, run = await start_run(control, f"slow readers {door}")
        large = server.data / "artifacts" / experiment / run / "artifacts" / "large"
        large.parent.mkdir(parents=True)
        with large.open("wb") as file:
            file.truncate(200 * MIB)
        path = large.relative_to(server.data / "artifacts")
        url = f"{ARTIFACTS}/{path}" if door == "mlflow" else f"/api/v1/runs/{run}/artifacts/large"
        process = psutil.Process(server.pid)
        before, threads = process.memory_info().rss, process.num_threads()
        slow = [await open_narrow(server, url) for _ in range(readers)]
        await read_slowly(slow, 4)
        assert process.memory_info().rss - before < readers * 4 * MIB
        assert process.num_threads() - threads < readers // 2
        async with asyncio.timeout(10):
            assert (await control.call("experiments/get", {"experiment_id": "0"}, "GET")).status == 200
        for connection in slow:
            await leave(connection)
        await until(lambda: not open_files(server, large))
        await control.close()
        large.unlink()

    asyncio.run(test())


def test_slow_readers_of_messages_hold_them_and_no_more(server: MainspringServer) -> None:
    """An answer of some megabytes is made once for each reader, and gone with them."""
    readers, tags, tag_bytes = 10, 500, 5_000

    async def test() -> None:
        control = await Connection.open(server)
        _, run = await start_run(control, "slow readers of messages")
        pairs = [{"key": f"k{number}", "value": "v" * tag_bytes} for number in range(tags)]
        for start in range(0, tags, 100):
            batch = {"run_id": run, "tags": pairs[start : start + 100]}
            assert (await control.call("runs/log-batch", batch)).status == 200
        process = psutil.Process(server.pid)
        path = f"{API}/runs/get?run_id={run}"
        whole = await control.call(f"runs/get?run_id={run}", None, "GET")
        assert len(whole.body) > tags * tag_bytes
        before, threads = process.memory_info().rss, process.num_threads()
        for _ in range(3):
            slow = [await open_narrow(server, path) for _ in range(readers)]
            await read_slowly(slow, 2)
            async with asyncio.timeout(10):
                assert (await control.call("experiments/get", {"experiment_id": "0"}, "GET")).status == 200
            assert process.num_threads() - threads < readers // 2
            for connection in slow:
                await leave(connection)
            await until(lambda: connected(server) == 1)
        assert process.memory_info().rss - before < 1.5 * readers * len(whole.body)
        await control.close()

    asyncio.run(test())


async def read_slowly(connections: list[Connection], seconds: int) -> None:
    """Read 1 kB each second from each."""
    for _ in range(seconds):
        for connection in connections:
            assert await connection.reader.read(1000)
        await asyncio.sleep(1)


def open_files(server: MainspringServer, path: Path) -> int:
    """Return how many descriptors of the server are of this file."""
    return sum(each.path == str(path) for each in psutil.Process(server.pid).open_files())


@pytest.mark.parametrize("door", ["mlflow", "v1"])
def test_a_download_ends_with_its_reader(server: MainspringServer, door: str) -> None:
    """A file without end, as it were: the server does not go on reading for somebody who has left."""

    async def test() -> None:
        connection = await Connection.open(server)
        experiment, run = await start_run(connection, f"endless {door}")
        folder = f"{experiment}/{run}/artifacts"
        endless = server.data / "artifacts" / folder / "endless"
        endless.parent.mkdir(parents=True)
        with endless.open("wb") as file:
            file.truncate(1 << 42)
        path = f"{ARTIFACTS}/{folder}/endless" if door == "mlflow" else f"/api/v1/runs/{run}/artifacts/endless"
        await connection.send("GET", path)
        assert await connection.reader.readexactly(MIB)
        assert open_files(server, endless) == 1
        await leave(connection)
        await until(lambda: not open_files(server, endless), seconds=5)
        os.unlink(endless)

    asyncio.run(test())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_lets_a_slow_upload_finish(tmp_path: Path, request: pytest.FixtureRequest, workers: int) -> None:
    """After SIGTERM new clients are refused, the upload under way is taken, and the server ends with 0."""
    url = str(request.getfixturevalue("postgres_database")) if workers > 1 else None
    server = MainspringServer(tmp_path / "data", "--workers", str(workers), database_url=url)

    async def test() -> None:
        connection = await Connection.open(server)
        body = os.urandom(4 * MIB)
        connection.writer.write(Connection.head("PUT", f"{ARTIFACTS}/slow", len(body), "application/octet-stream"))
        connection.writer.write(body[: 2 * MIB])
        await connection.writer.drain()
        await until(lambda: files(server) != [])
        stopping = asyncio.create_task(asyncio.to_thread(server.stop, signal.SIGTERM))
        for start in range(2 * MIB, 4 * MIB, MIB // 2):
            await asyncio.sleep(0.5)
            assert not stopping.done()
            connection.writer.write(body[start : start + MIB // 2])
            await connection.writer.drain()
        assert (await connection.answer()).status == 200
        await stopping
        assert (server.data / "artifacts" / "slow").read_bytes() == body

    with server:
        asyncio.run(test())


def test_a_stop_does_not_wait_for_ever(tmp_path: Path) -> None:
    """An upload that does not go on is given up after the grace, and leaves nothing."""
    server = MainspringServer(tmp_path / "data", environment={"MAINSPRING_SHUTDOWN_GRACE": "1"})

    async def test() -> None:
        connection = await Connection.open(server)
        connection.writer.write(Connection.head("PUT", f"{ARTIFACTS}/stuck", 4 * MIB, "application/octet-stream"))
        connection.writer.write(bytes(2 * MIB))
        await connection.writer.drain()
        await until(lambda: files(server) != [])
        started = asyncio.get_running_loop().time()
        await asyncio.to_thread(server.stop, signal.SIGTERM)
        assert asyncio.get_running_loop().time() - started < 10
        assert files(server) == []
        await leave(connection)

    with server:
        asyncio.run(test())
