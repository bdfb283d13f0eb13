"""Aliases of model versions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.registry.conftest import NewVersion
from tests.mlflow.rest import Rest

PATH = "registered-models/alias"
BAD_NAME = "Invalid alias name: '{}'. Names may only contain alphanumerics, underscores (_), and dashes (-)."


def set_alias(rest: Rest, model: str, alias: Any, version: Any = "1") -> Any:
    return rest.post(PATH, {"name": model, "alias": alias, "version": version})


def test_an_alias_points_to_a_version_and_moves(rest: Rest, model: str, new_version: NewVersion) -> None:
    first, second = new_version(), new_version()
    assert set_alias(rest, model, "champion").ok() == {}
    got = rest.get(PATH, {"name": model, "alias": "champion"}).ok()
    assert got == {"model_version": first | {"aliases": ["champion"]}}
    set_alias(rest, model, "champion", "2").ok()
    got = rest.get(PATH, {"name": model, "alias": "champion"}).ok()
    assert got == {"model_version": second | {"aliases": ["champion"]}}
    assert "aliases" not in rest.get("model-versions/get", {"name": model, "version": "1"}).ok()["model_version"]


def test_where_aliases_are_told(rest: Rest, model: str, new_version: NewVersion) -> None:
    new_version()
    for alias in ("b", "a"):
        set_alias(rest, model, alias).ok()
    where = {"name": model, "version": "1"}
    assert rest.get("model-versions/get", where).ok()["model_version"]["aliases"] == ["a", "b"]
    updated = rest.patch("model-versions/update", where | {"description": "x"}).ok()["model_version"]
    assert updated["aliases"] == ["a", "b"]
    moved = rest.post("model-versions/transition-stage", where | {"stage": "Staging"}).ok()["model_version"]
    assert moved["aliases"] == ["a", "b"]
    told = [{"alias": "a", "version": "1"}, {"alias": "b", "version": "1"}]
    registered = rest.get("registered-models/get", {"name": model}).ok()["registered_model"]
    assert registered["aliases"] == told
    assert "aliases" not in registered["latest_versions"][0]
    (searched,) = rest.get("registered-models/search", {"filter": f"name = '{model}'"}).ok()["registered_models"]
    assert searched == registered
    (version,) = rest.get("model-versions/search", {"filter": f"name = '{model}'"}).ok()["model_versions"]
    assert "aliases" not in version


def test_latest_is_an_alias_of_its_own(rest: Rest, model: str, new_version: NewVersion) -> None:
    for _ in range(3):
        new_version()
    body = {"name": model, "version": "3", "stage": "Archived"}
    rest.post("model-versions/transition-stage", body).ok()
    for word in ("latest", "LATEST"):
        assert rest.get(PATH, {"name": model, "alias": word}).ok()["model_version"]["version"] == "3"


def test_latest_of_nothing(rest: Rest, model: str) -> None:
    message = rest.get(PATH, {"name": model, "alias": "latest"}).error(404, "RESOURCE_DOES_NOT_EXIST")
    assert f"Latest version not found for model {model}." in message


def test_unknown_aliases_and_models(rest: Rest, model: str) -> None:
    message = rest.get(PATH, {"name": model, "alias": "none"}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Registered model alias none not found." in message
    for alias in ("champion", "latest"):
        message = rest.get(PATH, {"name": f"{model}-none", "alias": alias}).error(404, "RESOURCE_DOES_NOT_EXIST")
        assert f"Registered Model with name={model}-none not found" in message
    message = rest.get(PATH, {"name": model}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Missing value for required parameter 'alias'." in message


@pytest.mark.parametrize(
    ("alias", "message"),
    [
        ("latest", "'latest' alias name (case insensitive) is reserved."),
        ("LaTest", "'latest' alias name (case insensitive) is reserved."),
        ("v1", "Version alias name 'v1' is reserved."),
        ("V12", "Version alias name 'V12' is reserved."),
        ("a b", BAD_NAME.format("a b")),
        ("a/b", BAD_NAME.format("a/b")),
        ("a.b", BAD_NAME.format("a.b")),
        ("a@b", BAD_NAME.format("a@b")),
        ("a" * 256, "'Registered model alias name' exceeds the maximum length of 255 characters"),
    ],
)
def test_names_that_are_refused(rest: Rest, model: str, new_version: NewVersion, alias: str, message: str) -> None:
    new_version()
    assert message in set_alias(rest, model, alias).error(400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("alias", ["v1x", "1", "a-b_c", "é", "a" * 255, "vv1", "v"])
def test_names_that_are_accepted(rest: Rest, model: str, new_version: NewVersion, alias: str) -> None:
    new_version()
    set_alias(rest, model, alias).ok()
    assert rest.get(PATH, {"name": model, "alias": alias}).ok()["model_version"]["aliases"] == [alias]


@differs("the original's pattern overlooks a line break at the end of a name")
def test_a_line_break_is_no_alias(rest: Rest, model: str, new_version: NewVersion) -> None:
    new_version()
    set_alias(rest, model, "a\n").error(400, "INVALID_PARAMETER_VALUE")


def test_an_alias_needs_a_version_that_is_there(rest: Rest, model: str) -> None:
    message = set_alias(rest, model, "a", "99").error(404, "RESOURCE_DOES_NOT_EXIST")
    assert f"Model Version (name={model}, version=99) not found" in message
    message = set_alias(rest, model, "a", "x").error(400, "INVALID_PARAMETER_VALUE")
    assert "Parameter 'version' must be an integer, got 'x'." in message
    message = set_alias(rest, model, "a", 1).error(400, "INVALID_PARAMETER_VALUE")
    assert "Invalid value 1 for parameter 'version' supplied" in message
    message = rest.post(PATH, {"name": model, "alias": "a"}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Missing value for required parameter 'version'." in message
    message = set_alias(rest, f"{model}-none", "a").error(404, "RESOURCE_DOES_NOT_EXIST")
    assert f"Model Version (name={model}-none, version=1) not found" in message


def test_delete(rest: Rest, model: str, new_version: NewVersion) -> None:
    new_version()
    set_alias(rest, model, "champion").ok()
    assert rest.delete(PATH, {"name": model, "alias": "champion"}).ok() == {}
    assert rest.delete(PATH, {"name": model, "alias": "champion"}).ok() == {}
    rest.get(PATH, {"name": model, "alias": "champion"}).error(400, "INVALID_PARAMETER_VALUE")
    reply = rest.delete(PATH, {"name": f"{model}-none", "alias": "champion"})
    assert f"Registered Model with name={model}-none not found" in reply.error(404, "RESOURCE_DOES_NOT_EXIST")
    message = rest.delete(PATH, {"name": model}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Missing value for required parameter 'alias'." in message
