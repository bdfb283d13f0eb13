"""Prompts, which are stored as registered models: raw requests first, then the client's own functions."""

from __future__ import annotations

from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tests.mlflow.rest import Rest

IS_PROMPT = {"key": "mlflow.prompt.is_prompt", "value": "true"}
TEXT = {"key": "mlflow.prompt.text", "value": "Hello {{name}}"}


@pytest.fixture
def prompt(rest: Rest, unique: str) -> str:
    """The name of a fresh prompt with one version."""
    rest.post("registered-models/create", {"name": unique, "tags": [IS_PROMPT]}).ok()
    new_version(rest, unique)
    return unique


def new_version(rest: Rest, name: str, source: str = "dummy-source") -> Any:
    body = {"name": name, "source": source, "tags": [IS_PROMPT, TEXT]}
    return rest.post("model-versions/create", body).ok()["model_version"]


def names(rest: Rest, filter: str) -> list[str]:
    answer = rest.get("registered-models/search", {"filter": filter}).ok()
    return [entry["name"] for entry in answer.get("registered_models", [])]


def versions(rest: Rest, filter: str) -> list[str]:
    answer = rest.get("model-versions/search", {"filter": filter}).ok()
    return [entry["version"] for entry in answer.get("model_versions", [])]


@pytest.mark.parametrize("source", ["dummy-source", "prompt-template"])
def test_a_prompt_version_has_a_placeholder_as_source(rest: Rest, prompt: str, source: str) -> None:
    version = new_version(rest, prompt, source)
    assert (version["version"], version["source"]) == ("2", source)
    assert {tag["key"]: tag["value"] for tag in version["tags"]} == {
        "mlflow.prompt.is_prompt": "true",
        "mlflow.prompt.text": "Hello {{name}}",
    }


def test_a_prompt_version_has_no_other_source(rest: Rest, prompt: str) -> None:
    body = {"name": prompt, "source": "s3://b/p", "tags": [IS_PROMPT, TEXT]}
    message = rest.post("model-versions/create", body).error(400, "INVALID_PARAMETER_VALUE")
    assert "Invalid prompt source: 's3://b/p'. Prompt sources must use an MLflow placeholder." in message


def test_only_prompts_have_a_placeholder_as_source(rest: Rest, unique: str) -> None:
    rest.post("registered-models/create", {"name": unique}).ok()
    reply = rest.post("model-versions/create", {"name": unique, "source": "dummy-source"})
    reply.error(400, "INVALID_PARAMETER_VALUE")


def test_a_prompt_is_no_source_of_a_model(rest: Rest, prompt: str) -> None:
    rest.post("registered-models/create", {"name": f"{prompt}-model"}).ok()
    body = {"name": f"{prompt}-model", "source": f"models:/{prompt}/1"}
    message = rest.post("model-versions/create", body).error(400, "INVALID_PARAMETER_VALUE")
    assert (
        f"Invalid model version source: 'models:/{prompt}/1'. Prompt versions cannot be used as model version sources."
    ) in message


def test_prompts_and_models_share_their_names(rest: Rest, prompt: str) -> None:
    path, model = "registered-models/create", f"{prompt}-model"
    rest.post(path, {"name": model}).ok()
    again = rest.post(path, {"name": prompt, "tags": [IS_PROMPT]}).error(400, "RESOURCE_ALREADY_EXISTS")
    assert f"Prompt (name={prompt}) already exists." in again
    taken = rest.post(path, {"name": prompt}).error(400, "RESOURCE_ALREADY_EXISTS")
    assert (
        f"Tried to create a registered model with name '{prompt}', but the name is already taken by a prompt. "
        "MLflow does not allow creating a model and a prompt with the same name."
    ) in taken
    taken = rest.post(path, {"name": model, "tags": [IS_PROMPT]}).error(400, "RESOURCE_ALREADY_EXISTS")
    assert (
        f"Tried to create a prompt with name '{model}', but the name is already taken by a registered model. "
        "MLflow does not allow creating a model and a prompt with the same name."
    ) in taken


@pytest.mark.parametrize(
    ("condition", "prompts"),
    [
        ("= 'true'", True),
        ('= "true"', True),
        ("!= 'false'", True),
        ("= 'false'", False),
        ("!= 'true'", False),
    ],
)
def test_searches_find_prompts_or_models(rest: Rest, prompt: str, condition: str, prompts: bool) -> None:
    rest.post("registered-models/create", {"name": f"{prompt}-model"}).ok()
    rest.post("model-versions/create", {"name": f"{prompt}-model", "source": "s3://b/p"}).ok()
    new_version(rest, prompt)
    filter = f"name LIKE '{prompt}%' AND tags.`mlflow.prompt.is_prompt` {condition}"
    assert names(rest, filter) == ([prompt] if prompts else [f"{prompt}-model"])
    assert versions(rest, filter) == (["2", "1"] if prompts else ["1"])


