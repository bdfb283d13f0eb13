"""Projects as MLflow's unmodified client finds them: by their URL in two forms, or as its workspaces."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import mlflow
import pytest
from mlflow import MlflowClient

import mainspring as ms
from tests.mlflow.artifacts.conftest import raw as raw
from tests.mlflow.conftest import ORACLE
from tests.mlflow.rest import Rest


@dataclass(frozen=True)
class Place:
    """A project, the URI that leads the client to it, and raw HTTP to it."""

    path: str
    uri: str
    rest: Rest

    @property
    def client(self) -> MlflowClient:
        """The real client in the project."""
        return MlflowClient(self.uri, self.uri)


@pytest.fixture(scope="session")
def platform(tracking_uri: str) -> Iterator[ms.Client]:
    """Yield the client that makes projects."""
    if ORACLE:
        pytest.skip("the original has no projects")
    with ms.connect(tracking_uri) as connected:
        yield connected


def make_place(platform: ms.Client, name: str) -> Iterator[Place]:
    path = platform.projects.create(f"p-{uuid4().hex[:12]}/{name}").path
    uri = f"{platform.url}/p/{path}"
    with Rest(uri) as rest:
        yield Place(path, uri, rest)


@pytest.fixture
def here(platform: ms.Client) -> Iterator[Place]:
    """Yield a fresh project."""
    yield from make_place(platform, "here")


@pytest.fixture
def there(platform: ms.Client) -> Iterator[Place]:
    """Yield another one."""
    yield from make_place(platform, "there")


def forget_experiment() -> None:
    """Undo ``mlflow.set_experiment``, which sets the environment too."""
    mlflow.tracking.fluent._active_experiment_id = None
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)


@pytest.fixture(params=["url", "sharinghub", "workspace"])
def inside(request: pytest.FixtureRequest, platform: ms.Client, here: Place) -> Iterator[str]:
    """Point the module-level API at a fresh project, by each of its names, and yield the tracking URI."""
    uris = {"url": here.uri, "sharinghub": f"{platform.url}/{here.path}/tracking/", "workspace": platform.url}
    before = mlflow.get_tracking_uri()
    uri = uris[request.param]
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    if request.param == "workspace":
        mlflow.set_workspace(platform.projects.get(here.path).workspace)
    forget_experiment()
    yield uri
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_workspace(None)
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri("")
    forget_experiment()
