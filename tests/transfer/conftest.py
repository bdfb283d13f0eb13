"""Real stores of the original, and the command that moves them in."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from tests.components.environment import fresh_environment
from tests.components.ports import free_port, wait_until
from tests.components.postgres import Postgres, create_database
from tests.components.rgw import answers
from tests.components.server import MainspringServer
from tests.transfer.original import fill
from tests.transfer.seen import Seen, everything

COMMAND = [sys.executable, "-m", "mainspring.cli.main"]


@dataclass
class Store:
    """A store of the original: what an import is told, what its client is told, and what that sees in it."""

    address: str
    uri: str
    seen: Seen


@dataclass
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


def mainspring(*words: object, code: int = 0, cwd: Path | None = None, **environment: str) -> Said:
    """Run ``mainspring`` as a program; the code must be ``code``."""
    done = subprocess.run(
        [*COMMAND, *(str(word) for word in words)],
        capture_output=True,
        text=True,
        env={**fresh_environment(), **environment},
        cwd=cwd,
        timeout=280,
        check=False,
    )
    said = Said(done.returncode, done.stdout, done.stderr)
    assert said.code == code, f"exit code {said.code}, not {code}:\n{said.out}{said.err}"
    return said


@contextmanager
def client_of(uri: str) -> Iterator[MlflowClient]:
    """Yield the real client of a store; what it resolves by itself, it looks for there too."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    yield MlflowClient(uri, uri)
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri("")


def filled(address: str, uri: str, folder: Path) -> Store:
    """Fill an empty store with some of everything."""
    before = Path.cwd()
    os.chdir(folder)  # the original puts the artifacts of a database's experiments there
    try:
        with client_of(uri) as client:
            fill(client, folder / "given")
            return Store(address, uri, everything(client, folder / "downloaded"))
    finally:
        os.chdir(before)


@pytest.fixture(scope="session")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store in SQLite, its artifacts in a folder."""
    folder = tmp_path_factory.mktemp("sqlite-store")
    uri = f"sqlite:///{folder}/mlflow.db"
    return filled(uri, uri, folder)


@pytest.fixture(scope="session")
def postgresql_store(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Store:
    """Return a store in PostgreSQL."""
    url = postgres.database_url(create_database(postgres))
    driven = url.replace("postgresql://", "postgresql+psycopg://")
    return filled(url, driven, tmp_path_factory.mktemp("postgresql-store"))


@pytest.fixture(scope="session")
def file_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store of files."""
    folder = tmp_path_factory.mktemp("file-store")
    return filled(str(folder / "mlruns"), (folder / "mlruns").as_uri(), folder)


@pytest.fixture(scope="session")
def rest_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Yield a server that speaks MLflow's REST API, ours: the original takes long to start."""
    folder = tmp_path_factory.mktemp("rest-store")
    with MainspringServer(folder / "data") as server:
        yield filled(server.url, server.url, folder)


@pytest.fixture(scope="session")
def original_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Yield a server of the original, which serves the artifacts too."""
    folder = tmp_path_factory.mktemp("original-store")
    with original_server(folder) as url:
        yield filled(url, url, folder)


@contextmanager
def original_server(folder: Path) -> Iterator[str]:
    """Yield the address of a server of the original on what is in a folder: ``mlflow.db`` and its artifacts."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env=fresh_environment(), start_new_session=True
        )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/health"), "the original", 240)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory, sqlite_store: Store) -> Path:
    """Return a data folder into which a store was imported; tests only read it."""
    data = tmp_path_factory.mktemp("imported") / "data"
    mainspring("import", "mlflow", sqlite_store.address, "--data", data)
    return data


@pytest.fixture
def copied(imported: Path, tmp_path: Path) -> Path:
    """Return a copy of that data folder, to be changed."""
    return Path(shutil.copytree(imported, tmp_path / "data"))
