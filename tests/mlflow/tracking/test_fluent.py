"""Ordinary training code: the module-level API, nested runs, autologging, pandas, system metrics."""

from __future__ import annotations

import getpass
import time
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException


def test_run(fluent: str, client: MlflowClient) -> None:
    with mlflow.start_run(run_name="train", tags={"team": "a"}, description="why") as active:
        mlflow.log_param("depth", 3)
        mlflow.log_params({"rate": 0.1, "name": "x"})
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.log_metrics({"loss": 0.25, "accuracy": 0.9}, step=2)
        mlflow.set_tag("stage", "one")
        mlflow.set_tags({"a": 1, "b": True})
        assert client.get_run(active.info.run_id).info.status == "RUNNING"
    run = mlflow.get_run(active.info.run_id)
    assert run.info.experiment_id == fluent
    assert run.info.status == "FINISHED"
    assert run.info.start_time <= run.info.end_time
    assert run.data.params == {"depth": "3", "rate": "0.1", "name": "x"}
    assert run.data.metrics == {"loss": 0.25, "accuracy": 0.9}
    tags = run.data.tags
    assert {"team": "a", "stage": "one", "a": "1", "b": "True", "mlflow.runName": "train"}.items() <= tags.items()
    assert tags["mlflow.user"] == getpass.getuser()
    assert tags["mlflow.note.content"] == "why"
    assert {"mlflow.source.name", "mlflow.source.type"} <= set(tags)


def test_a_failing_run(fluent: str) -> None:
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as active:
        _ = 1 / 0
    assert mlflow.get_run(active.info.run_id).info.status == "FAILED"


