"""Servers that sign in by a real OpenID provider, and by a double of GitLab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.components.gitlab import CLIENT_ID, CLIENT_SECRET
from tests.components.oidc import OidcProvider
from tests.components.postgres import create_database
from tests.components.server import MainspringServer

Browser = httpx.Client
NewBrowser = Callable[[], Browser]


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def guarded(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    oidc_provider: OidcProvider,
    gitlab: str,
) -> Iterator[MainspringServer]:
    """Yield a server that signs in by both providers, once on each database."""
    database = None
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        database = postgres.database_url(create_database(postgres))
    server = MainspringServer(
        tmp_path_factory.mktemp("guarded") / "data",
        *("--auth", "oidc", "--oidc-issuer", oidc_provider.issuer, "--oidc-admin-group", "admins"),
        *("--gitlab-url", gitlab, "--gitlab-client-id", CLIENT_ID),
        *("--log-level", "debug", "--log-format", "json"),
        database_url=database,
        environment={"MAINSPRING_GITLAB_CLIENT_SECRET": CLIENT_SECRET},
    )
    client_id, secret = oidc_provider.add_client(server.url)
    server.add_environment(MAINSPRING_OIDC_CLIENT_ID=client_id, MAINSPRING_OIDC_CLIENT_SECRET=secret)
    with server:
        yield server


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
