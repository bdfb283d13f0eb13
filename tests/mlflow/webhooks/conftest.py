"""A server whose webhooks may go to this machine, the real client on it, and a receiver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mlflow import MlflowClient

from tests.components.postgres import create_database
from tests.components.receiver import Receiver, receiving
from tests.components.server import MainspringServer
from tests.mlflow.conftest import SERVER
from tests.mlflow.rest import Rest


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a server of the module's own."""
    if SERVER:
        pytest.skip("a receiver on this machine needs a server that is allowed to send there")
    url = None
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        url = postgres.database_url(create_database(postgres))
    folder = tmp_path_factory.mktemp("webhooks") / "data"
    with MainspringServer(folder, "--webhook-private-addresses", database_url=url) as server:
        yield server.url


@pytest.fixture(scope="module")
def webhook_client(address: str) -> MlflowClient:
    """Return the real client."""
    return MlflowClient(address, address)


@pytest.fixture(scope="module")
def webhook_rest(address: str) -> Iterator[Rest]:
    """Yield raw HTTP to the server."""
    with Rest(address) as connection:
        yield connection


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Yield a receiver of webhooks."""
    with receiving() as started:
        yield started
