"""Model versions: create, get, update, delete, tags, download URIs, and what they know of runs and logged models."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.registry.conftest import NewVersion
from tests.mlflow.rest import Rest

MISSING = "Missing value for required parameter '{}'."
FIELDS = {
    "name",
    "version",
    "creation_timestamp",
    "last_updated_timestamp",
    "current_stage",
    "description",
    "source",
    "run_id",
    "status",
    "run_link",
}


def get(rest: Rest, name: str, version: str = "1") -> Any:
    return rest.get("model-versions/get", {"name": name, "version": version}).ok()["model_version"]


def test_create_answers_these_fields(rest: Rest, model: str, new_version: NewVersion) -> None:
    version = new_version()
    assert set(version) == FIELDS
    assert version["name"] == model
    assert version["version"] == "1"
    assert isinstance(version["creation_timestamp"], int)
    assert version["last_updated_timestamp"] == version["creation_timestamp"]
    fixed = {key: version[key] for key in ("current_stage", "description", "source", "run_id", "status", "run_link")}
    assert fixed == {
        "current_stage": "None",
        "description": "",
        "source": "s3://bucket/model",
        "run_id": "",
        "status": "READY",
        "run_link": "",
    }
    assert get(rest, model) == version


def test_create_with_everything(rest: Rest, model: str, new_version: NewVersion, run: Any) -> None:
    version = new_version(
        source=run["artifact_uri"] + "/model",
        run_id=run["run_id"],
        run_link="https://elsewhere/run",
        description="first",
        tags=[{"key": "k", "value": "v"}, {"key": "k", "value": "w"}, {"key": "empty"}],
        unknown=1,
    )
    assert set(version) == FIELDS | {"tags"}
    assert version["source"] == run["artifact_uri"] + "/model"
    assert version["run_id"] == run["run_id"]
    assert version["run_link"] == "https://elsewhere/run"
    assert version["description"] == "first"
    assert {tag["key"]: tag["value"] for tag in version["tags"]} == {"k": "w", "empty": ""}
    assert get(rest, model) == version


def test_create_moves_the_models_time(rest: Rest, model: str, new_version: NewVersion) -> None:
    version = new_version()
    registered = rest.get("registered-models/get", {"name": model}).ok()["registered_model"]
    assert registered["last_updated_timestamp"] == version["creation_timestamp"]
    assert registered["latest_versions"] == [version]


@pytest.mark.parametrize("missing", ["name", "source"])
@pytest.mark.parametrize("empty", [False, True])
def test_create_needs_name_and_source(rest: Rest, model: str, missing: str, empty: bool) -> None:
    body = {"name": model, "source": "s3://b/p"}
    body = body | {missing: ""} if empty else {key: value for key, value in body.items() if key != missing}
    message = rest.post("model-versions/create", body).error(400, "INVALID_PARAMETER_VALUE")
    assert MISSING.format(missing) in message


def test_create_for_an_unknown_model(rest: Rest, unique: str) -> None:
    body = {"name": unique, "source": "s3://b/p"}
    message = rest.post("model-versions/create", body).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert f"Registered Model with name={unique} not found" in message


def test_a_bad_tag_makes_no_version(rest: Rest, model: str, new_version: NewVersion) -> None:
    body = {"name": model, "source": "s3://b/p", "tags": [{"key": "k$", "value": "v"}]}
    rest.post("model-versions/create", body).error(400, "INVALID_PARAMETER_VALUE")
    assert new_version()["version"] == "1"


def test_numbers_of_deleted_versions_are_not_used_again(rest: Rest, model: str, new_version: NewVersion) -> None:
    assert [new_version()["version"] for _ in range(3)] == ["1", "2", "3"]
    assert rest.delete("model-versions/delete", {"name": model, "version": "3"}).ok() == {}
    assert new_version()["version"] == "4"
    rest.delete("model-versions/delete", {"name": model, "version": "4"}).ok()
    rest.delete("model-versions/delete", {"name": model, "version": "1"}).ok()
    assert new_version()["version"] == "5"


def test_a_deleted_version_is_gone(rest: Rest, model: str, new_version: NewVersion) -> None:
    new_version(tags=[{"key": "t", "value": "v"}])
    new_version()
    rest.post("registered-models/alias", {"name": model, "alias": "champion", "version": "1"}).ok()
    rest.delete("model-versions/delete", {"name": model, "version": "1"}).ok()
    where = {"name": model, "version": "1"}
    gone = f"Model Version (name={model}, version=1) not found"
    assert gone in rest.get("model-versions/get", where).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert gone in rest.get("model-versions/get-download-uri", where).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert gone in rest.delete("model-versions/delete", where).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert rest.patch("model-versions/update", where | {"description": "x"}).error(404, "RESOURCE_DOES_NOT_EXIST")
    rest.post("model-versions/set-tag", where | {"key": "a", "value": "b"}).error(404, "RESOURCE_DOES_NOT_EXIST")
    rest.post("registered-models/alias", where | {"alias": "a"}).error(404, "RESOURCE_DOES_NOT_EXIST")
    rest.post("model-versions/transition-stage", where | {"stage": "Staging"}).error(404, "RESOURCE_DOES_NOT_EXIST")
    alias = rest.get("registered-models/alias", {"name": model, "alias": "champion"})
    assert "Registered model alias champion not found." in alias.error(400, "INVALID_PARAMETER_VALUE")
    found = rest.get("model-versions/search", {"filter": f"name = '{model}'"}).ok()["model_versions"]
    assert [version["version"] for version in found] == ["2"]
    registered = rest.get("registered-models/get", {"name": model}).ok()["registered_model"]
    assert [version["version"] for version in registered["latest_versions"]] == ["2"]
    assert "aliases" not in registered


@pytest.mark.parametrize(
    ("query", "status", "code", "message"),
    [
        ({"version": "99"}, 404, "RESOURCE_DOES_NOT_EXIST", "Model Version (name={name}, version=99) not found"),
        ({"version": "x"}, 400, "INVALID_PARAMETER_VALUE", "Parameter 'version' must be an integer, got 'x'."),
        ({}, 400, "INVALID_PARAMETER_VALUE", MISSING.format("version")),
        ({"version": "1", "name": ""}, 400, "INVALID_PARAMETER_VALUE", MISSING.format("name")),
    ],
)
def test_get_errors(
    rest: Rest, model: str, new_version: NewVersion, query: dict[str, str], status: int, code: str, message: str
) -> None:
    new_version()
    reply = rest.get("model-versions/get", {"name": model} | query)
    assert message.format(name=model) in reply.error(status, code)


def test_get_of_an_unknown_model_names_model_and_version(rest: Rest, unique: str) -> None:
    reply = rest.get("model-versions/get", {"name": unique, "version": "1"})
    assert f"Model Version (name={unique}, version=1) not found" in reply.error(404, "RESOURCE_DOES_NOT_EXIST")


def test_a_version_in_a_body_is_a_string(rest: Rest, model: str, new_version: NewVersion) -> None:
    new_version()
    reply = rest.patch("model-versions/update", {"name": model, "version": 1, "description": "x"})
    message = reply.error(400, "INVALID_PARAMETER_VALUE")
    assert "Invalid value 1 for parameter 'version' supplied" in message


def test_a_leading_zero_is_the_same_version(rest: Rest, model: str, new_version: NewVersion) -> None:
    new_version()
    assert get(rest, model, "01")["version"] == "1"


def test_update_sets_empties_and_clears_the_description(rest: Rest, model: str, new_version: NewVersion) -> None:
    before = new_version(description="first")
    where = {"name": model, "version": "1"}
    updated = rest.patch("model-versions/update", where | {"description": "new"}).ok()["model_version"]
    assert updated["description"] == "new"
    assert updated["last_updated_timestamp"] > before["last_updated_timestamp"]
    emptied = rest.patch("model-versions/update", where | {"description": ""}).ok()["model_version"]
    assert emptied["description"] == ""
    cleared = rest.patch("model-versions/update", where).ok()["model_version"]
    assert set(cleared) == FIELDS - {"description"}
    assert get(rest, model) == cleared


def test_update_needs_a_version(rest: Rest, model: str) -> None:
    message = rest.patch("model-versions/update", {"name": model}).error(400, "INVALID_PARAMETER_VALUE")
    assert MISSING.format("version") in message


def test_tags_are_set_replaced_and_deleted(rest: Rest, model: str, new_version: NewVersion) -> None:
    before = new_version()
    where = {"name": model, "version": "1"}
    assert rest.post("model-versions/set-tag", where | {"key": "k", "value": "v"}).ok() == {}
    rest.post("model-versions/set-tag", where | {"key": "k", "value": "w"}).ok()
    rest.post("model-versions/set-tag", where | {"key": "empty"}).ok()
    after = get(rest, model)
    assert {tag["key"]: tag["value"] for tag in after["tags"]} == {"k": "w", "empty": ""}
    assert after["last_updated_timestamp"] == before["last_updated_timestamp"]
    assert rest.delete("model-versions/delete-tag", where | {"key": "k"}).ok() == {}
    assert rest.delete("model-versions/delete-tag", where | {"key": "k"}).ok() == {}
    assert get(rest, model)["tags"] == [{"key": "empty", "value": ""}]


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        ({"version": "x"}, 400, "INVALID_PARAMETER_VALUE", "Parameter 'version' must be an integer, got 'x'."),
        ({"version": "99"}, 404, "RESOURCE_DOES_NOT_EXIST", "Model Version (name={name}, version=99) not found"),
        (
            {"value": "v" * 100_001},
            400,
            "INVALID_PARAMETER_VALUE",
            "'value' exceeds the maximum length of 100000 characters",
        ),
        ({"key": "k" * 251}, 400, "INVALID_PARAMETER_VALUE", "'key' exceeds the maximum length of 250 characters"),
        ({"key": ""}, 400, "INVALID_PARAMETER_VALUE", MISSING.format("key")),
    ],
)
def test_tag_errors(
    rest: Rest, model: str, new_version: NewVersion, body: dict[str, str], status: int, code: str, message: str
) -> None:
    new_version()
    body = {"name": model, "version": "1", "key": "k", "value": "v"} | body
    reply = rest.post("model-versions/set-tag", body)
    assert message.format(name=model) in reply.error(status, code)
    assert "tags" not in get(rest, model)


def test_deleting_a_tag_of_an_unknown_version(rest: Rest, model: str) -> None:
    reply = rest.delete("model-versions/delete-tag", {"name": model, "version": "7", "key": "k"})
    assert f"Model Version (name={model}, version=7) not found" in reply.error(404, "RESOURCE_DOES_NOT_EXIST")


def test_the_download_uri_is_the_source(rest: Rest, model: str, new_version: NewVersion, run: Any) -> None:
    new_version(source=run["artifact_uri"] + "/model", run_id=run["run_id"])
    answer = rest.get("model-versions/get-download-uri", {"name": model, "version": "1"}).ok()
    assert answer == {"artifact_uri": run["artifact_uri"] + "/model"}
    reply = rest.get("model-versions/get-download-uri", {"name": model, "version": "9"})
    assert f"Model Version (name={model}, version=9) not found" in reply.error(404, "RESOURCE_DOES_NOT_EXIST")
    rest.get("model-versions/get-download-uri", {"name": model}).error(400, "INVALID_PARAMETER_VALUE")


def test_the_download_uri_after_a_rename(rest: Rest, model: str, new_version: NewVersion) -> None:
    new_version()
    rest.post("registered-models/rename", {"name": model, "new_name": f"{model}-2"}).ok()
    answer = rest.get("model-versions/get-download-uri", {"name": f"{model}-2", "version": "1"}).ok()
    assert answer == {"artifact_uri": "s3://bucket/model"}


def test_versions_survive_the_deletion_of_their_run(rest: Rest, model: str, new_version: NewVersion, run: Any) -> None:
    version = new_version(source=run["artifact_uri"] + "/model", run_id=run["run_id"])
    rest.post("runs/delete", {"run_id": run["run_id"]}).ok()
    assert get(rest, model) == version
    found = rest.get("model-versions/search", {"filter": f"run_id = '{run['run_id']}'"}).ok()["model_versions"]
    assert found == [version]


def test_versions_can_be_made_of_a_deleted_run(rest: Rest, new_version: NewVersion, run: Any) -> None:
    rest.post("runs/delete", {"run_id": run["run_id"]}).ok()
    assert new_version(source=run["artifact_uri"] + "/model", run_id=run["run_id"])["run_id"] == run["run_id"]


def test_a_version_of_a_logged_model_takes_over_its_run(
    rest: Rest, model: str, new_version: NewVersion, run: Any, logged_model: Any
) -> None:
    version = new_version(source=f"models:/{logged_model['model_id']}", model_id=logged_model["model_id"])
    assert set(version) == FIELDS
    assert version["run_id"] == run["run_id"]
    assert version["source"] == f"models:/{logged_model['model_id']}"
    answer = rest.get("model-versions/get-download-uri", {"name": model, "version": "1"}).ok()
    assert answer == {"artifact_uri": logged_model["artifact_uri"]}


def test_a_logged_model_is_told_its_versions(
    rest: Rest, model: str, new_version: NewVersion, logged_model: Any
) -> None:
    source = {"source": f"models:/{logged_model['model_id']}", "model_id": logged_model["model_id"]}
    new_version(**source)
    new_version(**source)
    info = rest.get(f"logged-models/{logged_model['model_id']}").ok()["model"]["info"]
    expected = f'[{{"name": "{model}", "version": 1}}, {{"name": "{model}", "version": 2}}]'
    assert info["tags"] == [{"key": "mlflow.modelVersions", "value": expected}]


def test_a_version_of_an_unknown_logged_model(rest: Rest, model: str) -> None:
    body = {"name": model, "source": "s3://b/p", "model_id": "m-none"}
    reply = rest.post("model-versions/create", body)
    assert "Logged model with ID 'm-none' not found." in reply.error(404, "RESOURCE_DOES_NOT_EXIST")
