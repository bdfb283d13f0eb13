"""What went into a run and came out of it: datasets, models, and the model log of older clients."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest, missing, wrong_type
from tests.mlflow.tracking.conftest import Runs

SEARCH = "/ajax-api/2.0/mlflow/experiments/search-datasets"


def dataset(name: str, digest: str = "d1", context: str | None = None, **fields: str) -> dict[str, Any]:
    """Return one dataset input of log-inputs."""
    body = {"name": name, "digest": digest, "source_type": "local", "source": "{}", **fields}
    tags = [{"key": "mlflow.data.context", "value": context}] if context else []
    return {"dataset": body, "tags": tags}


def names(run: dict[str, Any]) -> list[str]:
    """Return the names of a run's datasets."""
    return sorted(entry["dataset"]["name"] for entry in run["inputs"].get("dataset_inputs", []))


def test_body(rest: Rest, runs: Runs, run: str) -> None:
    given = dataset("A", context="train", schema="s", profile="p")
    given["tags"].append({"key": "x", "value": "y"})
    assert rest.post("runs/log-inputs", {"run_id": run, "datasets": [given]}).ok() == {}
    assert runs.get(run)["inputs"] == {"dataset_inputs": [given]}


def test_what_is_absent_is_left_out(rest: Rest, runs: Runs, run: str) -> None:
    given = {"dataset": {"name": "A", "digest": "d", "source_type": "local", "source": "s"}}
    rest.post("runs/log-inputs", {"run_id": run, "datasets": [given]}).ok()
    assert runs.get(run)["inputs"] == {"dataset_inputs": [given]}
    found = rest.post("runs/search", {"experiment_ids": [runs.experiment]}).ok()["runs"]
    assert found[0]["inputs"] == {"dataset_inputs": [given]}


def test_logged_again_is_kept_once(rest: Rest, runs: Runs, run: str) -> None:
    first = dataset("A", context="train", schema="s")
    rest.post("runs/log-inputs", {"run_id": run, "datasets": [first]}).ok()
    again = [dataset("A", context="test", schema="other"), dataset("A"), dataset("A", "d2"), dataset("B")]
    rest.post("runs/log-inputs", {"run_id": run, "datasets": again}).ok()
    run_read = runs.get(run)
    assert names(run_read) == ["A", "A", "B"]
    assert first in run_read["inputs"]["dataset_inputs"]


def test_one_dataset_in_two_runs(rest: Rest, runs: Runs) -> None:
    contexts = {runs.create("one"): "train", runs.create("two"): "test"}
    for run_id, context in contexts.items():
        rest.post("runs/log-inputs", {"run_id": run_id, "datasets": [dataset("A", context=context)]}).ok()
    for run_id, context in contexts.items():
        assert runs.get(run_id)["inputs"] == {"dataset_inputs": [dataset("A", context=context)]}


def test_nothing_to_log(rest: Rest, runs: Runs, run: str) -> None:
    assert rest.post("runs/log-inputs", {"run_id": run}).ok() == {}
    assert rest.post("runs/log-inputs", {"run_id": run, "datasets": [], "models": []}).ok() == {}
    assert runs.get(run)["inputs"] == {}


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ([dataset("x" * 501)], "name' exceeds the maximum length of 500 characters"),
        ([dataset("x", "y" * 37)], "digest' exceeds the maximum length of 36 characters"),
        ([dataset("x", source="y" * 65536)], "source' exceeds the maximum length of 65535 characters"),
        ([dataset("x", schema="y" * 1048576)], "schema' exceeds the maximum length of 1048575 characters"),
        ([dataset("x", context="v" * 501)], "value' exceeds the maximum length of 500 characters"),
        (
            [{**dataset("x"), "tags": [{"key": "k" * 256, "value": "v"}]}],
            "key' exceeds the maximum length of 255 characters",
        ),
        ("x", wrong_type("datasets", '"x"')),
    ],
    ids=["name", "digest", "source", "schema", "tag value", "tag key", "type"],
)
def test_refused(rest: Rest, runs: Runs, run: str, datasets: Any, message: str) -> None:
    good = [dataset("good")] if isinstance(datasets, list) else []
    body = {"run_id": run, "datasets": good + datasets if good else datasets}
    rest.post("runs/log-inputs", body).invalid(message)
    assert runs.get(run)["inputs"] == {}


