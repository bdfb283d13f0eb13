"""Experiments: bodies, names, tags, locations, and what deletion changes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest, bad_name, bad_path, missing, wrong_type


def get(rest: Rest, experiment_id: str) -> dict[str, Any]:
    experiment: dict[str, Any] = rest.get("experiments/get", {"experiment_id": experiment_id}).ok()["experiment"]
    return experiment


def test_create_and_get(rest: Rest, unique: str) -> None:
    before = int(time.time() * 1000) - 1000
    tags = [{"key": "a", "value": "1"}, {"key": "team/b", "value": ""}]
    created = rest.post("experiments/create", {"name": unique, "tags": tags}).ok()
    assert set(created) == {"experiment_id"}
    experiment_id = created["experiment_id"]
    assert isinstance(experiment_id, str)
    assert experiment_id.isdecimal()
    found = rest.get("experiments/get", created).ok()
    assert set(found) == {"experiment"}
    experiment = found["experiment"]
    created_at = experiment.pop("creation_time")
    assert experiment.pop("last_update_time") == created_at
    assert before <= created_at <= before + 60_000
    assert sorted(experiment.pop("tags"), key=lambda tag: tag["key"]) == tags
    assert experiment == {
        "experiment_id": experiment_id,
        "name": unique,
        "artifact_location": f"mlflow-artifacts:/{experiment_id}",
        "lifecycle_stage": "active",
        "workspace": "default",
    }


def test_no_tags_no_field(rest: Rest, experiment: str) -> None:
    assert "tags" not in get(rest, experiment)


def test_tag_without_value_is_empty(rest: Rest, unique: str) -> None:
    created = rest.post("experiments/create", {"name": unique, "tags": [{"key": "bare"}]}).ok()
    assert get(rest, created["experiment_id"])["tags"] == [{"key": "bare", "value": ""}]


def test_get_by_name_gives_the_same(rest: Rest, experiment: str, unique: str) -> None:
    by_name = rest.get("experiments/get-by-name", {"experiment_name": unique}).ok()
    assert by_name == {"experiment": get(rest, experiment)}


def test_default_experiment(rest: Rest) -> None:
    default = get(rest, "0")
    assert default["name"] == "Default"
    assert default["lifecycle_stage"] == "active"


@pytest.mark.parametrize(
    "name", ["with space/and slash", "ünïcode 名前 🎉", "a#b?c%20d&e", "'quoted\"", "  padded  ", "x" * 480]
)
def test_names_are_free(rest: Rest, unique: str, name: str) -> None:
    full = f"{name}{unique}"
    experiment_id = rest.post("experiments/create", {"name": full}).ok()["experiment_id"]
    assert get(rest, experiment_id)["name"] == full
    found = rest.get("experiments/get-by-name", {"experiment_name": full}).ok()
    assert found["experiment"]["experiment_id"] == experiment_id


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, missing("name")),
        ({"name": ""}, missing("name")),
        ({"name": None}, missing("name")),
        ({"name": 5}, wrong_type("name", "5")),
        ({"name": ["x"]}, wrong_type("name", '["x"]')),
        ({"name": "x" * 501}, "'name' exceeds the maximum length of 500 characters"),
        ({"name": "ok", "artifact_location": 5}, wrong_type("artifact_location", "5")),
        ({"name": "ok", "tags": {"a": "b"}}, wrong_type("tags", '{"a":"b"}')),
        ({"name": "ok", "tags": [{"key": "a" * 251}]}, "'key' exceeds the maximum length of 250 characters"),
        (
            {"name": "ok", "tags": [{"key": "a", "value": "x" * 20001}]},
            "'value' exceeds the maximum length of 20000 characters",
        ),
        ({"name": "ok", "tags": [{"key": "é!"}]}, bad_name('"\\u00e9!"', "key")),
        ({"name": "ok", "tags": [{"key": ""}]}, bad_path('""', "key", ".")),
        ({"name": "ok", "tags": [{"key": "a/../b"}]}, bad_path('"a/../b"', "key", "b")),
        (
            {"name": "ok", "artifact_location": "runs:/abc/x"},
            "runs:/",
        ),
        (
            {"name": "ok", "artifact_location": "s3://b/x#f"},
            "fragment",
        ),
        (
            {"name": "ok", "artifact_location": "s3://b/" + "x" * 2050},
            "2048 characters",
        ),
    ],
)
def test_create_refuses(rest: Rest, unique: str, body: dict[str, Any], message: str) -> None:
    if body.get("name") == "ok":
        body = {**body, "name": unique}
    rest.post("experiments/create", body).invalid(message)


def test_tag_value_of_20000_is_kept(rest: Rest, unique: str) -> None:
    created = rest.post("experiments/create", {"name": unique, "tags": [{"key": "k" * 250, "value": "x" * 20000}]}).ok()
    assert get(rest, created["experiment_id"])["tags"] == [{"key": "k" * 250, "value": "x" * 20000}]


def test_same_tag_key_twice_creates_nothing(rest: Rest, unique: str) -> None:
    tags = [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]
    assert rest.post("experiments/create", {"name": unique, "tags": tags}).status == 400
    rest.get("experiments/get-by-name", {"experiment_name": unique}).absent()


@pytest.mark.parametrize(
    "location", ["s3://bucket/a?x=1", "gs://bucket/a b", "mlflow-artifacts:/elsewhere", "foo://x/y"]
)
def test_location_is_kept(rest: Rest, unique: str, location: str) -> None:
    experiment_id = rest.post("experiments/create", {"name": unique, "artifact_location": location}).ok()[
        "experiment_id"
    ]
    assert get(rest, experiment_id)["artifact_location"] == location


@pytest.mark.parametrize(
    "location",
    ["http://h/x", "https://h/x", "hdfs://h/x", "ftp://h/x", "sftp://h/x", "mlflow-artifacts://h/x", "abfss://f@h/x"],
)
def test_location_on_another_host_is_refused(rest: Rest, unique: str, location: str) -> None:
    scheme = location.partition(":")[0]
    rest.post("experiments/create", {"name": unique, "artifact_location": location}).invalid(scheme)
    query = {"name": unique, "artifact_location": "s3://b/x?a=%252e%252e/y"}
    rest.post("experiments/create", query).invalid("Invalid query string")


def test_runs_lie_under_the_location(rest: Rest, unique: str) -> None:
    body = {"name": unique, "artifact_location": "s3://bucket/root/?x=1"}
    created = rest.post("experiments/create", body).ok()
    info = rest.post("runs/create", created).ok()["run"]["info"]
    assert info["artifact_uri"] == f"s3://bucket/root/{info['run_id']}/artifacts?x=1"


def test_empty_location_is_the_default(rest: Rest, unique: str) -> None:
    experiment_id = rest.post("experiments/create", {"name": unique, "artifact_location": ""}).ok()["experiment_id"]
    assert get(rest, experiment_id)["artifact_location"] == f"mlflow-artifacts:/{experiment_id}"


def test_name_taken(rest: Rest, experiment: str, unique: str) -> None:
    rest.post("experiments/create", {"name": unique}).error(400, "RESOURCE_ALREADY_EXISTS", unique)
    rest.post("experiments/delete", {"experiment_id": experiment}).ok()
    rest.post("experiments/create", {"name": unique}).error(400, "RESOURCE_ALREADY_EXISTS")


@pytest.mark.parametrize(
    ("experiment_id", "status", "message"),
    [
        ("999999999", 404, "No Experiment with id=999999999 exists"),
        ("abc", 400, "Invalid experiment ID 'abc'. Experiment ID must be a valid integer."),
        ("1.5", 400, "Invalid experiment ID '1.5'. Experiment ID must be a valid integer."),
        ("", 400, missing("experiment_id")),
    ],
)
@pytest.mark.parametrize("path", ["get", "delete", "restore", "update", "set-experiment-tag", "delete-experiment-tag"])
def test_wrong_id(rest: Rest, path: str, experiment_id: str, status: int, message: str) -> None:
    body = {"experiment_id": experiment_id, "new_name": "n", "key": "k", "value": "v"}
    answer = rest.get("experiments/get", body) if path == "get" else rest.post(f"experiments/{path}", body)
    answer.error(status, "RESOURCE_DOES_NOT_EXIST" if status == 404 else "INVALID_PARAMETER_VALUE", message)


@differs("the original answers 500: the number does not fit its column")
def test_enormous_id(rest: Rest) -> None:
    assert rest.get("experiments/get", {"experiment_id": "9" * 30}).status in (400, 404)


def test_missing_parameters(rest: Rest, experiment: str) -> None:
    rest.get("experiments/get").invalid(missing("experiment_id"))
    rest.get("experiments/get-by-name").invalid(missing("experiment_name"))
    rest.post("experiments/delete", {}).invalid(missing("experiment_id"))
    rest.post("experiments/restore", {}).invalid(missing("experiment_id"))
    rest.post("experiments/update", {"experiment_id": experiment}).invalid(missing("new_name"))
    rest.post("experiments/set-experiment-tag", {"experiment_id": experiment}).invalid(missing("key"))
    rest.post("experiments/delete-experiment-tag", {"experiment_id": experiment}).invalid(missing("key"))


def test_unknown_name(rest: Rest, unique: str) -> None:
    answer = rest.get("experiments/get-by-name", {"experiment_name": unique})
    answer.absent(f"Could not find experiment with name '{unique}'")


def test_rename(rest: Rest, experiment: str, unique: str) -> None:
    before = get(rest, experiment)
    time.sleep(0.002)
    assert rest.post("experiments/update", {"experiment_id": experiment, "new_name": f"{unique}x"}).ok() == {}
    after = get(rest, experiment)
    assert after["name"] == f"{unique}x"
    assert after["creation_time"] == before["creation_time"] < after["last_update_time"]
    rest.get("experiments/get-by-name", {"experiment_name": unique}).absent()
    rest.post("experiments/create", {"name": unique}).ok()


def test_rename_to_a_taken_name(rest: Rest, experiment: str) -> None:
    answer = rest.post("experiments/update", {"experiment_id": experiment, "new_name": "Default"})
    assert answer.status == 400
    assert answer.json["error_code"] in ("BAD_REQUEST", "RESOURCE_ALREADY_EXISTS")
    answer = rest.post("experiments/update", {"experiment_id": experiment, "new_name": "x" * 501})
    answer.invalid("'name' exceeds the maximum length of 500 characters")


def test_tags(rest: Rest, experiment: str) -> None:
    for body in ({"key": "a", "value": "1"}, {"key": "a", "value": "2"}, {"key": "b"}, {"key": "c", "value": "3"}):
        assert rest.post("experiments/set-experiment-tag", {"experiment_id": experiment, **body}).ok() == {}
    assert rest.post("experiments/delete-experiment-tag", {"experiment_id": experiment, "key": "c"}).ok() == {}
    tags = {tag["key"]: tag["value"] for tag in get(rest, experiment)["tags"]}
    assert tags == {"a": "2", "b": ""}
    answer = rest.post("experiments/delete-experiment-tag", {"experiment_id": experiment, "key": "c"})
    answer.absent(f"No tag with name: c in experiment with id {experiment}")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"key": "k", "value": "x" * 20001}, "'value' exceeds the maximum length of 20000 characters"),
        ({"key": "k" * 251, "value": "x"}, "'key' exceeds the maximum length of 250 characters"),
        ({"key": "../t", "value": "x"}, bad_path('"../t"', "key", "../t")),
        ({"key": "a*", "value": "x"}, bad_name('"a*"', "key")),
        ({"key": "k", "value": 5}, wrong_type("value", "5")),
    ],
)
def test_tags_refused(rest: Rest, experiment: str, body: dict[str, Any], message: str) -> None:
    rest.post("experiments/set-experiment-tag", {"experiment_id": experiment, **body}).invalid(message)
    assert "tags" not in get(rest, experiment)


def test_deleted_experiment(rest: Rest, experiment: str, unique: str) -> None:
    before = get(rest, experiment)
    assert rest.post("experiments/delete", {"experiment_id": experiment}).ok() == {}
    deleted = get(rest, experiment)
    assert deleted["lifecycle_stage"] == "deleted"
    assert deleted["last_update_time"] >= before["last_update_time"]
    by_name = rest.get("experiments/get-by-name", {"experiment_name": unique}).ok()["experiment"]
    assert by_name == deleted
    gone = f"No Experiment with id={experiment} exists"
    rest.post("experiments/delete", {"experiment_id": experiment}).absent(gone)
    inactive = f"The experiment {experiment} must be in the 'active' state. Current state is deleted."
    tag = {"experiment_id": experiment, "key": "k", "value": "v"}
    rest.post("experiments/set-experiment-tag", tag).invalid(inactive)
    rest.post("experiments/delete-experiment-tag", tag).invalid(inactive)
    rest.post("runs/create", {"experiment_id": experiment}).invalid(inactive)
    assert rest.post("experiments/restore", {"experiment_id": experiment}).ok() == {}
    assert get(rest, experiment)["lifecycle_stage"] == "active"
    rest.post("experiments/restore", {"experiment_id": experiment}).absent(gone)


def test_rename_of_a_deleted_experiment(rest: Rest, experiment: str, unique: str) -> None:
    rest.post("experiments/delete", {"experiment_id": experiment}).ok()
    answer = rest.post("experiments/update", {"experiment_id": experiment, "new_name": f"{unique}x"})
    assert answer.json["error_code"] == "INVALID_STATE"
    assert answer.json["message"] == "Cannot rename a non-active experiment."
    assert get(rest, experiment)["name"] == unique


@differs("the original answers 500, which its clients repeat for minutes")
def test_rename_of_a_deleted_experiment_is_no_server_error(rest: Rest, experiment: str, unique: str) -> None:
    rest.post("experiments/delete", {"experiment_id": experiment}).ok()
    answer = rest.post("experiments/update", {"experiment_id": experiment, "new_name": f"{unique}x"})
    assert 400 <= answer.status < 500
