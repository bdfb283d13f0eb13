"""Metrics one by one: values, steps, times, duplicates, the latest, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest, bad_name, bad_path, missing, wrong_type
from tests.mlflow.tracking.conftest import Runs

LARGEST = 1.7976931348623157e308
JSON = {"content-type": "application/json"}


def test_body(rest: Rest, runs: Runs, run: str) -> None:
    body = {"run_id": run, "key": "m", "value": 1.5, "timestamp": 1700000000000, "step": 2}
    assert rest.post("runs/log-metric", body).ok() == {}
    point = {"key": "m", "value": 1.5, "timestamp": 1700000000000, "step": 2}
    assert runs.get(run)["data"]["metrics"] == [point]
    assert rest.get("metrics/get-history", {"run_id": run, "metric_key": "m"}).ok() == {"metrics": [point]}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (3, 3.0),
        ("1.5", 1.5),
        ("NaN", "NaN"),
        ("Infinity", LARGEST),
        ("-Infinity", -LARGEST),
        (1e-320, 1e-320),
        (-2.5e-7, -2.5e-7),
        (0.1 + 0.2, 0.1 + 0.2),
        (1e22, 1e22),
        (2**53 + 1, float(2**53 + 1)),
        (LARGEST, LARGEST),
    ],
)
def test_values(rest: Rest, runs: Runs, run: str, given: Any, kept: Any) -> None:
    runs.log(run, (given, 5, 0))
    assert runs.data(run, "metrics") == {"m": {"value": kept, "timestamp": 5, "step": 0}}
    history = rest.get("metrics/get-history", {"run_id": run, "metric_key": "m"}).ok()
    assert [point["value"] for point in history["metrics"]] == [kept]


def test_whole_values_are_written_as_floats(rest: Rest, runs: Runs, run: str) -> None:
    runs.log(run, (3, 5, 0))
    assert "3.0" in rest.get("runs/get", {"run_id": run}).text


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("step", "7", 7),
        ("step", -3, -3),
        ("step", 2**63 - 1, 2**63 - 1),
        ("step", None, 0),
        ("step", 4.0, 4),
        ("timestamp", "5", 5),
        ("timestamp", 0, 0),
        ("timestamp", 2**53, 2**53),
    ],
)
def test_steps_and_times(rest: Rest, runs: Runs, run: str, field: str, given: Any, kept: int) -> None:
    body = {"run_id": run, "key": "m", "value": 1, "timestamp": 1, field: given}
    assert rest.post("runs/log-metric", body).ok() == {}
    assert runs.data(run, "metrics")["m"][field] == kept


@pytest.mark.parametrize(
    "key", ["é 1:a-b_c/d.e", "a/b/c", "system/cpu_utilization_percentage", "日本", "a..b", "k" * 250]
)
def test_keys(runs: Runs, run: str, key: str) -> None:
    runs.log(run, (1, 1, 0), key=key)
    assert set(runs.data(run, "metrics")) == {key}


def test_keys_differ_by_case(runs: Runs, run: str) -> None:
    runs.log(run, (1, 1, 0), key="Loss")
    runs.log(run, (2, 1, 0), key="loss")
    assert {key: metric["value"] for key, metric in runs.data(run, "metrics").items()} == {"Loss": 1.0, "loss": 2.0}


NEGATIVE = "metric 'm' (value=1.0). Timestamp must be a nonnegative long (64-bit integer) "


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"value": None}, missing("value")),
        ({"value": ""}, missing("value")),
        ({"value": "abc"}, wrong_type("value", '"abc"')),
        ({"timestamp": None}, missing("timestamp")),
        ({"timestamp": "x"}, wrong_type("timestamp", '"x"')),
        ({"timestamp": -1}, f"Invalid value -1 for parameter 'timestamp' supplied: {NEGATIVE}"),
        ({"step": "x"}, wrong_type("step", '"x"')),
        ({"key": None}, missing("key")),
        ({"key": ""}, missing("key")),
        ({"key": 5}, wrong_type("key", "5")),
        ({"key": "a" * 251}, "'Metric name' exceeds the maximum length of 250 characters"),
        ({"key": "a!b"}, bad_name('"a!b"', "name")),
        ({"key": "a\\b"}, bad_name('"a\\\\b"', "name")),
        ({"key": "a\nb"}, bad_name('"a\\nb"', "name")),
        ({"key": "..a"}, bad_path('"..a"', "name", "..a")),
        ({"key": "a//b"}, bad_path('"a//b"', "name", "a/b")),
        ({"key": "a/"}, bad_path('"a/"', "name", "a")),
        ({"key": "../b"}, bad_path('"../b"', "name", "../b")),
        ({"key": "/b"}, bad_path('"/b"', "name", "/b")),
        ({"key": "."}, bad_path('"."', "name", ".")),
        ({"key": ".."}, bad_path('".."', "name", "..")),
        ({"run_id": None}, missing("run_id")),
    ],
)
def test_refused(rest: Rest, runs: Runs, run: str, fields: dict[str, Any], message: str) -> None:
    body = {"run_id": run, "key": "m", "value": 1, "timestamp": 1, **fields}
    rest.post("runs/log-metric", body).invalid(message)
    assert "metrics" not in runs.get(run)["data"]


@differs("the original keeps what it understood before the error: a value of 0 at time 0")
@pytest.mark.parametrize(
    "fields",
    [
        '"timestamp": 1.5',
        '"step": 9223372036854775808',
        '"timestamp": 1e300',
        '"value": []',
    ],
)
def test_wrong_types_store_nothing(rest: Rest, runs: Runs, run: str, fields: str) -> None:
    given = {"run_id": f'"{run}"', "key": '"m"', "value": "1", "timestamp": "1"}
    given.pop(fields.split('"')[1], None)
    content = "{" + ", ".join([f'"{key}": {text}' for key, text in given.items()] + [fields]) + "}"
    rest.send("POST", "runs/log-metric", content=content, headers=JSON).invalid()
    assert "metrics" not in runs.get(run)["data"]


@differs("the original stores a value of 0 at time 0")
@pytest.mark.parametrize(("literal", "kept"), [("NaN", "NaN"), ("Infinity", LARGEST), ("-Infinity", -LARGEST)])
def test_bare_literals_are_kept_or_refused(rest: Rest, runs: Runs, run: str, literal: str, kept: Any) -> None:
    content = f'{{"run_id": "{run}", "key": "m", "value": {literal}, "timestamp": 5}}'
    answer = rest.send("POST", "runs/log-metric", content=content, headers=JSON)
    expected = {"m": {"value": kept, "timestamp": 5, "step": 0}} if answer.status == 200 else {}
    assert answer.status in (200, 400)
    assert runs.data(run, "metrics") == expected


def test_logged_twice_is_kept_once(rest: Rest, runs: Runs, run: str) -> None:
    runs.log(run, (1, 1, 0), (1, 1, 0), ("NaN", 1, 0), ("NaN", 1, 0), (2, 1, 0), (1, 1, 1), (1, 2, 0))
    history = rest.get("metrics/get-history", {"run_id": run, "metric_key": "m"}).ok()["metrics"]
    points = sorted((str(point["value"]), point["timestamp"], point["step"]) for point in history)
    assert points == [("1.0", 1, 0), ("1.0", 1, 1), ("1.0", 2, 0), ("2.0", 1, 0), ("NaN", 1, 0)]


@pytest.mark.parametrize("in_one_batch", [False, True])
@pytest.mark.parametrize(
    ("points", "latest"),
    [
        ([(5, 5, 0), (1, 6, 0), (9, 9, -1)], (1.0, 6, 0)),
        ([(5, 5, 1), (7, 5, 1), (6, 5, 1)], (7.0, 5, 1)),
        ([(1, 9, 3), (2, 8, 4), (3, 99, 2)], (2.0, 8, 4)),
        ([(1, 5, 0), ("NaN", 5, 0)], (1.0, 5, 0)),
        ([(-1, 5, 0), ("NaN", 5, 0)], ("NaN", 5, 0)),
        ([("NaN", 5, 0), (-1, 5, 0)], ("NaN", 5, 0)),
        ([("NaN", 5, 0), (2, 6, 0)], (2.0, 6, 0)),
        ([(2, 5, 0), ("NaN", 6, 0)], ("NaN", 6, 0)),
        ([("Infinity", 5, 0), (5, 5, 0), ("-Infinity", 5, 0)], (LARGEST, 5, 0)),
        ([(2, 6, 0), (1, 5, 0), (2, 6, 0)], (2.0, 6, 0)),
    ],
)
def test_latest(
    rest: Rest,
    runs: Runs,
    run: str,
    points: list[tuple[Any, int, int]],
    latest: tuple[Any, int, int],
    in_one_batch: bool,
) -> None:
    if in_one_batch:
        metrics = [{"key": "m", "value": v, "timestamp": t, "step": s} for v, t, s in points]
        rest.post("runs/log-batch", {"run_id": run, "metrics": metrics}).ok()
    else:
        runs.log(run, *points)
    value, timestamp, step = latest
    assert runs.data(run, "metrics") == {"m": {"value": value, "timestamp": timestamp, "step": step}}


def test_metric_of_an_unknown_model(rest: Rest, run: str) -> None:
    body = {"run_id": run, "key": "m", "value": 1, "timestamp": 1, "model_id": "m-none"}
    assert 400 <= rest.post("runs/log-metric", body).status < 500
