"""What works while the identity provider does not, and what a server does with one that lies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.client.answering import Answer
from tests.components.ports import wait_until
from tests.components.server import MainspringServer
from tests.sign_in.lying import CLIENT_ID, Liar, lying

START = "/sign-in/oidc"


@pytest.fixture(scope="module")
def liar() -> Iterator[Liar]:
    with lying() as running:
        yield running


@pytest.fixture(scope="module")
def server(liar: Liar, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainspringServer]:
    """Yield a server whose provider is not there when it starts."""
    data = tmp_path_factory.mktemp("away") / "data"
    liar.answers = {path: Answer(503) for path in ("/.well-known/openid-configuration", "/token", "/me", "/keys")}
    options = ("--auth", "oidc", "--oidc-issuer", liar.issuer, "--oidc-client-id", CLIENT_ID)
    with MainspringServer(data, *options, "--log-format", "json") as started:
        yield started


@pytest.fixture
def browser(server: MainspringServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"Origin": server.url}, timeout=30) as opened:
        yield opened


def sign_in(liar: Liar, browser: httpx.Client, *, refresh: str | None = None, **changed: Any) -> httpx.Response:
    """Sign in with claims that the provider makes up."""
    asked = parse_qs(urlsplit(browser.get(START).headers["Location"]).query)
    claims = liar.claims(nonce=asked["nonce"][0], **changed)
    given = {"access_token": "a", "id_token": liar.sign(claims), "refresh_token": refresh, "expires_in": 1}
    liar.answers["/token"] = Answer(content=json.dumps(given).encode())
    return browser.get(f"{START}/callback", params={"code": "c", "state": asked["state"][0]})


def me(browser: httpx.Client) -> int:
    return browser.get("/api/v1/auth/me").status_code


def test_while_it_is_away(server: MainspringServer, browser: httpx.Client, liar: Liar) -> None:
    """It starts, it says when to come back, and who is in stays in."""
    answer = browser.get(START)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "try again later" in answer.text
    assert liar.issuer not in answer.text
    assert browser.get("/login").status_code == 200
    liar.answers = {"/me": Answer(content=b'{"sub": "alice"}')}
    wait_until(lambda: browser.get(START).status_code == 303, "the provider to be asked again")
    assert sign_in(liar, browser, refresh="r").status_code == 303
    key = browser.post("/api/v1/auth/keys", json={"name": "k"}).json()["token"]
    before = server.log.count("session_not_refreshed")
    liar.answers = {"/token": Answer(503)}
    wait_until(lambda: server.log.count("session_not_refreshed") > before, "the provider to be asked in vain")
    assert me(browser) == 200
    assert httpx.get(f"{server.url}/api/v1/auth/me", headers={"Authorization": f"Bearer {key}"}).status_code == 200


@pytest.mark.parametrize(
    "changed", [{"nonce": "x"}, {"iss": "https://evil.example"}, {"aud": "x"}, {"exp": 1}, {"sub": ""}]
)
def test_it_lies(liar: Liar, browser: httpx.Client, changed: dict[str, Any]) -> None:
    liar.answers = {"/me": Answer(content=b'{"sub": "alice"}')}
    if "nonce" in changed:
        browser.get(START)
        asked = parse_qs(urlsplit(browser.get(START).headers["Location"]).query)
        given = {"access_token": "a", "id_token": liar.sign(liar.claims(**changed))}
        liar.answers["/token"] = Answer(content=json.dumps(given).encode())
        answer = browser.get(f"{START}/callback", params={"code": "c", "state": asked["state"][0]})
    else:
        answer = sign_in(liar, browser, **changed)
    assert answer.status_code == 401
    assert me(browser) == 401


def test_hostile_claims(liar: Liar, browser: httpx.Client) -> None:
    """What is of another type or no text was not said; nothing of it is a mistake of ours."""
    liar.answers = {}
    hostile = {
        "sub": "hostile",
        "preferred_username": ["admin"],
        "name": "\ud800<script>\0",
        "email": {"a": 1},
        "email_verified": "true",
        "groups": ["\ud800", 7, None, "a\0b", "x" * 5000, ["nested"]],
        "realm_access": {"roles": "admins"},
        "sid": "\ud800",
    }
    assert sign_in(liar, browser, **hostile).status_code == 303
    account = browser.get("/api/v1/users/me").json()
    assert (account["email"], account["is_admin"]) == ("", False)
    assert "\0" not in account["display_name"]


def test_nobody_is_taken_for_another(liar: Liar, browser: httpx.Client) -> None:
    """A name or an address that somebody has here already gives nobody that account."""
    liar.answers = {}
    first = {"preferred_username": "root2", "email": "root2@example.org", "email_verified": True, "groups": []}
    sign_in(liar, browser, sub="first", **first)
    name = browser.get("/api/v1/users/me").json()["name"]
    browser.cookies.clear()
    sign_in(liar, browser, sub="second", **first)
    assert browser.get("/api/v1/users/me").json()["name"] == f"{name}-2"


def logout(browser: httpx.Client, token: str) -> int:
    """Send a logout token, as the provider would, and return the status."""
    return httpx.post(browser.base_url.join(f"{START}/backchannel-logout"), data={"logout_token": token}).status_code


def test_a_logout_token_is_good_once(liar: Liar, browser: httpx.Client) -> None:
    liar.answers = {}
    token = liar.sign(liar.logout_claims(sid="one", jti="once"), typ="logout+jwt")
    sign_in(liar, browser, sub="leaver", sid="one", groups=[])
    assert me(browser) == 200
    assert logout(browser, token) == 200
    assert me(browser) == 401
    browser.cookies.clear()
    sign_in(liar, browser, sub="leaver", sid="one", groups=[])
    assert logout(browser, token) == 400
    assert me(browser) == 200


def test_a_subject_is_signed_out_everywhere(liar: Liar, browser: httpx.Client) -> None:
    liar.answers = {}
    sign_in(liar, browser, sub="everywhere", sid="two", groups=[])
    for subject, status in (("somebody", 200), ("everywhere", 401)):
        token = liar.sign(liar.logout_claims(sid=None, sub=subject, jti=subject), typ="logout+jwt")
        assert logout(browser, token) == 200
        assert me(browser) == status


def test_a_refresh_that_is_refused_ends_the_session(liar: Liar, browser: httpx.Client) -> None:
    liar.answers = {}
    sign_in(liar, browser, sub="refused", refresh="r", groups=[])
    assert me(browser) == 200
    liar.answers["/token"] = Answer(400, b'{"error": "invalid_grant"}')
    wait_until(lambda: me(browser) == 401, "the session to end")


def test_a_refresh_of_somebody_else_ends_the_session(liar: Liar, browser: httpx.Client) -> None:
    liar.answers = {}
    sign_in(liar, browser, sub="changeling", refresh="r", groups=[])
    other = {"access_token": "a", "id_token": liar.sign(liar.claims(sub="other", nonce=None)), "expires_in": 1}
    liar.answers["/token"] = Answer(content=json.dumps(other).encode())
    wait_until(lambda: me(browser) == 401, "the session to end")


def test_tokens_are_kept_encrypted(server: MainspringServer, liar: Liar, browser: httpx.Client) -> None:
    liar.answers = {}
    sign_in(liar, browser, sub="kept", refresh="a-very-secret-refresh-token", groups=[])
    kept = b"".join(path.read_bytes() for path in Path(server.data).rglob("*") if path.is_file())
    assert b"provider_sessions" in kept
    assert b"a-very-secret-refresh-token" not in kept
    assert b"eyJ" not in kept