def test_nested_runs(fluent: str, client: MlflowClient) -> None:
    with mlflow.start_run(run_name="parent") as parent:
        for name in ("one", "two"):
            with mlflow.start_run(run_name=name, nested=True) as child:
                mlflow.log_metric("m", 1)
            assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == parent.info.run_id
    found = client.search_runs([fluent], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert sorted(run.info.run_name for run in found) == ["one", "two"]
    assert mlflow.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id
    assert mlflow.get_parent_run(parent.info.run_id) is None


def test_resume(fluent: str) -> None:
    with mlflow.start_run() as first:
        mlflow.log_metric("m", 1, step=0)
    with mlflow.start_run(run_id=first.info.run_id):
        mlflow.log_metric("m", 2, step=1)
    run = mlflow.get_run(first.info.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"m": 2.0}
    mlflow.delete_run(first.info.run_id)
    with pytest.raises(MlflowException, match="deleted"):
        mlflow.start_run(run_id=first.info.run_id)


def test_set_experiment(fluent: str, unique: str, client: MlflowClient) -> None:
    experiment = mlflow.set_experiment(f"{unique}/new")
    assert mlflow.set_experiment(f"{unique}/new").experiment_id == experiment.experiment_id
    mlflow.set_experiment_tags({"a": "1"})
    assert client.get_experiment(experiment.experiment_id).tags["a"] == "1"
    mlflow.delete_experiment(experiment.experiment_id)
    with pytest.raises(MlflowException, match="deleted"):
        mlflow.set_experiment(f"{unique}/new")


def test_search_runs_as_a_table(fluent: str) -> None:
    for i in range(3):
        with mlflow.start_run(run_name=f"r{i}"):
            mlflow.log_metric("loss", i / 2)
            mlflow.log_param("depth", i)
            if i:
                mlflow.set_tag("odd", i)
    table = mlflow.search_runs(order_by=["metrics.loss DESC"])
    assert list(table["tags.mlflow.runName"]) == ["r2", "r1", "r0"]
    assert list(table["metrics.loss"]) == [1.0, 0.5, 0.0]
    assert list(table["params.depth"]) == ["2", "1", "0"]
    assert table["tags.odd"].isna().tolist() == [False, False, True]
    assert str(table["start_time"].dtype).startswith("datetime64")
    assert set(table["status"]) == {"FINISHED"}
    names = mlflow.search_runs(filter_string="metrics.loss > 0.2", output_format="list", max_results=1)
    assert len(names) == 1
    assert mlflow.search_runs(filter_string="metrics.loss > 9").empty


def test_search_experiments_and_last_run(fluent: str, unique: str) -> None:
    assert [each.experiment_id for each in mlflow.search_experiments(filter_string=f"name = '{unique}'")] == [fluent]
    with mlflow.start_run() as active:
        pass
    last = mlflow.last_active_run()
    assert last is not None
    assert last.info.run_id == active.info.run_id


def test_log_input(fluent: str) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": [1, 2, 3], "y": [0, 1, 0]})
    dataset = mlflow.data.from_pandas(frame, source="https://example.org/wine.csv", name="wine", targets="y")
    with mlflow.start_run() as active:
        mlflow.log_input(dataset, context="training", tags={"split": "a"})
        mlflow.log_input(dataset, context="training")
    (read,) = mlflow.get_run(active.info.run_id).inputs.dataset_inputs
    assert (read.dataset.name, read.dataset.digest, read.dataset.source_type) == ("wine", dataset.digest, "http")
    assert {tag.key: tag.value for tag in read.tags} == {"mlflow.data.context": "training", "split": "a"}
    assert mlflow.data.get_source(read).to_dict() == {"url": "https://example.org/wine.csv"}
    assert '"num_rows": 3' in read.dataset.profile
    found = mlflow.search_runs(filter_string="dataset.name = 'wine' AND dataset.context = 'training'")
    assert list(found["run_id"]) == [active.info.run_id]


def test_time_and_step_of_a_metric(fluent: str, client: MlflowClient) -> None:
    with mlflow.start_run() as active:
        mlflow.log_metric("m", 1.0, step=3, timestamp=5)
    (point,) = client.get_metric_history(active.info.run_id, "m")
    assert (point.key, point.value, point.step, point.timestamp) == ("m", 1.0, 3, 5)


def test_asynchronous_writes(fluent: str, client: MlflowClient) -> None:
    with mlflow.start_run() as active:
        for step in range(50):
            mlflow.log_metric("m", step, step=step, synchronous=False)
        mlflow.log_params({"p": 1}, synchronous=False)
        mlflow.flush_async_logging()
    assert len(client.get_metric_history(active.info.run_id, "m")) == 50
    assert mlflow.get_run(active.info.run_id).data.params == {"p": "1"}


def test_system_metrics(fluent: str) -> None:
    pytest.importorskip("psutil")
    mlflow.set_system_metrics_sampling_interval(0.1)
    mlflow.set_system_metrics_samples_before_logging(1)
    try:
        with mlflow.start_run(log_system_metrics=True) as active:
            deadline = time.monotonic() + 30
            while not mlflow.get_run(active.info.run_id).data.metrics and time.monotonic() < deadline:
                time.sleep(0.1)
    finally:
        mlflow.set_system_metrics_sampling_interval(None)
        mlflow.set_system_metrics_samples_before_logging(None)
    metrics = mlflow.get_run(active.info.run_id).data.metrics
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= set(metrics)


def test_autolog_of_scikit_learn(fluent: str) -> None:
    sklearn_linear = pytest.importorskip("sklearn.linear_model")
    from sklearn.datasets import load_wine

    features, target = load_wine(return_X_y=True, as_frame=True)
    mlflow.sklearn.autolog(log_models=False, silent=True)
    try:
        with mlflow.start_run() as active:
            sklearn_linear.LogisticRegression(C=0.5, max_iter=20).fit(features, target)
    finally:
        mlflow.sklearn.autolog(disable=True, silent=True)
    run = mlflow.get_run(active.info.run_id)
    assert run.data.params["C"] == "0.5"
    assert 0 < run.data.metrics["training_accuracy_score"] <= 1
    assert run.data.tags["estimator_name"] == "LogisticRegression"
    (given,) = run.inputs.dataset_inputs
    assert {tag.key: tag.value for tag in given.tags} == {"mlflow.data.context": "train"}


def test_artifacts(fluent: str, tmp_path: Path) -> None:
    with mlflow.start_run() as active:
        mlflow.log_text("body", "a/b.txt")
        mlflow.log_dict({"k": 1}, "c.yaml")
        (tmp_path / "d").mkdir()
        (tmp_path / "d" / "e.txt").write_text("e")
        mlflow.log_artifacts(str(tmp_path), "folder")
        assert mlflow.get_artifact_uri("a") == f"mlflow-artifacts:/{fluent}/{active.info.run_id}/artifacts/a"
    uri = f"runs:/{active.info.run_id}"
    assert mlflow.artifacts.load_text(f"{uri}/a/b.txt") == "body"
    assert mlflow.artifacts.load_text(f"{uri}/folder/d/e.txt") == "e"
    assert [file.path for file in mlflow.artifacts.list_artifacts(f"{uri}/folder")] == ["folder/d"]
