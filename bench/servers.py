"""The two servers and their PostgreSQL clusters: start, stop, CPU time and memory of the whole process tree."""

import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import psutil
import psycopg

ROOT = Path(__file__).resolve().parent.parent
MLFLOW_VERSION = "3.17.2"
MLFLOW_PACKAGES = (f"mlflow=={MLFLOW_VERSION}", "psycopg2-binary==2.9.13")
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}
START_LIMIT_S = 400.0


class BenchError(Exception):
    """A figure could not be had: the server refused, lost or changed something, or did not start."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all its living descendants; empty if it is gone."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def sum_over_tree(pid: int, figure: Callable[[psutil.Process], float]) -> float:
    """Add a figure over a process tree; a process that ends meanwhile counts nothing (its parent has its CPU time)."""
    total = 0.0
    for process in tree(pid):
        try:
            total += figure(process)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return total


def cpu_seconds(pid: int) -> float:
    """Return user and system CPU seconds of a process tree, ended children included."""
    return sum_over_tree(pid, lambda process: float(sum(process.cpu_times()[:4])))


def end_tree(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """Ask a process to stop, then kill what its tree has left behind."""
    family = tree(process.pid)
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for member in family:
        if member.is_running() and member.pid != process.pid:
            member.kill()
    psutil.wait_procs(family, timeout=10)


class Api:
    """The tracking API over one connection, for what is prepared and read back outside the measured time."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Return the body of an answer 200; raise BenchError on any other."""
        self.connection.request(method, path, body, {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise BenchError(f"{method} {path} answered {response.status}: {content[:300]!r}")
        return content

    def get(self, path: str, **params: str) -> dict[str, Any]:
        """Return the JSON of a read; `path` is relative to the tracking API."""
        answer: dict[str, Any] = json.loads(self.ask("GET", f"/api/2.0/mlflow/{path}?{urlencode(params)}"))
        return answer

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON answer of a write or a search."""
        answer: dict[str, Any] = json.loads(self.ask("POST", f"/api/2.0/mlflow/{path}", json.dumps(body).encode()))
        return answer


class Postgres:
    """A PostgreSQL cluster of its own in a temporary folder, with the settings that initdb gives."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mainspring-bench-pg-"))
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self.url = f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/bench"
        self.be_postgres: list[str] = []
        if os.geteuid() == 0:
            self.be_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(self.folder, "postgres", "postgres")
        self.log = (self.folder / "log").open("wb")
        self.initialize()
        command = [program("postgres"), "-D", f"{self.folder}/data", "-p", str(self.port), "-h", "127.0.0.1", "-k", ""]
        self.process = subprocess.Popen([*self.be_postgres, *command], stdout=self.log, stderr=self.log)
        try:
            self.create_database()
        except BaseException:
            self.stop()
            raise

    def initialize(self) -> None:
        """Run initdb with a password, since any user of the machine reaches 127.0.0.1."""
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o600)
        if self.be_postgres:
            shutil.chown(secret, "postgres", "postgres")
        options = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--locale=C"]
        command = [*self.be_postgres, program("initdb"), "-D", f"{self.folder}/data", *options]
        subprocess.run(command, check=True, stdout=self.log, stderr=self.log, cwd=self.folder)

    def create_database(self) -> None:
        """Wait for the server, then make the database `bench`."""
        until = time.monotonic() + 60
        while True:
            try:
                with psycopg.connect(self.url.removesuffix("bench") + "postgres", autocommit=True) as connection:
                    connection.execute("CREATE DATABASE bench")
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise BenchError(f"PostgreSQL did not start: {error}") from error
                time.sleep(0.1)

    def analyze(self) -> None:
        """Give the planner its statistics, as autovacuum would within a minute or two."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("ANALYZE")

    def stop(self) -> None:
        """Stop the cluster and remove it."""
        end_tree(self.process, 20)
        self.log.close()
        shutil.rmtree(self.folder)


def program(name: str) -> str:
    """Return the path of a PostgreSQL program: on PATH, or the newest that the distribution installed beside it."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    found = shutil.which(name) or (str(installed[-1]) if installed else None)
    if found is None:
        raise BenchError(f"{name} is not installed: install PostgreSQL, or run with --database sqlite")
    return found


@dataclass(frozen=True)
class Product:
    """A server that can be started: its name and the command for a folder, a port and a database URL (None: SQLite)."""

    name: str
    command: Callable[[Path, int, str | None], list[str]]


