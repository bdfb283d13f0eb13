"""A running server of a product on a new database, what it has spent, and the plain API it is filled and checked by."""

import http.client
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from bench import BenchError, processes
from bench.postgres import Postgres
from bench.processes import Program, cpu_seconds, free_port
from bench.products import Product

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}
START_LIMIT_S = 400.0
AFTERWARDS_S = 1.5
TRACKING = "/api/2.0/mlflow/"


class Api:
    """The tracking API over one connection, for what is prepared and read back outside the measured time."""

    def __init__(self, port: int, token: str = "") -> None:
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=900, blocksize=2**20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def open(self, method: str, path: str, body: bytes | Path | None = None) -> http.client.HTTPResponse:
        """Return the answer of 200, its body still to be read; raise BenchError on any other. A file is streamed."""
        try:
            response = self.send(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            raise BenchError(f"{method} {path} was not answered: {error}") from error
        if response.status != 200:
            raise BenchError(f"{method} {path} answered {response.status}: {response.read()[:300]!r}")
        return response

    def send(self, method: str, path: str, body: bytes | Path | None) -> http.client.HTTPResponse:
        """Send a request and return the head of its answer."""
        if isinstance(body, Path):
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(body.stat().st_size)}
            headers |= self.headers
            with body.open("rb") as content:
                self.connection.request(method, path, content, headers)
        else:
            self.connection.request(method, path, body, {"Content-Type": "application/json"} | self.headers)
        return self.connection.getresponse()

    def ask(self, method: str, path: str, body: bytes | Path | None = None) -> bytes:
        """Return the body of an answer of 200."""
        return self.open(method, path, body).read()

    def get(self, path: str, **params: str) -> dict[str, Any]:
        """Return the JSON of a read; `path` is relative to the tracking API."""
        answer: dict[str, Any] = json.loads(self.ask("GET", f"{TRACKING}{path}?{urlencode(params)}"))
        return answer

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON answer of a write or a search; `path` is relative to the tracking API."""
        answer: dict[str, Any] = json.loads(self.ask("POST", TRACKING + path, json.dumps(body).encode()))
        return answer


@dataclass
class Spent:
    """What a piece of work has cost a server and its database: CPU seconds; MiB of RSS at the peak above the start."""

    cpu: float = 0.0
    growth_mib: float = 0.0


class Server:
    """A running server on a new database; `start_wall` and `start_cpu` are the seconds until the first 200."""

    def __init__(self, product: Product, database: str) -> None:
        self.product = product
        self.folder = Path(tempfile.mkdtemp(prefix="mainspring-bench-"))
        self.postgres = Postgres() if database == "postgresql" else None
        self.port = free_port()
        self.token = ""  # who asks, where the server wants to know
        self.database_url = self.postgres.url if self.postgres else None
        self.log = (self.folder / "log").open("wb")
        begin, cpu_of_database = time.perf_counter(), self.cpu_of_database()
        self.launch()
        self.start_wall = time.perf_counter() - begin
        self.start_cpu = self.cpu() - cpu_of_database

    def launch(self) -> None:
        """Start the server's processes on the database as it is, and wait for them; what fails is removed wholly."""
        command = self.product.command(self.folder, self.port, self.database_url)
        self.program = Program(command, self.folder, self.log, {**QUIET, **self.product.variables})
        try:
            self.wait_for_health()
        except BaseException:
            self.stop()
            raise

    def wait_for_health(self) -> None:
        """Ask /health every 10 ms until it answers 200."""
        until = time.monotonic() + START_LIMIT_S
        while time.monotonic() < until and self.program.exit_status() is None:
            try:
                with self.api() as api:
                    api.ask("GET", "/health")
                return
            except BenchError:
                time.sleep(0.01)
        raise self.failure("did not answer /health with 200")

    def failure(self, what: str) -> BenchError:
        """Return the error for a server that is not there, with the end of its log."""
        tail = (self.folder / "log").read_text(errors="replace")[-2000:]
        return BenchError(f"{self.product.name} {what} (exit {self.program.exit_status()}):\n{tail}")

    def api(self) -> Api:
        """Return a new connection to the server."""
        return Api(self.port, self.token)

    def new_experiment(self) -> str:
        """Create an experiment with a name of its own and return its id."""
        with self.api() as api:
            return str(api.post("experiments/create", {"name": f"bench-{time.time_ns()}"})["experiment_id"])

    def cpu_of_database(self) -> float:
        """Return the CPU seconds of this server's PostgreSQL; 0 on SQLite, which runs inside the server."""
        return cpu_seconds(self.postgres.pid) if self.postgres else 0.0

    def cpu(self) -> float:
        """Return the CPU seconds so far of the server's processes and its database."""
        if self.program.exit_status() is not None:
            raise self.failure("died")
        return cpu_seconds(self.program.pid) + self.cpu_of_database()

    def memory(self) -> float:
        """Return the resident memory in MiB, summed over the server's processes (the database's not included)."""
        return processes.resident_mib(self.program.pid)

    @contextmanager
    def spending(self) -> Iterator[Spent]:
        """Measure a block of work; what the server still does for it within half a second belongs to it."""
        spent, before, resident = Spent(), self.cpu(), self.memory()
        processes.forget_peaks(self.program.pid)
        yield spent
        time.sleep(AFTERWARDS_S)
        spent.cpu = self.cpu() - before
        spent.growth_mib = processes.peak_mib(self.program.pid) - resident

    def settle(self, calm_windows: int = 2) -> None:
        """Wait until the server's own work is over: this many windows of 2 s, one after the other, below 5 % of a core.

        After the first 200 more processes start; after a load points are compacted and tables vacuumed.
        """
        calm, until = 0, time.monotonic() + 180
        while calm < calm_windows and time.monotonic() < until:
            before = self.cpu()
            time.sleep(2)
            calm = calm + 1 if self.cpu() - before <= 0.1 else 0

    def halt(self) -> None:
        """Stop the server's processes; the database stays, and `launch` may follow."""
        self.program.stop(30)

    def stop(self) -> None:
        """Stop the server and its database and remove their files."""
        self.halt()
        if self.postgres:
            self.postgres.stop()
        self.log.close()
        shutil.rmtree(self.folder)
