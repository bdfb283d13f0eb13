"""Signing in to a real server: the first administrator, cookies, keys, and what ends them, seen from outside."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.components.ports import wait_until
from tests.components.postgres import create_database
from tests.components.server import MainspringServer

PASSWORD = "a lantern in the quiet hall"
OTHER = "eleven geese over the barn"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainspringServer]:
    """A server with accounts and none in it yet; on PostgreSQL of two processes."""
    more: list[str] = ["--auth", "local"]
    url = None
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        url = postgres.database_url(create_database(postgres))
        more += ["--workers", "2"]
    with MainspringServer(tmp_path_factory.mktemp("guarded") / "data", *more, database_url=url) as server:
        yield server


def browser(server: MainspringServer) -> httpx.Client:
    """Return a client that keeps cookies and says where its requests come from, as browsers do."""
    return httpx.Client(base_url=f"{server.url}/api/v1", headers={"Origin": server.url})


def program(server: MainspringServer, token: str) -> httpx.Client:
    return httpx.Client(base_url=f"{server.url}/api/v1", headers={"Authorization": f"Bearer {token}"})


def code(answer: httpx.Response) -> Any:
    return answer.status_code, answer.json().get("code")


@pytest.fixture(scope="module")
def ada(guarded: MainspringServer) -> httpx.Client:
    """The browser of the first administrator, made by the link that the server has printed."""
    wait_until(lambda: "/setup#token=" in guarded.log, "the link", 10)  # of two processes one may answer before it
    found = re.search(rf"{re.escape(guarded.url)}/setup#token=(msl_\w+)", guarded.log)
    assert found
    client = browser(guarded)
    body = {"token": found[1], "name": "ada", "password": PASSWORD, "display_name": "Ada L."}
    answer = client.post("/auth/setup", json=body)
    assert answer.status_code == 204, answer.text
    check_cookie(answer.headers["set-cookie"])
    assert client.post("/auth/setup", json=body).status_code == 403
    return client


def check_cookie(header: str) -> None:
    assert re.match(r"mainspring_session=mss_\w{49}\.[\w-]{43};", header)
    parts = {part.strip().lower() for part in header.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= parts
    assert not {"secure"} & parts
    assert not any(part.startswith("domain") for part in parts)


@pytest.fixture(scope="module")
def anna(guarded: MainspringServer, ada: httpx.Client) -> httpx.Client:
    """The browser of a user."""
    made = ada.post("/users", json={"name": "anna", "password": PASSWORD, "email": "anna@example.org"})
    assert made.status_code == 201, made.text
    client = browser(guarded)
    answer = client.post("/auth/sign-in", json={"name": "Anna", "password": PASSWORD})
    assert answer.status_code == 204, answer.text
    check_cookie(answer.headers["set-cookie"])
    return client


def test_nobody_comes_in_without_an_account(guarded: MainspringServer) -> None:
    client = browser(guarded)
    for method, path in (
        ("GET", "/users"),
        ("GET", "/users/me"),
        ("GET", "/groups"),
        ("GET", "/auth/me"),
        ("GET", "/auth/sessions"),
        ("GET", "/auth/keys"),
        ("GET", "/experiments"),
    ):
        assert code(client.request(method, path)) == (401, "unauthenticated"), path
    assert code(client.post("/users", json={"name": "eve"})) == (401, "unauthenticated")
    for path in ("/auth/sign-in", "/auth/setup", "/auth/password"):
        assert client.post(path, json={}).status_code == 400


def test_the_administrator_is_signed_in(ada: httpx.Client) -> None:
    me = ada.get("/auth/me").json()
    assert (me["name"], me["kind"], me["is_admin"], me["scoped"]) == ("ada", "user", True, False)
    assert "users:manage" in me["permissions"]
    assert ada.get("/users/me").json()["display_name"] == "Ada L."


def test_a_user_may_little(ada: httpx.Client, anna: httpx.Client) -> None:
    assert anna.get("/users/me").json()["email"] == "anna@example.org"
    assert anna.get("/users/ada").json()["email"] is None
    assert code(anna.post("/users", json={"name": "eve"})) == (403, "permission_denied")
    assert code(anna.put("/users/anna/admin", json={"is_admin": True})) == (403, "permission_denied")
    assert code(anna.patch("/users/me", json={"is_admin": True})) == (400, "invalid_argument")
    assert code(anna.patch("/users/me", json={"display_name": "A", "name": "ada"})) == (400, "invalid_argument")
    assert anna.patch("/users/me", json={"display_name": "Anna A."}).json()["display_name"] == "Anna A."
    assert ada.get("/users/anna").json()["is_admin"] is False


def test_another_sites_page_cannot_use_the_cookie(guarded: MainspringServer, anna: httpx.Client) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Origin": ""}):
        answer = anna.patch("/users/me", json={"display_name": "evil"}, headers=headers)
        assert answer.status_code == 403, answer.text
    assert anna.get("/users/me").json()["display_name"] == "Anna A."


def test_a_secure_connection_gets_a_secure_cookie(guarded: MainspringServer, anna: httpx.Client) -> None:
    headers = {"X-Forwarded-Proto": "https", "Origin": guarded.url.replace("http:", "https:")}
    client = httpx.Client(base_url=f"{guarded.url}/api/v1", headers=headers)
    answer = client.post("/auth/sign-in", json={"name": "anna", "password": PASSWORD})
    assert answer.status_code == 204, answer.text
    header = answer.headers["set-cookie"]
    assert header.startswith("__Host-mainspring_session=mss_")
    assert {"secure", "path=/"} <= {part.strip().lower() for part in header.split(";")[1:]}
    value = header.partition(";")[0].partition("=")[2]
    assert client.get("/auth/me", headers={"Cookie": f"__Host-mainspring_session={value}"}).status_code == 200
    assert client.get("/auth/me", headers={"Cookie": f"mainspring_session={value}"}).status_code == 401


def test_a_wrong_password_is_refused_and_throttled(guarded: MainspringServer, ada: httpx.Client) -> None:
    assert ada.post("/users", json={"name": "bob", "password": PASSWORD}).status_code == 201
    client = browser(guarded)
    tries = [client.post("/auth/sign-in", json={"name": "bob", "password": OTHER}) for _ in range(9)]
    assert [answer.status_code for answer in tries] == [401] * 8 + [429]
    assert tries[-1].headers["retry-after"] == "1"
    assert {answer.json()["detail"] for answer in tries[:8]} == {"The name or the password is wrong."}
    assert not any("set-cookie" in answer.headers for answer in tries)
    assert client.post("/auth/sign-in", json={"name": "anna", "password": PASSWORD}).status_code == 204


def test_a_key_works_until_it_is_revoked(guarded: MainspringServer, anna: httpx.Client) -> None:
    made = anna.post("/auth/keys", json={"name": "laptop", "expires_days": 3}).json()
    client = program(guarded, made["token"])
    assert client.get("/auth/me").json()["name"] == "anna"
    basic = base64.b64encode(f"anybody:{made['token']}".encode()).decode()
    assert httpx.get(f"{guarded.url}/api/v1/auth/me", headers={"Authorization": f"Basic {basic}"}).status_code == 200
    listed = anna.get("/auth/keys").json()["items"]
    assert [key["id"] for key in listed] == [made["id"]]
    assert "token" not in listed[0]
    assert anna.delete(f"/auth/keys/{made['id']}").status_code == 204
    for _ in range(10):
        assert code(client.get("/auth/me")) == (401, "unauthenticated")
    assert anna.delete(f"/auth/keys/{made['id']}").status_code == 404


def test_a_limited_key_cannot_free_itself(guarded: MainspringServer, ada: httpx.Client) -> None:
    made = ada.post(
        "/auth/keys", json={"name": "ci", "permissions": ["project:read", "tracking:read", "users:manage"]}
    ).json()
    client = program(guarded, made["token"])
    assert client.get("/experiments").status_code == 200
    assert code(client.post("/experiments", json={"name": "e"})) == (403, "permission_denied")
    for method, path, body in (
        ("POST", "/auth/keys", {"name": "k"}),
        ("PUT", "/users/me/password", {"current_password": PASSWORD, "new_password": OTHER}),
        ("PUT", "/users/ada/password", {"password": OTHER}),
        ("POST", "/users", {"name": "eve"}),
        ("PUT", "/users/anna/admin", {"is_admin": True}),
        ("GET", "/auth/sessions", None),
    ):
        assert code(client.request(method, path, json=body)) == (403, "permission_denied"), path


def test_a_service_account_has_keys(guarded: MainspringServer, ada: httpx.Client) -> None:
    assert ada.post("/users", json={"name": "ci", "kind": "service"}).status_code == 201
    made = ada.post("/auth/keys", json={"name": "pipeline", "user": "ci"}).json()
    client = program(guarded, made["token"])
    assert client.get("/auth/me").json() | {"permissions": []} == {
        "name": "ci",
        "kind": "service",
        "is_admin": False,
        "permissions": [],
        "groups": [],
        "scoped": False,
        "run_id": None,
    }
    assert ada.post("/users/ci/block").status_code == 200
    assert code(client.get("/auth/me")) == (401, "unauthenticated")


def test_a_run_token_writes_its_run_alone(guarded: MainspringServer, ada: httpx.Client) -> None:
    runs = [ada.post("/runs", json={"experiment_id": "0"}).json()["run_id"] for _ in range(2)]
    made = ada.post("/auth/run-tokens", json={"run_id": runs[0]}).json()
    client = program(guarded, made["token"])
    fresh = client.post("/auth/run-tokens/refresh", json={"expires_s": 60})
    assert fresh.status_code == 201, fresh.text
    for token in (made["token"], fresh.json()["token"]):
        client = program(guarded, token)
        assert client.get(f"/runs/{runs[1]}").status_code == 200
        tag = {"value": "v"}
        assert client.put(f"/runs/{runs[0]}/tags/k", json=tag).status_code == 204
        assert client.put(f"/runs/{runs[1]}/tags/k", json=tag).status_code == 403
        assert client.post("/auth/run-tokens", json={"run_id": runs[1]}).status_code == 403
        assert client.post("/auth/keys", json={"name": "k"}).status_code == 403


def test_blocking_and_unblocking(guarded: MainspringServer, ada: httpx.Client) -> None:
    ada.post("/users", json={"name": "carl", "password": PASSWORD})
    client = browser(guarded)
    assert client.post("/auth/sign-in", json={"name": "carl", "password": PASSWORD}).status_code == 204
    assert client.get("/auth/me").status_code == 200
    assert ada.post("/users/carl/block").json()["blocked"] is True
    assert code(client.get("/auth/me")) == (401, "unauthenticated")
    # The browser still has the cookie of the session that has ended.
    assert code(client.post("/auth/sign-in", json={"name": "carl", "password": PASSWORD})) == (401, "unauthenticated")
    assert ada.post("/users/carl/unblock").json()["blocked"] is False
    assert client.post("/auth/sign-in", json={"name": "carl", "password": PASSWORD}).status_code == 204
    assert ada.delete("/users/carl").status_code == 204
    assert code(client.get("/auth/me")) == (401, "unauthenticated")
    assert code(ada.post("/users/ada/block")) == (409, "failed_precondition")


def test_sessions_and_signing_out(guarded: MainspringServer, ada: httpx.Client) -> None:
    ada.post("/users", json={"name": "dora", "password": PASSWORD})
    here, there = browser(guarded), browser(guarded)
    for client in (here, there):
        assert client.post("/auth/sign-in", json={"name": "dora", "password": PASSWORD}).status_code == 204
    sessions = here.get("/auth/sessions").json()["items"]
    assert sorted(session["current"] for session in sessions) == [False, True]
    assert {session["address"] for session in sessions} == {"127.0.0.1"}
    [other] = [session["id"] for session in sessions if not session["current"]]
    assert here.delete(f"/auth/sessions/{other}").status_code == 204
    assert there.get("/auth/me").status_code == 401
    taken = dict(here.cookies)
    assert here.post("/auth/sign-out").status_code == 204
    assert not here.cookies
    stolen = httpx.Client(base_url=here.base_url, cookies=taken)
    assert stolen.get("/auth/me").status_code == 401
    assert there.post("/auth/sign-in", json={"name": "dora", "password": PASSWORD}).status_code == 204
    change = {"current_password": PASSWORD, "new_password": OTHER}
    assert there.put("/users/me/password", json=change).status_code == 204
    assert there.delete("/auth/sessions").status_code == 204
    assert there.get("/auth/me").status_code == 401
    assert there.post("/auth/sign-in", json={"name": "dora", "password": OTHER}).status_code == 204


def test_a_password_link(guarded: MainspringServer, ada: httpx.Client) -> None:
    ada.post("/users", json={"name": "emil"})
    link = ada.post("/users/emil/password-link").json()
    client = browser(guarded)
    assert client.post("/auth/password", json={"token": link["token"], "password": OTHER}).status_code == 204
    assert client.post("/auth/password", json={"token": link["token"], "password": PASSWORD}).status_code == 403
    assert client.post("/auth/sign-in", json={"name": "emil", "password": OTHER}).status_code == 204
    assert ada.put("/users/emil/password", json={"password": PASSWORD}).status_code == 204
    assert client.get("/auth/me").status_code == 401


def test_groups(ada: httpx.Client, anna: httpx.Client) -> None:
    assert ada.post("/groups", json={"name": "vision", "description": "d"}).status_code == 201
    assert ada.put("/groups/vision/members/anna").status_code == 204
    assert anna.get("/auth/me").json()["groups"] == ["vision"]
    assert [member["name"] for member in anna.get("/groups/vision/members").json()["items"]] == ["anna"]
    assert code(anna.delete("/groups/vision")) == (403, "permission_denied")
    assert ada.delete("/groups/vision/members/anna").status_code == 204
    assert anna.get("/auth/me").json()["groups"] == []
    assert ada.patch("/groups/vision", json={"claim": "/eng/vision"}).json()["claim"] == "/eng/vision"
    assert [group["name"] for group in ada.get("/groups").json()["items"]] == ["vision"]
    assert ada.delete("/groups/vision").status_code == 204


def test_nothing_secret_was_logged(guarded: MainspringServer, ada: httpx.Client, anna: httpx.Client) -> None:
    for secret in (PASSWORD, OTHER, *ada.cookies.values(), *anna.cookies.values(), "msk_", "msr_", "$argon2"):
        assert secret not in guarded.log
    assert guarded.log.count("msl_") == 1


def test_a_server_with_an_administrator_prints_no_link(tmp_path: Path) -> None:
    with MainspringServer(tmp_path / "data", "--auth", "local") as server:
        found = re.search(r"token=(msl_\w+)", server.log)
        assert found
        body = {"token": found[1], "name": "ada", "password": PASSWORD}
        assert httpx.post(f"{server.url}/api/v1/auth/setup", json=body).status_code == 204
        server.restart()
        assert server.log.count("/setup#token=") == 1


def test_a_server_without_accounts_has_nothing_to_sign_in_to(sqlite_server: MainspringServer) -> None:
    client = browser(sqlite_server)
    assert client.get("/auth/me").json()["name"] == "local"
    for path, body in (
        ("/auth/sign-in", {"name": "a", "password": "b"}),
        ("/auth/setup", {"token": "t", "name": "a", "password": "b"}),
        ("/auth/password", {"token": "t", "password": "b"}),
        ("/auth/keys", {"name": "k"}),
    ):
        answer = client.post(path, json=body)
        assert code(answer) == (409, "failed_precondition")
        assert "auth=local" in answer.json()["detail"]
