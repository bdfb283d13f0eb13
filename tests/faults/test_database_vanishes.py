"""The host of PostgreSQL vanishes without a word, as by a pulled cable: it is noticed, and outlived."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.postgres import Postgres, create_database
from tests.components.server import MainspringServer
from tests.faults.http import Connection, data_of, start_run

NEAR, FAR, BITS = "10.213.77.1", "10.213.77.2", 30
NOTICED_S = 45
CLONE_NEWNET = 0x40000000


class Cable:
    """A proxy to PostgreSQL that listens on the far end of a virtual cable, which can be pulled."""

    def __init__(self, upstream_port: int) -> None:
        self._name = f"ms{os.getpid()}"
        self._upstream_port = upstream_port
        self._loop = asyncio.new_event_loop()
        self._ip("netns", "add", self._name)
        self._ip("link", "add", f"{self._name}a", "type", "veth", "peer", "name", "far", "netns", self._name)
        self._ip("address", "add", f"{NEAR}/{BITS}", "dev", f"{self._name}a")
        self._ip("link", "set", f"{self._name}a", "up")
        self._ip("-n", self._name, "link", "set", "far", "up")
        self.plug_in()
        listener = self._listen()
        self.port: int = listener.getsockname()[1]
        self._loop.run_until_complete(asyncio.start_server(self._serve, sock=listener))
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def pull(self) -> None:
        """Let nothing through any more; neither end is told."""
        self._ip("-n", self._name, "address", "delete", f"{FAR}/{BITS}", "dev", "far")

    def plug_in(self) -> None:
        """Let everything through."""
        self._ip("-n", self._name, "address", "add", f"{FAR}/{BITS}", "dev", "far")

    def close(self) -> None:
        """Remove the cable."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._ip("link", "delete", f"{self._name}a")
        self._ip("netns", "delete", self._name)

    def _ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def _listen(self) -> socket.socket:
        """Return a socket that listens on the far end: a socket stays where it was made."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net") as here, open(f"/run/netns/{self._name}") as there:
            if libc.setns(there.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            listener = socket.create_server((FAR, 0))
            if libc.setns(here.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        return listener

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        await asyncio.gather(_pump(reader, up_writer), _pump(up_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, TimeoutError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


@pytest.fixture
def cable(postgres: Postgres) -> Iterator[Cable]:
    """Yield a cable to PostgreSQL; needs root, who may make network namespaces."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("only root with iproute2 may make a network namespace")
    try:
        laid = Cable(postgres.port)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"a network namespace cannot be made here: {error.stderr.decode().strip()}")
    yield laid
    laid.close()


@pytest.mark.slow
def test_the_database_vanishes(tmp_path: Path, postgres: Postgres, cable: Cable) -> None:
    near = postgres.database_url(create_database(postgres))
    far = near.replace(f"127.0.0.1:{postgres.port}", f"{FAR}:{cable.port}")
    with MainspringServer(tmp_path / "data", database_url=far) as server:
        asyncio.run(vanish(server, cable))


async def vanish(server: MainspringServer, cable: Cable) -> None:
    control = await Connection.open(server)
    _, run = await start_run(control, "vanished")
    await data_of(control, run)
    cable.pull()
    started = time.monotonic()
    reader, writer = await Connection.open(server), await Connection.open(server)
    pair = {"run_id": run, "key": "k", "value": "v"}
    async with asyncio.timeout(NOTICED_S):
        answers = await asyncio.gather(
            reader.call("runs/get", {"run_id": run}, "GET"), writer.call("runs/set-tag", pair)
        )
    assert time.monotonic() - started > 1
    assert [answer.status for answer in answers] == [503, 503], answers
    cable.plug_in()
    async with asyncio.timeout(NOTICED_S):
        while (await writer.call("runs/set-tag", pair)).status != 200:
            await asyncio.sleep(0.2)
        assert (await data_of(reader, run))["tags"]["k"] == "v"
