"""A real Redis that the tests start for themselves: in memory alone, on a free port, behind a password."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator

import pytest
import redis

from tests.components.ports import free_port, wait_until


class Redis:
    """One Redis server: ``url``, ``start``, ``stop``; it forgets everything when it stops."""

    def __init__(self, binary: str) -> None:
        self.port = free_port()
        self.password = secrets.token_hex(8)
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and return once it answers."""
        options = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self._process = subprocess.Popen(
            [self._binary, *options, "--requirepass", self.password],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, f"Redis at port {self.port}")

    def stop(self) -> None:
        """Stop at once."""
        if self._process:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def keys(self) -> list[str]:
        """Return what it has."""
        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            return sorted(str(key) for key in client.scan_iter())

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


@pytest.fixture
def redis_server() -> Iterator[Redis]:
    """Yield a running Redis of the test's own; skip where it is not installed."""
    binary = shutil.which("redis-server", path=f"{os.environ['PATH']}:/usr/sbin")
    if binary is None:
        pytest.skip("redis-server is not installed: none on PATH or in /usr/sbin")
    server = Redis(binary)
    try:
        server.start()
        yield server
    finally:
        server.stop()
