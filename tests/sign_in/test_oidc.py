"""Signing in by a real OpenID Connect provider, as a browser does it."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.components.oidc import OidcProvider
from tests.components.ports import wait_until
from tests.components.server import MainspringServer
from tests.sign_in.conftest import Browser, NewBrowser

START = "/sign-in/oidc"
SESSION, HANDSHAKE = "mainspring_session", "mainspring_handshake"


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def guarded(request: pytest.FixtureRequest) -> MainspringServer:
    """Return a server, once on each database."""
    server: MainspringServer = request.getfixturevalue(f"guarded_{request.param}")
    return server


def login() -> str:
    """Return somebody whom nobody has seen yet."""
    return f"user{secrets.token_hex(4)}"


def sign_in(
    provider: OidcProvider, server: MainspringServer, browser: Browser, who: str, page: str = "/"
) -> httpx.Response:
    return provider.sign_in(browser, f"{server.url}{START}?next={page}", who)


def me(browser: Browser) -> httpx.Response:
    return browser.get("/api/v1/auth/me")


def is_out(browser: Browser) -> bool:
    return me(browser).status_code == 401


@pytest.fixture
def admin(oidc_provider: OidcProvider, guarded: MainspringServer, new_browser: NewBrowser) -> Browser:
    """Return the browser of an administrator."""
    who, browser = login(), new_browser()
    oidc_provider.set_account(who, groups=["admins"])
    assert sign_in(oidc_provider, guarded, browser, who).status_code == 303
    return browser


def test_the_whole_way(
    oidc_provider: OidcProvider, guarded: MainspringServer, browser: Browser, admin: Browser
) -> None:
    group, who = f"team-{secrets.token_hex(3)}", login()
    admin.post("/api/v1/groups", json={"name": group, "claim": f"/{group}"}).raise_for_status()
    oidc_provider.set_account(who, groups=[f"/{group}"], roles=["admin"])
    assert is_out(browser)
    answer = sign_in(oidc_provider, guarded, browser, who, "/device%23BCDF-GHJK")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/device#BCDF-GHJK")
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith(SESSION))
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert HANDSHAKE not in browser.cookies
    told = me(browser).json()
    assert (told["name"], told["groups"], told["is_admin"]) == (who, [group], False)
    account = browser.get("/api/v1/users/me").json()
    assert (account["display_name"], account["email"]) == (f"{who.capitalize()} Example", f"{who}@example.org")
    assert me(admin).json()["is_admin"]
    again = sign_in(oidc_provider, guarded, browser, who)
    assert again.status_code == 303
    assert me(browser).json()["name"] == who


def test_a_realm_role_is_a_group(oidc_provider: OidcProvider, guarded: MainspringServer, browser: Browser) -> None:
    who = login()
    oidc_provider.set_account(who, roles=["admins"])
    sign_in(oidc_provider, guarded, browser, who)
    assert me(browser).json()["is_admin"]


def test_what_the_provider_says_later_counts(
    oidc_provider: OidcProvider, guarded: MainspringServer, new_browser: NewBrowser, admin: Browser
) -> None:
    """Its access tokens end soon: then it is asked again, and a session that it refuses is over."""
    group, member, leaver = f"team-{secrets.token_hex(3)}", login(), login()
    admin.post("/api/v1/groups", json={"name": group, "claim": group}).raise_for_status()
    browsers = {who: new_browser() for who in (member, leaver)}
    for who, browser in browsers.items():
        oidc_provider.set_account(who, groups=[group])
        sign_in(oidc_provider, guarded, browser, who)
        assert me(browser).json()["groups"] == [group]
    oidc_provider.set_account(member, groups=[])
    oidc_provider.set_account(leaver, removed=True)
    wait_until(lambda: me(browsers[member]).json()["groups"] == [], "the group to be left")
    wait_until(lambda: is_out(browsers[leaver]), "the session to end")
    assert not is_out(browsers[member])


def test_new_keys(oidc_provider: OidcProvider, guarded: MainspringServer, new_browser: NewBrowser) -> None:
    first, second, who = new_browser(), new_browser(), login()
    sign_in(oidc_provider, guarded, first, who)
    oidc_provider.rotate_keys()
    assert sign_in(oidc_provider, guarded, second, who).status_code == 303
    assert me(first).json()["name"] == me(second).json()["name"] == who


def test_a_session_that_ends_there_ends_here(
    oidc_provider: OidcProvider, guarded: MainspringServer, new_browser: NewBrowser
) -> None:
    leaving, staying, who = new_browser(), new_browser(), login()
    for browser in (leaving, staying):
        sign_in(oidc_provider, guarded, browser, who)
    asked = guarded.log.count('"session_ended"')
    oidc_provider.sign_out(leaving)  # it answers when it has told its clients
    assert is_out(leaving)
    assert guarded.log.count('"session_ended"') == asked, "it ended because it was asked about, not by the logout token"
    assert not is_out(staying)
    assert sign_in(oidc_provider, guarded, leaving, login()).status_code == 303


def test_signing_out_here_leads_there(oidc_provider: OidcProvider, guarded: MainspringServer, browser: Browser) -> None:
    sign_in(oidc_provider, guarded, browser, login())
    answer = browser.post("/sign-out")
    target = urlsplit(answer.headers["Location"])
    given = parse_qs(target.query)
    assert answer.headers["Location"].startswith(f"{oidc_provider.issuer}/session/end?")
    assert given["post_logout_redirect_uri"] == [f"{guarded.url}/signed-out"]
    assert given["id_token_hint"][0].count(".") == 2
    assert is_out(browser)
    assert browser.get(answer.headers["Location"]).status_code == 200


def test_nothing_is_asked_of_a_browser_that_was_never_there(guarded: MainspringServer, browser: Browser) -> None:
    assert browser.post("/sign-out").status_code == 401


def begun(provider: OidcProvider, server: MainspringServer, browser: Browser, who: str) -> str:
    """Return the address by which a browser would come back from the provider."""
    back = ""

    def stop(request: httpx.Request) -> None:
        nonlocal back
        if request.url.path.endswith("/callback"):
            back = str(request.url)
            raise InterruptedError

    browser.event_hooks = {"request": [stop]}
    with pytest.raises(InterruptedError):
        sign_in(provider, server, browser, who)
    browser.event_hooks = {}
    return back


@pytest.mark.parametrize("wrong", ["state", "no state", "no cookie", "another cookie", "another issuer", "no code"])
def test_what_was_not_begun_here(
    oidc_provider: OidcProvider, guarded: MainspringServer, browser: Browser, new_browser: NewBrowser, wrong: str
) -> None:
    back = begun(oidc_provider, guarded, browser, login())
    given = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    if wrong == "state":
        given["state"] = given["state"][:-1] + ("A" if given["state"][-1] != "A" else "B")
    elif wrong == "no state":
        del given["state"]
    elif wrong == "no cookie":
        browser.cookies.delete(HANDSHAKE)
    elif wrong == "another cookie":
        other = new_browser()
        begun(oidc_provider, guarded, other, login())
        browser.cookies.delete(HANDSHAKE)
        browser.cookies.set(HANDSHAKE, other.cookies[HANDSHAKE])
    elif wrong == "another issuer":
        given["iss"] = "https://evil.example"
    else:
        del given["code"]
    answer = browser.get(f"{START}/callback", params=given)
    assert answer.status_code == 401
    assert 'role="alert" id="problem">' in answer.text
    assert SESSION not in browser.cookies
    assert is_out(browser)


def test_a_code_is_good_once(
    oidc_provider: OidcProvider, guarded: MainspringServer, browser: Browser, new_browser: NewBrowser
) -> None:
    back = begun(oidc_provider, guarded, browser, login())
    cookie = browser.cookies[HANDSHAKE]
    assert browser.get(back).status_code == 303
    thief = new_browser()
    assert thief.get(back).status_code == 401
    thief.cookies.set(HANDSHAKE, cookie)
    refused = thief.get(back)
    assert refused.status_code == 401
    assert "used before" in refused.text
    assert not is_out(browser)


def test_a_code_of_somebody_else(
    oidc_provider: OidcProvider, guarded: MainspringServer, browser: Browser, new_browser: NewBrowser
) -> None:
    """Injected into a sign-in that is under way, it fits neither the verifier nor the nonce."""
    mine = begun(oidc_provider, guarded, browser, login())
    theirs = begun(oidc_provider, guarded, new_browser(), login())
    code = parse_qs(urlsplit(theirs).query)["code"][0]
    given = {name: values[0] for name, values in parse_qs(urlsplit(mine).query).items()}
    assert browser.get(f"{START}/callback", params={**given, "code": code}).status_code == 401
    assert is_out(browser)


def test_a_session_is_never_one_that_was_there(
    oidc_provider: OidcProvider, guarded: MainspringServer, browser: Browser, new_browser: NewBrowser
) -> None:
    """Session fixation: whoever plants a cookie in a browser does not know the session that it gets."""
    sign_in(oidc_provider, guarded, browser, login())
    planted = browser.cookies[SESSION]
    victim = new_browser()
    victim.cookies.set(SESSION, planted, domain="127.0.0.1")
    sign_in(oidc_provider, guarded, victim, login())
    values = [cookie.value for cookie in victim.cookies.jar if cookie.name == SESSION]
    assert planted not in values
    assert is_out(browser), "the session that another one follows in the same browser goes on"


def test_a_cookie_of_nothing_keeps_nobody_out(
    oidc_provider: OidcProvider, guarded: MainspringServer, browser: Browser
) -> None:
    browser.cookies.set(SESSION, "mss_gone", domain="127.0.0.1")
    assert browser.get("/login").status_code == 200
    assert sign_in(oidc_provider, guarded, browser, login()).status_code == 303


@pytest.mark.parametrize(
    "page",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/a\\..\\\\evil.example",
        "evil.example",
        "",
        "/" + "a" * 3000,
    ],
)
def test_nobody_is_led_elsewhere(
    oidc_provider: OidcProvider, guarded: MainspringServer, browser: Browser, page: str
) -> None:
    shown = browser.get("/login", params={"next": page}).text
    assert "evil" not in shown
    assert 'data-next="/"' in shown
    begun_at = str(browser.build_request("GET", START, params={"next": page}).url)
    assert oidc_provider.sign_in(browser, begun_at, login()).headers["Location"] == "/"


def test_a_refusal_is_told_in_our_own_words(guarded: MainspringServer, browser: Browser) -> None:
    started = browser.get(START)
    state = parse_qs(urlsplit(started.headers["Location"]).query)["state"][0]
    given = {"state": state, "error": "access_denied", "error_description": "<b>Call 0800-EVIL</b>"}
    answer = browser.get(f"{START}/callback", params=given)
    assert answer.status_code == 401
    assert "EVIL" not in answer.text
    assert "refused this sign-in" in answer.text


def test_what_is_asked_of_the_provider(guarded: MainspringServer, browser: Browser) -> None:
    given = parse_qs(urlsplit(browser.get(START).headers["Location"]).query)
    assert given["code_challenge_method"] == ["S256"]
    assert given["response_type"] == ["code"]
    assert all(len(given[name][0]) >= 43 for name in ("state", "nonce", "code_challenge"))
    assert given["redirect_uri"] == [f"{guarded.url}{START}/callback"]


def test_an_unknown_provider(guarded: MainspringServer, browser: Browser) -> None:
    assert browser.get("/sign-in/nobody").status_code == 404
    assert browser.post("/sign-in/nobody/backchannel-logout", content=b"logout_token=a").status_code == 400


@pytest.mark.parametrize("body", [b"", b"logout_token=", b"logout_token=a.b.c", b"\xff" * 100])
def test_what_is_no_logout_token(guarded: MainspringServer, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = httpx.post(f"{guarded.url}{START}/backchannel-logout", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_no_secret_is_logged(guarded: MainspringServer, oidc_provider: OidcProvider, browser: Browser) -> None:
    sign_in(oidc_provider, guarded, browser, login())
    log = guarded.log
    assert browser.cookies[SESSION] not in log
    assert "code=" not in log
    assert "eyJ" not in log
