"""Servers that sign in by a real OpenID provider, and by a double of GitLab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.components.gitlab import CLIENT_ID, CLIENT_SECRET
from tests.components.oidc import OidcProvider
from tests.components.postgres import Postgres, create_database
from tests.components.server import MainspringServer

Browser = httpx.Client
NewBrowser = Callable[[], Browser]


@pytest.fixture(scope="session")
def guarded_sqlite(
    tmp_path_factory: pytest.TempPathFactory, oidc_provider: OidcProvider, running_gitlab: str
) -> Iterator[MainspringServer]:
    """Yield a server on SQLite that signs in by both providers."""
    yield from _guarded(tmp_path_factory, oidc_provider, running_gitlab, None)


@pytest.fixture(scope="session")
def guarded_postgresql(
    tmp_path_factory: pytest.TempPathFactory, oidc_provider: OidcProvider, running_gitlab: str, postgres: Postgres
) -> Iterator[MainspringServer]:
    """Yield a server on PostgreSQL that signs in by both providers."""
    url = postgres.database_url(create_database(postgres))
    yield from _guarded(tmp_path_factory, oidc_provider, running_gitlab, url)


def _guarded(
    folders: pytest.TempPathFactory, provider: OidcProvider, gitlab: str, database: str | None
) -> Iterator[MainspringServer]:
    server = MainspringServer(
        folders.mktemp("guarded") / "data",
        *("--auth", "oidc", "--oidc-issuer", provider.issuer, "--oidc-admin-group", "admins"),
        *("--gitlab-url", gitlab, "--gitlab-client-id", CLIENT_ID),
        *("--log-level", "debug", "--log-format", "json"),
        database_url=database,
        environment={"MAINSPRING_GITLAB_CLIENT_SECRET": CLIENT_SECRET},
    )
    client_id, secret = provider.add_client(server.url)
    server.add_environment(MAINSPRING_OIDC_CLIENT_ID=client_id, MAINSPRING_OIDC_CLIENT_SECRET=secret)
    with server:
        yield server


@pytest.fixture
def guarded(guarded_sqlite: MainspringServer) -> MainspringServer:
    """Return a server that signs in by both providers. What databases do otherwise is tested in ``test_oidc``."""
    return guarded_sqlite


@pytest.fixture
def new_browser(guarded: MainspringServer) -> Iterator[NewBrowser]:
    """Return what opens browsers at the server, each without cookies."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(
            httpx.Client(base_url=guarded.url, headers={"Origin": guarded.url}, timeout=30)
        )


@pytest.fixture
def browser(new_browser: NewBrowser) -> Browser:
    """Return one browser."""
    return new_browser()
