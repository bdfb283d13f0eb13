"""Webhooks: from an act to what a receiver gets, and what becomes of receivers that are slow, dead or rude."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from mainspring.db.engine import Database
from mainspring.engines.blobs import open_store
from mainspring.engines.vault import open_vault
from mainspring.kit import events
from mainspring.kit.actors import LOCAL, Actor
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from mainspring.kit.events import Event
from mainspring.modules.audit import service
from mainspring.modules.audit.schemas import (
    AuditSearch,
    Delivery,
    DeliveryState,
    Webhook,
    WebhookCreate,
    WebhookStatus,
    WebhookUpdate,
)
from mainspring.modules.audit.service import outbox, sending
from mainspring.modules.audit.tasks import Sender
from mainspring.modules.services import Services
from mainspring.settings import Settings
from tests.components.receiver import Receiver, receiving

SECRET = "c0rrect horse"
Scenario = Callable[[Services, Receiver], Coroutine[Any, Any, None]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture
def play(url: str, tmp_path: Path, receiver: Receiver) -> Callable[..., None]:
    """Return what runs a scenario on an open database and a receiver."""

    def run(scenario: Scenario, **settings: Any) -> None:
        async def running() -> None:
            async with opened(url, tmp_path, **settings) as services:
                await scenario(services, receiver)

        asyncio.run(running())

    return run


@asynccontextmanager
async def opened(url: str, folder: Path, **settings: Any) -> AsyncIterator[Services]:
    """Yield the services of a process."""
    given = Settings(data=folder / "data", **{"webhook_private_addresses": True, **settings})
    given.data.mkdir(exist_ok=True)
    services = Services(Database(url), open_store((folder / "artifacts").as_uri()), given)
    try:
        yield services
    finally:
        await services.blobs.close()
        services.db.close()


async def make(services: Services, url: str, *patterns: str, actor: Actor = LOCAL, **more: Any) -> Webhook:
    return await service.create_webhook(services, actor, WebhookCreate("w", url, list(patterns or ("*",)), **more))


def act(tx: Connection, action: str, object_id: str = "o", actor: Actor = LOCAL, **more: Any) -> None:
    events.publish(tx, Event(action, object_id, actor, actor.project, **more))


async def until(services: Services, done: Callable[[], Coroutine[Any, Any, bool]], seconds: float = 20) -> None:
    """Do the background work until something is so."""
    sender, end = Sender(), time.monotonic() + seconds
    while not await done():
        assert time.monotonic() < end, "waited in vain"
        await sender.step(services)


async def log_of(services: Services, webhook: Webhook) -> list[Delivery]:
    return (await services.db.read(service.list_deliveries, LOCAL, webhook.webhook_id)).items


async def settled(services: Services, webhook: Webhook, number: int = 1) -> list[Delivery]:
    """Send until so many deliveries of a webhook are done, and return all."""

    async def done() -> bool:
        return sum(each.state is not DeliveryState.PENDING for each in await log_of(services, webhook)) >= number

    await until(services, done)
    return await log_of(services, webhook)


def test_an_act_is_told_signed(play: Callable[..., None]) -> None:
    async def scenario(services: Services, receiver: Receiver) -> None:
        webhook = await make(services, f"{receiver.url}/ok?x=1", "model_version.*", secret=SECRET)
        await services.db.write(act, "registered_model.create")
        await services.db.write(act, "model_version.create", "m/1", after={"name": "m", "version": 1})
        [delivery] = await settled(services, webhook)
        assert (delivery.state, delivery.attempts, delivery.response_status) == (DeliveryState.DELIVERED, 1, 200)
        assert (delivery.response_body, delivery.error, delivery.next_at) == ("thanks", None, None)
        [got] = receiver.received
        assert got.path == "/ok?x=1"
        assert got.headers["host"] == receiver.url.removeprefix("http://")
        told = json.loads(got.body)
        assert (told["event"], told["object_id"], told["actor"]) == ("model_version.create", "m/1", "local")
        assert told["after"] == {"name": "m", "version": 1}
        assert got.headers["webhook-id"] == delivery.delivery_id
        assert abs(int(got.headers["webhook-timestamp"]) - time.time()) < 20
        signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
        right = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
        assert got.headers["webhook-signature"] == f"v1,{right}"

    play(scenario)


def test_what_fails_is_sent_again_under_one_id(play: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "FIRST_PAUSE_MS", 50)

    async def scenario(services: Services, receiver: Receiver) -> None:
        receiver.fail_first = 2
        webhook = await make(services, f"{receiver.url}/ok", "a.b", secret=SECRET)
        await services.db.write(act, "a.b")
        [delivery] = await settled(services, webhook)
        assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 3)
        assert [got.headers["webhook-id"] for got in receiver.received] == [delivery.delivery_id] * 3
        assert len({got.body for got in receiver.received}) == 1

    play(scenario)


def test_what_always_fails_is_given_up(play: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "FIRST_PAUSE_MS", 10)

    async def scenario(services: Services, receiver: Receiver) -> None:
        webhook = await make(services, f"{receiver.url}/fail", "a.b")
        await services.db.write(act, "a.b")
        [delivery] = await settled(services, webhook)
        assert (delivery.state, delivery.attempts, delivery.next_at) == (DeliveryState.FAILED, 3, None)
        assert (delivery.response_status, delivery.response_body) == (500, "no\N{REPLACEMENT CHARACTER}t now")
        assert len(receiver.received) == 3
        again = await services.db.write(service.redeliver, LOCAL, webhook.webhook_id, delivery.delivery_id)
        assert (again.state, again.attempts, again.delivery_id) == (DeliveryState.PENDING, 0, delivery.delivery_id)
        await settled(services, webhook)
        assert {got.headers["webhook-id"] for got in receiver.received} == {delivery.delivery_id}

    play(scenario, webhook_attempts=3)


def test_pauses_grow_and_differ() -> None:
    for attempts, whole in ((1, 2_000), (2, 4_000), (5, 32_000), (99, 3_600_000)):
        pauses = [outbox.pause_ms(attempts) for _ in range(50)]
        assert whole / 2 <= min(pauses) < max(pauses) <= whole


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("redirect", 302, "which leads elsewhere"),
        ("huge", 200, None),
        ("drip", None, "No answer within"),
        ("slow", None, "No answer within"),
    ],
)
def test_rude_receivers(
    tmp_path: Path,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    status: int | None,
    error: str | None,
) -> None:
    monkeypatch.setattr(sending, "WHOLE_S", 1.0)
    webhook = Webhook(
        "i", "w", f"{receiver.url}/{path}", [], sending.WebhookFormat.MAINSPRING, WebhookStatus.ACTIVE, False, "", 0, 0
    )
    started = time.monotonic()
    outcome = asyncio.run(sending.send(sending.Message(webhook, None, "d", "{}"), private_addresses=True))
    assert time.monotonic() - started < 3
    assert outcome.status == status
    assert error in outcome.error if error else outcome.error is None
    assert len(receiver.received) == 1
    assert len(outcome.answer or "") <= sending.MAX_ANSWER
    assert receiver.sent < 50_000_000


def test_a_dead_receiver_holds_up_no_other(play: Callable[..., None]) -> None:
    async def scenario(services: Services, receiver: Receiver) -> None:
        dead = await make(services, f"{receiver.url}/slow", "a.b")
        good = await make(services, f"{receiver.url}/ok", "a.b")

        def acts(tx: Connection) -> None:
            for number in range(40):
                act(tx, "a.b", str(number))

        await services.db.write(acts)
        started = time.monotonic()
        done = await settled(services, good, 40)
        assert time.monotonic() - started < 5
        assert {each.state for each in done} == {DeliveryState.DELIVERED}
        assert sum(got.path == "/slow" for got in receiver.received) <= outbox.MOST_OF_ONE
        assert {each.state for each in await log_of(services, dead)} == {DeliveryState.PENDING}

    play(scenario)


def test_nothing_is_lost_when_a_process_dies_on_the_way(url: str, tmp_path: Path, receiver: Receiver) -> None:
    async def scenario() -> None:
        async with opened(url, tmp_path) as services:
            webhook = await make(services, f"{receiver.url}/ok", "a.b")
            await services.db.write(act, "a.b")
            await services.db.write(service.make_deliveries)
            # Claimed, and never heard of again.
            [claimed] = await services.db.write(service.claim, {})
            assert await services.db.write(service.claim, {}) == []
        async with opened(url, tmp_path) as services:
            later = f"UPDATE webhook_deliveries SET next_at = next_at - {outbox.LEASE_MS}"
            await services.db.write(lambda tx: tx.execute(text(later)))
            [delivery] = await settled(services, webhook)
            assert (delivery.state, delivery.attempts) == (DeliveryState.DELIVERED, 2)
            assert receiver.received[0].headers["webhook-id"] == claimed.delivery_id
            # What the dead process might still say of it changes nothing.
            outcome = service.Outcome(None, 1, None, "late")
            await services.db.write(service.note_outcomes, [(claimed, outcome)], 10)
            assert (await log_of(services, webhook))[0].state is DeliveryState.DELIVERED

    asyncio.run(scenario())


def test_two_that_lead_at_once_tell_each_act_once(play: Callable[..., None]) -> None:
    async def scenario(services: Services, receiver: Receiver) -> None:
        webhook = await make(services, f"{receiver.url}/ok", "a.b")
        for _ in range(5):
            await services.db.write(act, "a.b")
        one, other = Sender(), Sender()
        while len(receiver.received) < 5:
            await asyncio.gather(one.step(services), other.step(services))
        assert len(await log_of(services, webhook)) == 5
        assert len({got.headers["webhook-id"] for got in receiver.received}) == len(receiver.received) == 5

    play(scenario)


def test_other_projects_and_refused_requests_are_not_told(play: Callable[..., None]) -> None:
    async def scenario(services: Services, receiver: Receiver) -> None:
        webhook = await make(services, f"{receiver.url}/ok", "a.b", "request.*")
        await services.db.write(act, "a.b", "theirs", replace(LOCAL, project=9))
        await services.db.write(service.record_denied, LOCAL, "GET", "/x", "no", 1)
        await services.db.write(act, "a.b", "mine")
        [delivery] = await settled(services, webhook)
        assert json.loads(delivery.body)["object_id"] == "mine"

    play(scenario)


def test_a_disabled_webhook_is_told_nothing(play: Callable[..., None]) -> None:
    async def scenario(services: Services, receiver: Receiver) -> None:
        webhook = await make(services, f"{receiver.url}/ok", "a.b")
        await services.db.write(act, "a.b", "waits")
        await services.db.write(service.make_deliveries)
        off = WebhookUpdate(status=WebhookStatus.DISABLED)
        await service.update_webhook(services, LOCAL, webhook.webhook_id, off)
        await services.db.write(act, "a.b", "never")
        await services.db.write(service.make_deliveries)
        [delivery] = await log_of(services, webhook)
        assert (delivery.state, delivery.error) == (DeliveryState.FAILED, "The webhook was disabled.")
        with pytest.raises(FailedPrecondition, match="disabled"):
            await services.db.write(service.redeliver, LOCAL, webhook.webhook_id, delivery.delivery_id)
        assert receiver.received == []

    play(scenario)


def test_secrets_are_kept_encrypted_and_never_shown(play: Callable[..., None], url: str) -> None:
    async def scenario(services: Services, receiver: Receiver) -> None:
        webhook = await make(services, f"{receiver.url}/ok", "a.b", secret=SECRET)
        assert webhook.signed
        everything = await services.db.read(lambda tx: repr(tx.execute(text("SELECT * FROM webhooks")).all()))
        acts = await services.db.read(service.search_events, LOCAL, AuditSearch())
        for shown in (everything, repr(webhook), repr(acts)):
            assert SECRET not in shown
        assert "/ok" not in repr(acts)  # paths of webhooks are often secrets too
        # A secret that was moved to another webhook opens nothing.
        other = await make(services, f"{receiver.url}/other", "a.b", secret="another")
        move = "UPDATE webhooks SET secret = (SELECT secret FROM webhooks WHERE webhook_id = :id)"
        await services.db.write(lambda tx: tx.execute(text(move), {"id": webhook.webhook_id}))
        await services.db.write(act, "a.b")
        await settled(services, webhook)
        assert [got.path for got in receiver.received] == ["/ok"]
        [failed] = await log_of(services, other)
        assert "does not open by its key" in str(failed.error)

    play(scenario)


def test_the_key_of_secrets_follows_the_vault(play: Callable[..., None]) -> None:
    async def scenario(services: Services, receiver: Receiver) -> None:
        webhook = await make(services, f"{receiver.url}/ok", "a.b", secret=SECRET)
        vault = open_vault(services.settings.resolved_vault_url)
        new = vault.rotate()
        await service.follow_rotation(services)
        kept = await services.db.read(lambda tx: tx.execute(text("SELECT vault_key FROM webhook_keys")).scalar_one())
        assert kept == new
        await service.follow_rotation(services)
        await services.db.write(act, "a.b")
        [delivery] = await settled(services, webhook)
        assert delivery.state is DeliveryState.DELIVERED

    play(scenario)


def test_webhooks_of_others_are_not_there(play: Callable[..., None]) -> None:
    async def scenario(services: Services, receiver: Receiver) -> None:
        webhook = await make(services, f"{receiver.url}/ok")
        stranger = replace(LOCAL, project=9)
        assert (await services.db.read(service.list_webhooks, stranger)).items == []
        for call in (service.get_webhook, service.list_deliveries, service.delete_webhook):
            with pytest.raises(NotFound):
                await services.db.write(call, stranger, webhook.webhook_id)
        with pytest.raises(NotFound):
            await service.update_webhook(services, stranger, webhook.webhook_id, WebhookUpdate(name="x"))
        with pytest.raises(NotFound):
            await service.test_webhook(services, stranger, webhook.webhook_id, None)
        reader = replace(LOCAL, permissions=frozenset())
        with pytest.raises(PermissionDenied):
            await make(services, f"{receiver.url}/ok", actor=reader)
        with pytest.raises(PermissionDenied):
            await services.db.read(service.list_webhooks, reader)

    play(scenario)


def test_changes_and_pages(play: Callable[..., None]) -> None:
    async def scenario(services: Services, receiver: Receiver) -> None:
        made = [await make(services, f"{receiver.url}/{number}") for number in range(5)]
        page = await services.db.read(service.list_webhooks, LOCAL, 3)
        rest = await services.db.read(service.list_webhooks, LOCAL, 3, page.next_page_token)
        assert [each.url[-1] for each in (*page.items, *rest.items)] == ["4", "3", "2", "1", "0"]
        change = WebhookUpdate(name="n2", url=f"{receiver.url}/new", events=["run.*"], description="d", secret="s")
        changed = await service.update_webhook(services, LOCAL, made[0].webhook_id, change)
        assert (changed.name, changed.events, changed.description, changed.signed) == ("n2", ["run.*"], "d", True)
        unsigned = await service.update_webhook(services, LOCAL, made[0].webhook_id, WebhookUpdate(secret=None))
        assert (unsigned.name, unsigned.signed) == ("n2", False)
        await services.db.write(service.delete_webhook, LOCAL, made[0].webhook_id)
        with pytest.raises(NotFound):
            await services.db.read(service.get_webhook, LOCAL, made[0].webhook_id)

    play(scenario)


def test_a_test_tells_what_the_receiver_answered(play: Callable[..., None]) -> None:
    async def scenario(services: Services, receiver: Receiver) -> None:
        webhook = await make(services, f"{receiver.url}/ok", "run.*", secret=SECRET)
        result = await service.test_webhook(services, LOCAL, webhook.webhook_id, None)
        assert (result.success, result.response_status, result.response_body) == (True, 200, "thanks")
        assert json.loads(receiver.received[0].body)["event"] == "webhook.test"
        gone = await make(services, "http://127.0.0.1:1/", "run.*")
        result = await service.test_webhook(services, LOCAL, gone.webhook_id, None)
        assert not result.success
        assert result.error

    play(scenario)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "has space"},
        {"name": "a" * 64},
        {"name": ""},
        {"events": []},
        {"events": ["model version"]},
        {"events": ["x.*"] * 101},
        {"format": "mlflow", "events": ["model_version.*"]},
        {"secret": "s" * 1001},
        {"description": "d" * 10_001},
        {"url": "ftp://example.com/"},
    ],
)
def test_what_is_no_webhook_is_refused(play: Callable[..., None], wrong: dict[str, Any]) -> None:
    async def scenario(services: Services, receiver: Receiver) -> None:
        new = WebhookCreate(**{"name": "w", "url": "https://example.com/", "events": ["*"], **wrong})
        with pytest.raises(InvalidArgument):
            await service.create_webhook(services, LOCAL, new)

    play(scenario)
