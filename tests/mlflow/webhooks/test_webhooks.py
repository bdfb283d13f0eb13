"""Webhooks by the real MLflow client: the calls, the events, the payloads and the signature."""

from __future__ import annotations

import json
from typing import Any

import mlflow.webhooks.delivery as original
import pytest
from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookEvent, WebhookStatus
from mlflow.exceptions import MlflowException

from tests.components.ports import wait_until
from tests.components.receiver import Receiver
from tests.mlflow.rest import Rest

SECRET = "s3cret"
EVENTS: list[Any] = [
    "registered_model.created",
    "model_version.created",
    "model_version_tag.set",
    "model_version_tag.deleted",
    "model_version_alias.created",
    "model_version_alias.deleted",
]
PROMPT_EVENTS: list[Any] = [
    "prompt.created",
    "prompt_version.created",
    "prompt_tag.set",
    "prompt_tag.deleted",
    "prompt_version_tag.set",
    "prompt_version_tag.deleted",
    "prompt_alias.created",
    "prompt_alias.deleted",
]


def bodies(receiver: Receiver, number: int) -> dict[str, Any]:
    """Return the data of what came, by event, once it is that many."""
    came = [json.loads(each.body) for each in receiver.wait_for(number)]
    assert all(each.keys() == {"entity", "action", "timestamp", "data"} for each in came)
    return {f"{each['entity']}.{each['action']}": each["data"] for each in came}


def test_life_of_a_webhook(webhook_client: MlflowClient, unique: str) -> None:
    client = webhook_client
    made = client.create_webhook(
        unique, "https://example.com/hook", ["model_version.created", WebhookEvent("prompt", "created")], "text", SECRET
    )
    assert (made.name, made.url, made.description) == (unique, "https://example.com/hook", "text")
    assert (made.status, made.secret) == (WebhookStatus.ACTIVE, None)
    assert [str(event) for event in made.events] == ["model_version.created", "prompt.created"]
    assert made.creation_timestamp == made.last_updated_timestamp > 0
    assert repr(client.get_webhook(made.webhook_id)) == repr(made)
    changed = client.update_webhook(made.webhook_id, name=f"{unique}-2", events=["prompt.created"], status="DISABLED")
    assert (changed.name, changed.status, changed.description) == (f"{unique}-2", WebhookStatus.DISABLED, "text")
    assert [str(event) for event in changed.events] == ["prompt.created"]
    assert made.webhook_id in {each.webhook_id for each in client.list_webhooks()}
    client.delete_webhook(made.webhook_id)
    with pytest.raises(MlflowException, match="not found") as absent:
        client.get_webhook(made.webhook_id)
    assert absent.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_pages(webhook_client: MlflowClient, unique: str) -> None:
    client = webhook_client
    made = [client.create_webhook(unique, f"https://example.com/{n}", ["prompt.created"]).webhook_id for n in range(3)]
    found, token = [], None
    while True:
        page = client.list_webhooks(max_results=2, page_token=token)
        assert len(page) <= 2
        found += [each.webhook_id for each in page]
        token = page.token
        if not token:
            break
    assert found[:3] == made[::-1]
    for webhook_id in made:
        client.delete_webhook(webhook_id)


def test_models(webhook_client: MlflowClient, unique: str, receiver: Receiver) -> None:
    client = webhook_client
    webhook = client.create_webhook(unique, f"{receiver.url}/ok", EVENTS, secret=SECRET)
    run = client.create_run("0").info.run_id
    client.create_registered_model(unique, {"team": "vision"}, "a model")
    client.create_model_version(unique, f"runs:/{run}/model", run, {"k": "v"}, description="first")
    client.set_model_version_tag(unique, "1", "size", "7")
    client.delete_model_version_tag(unique, "1", "size")
    client.set_registered_model_alias(unique, "champion", "1")
    client.delete_registered_model_alias(unique, "champion")
    client.set_registered_model_tag(unique, "no", "event")
    assert bodies(receiver, 6) == {
        "registered_model.created": {"name": unique, "tags": {"team": "vision"}, "description": "a model"},
        "model_version.created": {
            "name": unique,
            "version": "1",
            "source": f"runs:/{run}/model",
            "run_id": run,
            "tags": {"k": "v"},
            "description": "first",
        },
        "model_version_tag.set": {"name": unique, "version": "1", "key": "size", "value": "7"},
        "model_version_tag.deleted": {"name": unique, "version": "1", "key": "size"},
        "model_version_alias.created": {"name": unique, "alias": "champion", "version": "1"},
        "model_version_alias.deleted": {"name": unique, "alias": "champion"},
    }
    client.delete_webhook(webhook.webhook_id)


