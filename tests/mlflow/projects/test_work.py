"""Ordinary work with the unmodified client in a project, by its URL, by SharingHub's, and as a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import mlflow
import pytest
from mlflow import MlflowClient

import mainspring as ms
from tests.mlflow.projects.conftest import Place

pytestmark = pytest.mark.filterwarnings("ignore")


class Doubler(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """The smallest model there is."""

    def predict(self, context: Any, model_input: list[float], params: Any = None) -> list[float]:
        return [2 * value for value in model_input]


def test_a_training(inside: str, platform: ms.Client, here: Place, tmp_path: Path) -> None:
    experiment = mlflow.set_experiment("training")
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "curve.txt").write_text("falling")
    with mlflow.start_run(run_name="first") as run:
        mlflow.log_params({"depth": 3})
        mlflow.log_metrics({"loss": 0.5}, step=1)
        mlflow.log_metric("loss", 0.25, step=2)
        mlflow.set_tag("team", "a")
        mlflow.log_text("small", "notes/small.txt")
        mlflow.log_artifacts(str(tmp_path / "plots"), "plots")
    run_id = run.info.run_id
    client = MlflowClient()
    assert client.get_experiment_by_name("training").experiment_id == experiment.experiment_id
    assert [each.info.run_id for each in client.search_runs([experiment.experiment_id], "metrics.loss < 0.3")] == [
        run_id
    ]
    assert [point.value for point in client.get_metric_history(run_id, "loss")] == [0.5, 0.25]
    assert client.get_run(run_id).data.params == {"depth": "3"}
    assert sorted(file.path for file in client.list_artifacts(run_id)) == ["notes", "plots"]
    assert [(file.path, file.file_size) for file in client.list_artifacts(run_id, "plots")] == [("plots/curve.txt", 7)]
    local = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="plots", dst_path=str(tmp_path / "down"))
    assert (Path(local) / "curve.txt").read_text() == "falling"
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/small.txt") == "small"
    with ms.connect(platform.url, project=here.path) as own:
        assert own.runs.get(run_id).name == "first"
    with pytest.raises(ms.MainspringError, match=run_id):
        platform.runs.get(run_id)


def test_without_an_experiment_it_is_the_projects_own_default(inside: str, platform: ms.Client, here: Place) -> None:
    with mlflow.start_run() as run:
        mlflow.log_metric("loss", 1)
    client = MlflowClient()
    default = client.get_experiment(run.info.experiment_id)
    assert default.name == "Default"
    assert client.get_experiment("0").experiment_id == default.experiment_id
    assert client.get_experiment_by_name("Default").experiment_id == default.experiment_id
    assert [each.info.run_id for each in client.search_runs(["0"])] == [run.info.run_id]
    assert [each.name for each in client.search_experiments()] == ["Default"]
    assert run.info.run_id not in {each.run_id for each in platform.runs.search(["0"])}


def test_models(inside: str, tmp_path: Path) -> None:
    mlflow.set_experiment("models")
    with mlflow.start_run():
        logged = mlflow.pyfunc.log_model(
            name="doubler", python_model=Doubler(), pip_requirements=[], registered_model_name="doubler"
        )
    client = MlflowClient()
    client.set_registered_model_alias("doubler", "champion", "1")
    assert mlflow.pyfunc.load_model("models:/doubler@champion").predict([1.5]) == [3.0]
    assert mlflow.pyfunc.load_model(logged.model_uri).predict([1.5]) == [3.0]
    assert [each.name for each in client.search_registered_models()] == ["doubler"]
    [version] = client.search_model_versions("name = 'doubler'")
    assert (version.run_id, version.status) == (logged.run_id, "READY")
    files = mlflow.artifacts.list_artifacts("models:/doubler/1")
    assert "MLmodel" in {file.path for file in files}
    client.delete_registered_model("doubler")
    assert client.search_registered_models() == []


def test_large_files_go_in_parts(inside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(5 * 1024 * 1024))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 * 1024 * 1024))
    (tmp_path / "large.bin").write_bytes(bytes(range(256)) * 4 * 1024 * 6)
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(tmp_path / "large.bin"))
    local = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=str(tmp_path / "down"))
    assert (Path(local) / "large.bin").read_bytes() == (tmp_path / "large.bin").read_bytes()


def test_the_server_tells_of_workspaces_in_every_place(here: Place, platform: ms.Client) -> None:
    for root in (platform.url, here.uri, f"{platform.url}/{here.path}/tracking"):
        info = httpx.get(f"{root}/api/3.0/mlflow/server-info").json()
        assert (info["workspaces_enabled"], info["multipart_uploads_enabled"]) == (True, True)
        assert httpx.get(f"{root}/health").text == "OK"
        assert httpx.get(f"{root}/version").status_code == 200