def mlflow_python() -> Path:
    """Return the Python of the original's own environment, made on first use under `.cache/bench`."""
    folder = Path(os.environ.get("MAINSPRING_BENCH_MLFLOW_VENV") or ROOT / ".cache/bench" / f"mlflow-{MLFLOW_VERSION}")
    python = folder / "bin/python"
    if not (folder / "bin/mlflow").exists():
        beside = Path(sys.executable).parent / "uv"
        uv = str(beside) if beside.exists() else "uv"
        subprocess.run([uv, "venv", "--allow-existing", "--python", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "--python", str(python), *MLFLOW_PACKAGES], check=True)
    return python


def mlflow_store(folder: Path, database: str | None) -> str:
    """Return the original's store URL, with the PostgreSQL driver that is in its environment."""
    return database.replace("postgresql:", "postgresql+psycopg2:") if database else f"sqlite:///{folder}/mlflow.db"


def mlflow_command(folder: Path, port: int, database: str | None) -> list[str]:
    """Start the original as its documentation does, with its default of four workers."""
    store = ["--backend-store-uri", mlflow_store(folder, database), "--artifacts-destination", f"{folder}/artifacts"]
    return [str(mlflow_python()), "-m", "mlflow", "server", *store, "--host", "127.0.0.1", "--port", str(port)]


def mainspring_command(folder: Path, port: int, database: str | None) -> list[str]:
    """Start Mainspring with its defaults."""
    command = [sys.executable, "-m", "mainspring.cli.main", "up", "--data", f"{folder}/data", "--port", str(port)]
    return [*command, "--database-url", database] if database else command


MLFLOW = Product("mlflow server", mlflow_command)
MAINSPRING = Product("Mainspring", mainspring_command)


class Server:
    """A running server on a new database; `start_wall` and `start_cpu` are the seconds until the first 200."""

    def __init__(self, product: Product, database: str) -> None:
        self.product = product
        self.folder = Path(tempfile.mkdtemp(prefix="mainspring-bench-"))
        self.postgres = Postgres() if database == "postgresql" else None
        self.port = free_port()
        self.database_url = self.postgres.url if self.postgres else None
        command = product.command(self.folder, self.port, self.database_url)
        self.log = (self.folder / "log").open("wb")
        environment = {**os.environ, **QUIET}
        begin, cpu_of_database = time.perf_counter(), self.cpu_of_database()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=self.folder, env=environment
        )
        try:
            self.wait_for_health()
        except BaseException:
            self.stop()
            raise
        self.start_wall = time.perf_counter() - begin
        self.start_cpu = self.cpu() - cpu_of_database

    def wait_for_health(self) -> None:
        """Ask /health every 10 ms until it answers 200."""
        until = time.monotonic() + START_LIMIT_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with self.api() as api:
                    api.ask("GET", "/health")
                return
            except (OSError, http.client.HTTPException, BenchError):
                time.sleep(0.01)
        raise self.failure("did not answer /health with 200")

    def failure(self, what: str) -> BenchError:
        """Return the error for a server that is not there, with the end of its log."""
        tail = (self.folder / "log").read_text(errors="replace")[-2000:]
        return BenchError(f"{self.product.name} {what} (exit {self.process.poll()}):\n{tail}")

    def api(self) -> Api:
        """Return a new connection to the server."""
        return Api(self.port)

    def cpu_of_database(self) -> float:
        """Return the CPU seconds of this server's PostgreSQL; 0 on SQLite, which runs inside the server."""
        return cpu_seconds(self.postgres.process.pid) if self.postgres else 0.0

    def cpu(self) -> float:
        """Return the CPU seconds so far of the server's processes and its database."""
        if self.process.poll() is not None:
            raise self.failure("died")
        return cpu_seconds(self.process.pid) + self.cpu_of_database()

    def memory(self) -> float:
        """Return the resident memory in MiB, summed over the server's processes (the database's not included)."""
        return sum_over_tree(self.process.pid, lambda process: float(process.memory_info().rss)) / 2**20

    def settle(self) -> None:
        """Wait until what goes on after the first 200 (more processes starting) is over: two calm windows of 2 s."""
        calm, until = 0, time.monotonic() + 120
        while calm < 2 and time.monotonic() < until:
            before = self.cpu()
            time.sleep(2)
            calm = calm + 1 if self.cpu() - before < 0.6 else 0

    def stop(self) -> None:
        """Stop the server and its database and remove their files."""
        end_tree(self.process, 30)
        if self.postgres:
            self.postgres.stop()
        self.log.close()
        shutil.rmtree(self.folder)
