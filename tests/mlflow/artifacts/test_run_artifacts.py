"""Artifacts of a run: list, /get-artifact, a model version's files, the page's uploads, older clients' download."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.mlflow.artifacts.conftest import attached
from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest

Put = Callable[[str, bytes], None]
UPLOAD = "/ajax-api/2.0/mlflow/upload-artifact"
MEBIBYTE = 1 << 20


@pytest.fixture
def filled(run: Any, put: Put) -> Any:
    """A run with a.txt, empty, folder/x.bin and folder/deep/y."""
    for path, content in (("a.txt", b"over"), ("empty", b""), ("folder/x.bin", b"123"), ("folder/deep/y", b"1")):
        put(path, content)
    return run


def upload(rest: Rest, content: bytes, **query: str) -> Any:
    return rest.send("POST", UPLOAD, params=query, content=content)


@pytest.mark.parametrize("name", ["run_id", "run_uuid"])
@pytest.mark.parametrize("prefix", ["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"])
def test_list(rest: Rest, filled: Any, name: str, prefix: str) -> None:
    answer = rest.get(f"{prefix}/artifacts/list", {name: filled["run_id"]}).ok()
    assert answer == {
        "root_uri": filled["artifact_uri"],
        "files": [
            {"path": "a.txt", "is_dir": False, "file_size": 4},
            {"path": "empty", "is_dir": False},
            {"path": "folder", "is_dir": True},
        ],
    }


@pytest.mark.parametrize("path", ["folder", "folder/"])
def test_list_of_a_folder(rest: Rest, filled: Any, path: str) -> None:
    answer = rest.get("artifacts/list", {"run_id": filled["run_id"], "path": path}).ok()
    assert answer["files"] == [
        {"path": "folder/deep", "is_dir": True},
        {"path": "folder/x.bin", "is_dir": False, "file_size": 3},
    ]


@pytest.mark.parametrize("path", ["a.txt", "folder/x.bin", "none", "fold"])
def test_list_of_a_file_or_of_nothing(rest: Rest, filled: Any, path: str) -> None:
    answer = rest.get("artifacts/list", {"run_id": filled["run_id"], "path": path}).ok()
    assert answer == {"root_uri": filled["artifact_uri"]}


def test_list_of_a_fresh_run(rest: Rest, run: Any) -> None:
    assert rest.get("artifacts/list", {"run_id": run["run_id"]}).ok() == {"root_uri": run["artifact_uri"]}


def test_a_short_list_has_one_page(rest: Rest, filled: Any) -> None:
    plain = rest.get("artifacts/list", {"run_id": filled["run_id"], "path": ""}).ok()
    assert rest.get("artifacts/list", {"run_id": filled["run_id"], "page_token": ""}).ok() == plain
    assert "next_page_token" not in plain


def test_list_errors(rest: Rest) -> None:
    message = rest.get("artifacts/list").error(400, "INVALID_PARAMETER_VALUE")
    assert "Missing value for required parameter 'run_id'." in message
    message = rest.get("artifacts/list", {"run_id": "none"}).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert "Run with id=none not found" in message


@pytest.mark.parametrize("name", ["run_id", "run_uuid"])
def test_get_artifact(rest: Rest, filled: Any, name: str) -> None:
    reply = rest.get("/get-artifact", {name: filled["run_id"], "path": "a.txt"})
    assert (reply.status, reply.content) == (200, b"over")
    assert reply.headers["content-type"].split(";")[0] == "text/plain"
    assert attached(reply) == "a.txt"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-length"] == "4"


def test_get_artifact_errors(rest: Rest, filled: Any) -> None:
    run_id = filled["run_id"]
    message = rest.get("/get-artifact", {"run_id": run_id, "path": "none"}).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert "No such artifact: '" in message
    assert "none'" in message
    for path in ("folder", ""):
        reply = rest.get("/get-artifact", {"run_id": run_id, "path": path})
        message = reply.error(400, "INVALID_PARAMETER_VALUE")
        assert "Artifact path refers to a directory, not a file: '" in message
    message = rest.get("/get-artifact", {"run_id": "none", "path": "a"}).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert "Run with id=none not found" in message
    assert rest.get("/get-artifact", {"run_id": run_id}).status == 400
    assert rest.get("/get-artifact", {"path": "a.txt"}).status in (400, 404)


def test_a_file_of_a_model_version(rest: Rest, filled: Any, unique: str) -> None:
    rest.post("registered-models/create", {"name": unique}).ok()
    source = {"name": unique, "source": filled["artifact_uri"] + "/folder", "run_id": filled["run_id"]}
    rest.post("model-versions/create", source).ok()
    path = "/model-versions/get-artifact"
    reply = rest.get(path, {"name": unique, "version": "1", "path": "x.bin"})
    assert (reply.status, reply.content) == (200, b"123")
    assert attached(reply) == "x.bin"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert rest.get(path, {"name": unique, "version": "1", "path": "deep/y"}).content == b"1"
    none = rest.get(path, {"name": unique, "version": "1", "path": "none"})
    assert "No such artifact: '" in none.error(404, "RESOURCE_DOES_NOT_EXIST")
    unknown = rest.get(path, {"name": unique, "version": "9", "path": "x.bin"})
    assert f"Model Version (name={unique}, version=9) not found" in unknown.error(404, "RESOURCE_DOES_NOT_EXIST")
    word = rest.get(path, {"name": unique, "version": "x", "path": "x.bin"})
    word.invalid("version")
    nameless = rest.get(path, {"version": "1", "path": "x.bin"})
    nameless.error(400, "INVALID_PARAMETER_VALUE")
    assert rest.get(path, {"name": unique, "version": "1"}).status == 400


@differs("the original answers 500, and clients retry a 500")
def test_a_file_of_a_model_version_needs_a_version(rest: Rest, unique: str) -> None:
    reply = rest.get("/model-versions/get-artifact", {"name": unique, "path": "x"})
    reply.error(400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("path", ["u.txt", "deep/er/u.txt", "sp ace/ü.txt"])
def test_upload_by_the_page(rest: Rest, run: Any, path: str) -> None:
    reply = upload(rest, b"uploaded", run_uuid=run["run_id"], path=path)
    assert reply.status == 200
    assert reply.content in (b"", b"{}")
    got = rest.get("/get-artifact", {"run_id": run["run_id"], "path": path})
    assert (got.status, got.content) == (200, b"uploaded")


def test_upload_limit(rest: Rest, run: Any) -> None:
    query = {"run_uuid": run["run_id"], "path": "big"}
    message = upload(rest, b"x" * (10 * MEBIBYTE + 1), **query).error(400, "INVALID_PARAMETER_VALUE")
    assert "Artifact size is too large" in message
    assert rest.get("artifacts/list", {"run_id": run["run_id"]}).ok() == {"root_uri": run["artifact_uri"]}
    assert upload(rest, b"x" * (10 * MEBIBYTE), **query).status == 200
    (listed,) = rest.get("artifacts/list", {"run_id": run["run_id"]}).ok()["files"]
    assert listed["file_size"] == 10 * MEBIBYTE


def test_upload_errors(rest: Rest, run: Any) -> None:
    upload(rest, b"x", path="x").invalid("run_uuid")
    upload(rest, b"x", run_uuid=run["run_id"]).invalid("path")
    upload(rest, b"", run_uuid=run["run_id"], path="x").invalid()
    message = upload(rest, b"x", run_uuid="none", path="x").error(404, "RESOURCE_DOES_NOT_EXIST")
    assert "Run with id=none not found" in message
    reply = rest.send("POST", "upload-artifact", params={"run_uuid": run["run_id"], "path": "x"}, content=b"x")
    assert reply.status == 404


def test_a_location_of_ones_own(rest: Rest, unique: str) -> None:
    body = {"name": unique, "artifact_location": f"mlflow-artifacts:/own/{unique}"}
    experiment = rest.post("experiments/create", body).ok()["experiment_id"]
    run = rest.post("runs/create", {"experiment_id": experiment, "start_time": 1}).ok()["run"]["info"]
    assert run["artifact_uri"] == f"mlflow-artifacts:/own/{unique}/{run['run_id']}/artifacts"
    path = f"/api/2.0/mlflow-artifacts/artifacts/own/{unique}/{run['run_id']}/artifacts/a.txt"
    assert rest.send("PUT", path, content=b"x").status == 200
    listed = rest.get("artifacts/list", {"run_id": run["run_id"]}).ok()
    assert listed["files"] == [{"path": "a.txt", "is_dir": False, "file_size": 1}]
    assert rest.get("/get-artifact", {"run_id": run["run_id"], "path": "a.txt"}).content == b"x"


@differs("the original stores an upload where the run's artifacts are not")
def test_upload_to_a_location_of_ones_own(rest: Rest, unique: str) -> None:
    body = {"name": unique, "artifact_location": f"mlflow-artifacts:/own/{unique}"}
    experiment = rest.post("experiments/create", body).ok()["experiment_id"]
    run = rest.post("runs/create", {"experiment_id": experiment, "start_time": 1}).ok()["run"]["info"]
    assert upload(rest, b"x", run_uuid=run["run_id"], path="a.txt").status == 200
    assert rest.get("/get-artifact", {"run_id": run["run_id"], "path": "a.txt"}).content == b"x"


@pytest.mark.parametrize("name", ["run_id", "run_uuid"])
@pytest.mark.parametrize("prefix", ["/api/2.0/mlflow", "/api/2.0/preview/mlflow"])
@differs("artifacts/download is an addition of ours, for clients that ask for it")
def test_download_of_older_clients(rest: Rest, filled: Any, name: str, prefix: str) -> None:
    path = f"{prefix}/artifacts/download"
    reply = rest.get(path, {name: filled["run_id"], "path": "folder/x.bin"})
    assert (reply.status, reply.content) == (200, b"123")
    assert attached(reply) == "x.bin"
    assert reply.headers["x-content-type-options"] == "nosniff"


@differs("artifacts/download is an addition of ours, for clients that ask for it")
def test_download_errors(rest: Rest, filled: Any) -> None:
    path, run_id = "artifacts/download", filled["run_id"]
    rest.get(path, {"run_id": run_id, "path": "none"}).error(404, "RESOURCE_DOES_NOT_EXIST")
    rest.get(path, {"run_id": "none", "path": "a.txt"}).error(404, "RESOURCE_DOES_NOT_EXIST")
    rest.get(path, {"path": "a.txt"}).error(400, "INVALID_PARAMETER_VALUE")
    rest.get(path, {"run_id": run_id}).error(400, "INVALID_PARAMETER_VALUE")
    for climbing in ("../a.txt", "/etc/passwd", "%2e%2e/x", "folder"):
        rest.get(path, {"run_id": run_id, "path": climbing}).error(400, "INVALID_PARAMETER_VALUE")
