"""Rotation of keys from the command line: broken off, gone on with, by two at once, under a server that serves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

import mainspring as ms
from mainspring.kit.errors import Unsupported
from tests.components.server import MainspringServer

SECRETS = 220


def keys_command(server: MainspringServer, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mainspring.cli.main", "keys", *words, "--url", server.url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def fill(client: ms.Client, count: int) -> None:
    for number in range(count):
        client.secrets.set(f"s{number}", f"value of {number}", "dev")


def check(client: ms.Client, count: int, step: int = 13) -> None:
    for number in range(0, count, step):
        assert client.secrets.reveal(f"s{number}", "dev") == f"value of {number}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> MainspringServer:
    """A server of the test's own; on PostgreSQL it has two processes."""
    if request.param == "sqlite":
        return MainspringServer(tmp_path / "data")
    return MainspringServer(
        tmp_path / "data", "--workers", "2", database_url=request.getfixturevalue("postgres_database")
    )


def test_a_rotation_that_is_killed_goes_on(server: MainspringServer) -> None:
    with server, ms.connect(server.url) as client:
        fill(client, SECRETS)
        [first] = client.encryption_keys.list()
        rotating = keys_command(server, "rotate")
        while len(client.encryption_keys.list()) < 2:
            time.sleep(0.005)
        os.kill(rotating.pid, signal.SIGKILL)
        rotating.communicate()
        check(client, SECRETS)
        server.kill()  # the server, too, in the middle of a step it may be
        server.start()
        check(client, SECRETS, 41)
        both = [keys_command(server, "rewrap") for _ in range(2)]
        assert [each.wait(60) for each in both] == [0, 0], [each.communicate() for each in both]
        current, *others = client.encryption_keys.list()
        assert (current.secrets, sum(key.secrets for key in others)) == (SECRETS, 0)
        assert first.id in {key.id for key in others}
        check(client, SECRETS)


def test_keys_of_the_environment_are_rotated_by_hand(tmp_path: Path) -> None:
    old, new = "A" * 43 + "=", "B" * 42 + "A="

    def serving(keys: str) -> MainspringServer:
        environment = {"KEYS_OF_SECRETS": keys}
        return MainspringServer(tmp_path / "data", "--vault-url", "env:KEYS_OF_SECRETS", environment=environment)

    with serving(old) as server, ms.connect(server.url) as client:
        fill(client, 3)
        with pytest.raises(Unsupported, match="put a new one first in KEYS_OF_SECRETS"):
            client.encryption_keys.rotate()
    with serving(f"{new},{old}") as server, ms.connect(server.url) as client:
        check(client, 3, 1)
        assert client.encryption_keys.rewrap().rewrapped == 3
    with serving(new) as server, ms.connect(server.url) as client:
        check(client, 3, 1)
        assert [key.secrets for key in client.encryption_keys.list()] == [3]


def test_a_vault_that_is_set_up_wrongly_is_told_of(tmp_path: Path) -> None:
    with MainspringServer(tmp_path / "data", "--vault-url", "env:NO_SUCH_VARIABLE") as server:
        answer = httpx.put(f"{server.url}/api/v1/secrets/dev/a", json={"value": "v"})
        assert answer.status_code == 409
        assert "NO_SUCH_VARIABLE must hold 32 random bytes" in answer.json()["detail"]
    with pytest.raises(RuntimeError, match="vault_url is 'gpg:key'; it must be"):
        MainspringServer(tmp_path / "other", "--vault-url", "gpg:key").start()