def test_prompts(webhook_client: MlflowClient, unique: str, receiver: Receiver) -> None:
    client = webhook_client
    webhook = client.create_webhook(unique, f"{receiver.url}/ok", [*EVENTS, *PROMPT_EVENTS])
    client.register_prompt(unique, "Hello {{name}}!", "first", tags={"k": "v"})
    client.set_prompt_tag(unique, "team", "nlp")
    client.delete_prompt_tag(unique, "team")
    client.set_prompt_version_tag(unique, 1, "tone", "kind")
    client.delete_prompt_version_tag(unique, 1, "tone")
    client.set_prompt_alias(unique, "live", 1)
    client.delete_prompt_alias(unique, "live")
    wait_until(lambda: {"prompt_alias.deleted"} <= bodies(receiver, 1).keys(), "the last event")
    found = bodies(receiver, 8)
    assert found.keys() <= set(PROMPT_EVENTS)
    assert found["prompt.created"]["name"] == unique
    assert found["prompt_version.created"]["template"] == "Hello {{name}}!"
    assert found["prompt_version.created"]["version"] == "1"
    assert found["prompt_tag.deleted"] == {"name": unique, "key": "team"}
    assert found["prompt_version_tag.set"] == {"name": unique, "version": "1", "key": "tone", "value": "kind"}
    assert found["prompt_version_tag.deleted"] == {"name": unique, "version": "1", "key": "tone"}
    assert found["prompt_alias.created"] == {"name": unique, "alias": "live", "version": "1"}
    assert found["prompt_alias.deleted"] == {"name": unique, "alias": "live"}
    client.delete_webhook(webhook.webhook_id)


def test_the_originals_signature_accepts_ours(webhook_client: MlflowClient, unique: str, receiver: Receiver) -> None:
    webhook = webhook_client.create_webhook(unique, f"{receiver.url}/ok", ["registered_model.created"], secret=SECRET)
    webhook_client.create_registered_model(unique)
    [got] = receiver.wait_for(1)
    names = (
        original.WEBHOOK_DELIVERY_ID_HEADER,
        original.WEBHOOK_TIMESTAMP_HEADER,
        original.WEBHOOK_SIGNATURE_HEADER,
    )
    delivery_id, timestamp, signature = (got.headers[name.lower()] for name in names)
    assert signature == original._generate_hmac_signature(SECRET, delivery_id, timestamp, got.body.decode())
    webhook_client.delete_webhook(webhook.webhook_id)


@pytest.mark.parametrize("event", [*EVENTS, *PROMPT_EVENTS, "budget_policy.exceeded"])
def test_tests_send_what_the_originals_send(
    webhook_client: MlflowClient, unique: str, receiver: Receiver, event: Any
) -> None:
    webhook = webhook_client.create_webhook(unique, f"{receiver.url}/ok", ["model_version.created"])
    result = webhook_client.test_webhook(webhook.webhook_id, event)
    assert (result.success, result.response_status, result.response_body) == (True, 200, "thanks")
    told = json.loads(receiver.received[0].body)
    assert f"{told['entity']}.{told['action']}" == event
    example = original.get_example_payload_for_event(WebhookEvent.from_str(event))
    assert told["data"].keys() == example.keys()
    assert {k: type(v) for k, v in told["data"].items()} == {k: type(v) for k, v in example.items()}
    webhook_client.delete_webhook(webhook.webhook_id)


def test_a_failed_test_tells_why(webhook_client: MlflowClient, unique: str) -> None:
    webhook = webhook_client.create_webhook(unique, "http://127.0.0.1:1/x", ["model_version.created"])
    result = webhook_client.test_webhook(webhook.webhook_id)
    assert (result.success, result.response_status) == (False, None)
    assert result.error_message
    webhook_client.delete_webhook(webhook.webhook_id)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "Missing value for required parameter 'name'"),
        ({"name": "n"}, "Missing value for required parameter 'url'"),
        ({"name": "n", "url": "https://e.com"}, "events cannot be empty"),
        ({"name": "n", "url": "https://e.com", "events": [{"entity": "PROMPT", "action": "SET"}]}, "prompt.set"),
        ({"name": "n", "url": "https://e.com", "events": [{}]}, "none.none"),
        ({"name": "n", "url": "https://e.com", "events": "x"}, "events"),
        ({"name": "-", "url": "https://e.com", "events": [{"entity": "PROMPT", "action": "CREATED"}]}, "Webhook name"),
        ({"name": "n", "url": "ftp://e.com", "events": [{"entity": "PROMPT", "action": "CREATED"}]}, "webhook URL"),
        ({"name": "n", "url": "https://e.com", "events": [], "status": "ON"}, "status"),
    ],
)
def test_what_is_no_webhook(webhook_rest: Rest, body: dict[str, Any], says: str) -> None:
    webhook_rest.post("webhooks", body).invalid(says)


def test_ours_are_not_shown_to_the_originals(webhook_client: MlflowClient, address: str, webhook_rest: Rest) -> None:
    import mainspring as ms

    with ms.connect(address) as ours:
        made = ours.webhooks.create("ours", "https://example.com/", ["run.*"])
        assert made.webhook_id not in {each.webhook_id for each in webhook_client.list_webhooks()}
        webhook_rest.get(f"webhooks/{made.webhook_id}").absent("not found")
        webhook_rest.delete(f"webhooks/{made.webhook_id}").absent("not found")
        ours.webhooks.delete(made.webhook_id)