def test_limits_are_inclusive(rest: Rest, runs: Runs, run: str) -> None:
    given = dataset("x" * 500, "y" * 36, "v" * 500, source="s" * 65535, schema="c" * 100_000)
    rest.post("runs/log-inputs", {"run_id": run, "datasets": [given]}).ok()
    assert runs.get(run)["inputs"] == {"dataset_inputs": [given]}


def test_same_tag_twice(rest: Rest, runs: Runs, run: str) -> None:
    tags = [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]
    body = {"run_id": run, "datasets": [{**dataset("A"), "tags": tags}]}
    assert rest.post("runs/log-inputs", body).status == 400
    assert runs.get(run)["inputs"] == {}


class TestSearchDatasets:
    def test_body(self, rest: Rest, runs: Runs) -> None:
        first, second = runs.create(), runs.create()
        inputs = [dataset("A", "d1", "train"), dataset("B", "d2")]
        rest.post("runs/log-inputs", {"run_id": first, "datasets": inputs}).ok()
        inputs = [dataset("A", "d1", "test"), dataset("A", "d3", "test"), dataset("B", "d2")]
        rest.post("runs/log-inputs", {"run_id": second, "datasets": inputs}).ok()
        answer = rest.post(SEARCH, {"experiment_ids": [runs.experiment]}).ok()
        assert set(answer) == {"dataset_summaries"}
        found = sorted(answer["dataset_summaries"], key=lambda each: (each["digest"], each.get("context", "")))
        here = {"experiment_id": runs.experiment}
        assert found == [
            {**here, "name": "A", "digest": "d1", "context": "test"},
            {**here, "name": "A", "digest": "d1", "context": "train"},
            {**here, "name": "B", "digest": "d2"},
            {**here, "name": "A", "digest": "d3", "context": "test"},
        ]

    def test_nothing_found(self, rest: Rest, experiment: str) -> None:
        assert rest.post(SEARCH, {"experiment_ids": [experiment, "99999999"]}).ok() == {}

    def test_refused(self, rest: Rest) -> None:
        message = "SearchDatasets request must specify at least one experiment_id."
        rest.post(SEARCH, {}).invalid(message)
        message = "SearchDatasets request cannot specify more than 20 experiment_ids. Received 21 experiment_ids."
        rest.post(SEARCH, {"experiment_ids": [str(i) for i in range(21)]}).invalid(message)
        message = "Invalid experiment ID 'abc'. Experiment ID must be a valid integer."
        rest.post(SEARCH, {"experiment_ids": ["abc"]}).invalid(message)

    @pytest.mark.parametrize(
        ("filter_string", "expected"),
        [
            ("dataset.name = 'A'", "two one"),
            ("datasets.name = 'B'", "one"),
            ("dataset.digest = 'd3'", "two"),
            ("dataset.context = 'train'", "one"),
            ("dataset.context LIKE '%t%'", "two one"),
            ("dataset.name != 'A'", "one"),
            ("dataset.name ILIKE 'a'", "two one"),
            ("dataset.name LIKE 'a'", ""),
            ("dataset.name IN ('B', 'Z')", "one"),
            ("dataset.name NOT IN ('A')", "one"),
            ("dataset.digest IN ('d1', 'd3') AND run_name = 'two'", "two"),
            ("dataset.name = 'A' AND dataset.digest = 'd2'", "one"),
            ("dataset.name = 'A' AND dataset.context = 'test'", "two one"),
        ],
    )
    def test_runs_by_dataset(self, rest: Rest, runs: Runs, filter_string: str, expected: str) -> None:
        for name, datasets in (
            ("one", [dataset("A", "d1", "train"), dataset("B", "d2", "test")]),
            ("two", [dataset("A", "d3", "test")]),
            ("none", []),
        ):
            run_id = runs.create(name, start_time={"one": 1, "two": 2, "none": 3}[name])
            rest.post("runs/log-inputs", {"run_id": run_id, "datasets": datasets}).ok()
        assert " ".join(runs.names(filter=filter_string)) == expected


