"""What every request shares: addresses, methods, content types, the forms of a body, and the shape of an error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest, missing

JSON = {"content-type": "application/json"}


def test_health_and_version_are_plain_text(rest: Rest) -> None:
    health = rest.get("/health")
    assert (health.status, health.text) == (200, "OK")
    version = rest.get("/version")
    assert (version.status, version.text) == (200, "3.17.2")


@differs("it says for clients and for its page alike whether it has workspaces")
@pytest.mark.parametrize(("prefix", "workspaces"), [("/api", True), ("/ajax-api", False)])
def test_server_info(rest: Rest, prefix: str, workspaces: bool) -> None:
    """The page of a server without accounts begins with its experiments, not with a list of projects."""
    answer = rest.get(f"{prefix}/3.0/mlflow/server-info").ok()
    assert answer["store_type"] == "SqlStore"
    assert answer["workspaces_enabled"] is workspaces
    assert answer["trace_archival_enabled"] is False
    assert set(answer) >= {"multipart_uploads_enabled", "multipart_downloads_enabled", "features_enabled"}


@pytest.mark.parametrize("prefix", ["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"])
def test_prefixes_answer_alike(rest: Rest, experiment: str, prefix: str) -> None:
    expected = rest.get("experiments/get", {"experiment_id": experiment}).ok()
    assert rest.get(f"{prefix}/experiments/get", {"experiment_id": experiment}).ok() == expected
    assert rest.post(f"{prefix}/runs/search", {"experiment_ids": [experiment]}).ok() == {}


@differs("3.17 no longer serves the prefix of 1.x")
@pytest.mark.parametrize("prefix", ["/api/2.0/preview/mlflow", "/ajax-api/2.0/preview/mlflow"])
def test_preview_prefix(rest: Rest, experiment: str, prefix: str) -> None:
    expected = rest.get("experiments/get", {"experiment_id": experiment}).ok()
    assert rest.get(f"{prefix}/experiments/get", {"experiment_id": experiment}).ok() == expected
    assert rest.post(f"{prefix}/runs/search", {"experiment_ids": [experiment]}).ok() == {}


@differs("3.17 serves these only to its page, under /ajax-api; the documented path of search-datasets lacks a slash")
def test_page_endpoints_under_the_api_prefix(rest: Rest, experiment: str) -> None:
    history = rest.get("metrics/get-history-bulk", {"run_id": "0" * 32, "metric_key": "m"})
    assert history.ok() == {"metrics": []}
    assert rest.post("experiments/search-datasets", {"experiment_ids": [experiment]}).ok() == {}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "runs/create"),
        ("POST", "runs/get"),
        ("PUT", "runs/get"),
        ("DELETE", "runs/create"),
        ("PATCH", "experiments/create"),
        ("POST", "experiments/get"),
        ("GET", "runs/search"),
        ("POST", "metrics/get-history"),
    ],
)
def test_wrong_method(rest: Rest, method: str, path: str) -> None:
    assert rest.send(method, path).status == 405


@pytest.mark.parametrize("path", ["nothing", "runs/nothing", "/api/2.0/nothing", "/api/9.0/mlflow/runs/get"])
def test_unknown_path(rest: Rest, path: str) -> None:
    assert rest.get(path).status == 404
    assert rest.post(path, {}).status == 404


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8"]
)
def test_json_content_types(rest: Rest, experiment: str, kind: str) -> None:
    body = json.dumps({"experiment_id": experiment, "run_name": "typed"})
    answer = rest.send("POST", "runs/create", content=body, headers={"content-type": kind})
    assert answer.ok()["run"]["info"]["run_name"] == "typed"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_other_content_types(rest: Rest, experiment: str, kind: str) -> None:
    answer = rest.send("POST", "runs/create", content="{}", headers={"content-type": kind})
    answer.invalid("Bad Request. Content-Type must be one of ['application/json'].")


def test_no_content_type(rest: Rest) -> None:
    answer = rest.send("POST", "runs/create", content=b"{}")
    answer.invalid("Bad Request. Content-Type header is missing.")


def test_body_encoded_twice(rest: Rest, experiment: str) -> None:
    once = json.dumps({"experiment_id": experiment, "run_name": "twice"})
    answer = rest.send("POST", "runs/create", content=json.dumps(once), headers=JSON)
    assert answer.ok()["run"]["info"]["run_name"] == "twice"


def test_empty_body(rest: Rest) -> None:
    for body in (b"", b"null", b"{}"):
        rest.send("POST", "experiments/create", content=body, headers=JSON).invalid(missing("name"))


@pytest.mark.parametrize("body", [b'{"name":', b"\xff\xfe", b"{'name': 'x'}", b'{"name": "x"} {}'])
def test_unreadable_body(rest: Rest, body: bytes) -> None:
    rest.send("POST", "experiments/create", content=body, headers=JSON).invalid()


@differs("the original answers 500")
@pytest.mark.parametrize("body", ["[]", "5", "true", '"x"', "[[{}]]", "[" * 3000 + "]" * 3000, '"[]"'])
def test_body_that_is_no_object(rest: Rest, body: str) -> None:
    rest.send("POST", "experiments/create", content=body, headers=JSON).invalid()


@pytest.mark.parametrize("depth", [10, 90])
def test_unknown_fields_are_ignored(rest: Rest, unique: str, depth: int) -> None:
    nested: Any = 1
    for _ in range(depth):
        nested = {"deeper": [nested]}
    created = rest.post("experiments/create", {"name": unique, "unknown": nested, "Name": "other"}).ok()
    assert rest.get("experiments/get", {**created, "unknown": "1"}).ok()["experiment"]["name"] == unique


def test_get_with_a_body_instead_of_a_query(rest: Rest, experiment: str) -> None:
    body = json.dumps({"experiment_id": experiment})
    answer = rest.send("GET", "experiments/get", content=body, headers=JSON)
    assert answer.ok()["experiment"]["experiment_id"] == experiment


def test_repeated_query_key_takes_the_first(rest: Rest, experiment: str) -> None:
    found = rest.get("experiments/get", {"experiment_id": [experiment, "0"]}).ok()
    assert found["experiment"]["experiment_id"] == experiment


def test_null_is_absent(rest: Rest, experiment: str) -> None:
    body = {"experiment_id": experiment, "start_time": None, "run_name": None, "user_id": None, "tags": None}
    info = rest.post("runs/create", body).ok()["run"]["info"]
    assert info["start_time"] == 0
    assert info["user_id"] == ""
    assert info["run_name"]
