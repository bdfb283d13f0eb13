"""The history of metrics: order, pages, many runs at once, and thinning."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest, missing, wrong_type
from tests.mlflow.tracking.conftest import Runs

LARGEST = 1.7976931348623157e308
BULK = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
INTERVAL = "metrics/get-history-bulk-interval"
POINTS = [
    (3, 10, 0),
    (1, 10, 0),
    (2, 5, 1),
    (-1, 10, 0),
    ("NaN", 10, 0),
    (5, 20, 0),
    ("Infinity", 30, 0),
    ("-Infinity", 30, 0),
]


@pytest.fixture
def logged(runs: Runs, run: str) -> str:
    """Return a run with POINTS logged in that order."""
    runs.log(run, *POINTS)
    return run


def line(rest: Rest, runs: Runs, length: int) -> str:
    """Return a run whose metric m has the square of each step, at steps 0, 1, … up to `length`."""
    run_id = runs.create()
    metrics = [{"key": "m", "value": step * step, "timestamp": 1000 - step, "step": step} for step in range(length)]
    rest.post("runs/log-batch", {"run_id": run_id, "metrics": metrics}).ok()
    return run_id


def test_order_is_by_time_then_step_then_value(rest: Rest, logged: str) -> None:
    history = rest.get("metrics/get-history", {"run_id": logged, "metric_key": "m"}).ok()
    assert set(history) == {"metrics"}
    assert [(point["value"], point["timestamp"], point["step"]) for point in history["metrics"]] == [
        (2.0, 5, 1),
        (-1.0, 10, 0),
        ("NaN", 10, 0),
        (1.0, 10, 0),
        (3.0, 10, 0),
        (5.0, 20, 0),
        (-LARGEST, 30, 0),
        (LARGEST, 30, 0),
    ]


def test_pages(rest: Rest, logged: str) -> None:
    query: dict[str, Any] = {"run_id": logged, "metric_key": "m", "max_results": 2}
    whole = rest.get("metrics/get-history", {**query, "max_results": 8}).ok()
    assert "next_page_token" not in whole
    pages = [rest.get("metrics/get-history", query).ok()]
    while token := pages[-1].get("next_page_token"):
        pages.append(rest.get("metrics/get-history", {**query, "page_token": token}).ok())
    assert [len(page["metrics"]) for page in pages] == [2, 2, 2, 2]
    assert [point for page in pages for point in page["metrics"]] == whole["metrics"]
    second = {"run_id": logged, "metric_key": "m", "page_token": pages[0]["next_page_token"]}
    assert rest.get("metrics/get-history", second).ok() == {"metrics": whole["metrics"][2:]}


@differs("the original counts: its pages shift when an earlier point arrives")
def test_points_that_arrive_between_pages(rest: Rest, runs: Runs, logged: str) -> None:
    query: dict[str, Any] = {"run_id": logged, "metric_key": "m", "max_results": 2}
    first = rest.get("metrics/get-history", query).ok()
    runs.log(logged, (7, 1, 0), (8, 15, 0))
    second = rest.get("metrics/get-history", {**query, "page_token": first["next_page_token"], "max_results": 4}).ok()
    assert [point["value"] for point in second["metrics"]] == ["NaN", 1.0, 3.0, 8.0]


def test_unknown_is_empty(rest: Rest, logged: str) -> None:
    assert rest.get("metrics/get-history", {"run_id": logged, "metric_key": "none"}).ok() == {}
    assert rest.get("metrics/get-history", {"run_id": "nope", "metric_key": "m"}).ok() == {}


def test_refused(rest: Rest, logged: str) -> None:
    rest.get("metrics/get-history", {"run_id": logged}).invalid(missing("metric_key"))
    rest.get("metrics/get-history", {"metric_key": "m"}).invalid(missing("run_id"))
    for count in (0, -1):
        message = f"Invalid value {count} for parameter 'max_results' supplied"
        query = {"run_id": logged, "metric_key": "m", "max_results": count}
        rest.get("metrics/get-history", query).invalid(message)


@differs("the original answers 500")
@pytest.mark.parametrize(
    "token", ["é", "W10=", "WzEsMiwzXQ==", "WzEsMiwzLDRd", "WzkyMjMzNzIwMzY4NTQ3NzU4MDgsMCwwLGZhbHNlXQ=="]
)
def test_page_tokens_of_another_kind_refused(rest: Rest, logged: str, token: str) -> None:
    rest.get("metrics/get-history", {"run_id": logged, "metric_key": "m", "page_token": token}).invalid("page token")


@pytest.mark.parametrize("token", ["garbage", "bm90IGpzb24=", "e30=", "eyJvZmZzZXQiOiAiYSJ9"])
def test_page_tokens_refused(rest: Rest, logged: str, token: str) -> None:
    rest.get("metrics/get-history", {"run_id": logged, "metric_key": "m", "page_token": token}).invalid("page token")


class TestBulk:
    def test_body(self, rest: Rest, logged: str) -> None:
        answer = rest.get(BULK, {"run_id": [logged, "nope"], "metric_key": "m"}).ok()
        assert set(answer) == {"metrics"}
        assert answer["metrics"][0] == {"key": "m", "run_id": logged, "step": 1, "timestamp": 5, "value": 2.0}
        values = [float(point["value"]) for point in answer["metrics"]]
        assert values[:2] == [2.0, -1.0]
        assert values[2] != values[2]
        assert values[3:] == [1.0, 3.0, 5.0, -LARGEST, LARGEST]

    @differs("the original writes the bare literal NaN, which is no JSON")
    def test_nan_is_json(self, rest: Rest, logged: str) -> None:
        answer = rest.get(BULK, {"run_id": logged, "metric_key": "m"}).ok()
        assert answer["metrics"][2]["value"] == "NaN"

    def test_runs_come_in_the_order_of_their_ids(self, rest: Rest, runs: Runs) -> None:
        ids = [line(rest, runs, 3) for _ in range(3)]
        answer = rest.get(BULK, {"run_id": ids, "metric_key": "m"}).ok()["metrics"]
        assert [point["run_id"] for point in answer] == [run_id for run_id in sorted(ids) for _ in range(3)]
        assert [point["step"] for point in answer] == [2, 1, 0] * 3
        answer = rest.get(BULK, {"run_id": ids, "metric_key": "m", "max_results": 4}).ok()["metrics"]
        assert [point["run_id"] for point in answer] == [*[min(ids)] * 3, sorted(ids)[1]]

    def test_nothing_found(self, rest: Rest, logged: str) -> None:
        assert rest.get(BULK, {"run_id": logged, "metric_key": "none"}).ok() == {"metrics": []}
        assert rest.get(BULK, {"run_id": "nope", "metric_key": "m"}).ok() == {"metrics": []}

    def test_refused(self, rest: Rest, logged: str) -> None:
        answer = rest.get(BULK, {"metric_key": "m"})
        answer.invalid("GetMetricHistoryBulk request must specify at least one run_id.")
        answer = rest.get(BULK, {"run_id": logged})
        answer.invalid("GetMetricHistoryBulk request must specify a metric_key.")
        answer = rest.get(BULK, {"run_id": [f"r{i}" for i in range(101)], "metric_key": "m"})
        message = "GetMetricHistoryBulk request cannot specify more than 100 run_ids. Received 101 run_ids."
        answer.invalid(message)

    @differs("the original answers 500")
    def test_max_results_that_is_no_number(self, rest: Rest, logged: str) -> None:
        rest.get(BULK, {"run_id": logged, "metric_key": "m", "max_results": "x"}).invalid()


class TestInterval:
    def steps(self, rest: Rest, run_ids: list[str], **query: Any) -> list[int]:
        answer = rest.get(INTERVAL, {"run_ids": run_ids, "metric_key": "m", **query}).ok()
        return [point["step"] for point in answer["metrics"]]

    @pytest.mark.parametrize("prefix", ["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"])
    def test_order_is_by_step_then_time_then_value(self, rest: Rest, logged: str, prefix: str) -> None:
        answer = rest.get(f"{prefix}/{INTERVAL}", {"run_ids": [logged], "metric_key": "m"}).ok()
        assert answer["metrics"][0] == {"key": "m", "value": -1.0, "timestamp": 10, "step": 0, "run_id": logged}
        values = [point["value"] for point in answer["metrics"]]
        assert values == [-1.0, "NaN", 1.0, 3.0, 5.0, -LARGEST, LARGEST, 2.0]

    @pytest.mark.parametrize(
        ("count", "steps"),
        [
            (1, [19]),
            (2, [0, 19]),
            (3, [0, 7, 19]),
            (4, [0, 5, 10, 19]),
            (7, [0, 3, 6, 9, 12, 15, 19]),
            (19, [0, *range(2, 20)]),
            (20, list(range(20))),
            (21, list(range(20))),
            (2500, list(range(20))),
        ],
    )
    def test_thinning(self, rest: Rest, runs: Runs, count: int, steps: list[int]) -> None:
        assert self.steps(rest, [line(rest, runs, 20)], max_results=count) == steps

    def test_as_many_as_can_be_asked_for_unless_told(self, rest: Rest, runs: Runs) -> None:
        run_id = line(rest, runs, 400)
        assert self.steps(rest, [run_id]) == list(range(400))
        assert self.steps(rest, [run_id, run_id], max_results=2) == [0, 399] * 2

    def test_each_run_is_thinned_for_itself_in_the_order_asked(self, rest: Rest, runs: Runs) -> None:
        ids = [line(rest, runs, 20), line(rest, runs, 5)]
        for order in (ids, ids[::-1]):
            answer = rest.get(INTERVAL, {"run_ids": order, "metric_key": "m", "max_results": 2}).ok()["metrics"]
            assert [point["run_id"] for point in answer] == [order[0], order[0], order[1], order[1]]

    def test_range_of_steps(self, rest: Rest, runs: Runs) -> None:
        run_id = line(rest, runs, 20)
        assert self.steps(rest, [run_id], start_step=5, end_step=7) == [5, 6, 7]
        assert self.steps(rest, [run_id], start_step=5, end_step=5) == [5]
        assert self.steps(rest, [run_id], start_step=-5, end_step=100, max_results=2) == [0, 19]

    def test_nothing_found(self, rest: Rest, logged: str) -> None:
        assert rest.get(INTERVAL, {"run_ids": ["nope"], "metric_key": "m"}).ok() == {}
        assert rest.get(INTERVAL, {"run_ids": [logged], "metric_key": "none"}).ok() == {}

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"run_ids": None}, missing("run_ids")),
            ({"metric_key": None}, missing("metric_key")),
            ({"start_step": 1}, "If either start step or end step are specified, both must be specified."),
            ({"end_step": 1}, "If either start step or end step are specified, both must be specified."),
            (
                {"start_step": 2, "end_step": 1},
                "end_step must be greater than start_step. Found start_step=2 and end_step=1.",
            ),
            ({"start_step": "x", "end_step": 1}, wrong_type("start_step", '"x"')),
            ({"max_results": 0}, "max_results must be between 1 and 2500."),
            ({"max_results": 2501}, "max_results must be between 1 and 2500."),
            (
                {"run_ids": [f"r{i}" for i in range(101)]},
                "GetMetricHistoryBulkInterval request must specify at most 100 run_ids. Received 101 run_ids.",
            ),
        ],
    )
    def test_refused(self, rest: Rest, logged: str, fields: dict[str, Any], message: str) -> None:
        query = {"run_ids": [logged], "metric_key": "m", **fields}
        answer = rest.get(INTERVAL, {key: value for key, value in query.items() if value is not None})
        answer.invalid(message)
