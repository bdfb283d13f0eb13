"""What the registry accepts, and what it says of what is not there (MLflow's rules and messages)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import Connection

from mainspring.kit.errors import AlreadyExists, InvalidArgument, NotFound
from mainspring.kit.names import check_key, check_length, invalid_value, missing_value
from mainspring.modules.registry import store
from mainspring.modules.registry.schemas import PROMPT_TAG, ModelVersion, RegisteredModel, Stage

MAX_MODEL_FILE = 1024 * 1024
MAX_NAME = 256
MAX_TEXT = 100_000
MAX_TAG_KEY = 250
MAX_TAG_VALUE = 100_000
MAX_ALIAS = 255
MAX_VERSION_NUMBER = 2**31 - 1
PROMPT_TEXT_TAG = "mlflow.prompt.text"


def is_prompt(tags: Mapping[str, str]) -> bool:
    """Say whether tags mark a prompt, which is stored as a registered model."""
    return tags.get(PROMPT_TAG, "").lower() == "true"


def canonical_stage(stage: str) -> Stage:
    """Return the stage of a name in any case, else raise InvalidArgument."""
    for known in Stage:
        if known.value.lower() == stage.lower():
            return known
    raise InvalidArgument(
        f"Invalid Model Version stage: {stage}. Value must be one of {', '.join(Stage)}.", field="stage"
    )


def find_model(tx: Connection, project: int, name: str) -> RegisteredModel:
    found = store.find_model(tx, project, name)
    if found is None:
        raise no_model(name)
    return found


def model_key(tx: Connection, project: int, name: str) -> int:
    key = store.find_model_key(tx, project, name)
    if key is None:
        raise no_model(name)
    return key


def find_version(tx: Connection, project: int, name: str, version: int) -> ModelVersion:
    check_name(name)
    found = store.find_version(tx, project, name, version) if is_version_number(version) else None
    if found is None:
        raise no_version(name, version)
    return found


def version_keys(tx: Connection, project: int, name: str, version: int) -> tuple[int, int]:
    keys = store.find_version_keys(tx, project, name, version) if is_version_number(version) else None
    if keys is None:
        raise no_version(name, version)
    return keys


def is_version_number(version: int) -> bool:
    return 0 < version <= MAX_VERSION_NUMBER


def no_model(name: str) -> NotFound:
    return NotFound(f"Registered Model with name={name} not found", field="name")


def no_version(name: str, version: int) -> NotFound:
    return NotFound(f"Model Version (name={name}, version={version}) not found", field="version")


def check_free(tx: Connection, project: int, name: str, tags: Mapping[str, str]) -> None:
    """Raise AlreadyExists where a model or prompt has the name."""
    key = store.find_model_key(tx, project, name)
    if key is None:
        return
    new = is_prompt(tags)
    old = is_prompt({PROMPT_TAG: store.find_model_tag(tx, key, PROMPT_TAG) or ""})
    kinds = ("registered model", "prompt")
    if new == old:
        raise AlreadyExists(f"{'Prompt' if new else 'Registered Model'} (name={name}) already exists.", field="name")
    raise AlreadyExists(
        f"Tried to create a {kinds[new]} with name '{name}', but the name is already taken by a {kinds[old]}. MLflow "
        "does not allow creating a model and a prompt with the same name.",
        field="name",
    )


def check_name(name: str, field: str = "name") -> None:
    if not name.strip():
        raise missing_value(field)
    if "/" in name or ":" in name or "\0" in name:
        raise InvalidArgument(f"Invalid model name '{name}'. Names cannot contain '/' or ':'.", field=field)
    if name == "." or name.startswith(".."):
        raise invalid_value(
            field,
            name,
            "Names may be treated as files in certain cases, and must not resolve to other names when treated as "
            f"such. This name would resolve to '{name}'",
        )
    check_length(field, name, MAX_NAME)


def check_text(field: str, text: str | None) -> None:
    if text is not None:
        check_length(field, text, MAX_TEXT)
        if "\0" in text:
            raise InvalidArgument(f"'{field}' contains the character NUL, which is not text.", field=field)


def check_tag(key: str, value: str) -> None:
    check_key(key, "key")
    check_length("key", key, MAX_TAG_KEY)
    check_text("value", check_length("value", value, MAX_TAG_VALUE))


def check_version_tag(key: str, value: str) -> None:
    if key == PROMPT_TEXT_TAG and len(value) > MAX_TAG_VALUE:
        raise InvalidArgument(f"Prompt text exceeds max length of {MAX_TAG_VALUE} characters.", field="value")
    check_tag(key, value)


def check_alias(alias: str) -> None:
    if not alias:
        raise InvalidArgument("Registered model alias name cannot be empty.", field="alias")
    if not re.fullmatch(r"[\w\-]+", alias):
        raise InvalidArgument(
            f"Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).",
            field="alias",
        )
    check_length("Registered model alias name", alias, MAX_ALIAS)


def check_max_results(value: int, limit: int) -> int:
    if value < 1:
        raise InvalidArgument(
            f"Invalid value for max_results. It must be a positive integer, but got {value}", field="max_results"
        )
    if value > limit:
        raise InvalidArgument(
            f"Invalid value for request parameter max_results. It must be at most {limit}, but got value {value}",
            field="max_results",
        )
    return value
