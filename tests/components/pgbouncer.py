"""A real pgbouncer before the tests' PostgreSQL, with transaction pooling.

Each transaction gets the next of the pool's server connections in turn: what a session leaves behind, a
prepared statement or a setting, is missed or found by the wrong one. Nothing is reset between transactions.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.components.ports import free_port, wait_until
from tests.components.postgres import USER, Postgres, unprivileged_user

POOL = 10


def pgbouncer_binary() -> str | None:
    """Return the path of pgbouncer, or None."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


class Pgbouncer:
    """One pgbouncer in a folder of its own; passwords are checked as PostgreSQL does."""

    def __init__(self, binary: str, postgres: Postgres) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="mainspring-pgbouncer-"))
        self.port = free_port()
        self._binary = binary
        self._postgres = postgres
        self._process: subprocess.Popen[bytes] | None = None

    def database_url(self, name: str) -> str:
        """Return the URL of the database ``name`` through the pooler."""
        return f"postgresql://{USER}:{self._postgres.password}@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start and return once it takes connections."""
        (self.home / "users").write_text(f'"{USER}" "{self._postgres.password}"\n')
        configuration = self.home / "pgbouncer.ini"
        configuration.write_text(
            "[databases]\n"
            f"* = host=127.0.0.1 port={self._postgres.port}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = scram-sha-256\nauth_file = {self.home / 'users'}\n"
            f"pool_mode = transaction\ndefault_pool_size = {POOL}\nmax_client_conn = 500\nserver_round_robin = 1\n"
            f"logfile = {self.home / 'log'}\n"
        )
        user = unprivileged_user()
        if user:
            for path in (self.home, configuration, self.home / "users"):
                shutil.chown(path, user)
        self._process = subprocess.Popen(
            [self._binary, "--quiet", str(configuration)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.home,
            user=user,
            extra_groups=[] if user else None,
        )
        wait_until(self._answers, f"pgbouncer at port {self.port}")

    def stop(self) -> None:
        """Stop at once and remove the folder."""
        if self._process:
            self._process.terminate()
            self._process.wait(30)
        shutil.rmtree(self.home)

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"pgbouncer has ended; its log:\n{(self.home / 'log').read_text()}")
        try:
            psycopg.connect(self.database_url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@pytest.fixture(scope="session")
def pgbouncer(postgres: Postgres) -> Iterator[Pgbouncer]:
    """Yield a running pgbouncer; skip where it is not installed."""
    binary = pgbouncer_binary()
    if binary is None:
        pytest.skip("pgbouncer is not installed: none on PATH or in /usr/sbin")
    pooler = Pgbouncer(binary, postgres)
    try:
        pooler.start()
        yield pooler
    finally:
        pooler.stop()
