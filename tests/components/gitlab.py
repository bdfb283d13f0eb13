"""A double of GitLab, in a process of its own: its users, OAuth and API, with knobs under ``/__double__``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.components.ports import free_port, wait_until

ROOT = Path(__file__).parents[2]
CLIENT_ID, CLIENT_SECRET = "double-app", "double-app-secret"


@pytest.fixture(scope="session")
def running_gitlab() -> Iterator[str]:
    """Yield the address of a double of GitLab that lives as long as the tests do."""
    yield from double_of_gitlab()


@pytest.fixture(scope="module")
def gitlab(running_gitlab: str) -> str:
    """Return the address of a double of GitLab that is as at its start."""
    httpx.post(f"{running_gitlab}/__double__/reset", json={}).raise_for_status()
    return running_gitlab


def double_of_gitlab() -> Iterator[str]:
    """Run a double of GitLab, and yield its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tests.gitlab_double", "--port", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=ROOT)

    def answers() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"the double of GitLab has ended with {process.returncode}")
        try:
            return httpx.get(f"{url}/-/readiness", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_until(answers, f"the double of GitLab at port {port}")
        yield url
    finally:
        process.terminate()
        process.wait(30)
