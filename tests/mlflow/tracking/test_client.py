"""The real client's own methods, each through the server and back."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    ExperimentTag,
    InputTag,
    Metric,
    Param,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException, RestException


class TestExperiments:
    def test_life(self, client: MlflowClient, unique: str) -> None:
        experiment_id = client.create_experiment(unique, tags={"team": "a"})
        client.set_experiment_tag(experiment_id, "more", "b")
        client.delete_experiment_tag(experiment_id, "team")
        client.rename_experiment(experiment_id, f"{unique}x")
        experiment = client.get_experiment(experiment_id)
        assert isinstance(experiment, Experiment)
        assert experiment.name == f"{unique}x"
        assert experiment.tags == {"more": "b"}
        assert experiment.creation_time <= experiment.last_update_time
        client.delete_experiment(experiment_id)
        assert client.get_experiment(experiment_id).lifecycle_stage == "deleted"
        assert client.get_experiment_by_name(f"{unique}x").lifecycle_stage == "deleted"
        client.restore_experiment(experiment_id)
        assert client.get_experiment(experiment_id).lifecycle_stage == "active"

    def test_unknown(self, client: MlflowClient, unique: str) -> None:
        assert client.get_experiment_by_name(unique) is None
        with pytest.raises(RestException, match="No Experiment with id=99999999 exists") as error:
            client.get_experiment("99999999")
        assert error.value.error_code == "RESOURCE_DOES_NOT_EXIST"
        assert error.value.get_http_status_code() == 404

    def test_name_taken(self, client: MlflowClient, unique: str) -> None:
        client.create_experiment(unique)
        with pytest.raises(RestException) as error:
            client.create_experiment(unique)
        assert error.value.error_code == "RESOURCE_ALREADY_EXISTS"

    def test_search_by_pages(self, client: MlflowClient, unique: str) -> None:
        ids = [client.create_experiment(f"{unique}/{i}") for i in range(5)]
        client.delete_experiment(ids[0])
        query = {"filter_string": f"name LIKE '{unique}/%'", "order_by": ["name ASC"], "max_results": 2}
        found: list[str] = []
        page = client.search_experiments(**query, view_type=ViewType.ALL)
        while True:
            found += [experiment.experiment_id for experiment in page]
            if not page.token:
                break
            page = client.search_experiments(**query, view_type=ViewType.ALL, page_token=page.token)
        assert found == ids
        assert len(client.search_experiments(ViewType.DELETED_ONLY, filter_string=f"name LIKE '{unique}/%'")) == 1


class TestRuns:
    def test_life(self, client: MlflowClient, experiment: str) -> None:
        run = client.create_run(experiment, start_time=5, tags={"t": "1"}, run_name="first")
        run_id = run.info.run_id
        assert (run.info.run_name, run.info.start_time, run.info.end_time) == ("first", 5, None)
        client.log_metric(run_id, "loss", 0.5, timestamp=7, step=1)
        client.log_param(run_id, "depth", 3)
        client.set_tag(run_id, "u", 2)
        client.delete_tag(run_id, "t")
        client.update_run(run_id, status="RUNNING", name="second")
        client.set_terminated(run_id, "FAILED", end_time=9)
        run = client.get_run(run_id)
        assert run.data.metrics == {"loss": 0.5}
        assert run.data.params == {"depth": "3"}
        assert run.data.tags == {"u": "2", "mlflow.runName": "second"}
        assert (run.info.status, run.info.end_time, run.info.run_name) == ("FAILED", 9, "second")
        client.delete_run(run_id)
        assert client.get_run(run_id).info.lifecycle_stage == "deleted"
        with pytest.raises(MlflowException, match="must be in the 'active' state"):
            client.log_metric(run_id, "loss", 0.4)
        client.restore_run(run_id)
        assert client.get_run(run_id).info.lifecycle_stage == "active"

    def test_unknown(self, client: MlflowClient) -> None:
        with pytest.raises(RestException, match="Run with id=nope not found") as error:
            client.get_run("nope")
        assert error.value.error_code == "RESOURCE_DOES_NOT_EXIST"

    def test_client_sets_the_start(self, client: MlflowClient, experiment: str) -> None:
        before = int(time.time() * 1000)
        run = client.create_run(experiment)
        assert before <= run.info.start_time <= before + 60_000
        assert run.info.run_name

    def test_param_again(self, client: MlflowClient, experiment: str) -> None:
        run_id = client.create_run(experiment).info.run_id
        client.log_param(run_id, "p", 1)
        client.log_param(run_id, "p", 1)
        with pytest.raises(MlflowException, match="Changing param values is not allowed"):
            client.log_param(run_id, "p", 2)

    def test_search_by_pages(self, client: MlflowClient, experiment: str) -> None:
        ids = [client.create_run(experiment, start_time=i).info.run_id for i in range(1, 8)]
        found: list[str] = []
        token = None
        while token or not found:
            page = client.search_runs([experiment], order_by=["start_time ASC"], max_results=3, page_token=token)
            found += [run.info.run_id for run in page]
            token = page.token
        assert found == ids

    def test_search(self, client: MlflowClient, experiment: str) -> None:
        for i in range(3):
            run_id = client.create_run(experiment, start_time=i, run_name=f"r{i}").info.run_id
            client.log_metric(run_id, "loss", i / 2)
        found = client.search_runs([experiment], "metrics.loss > 0.4", order_by=["metrics.loss DESC"])
        assert [run.info.run_name for run in found] == ["r2", "r1"]
        with pytest.raises(RestException, match=r"metrics\.loss") as error:
            client.search_runs([experiment], "metrics.loss >")
        assert error.value.error_code == "INVALID_PARAMETER_VALUE"


class TestMetrics:
    def test_history(self, client: MlflowClient, experiment: str) -> None:
        run_id = client.create_run(experiment).info.run_id
        given = [(1.0, 10, 0), (math.nan, 11, 1), (math.inf, 12, 2), (-math.inf, 13, 3), (1e-300, 14, 4)]
        for value, timestamp, step in given:
            client.log_metric(run_id, "m", value, timestamp, step)
        history = client.get_metric_history(run_id, "m")
        assert [(metric.timestamp, metric.step) for metric in history] == [point[1:] for point in given]
        values = [metric.value for metric in history]
        assert values[0] == 1.0
        assert math.isnan(values[1])
        assert values[2:] == [1.7976931348623157e308, -1.7976931348623157e308, 1e-300]
        assert client.get_run(run_id).data.metrics == {"m": 1e-300}
        assert client.get_metric_history(run_id, "none") == []

    def test_long_history(self, client: MlflowClient, experiment: str) -> None:
        run_id = client.create_run(experiment).info.run_id
        for start in range(0, 3000, 1000):
            client.log_batch(run_id, [Metric("m", step * 0.5, step, step) for step in range(start, start + 1000)])
        history = client.get_metric_history(run_id, "m")
        assert [metric.step for metric in history] == list(range(3000))
        assert history[-1].value == 1499.5

    def test_batch(self, client: MlflowClient, experiment: str) -> None:
        run_id = client.create_run(experiment, run_name="batch").info.run_id
        client.log_batch(run_id, [Metric("a", 1, 1, 0), Metric("b", 2, 1, 0)], [Param("p", "1")], [RunTag("t", "1")])
        data = client.get_run(run_id).data
        assert data.metrics == {"a": 1.0, "b": 2.0}
        assert data.params == {"p": "1"}
        assert data.tags == {"t": "1", "mlflow.runName": "batch"}

    def test_asynchronous_writes_arrive(self, client: MlflowClient, experiment: str) -> None:
        run_id = client.create_run(experiment).info.run_id
        pending = [client.log_metric(run_id, "m", i, i, i, synchronous=False) for i in range(20)]
        pending.append(client.log_param(run_id, "p", "1", synchronous=False))
        for operations in pending:
            operations.wait()
        assert len(client.get_metric_history(run_id, "m")) == 20
        assert client.get_run(run_id).data.params == {"p": "1"}


def test_inputs(client: MlflowClient, experiment: str) -> None:
    run_id = client.create_run(experiment).info.run_id
    dataset = Dataset("wine", "abc", "local", "{}", schema="{}", profile="{}")
    given = DatasetInput(dataset, [InputTag("mlflow.data.context", "train")])
    client.log_inputs(run_id, [given])
    read = client.get_run(run_id).inputs.dataset_inputs
    assert [entry.to_dictionary() for entry in read] == [given.to_dictionary()]


def test_experiment_tag_entities(client: MlflowClient, experiment: str) -> None:
    client.set_experiment_tag(experiment, "mlflow.note.content", "# Title\n\ntext")
    tag = ExperimentTag("mlflow.note.content", "# Title\n\ntext")
    assert client.get_experiment(experiment).tags == {tag.key: tag.value}


class TestFiles:
    def test_text_and_dict(self, client: MlflowClient, experiment: str, tmp_path: Path) -> None:
        run_id = client.create_run(experiment).info.run_id
        client.log_text(run_id, "hello ünïcode", "notes/hello.txt")
        client.log_dict(run_id, {"b": [1, 2]}, "config.json")
        (tmp_path / "local.bin").write_bytes(bytes(range(256)))
        client.log_artifact(run_id, str(tmp_path / "local.bin"), "raw")
        assert sorted(file.path for file in client.list_artifacts(run_id)) == ["config.json", "notes", "raw"]
        assert [file.path for file in client.list_artifacts(run_id, "notes")] == ["notes/hello.txt"]
        target = tmp_path / "down"
        target.mkdir()
        path = client.download_artifacts(run_id, "notes/hello.txt", str(target))
        assert Path(path).read_text() == "hello ünïcode"
        path = client.download_artifacts(run_id, "raw", str(target))
        assert (Path(path) / "local.bin").read_bytes() == bytes(range(256))

    def test_table(self, client: MlflowClient, fluent: str) -> None:
        run_id = client.create_run(fluent).info.run_id
        client.log_table(run_id, {"q": ["a"], "n": [1]}, "table.json")
        client.log_table(run_id, {"q": ["b"], "n": [2]}, "table.json")
        table = client.load_table(fluent, "table.json", run_ids=[run_id])
        assert list(table["q"]) == ["a", "b"]
        assert list(table["n"]) == [1, 2]

    def test_figure_and_image(self, client: MlflowClient, experiment: str) -> None:
        numpy = pytest.importorskip("numpy")
        matplotlib_figure = pytest.importorskip("matplotlib.figure")
        run_id = client.create_run(experiment).info.run_id
        figure = matplotlib_figure.Figure()
        figure.subplots().plot([1, 2, 3])
        client.log_figure(run_id, figure, "plots/line.png")
        client.log_image(run_id, numpy.zeros((8, 8, 3), dtype=numpy.uint8), "black.png")
        client.log_image(run_id, numpy.zeros((8, 8, 3), dtype=numpy.uint8), key="steps", step=1)
        assert [file.path for file in client.list_artifacts(run_id, "plots")] == ["plots/line.png"]
        images = [file.path for file in client.list_artifacts(run_id, "images")]
        assert len([path for path in images if path.startswith("images/steps+step+1+")]) == 2
        assert client.get_run(run_id).data.tags["mlflow.loggedImages"] == "True"
