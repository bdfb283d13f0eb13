"""Metrics, inputs and outputs that tie runs to logged models."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest


def metrics(rest: Rest, model_id: str) -> list[Any]:
    data = rest.get(f"logged-models/{model_id}").ok()["model"]["data"]
    return sorted(data.get("metrics", []), key=lambda metric: (metric["key"], metric["timestamp"]))


def point(run_id: str, model_id: str, **fields: Any) -> dict[str, Any]:
    start = {"run_id": run_id, "key": "acc", "value": 0.5, "timestamp": 10, "step": 0, "model_id": model_id}
    return start | fields


def test_every_point_is_kept_with_the_model(rest: Rest, run_id: str, model_id: str) -> None:
    dataset = {"dataset_name": "train", "dataset_digest": "d1"}
    assert rest.post("runs/log-metric", point(run_id, model_id)).ok() == {}
    rest.post("runs/log-metric", point(run_id, model_id, value=0.75, timestamp=11, step=1, **dataset)).ok()
    tied = {"model_id": model_id, "run_id": run_id}
    assert metrics(rest, model_id) == [
        {"key": "acc", "value": 0.5, "timestamp": 10, "step": 0} | tied,
        {"key": "acc", "value": 0.75, "timestamp": 11, "step": 1} | tied | dataset,
    ]


def test_the_run_has_them_as_plain_metrics(rest: Rest, run_id: str, model_id: str) -> None:
    rest.post("runs/log-metric", point(run_id, model_id)).ok()
    rest.post("runs/log-metric", point(run_id, model_id, value=0.75, timestamp=11, step=1)).ok()
    data = rest.get("runs/get", {"run_id": run_id}).ok()["run"]["data"]
    assert data["metrics"] == [{"key": "acc", "value": 0.75, "timestamp": 11, "step": 1}]
    history = rest.get("metrics/get-history", {"run_id": run_id, "metric_key": "acc"}).ok()
    assert history["metrics"] == [
        {"key": "acc", "value": 0.5, "timestamp": 10, "step": 0},
        {"key": "acc", "value": 0.75, "timestamp": 11, "step": 1},
    ]


def test_log_batch_ties_metrics_too(rest: Rest, run_id: str, model_id: str) -> None:
    entries = [
        {"key": "a", "value": 1.5, "timestamp": 1, "step": 0, "model_id": model_id},
        {"key": "b", "value": 2.5, "timestamp": 1, "step": 0},
    ]
    rest.post("runs/log-batch", {"run_id": run_id, "metrics": entries}).ok()
    assert [metric["key"] for metric in metrics(rest, model_id)] == ["a"]


def test_a_repeated_point_is_kept_once(rest: Rest, run_id: str, model_id: str) -> None:
    for _ in range(2):
        rest.post("runs/log-metric", point(run_id, model_id)).ok()
    assert len(metrics(rest, model_id)) == 1


def test_infinity(rest: Rest, run_id: str, model_id: str) -> None:
    rest.post("runs/log-metric", point(run_id, model_id, value="Infinity")).ok()
    assert metrics(rest, model_id)[0]["value"] == 1.7976931348623157e308


@differs("the original tells a NaN of a logged model as 0.0, though the run tells NaN")
def test_nan(rest: Rest, run_id: str, model_id: str) -> None:
    rest.post("runs/log-metric", point(run_id, model_id, value="NaN")).ok()
    assert metrics(rest, model_id)[0]["value"] == "NaN"


def test_an_unknown_model_is_refused(rest: Rest, run_id: str) -> None:
    reply = rest.post("runs/log-metric", point(run_id, "m-none"))
    assert reply.status in (400, 404)
    assert reply.json["message"]
    reply = rest.post("runs/log-batch", {"run_id": run_id, "metrics": [point(run_id, "m-none")]})
    assert reply.status in (400, 404)


@pytest.mark.parametrize("given", ["dataset_name", "dataset_digest"])
def test_a_dataset_has_name_and_digest(rest: Rest, run_id: str, model_id: str, given: str) -> None:
    rest.post("runs/log-metric", point(run_id, model_id, **{given: "x"})).invalid("dataset_")


def test_outputs_and_inputs_of_a_run(rest: Rest, run_id: str, model_id: str) -> None:
    assert rest.post("runs/outputs", {"run_id": run_id, "models": [{"model_id": model_id, "step": 3}]}).ok() == {}
    assert rest.post("runs/log-inputs", {"run_id": run_id, "models": [{"model_id": model_id}]}).ok() == {}
    run = rest.get("runs/get", {"run_id": run_id}).ok()["run"]
    assert run["outputs"] == {"model_outputs": [{"model_id": model_id, "step": 3}]}
    assert run["inputs"] == {"model_inputs": [{"model_id": model_id}]}


def test_outputs_errors(rest: Rest, run_id: str, model_id: str) -> None:
    message = rest.post("runs/outputs", {"run_id": run_id}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Missing value for required parameter 'models'." in message
    body = {"run_id": "none", "models": [{"model_id": model_id, "step": 3}]}
    message = rest.post("runs/outputs", body).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert "Run with id=none not found" in message
