"""A client of each server, and a run to work on."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

import mainspring as ms
from mainspring.modules.tracking.schemas import Run
from tests.components.server import MainspringServer


@pytest.fixture(scope="session")
def client(server: MainspringServer) -> Iterator[ms.Client]:
    with ms.connect(server.url) as connected:
        yield connected


@pytest.fixture
def run(client: ms.Client) -> Run:
    """Return a run in an experiment of its own."""
    return client.runs.create(client.experiments.create(f"of a test {uuid4()}").experiment_id)
