"""Signing in by GitLab, as a double of it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from mainspring.kit.errors import Unauthenticated
from mainspring.modules.identity.service.gitlab import GitlabProvider
from mainspring.modules.identity.service.oidc import Tokens
from tests.components.gitlab import CLIENT_ID, CLIENT_SECRET
from tests.components.server import MainspringServer
from tests.sign_in.conftest import Browser, NewBrowser
from tests.sign_in.test_oidc import is_out, me

START = "/sign-in/gitlab"


@pytest.fixture(autouse=True)
def as_it_was(gitlab: str) -> Iterator[None]:
    """Have the double forget what a test did to it."""
    yield
    httpx.delete(f"{gitlab}/__double__/faults")


def sign_in(browser: Browser, user: str, page: str = "/") -> httpx.Response:
    """Sign in as a user of the double."""
    there = browser.get(START, params={"next": page}).headers["Location"]
    back = browser.get(f"{there}&double_user={user}").headers["Location"]
    return browser.get(back)


def test_the_whole_way(guarded: MainspringServer, browser: Browser) -> None:
    answer = sign_in(browser, "alice", "/device")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/device")
    account = browser.get("/api/v1/users/me").json()
    assert account["name"].startswith("alice")
    assert (account["display_name"], account["email"], account["is_admin"]) == (
        "Alice Maintainer",
        "alice@example.org",
        False,
    )


def test_its_groups_are_kept(guarded: MainspringServer, browser: Browser, gitlab: str) -> None:
    told = asyncio.run(provider_of(gitlab).describe(fresh_tokens(browser, "bob"), {"sub": "3"}))
    assert told["groups"] == ["eo-lab", "eo-lab/level-two"]


def provider_of(gitlab: str) -> GitlabProvider:
    return GitlabProvider(f"{gitlab}/", CLIENT_ID, CLIENT_SECRET)


def fresh_tokens(browser: Browser, user: str) -> Tokens:
    """Return tokens of a user that GitLab has just given to somebody."""
    there = httpx.URL(browser.get(START).headers["Location"])
    asked = there.copy_remove_param("code_challenge").copy_remove_param("code_challenge_method")
    back = httpx.URL(browser.get(asked.copy_add_param("double_user", user)).headers["Location"])
    form = {
        "grant_type": "authorization_code",
        "code": back.params["code"],
        "redirect_uri": there.params["redirect_uri"],
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    given = httpx.post(str(there.copy_with(path="/oauth/token", query=None)), data=form).json()
    return Tokens(given["access_token"], given["id_token"], given["refresh_token"], given["expires_in"])


@pytest.mark.parametrize("token", ["double-mallory", "double-alice-revoked", "double-alice-expired", "nonsense"])
def test_whom_gitlab_keeps_out(gitlab: str, token: str) -> None:
    with pytest.raises(Unauthenticated):
        asyncio.run(provider_of(gitlab).describe(Tokens(token), {"sub": "7"}))


def test_the_token_of_somebody_else(gitlab: str) -> None:
    with pytest.raises(Unauthenticated):
        asyncio.run(provider_of(gitlab).describe(Tokens("double-bob"), {"sub": "2"}))


def test_who_refuses_at_gitlab(guarded: MainspringServer, browser: Browser) -> None:
    there = browser.get(START).headers["Location"]
    back = browser.get(f"{there}&deny=1").headers["Location"]
    answer = browser.get(back)
    assert answer.status_code == 401
    assert "refused this sign-in" in answer.text
    assert is_out(browser)


@pytest.mark.parametrize("path", ["/oauth/token$", "/api/v4/user$", "/oauth/userinfo$"])
def test_gitlab_fails(guarded: MainspringServer, browser: Browser, gitlab: str, path: str) -> None:
    httpx.post(f"{gitlab}/__double__/faults", json={"match": path, "status": 502})
    answer = sign_in(browser, "carol")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert is_out(browser)


def test_gitlab_fails_once(guarded: MainspringServer, new_browser: NewBrowser, gitlab: str) -> None:
    httpx.post(f"{gitlab}/__double__/faults", json={"match": "/api/v4/user$", "status": 502, "times": 1})
    browser = new_browser()
    assert sign_in(browser, "carol").status_code == 303
    assert me(browser).json()["name"].startswith("carol")
