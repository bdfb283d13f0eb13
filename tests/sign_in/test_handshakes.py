"""What a browser carries to an identity provider and back."""

from __future__ import annotations

import time

import pytest

from mainspring.kit.errors import Unauthenticated
from mainspring.modules.identity.service import handshakes
from mainspring.modules.identity.service.handshakes import begin_handshake, find_handshake, own_page


def test_it_comes_back() -> None:
    begun = begin_handshake("oidc", "/runs?x=1#y")
    found = find_handshake(begun.cookie, "oidc", begun.state)
    assert found == begun
    assert found.page == "/runs?x=1#y"
    assert len({begun.state, begun.nonce, begun.verifier}) == 3
    assert 43 <= len(begun.verifier) <= 128
    assert begun.cookie not in repr(begun)


def test_each_is_another() -> None:
    first, second = begin_handshake("oidc", "/"), begin_handshake("oidc", "/")
    for name in ("state", "nonce", "verifier", "digest"):
        assert getattr(first, name) != getattr(second, name)


@pytest.mark.parametrize("state", [None, "", "x", "é"])
def test_a_wrong_state(state: str | None) -> None:
    with pytest.raises(Unauthenticated, match="not begun in this browser"):
        find_handshake(begin_handshake("oidc", "/").cookie, "oidc", state)


def test_another_provider() -> None:
    begun = begin_handshake("oidc", "/")
    with pytest.raises(Unauthenticated):
        find_handshake(begun.cookie, "gitlab", begun.state)


def test_a_part_that_was_changed_fits_no_state() -> None:
    begun = begin_handshake("oidc", "/")
    for index in range(4):
        parts = begun.cookie.split(".")
        parts[index] = parts[index][:-1] + ("1" if parts[index][-1] != "1" else "2")
        with pytest.raises(Unauthenticated):
            find_handshake(".".join(parts), "oidc", begun.state)


@pytest.mark.parametrize(
    "cookie", [None, "", "a", "a.b.c.d", "a.oidc.1.%%", "é.oidc.1.Lw", "a.oidc." + "9" * 400 + ".Lw"]
)
def test_what_is_no_cookie(cookie: str | None) -> None:
    with pytest.raises(Unauthenticated):
        find_handshake(cookie, "oidc", "x")


def test_it_takes_not_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, now = begin_handshake("oidc", "/"), time.time()
    monkeypatch.setattr(handshakes.time, "time", lambda: now + handshakes.LIFE_S + 5)
    with pytest.raises(Unauthenticated, match="too long"):
        find_handshake(begun.cookie, "oidc", begun.state)


@pytest.mark.parametrize("page", ["/", "/a", "/a/b?c=d&e=%2F#f", "/%2F%2Fevil.example", "/a//b", "/@evil.example"])
def test_pages_of_ours(page: str) -> None:
    assert own_page(page) == page


@pytest.mark.parametrize(
    "page",
    [
        None,
        "",
        "a",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/a\\b",
        "https://evil.example",
        "javascript:alert(1)",
        "/\tx",
        "/\r\nSet-Cookie: a=b",
        "/\0",
        " /a",
        "/a b",
        "/é",
        "/" + "a" * 2000,
    ],
)
def test_pages_of_others(page: str | None) -> None:
    assert own_page(page) == "/"
