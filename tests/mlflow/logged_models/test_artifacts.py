"""The artifacts of a logged model: its directories, and single files as the page fetches them."""

from __future__ import annotations

import pytest

from tests.mlflow.rest import Rest


@pytest.fixture
def filled(rest: Rest, experiment: str, model_id: str) -> str:
    """A logged model with MLmodel and data/x.bin."""
    root = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/models/{model_id}/artifacts"
    for path, content in (("MLmodel", b"flavors: {}\n"), ("data/x.bin", b"123")):
        assert rest.send("PUT", f"{root}/{path}", content=content).status == 200
    return model_id


def test_directories(rest: Rest, experiment: str, filled: str) -> None:
    path = f"logged-models/{filled}/artifacts/directories"
    root = {"root_uri": f"mlflow-artifacts:/{experiment}/models/{filled}/artifacts"}
    assert rest.get(path).ok() == root | {
        "files": [{"path": "MLmodel", "is_dir": False, "file_size": 12}, {"path": "data", "is_dir": True}]
    }
    assert rest.get(path, {"artifact_directory_path": "data"}).ok() == root | {
        "files": [{"path": "data/x.bin", "is_dir": False, "file_size": 3}]
    }
    assert rest.get(path, {"artifact_directory_path": "none"}).ok() == root
    assert rest.get(path, {"artifact_directory_path": "MLmodel"}).ok() == root


def test_directories_of_an_empty_model(rest: Rest, experiment: str, model_id: str) -> None:
    answer = rest.get(f"logged-models/{model_id}/artifacts/directories").ok()
    assert answer == {"root_uri": f"mlflow-artifacts:/{experiment}/models/{model_id}/artifacts"}


@pytest.mark.parametrize("path", ["..", "../..", "%2e%2e", "/etc", "a/../../b", "file:///etc"])
def test_paths_stay_inside(rest: Rest, filled: str, path: str) -> None:
    reply = rest.get(f"logged-models/{filled}/artifacts/directories", {"artifact_directory_path": path})
    assert "Invalid path" in reply.error(400, "INVALID_PARAMETER_VALUE")
    reply = rest.get(f"/ajax-api/2.0/mlflow/logged-models/{filled}/artifacts/files", {"artifact_file_path": path})
    assert "Invalid path" in reply.error(400, "INVALID_PARAMETER_VALUE")


def test_a_file(rest: Rest, filled: str) -> None:
    path = f"/ajax-api/2.0/mlflow/logged-models/{filled}/artifacts/files"
    reply = rest.get(path, {"artifact_file_path": "MLmodel"})
    assert (reply.status, reply.content) == (200, b"flavors: {}\n")
    assert reply.headers["content-type"].split(";")[0] == "text/plain"
    assert "filename" in reply.headers["content-disposition"]
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-length"] == "12"


def test_files_that_are_not_there(rest: Rest, filled: str) -> None:
    path = f"/ajax-api/2.0/mlflow/logged-models/{filled}/artifacts/files"
    nothing = rest.get(path)
    assert nothing.status == 400
    assert "artifact_file_path" in nothing.json["message"]
    message = rest.get(path, {"artifact_file_path": "none"}).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert "No such artifact: '" in message
    message = rest.get(path, {"artifact_file_path": "data"}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Artifact path refers to a directory, not a file: '" in message
    reply = rest.get("/ajax-api/2.0/mlflow/logged-models/m-none/artifacts/files", {"artifact_file_path": "x"})
    assert "Logged model with ID 'm-none' not found." in reply.error(404, "RESOURCE_DOES_NOT_EXIST")
    reply = rest.get("logged-models/m-none/artifacts/directories")
    assert "Logged model with ID 'm-none' not found." in reply.error(404, "RESOURCE_DOES_NOT_EXIST")
