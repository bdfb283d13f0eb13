"""A server with accounts: its first administrator, and people and tokens as a test wants them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from mainspring.db.engine import check_url
from tests.components.ports import wait_until
from tests.components.postgres import Postgres, create_database
from tests.components.server import MainspringServer

PASSWORD = "a lantern in the quiet hall"


class Guarded(MainspringServer):
    """``mainspring up --auth local`` with the administrator ``root``; ``admin`` is a client with root's API key."""

    def __init__(self, data: Path, *arguments: str, database_url: str | None = None, **more: Any) -> None:
        super().__init__(data, "--auth", "local", *arguments, database_url=database_url, **more)
        self.database_url = check_url(database_url or f"sqlite:///{data / 'mainspring.db'}")
        self.tokens: dict[str, str] = {}

    def start(self) -> Guarded:
        """Start, and make the administrator where there is none yet."""
        super().start()
        if not self.tokens:
            # Of several processes one may answer before the first one tells the link.
            wait_until(lambda: "/setup#token=" in self.log, "the link that sets a server up")
            link = re.search(r"/setup#token=(\S+)\s", self.log)
            assert link, self.log
            body = {"token": link[1], "name": "root", "password": PASSWORD}
            answer = httpx.post(f"{self.url}/api/v1/auth/setup", json=body, timeout=30)
            assert answer.status_code == 204, answer.text
            self.tokens["root"] = self._key_of("root")
        return self

    def _key_of(self, name: str) -> str:
        with self.browser(name) as browser:
            answer = browser.post("/api/v1/auth/keys", json={"name": "test"})
            assert answer.status_code == 201, answer.text
            return str(answer.json()["token"])

    @property
    def admin(self) -> httpx.Client:
        """A client of the administrator."""
        return self.client("root")

    def client(self, name: str | None = None, token: str | None = None, **headers: str) -> httpx.Client:
        """Return a client with somebody's API key, with a token, or of nobody."""
        bearer = token or (self.tokens[name] if name else None)
        sent = {"authorization": f"Bearer {bearer}"} if bearer else {}
        return httpx.Client(base_url=self.url, headers=sent | headers, timeout=30)

    @contextmanager
    def browser(self, name: str) -> Iterator[httpx.Client]:
        """Yield a client that has signed in with a password, and sends what browsers send."""
        headers = {"origin": self.url, "sec-fetch-site": "same-origin"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=30) as client:
            answer = client.post("/api/v1/auth/sign-in", json={"name": name, "password": PASSWORD})
            assert answer.status_code == 204, answer.text
            yield client

    def add_user(self, name: str) -> str:
        """Make a user, and return an API key of it."""
        answer = self.admin.post("/api/v1/users", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        self.tokens[name] = self._key_of(name)
        return self.tokens[name]

    def add_project(self, path: str, **members: str) -> None:
        """Make a project, with members by their roles: ``add_project("team/churn", bob="developer")``."""
        answer = self.admin.post("/api/v1/projects", json={"path": path})
        assert answer.status_code == 201, answer.text
        for name, role in members.items():
            self.set_member(path, name, role)

    def set_member(self, path: str, name: str, role: str) -> None:
        """Give somebody a role in a project."""
        body = {"kind": "user", "name": name, "role": role}
        answer = self.admin.put(f"/p/{path}/api/v1/members", json=body)
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="session")
def sqlite_guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Yield a server with accounts on the embedded SQLite."""
    with Guarded(tmp_path_factory.mktemp("guarded") / "data") as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_guarded(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Guarded]:
    """Yield a server with accounts on PostgreSQL, of two processes."""
    url = postgres.database_url(create_database(postgres))
    with Guarded(tmp_path_factory.mktemp("guarded") / "data", "--workers", "2", database_url=url) as server:
        yield server


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def guarded(request: pytest.FixtureRequest) -> Guarded:
    """Yield a running server with accounts, once on each database."""
    running: Guarded = request.getfixturevalue(f"{request.param}_guarded")
    return running
