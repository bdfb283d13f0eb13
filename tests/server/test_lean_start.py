"""The server starts soon and is small when idle: what a feature needs is loaded with its first use."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.components.server import MainspringServer

START_CPU_S = 1.0
LIBRARIES, LIBRARIES_CPU_S = "import sqlalchemy, uvicorn", 0.3
"""What most of a start is, and what that costs where a start has a second: on a slower machine it has more."""
IDLE_MIB = 110
STARTS = 5
HEAVY = {"alembic", "arro3", "botocore", "litestar", "numpy", "obstore", "pandas", "polars", "psycopg", "pyarrow"}


def test_the_application_loads_nothing_heavy() -> None:
    code = "import sys, mainspring.server.run, mainspring.server.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "sqlalchemy" in loaded
    assert loaded & HEAVY == set()


def test_the_command_that_starts_it_loads_no_other() -> None:
    code = "import sys, typer; from mainspring.cli.main import app; typer.main.get_command(app); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "mainspring.cli.flags" in done.stdout
    assert "mainspring.cli.runs" not in done.stdout


def start_cpu(server: MainspringServer) -> float:
    """Return the seconds of CPU that a server has taken so far."""
    times = psutil.Process(server.pid).cpu_times()
    return float(times.user + times.system)


def allowed_cpu() -> float:
    """Return the seconds of CPU that a start may take on this machine, as it is at this moment."""
    before = os.times()
    subprocess.run([sys.executable, "-c", LIBRARIES], check=True)
    after = os.times()
    libraries = after.children_user + after.children_system - before.children_user - before.children_system
    return START_CPU_S * max(1, libraries / LIBRARIES_CPU_S)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_first_answer_and_idle_memory(tmp_path: Path, request: pytest.FixtureRequest, database: str) -> None:
    """Processor time, not time: the machine may be busy. Bytecode is there, as an installed package has it."""
    url = str(request.getfixturevalue("postgres_database")) if database == "postgresql" else None
    environment = {"PYTHONDONTWRITEBYTECODE": ""}
    with MainspringServer(tmp_path / "data", database_url=url, environment=environment) as server:
        took = [(start_cpu(server), allowed_cpu())]
        # Neighbours make the same work cost half as much again, from one moment to the next.
        while took[-1][0] >= took[-1][1] and len(took) < STARTS:
            server.restart()
            took.append((start_cpu(server), allowed_cpu()))
        assert took[-1][0] < took[-1][1], took
        process = psutil.Process(server.pid)
        assert httpx.get(f"{server.url}/api/v1/experiments").status_code == 200
        time.sleep(1.5)
        assert process.memory_info().rss < IDLE_MIB * 1024 * 1024


NUMPY_IN_A_SERVER = """
import os, sys
from mainspring.server import run
from mainspring.settings import load_settings

def count_threads():
    return len(os.listdir("/proc/self/task"))

def load_numpy(server, sockets):
    before = count_threads()
    import numpy
    print(count_threads() - before)

run._Server.run = load_numpy
run.serve(load_settings({"data": sys.argv[1], "port": 0})[0], print)
"""
"""What a server does up to where it would serve; there it says how many threads come with numpy."""


def test_numpy_makes_no_threads(tmp_path: Path) -> None:
    """They would spin while they wait. Who wants them can have them."""

    def threads(name: str, environment: dict[str, str]) -> int:
        command = [sys.executable, "-c", NUMPY_IN_A_SERVER, str(tmp_path / name)]
        done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert threads("wanted", {"OPENBLAS_NUM_THREADS": "2"}) == 1
    assert threads("own", {}) == 0
