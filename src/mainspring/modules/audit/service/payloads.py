"""What webhooks are sent: our acts as they are, or MLflow's events with MLflow's payloads.

MLflow's are those of its 3.x releases (``mlflow.webhooks.types``); prompts are registered models with a tag.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from mainspring.modules.audit.schemas import Webhook, WebhookFormat
from mainspring.modules.audit.service.patterns import matches
from mainspring.modules.audit.store.events import Act

Json = dict[str, Any]

_PROMPT_TEXT = "mlflow.prompt.text"
_PROMPT_TAGS = frozenset({_PROMPT_TEXT, "mlflow.prompt.is_prompt", "_mlflow_prompt_type"})

TEST_EVENT = "webhook.test"


def _own_tags(told: Json) -> Json:
    return {key: value for key, value in told.get("tags", {}).items() if key not in _PROMPT_TAGS}


def _model(told: Json) -> Json:
    return {"name": told["name"], "tags": told.get("tags", {}), "description": told.get("description")}


def _prompt(told: Json) -> Json:
    return _model(told) | {"tags": _own_tags(told)}


def _version(told: Json) -> Json:
    more = {"source": told.get("source"), "run_id": told.get("run_id") or None}
    return _model(told) | more | {"version": str(told["version"]), "description": told.get("description") or None}


def _prompt_version(told: Json) -> Json:
    template = told.get("tags", {}).get(_PROMPT_TEXT)
    whole = {"version": str(told["version"]), "template": template, "description": told.get("description") or None}
    return _prompt(told) | whole


def _fields(*names: str) -> Callable[[Json], Json]:
    def chosen(told: Json) -> Json:
        return {name: str(told[name]) if name == "version" else told.get(name) for name in names}

    return chosen


# What an act is in MLflow's words: of a model, and of a prompt. A tag of a registered model is no event there.
_MLFLOW: dict[str, tuple[tuple[str, Callable[[Json], Json]] | None, tuple[str, Callable[[Json], Json]]]] = {
    "registered_model.create": (("registered_model.created", _model), ("prompt.created", _prompt)),
    "model_version.create": (("model_version.created", _version), ("prompt_version.created", _prompt_version)),
    "registered_model_tag.set": (None, ("prompt_tag.set", _fields("name", "key", "value"))),
    "registered_model_tag.delete": (None, ("prompt_tag.deleted", _fields("name", "key"))),
    "model_version_tag.set": (
        ("model_version_tag.set", _fields("name", "version", "key", "value")),
        ("prompt_version_tag.set", _fields("name", "version", "key", "value")),
    ),
    "model_version_tag.delete": (
        ("model_version_tag.deleted", _fields("name", "version", "key")),
        ("prompt_version_tag.deleted", _fields("name", "version", "key")),
    ),
    "registered_model_alias.set": (
        ("model_version_alias.created", _fields("name", "alias", "version")),
        ("prompt_alias.created", _fields("name", "alias", "version")),
    ),
    "registered_model_alias.delete": (
        ("model_version_alias.deleted", _fields("name", "alias")),
        ("prompt_alias.deleted", _fields("name", "alias")),
    ),
}

_EXAMPLE = {
    "name": "example_model",
    "version": 1,
    "source": "models:/123",
    "run_id": "abcd1234abcd5678",
    "description": "An example",
    "key": "example_key",
    "value": "example_value",
    "alias": "example_alias",
    "tags": {"example_key": "example_value"},
}
_PROMPT_EXAMPLE = _EXAMPLE | {
    "name": "example_prompt",
    "tags": {"example_key": "example_value", _PROMPT_TEXT: "Hello {{name}}!"},
}
_BUDGET_EVENT = "budget_policy.exceeded"
_BUDGET_EXAMPLE = {
    "budget_policy_id": "bp-abc123",
    "budget_unit": "USD",
    "budget_amount": 100.0,
    "current_spend": 105.5,
    "duration_unit": "MONTHS",
    "duration_value": 1,
    "target_scope": "ENDPOINT",
    "workspace": "default",
    "target_value": "ep-abc123",
    "window_start": 1704067200000,
}
_EXAMPLES: dict[str, Json] = {
    **{of_model[0]: of_model[1](_EXAMPLE) for of_model, _ in _MLFLOW.values() if of_model},
    **{of_prompt[0]: of_prompt[1](_PROMPT_EXAMPLE) for _, of_prompt in _MLFLOW.values()},
    _BUDGET_EVENT: _BUDGET_EXAMPLE,
}
MLFLOW_EVENTS = frozenset(_EXAMPLES)
"""The events that MLflow's clients may ask for. Budgets are the gateway's, of which there is none here."""


def message_of(webhook: Webhook, act: Act) -> tuple[str, str] | None:
    """Return the event's name and the body that a webhook is sent for an act, None where it asks for no such."""
    if webhook.format is WebhookFormat.MLFLOW:
        return _mlflow_message(webhook, act)
    if not any(matches(pattern, act.action) for pattern in webhook.events):
        return None
    return act.action, _own_body(act)


def _own_body(act: Act) -> str:
    before, after = (None if side is None else json.loads(side) for side in (act.before, act.after))
    told = {"event": act.action, "seq": act.seq, "at": act.at, "actor": act.actor, "object_id": act.object_id}
    return _as_text(told | {"before": before, "after": after})


def _mlflow_message(webhook: Webhook, act: Act) -> tuple[str, str] | None:
    told = msgspec.json.decode(act.after or act.before or "{}", type=Json)
    of_model, of_prompt = _MLFLOW.get(act.action, (None, None))
    chosen = of_prompt if told.get("prompt") else of_model
    if chosen is None or chosen[0] not in webhook.events:
        return None
    event, payload = chosen
    return event, _mlflow_body(event, act.at, payload(told))


def _mlflow_body(event: str, at: int, payload: Json) -> str:
    entity, action = event.split(".")
    moment = datetime.fromtimestamp(at / 1000, UTC).isoformat()
    return _as_text({"entity": entity, "action": action, "timestamp": moment, "data": payload})


def example_of(webhook: Webhook, event: str, at: int) -> str:
    """Return the body of a test: an example of MLflow's, or an act that says of itself that it is none."""
    if webhook.format is WebhookFormat.MLFLOW:
        return _mlflow_body(event, at, _EXAMPLES[event])
    told = {"event": TEST_EVENT, "seq": None, "at": at, "actor": "", "object_id": webhook.name}
    return _as_text(told | {"before": None, "after": {"would_be": event}})


def _as_text(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))
