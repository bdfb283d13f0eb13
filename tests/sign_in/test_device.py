"""Signing in a command line by a browser, whole: the command, the page's calls, and what comes of it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import mainspring as ms
from mainspring.client.tokens import SERVERS, TOKENS, kept_token, token_file
from mainspring.kit.errors import PermissionDenied, Unauthenticated
from mainspring.modules.identity.schemas import DeviceRefusal, DeviceToken
from tests.cli.conftest import Typed, typed
from tests.components.oidc import OidcProvider
from tests.components.ports import wait_until
from tests.components.server import MainspringServer
from tests.sign_in.conftest import Browser
from tests.sign_in.test_oidc import login, sign_in

__all__ = ["typed"]


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in (*SERVERS, *TOKENS):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def person(oidc_provider: OidcProvider, guarded: MainspringServer, browser: Browser) -> str:
    """Return the name of who is signed in to the browser."""
    who = login()
    sign_in(oidc_provider, guarded, browser, who)
    return who


@contextmanager
def logging_in(server: MainspringServer, said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``mainspring login`` until it is left."""
    command = [sys.executable, "-m", "mainspring.cli.main", "login", "--url", server.url]
    with said.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            process.kill()


def shown_code(said: Path) -> str:
    """Return the code that the command shows, once it does."""
    pattern = re.compile(r"/device#([A-Z-]{9})\n")
    wait_until(lambda: bool(pattern.search(said.read_text())), "the code to be shown")
    found = pattern.search(said.read_text())
    assert found
    return found[1]


def test_the_whole_way(
    guarded: MainspringServer,
    browser: Browser,
    person: str,
    tmp_path: Path,
    typed: Typed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = tmp_path / "said"
    with logging_in(guarded, said) as process:
        code = shown_code(said)
        device = browser.get(f"/api/v1/auth/devices/{code.lower().replace('-', ' ')}").json()
        assert device["client"].startswith("mainspring on ")
        assert (device["user_code"], device["account"]) == (code, person)
        browser.post(f"/api/v1/auth/devices/{code}", json={"approve": True}).raise_for_status()
        assert process.wait(30) == 0
    assert f"as {person} for 90 days" in said.read_text()
    token = kept_token(guarded.url)
    assert token is not None
    assert token not in said.read_text()
    assert (token_file().stat().st_mode & 0o777, token_file().parent.stat().st_mode & 0o777) == (0o600, 0o700)
    monkeypatch.setenv("MAINSPRING_URL", guarded.url)
    assert typed("whoami", "--json").json["name"] == person
    (key,) = browser.get("/api/v1/auth/keys").json()["items"]
    assert key["name"] == device["client"]
    assert 89 < (key["expires_at"] - key["created_at"]) / 86_400_000 <= 90
    typed("logout")
    assert kept_token(guarded.url) is None
    assert browser.get("/api/v1/auth/keys").json()["items"] == []
    with ms.connect(guarded.url, token=token) as client, pytest.raises(Unauthenticated):
        client.auth.who_am_i()
    assert "No token is kept" in typed("logout").err
    assert token not in guarded.log


def test_refused(guarded: MainspringServer, browser: Browser, person: str, tmp_path: Path) -> None:
    said = tmp_path / "said"
    with logging_in(guarded, said) as process:
        browser.post(f"/api/v1/auth/devices/{shown_code(said)}", json={"approve": False}).raise_for_status()
        assert process.wait(30) == PermissionDenied.code.exit_code
    assert "It was refused." in said.read_text()
    assert kept_token(guarded.url) is None


def test_what_is_answered_meanwhile(guarded: MainspringServer, browser: Browser, person: str) -> None:
    with ms.connect(guarded.url) as client:
        device = client.devices.start("a program")
        first, second = client.devices.poll(device.device_code), client.devices.poll(device.device_code)
        assert isinstance(first, DeviceRefusal)
        assert isinstance(second, DeviceRefusal)
        assert (first.error, second.error) == ("authorization_pending", "slow_down")
        browser.post(f"/api/v1/auth/devices/{device.user_code}", json={"approve": True}).raise_for_status()
        third, fourth = client.devices.poll(device.device_code), client.devices.poll(device.device_code)
        assert isinstance(third, DeviceToken)
        assert isinstance(fourth, DeviceRefusal)
        assert (third.name, fourth.error) == (person, "invalid_grant")
        unknown = client.devices.poll("unknown")
        assert isinstance(unknown, DeviceRefusal)
        assert unknown.error == "expired_token"
    answer = httpx.post(f"{guarded.url}/api/v1/auth/device/token", json={"device_code": "unknown"})
    assert answer.status_code == 400
    assert answer.headers["cache-control"] == "no-store"


def test_who_may_let_it_in(guarded: MainspringServer, browser: Browser, person: str) -> None:
    """Only somebody who is signed in, and no page of another site in their name, and no limited token."""
    with ms.connect(guarded.url) as client:
        code = client.devices.start("a program").user_code
    path = f"{guarded.url}/api/v1/auth/devices/{code}"
    assert httpx.get(path).status_code == 401
    assert httpx.post(path, json={"approve": True}).status_code == 401
    evil = {"Origin": "https://evil.example"}
    assert browser.post(path, json={"approve": True}, headers=evil).status_code == 403
    as_form = {"Content-Type": "text/plain"}
    assert browser.post(path, content=b'{"approve": true}', headers=as_form).status_code == 400
    limited = {"name": "limited", "permissions": ["tracking:read"]}
    token = browser.post("/api/v1/auth/keys", json=limited).json()["token"]
    by_token = {"Authorization": f"Bearer {token}"}
    assert httpx.post(path, json={"approve": True}, headers=by_token).status_code == 403
    assert browser.post(path, json={"approve": True}).status_code == 204
    assert browser.post(path, json={"approve": True}).status_code == 404


@pytest.mark.parametrize("code", ["BCDF-GHJK", "BCDFGHJ", "AEIO-UAEI", "a/b", "%00", "🦀" * 8])
def test_codes_that_nobody_shows(guarded: MainspringServer, browser: Browser, person: str, code: str) -> None:
    assert browser.get(f"/api/v1/auth/devices/{code}").status_code in (400, 404)


@pytest.mark.parametrize("client", ["", "  ", "two\nlines", "a" * 101, "bell\a"])
def test_programs_say_who_they_are(guarded: MainspringServer, client: str) -> None:
    assert httpx.post(f"{guarded.url}/api/v1/auth/device", json={"client": client}).status_code == 400
