"""A real MariaDB that the tests start for themselves, in a folder of its own on a free port."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import pytest

from tests.components.ports import free_port, wait_until

PROGRAMS = ("mariadb-install-db", "mariadbd")
SECONDS = 120


@contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    """Run a server for the length of the block and lend the URL of its root, without a database; skip without one."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.skip(f"MariaDB is not installed: no {', '.join(missing)}")
    port = free_port()
    account = f"--user={folder.owner()}"
    install = ["--auth-root-authentication-method=normal", "--skip-test-db", account]
    with (folder / "log").open("wb") as log:
        data = f"--datadir={folder / 'data'}"
        command = ["mariadb-install-db", "--no-defaults", data, *install]
        subprocess.run(command, stdout=log, stderr=log, timeout=SECONDS, check=True)
        network = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}"]
        command = ["mariadbd", "--no-defaults", data, account, *network]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(lambda: _answers(port), f"MariaDB, whose log is {folder / 'log'}", SECONDS)
        yield f"mysql://root@127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(SECONDS)


def _answers(port: int) -> bool:
    try:
        pymysql.connect(host="127.0.0.1", port=port, user="root").close()
    except pymysql.err.OperationalError:
        return False
    return True
