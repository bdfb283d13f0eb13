"""The server that the tests start is the one users start: it stops cleanly, dies hard, comes back at its address."""

import os
from pathlib import Path

import httpx
import pytest

from tests.components.server import MainspringServer


def ready(server: MainspringServer) -> int:
    return httpx.get(f"{server.url}/readyz").status_code


def test_runs_on_each_database(server: MainspringServer) -> None:
    assert ready(server) == 200


def test_stops_cleanly_and_starts_again(tmp_path: Path) -> None:
    with MainspringServer(tmp_path / "data") as server:
        first = server.pid
        server.restart()
        assert server.pid != first
        assert ready(server) == 200
        server.stop()
        with pytest.raises(httpx.ConnectError):
            ready(server)


def test_survives_a_kill(tmp_path: Path) -> None:
    with MainspringServer(tmp_path / "data") as server:
        first = server.pid
        server.kill()
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)
        server.start()
        assert ready(server) == 200


def test_a_start_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="No such option"):
        MainspringServer(tmp_path / "data", "--no-such-option").start()
