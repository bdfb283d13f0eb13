"""A PostgreSQL cluster for each server, so that its CPU time is that server's alone."""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from bench import BenchError
from bench.processes import Program, free_port


def program(name: str) -> str:
    """Return the path of a PostgreSQL program: on PATH, or the newest that the distribution installed beside it."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    found = shutil.which(name) or (str(installed[-1]) if installed else None)
    if found is None:
        raise BenchError(f"{name} is not installed: install PostgreSQL, or run with --database sqlite")
    return found


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
        options = ["-D", f"{self.folder}/data", "-p", str(self.port), "-h", "127.0.0.1", "-k", ""]
        self.program = Program([*self.be_postgres, program("postgres"), *options], self.folder, self.log, {})
        try:
            self.create_database()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The id of the cluster's first process."""
        return self.program.pid

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
                if time.monotonic() > until or self.program.exit_status() is not None:
                    raise BenchError(f"PostgreSQL did not start: {error}") from error
                time.sleep(0.1)

    def vacuum(self) -> None:
        """Do what autovacuum would do after a load, and give the planner its statistics."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    def size(self) -> int:
        """Return the bytes of the database on disk, without the write-ahead log."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute("SELECT pg_database_size('bench')").fetchone()
        assert row
        return int(row[0])

    def stop(self) -> None:
        """Stop the cluster and remove it."""
        self.program.stop(20)
        self.log.close()
        shutil.rmtree(self.folder)
