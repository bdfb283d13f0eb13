"""Logged models: create, get, finalize, delete, tags and params, to the letter of the JSON."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest

MISSING = "Missing value for required parameter '{}'."
INFO = {
    "model_id",
    "experiment_id",
    "name",
    "creation_timestamp_ms",
    "last_updated_timestamp_ms",
    "artifact_uri",
    "status",
    "model_type",
    "source_run_id",
}


def get(rest: Rest, model_id: str, **query: Any) -> Any:
    return rest.get(f"logged-models/{model_id}", query).ok()["model"]


def pairs(entries: list[dict[str, str]]) -> dict[str, str]:
    return {entry["key"]: entry["value"] for entry in entries}


def test_create_with_an_experiment_alone(rest: Rest, experiment: str) -> None:
    answer = rest.post("logged-models", {"experiment_id": experiment}).ok()
    assert set(answer) == {"model"}
    model = answer["model"]
    assert set(model) == {"info", "data"}
    assert model["data"] == {}
    info = model["info"]
    assert set(info) == INFO
    assert re.fullmatch("m-[0-9a-f]{32}", info["model_id"])
    assert info["experiment_id"] == experiment
    assert info["name"]
    assert isinstance(info["creation_timestamp_ms"], int)
    assert abs(info["creation_timestamp_ms"] - time.time() * 1000) < 600_000
    assert info["last_updated_timestamp_ms"] == info["creation_timestamp_ms"]
    assert info["artifact_uri"] == f"mlflow-artifacts:/{experiment}/models/{info['model_id']}/artifacts"
    assert (info["status"], info["model_type"], info["source_run_id"]) == ("LOGGED_MODEL_PENDING", "", "")
    assert get(rest, info["model_id"]) == model


def test_create_with_everything(rest: Rest, experiment: str, run_id: str) -> None:
    body = {
        "experiment_id": experiment,
        "name": "one",
        "model_type": "Agent",
        "source_run_id": run_id,
        "params": [{"key": "p", "value": "1"}, {"key": "a", "value": "2"}, {"key": "empty"}],
        "tags": [{"key": "t", "value": "x"}, {"key": "b", "value": "y"}, {"key": "empty"}],
        "unknown": 1,
    }
    model = rest.post("logged-models", body).ok()["model"]
    info = model["info"]
    assert set(info) == INFO | {"tags"}
    assert (info["name"], info["model_type"], info["source_run_id"]) == ("one", "Agent", run_id)
    assert info["tags"] == [
        {"key": "b", "value": "y"},
        {"key": "empty", "value": ""},
        {"key": "t", "value": "x"},
    ]
    assert model["data"] == {
        "params": [{"key": "a", "value": "2"}, {"key": "empty", "value": ""}, {"key": "p", "value": "1"}]
    }
    assert get(rest, info["model_id"]) == model


@pytest.mark.parametrize("name", ["a b", "é", "日本", "x" * 500, "", "a#b", "a\\b"])
def test_names_that_are_accepted(rest: Rest, experiment: str, name: str) -> None:
    info = rest.post("logged-models", {"experiment_id": experiment, "name": name}).ok()["model"]["info"]
    assert info["name"] == name if name else info["name"] != ""


@pytest.mark.parametrize("name", ["a/b", "a:b", "a.b", "a%b", 'a"b', "a'b"])
def test_names_that_are_refused(rest: Rest, experiment: str, name: str) -> None:
    reply = rest.post("logged-models", {"experiment_id": experiment, "name": name})
    assert (
        f"Invalid model name ({name!r}) provided. Model name must be a non-empty string and cannot contain "
        "the following characters: ('/', ':', '.', '%', '\"', \"'\")"
    ) in reply.error(400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ({}, 400, "INVALID_PARAMETER_VALUE", MISSING.format("experiment_id")),
        ({"experiment_id": "999999999"}, 404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=999999999 exists"),
        (
            {"experiment_id": "abc"},
            400,
            "INVALID_PARAMETER_VALUE",
            "Invalid experiment ID 'abc'. Experiment ID must be a valid integer.",
        ),
        (
            {"experiment_id": 3},
            400,
            "INVALID_PARAMETER_VALUE",
            "Invalid value 3 for parameter 'experiment_id' supplied",
        ),
    ],
)
def test_experiments_that_are_refused(rest: Rest, body: Any, status: int, code: str, message: str) -> None:
    assert message in rest.post("logged-models", body).error(status, code)


def test_create_in_a_deleted_experiment(rest: Rest, experiment: str, model_id: str) -> None:
    rest.post("experiments/delete", {"experiment_id": experiment}).ok()
    message = rest.post("logged-models", {"experiment_id": experiment}).error(400, "INVALID_PARAMETER_VALUE")
    assert f"The experiment {experiment} must be in the 'active' state. Current state is deleted." in message
    assert get(rest, model_id)["info"]["model_id"] == model_id


def test_create_twice_with_one_name(rest: Rest, experiment: str) -> None:
    body = {"experiment_id": experiment, "name": "same"}
    ids = {rest.post("logged-models", body).ok()["model"]["info"]["model_id"] for _ in range(2)}
    assert len(ids) == 2


def test_a_param_is_given_once(rest: Rest, experiment: str, unique: str) -> None:
    params = [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]
    reply = rest.post("logged-models", {"experiment_id": experiment, "name": unique, "params": params})
    assert reply.status == 400
    assert rest.post("logged-models/search", {"experiment_ids": [experiment]}).ok() == {}


def test_long_values_are_kept(rest: Rest, experiment: str) -> None:
    body = {"experiment_id": experiment, "params": [{"key": "k", "value": "v" * 6000}]}
    assert rest.post("logged-models", body).ok()["model"]["data"]["params"][0]["value"] == "v" * 6000


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("LOGGED_MODEL_READY", "LOGGED_MODEL_READY"),
        ("LOGGED_MODEL_UPLOAD_FAILED", "LOGGED_MODEL_UPLOAD_FAILED"),
        ("LOGGED_MODEL_PENDING", "LOGGED_MODEL_PENDING"),
        (2, "LOGGED_MODEL_READY"),
        (3, "LOGGED_MODEL_UPLOAD_FAILED"),
    ],
)
def test_finalize(rest: Rest, model_id: str, given: Any, told: str) -> None:
    before = get(rest, model_id)["info"]
    answer = rest.patch(f"logged-models/{model_id}", {"model_id": model_id, "status": given}).ok()
    info = answer["model"]["info"]
    assert info["status"] == told
    assert info["last_updated_timestamp_ms"] > before["last_updated_timestamp_ms"]
    assert info["creation_timestamp_ms"] == before["creation_timestamp_ms"]
    assert get(rest, model_id) == answer["model"]


def test_finalize_needs_a_model_and_a_status(rest: Rest, model_id: str) -> None:
    reply = rest.patch(f"logged-models/{model_id}", {"model_id": model_id})
    assert MISSING.format("status") in reply.error(400, "INVALID_PARAMETER_VALUE")
    reply = rest.patch("logged-models/m-none", {"model_id": "m-none", "status": "LOGGED_MODEL_READY"})
    assert "Logged model with ID 'm-none' not found." in reply.error(404, "RESOURCE_DOES_NOT_EXIST")


@differs("the original takes a word it does not know for UNSPECIFIED")
def test_finalize_with_an_unknown_status(rest: Rest, model_id: str) -> None:
    body = {"model_id": model_id, "status": "READY"}
    rest.patch(f"logged-models/{model_id}", body).error(400, "INVALID_PARAMETER_VALUE")
    assert get(rest, model_id)["info"]["status"] == "LOGGED_MODEL_PENDING"


def test_get_of_what_is_not_there(rest: Rest) -> None:
    message = rest.get("logged-models/m-none").error(404, "RESOURCE_DOES_NOT_EXIST")
    assert "Logged model with ID 'm-none' not found." in message


def test_the_page_asks_under_its_own_prefix(rest: Rest, model_id: str) -> None:
    answer = rest.get(f"/ajax-api/2.0/mlflow/logged-models/{model_id}").ok()
    assert answer["model"]["info"]["model_id"] == model_id


def test_tags_are_set_replaced_and_deleted(rest: Rest, model_id: str) -> None:
    path = f"logged-models/{model_id}/tags"
    tags = [{"key": "t", "value": "x"}, {"key": "n", "value": "new"}, {"key": "empty"}]
    assert rest.patch(path, {"model_id": model_id, "tags": tags}).ok() == {}
    assert rest.patch(path, {"tags": [{"key": "t", "value": "z"}]}).ok() == {}
    assert rest.patch(path, {"tags": []}).ok() == {}
    assert rest.patch(path, {}).ok() == {}
    assert pairs(get(rest, model_id)["info"]["tags"]) == {"empty": "", "n": "new", "t": "z"}
    assert rest.delete(f"{path}/n").ok() == {}
    assert pairs(get(rest, model_id)["info"]["tags"]) == {"empty": "", "t": "z"}


def test_tag_errors(rest: Rest, model_id: str) -> None:
    reply = rest.delete(f"logged-models/{model_id}/tags/none")
    assert (f"No tag with key 'none' found for model with ID '{model_id}'.") in reply.error(
        404, "RESOURCE_DOES_NOT_EXIST"
    )
    unknown = "Logged model with ID 'm-none' not found."
    assert unknown in rest.delete("logged-models/m-none/tags/k").error(404, "RESOURCE_DOES_NOT_EXIST")
    body = {"tags": [{"key": "k", "value": "v"}]}
    assert unknown in rest.patch("logged-models/m-none/tags", body).error(404, "RESOURCE_DOES_NOT_EXIST")
    message = rest.patch(f"logged-models/{model_id}/tags", {"tags": "x"}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Invalid value \"x\" for parameter 'tags' supplied" in message


@pytest.mark.parametrize("key", ["with space", "ünï", "dot.ted", "per%cent"])
def test_tag_keys_in_paths(rest: Rest, model_id: str, key: str) -> None:
    rest.patch(f"logged-models/{model_id}/tags", {"tags": [{"key": key, "value": "v"}]}).ok()
    assert get(rest, model_id)["info"]["tags"] == [{"key": key, "value": "v"}]
    quoted = key.replace("%", "%25")
    assert rest.delete(f"logged-models/{model_id}/tags/{quoted}").ok() == {}
    assert "tags" not in get(rest, model_id)["info"]


def test_params_are_added(rest: Rest, experiment: str) -> None:
    body = {"experiment_id": experiment, "params": [{"key": "first", "value": "1"}]}
    model_id = rest.post("logged-models", body).ok()["model"]["info"]["model_id"]
    path = f"logged-models/{model_id}/params"
    assert rest.post(path, {"model_id": model_id, "params": [{"key": "later", "value": "2"}]}).ok() == {}
    assert rest.post(path, {"model_id": model_id}).ok() == {}
    assert pairs(get(rest, model_id)["data"]["params"]) == {"first": "1", "later": "2"}
    assert rest.post(path, {"model_id": model_id, "params": [{"key": "later", "value": "3"}]}).status == 400
    assert pairs(get(rest, model_id)["data"]["params"]) == {"first": "1", "later": "2"}


def test_params_errors(rest: Rest) -> None:
    reply = rest.post("logged-models/m-none/params", {"model_id": "m-none", "params": [{"key": "k", "value": "v"}]})
    assert "Logged model with ID 'm-none' not found." in reply.error(404, "RESOURCE_DOES_NOT_EXIST")


def test_delete(rest: Rest, experiment: str, model_id: str) -> None:
    before = get(rest, model_id)["info"]
    assert rest.delete(f"logged-models/{model_id}").ok() == {}
    assert rest.delete(f"logged-models/{model_id}").ok() == {}
    message = rest.get(f"logged-models/{model_id}").error(404, "RESOURCE_DOES_NOT_EXIST")
    assert f"Logged model with ID '{model_id}' not found." in message
    assert rest.post("logged-models/search", {"experiment_ids": [experiment]}).ok() == {}
    rest.get(f"logged-models/{model_id}/artifacts/directories").error(404, "RESOURCE_DOES_NOT_EXIST")
    kept = get(rest, model_id, allow_deleted="true")["info"]
    assert kept["last_updated_timestamp_ms"] > before["last_updated_timestamp_ms"]
    assert kept | {"last_updated_timestamp_ms": 0} == before | {"last_updated_timestamp_ms": 0}
    rest.delete("logged-models/m-none").error(404, "RESOURCE_DOES_NOT_EXIST")
