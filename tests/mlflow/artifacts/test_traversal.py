"""Paths that try to leave the artifacts: refused in every encoding, and nothing outside is read or written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.artifacts.conftest import PROXY, Raw
from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest

CLIMBING = [
    "../x",
    "a/../../x",
    "..",
    "a/..",
    "a/../b",
    "%2e%2e/x",
    "%2E%2E/x",
    ".%2e/x",
    "%2e%2e%2fx",
    "..%2fx",
    "..%2Fx",
    "a/..%2f..%2fx",
    "..%252fx",
    "%252e%252e%252fx",
    "%25252e%25252e%25252fx",
    "..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc/passwd",
    "%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "%252fetc/passwd",
    "C:/x",
    "C:%5cx",
    "file:///etc/passwd",
    "file:%2f%2f%2fetc%2fpasswd",
    "file:%252f%252f%252fetc%252fpasswd",
    "x%23y",
]
ROOTED = ["/etc/passwd", "%2fetc/passwd", "%2Fetc%2Fpasswd", "//etc/passwd"]
ODD = [
    "..%5cx",
    "..%5c..%5cx",
    "a%5c..%5cx",
    "..%255cx",
    "a%00b",
    "a%2500b",
    "%00",
    "./x",
    "%2e/x",
    "a/./x",
]
QUERIES = ["..", "../..", "%2e%2e", "%252e%252e/x", "a/../..", "/etc", "file:///etc", "C:\\x", "C:/x", "a#b"]


@pytest.mark.parametrize("path", CLIMBING)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_climbing_is_refused(raw: Raw, method: str, path: str) -> None:
    answer = raw(method, f"{PROXY}/{path}", b"escaped" if method == "PUT" else None)
    assert answer.status in (400, 404), answer.content
    assert b"root:" not in answer.content


@pytest.mark.parametrize("path", CLIMBING[:16])
def test_climbing_out_of_a_run_is_refused(rest: Rest, raw: Raw, run: Any, root: str, path: str) -> None:
    assert raw("PUT", f"{root}/{path}", b"escaped").status in (400, 404)
    assert raw("GET", f"{root}/{path}").status in (400, 404)
    assert raw("DELETE", f"{root}/{path}").status in (400, 404)
    assert rest.get("artifacts/list", {"run_id": run["run_id"]}).ok() == {"root_uri": run["artifact_uri"]}


@pytest.mark.parametrize("path", ROOTED)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_absolute_paths_are_refused(raw: Raw, method: str, path: str) -> None:
    answer = raw(method, f"{PROXY}/{path}", b"escaped" if method == "PUT" else None)
    assert answer.status in (400, 404)
    assert b"root:" not in answer.content


@pytest.mark.parametrize("path", ODD)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@differs("the original takes these for names of files, or answers 500")
def test_what_some_stores_would_read_otherwise_is_refused(raw: Raw, root: str, method: str, path: str) -> None:
    answer = raw(method, f"{root}/{path}", b"x" if method == "PUT" else None)
    assert answer.status == 400, answer.content
    assert answer.json["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("path", QUERIES)
def test_queries_are_refused_too(rest: Rest, run: Any, path: str) -> None:
    run_id = run["run_id"]
    replies = [
        rest.get(PROXY, {"path": path}),
        rest.get("artifacts/list", {"run_id": run_id, "path": path}),
        rest.get("/get-artifact", {"run_id": run_id, "path": path}),
        rest.post(
            "/ajax-api/2.0/mlflow/upload-artifact", params={"run_uuid": run_id, "path": path}, content=b"x", json=None
        ),
    ]
    for reply in replies:
        assert "Invalid path" in reply.error(400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("path", QUERIES)
def test_model_versions_are_no_way_out(rest: Rest, run: Any, unique: str, path: str) -> None:
    rest.post("registered-models/create", {"name": unique}).ok()
    body = {"name": unique, "source": run["artifact_uri"] + "/model", "run_id": run["run_id"]}
    rest.post("model-versions/create", body).ok()
    reply = rest.get("/model-versions/get-artifact", {"name": unique, "version": "1", "path": path})
    assert "Invalid path" in reply.error(400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("path", ["..\\x", "a\\..\\..\\x", "a\x00b", "a/./b"])
@differs("the original takes these for names of files")
def test_odd_queries_are_refused(rest: Rest, run: Any, path: str) -> None:
    for reply in (
        rest.get(PROXY, {"path": path}),
        rest.get("artifacts/list", {"run_id": run["run_id"], "path": path}),
        rest.get("/get-artifact", {"run_id": run["run_id"], "path": path}),
    ):
        reply.error(400, "INVALID_PARAMETER_VALUE")


def test_a_name_of_dots_in_another_script_is_a_name(raw: Raw, root: str) -> None:
    path = f"{root}/%ef%bc%8e%ef%bc%8e/x"
    assert raw("PUT", path, b"inside").status == 200
    assert raw("GET", path).content == b"inside"


@pytest.mark.parametrize("path", ["%c0%ae%c0%ae/x", "%ff"])
@differs("the original puts another character where the bytes are no UTF-8")
def test_bytes_that_are_no_text_name_no_file(raw: Raw, root: str, path: str) -> None:
    assert raw("PUT", f"{root}/{path}", b"x").status == 400
    assert raw("GET", f"{root}/{path}").status in (400, 404)
