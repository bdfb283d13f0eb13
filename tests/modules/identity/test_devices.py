"""Command lines that wait to be let in: codes, states and ends, on both databases."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sqlalchemy import Connection

from mainspring.kit.actors import NOBODY, Actor
from mainspring.kit.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unauthenticated,
)
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.identity import service
from mainspring.modules.identity.schemas import DeviceAuthorization, DeviceRefusal, DeviceToken
from mainspring.modules.identity.service import devices
from mainspring.modules.identity.store import accounts
from mainspring.settings import Settings

SETTINGS = Settings(auth="local", api_key_days=30)


def start(tx: Connection, client: str = "mainspring on laptop") -> DeviceAuthorization:
    return service.start_device(tx, SETTINGS, client, "http://127.0.0.1/device")


def poll(tx: Connection, device: DeviceAuthorization) -> DeviceToken | DeviceRefusal:
    return service.poll_device(tx, SETTINGS, device.device_code)


def refusal(tx: Connection, device: DeviceAuthorization) -> str:
    answer = poll(tx, device)
    assert isinstance(answer, DeviceRefusal)
    return answer.error


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = now_ms() + int(seconds * 1000)
    monkeypatch.setattr(devices, "now_ms", lambda: now)


def test_codes(tx: Connection) -> None:
    first, second = start(tx), start(tx)
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", first.user_code)
    assert first.user_code != second.user_code
    assert len(first.device_code) >= 43
    assert first.verification_uri_complete == f"http://127.0.0.1/device#{first.user_code}"
    assert first.device_code not in str(tx.exec_driver_sql("SELECT * FROM device_grants").all())


def test_let_in(tx: Connection, anna: Actor) -> None:
    device = start(tx)
    service.answer_device(tx, anna, device.user_code, True)
    given = poll(tx, device)
    assert isinstance(given, DeviceToken)
    assert (given.name, given.expires_in) == ("anna", 30 * 86_400)
    found = service.find_credential(tx, given.access_token)
    assert found is not None
    assert (found.account.key, found.kind, found.permissions) == (anna.key, "key", None)
    assert refusal(tx, device) == "invalid_grant"


def test_pauses(tx: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    device = start(tx)
    assert refusal(tx, device) == "authorization_pending"
    assert refusal(tx, device) == "slow_down"
    later(monkeypatch, devices.INTERVAL_S)
    assert refusal(tx, device) == "authorization_pending"


def test_ends(tx: Connection, anna: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, approved = start(tx), start(tx)
    service.answer_device(tx, anna, approved.user_code, True)
    later(monkeypatch, devices.LIFE_S + 1)
    assert refusal(tx, waiting) == "expired_token"
    assert refusal(tx, approved) == "expired_token"
    with pytest.raises(NotFound):
        service.get_device(tx, anna, waiting.user_code)
    start(tx)
    assert tx.exec_driver_sql("SELECT count(*) FROM device_grants").scalar_one() == 1


def test_of_a_blocked_account(tx: Connection, anna: Actor) -> None:
    device = start(tx)
    service.answer_device(tx, anna, device.user_code, True)
    assert anna.key is not None
    accounts.update_account(tx, anna.key, blocked=True)
    assert refusal(tx, device) == "access_denied"


def test_answered_once(tx: Connection, anna: Actor, admin: Actor) -> None:
    device = start(tx)
    service.answer_device(tx, anna, device.user_code, False)
    with pytest.raises(NotFound):
        service.answer_device(tx, admin, device.user_code, True)
    assert refusal(tx, device) == "access_denied"


def test_who_answers(tx: Connection, anna: Actor) -> None:
    device = start(tx)
    with pytest.raises(Unauthenticated):
        service.answer_device(tx, NOBODY, device.user_code, True)
    for limited in (replace(anna, scoped=True), replace(anna, run_id="r")):
        with pytest.raises(PermissionDenied):
            service.answer_device(tx, limited, device.user_code, True)
    assert service.get_device(tx, anna, device.user_code).account == "anna"
    assert Permission.SIGNED_IN in anna.permissions


@pytest.mark.parametrize("typed", ["{}", " {} ", "{}\n"])
def test_codes_as_they_are_typed(tx: Connection, anna: Actor, typed: str) -> None:
    code = start(tx).user_code
    for text in (code, code.lower(), code.replace("-", ""), code.replace("-", " ")):
        assert service.get_device(tx, anna, typed.format(text)).user_code == code


@pytest.mark.parametrize("code", ["", "BCDF", "AAAA-AAAA", "BCDF-GHJ1", "BCDFGHJKL", "' OR 1=1"])
def test_what_is_no_code(tx: Connection, anna: Actor, code: str) -> None:
    with pytest.raises(InvalidArgument):
        service.get_device(tx, anna, code)


def test_not_too_many_wait(tx: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "MOST_WAITING", 2)
    start(tx)
    start(tx)
    with pytest.raises(RateLimited):
        start(tx)
    later(monkeypatch, devices.LIFE_S + 1)
    start(tx)


def test_without_accounts(tx: Connection) -> None:
    with pytest.raises(FailedPrecondition, match="no accounts"):
        service.start_device(tx, Settings(), "c", "http://127.0.0.1/device")
