"""The registry through the real client: register what a run logged, load it back by version, stage and alias."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

pytestmark = pytest.mark.filterwarnings("ignore")


class Doubler(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """The smallest model there is."""

    def predict(self, context: Any, model_input: list[float], params: Any = None) -> list[float]:
        return [2 * value for value in model_input]


@pytest.fixture
def logged(fluent: str) -> Any:
    """What `log_model` says of a model that was logged in a run."""
    with mlflow.start_run(experiment_id=fluent):
        mlflow.log_metric("loss", 0.25)
        return mlflow.pyfunc.log_model(name="doubler", python_model=Doubler(), pip_requirements=[])


def test_register_and_load_back(client: MlflowClient, logged: Any, unique: str) -> None:
    version = mlflow.register_model(logged.model_uri, unique, tags={"k": "v"})
    assert isinstance(version, ModelVersion)
    assert (version.name, int(version.version), version.status) == (unique, 1, "READY")
    assert version.run_id == logged.run_id
    client.set_registered_model_alias(unique, "champion", "1")
    client.transition_model_version_stage(unique, "1", "Production")
    for uri in ("1", "latest", "Production"):
        assert mlflow.pyfunc.load_model(f"models:/{unique}/{uri}").predict([1.5]) == [3.0]
    assert mlflow.pyfunc.load_model(f"models:/{unique}@champion").predict([1.5]) == [3.0]
    assert client.get_model_version_by_alias(unique, "champion").aliases == ["champion"]
    assert client.get_model_version(unique, "1").tags == {"k": "v"}


def test_log_model_registers(fluent: str, client: MlflowClient, unique: str) -> None:
    with mlflow.start_run(experiment_id=fluent) as run:
        for _ in range(2):
            mlflow.pyfunc.log_model(
                name="doubler", python_model=Doubler(), pip_requirements=[], registered_model_name=unique
            )
    found = client.search_model_versions(f"name = '{unique}'")
    assert [int(version.version) for version in found] == [2, 1]
    assert {version.run_id for version in found} == {run.info.run_id}
    assert [int(version.version) for version in client.get_registered_model(unique).latest_versions] == [2]


def test_a_version_is_loaded_after_its_run_was_deleted(client: MlflowClient, logged: Any, unique: str) -> None:
    mlflow.register_model(logged.model_uri, unique)
    client.delete_run(logged.run_id)
    assert mlflow.pyfunc.load_model(f"models:/{unique}/1").predict([2.0]) == [4.0]


def test_copy_model_version(client: MlflowClient, logged: Any, unique: str) -> None:
    mlflow.register_model(logged.model_uri, f"{unique}-staging")
    copy = client.copy_model_version(f"models:/{unique}-staging/1", f"{unique}-production")
    assert (copy.name, int(copy.version)) == (f"{unique}-production", 1)
    assert mlflow.pyfunc.load_model(f"models:/{unique}-production/1").predict([1.0]) == [2.0]


def test_download_through_the_registry(client: MlflowClient, logged: Any, unique: str, tmp_path: Path) -> None:
    mlflow.register_model(logged.model_uri, unique)
    local = mlflow.artifacts.download_artifacts(f"models:/{unique}/1", dst_path=str(tmp_path))
    assert (Path(local) / "MLmodel").is_file()
    uri = client.get_model_version_download_uri(unique, "1")
    assert "mlflow-artifacts:/" in uri


def test_pages_of_the_client(client: MlflowClient, unique: str) -> None:
    for number in range(5):
        client.create_registered_model(f"{unique}-{number}")
    found = []
    token: str | None = None
    while True:
        page = client.search_registered_models(f"name LIKE '{unique}%'", max_results=2, page_token=token)
        found += [entry.name for entry in page]
        token = page.token
        if not token:
            break
    assert found == [f"{unique}-{number}" for number in range(5)]


def test_the_clients_calls_one_by_one(client: MlflowClient, unique: str) -> None:
    client.create_registered_model(unique, tags={"a": "b"}, description="d")
    assert client.get_registered_model(unique).tags == {"a": "b"}
    client.set_registered_model_tag(unique, "c", "d")
    client.delete_registered_model_tag(unique, "a")
    client.update_registered_model(unique, "new")
    version = client.create_model_version(unique, "s3://b/p", tags={"x": "y"}, description="v")
    client.set_model_version_tag(unique, version.version, "z", "1")
    client.delete_model_version_tag(unique, version.version, "x")
    client.update_model_version(unique, version.version, "w")
    client.transition_model_version_stage(unique, version.version, "staging")
    got = client.get_model_version(unique, version.version)
    assert (got.tags, got.description, got.current_stage) == ({"z": "1"}, "w", "Staging")
    assert [int(found.version) for found in client.get_latest_versions(unique, stages=["Staging"])] == [1]
    client.set_registered_model_alias(unique, "best", version.version)
    assert client.get_registered_model(unique).aliases == {"best": "1"}
    client.delete_registered_model_alias(unique, "best")
    client.rename_registered_model(unique, f"{unique}-new")
    renamed = client.get_registered_model(f"{unique}-new")
    assert (renamed.tags, renamed.description, renamed.aliases) == ({"c": "d"}, "new", {})
    client.delete_model_version(f"{unique}-new", version.version)
    client.delete_registered_model(f"{unique}-new")
    with pytest.raises(MlflowException) as caught:
        client.get_registered_model(f"{unique}-new")
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert caught.value.get_http_status_code() == 404