def test_searches_leave_prompts_out_unless_asked(rest: Rest, prompt: str) -> None:
    assert names(rest, f"name = '{prompt}'") == []
    assert versions(rest, f"name = '{prompt}'") == []
    assert rest.get("registered-models/get", {"name": prompt}).ok()["registered_model"]["tags"] == [IS_PROMPT]


def test_the_page_asks_for_the_prompts_of_a_run(rest: Rest, prompt: str) -> None:
    body = {"name": prompt, "version": "1", "key": "mlflow.prompt.run_ids", "value": "r1,abc123,r2"}
    rest.post("model-versions/set-tag", body).ok()
    prompts = "tags.`mlflow.prompt.is_prompt` = 'true' AND tags.`mlflow.prompt.run_ids` ILIKE \"%abc123%\""
    assert versions(rest, f"{prompts} AND name = '{prompt}'") == ["1"]


def test_a_prompt_text_has_a_limit(rest: Rest, prompt: str) -> None:
    tags = [IS_PROMPT, {"key": "mlflow.prompt.text", "value": "x" * 100_001}]
    reply = rest.post("model-versions/create", {"name": prompt, "source": "dummy-source", "tags": tags})
    assert "Prompt text exceeds max length of 100000 characters." in reply.error(400, "INVALID_PARAMETER_VALUE")


@pytest.mark.usefixtures("fluent")
def test_register_and_load(unique: str) -> None:
    first = mlflow.genai.register_prompt(unique, "Hello {{name}}", commit_message="first", tags={"a": "b"})
    assert (first.name, first.version, first.template) == (unique, 1, "Hello {{name}}")
    assert (first.commit_message, first.tags, first.variables) == ("first", {"a": "b"}, {"name"})
    second = mlflow.genai.register_prompt(unique, [{"role": "user", "content": "Hi {{name}}"}])
    assert second.version == 2
    assert mlflow.genai.load_prompt(unique, version=1).format(name="World") == "Hello World"
    assert mlflow.genai.load_prompt(f"prompts:/{unique}/2").template == [{"role": "user", "content": "Hi {{name}}"}]
    assert mlflow.genai.load_prompt(f"prompts:/{unique}@latest").version == 2
    assert mlflow.genai.load_prompt(unique).version == 2
    assert mlflow.genai.load_prompt(f"{unique}-none", allow_missing=True) is None


@pytest.mark.usefixtures("fluent")
def test_aliases_and_tags_of_prompts(unique: str) -> None:
    mlflow.genai.register_prompt(unique, "one")
    mlflow.genai.register_prompt(unique, "two")
    mlflow.genai.set_prompt_alias(unique, "production", 1)
    assert mlflow.genai.load_prompt(f"prompts:/{unique}@production").template == "one"
    mlflow.genai.set_prompt_alias(unique, "production", 2)
    assert mlflow.genai.load_prompt(f"prompts:/{unique}@production").template == "two"
    mlflow.genai.delete_prompt_alias(unique, "production")
    with pytest.raises(MlflowException, match="alias production not found"):
        mlflow.genai.load_prompt(f"prompts:/{unique}@production")
    mlflow.genai.set_prompt_tag(unique, "k", "v")
    mlflow.genai.set_prompt_version_tag(unique, 1, "k", "w")
    assert mlflow.genai.get_prompt_tags(unique)["k"] == "v"
    assert mlflow.genai.load_prompt(unique, version=1).tags["k"] == "w"
    mlflow.genai.delete_prompt_tag(unique, "k")
    mlflow.genai.delete_prompt_version_tag(unique, 1, "k")
    assert "k" not in mlflow.genai.get_prompt_tags(unique)


@pytest.mark.usefixtures("fluent")
def test_search_and_delete_prompts(client: MlflowClient, unique: str) -> None:
    mlflow.genai.register_prompt(unique, "one")
    assert [prompt.name for prompt in mlflow.genai.search_prompts(f"name = '{unique}'")] == [unique]
    with pytest.raises(MlflowException):
        client.get_registered_model(f"{unique}-none")
    client.delete_prompt_version(unique, "1")
    client.delete_prompt(unique)
    assert list(mlflow.genai.search_prompts(f"name = '{unique}'")) == []


def test_a_run_remembers_the_prompts_it_loaded(fluent: str, client: MlflowClient, unique: str) -> None:
    mlflow.genai.register_prompt(unique, "one")
    with mlflow.start_run(experiment_id=fluent) as run:
        mlflow.genai.load_prompt(unique, version=1)
    linked = client.get_run(run.info.run_id).data.tags["mlflow.linkedPrompts"]
    assert linked == f'[{{"name": "{unique}", "version": "1"}}]'
