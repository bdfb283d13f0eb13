"""A real Mainspring server in a process of its own, started as a user starts it.

``server`` runs a test once on SQLite and once on PostgreSQL, and as a slow one behind pgbouncer too;
``sqlite_server``, ``postgresql_server`` and ``pgbouncer_server`` are these by name. They live as long as the
pytest process, so a test that kills, restarts or fills its server makes its own ``MainspringServer``.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests.components.pgbouncer import Pgbouncer
from tests.components.ports import free_port, wait_until
from tests.components.postgres import Postgres, create_database

START_SECONDS = 60
STOP_SECONDS = 30


class MainspringServer:
    """``mainspring up`` on a free port: ``url``, ``pid``, ``log``, ``start``, ``stop``, ``kill``, ``restart``.

    ``data`` is the data folder; the log lies beside it. ``arguments`` are further options of
    ``mainspring up``, ``environment`` variables on top of this process's own, ``wrapper`` a program
    that replaces itself by the server, such as ``prlimit``. Use it in a ``with``
    statement: leaving it stops the server if it still runs.
    """

    def __init__(
        self,
        data: Path,
        *arguments: str,
        database_url: str | None = None,
        environment: dict[str, str] | None = None,
        wrapper: Sequence[str] = (),
    ) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = data.with_name(f"{data.name}.log")
        self._environment = {**os.environ, "DO_NOT_TRACK": "1", **(environment or {})}
        self._command = [*wrapper, sys.executable, "-m", "mainspring.cli.main", "up"]
        self._command += ["--data", str(data), "--host", "127.0.0.1", "--port", str(self.port)]
        self._command += ["--database-url", database_url] if database_url else []
        self._command += arguments
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        return self._running().pid

    @property
    def log(self) -> str:
        """Everything that the server has printed since its first start."""
        return self.log_path.read_text() if self.log_path.exists() else ""

    def add_environment(self, **variables: str) -> None:
        """Set variables that the server gets at its next start."""
        self._environment |= variables

    def start(self) -> "MainspringServer":
        """Start and return once /readyz answers 200; raise with the log when it does not."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data.parent,
                env=self._environment,
                start_new_session=True,
            )
        try:
            wait_until(self._ready_or_dead, f"{self.url}/readyz", START_SECONDS)
        except TimeoutError as late:
            self.kill()
            raise RuntimeError(f"{late}; its log:\n{self.log}") from late
        if self._process.poll() is not None:
            code = self._process.returncode
            self._process = None
            raise RuntimeError(f"the server exited with {code} at its start; its log:\n{self.log}")
        return self

    def stop(self, by: signal.Signals = signal.SIGINT) -> None:
        """Send what Ctrl-C sends, to the whole process group; raise unless the server then exits with 0."""
        process = self._running()
        os.killpg(process.pid, by)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired as late:
            self.kill()
            raise RuntimeError(f"still running {STOP_SECONDS} s after {by.name}; its log:\n{self.log}") from late
        self._process = None
        if code != 0:
            raise RuntimeError(f"the server exited with {code} after {by.name}, not 0; its log:\n{self.log}")

    def kill(self) -> None:
        """Kill the whole process group with SIGKILL, as a power failure would."""
        process = self._running()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._process = None

    def restart(self) -> None:
        """Start again on the same data and port, stopping first if it runs."""
        if self._process is not None:
            self.stop()
        self.start()

    def __enter__(self) -> "MainspringServer":
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._process is None:
            return
        if kind is None:
            self.stop()
        else:
            self.kill()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process

    def _ready_or_dead(self) -> bool:
        if self._running().poll() is not None:
            return True
        try:
            # Asked often while the server starts: httpx would read all root certificates each time.
            connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/readyz")
            ready = connection.getresponse().status == 200
            connection.close()
        except (OSError, HTTPException):
            return False
        return ready


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainspringServer]:
    """Yield a server on the embedded SQLite."""
    with MainspringServer(tmp_path_factory.mktemp("sqlite") / "data") as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[MainspringServer]:
    """Yield a server on a fresh PostgreSQL database."""
    url = postgres.database_url(create_database(postgres))
    with MainspringServer(tmp_path_factory.mktemp("postgresql") / "data", database_url=url) as server:
        yield server


@pytest.fixture(scope="session")
def pgbouncer_server(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, pgbouncer: Pgbouncer
) -> Iterator[MainspringServer]:
    """Yield a server on a fresh PostgreSQL database behind pgbouncer."""
    url = pgbouncer.database_url(create_database(postgres))
    with MainspringServer(tmp_path_factory.mktemp("pgbouncer") / "data", database_url=url) as server:
        yield server


DATABASES = ["sqlite", "postgresql", pytest.param("pgbouncer", marks=pytest.mark.slow)]


@pytest.fixture(scope="session", params=DATABASES)
def server(request: pytest.FixtureRequest) -> MainspringServer:
    """Yield a running server, once on each database; ``.url`` is where a client connects."""
    running: MainspringServer = request.getfixturevalue(f"{request.param}_server")
    return running
