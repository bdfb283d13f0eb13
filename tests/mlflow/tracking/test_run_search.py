"""Search of runs: order with ties, gaps and NaN, filters, view types and pages."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Reply, Rest, wrong_type
from tests.mlflow.tracking.conftest import OFFSET_3, Runs

T = 1_700_000_000_000
# name: start, metric m, param p, tag t
RUNS: dict[str, tuple[int, Any, str | None, str | None]] = {
    "r0": (T + 1, 1.0, "a", "x"),
    "r1": (T + 2, "NaN", "b", None),
    "r2": (T + 3, 2.0, None, "y"),
    "r3": (T + 4, None, "A", "X"),
    "r4": (T + 5, 2.0, "a", "x"),
    "r5": (T + 6, "Infinity", "c", "z"),
    "r6": (T + 7, "-Infinity", "10", None),
}


class Seven:
    """The seven runs of RUNS in one experiment."""

    def __init__(self, rest: Rest, experiment: str) -> None:
        self.rest = rest
        self.runs = Runs(rest, experiment)
        self.ids: dict[str, str] = {}
        for name, (start, metric, param, tag) in RUNS.items():
            run_id = self.ids[name] = self.runs.create(name, start_time=start)
            body = {
                "run_id": run_id,
                "metrics": [] if metric is None else [{"key": "m", "value": metric, "timestamp": 1}],
                "params": [] if param is None else [{"key": "p", "value": param}],
                "tags": [] if tag is None else [{"key": "t", "value": tag}],
            }
            rest.post("runs/log-batch", body).ok()
        for name in ("r0", "r1"):
            rest.post("runs/update", {"run_id": self.ids[name], "status": "FINISHED", "end_time": T + 50}).ok()

    def search(self, **query: Any) -> Reply:
        return self.rest.post("runs/search", {"experiment_ids": [self.runs.experiment]} | query)

    def names(self, **query: Any) -> str:
        return " ".join(self.runs.names(**query))


@pytest.fixture(scope="module")
def seven(rest: Rest) -> Seven:
    return Seven(rest, rest.post("experiments/create", {"name": f"seven-{uuid4().hex}"}).ok()["experiment_id"])


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ([], "r6 r5 r4 r3 r2 r1 r0"),
        (["metrics.m"], "r6 r0 r4 r2 r5 r1 r3"),
        (["metrics.m ASC"], "r6 r0 r4 r2 r5 r1 r3"),
        (["metrics.m DESC"], "r5 r4 r2 r0 r6 r1 r3"),
        (["metric.m desc"], "r5 r4 r2 r0 r6 r1 r3"),
        (["metrics.`m`"], "r6 r0 r4 r2 r5 r1 r3"),
        (['metrics."m" DESC'], "r5 r4 r2 r0 r6 r1 r3"),
        (["metrics.none"], "r6 r5 r4 r3 r2 r1 r0"),
        (["params.p"], "r6 r3 r4 r0 r1 r5 r2"),
        (["params.p DESC"], "r5 r1 r4 r0 r3 r6 r2"),
        (["parameters.p DESC"], "r5 r1 r4 r0 r3 r6 r2"),
        (["tags.t"], "r3 r4 r0 r2 r5 r6 r1"),
        (["tag.t DESC"], "r5 r2 r4 r0 r3 r6 r1"),
        (["start_time"], "r0 r1 r2 r3 r4 r5 r6"),
        (["attributes.start_time ASC"], "r0 r1 r2 r3 r4 r5 r6"),
        (["created DESC"], "r6 r5 r4 r3 r2 r1 r0"),
        (["end_time"], "r1 r0 r6 r5 r4 r3 r2"),
        (["end_time DESC", "start_time ASC"], "r0 r1 r2 r3 r4 r5 r6"),
        (["status"], "r1 r0 r6 r5 r4 r3 r2"),
        (["run_name DESC"], "r6 r5 r4 r3 r2 r1 r0"),
        (["attribute.run_name"], "r0 r1 r2 r3 r4 r5 r6"),
        (["run.run_name"], "r0 r1 r2 r3 r4 r5 r6"),
        (["user_id"], "r6 r5 r4 r3 r2 r1 r0"),
        (["params.p", "start_time ASC"], "r6 r3 r0 r4 r1 r5 r2"),
        (["metrics.m DESC", "params.p", "tags.t"], "r5 r4 r2 r0 r6 r1 r3"),
        (["tags.`mlflow.runName` DESC"], "r6 r5 r4 r3 r2 r1 r0"),
    ],
)
def test_order(seven: Seven, order_by: list[str], expected: str) -> None:
    assert seven.names(order_by=order_by) == expected


def test_order_by_id(seven: Seven) -> None:
    by_id = sorted(seven.ids, key=lambda name: seven.ids[name])
    assert seven.names(order_by=["run_id"]) == " ".join(by_id)
    assert seven.names(order_by=["artifact_uri DESC"]) == " ".join(reversed(by_id))


def test_ties_end_by_start_and_then_by_id(runs: Runs) -> None:
    ids = [runs.create(f"t{i}", start_time=5) for i in range(5)]
    expected = [f"t{ids.index(run_id)}" for run_id in sorted(ids)]
    assert runs.names() == expected
    assert runs.names(order_by=["start_time"]) == expected
    assert runs.names(order_by=["metrics.none DESC"]) == expected


@pytest.mark.parametrize(
    ("order_by", "offender"),
    [
        ("metrics.m DOWN", "DOWN"),
        ("metrics.m, params.p", "metrics.m, params.p"),
        ("", "''"),
        ("foo", "foo"),
        ("experiment_id", "experiment_id"),
        ("`run name`", "run name"),
        ("dataset.name", "dataset"),
        ("params.p ASC DESC", "params.p"),
    ],
)
def test_order_refused(seven: Seven, order_by: str, offender: str) -> None:
    seven.search(order_by=[order_by]).invalid(offender)


@differs("the original answers 500")
def test_order_by_the_same_key_twice(seven: Seven) -> None:
    seven.search(order_by=["metrics.m", "metrics.m"]).invalid("duplicate")


@pytest.mark.parametrize(
    ("filter_string", "expected"),
    [
        ("", "r6 r5 r4 r3 r2 r1 r0"),
        ("metrics.m = 2", "r4 r2"),
        ("metric.m=2.0", "r4 r2"),
        ("metrics.m != 2", "r6 r5 r1 r0"),
        ("metrics.m > 1", "r5 r4 r2"),
        ("metrics.m >= 1e0", "r5 r4 r2 r0"),
        ("metrics.m < 0", "r6"),
        ("metrics.m > -0.5 AND metrics.m <= 2", "r4 r2 r0"),
        ("metrics.m = 1.7976931348623157e308", "r5"),
        ("metrics.none > 0", ""),
        ("params.p = 'a'", "r4 r0"),
        ('params.p = "a"', "r4 r0"),
        ("param.p='a'", "r4 r0"),
        ("parameter.p = 'a'", "r4 r0"),
        ("parameters.p = 'a'", "r4 r0"),
        ("params.p != 'a'", "r6 r5 r3 r1"),
        ("params.p LIKE 'A'", "r3"),
        ("params.p like 'a'", "r4 r0"),
        ("params.p ILIKE 'A'", "r4 r3 r0"),
        ("params.p LIKE '%'", "r6 r5 r4 r3 r1 r0"),
        ("params.p LIKE '_'", "r5 r4 r3 r1 r0"),
        ("params.p = ''", ""),
        ("params.p IS NULL", "r2"),
        ("params.p IS NOT NULL", "r6 r5 r4 r3 r1 r0"),
        ("params.p is not null and tags.t is null", "r6 r1"),
        ("tags.t = 'x' AND params.p='a' AND metrics.m > 1", "r4"),
        ("tags.t='x' and params.p='a'", "r4 r0"),
        ("tag.`t` = 'x'", "r4 r0"),
        ("tags.\"t\" = 'x'", "r4 r0"),
        ("tags.t ILIKE 'x'", "r4 r3 r0"),
        ("tags.t IS NULL", "r6 r1"),
        ("tags.t = 'x''y'", ""),
        ("tags.mlflow.runName = 'r1'", "r1"),
        ("tags.`mlflow.runName` LIKE 'r%' AND tags.`mlflow.runName` != 'r1'", "r6 r5 r4 r3 r2 r0"),
        ("run_name = 'r1'", "r1"),
        ("`run name` = 'r1'", "r1"),
        ("attributes.`Run Name` = 'r1'", "r1"),
        ("attribute.run_name LIKE 'r%'", "r6 r5 r4 r3 r2 r1 r0"),
        ("attr.run_name ILIKE 'R_'", "r6 r5 r4 r3 r2 r1 r0"),
        ("run.run_name != 'r1'", "r6 r5 r4 r3 r2 r0"),
        ("status = 'RUNNING'", "r6 r5 r4 r3 r2"),
        ("status != 'RUNNING'", "r1 r0"),
        ("status = 'NO_SUCH'", ""),
        (f"start_time > {T + 4}", "r6 r5 r4"),
        (f"attributes.start_time <= {T + 3}", "r2 r1 r0"),
        (f"created > {T + 6}", "r6"),
        ("end_time > 1", "r1 r0"),
        ("user_id = ''", "r6 r5 r4 r3 r2 r1 r0"),
        ("artifact_uri LIKE 'mlflow-artifacts:/%/artifacts'", "r6 r5 r4 r3 r2 r1 r0"),
        ("metrics.m = 2 AND", "r4 r2"),
    ],
)
def test_filters(seven: Seven, filter_string: str, expected: str) -> None:
    assert seven.names(filter=filter_string) == expected


def test_filter_by_id(seven: Seven) -> None:
    r0, r1 = seven.ids["r0"], seven.ids["r1"]
    assert seven.names(filter=f"run_id = '{r0}'") == "r0"
    assert seven.names(filter=f"attributes.run_id IN ('{r0}', '{r1}')") == "r1 r0"
    assert seven.names(filter=f"run_id NOT IN ('{r0}','{r1}')") == "r6 r5 r4 r3 r2"


@pytest.mark.parametrize(
    ("filter_string", "offender"),
    [
        ("metrics.m = 'x'", "'x'"),
        ("metrics.m > NaN", "NaN"),
        ("metrics.m == 2", "=="),
        ("metrics.m <> 2", "<>"),
        ("metrics.m = 0x1", "0x1"),
        ("params.p > '1'", ">"),
        ("params.p = 5", "5"),
        ("params.p IN ('a','b')", ""),
        ("params.p = a", "a"),
        ("params.p = `a`", "`a`"),
        ("status IN ('RUNNING')", ""),
        ("run_id IN ()", "empty"),
        ("run_id IN ('a',5)", "5"),
        ("start_time > 'x'", "'x'"),
        ("start_time > abc", "abc"),
        ("end_time IS NULL", "end_time"),
        ("experiment_id = '1'", "experiment_id"),
        ("lifecycle_stage = 'active'", "lifecycle_stage"),
        ("foo.bar = 'x'", "foo"),
        ("dataset.nope = 'x'", "nope"),
        ("dataset.name > 'A'", ">"),
        ("metrics.m", "metrics.m"),
        ("metrics.m =", "metrics.m"),
        ("= 2", "="),
        ("metrics.m = 2 OR metrics.m = 1", "OR"),
        ("NOT metrics.m = 2", "NOT"),
        ("(metrics.m = 2)", "("),
        ("metrics.m = 2;", ""),
        ("2 = metrics.m", "2"),
        ("params.p = 'a", "'a"),
        ("  ", ""),
    ],
)
def test_filters_refused(seven: Seven, filter_string: str, offender: str) -> None:
    seven.search(filter=filter_string).invalid(offender)


def names_of(answer: dict[str, Any]) -> str:
    return " ".join(run["info"]["run_name"] for run in answer.get("runs", []))


def test_pages(seven: Seven) -> None:
    first = seven.search(max_results=3).ok()
    assert names_of(first) == "r6 r5 r4"
    last = seven.search(max_results=4, page_token=first["next_page_token"]).ok()
    assert names_of(last) == "r3 r2 r1 r0"
    assert "next_page_token" not in last
    assert "next_page_token" not in seven.search(max_results=7).ok()
    assert seven.names(max_results=1, page_token="") == "r6"


@pytest.mark.parametrize("order", ["metrics.m", "metrics.m DESC", "params.p", "tags.t DESC", "end_time", "status"])
def test_a_page_begins_where_the_one_before_ended(seven: Seven, order: str) -> None:
    pages, token = [], None
    while token or not pages:
        answer = seven.search(max_results=2, order_by=[order], page_token=token or "").ok()
        pages.append(names_of(answer))
        token = answer.get("next_page_token")
    assert len(pages) == 4
    assert " ".join(pages) == seven.names(order_by=[order])


@differs("its tokens are a number of runs, counted anew for each page")
def test_a_page_stays_where_it_is_when_runs_are_added(runs: Runs) -> None:
    for start in (1, 2, 3):
        runs.create(f"r{start}", start_time=start)
    query = {"experiment_ids": [runs.experiment], "max_results": 1}
    first = runs.rest.post("runs/search", query).ok()
    runs.create("r4", start_time=4)
    assert runs.names(max_results=1, page_token=first["next_page_token"]) == ["r2"]


@differs("its tokens fit every search")
@pytest.mark.parametrize(
    "other",
    [
        {"filter": "metrics.m > 0"},
        {"order_by": ["start_time ASC"]},
        {"run_view_type": "ALL"},
        {"experiment_ids": ["0"]},
    ],
)
def test_a_page_token_is_of_one_search(seven: Seven, other: dict[str, Any]) -> None:
    token = seven.search(max_results=3).ok()["next_page_token"]
    seven.search(max_results=3, page_token=token, **other).invalid("another filter, order, view or other experiments")


@differs("its tokens are numbers of runs")
@pytest.mark.parametrize("token", [OFFSET_3, "xx", "e30=", "W10=", "WyIiXQ==", "bnVsbA=="])
def test_a_foreign_page_token_is_refused(seven: Seven, token: str) -> None:
    seven.search(page_token=token).invalid("Invalid page token")


def test_page_bounds(seven: Seven) -> None:
    for count in (0, -1):
        message = f"Invalid value {count} for parameter 'max_results' supplied"
        seven.search(max_results=count).invalid(message)
    seven.search(max_results=50001).invalid(wrong_type("max_results", "50001"))
    seven.search(max_results="x").invalid(wrong_type("max_results", '"x"'))
    assert seven.names(max_results=50000) == "r6 r5 r4 r3 r2 r1 r0"
    seven.search(page_token="xx").invalid("page token")


@differs("the original answers 500")
def test_null_page_size_is_the_default(seven: Seven) -> None:
    assert seven.names(max_results=None) == "r6 r5 r4 r3 r2 r1 r0"


@pytest.mark.parametrize(
    ("view_type", "expected"),
    [
        ("ACTIVE_ONLY", "kept"),
        ("DELETED_ONLY", "gone"),
        ("ALL", "gone kept"),
        (2, "gone"),
        ("3", "gone kept"),
        (None, "kept"),
    ],
)
def test_view_types(rest: Rest, runs: Runs, view_type: Any, expected: str) -> None:
    runs.create("kept")
    rest.post("runs/delete", {"run_id": runs.create("gone", start_time=2)}).ok()
    assert " ".join(runs.names(run_view_type=view_type)) == expected


@differs("the original takes an unknown name for the default without a word")
@pytest.mark.parametrize("view_type", ["NO_SUCH", "active_only"])
def test_unknown_view_type(runs: Runs, view_type: str) -> None:
    body = {"experiment_ids": [runs.experiment], "run_view_type": view_type}
    runs.rest.post("runs/search", body).invalid(view_type)


def test_experiments(rest: Rest, runs: Runs, unique: str) -> None:
    other = Runs(rest, rest.post("experiments/create", {"name": f"{unique}-2"}).ok()["experiment_id"])
    runs.create("first", start_time=1)
    other.create("second", start_time=2)
    assert runs.names(experiment_ids=[runs.experiment, other.experiment]) == ["second", "first"]
    assert runs.names(experiment_ids=[other.experiment, "99999999"]) == ["second"]
    assert rest.post("runs/search", {}).ok() == {}
    assert rest.post("runs/search", {"experiment_ids": []}).ok() == {}
    answer = rest.post("runs/search", {"experiment_ids": ["abc"]})
    answer.invalid("Invalid experiment ID 'abc'. Experiment ID must be a valid integer.")
    answer = rest.post("runs/search", {"experiment_ids": "0"})
    answer.invalid(wrong_type("experiment_ids", '"0"'))
