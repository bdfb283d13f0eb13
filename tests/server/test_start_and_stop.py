"""The server as a process: one on each data folder, a clean end by either signal, nobody cut off."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from tests.components.ports import free_port, wait_until
from tests.components.server import MainspringServer

STOP_SECONDS = 30


def up(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run ``mainspring up`` to its end."""
    command = [sys.executable, "-m", "mainspring.cli.main", "up", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_second_start_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with MainspringServer(tmp_path / "data") as server:
        done = up("--data", tmp_path / "data", "--port", free_port())
        assert done.returncode == 7
        assert done.stderr == (
            f"Error: A server already runs on {tmp_path}/data: process {server.pid} at {server.url}. "
            "Use that one, stop it, or start this one with another folder: --data FOLDER.\n"
        )
        assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_a_port_that_is_taken(tmp_path: Path, sqlite_server: MainspringServer) -> None:
    done = up("--data", tmp_path / "data", "--port", sqlite_server.port)
    assert done.returncode == 10
    assert f"Error: Cannot listen on 127.0.0.1:{sqlite_server.port}" in done.stderr


def test_a_data_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = up("--data", tmp_path / "file" / "data", "--port", free_port())
    assert done.returncode == 10
    assert "The data folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_several_workers_need_postgresql(tmp_path: Path) -> None:
    done = up("--data", tmp_path / "data", "--workers", 2)
    assert done.returncode == 2
    assert "The setting workers is '2'; it must be 1 on SQLite" in done.stderr
    assert not (tmp_path / "data").exists()


def test_it_prints_how_to_connect(tmp_path: Path) -> None:
    with MainspringServer(tmp_path / "data") as server:
        lines = server.log.splitlines()
    assert f'  mlflow.set_tracking_uri("{server.url}")' in lines


class SlowUpload:
    """An upload that the server is reading, and half of whose body it has."""

    def __init__(self, server: MainspringServer, run_id: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=STOP_SECONDS)
        head = f"PUT /api/v1/runs/{run_id}/artifacts/slow.txt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n"
        self._socket.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert self._socket.recv(65536).startswith(b"HTTP/1.1 100")
        self._socket.sendall(b"hello")

    def close(self) -> None:
        """Give the upload up."""
        self._socket.close()

    def finish(self) -> bytes:
        """Send the rest and return the answer."""
        with self._socket:
            self._socket.sendall(b"world")
            return self._socket.recv(65536)


def new_run(server: MainspringServer) -> str:
    made = httpx.post(f"{server.url}/api/v1/runs", json={"experiment_id": "0"})
    return str(made.raise_for_status().json()["run_id"])


def accepts(server: MainspringServer) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_waits_for_requests_in_progress(tmp_path: Path, by: signal.Signals) -> None:
    with MainspringServer(tmp_path / "data") as server, ThreadPoolExecutor() as threads:
        run_id = new_run(server)
        upload = SlowUpload(server, run_id)
        stopped = threads.submit(server.stop, by)
        wait_until(lambda: not accepts(server), "the server to take no more connections", STOP_SECONDS)
        time.sleep(0.5)
        assert not stopped.done()
        assert b" 200 OK" in upload.finish().splitlines()[0]
        stopped.result()
        assert "Mainspring has stopped." in server.log
        server.start()
        assert httpx.get(f"{server.url}/api/v1/runs/{run_id}/artifacts/slow.txt").content == b"helloworld"


def test_a_stop_does_not_wait_for_ever(tmp_path: Path) -> None:
    with MainspringServer(tmp_path / "data", "--shutdown-grace", "1") as server:
        run_id = new_run(server)
        upload = SlowUpload(server, run_id)
        server.stop(signal.SIGTERM)
        upload.close()
        server.start()
        assert httpx.get(f"{server.url}/api/v1/runs/{run_id}/artifacts").json()["items"] == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_database_that_is_away_at_the_start(tmp_path: Path, workers: int) -> None:
    port = free_port()
    away = f"postgresql://nobody:secret@127.0.0.1:{port}/none"
    done = up("--data", tmp_path / "data", "--port", free_port(), "--workers", workers, "--database-url", away)
    assert done.returncode == 10
    error = done.stderr.splitlines()[-1]
    assert error.startswith("Error: The database cannot be reached. (")
    assert f"port {port}" in error
    assert "Connection refused" in error
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_an_artifact_store_that_is_none(tmp_path: Path) -> None:
    done = up("--data", tmp_path / "data", "--port", free_port(), "--artifacts-url", "ftp://host/folder")
    assert done.returncode == 2
    assert "Error: No artifact store for URLs of scheme 'ftp://'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_worker_that_dies_is_replaced(tmp_path: Path, postgres_database: str) -> None:
    """The other one goes on meanwhile, and the log says what happened."""
    with MainspringServer(tmp_path / "data", "--workers", "2", database_url=postgres_database) as server:
        wait_until(lambda: len(workers_of(server)) == 2, "two workers")
        first = workers_of(server)
        os.kill(min(first), signal.SIGKILL)
        wait_until(lambda: '"worker_replaced"' in server.log, "the log to tell of it", STOP_SECONDS)
        [line] = [line for line in server.log.splitlines() if '"worker_replaced"' in line]
        told = json.loads(line)
        assert (told["died"], told["exit_code"]) == (min(first), -signal.SIGKILL)
        assert workers_of(server) == first - {told["died"]} | {told["pid"]}
        for _ in range(10):
            assert httpx.get(f"{server.url}/health").status_code == 200


def workers_of(server: MainspringServer) -> set[int]:
    """Return the worker processes of a server."""
    children = psutil.Process(server.pid).children(recursive=True)
    return {child.pid for child in children if "spawn_main" in " ".join(child.cmdline())}
