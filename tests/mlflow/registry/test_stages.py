"""Stages: transitions, archiving what was there, and the latest version of each stage."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.registry.conftest import NewVersion
from tests.mlflow.rest import Rest

BAD_STAGE = "Invalid Model Version stage: {}. Value must be one of None, Staging, Production, Archived."


def move(rest: Rest, model: str, version: int, stage: str, **more: Any) -> Any:
    body = {"name": model, "version": str(version), "stage": stage} | more
    return rest.post("model-versions/transition-stage", body)


def stages(rest: Rest, model: str) -> dict[str, str]:
    found = rest.get("model-versions/search", {"filter": f"name = '{model}'"}).ok()["model_versions"]
    return {version["version"]: version["current_stage"] for version in found}


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("Staging", "Staging"),
        ("staging", "Staging"),
        ("PRODUCTION", "Production"),
        ("archived", "Archived"),
        ("none", "None"),
    ],
)
def test_stages_in_any_case(rest: Rest, model: str, new_version: NewVersion, given: str, canonical: str) -> None:
    before = new_version()
    moved = move(rest, model, 1, given).ok()["model_version"]
    assert moved["current_stage"] == canonical
    assert moved["last_updated_timestamp"] > before["last_updated_timestamp"]
    assert set(moved) == set(before)
    registered = rest.get("registered-models/get", {"name": model}).ok()["registered_model"]
    assert registered["last_updated_timestamp"] == moved["last_updated_timestamp"]


def test_archiving_what_was_in_the_stage(rest: Rest, model: str, new_version: NewVersion) -> None:
    for _ in range(4):
        new_version()
    move(rest, model, 1, "Production").ok()
    move(rest, model, 2, "Production").ok()
    move(rest, model, 3, "Staging").ok()
    moved = move(rest, model, 4, "Production", archive_existing_versions=True).ok()["model_version"]
    assert stages(rest, model) == {"1": "Archived", "2": "Archived", "3": "Staging", "4": "Production"}
    archived = rest.get("model-versions/get", {"name": model, "version": "1"}).ok()["model_version"]
    assert archived["last_updated_timestamp"] == moved["last_updated_timestamp"]


def test_without_archiving_versions_share_a_stage(rest: Rest, model: str, new_version: NewVersion) -> None:
    for version in (1, 2):
        new_version()
        move(rest, model, version, "Production", archive_existing_versions=False).ok()
    assert stages(rest, model) == {"1": "Production", "2": "Production"}


def test_archiving_keeps_the_version_itself(rest: Rest, model: str, new_version: NewVersion) -> None:
    new_version()
    move(rest, model, 1, "Production").ok()
    again = move(rest, model, 1, "Production", archive_existing_versions=True).ok()["model_version"]
    assert again["current_stage"] == "Production"


def test_transitions_that_are_refused(rest: Rest, model: str, new_version: NewVersion) -> None:
    new_version()
    assert BAD_STAGE.format("foo") in move(rest, model, 1, "foo").error(400, "INVALID_PARAMETER_VALUE")
    unknown = move(rest, model, 99, "Staging").error(404, "RESOURCE_DOES_NOT_EXIST")
    assert f"Model Version (name={model}, version=99) not found" in unknown
    reply = rest.post("model-versions/transition-stage", {"name": model, "version": "1"})
    assert "Missing value for required parameter 'stage'." in reply.error(400, "INVALID_PARAMETER_VALUE")
    text = move(rest, model, 1, "Staging", archive_existing_versions="true").error(400, "INVALID_PARAMETER_VALUE")
    assert "Invalid value \"true\" for parameter 'archive_existing_versions' supplied" in text
    assert stages(rest, model) == {"1": "None"}


@pytest.mark.parametrize("stage", ["Archived", "None"])
@differs("the original answers 500 where the request is wrong, and clients retry a 500")
def test_only_active_stages_archive(rest: Rest, model: str, new_version: NewVersion, stage: str) -> None:
    new_version()
    message = move(rest, model, 1, stage, archive_existing_versions=True).error(400, "INVALID_PARAMETER_VALUE")
    assert (
        "Model version transition cannot archive existing model versions because "
        f"'{stage}' is not an Active stage. Valid stages are ['Staging', 'Production']"
    ) in message


@pytest.fixture
def spread(rest: Rest, model: str, new_version: NewVersion) -> str:
    """A model with versions 1 None, 2 Staging, 3 Production, 4 Production, 5 None, 6 Archived but deleted."""
    for _ in range(6):
        new_version()
    for version, stage in ((2, "Staging"), (3, "Production"), (4, "Production"), (6, "Archived")):
        move(rest, model, version, stage).ok()
    rest.delete("model-versions/delete", {"name": model, "version": "6"}).ok()
    return model


def latest(answer: Any) -> dict[str, str]:
    return {version["current_stage"]: version["version"] for version in answer.get("model_versions", [])}


def test_the_latest_version_of_each_stage(rest: Rest, spread: str) -> None:
    everywhere = {"None": "5", "Staging": "2", "Production": "4"}
    path = "registered-models/get-latest-versions"
    assert latest(rest.get(path, {"name": spread}).ok()) == everywhere
    assert latest(rest.post(path, {"name": spread}).ok()) == everywhere
    assert latest(rest.post(path, {"name": spread, "stages": []}).ok()) == everywhere
    registered = rest.get("registered-models/get", {"name": spread}).ok()["registered_model"]
    assert latest({"model_versions": registered["latest_versions"]}) == everywhere


def test_the_latest_version_of_given_stages(rest: Rest, spread: str) -> None:
    path = "registered-models/get-latest-versions"
    assert latest(rest.get(path, {"name": spread, "stages": ["Production", "staging"]}).ok()) == {
        "Staging": "2",
        "Production": "4",
    }
    assert latest(rest.get(path, {"name": spread, "stages": "production"}).ok()) == {"Production": "4"}
    assert latest(rest.post(path, {"name": spread, "stages": ["None"]}).ok()) == {"None": "5"}
    assert rest.post(path, {"name": spread, "stages": ["Archived"]}).ok() == {}


def test_latest_versions_tell_their_aliases(rest: Rest, spread: str) -> None:
    rest.post("registered-models/alias", {"name": spread, "alias": "champion", "version": "4"}).ok()
    answer = rest.post("registered-models/get-latest-versions", {"name": spread, "stages": ["Production"]}).ok()
    assert answer["model_versions"][0]["aliases"] == ["champion"]


def test_latest_versions_errors(rest: Rest, model: str, unique: str) -> None:
    path = "registered-models/get-latest-versions"
    assert rest.get(path, {"name": model}).ok() == {}
    message = rest.post(path, {"name": model, "stages": ["foo"]}).error(400, "INVALID_PARAMETER_VALUE")
    assert BAD_STAGE.format("foo") in message
    text = rest.post(path, {"name": model, "stages": "Production"}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Invalid value \"Production\" for parameter 'stages' supplied" in text
    unknown = rest.post(path, {"name": f"{unique}-none"}).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert f"Registered Model with name={unique}-none not found" in unknown
    assert "Missing value for required" in rest.post(path, {}).error(400, "INVALID_PARAMETER_VALUE")