class TestModels:
    def model(self, rest: Rest, runs: Runs, run: str) -> str:
        body = {"experiment_id": runs.experiment, "name": "model", "source_run_id": run}
        return str(rest.post("logged-models", body).ok()["model"]["info"]["model_id"])

    def test_outputs(self, rest: Rest, runs: Runs, run: str) -> None:
        first, second = self.model(rest, runs, run), self.model(rest, runs, run)
        assert rest.post("runs/outputs", {"run_id": run, "models": [{"model_id": first, "step": 3}]}).ok() == {}
        assert rest.post("runs/outputs", {"run_id": run, "models": [{"model_id": second}]}).ok() == {}
        outputs = runs.get(run)["outputs"]
        assert set(outputs) == {"model_outputs"}
        expected = [{"model_id": first, "step": 3}, {"model_id": second, "step": 0}]
        assert sorted(outputs["model_outputs"], key=lambda each: -each["step"]) == expected
        found = rest.post("runs/search", {"experiment_ids": [runs.experiment]}).ok()["runs"][0]
        assert sorted(found["outputs"]["model_outputs"], key=lambda each: -each["step"]) == expected

    def test_inputs(self, rest: Rest, runs: Runs, run: str) -> None:
        model_id = self.model(rest, runs, run)
        for _ in range(2):
            assert rest.post("runs/log-inputs", {"run_id": run, "models": [{"model_id": model_id}]}).ok() == {}
        assert runs.get(run)["inputs"] == {"model_inputs": [{"model_id": model_id}]}

    def test_refused(self, rest: Rest, run: str) -> None:
        rest.post("runs/outputs", {"run_id": run}).invalid(missing("models"))
        rest.post("runs/outputs", {"run_id": run, "models": "x"}).invalid(wrong_type("models", '"x"'))
        assert rest.post("runs/outputs", {"run_id": run, "models": []}).ok() == {}


class TestLogModel:
    MODEL = {
        "artifact_path": "model",
        "flavors": {"python_function": {"model_path": "m.pkl"}},
        "utc_time_created": "2024",
    }

    def test_history_tag(self, rest: Rest, runs: Runs, run: str) -> None:
        for path in ("one", "two"):
            model = {**self.MODEL, "run_id": run, "artifact_path": path}
            assert rest.post("runs/log-model", {"run_id": run, "model_json": json.dumps(model)}).ok() == {}
        history = json.loads(runs.data(run, "tags")["mlflow.log-model.history"])
        assert [{key: value for key, value in each.items() if value is not None} for each in history] == [
            {
                "run_id": run,
                "artifact_path": path,
                "utc_time_created": "2024",
                "flavors": {"python_function": {"model_path": "m.pkl"}},
            }
            for path in ("one", "two")
        ]

    def test_refused(self, rest: Rest, run: str) -> None:
        answer = rest.post("runs/log-model", {"run_id": run, "model_json": "{"})
        answer.invalid("is not a valid JSON")
        incomplete = json.dumps({"flavors": {}, "run_id": "x", "utc_time_created": ""})
        answer = rest.post("runs/log-model", {"run_id": run, "model_json": incomplete})
        answer.invalid("artifact_path")
        rest.post("runs/log-model", {"run_id": run}).invalid(missing("model_json"))
        rest.post("runs/log-model", {"model_json": "{}"}).invalid(missing("run_id"))
        model = json.dumps({**self.MODEL, "run_id": run})
        answer = rest.post("runs/log-model", {"run_id": "nope", "model_json": model})
        answer.absent("Run with id=nope not found")

    @differs("the original answers 500")
    @pytest.mark.parametrize("model_json", ["[]", "5", "null", '"x"'])
    def test_model_that_is_no_object(self, rest: Rest, run: str, model_json: str) -> None:
        rest.post("runs/log-model", {"run_id": run, "model_json": model_json}).invalid()
