"""MLflow's workspaces with its unmodified client: each is a project, made, found, changed and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException, RestException

import mainspring as ms
from mainspring.kit.errors import NotFound
from tests.mlflow.projects.conftest import forget_experiment
from tests.mlflow.rest import Rest


@pytest.fixture
def fluent(platform: ms.Client) -> Iterator[None]:
    """Point the module-level API at the server; afterwards no workspace is set."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(platform.url)
    mlflow.set_registry_uri(platform.url)
    forget_experiment()
    yield
    mlflow.set_workspace(None)
    mlflow.set_tracking_uri(before)
    mlflow.set_registry_uri("")
    forget_experiment()


@pytest.fixture
def name(fluent: None) -> str:
    """Return the name of a fresh workspace."""
    return str(mlflow.create_workspace(f"w-{uuid4().hex[:12]}", description="Of a test").name)


def code_of(caught: pytest.ExceptionInfo[MlflowException]) -> str:
    return str(caught.value.error_code)


def test_a_workspace_is_a_project(name: str, platform: ms.Client) -> None:
    found = mlflow.get_workspace(name)
    assert (found.name, found.description, found.default_artifact_root) == (name, "Of a test", None)
    project = platform.projects.get(f"default/{name}")
    assert (project.workspace, project.description) == (name, "Of a test")
    assert name in [each.name for each in mlflow.list_workspaces()]
    assert "default" in [each.name for each in mlflow.list_workspaces()]
    assert mlflow.get_workspace("default").name == "default"


def test_it_is_changed(name: str, platform: ms.Client) -> None:
    assert mlflow.update_workspace(name, description="Another").description == "Another"
    changed = mlflow.update_workspace(name, default_artifact_root="s3://bucket/folder")
    assert (changed.description, changed.default_artifact_root) == ("Another", "s3://bucket/folder")
    mlflow.set_workspace(name)
    location = mlflow.get_experiment(mlflow.create_experiment("elsewhere")).artifact_location
    assert location.startswith("s3://bucket/folder/")
    mlflow.set_workspace(None)
    assert mlflow.update_workspace(name, default_artifact_root="").default_artifact_root is None
    with pytest.raises(RestException, match="at least one key"):
        mlflow.update_workspace(name)


def test_work_goes_to_the_workspace_that_is_set(name: str) -> None:
    mlflow.set_workspace(name)
    mlflow.set_experiment("e")
    with mlflow.start_run() as run:
        mlflow.log_metric("loss", 1)
        mlflow.log_text("small", "small.txt")
    assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/small.txt") == "small"
    assert mlflow.get_experiment_by_name("e").workspace == name
    mlflow.set_workspace("default")
    with pytest.raises(RestException) as caught:
        mlflow.get_run(run.info.run_id)
    assert code_of(caught) == "RESOURCE_DOES_NOT_EXIST"
    mlflow.set_workspace(name)
    assert mlflow.get_run(run.info.run_id).data.metrics == {"loss": 1}


def test_models_know_their_workspace(name: str) -> None:
    mlflow.set_workspace(name)
    client = MlflowClient()
    assert client.create_registered_model("m").workspace == name
    assert [each.workspace for each in client.search_registered_models()] == [name]


def test_names_that_are_taken_or_wrong(name: str, platform: ms.Client) -> None:
    with pytest.raises(MlflowException) as caught:
        mlflow.create_workspace(name)
    assert code_of(caught) == "RESOURCE_ALREADY_EXISTS"
    with Rest(platform.url) as rest:
        for wrong in ("default", "A", "a", "-a", "a_b", "workspaces", "x" * 64, "a/b", ""):
            path = "/api/3.0/mlflow/workspaces"
            rest.post(path, {"name": wrong}).invalid()
        rest.post(path, {"name": f"{name}-2", "default_artifact_root": "../x"}).invalid("artifact_root")
        rest.get(f"{path}/never-was").absent("never-was")
        rest.patch(f"{path}/never-was", {"description": "x"}).absent("never-was")
        rest.delete(f"{path}/never-was").absent("never-was")
        rest.delete(f"{path}/default").invalid("reserved")
        rest.delete(f"{path}/{name}?mode=LATER").invalid("RESTRICT, CASCADE, SET_DEFAULT")
        rest.get("experiments/search", {"max_results": 1}, headers={"X-MLFLOW-WORKSPACE": "never-was"}).absent()


def test_an_empty_workspace_is_deleted(name: str, platform: ms.Client) -> None:
    mlflow.delete_workspace(name)
    assert name not in [each.name for each in mlflow.list_workspaces()]
    with pytest.raises(RestException) as caught:
        mlflow.get_workspace(name)
    assert code_of(caught) == "RESOURCE_DOES_NOT_EXIST"
    assert platform.projects.restore(f"default/{name}").workspace == name
    assert mlflow.get_workspace(name).name == name


@pytest.mark.parametrize("what", ["experiment", "run", "model", "logged model", "deleted run"])
def test_one_that_holds_something_is_deleted_only_by_cascade(name: str, platform: ms.Client, what: str) -> None:
    mlflow.set_workspace(name)
    client = MlflowClient()
    if what == "experiment":
        client.create_experiment("e")
    elif what == "model":
        client.create_registered_model("m")
    elif what == "logged model":
        client.create_logged_model("0")
    else:
        run = client.create_run("0").info.run_id
        if what == "deleted run":
            client.delete_run(run)
    mlflow.set_workspace(None)
    with pytest.raises(RestException, match="CASCADE") as caught:
        mlflow.delete_workspace(name)
    assert code_of(caught) == "INVALID_STATE"
    with pytest.raises(RestException) as caught:
        mlflow.delete_workspace(name, mode="SET_DEFAULT")
    assert code_of(caught) == "NOT_IMPLEMENTED"
    mlflow.delete_workspace(name, mode="CASCADE")
    with pytest.raises(NotFound):
        platform.projects.get(f"default/{name}")


def test_a_project_of_a_namespace_is_a_workspace_too(fluent: None, platform: ms.Client) -> None:
    project = platform.projects.create(f"n-{uuid4().hex[:8]}/Deep.Learning")
    assert project.workspace == project.path.replace("/", "-").replace(".", "-")
    assert mlflow.get_workspace(project.workspace).name == project.workspace
    moved = platform.projects.move(project.path, f"{project.path}-2")
    assert moved.workspace == project.workspace


def test_traces_are_not_archived(name: str) -> None:
    from mlflow.entities.workspace import TraceArchivalConfig

    with pytest.raises(RestException) as caught:
        mlflow.update_workspace(name, trace_archival_config=TraceArchivalConfig(location="s3://bucket"))
    assert code_of(caught) == "NOT_IMPLEMENTED"


def test_a_url_and_a_header_must_mean_one_project(name: str, platform: ms.Client) -> None:
    with Rest(f"{platform.url}/p/default/{name}") as rest:
        for same in (name, f"default/{name}"):
            rest.get("experiments/get", {"experiment_id": "0"}, headers={"X-MLFLOW-WORKSPACE": same}).ok()
        rest.get("experiments/get", {"experiment_id": "0"}, headers={"X-MLFLOW-WORKSPACE": "default"}).invalid(name)
