"""One server for a session, the real client, raw HTTP and a fresh experiment.

Without settings the tests start Mainspring on SQLite, on PostgreSQL and, as slow tests, behind pgbouncer. With
MAINSPRING_TEST_TRACKING_URI they use that server; with MAINSPRING_TEST_ORACLE=1 in addition it is the original.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from typing import Any

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "1"
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
os.environ["GIT_PYTHON_REFRESH"] = "quiet"

import mlflow
import pytest
from mlflow import MlflowClient

from tests.components.server import DATABASES
from tests.mlflow.rest import Rest

SERVER = os.environ.get("MAINSPRING_TEST_TRACKING_URI")
ORACLE = os.environ.get("MAINSPRING_TEST_ORACLE") == "1"


def differs(reason: str) -> Any:
    """Mark a test of something that Mainspring does on purpose otherwise than the original: not run there."""
    return pytest.mark.skipif(ORACLE, reason=f"differs from the original: {reason}")


@pytest.fixture(scope="session", params=["given"] if SERVER else DATABASES)
def tracking_uri(request: pytest.FixtureRequest) -> str:
    """Return the address of the server under test."""
    if SERVER:
        return SERVER.rstrip("/")
    return str(request.getfixturevalue(f"{request.param}_server").url)


@pytest.fixture(scope="session")
def client(tracking_uri: str) -> MlflowClient:
    """Return the real client, on the server under test."""
    return MlflowClient(tracking_uri, tracking_uri)


@pytest.fixture(scope="session")
def rest(tracking_uri: str) -> Iterator[Rest]:
    """Yield raw HTTP to the server under test."""
    with Rest(tracking_uri) as connection:
        yield connection


@pytest.fixture
def unique() -> str:
    """Return a name that no other test has used."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def experiment(client: MlflowClient, unique: str) -> str:
    """Return the id of a fresh experiment."""
    return str(client.create_experiment(unique))


@pytest.fixture
def fluent(tracking_uri: str, experiment: str) -> Iterator[str]:
    """Point the module-level API at a fresh experiment, whose id this is; afterwards no run is active."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)
    mlflow.set_experiment(experiment_id=experiment)
    yield experiment
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri("")
