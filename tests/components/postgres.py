"""A real PostgreSQL that the tests start for themselves.

``postgres_url`` is one server per pytest process (with xdist: per worker), ``postgres_database`` a
fresh, empty database of it for each test. Durability stays on, passwords are checked.
"""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.components.ports import free_port

USER = "mainspring"


def postgres_binaries() -> Path | None:
    """Return the folder of the newest initdb and pg_ctl of this machine, or None."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if debian:
        return debian[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def unprivileged_user() -> str | None:
    """Return who PostgreSQL must run as: it refuses root, and needs no change for anyone else."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


class Postgres:
    """One PostgreSQL server in a folder of its own; ``url`` is its maintenance database."""

    def __init__(self, binaries: Path) -> None:
        self.binaries = binaries
        self.user = unprivileged_user()
        self.home = Path(tempfile.mkdtemp(prefix="mainspring-postgres-"))
        self.port = free_port()
        self.password = secrets.token_hex(8)
        self.url = self.database_url("postgres")

    def database_url(self, name: str) -> str:
        """Return the URL of the database ``name`` on this server."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Create the cluster and return once it takes connections."""
        password_file = self.home / "password"
        password_file.write_text(self.password)
        if self.user:
            shutil.chown(self.home, self.user)
            shutil.chown(password_file, self.user)
        initdb = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", f"--username={USER}")
        self._call("initdb", *initdb, f"--pwfile={password_file}", f"--pgdata={self.home / 'data'}")
        self.resume()

    def resume(self) -> None:
        """Start the server on its cluster and return once it takes connections."""
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories="
        self._pg_ctl("start", "--wait", f"--log={self.home / 'log'}", f"--options={options}")

    def interrupt(self, mode: str) -> None:
        """Stop the server and keep its cluster; ``mode`` is one of ``pg_ctl stop``: fast, immediate."""
        self._pg_ctl("stop", "--wait", f"--mode={mode}")

    def stop(self) -> None:
        """Stop the server, waiting for nobody, and remove its folder."""
        if (self.home / "data" / "postmaster.pid").exists():
            self._pg_ctl("stop", "--wait", "--mode=fast")
        shutil.rmtree(self.home)

    def _pg_ctl(self, action: str, *arguments: str) -> None:
        self._call("pg_ctl", action, f"--pgdata={self.home / 'data'}", *arguments)

    def _call(self, program: str, *arguments: str) -> None:
        # Output goes to a file: the server inherits it, and a pipe would never see its end.
        transcript = self.home.parent / f"{self.home.name}.out"
        try:
            with transcript.open("w") as out:
                done = subprocess.run(
                    [self.binaries / program, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    cwd=self.home,
                    user=self.user,
                    extra_groups=[] if self.user else None,
                    timeout=120,
                    check=False,
                )
            if done.returncode != 0:
                log = self.home / "log"
                more = log.read_text() if log.exists() else ""
                raise RuntimeError(f"{program} exited with {done.returncode}:\n{transcript.read_text()}{more}")
        finally:
            transcript.unlink()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Yield a running PostgreSQL server; skip where it is not installed."""
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: no initdb under /usr/lib/postgresql/*/bin or on PATH")
    server = Postgres(binaries)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    """Return the URL of the server's maintenance database, whose user may create databases."""
    return postgres.url


def create_database(postgres: Postgres) -> str:
    """Create an empty database and return its name."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
    return name


def drop_database(postgres: Postgres, name: str) -> None:
    """Drop a database, closing the connections that a test has left open."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def postgres_database(postgres: Postgres) -> Iterator[str]:
    """Yield the URL of a fresh, empty database, dropped after the test."""
    name = create_database(postgres)
    yield postgres.database_url(name)
    drop_database(postgres, name)
