"""MLflow's unmodified client on a server with accounts: its token decides which workspaces there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import mlflow
import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException, RestException

from tests.components.accounts import Guarded

By = Callable[[str], MlflowClient]


@pytest.fixture
def by(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> Iterator[By]:
    """Yield what makes the module-level API act as somebody, and gives a client of them."""
    for name in ("ann", "bob"):
        if name not in guarded.tokens:
            guarded.add_user(name)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(guarded.url)

    def act(name: str) -> MlflowClient:
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", guarded.tokens[name])
        return MlflowClient(guarded.url, guarded.url)

    yield act
    mlflow.set_workspace(None)
    mlflow.set_tracking_uri(before)


@pytest.fixture
def workspace(by: By) -> str:
    """Return a fresh workspace of ann."""
    by("ann")
    return str(mlflow.create_workspace(f"w-{uuid4().hex[:12]}").name)


def refusal(caught: pytest.ExceptionInfo[MlflowException]) -> str:
    return str(caught.value.error_code)


def test_a_users_workspace_lies_in_their_namespace(by: By, guarded: Guarded, workspace: str) -> None:
    assert guarded.admin.get(f"/p/ann/{workspace}/api/v1/project").json()["workspace"] == workspace
    assert workspace in [each.name for each in mlflow.list_workspaces()]
    by("bob")
    assert workspace not in [each.name for each in mlflow.list_workspaces()]
    for call in (
        lambda: mlflow.get_workspace(workspace),
        lambda: mlflow.update_workspace(workspace, description="x"),
        lambda: mlflow.delete_workspace(workspace, mode="CASCADE"),
    ):
        with pytest.raises(RestException) as caught:
            call()
        assert refusal(caught) == "RESOURCE_DOES_NOT_EXIST"
    mlflow.set_workspace(workspace)
    with pytest.raises(RestException) as caught:
        mlflow.create_experiment("e")
    assert refusal(caught) == "RESOURCE_DOES_NOT_EXIST"
    by("ann")
    mlflow.delete_workspace(workspace)


def test_a_role_is_what_one_may_do(by: By, guarded: Guarded, workspace: str) -> None:
    guarded.set_member(f"ann/{workspace}", "bob", "guest")
    mlflow.set_workspace(workspace)
    ann = by("ann")
    run = ann.create_run("0").info.run_id
    ann.log_text(run, "small", "small.txt")
    bob = by("bob")
    assert workspace in [each.name for each in mlflow.list_workspaces()]
    assert bob.get_run(run).info.run_id == run
    for call in (
        lambda: bob.log_metric(run, "m", 1),
        lambda: bob.create_registered_model("m"),
        lambda: mlflow.delete_workspace(workspace),
    ):
        with pytest.raises(RestException) as caught:
            call()
        assert refusal(caught) == "PERMISSION_DENIED"
    with pytest.raises(requests.HTTPError, match="artifacts:read"):
        bob.list_artifacts(run)
    guarded.set_member(f"ann/{workspace}", "bob", "developer")
    bob.log_metric(run, "m", 1)
    assert [file.path for file in bob.list_artifacts(run)] == ["small.txt"]
    assert mlflow.artifacts.load_text(f"runs:/{run}/small.txt") == "small"


def test_a_project_by_its_url(guarded: Guarded, by: By, workspace: str) -> None:
    by("ann")
    for uri in (f"{guarded.url}/p/ann/{workspace}", f"{guarded.url}/ann/{workspace}/tracking"):
        client = MlflowClient(uri, uri)
        run = client.create_run("0").info.run_id
        client.log_text(run, "small", "small.txt")
        assert [file.path for file in client.list_artifacts(run)] == ["small.txt"]
    by("bob")
    with pytest.raises(RestException) as caught:
        client.get_run(run)
    assert refusal(caught) == "RESOURCE_DOES_NOT_EXIST"
