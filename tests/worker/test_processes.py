"""Servers of several processes on one PostgreSQL: one of all leads, and when it dies another does."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.components.ports import wait_until
from tests.components.postgres import Postgres, create_database
from tests.components.server import MainspringServer

LEADERS = """
    SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
"""
TAKEN_OVER_S = 30


def leaders(url: str, servers: list[MainspringServer]) -> list[int]:
    """Return the processes of the servers that hold the lock, of which there may be one."""
    with psycopg.connect(url) as connection:
        ports = [port for (port,) in connection.execute(LEADERS)]
    assert len(ports) <= 1
    processes = [child for server in servers for child in psutil.Process(server.pid).children(recursive=True)]
    return [
        process.pid
        for process in processes
        for connected in process.net_connections("tcp4")
        if connected.laddr and connected.laddr[1] in ports
    ]


@pytest.mark.slow
def test_one_process_leads_and_another_follows(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database_url(create_database(postgres))
    idle = MainspringServer(tmp_path / "idle", "--no-background", database_url=url)
    both = [MainspringServer(tmp_path / name, "--workers", "2", database_url=url) for name in ("a", "b")]
    with both[0], both[1], idle:
        wait_until(lambda: leaders(url, both) != [], "a leader", TAKEN_OVER_S)
        [first] = leaders(url, both)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: leaders(url, both) not in ([], [first]), "another leader", TAKEN_OVER_S)
        assert "task_failed" not in both[0].log + both[1].log


def test_a_server_without_background_tasks_leads_nothing(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database_url(create_database(postgres))
    other = MainspringServer(tmp_path / "other", database_url=url)
    with MainspringServer(tmp_path / "idle", "--no-background", database_url=url) as idle, other:
        wait_until(lambda: has_leader(url), "a leader", TAKEN_OVER_S)
        other.stop()
        assert not has_leader(url)
        other.start()
        wait_until(lambda: has_leader(url), "a leader again", TAKEN_OVER_S)
        assert idle.pid


def has_leader(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute(LEADERS).fetchone() is not None
