"""Registries of every kind, on real back-ends: files, SQLite, PostgreSQL, MariaDB and servers."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from model_management import ModelRegistry, create_registry
from tests.components.ports import free_port, wait_until
from tests.components.server import MainspringServer
from tests.model_management.mariadb import mariadb

MLFLOW_SECONDS = 240

Open = Callable[[], ModelRegistry]


@pytest.fixture(scope="session")
def mariadb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a running MariaDB, without a database."""
    with mariadb(tmp_path_factory.mktemp("mariadb")) as url:
        yield url


@pytest.fixture
def mariadb_database(mariadb_url: str) -> Iterator[str]:
    """Yield the URL of a fresh, empty database, dropped after the test."""
    engine = sa.create_engine(sa.make_url(mariadb_url).set(drivername="mysql+pymysql"))
    name = f"test_{secrets.token_hex(6)}"
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
        yield f"{mariadb_url}/{name}"
        connection.execute(sa.text(f"DROP DATABASE {name}"))
    engine.dispose()


@pytest.fixture(scope="session")
def mainspring_url(sqlite_server: MainspringServer) -> str:
    """The address of a Mainspring server."""
    return sqlite_server.url


@pytest.fixture(scope="session")
def mlflow_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of the original server, to which the library must talk in the same way."""
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        str(folder / "store"),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        wait_until(lambda: _healthy(url), f"mlflow server, whose log is {folder / 'log'}", MLFLOW_SECONDS, pause=0.2)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).is_success
    except httpx.TransportError:
        return False


SERVERS = [
    pytest.param("mainspring_url", id="mainspring"),
    pytest.param("mlflow_url", id="mlflow", marks=pytest.mark.slow),
]
KINDS: list[Any] = ["local", "sqlite", "postgresql", "mariadb", *SERVERS]


@pytest.fixture(params=SERVERS)
def server_url(request: pytest.FixtureRequest) -> str:
    """The address of a running server."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def registry_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty registry of the kind that the test names; a server's holds what others left."""
    kind = request.param
    if kind == "local":
        return (tmp_path / "registry").as_uri()
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/registry.db"
    if kind in ("postgresql", "mariadb"):
        fixture = {"postgresql": "postgres_database", "mariadb": "mariadb_database"}[kind]
        return str(request.getfixturevalue(fixture))
    return str(request.getfixturevalue(kind))


@pytest.fixture
def opened(registry_url: str, tmp_path: Path) -> Open:
    """Open the registry anew, the same one on every call."""
    storage = None if registry_url.startswith("http") else tmp_path / "models"
    return lambda: create_registry(registry_url, storage=storage)


@pytest.fixture
def name() -> str:
    """A model name that no other test uses: servers live longer than one test."""
    return f"model {secrets.token_hex(6)}"
