"""Batches: what they may hold, and that a refused batch writes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest, bad_name, bad_path, wrong_type
from tests.mlflow.tracking.conftest import Runs


def metrics(count: int) -> list[dict[str, Any]]:
    return [{"key": f"m{i}", "value": i, "timestamp": 1} for i in range(count)]


def pairs(count: int) -> list[dict[str, str]]:
    return [{"key": f"k{i}", "value": str(i)} for i in range(count)]


def missing_in(path: str) -> str:
    return f"for required parameter '{path}'"


def too_many(limit: int, kind: str, count: int) -> str:
    return (
        f"A batch logging request can contain at most {limit} {kind}. Got {count} {kind}. "
        f"Please split up {kind} across multiple requests and try again."
    )


def test_everything_at_once(rest: Rest, runs: Runs, run: str) -> None:
    body = {
        "run_id": run,
        "metrics": [
            {"key": "a", "value": 1, "timestamp": 1, "step": 1},
            {"key": "a", "value": 1, "timestamp": 1, "step": 1},
            {"key": "a", "value": "NaN", "timestamp": 1},
            {"key": "b", "value": "Infinity", "timestamp": "2", "step": "3"},
        ],
        "params": [{"key": "p", "value": "1"}, {"key": "q"}],
        "tags": [{"key": "t", "value": "1"}, {"key": "t", "value": "2"}, {"key": "u"}],
    }
    for _ in range(2):
        assert rest.post("runs/log-batch", body).ok() == {}
    assert runs.data(run, "metrics") == {
        "a": {"value": 1.0, "timestamp": 1, "step": 1},
        "b": {"value": 1.7976931348623157e308, "timestamp": 2, "step": 3},
    }
    assert runs.data(run, "params") == {"p": "1", "q": ""}
    assert runs.data(run, "tags") == {"mlflow.runName": "a run", "t": "2", "u": ""}
    history = rest.get("metrics/get-history", {"run_id": run, "metric_key": "a"}).ok()["metrics"]
    assert [point["value"] for point in history] == ["NaN", 1.0]


def test_empty(rest: Rest, runs: Runs, run: str) -> None:
    before = runs.get(run)
    assert rest.post("runs/log-batch", {"run_id": run}).ok() == {}
    assert rest.post("runs/log-batch", {"run_id": run, "metrics": [], "params": [], "tags": []}).ok() == {}
    assert runs.get(run) == before


@differs("the original answers 500")
@pytest.mark.parametrize("kind", ["metrics", "params", "tags"])
def test_null_is_an_empty_list(rest: Rest, run: str, kind: str) -> None:
    assert rest.post("runs/log-batch", {"run_id": run, kind: None}).ok() == {}


def test_limits_are_inclusive(rest: Rest, runs: Runs, run: str) -> None:
    rest.post("runs/log-batch", {"run_id": run, "metrics": metrics(1000)}).ok()
    rest.post("runs/log-batch", {"run_id": run, "metrics": metrics(800), "params": pairs(100), "tags": pairs(100)}).ok()
    data = runs.get(run)["data"]
    assert [len(data[kind]) for kind in ("metrics", "params", "tags")] == [1000, 100, 101]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"metrics": metrics(1001)}, too_many(1000, "metrics", 1001)),
        ({"params": pairs(101)}, too_many(100, "params", 101)),
        ({"tags": pairs(101)}, too_many(100, "tags", 101)),
        ({"metrics": metrics(950), "params": pairs(50)}, too_many(1000, "metrics, params, and tags", 1001)),
        (
            {"params": [{"key": "d", "value": "1"}, {"key": "d", "value": "1"}]},
            "Duplicate parameter keys have been submitted: ['d']. Please ensure the request contains only one param "
            "value per param key.",
        ),
        ({"metrics": "x"}, wrong_type("metrics", '"x"')),
        ({"metrics": {"key": "x"}}, wrong_type("metrics", '{"key":"x"}')),
        ({"metrics": [{"value": 1, "timestamp": 1}]}, missing_in("metrics[0].key")),
        ({"metrics": [*metrics(1), {"key": "x", "timestamp": 1}]}, missing_in("metrics[1].value")),
        ({"metrics": [{"key": "x", "value": 1}]}, missing_in("metrics[0].timestamp")),
        ({"params": [{"value": "x"}]}, "'params[0].key'"),
        ({"params": [{"key": "", "value": "x"}]}, "'params[0].key'"),
        ({"tags": [{"value": "x"}]}, "'tags[0].key'"),
        ({"metrics": [*metrics(1), {"key": "a!", "value": 1, "timestamp": 1}]}, bad_name('"a!"', "metrics[1].name")),
        ({"metrics": [{"key": "a//b", "value": 1, "timestamp": 1}]}, bad_path('"a//b"', "metrics[0].name", "a/b")),
        ({"params": [{"key": "a?"}]}, bad_name('"a?"', "params[0].key")),
        ({"tags": [*pairs(1), {"key": "a\\b"}]}, bad_name('"a\\\\b"', "tags[1].key")),
        (
            {"metrics": [{"key": "k" * 251, "value": 1, "timestamp": 1}]},
            "'Metric name' exceeds the maximum length of 250 characters",
        ),
        ({"params": [{"key": "k" * 251}]}, "'Param key' exceeds the maximum length of 250 characters"),
        ({"tags": [{"key": "k" * 251}]}, "'tags[0].key' exceeds the maximum length of 250 characters"),
        (
            {"metrics": [{"key": "x", "value": 1, "timestamp": -1}]},
            "Invalid value -1 for parameter 'metrics[0].timestamp' supplied: metric 'x' (value=1.0). Timestamp must be "
            "a nonnegative long (64-bit integer) ",
        ),
    ],
)
def test_refused(rest: Rest, runs: Runs, run: str, body: dict[str, Any], message: str) -> None:
    good = {"params": [{"key": "good", "value": "1"}], "tags": [{"key": "good", "value": "1"}]}
    before = runs.get(run)
    rest.post("runs/log-batch", {"run_id": run, **good, **body}).invalid(message)
    assert runs.get(run) == before


@differs("the original takes what it understood before the error and drops the rest")
@pytest.mark.parametrize(
    "body",
    [
        {"metrics": [*metrics(1), {"key": "x", "value": "abc", "timestamp": 1}]},
        {"metrics": [*metrics(1), {"key": "x", "value": [1], "timestamp": 1}]},
        {"metrics": [*metrics(1), {"key": "x", "value": 1, "timestamp": 1.5}]},
        {"metrics": [*metrics(1), {"key": 5, "value": 1, "timestamp": 1}]},
        {"metrics": [*metrics(1), "x"]},
        {"params": [*pairs(1), {"key": "k", "value": 5}]},
        {"tags": [*pairs(1), {"key": "k", "value": {}}]},
    ],
)
def test_wrong_types_inside_lists(rest: Rest, runs: Runs, run: str, body: dict[str, Any]) -> None:
    before = runs.get(run)
    rest.post("runs/log-batch", {"run_id": run, **body}).invalid()
    assert runs.get(run) == before


def test_long_values_are_cut(rest: Rest, runs: Runs, run: str) -> None:
    body = {"params": [{"key": "p", "value": "x" * 6001}], "tags": [{"key": "t", "value": "x" * 8001}]}
    for _ in range(2):
        rest.post("runs/log-batch", {"run_id": run, **body}).ok()
    assert runs.data(run, "params") == {"p": "x" * 6000}
    assert runs.data(run, "tags")["t"] == "x" * 8000


def test_changed_param_writes_nothing(rest: Rest, runs: Runs, run: str) -> None:
    rest.post(
        "runs/log-batch", {"run_id": run, "params": [{"key": "p", "value": "1"}, {"key": "q", "value": "1"}]}
    ).ok()
    before = runs.get(run)
    params = [{"key": "new", "value": "1"}, {"key": "q", "value": "1"}, {"key": "p", "value": "9"}]
    body = {"run_id": run, "params": params, "metrics": metrics(1), "tags": pairs(1)}
    message = rest.post("runs/log-batch", body).invalid("Changing param values is not allowed.")
    assert [part for part in ("'p'", "'1'", "'9'") if part not in message] == []
    assert runs.get(run) == before


def test_under_a_megabyte(rest: Rest, runs: Runs, run: str) -> None:
    body = {"run_id": run, "tags": [{"key": f"t{i}", "value": "x" * 9700} for i in range(100)]}
    assert 950_000 < len(json.dumps(body)) < 1_000_000
    rest.post("runs/log-batch", body).ok()
    assert len(runs.get(run)["data"]["tags"]) == 101


@differs("the original counts the fields of the body instead of its bytes")
def test_over_a_megabyte(rest: Rest, runs: Runs, run: str) -> None:
    before = runs.get(run)
    body = {"run_id": run, "tags": [{"key": f"t{i}", "value": "x" * 11000} for i in range(100)]}
    rest.post("runs/log-batch", body).invalid("1000000 bytes")
    assert runs.get(run) == before
