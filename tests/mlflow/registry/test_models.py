"""Registered models: create, get, update, rename, delete and tags, to the letter of the JSON."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.registry.conftest import NewVersion
from tests.mlflow.rest import Rest

MISSING = "Missing value for required parameter '{}'."
BAD_CHARACTERS = (
    "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), "
    "colon(:) and slashes (/)."
)


def get(rest: Rest, name: str) -> Any:
    return rest.get("registered-models/get", {"name": name}).ok()["registered_model"]


def test_create_answers_only_the_fields_that_are_set(rest: Rest, unique: str) -> None:
    created = rest.post("registered-models/create", {"name": unique}).ok()["registered_model"]
    assert set(created) == {"name", "creation_timestamp", "last_updated_timestamp"}
    assert created["name"] == unique
    assert isinstance(created["creation_timestamp"], int)
    assert created["creation_timestamp"] == created["last_updated_timestamp"]
    assert abs(created["creation_timestamp"] - time.time() * 1000) < 600_000
    assert get(rest, unique) == created


def test_create_with_description_and_tags(rest: Rest, unique: str) -> None:
    tags = [{"key": "b", "value": "1"}, {"key": "a", "value": "2"}]
    body = {"name": unique, "description": "d", "tags": tags, "unknown field": 1}
    created = rest.post("registered-models/create", body).ok()["registered_model"]
    assert set(created) == {"name", "creation_timestamp", "last_updated_timestamp", "description", "tags"}
    assert created["description"] == "d"
    assert sorted(created["tags"], key=lambda tag: tag["key"]) == sorted(tags, key=lambda tag: tag["key"])
    assert get(rest, unique) == created


def test_an_empty_description_is_left_out(rest: Rest, unique: str) -> None:
    created = rest.post("registered-models/create", {"name": unique, "description": ""}).ok()
    assert "description" not in created["registered_model"]


def test_tags_without_value_and_repeated_keys(rest: Rest, unique: str) -> None:
    tags = [{"key": "k", "value": "v"}, {"key": "k", "value": "w"}, {"key": "empty"}]
    created = rest.post("registered-models/create", {"name": unique, "tags": tags}).ok()["registered_model"]
    assert {tag["key"]: tag["value"] for tag in created["tags"]} == {"k": "w", "empty": ""}


def test_a_name_is_taken_once(rest: Rest, model: str) -> None:
    message = rest.post("registered-models/create", {"name": model}).error(400, "RESOURCE_ALREADY_EXISTS")
    assert f"Registered Model (name={model}) already exists." in message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", MISSING.format("name")),
        ("   ", "Missing value for required parameter 'name'."),
        (
            5,
            "Invalid value 5 for parameter 'name' supplied",
        ),
        ("a/b", "Invalid model name 'a/b'. Names cannot contain '/' or ':'."),
        ("a:b", "Invalid model name 'a:b'. Names cannot contain '/' or ':'."),
        (
            "..",
            "Invalid value \"..\" for parameter 'name' supplied: Names may be treated as files in certain cases, "
            "and must not resolve to other names when treated as such. This name would resolve to '..'",
        ),
    ],
)
def test_names_that_are_refused(rest: Rest, name: Any, message: str) -> None:
    assert message in rest.post("registered-models/create", {"name": name}).error(400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("suffix", [" with space", ".dot", "-ünï", "@at", "%25", "#hash", "'quote\"", "?&=+;"])
def test_names_that_are_accepted(rest: Rest, unique: str, suffix: str) -> None:
    name = unique + suffix
    rest.post("registered-models/create", {"name": name}).ok()
    assert get(rest, name)["name"] == name
    rest.post("model-versions/create", {"name": name, "source": "s3://b/p"}).ok()
    assert rest.get("model-versions/get", {"name": name, "version": "1"}).ok()["model_version"]["name"] == name


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ({"key": "k$", "value": "v"}, f"Invalid value \"k$\" for parameter 'key' supplied: {BAD_CHARACTERS}"),
        ({"key": "k" * 251, "value": "v"}, "'key' exceeds the maximum length of 250 characters"),
        ({"key": "k", "value": "v" * 100_001}, "'value' exceeds the maximum length of 100000 characters"),
        (
            {"key": "", "value": "v"},
            "Invalid value \"\" for parameter 'key' supplied: Names may be treated as files in certain cases, "
            "and must not resolve to other names when treated as such. This name would resolve to '.'",
        ),
    ],
)
def test_tags_that_are_refused(rest: Rest, unique: str, tag: dict[str, str], message: str) -> None:
    reply = rest.post("registered-models/create", {"name": unique, "tags": [tag]})
    assert message in reply.error(400, "INVALID_PARAMETER_VALUE")
    rest.get("registered-models/get", {"name": unique}).error(404, "RESOURCE_DOES_NOT_EXIST")


def test_bodies_of_other_kinds(rest: Rest, unique: str) -> None:
    path, body = "registered-models/create", json.dumps({"name": unique})
    text = rest.post(path, content=body, headers={"Content-Type": "text/plain"})
    assert ("Bad Request. Content-Type must be one of ['application/json'].") in text.error(
        400, "INVALID_PARAMETER_VALUE"
    )
    broken = rest.post(path, content="not json", headers={"Content-Type": "application/json"})
    broken.error(400, "INVALID_PARAMETER_VALUE")
    tags = rest.post(path, {"name": unique, "tags": "x"}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Invalid value \"x\" for parameter 'tags' supplied" in tags
    twice = rest.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert twice.ok()["registered_model"]["name"] == unique


def test_get_of_what_is_not_there(rest: Rest, unique: str) -> None:
    message = rest.get("registered-models/get", {"name": unique}).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert f"Registered Model with name={unique} not found" in message
    assert MISSING.format("name") in rest.get("registered-models/get").error(400, "INVALID_PARAMETER_VALUE")
    slash = rest.get("registered-models/get", {"name": "a/b"}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Invalid model name 'a/b'. Names cannot contain '/' or ':'." in slash


def test_update_sets_and_clears_the_description(rest: Rest, model: str) -> None:
    before = get(rest, model)
    updated = rest.patch("registered-models/update", {"name": model, "description": "new"}).ok()["registered_model"]
    assert updated["description"] == "new"
    assert updated["last_updated_timestamp"] > before["last_updated_timestamp"]
    assert updated["creation_timestamp"] == before["creation_timestamp"]
    cleared = rest.patch("registered-models/update", {"name": model}).ok()["registered_model"]
    assert "description" not in cleared


def test_update_of_what_is_not_there(rest: Rest, unique: str) -> None:
    body = {"name": unique, "description": "x"}
    message = rest.patch("registered-models/update", body).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert f"Registered Model with name={unique} not found" in message
    assert MISSING.format("name") in rest.patch("registered-models/update", {}).error(400, "INVALID_PARAMETER_VALUE")


def test_update_is_patch_only(rest: Rest, model: str) -> None:
    assert rest.post("registered-models/update", {"name": model, "description": "x"}).status == 405


def test_rename_takes_versions_tags_and_aliases_along(rest: Rest, model: str, new_version: NewVersion) -> None:
    new_version(tags=[{"key": "t", "value": "1"}])
    rest.post("registered-models/set-tag", {"name": model, "key": "k", "value": "v"}).ok()
    rest.post("registered-models/alias", {"name": model, "alias": "champion", "version": "1"}).ok()
    renamed = rest.post("registered-models/rename", {"name": model, "new_name": f"{model}-new"}).ok()
    renamed = renamed["registered_model"]
    assert renamed["name"] == f"{model}-new"
    assert renamed["tags"] == [{"key": "k", "value": "v"}]
    assert renamed["aliases"] == [{"alias": "champion", "version": "1"}]
    version = renamed["latest_versions"][0]
    assert version["name"] == f"{model}-new"
    assert version["last_updated_timestamp"] == renamed["last_updated_timestamp"]
    by_alias = rest.get("registered-models/alias", {"name": f"{model}-new", "alias": "champion"}).ok()
    assert by_alias["model_version"]["tags"] == [{"key": "t", "value": "1"}]
    rest.get("registered-models/get", {"name": model}).error(404, "RESOURCE_DOES_NOT_EXIST")
    rest.get("model-versions/get", {"name": model, "version": "1"}).error(404, "RESOURCE_DOES_NOT_EXIST")
    rest.post("registered-models/create", {"name": model}).ok()


def test_renames_that_are_refused(rest: Rest, model: str) -> None:
    path, taken = "registered-models/rename", f"{model}-taken"
    rest.post("registered-models/create", {"name": taken}).ok()
    message = rest.post(path, {"name": model, "new_name": taken}).error(400, "RESOURCE_ALREADY_EXISTS")
    assert f"Registered Model (name={taken}) already exists." in message
    message = rest.post(path, {"name": f"{model}-none", "new_name": "x"}).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert f"Registered Model with name={model}-none not found" in message
    message = rest.post(path, {"name": model, "new_name": "a/b"}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Invalid model name 'a/b'. Names cannot contain '/' or ':'." in message
    assert MISSING.format("new_name") in rest.post(path, {"name": model}).error(400, "INVALID_PARAMETER_VALUE")
    assert get(rest, model)["name"] == model


def test_rename_to_the_same_name(rest: Rest, model: str) -> None:
    assert rest.post("registered-models/rename", {"name": model, "new_name": model}).ok()


def test_delete_takes_everything_of_the_model(rest: Rest, model: str, new_version: NewVersion) -> None:
    new_version()
    rest.post("registered-models/set-tag", {"name": model, "key": "k", "value": "v"}).ok()
    rest.post("registered-models/alias", {"name": model, "alias": "champion", "version": "1"}).ok()
    assert rest.delete("registered-models/delete", {"name": model}).ok() == {}
    rest.get("registered-models/get", {"name": model}).error(404, "RESOURCE_DOES_NOT_EXIST")
    message = rest.delete("registered-models/delete", {"name": model}).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert f"Registered Model with name={model} not found" in message
    rest.post("registered-models/create", {"name": model}).ok()
    assert set(get(rest, model)) == {"name", "creation_timestamp", "last_updated_timestamp"}
    assert new_version()["version"] == "1"


def test_delete_reads_its_body_and_not_the_query(rest: Rest, model: str) -> None:
    reply = rest.delete("registered-models/delete", params={"name": model})
    assert MISSING.format("name") in reply.error(400, "INVALID_PARAMETER_VALUE")
    assert MISSING.format("name") in rest.delete("registered-models/delete", {}).error(400, "INVALID_PARAMETER_VALUE")
    assert get(rest, model)


def test_tags_are_set_replaced_and_deleted(rest: Rest, model: str) -> None:
    before = get(rest, model)
    assert rest.post("registered-models/set-tag", {"name": model, "key": "k", "value": "v"}).ok() == {}
    rest.post("registered-models/set-tag", {"name": model, "key": "k", "value": "w"}).ok()
    rest.post("registered-models/set-tag", {"name": model, "key": "empty"}).ok()
    after = get(rest, model)
    assert {tag["key"]: tag["value"] for tag in after["tags"]} == {"k": "w", "empty": ""}
    assert after["last_updated_timestamp"] == before["last_updated_timestamp"]
    assert rest.delete("registered-models/delete-tag", {"name": model, "key": "k"}).ok() == {}
    assert rest.delete("registered-models/delete-tag", {"name": model, "key": "k"}).ok() == {}
    assert get(rest, model)["tags"] == [{"key": "empty", "value": ""}]


def test_tag_errors(rest: Rest, model: str, unique: str) -> None:
    path = "registered-models/set-tag"
    missing = rest.post(path, {"name": model, "value": "v"}).error(400, "INVALID_PARAMETER_VALUE")
    assert MISSING.format("key") in missing
    body = {"name": f"{unique}-none", "key": "k", "value": "v"}
    assert (f"Registered Model with name={unique}-none not found") in rest.post(path, body).error(
        404, "RESOURCE_DOES_NOT_EXIST"
    )
    rest.delete("registered-models/delete-tag", body).error(404, "RESOURCE_DOES_NOT_EXIST")
    body = {"name": model, "key": "k", "value": "v" * 100_001}
    assert ("'value' exceeds the maximum length of 100000 characters") in rest.post(path, body).error(
        400, "INVALID_PARAMETER_VALUE"
    )
    rest.post(path, body | {"value": "v" * 100_000}).ok()
    message = rest.post(path, body | {"key": "k$", "value": ""}).error(400, "INVALID_PARAMETER_VALUE")
    assert f"Invalid value \"k$\" for parameter 'key' supplied: {BAD_CHARACTERS}" in message


@differs("registered-models/list left MLflow with 2.0; clients of 1.x ask for it")
def test_list_of_older_clients(rest: Rest, model: str) -> None:
    rest.post("registered-models/create", {"name": f"{model}-2"}).ok()
    names: list[str] = []
    token = ""
    while True:
        page = rest.get("registered-models/list", {"max_results": 1000} | ({"page_token": token} if token else {})).ok()
        names += [entry["name"] for entry in page["registered_models"]]
        token = page.get("next_page_token", "")
        if not token:
            break
    assert {model, f"{model}-2"} <= set(names)
    assert len(names) == len(set(names))
    first = rest.get("registered-models/list", {"max_results": 1}).ok()
    assert len(first["registered_models"]) == 1
    assert first["next_page_token"]


@differs("the preview prefix left MLflow with 2.0; clients of 1.x use it for the registry")
def test_the_preview_prefix_of_older_clients(rest: Rest, unique: str) -> None:
    root = "/api/2.0/preview/mlflow"
    rest.post(f"{root}/registered-models/create", {"name": unique}).ok()
    rest.post(f"{root}/model-versions/create", {"name": unique, "source": "s3://b/p"}).ok()
    got = rest.get(f"{root}/registered-models/get", {"name": unique}).ok()["registered_model"]
    assert got["latest_versions"][0]["version"] == "1"
    latest = rest.get(f"{root}/registered-models/get-latest-versions", {"name": unique}).ok()
    assert [version["version"] for version in latest["model_versions"]] == ["1"]
    rest.delete(f"{root}/registered-models/delete", {"name": unique}).ok()


def test_the_page_asks_under_its_own_prefix(rest: Rest, model: str) -> None:
    reply = rest.get("/ajax-api/2.0/mlflow/registered-models/get", {"name": model})
    assert reply.ok()["registered_model"]["name"] == model
