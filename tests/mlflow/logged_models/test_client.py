"""Logged models through the real client: log, load, search, evaluate, and scikit-learn's autologging."""

from __future__ import annotations

from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

pytestmark = pytest.mark.filterwarnings("ignore")


class Doubler(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """The smallest model there is."""

    def predict(self, context: Any, model_input: list[float], params: Any = None) -> list[float]:
        return [2 * value for value in model_input]


def log(name: str = "doubler", **options: Any) -> Any:
    return mlflow.pyfunc.log_model(name=name, python_model=Doubler(), pip_requirements=[], **options)


def test_log_model_in_a_run(fluent: str, client: MlflowClient) -> None:
    with mlflow.start_run(experiment_id=fluent) as run:
        mlflow.log_params({"rate": 0.1})
        logged = log(params={"depth": 3}, tags={"k": "v"}, model_type="double", step=7)
        mlflow.log_metric("loss", 0.5, model_id=logged.model_id)
    model = mlflow.get_logged_model(logged.model_id)
    assert (model.name, str(model.status), model.model_type) == ("doubler", "READY", "double")
    assert model.source_run_id == run.info.run_id
    assert model.tags["k"] == "v"
    assert model.params == {"depth": "3", "rate": "0.1"}
    assert [(metric.key, metric.value) for metric in model.metrics] == [("loss", 0.5)]
    outputs = client.get_run(run.info.run_id).outputs.model_outputs
    assert [(output.model_id, output.step) for output in outputs] == [(logged.model_id, 7)]
    assert mlflow.pyfunc.load_model(f"models:/{logged.model_id}").predict([1.0]) == [2.0]


def test_a_model_without_a_run(fluent: str) -> None:
    model = mlflow.initialize_logged_model(name="later", params={"a": "1"}, tags={"b": "2"}, model_type="agent")
    assert (model.experiment_id, str(model.status)) == (fluent, "PENDING")
    assert str(mlflow.finalize_logged_model(model.model_id, "READY").status) == "READY"
    external = mlflow.create_external_model(name="outside")
    assert str(external.status) == "READY"


def test_active_model_collects(fluent: str) -> None:
    with mlflow.set_active_model(name="active") as active, mlflow.start_run(experiment_id=fluent):
        mlflow.log_metric("acc", 0.75)
        mlflow.log_model_params({"p": "1"}, model_id=active.model_id)
    model = mlflow.get_logged_model(active.model_id)
    assert [(metric.key, metric.value) for metric in model.metrics] == [("acc", 0.75)]
    assert model.params["p"] == "1"


def test_tags_and_delete(fluent: str, client: MlflowClient) -> None:
    with mlflow.start_run(experiment_id=fluent):
        model_id = log().model_id
    mlflow.set_logged_model_tags(model_id, {"a": 1, "b": "x"})
    mlflow.delete_logged_model_tag(model_id, "a")
    tags = mlflow.get_logged_model(model_id).tags
    assert tags["b"] == "x"
    assert "a" not in tags
    client.delete_logged_model(model_id)
    with pytest.raises(MlflowException) as caught:
        mlflow.get_logged_model(model_id)
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_search_and_pages(fluent: str, client: MlflowClient) -> None:
    ids = {}
    with mlflow.start_run(experiment_id=fluent):
        for number in range(3):
            model = client.create_logged_model(fluent, name=f"m{number}", params={"n": str(number)})
            mlflow.log_metric("acc", number / 4, model_id=model.model_id)
            ids[model.model_id] = number
    found = mlflow.search_logged_models(
        experiment_ids=[fluent],
        filter_string="metrics.acc > 0.1",
        order_by=[{"field_name": "metrics.acc", "ascending": False}],
        output_format="list",
    )
    assert [ids[model.model_id] for model in found] == [2, 1]
    page = client.search_logged_models([fluent], max_results=2)
    assert [ids[model.model_id] for model in page] == [2, 1]
    page = client.search_logged_models([fluent], max_results=2, page_token=page.token)
    assert [ids[model.model_id] for model in page] == [0]
    assert not page.token
    frame = mlflow.search_logged_models(experiment_ids=[fluent], filter_string="name = 'm0'")
    assert list(frame["name"]) == ["m0"]


def test_metrics_on_a_dataset(fluent: str, client: MlflowClient) -> None:
    import numpy

    dataset = mlflow.data.from_numpy(numpy.arange(4), name="four")
    with mlflow.start_run(experiment_id=fluent):
        model = client.create_logged_model(fluent, name="m")
        mlflow.log_metrics({"acc": 0.5}, dataset=dataset, model_id=model.model_id)
    (metric,) = mlflow.get_logged_model(model.model_id).metrics
    assert (metric.dataset_name, metric.dataset_digest) == ("four", dataset.digest)
    on = {"dataset_name": "four", "dataset_digest": dataset.digest}
    assert len(client.search_logged_models([fluent], filter_string="metrics.acc > 0.1", datasets=[on])) == 1


def test_autologging_of_sklearn(
    fluent: str, client: MlflowClient, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The client looks in a child process, for up to two minutes, for what the model imports: not our subject.
    monkeypatch.setenv("MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT", "1")
    linear_model = pytest.importorskip("sklearn.linear_model")
    mlflow.sklearn.autolog(registered_model_name=unique, silent=True)
    try:
        with mlflow.start_run(experiment_id=fluent) as run:
            fitted = linear_model.LinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 2.0, 4.0])
    finally:
        mlflow.sklearn.autolog(disable=True)
    data = client.get_run(run.info.run_id).data
    assert data.params["fit_intercept"] == "True"
    assert data.metrics["training_r2_score"] == pytest.approx(1.0)
    assert data.tags["estimator_name"] == "LinearRegression"
    (output,) = client.get_run(run.info.run_id).outputs.model_outputs
    model = mlflow.get_logged_model(output.model_id)
    assert model.params["fit_intercept"] == "True"
    assert {metric.key for metric in model.metrics} >= {"training_r2_score"}
    loaded = mlflow.sklearn.load_model(f"models:/{unique}/1")
    assert loaded.predict([[3.0]])[0] == pytest.approx(fitted.predict([[3.0]])[0])
