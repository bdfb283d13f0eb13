"""Who may do what, asked of a real server: the credentials of requests, projects apart, and changes at once."""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import update

from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.identity.tables import credentials
from tests.components.accounts import PASSWORD, Guarded

API = "/api/2.0/mlflow"
numbers = itertools.count()


@pytest.fixture(scope="module")
def people(guarded: Guarded) -> Guarded:
    """The server, with ann and bob, who have no roles."""
    for name in ("ann", "bob", "eve"):
        if name not in guarded.tokens:
            guarded.add_user(name)
    return guarded


@pytest.fixture
def path(people: Guarded) -> str:
    """A new project of which ann is a developer."""
    path = f"team/p{next(numbers)}"
    people.add_project(path, ann="developer")
    return path


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def test_nobody_is_asked_to_sign_in(people: Guarded) -> None:
    with people.client() as nobody:
        for url in (f"{API}/experiments/search?max_results=1", "/api/v1/experiments", "/p/no/such/api/v1/project"):
            answer = nobody.get(url)
            assert answer.status_code == 401, url
            assert "bearer" in answer.headers["www-authenticate"].lower()
        assert nobody.get("/livez").status_code == 200
        assert nobody.get("/health").status_code == 200
        assert nobody.get("/api/3.0/mlflow/server-info").status_code == 200


def test_a_project_that_is_not_mine_is_not_there(people: Guarded, path: str) -> None:
    with people.client("bob") as bob, people.client("ann") as ann:
        hidden = bob.get(f"/p/{path}/api/v1/project")
        missing = bob.get("/p/team/never-was/api/v1/project")
        assert (hidden.status_code, missing.status_code) == (404, 404)
        assert hidden.json()["detail"].replace(path, "team/never-was") == missing.json()["detail"]
        assert bob.get(f"/p/{path}{API}/experiments/search?max_results=1").status_code == 404
        assert ann.get(f"/p/{path}/api/v1/project").json()["path"] == path
        assert path not in {each["path"] for each in bob.get("/api/v1/projects").json()["items"]}


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer nonsense"},
        {"authorization": "Bearer msk_" + "0" * 49},
        {"authorization": "Digest x"},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic " + base64.b64encode(b"root").decode()},
        basic("root", "wrong password here"),
        basic("nobody-of-that-name", PASSWORD),
        {"cookie": "mainspring_session=forged"},
        {"cookie": "mainspring_session=mss_" + "0" * 49 + ".sig"},
    ],
)
def test_what_does_not_vouch_is_refused(people: Guarded, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{people.url}/api/v1/experiments", headers=headers)
    assert answer.status_code == 401
    assert "nonsense" not in answer.text
    assert "msk_" not in answer.text


def test_a_token_comes_as_bearer_or_as_either_half_of_basic(people: Guarded, path: str) -> None:
    token = people.tokens["ann"]
    for headers in (
        {"authorization": f"Bearer {token}"},
        {"authorization": f"bearer {token}"},
        basic("ann", token),
        basic(token, ""),
        basic("ann", PASSWORD),
    ):
        assert httpx.get(f"{people.url}/p/{path}/api/v1/project", headers=headers).status_code == 200


def test_roles_decide_what_is_done(people: Guarded, path: str) -> None:
    people.set_member(path, "bob", "guest")
    with people.client("ann") as ann, people.client("bob") as bob:
        made = ann.post(f"/p/{path}{API}/runs/create", json={"experiment_id": "0"})
        run = made.json()["run"]["info"]["run_id"]
        assert bob.get(f"/p/{path}{API}/runs/get?run_id={run}").status_code == 200
        point = {"run_id": run, "key": "m", "value": 1, "timestamp": 1}
        refused = bob.post(f"/p/{path}{API}/runs/log-metric", json=point)
        assert (refused.status_code, refused.json()["error_code"]) == (403, "PERMISSION_DENIED")
        assert bob.get(f"/p/{path}{API}/artifacts/list?run_id={run}").status_code == 403
        assert bob.post(f"/p/{path}/api/v1/experiments", json={"name": "x"}).status_code == 403
        assert ann.delete(f"/p/{path}/api/v1/project").status_code == 403
        assert ann.get(f"/p/{path}/api/v1/audit").status_code == 403


def test_a_change_holds_from_the_next_request_on(people: Guarded, path: str) -> None:
    """In every process: the clients use many connections, which two workers share."""
    with people.admin as root:
        for _ in range(5):
            people.set_member(path, "bob", "developer")
            assert all(statuses(people, "bob", path, 200))
            gone = root.delete(f"/p/{path}/api/v1/members", params={"kind": "user", "name": "bob"})
            assert gone.status_code == 204
            assert all(statuses(people, "bob", path, 404))


def statuses(people: Guarded, name: str, path: str, wanted: int, token: str | None = None) -> Iterator[bool]:
    """Yield whether requests on connections of their own get an answer of the wanted status."""
    for _ in range(6):
        with people.client(None if token else name, token) as client:
            yield client.get(f"/p/{path}/api/v1/project").status_code == wanted


def test_a_revoked_key_is_refused_at_once(people: Guarded, path: str) -> None:
    for _ in range(3):
        with people.browser("ann") as ann:
            made = ann.post("/api/v1/auth/keys", json={"name": "short"}).json()
            assert all(statuses(people, "", path, 200, made["token"]))
            assert ann.delete(f"/api/v1/auth/keys/{made['id']}").status_code == 204
        assert all(statuses(people, "", path, 401, made["token"]))


def test_a_blocked_account_is_refused_at_once(people: Guarded, path: str) -> None:
    people.add_user(name := f"temp{next(numbers)}")
    people.set_member(path, name, "reporter")
    assert all(statuses(people, name, path, 200))
    with people.admin as root:
        assert root.post(f"/api/v1/users/{name}/block").status_code == 200
    assert all(statuses(people, name, path, 401))
    answer = httpx.get(f"{people.url}/p/{path}/api/v1/project", headers=basic(name, PASSWORD))
    assert answer.status_code == 401


def test_a_changed_password_ends_what_was_remembered_of_the_old_one(people: Guarded, path: str) -> None:
    people.add_user(name := f"temp{next(numbers)}")
    people.set_member(path, name, "reporter")
    url, old = f"{people.url}/p/{path}/api/v1/project", basic(name, PASSWORD)
    assert httpx.get(url, headers=old).status_code == 200
    with people.admin as root:
        other = {"password": "another lantern, further down"}
        assert root.put(f"/api/v1/users/{name}/password", json=other).status_code == 204
    assert httpx.get(url, headers=old).status_code == 401


def test_an_expired_key_is_refused_though_it_was_remembered(people: Guarded, path: str) -> None:
    with people.browser("ann") as ann:
        made = ann.post("/api/v1/auth/keys", json={"name": "brief", "expires_days": 1}).json()
    expire(people, made["id"], time.time() + 1.5)
    assert next(statuses(people, "", path, 200, made["token"]))
    time.sleep(1.7)
    assert all(statuses(people, "", path, 401, made["token"]))


def test_a_role_ends_though_it_was_remembered(people: Guarded, path: str) -> None:
    role = {"kind": "user", "name": "eve", "role": "developer", "expires_at": int((time.time() + 1.5) * 1000)}
    with people.admin as root:
        assert root.put(f"/p/{path}/api/v1/members", json=role).status_code == 200
    assert next(statuses(people, "eve", path, 200))
    time.sleep(1.7)
    assert all(statuses(people, "eve", path, 404))


def expire(people: Guarded, key: int, at: float) -> None:
    """Let a credential expire, in seconds since the epoch."""
    engine = create_write_engine(people.database_url)
    with engine.begin() as tx:
        tx.execute(update(credentials).where(credentials.c.id == key).values(expires_at=int(at * 1000)))
    engine.dispose()


def test_a_limited_key_does_only_what_it_names(people: Guarded, path: str) -> None:
    other = f"team/p{next(numbers)}"
    people.add_project(other, ann="developer")
    with people.browser("ann") as ann:
        wanted = {"name": "limited", "permissions": ["project:read", "tracking:read"], "projects": [path]}
        token = ann.post("/api/v1/auth/keys", json=wanted).json()["token"]
    with people.client(token=token) as key:
        assert key.get(f"/p/{path}/api/v1/experiments").status_code == 200
        assert key.post(f"/p/{path}/api/v1/experiments", json={"name": "x"}).status_code == 403
        assert key.get(f"/p/{path}/api/v1/models").status_code == 403
        assert key.get(f"/p/{other}/api/v1/experiments").status_code == 404
        assert key.post("/api/v1/auth/keys", json={"name": "more"}).status_code == 403
        assert key.get("/api/v1/auth/keys").status_code == 403


def test_a_run_token_writes_to_its_own_run_alone(people: Guarded, path: str) -> None:
    project = f"/p/{path}"
    with people.client("ann") as ann:
        own, other = (
            ann.post(f"{project}{API}/runs/create", json={"experiment_id": "0"}).json()["run"]["info"] for _ in range(2)
        )
        made = ann.post(f"{project}/api/v1/auth/run-tokens", json={"run_id": own["run_id"]})
        assert made.status_code == 201, made.text
    with people.client(token=made.json()["token"]) as job:
        proxy = f"{project}/api/2.0/mlflow-artifacts/artifacts/"
        for run, wanted in ((own, 200), (other, 403)):
            run_id, folder = run["run_id"], run["artifact_uri"].removeprefix("mlflow-artifacts:/").lstrip("/")
            point = {"run_id": run_id, "key": "m", "value": 1, "timestamp": 1}
            assert job.post(f"{project}{API}/runs/log-metric", json=point).status_code == wanted
            assert (
                job.post(f"{project}{API}/runs/set-tag", json={"run_id": run_id, "key": "k", "value": "v"}).status_code
                == wanted
            )
            assert (
                job.post(f"{project}{API}/runs/update", json={"run_id": run_id, "status": "FINISHED"}).status_code
                == wanted
            )
            assert job.put(f"{proxy}{folder}/f.txt", content=b"f").status_code == wanted
            assert job.put(f"{project}/api/v1/runs/{run_id}/artifacts/g.txt", content=b"g").status_code in (
                wanted,
                201 if wanted == 200 else 403,
            )
        nested = other["artifact_uri"].removeprefix("mlflow-artifacts:/").lstrip("/")
        assert job.put(f"{proxy}{nested}/{own['run_id']}/f.txt", content=b"f").status_code == 403
        assert job.post(f"{project}{API}/runs/create", json={"experiment_id": "0"}).status_code == 403
        assert job.post(f"{project}{API}/experiments/create", json={"name": "x"}).status_code == 403
        assert job.post(f"{project}{API}/registered-models/create", json={"name": "x"}).status_code == 403
        assert job.post("/api/v1/auth/keys", json={"name": "x"}).status_code == 403
        assert job.post(f"{project}/api/v1/auth/run-tokens", json={"run_id": other["run_id"]}).status_code in (403, 404)


class TestForgery:
    """Requests that a page of another site may make a browser send, with the session's cookie."""

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"sec-fetch-site": "cross-site", "origin": "{own}"},
        ],
    )
    def test_is_refused(self, people: Guarded, path: str, headers: dict[str, str]) -> None:
        with people.browser("ann") as ann:
            cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in ann.cookies.items())}
        sent = cookie | {name: value.replace("{own}", people.url) for name, value in headers.items()}
        answer = httpx.post(f"{people.url}/p/{path}/api/v1/experiments", json={"name": "x"}, headers=sent)
        assert answer.status_code == 403, answer.text
        assert httpx.get(f"{people.url}/p/{path}/api/v1/experiments", headers=sent).status_code == 200

    def test_a_page_of_ours_is_served(self, people: Guarded, path: str) -> None:
        with people.browser("ann") as ann:
            made = ann.post(f"/p/{path}/api/v1/experiments", json={"name": f"x{next(numbers)}"})
            assert made.status_code == 201, made.text

    def test_a_token_beside_the_cookie_decides(self, people: Guarded, path: str) -> None:
        with people.browser("ann") as ann:
            headers = {"authorization": "Bearer wrong"}
            assert ann.get(f"/p/{path}/api/v1/project", headers=headers).status_code == 401


def test_the_workspace_header_leads_nowhere_new(people: Guarded, path: str) -> None:
    workspace = path.replace("/", "-")
    with people.client("bob") as bob, people.client("ann") as ann:
        for name, wanted in ((workspace, 404), (path, 404), ("../x", 404), ("", 404), ("x" * 5000, 404)):
            answer = bob.get(f"{API}/experiments/search?max_results=1", headers={"x-mlflow-workspace": name})
            assert answer.status_code == wanted, name
        answer = ann.get(f"{API}/experiments/search?max_results=1", headers={"x-mlflow-workspace": workspace})
        assert answer.status_code == 200


def test_refusals_are_in_the_audit_log(people: Guarded, path: str) -> None:
    with people.client("ann") as ann, people.admin as root:
        assert ann.delete(f"/p/{path}/api/v1/project", headers={"x-request-id": "wanted"}).status_code == 403
        events = root.get(f"/p/{path}/api/v1/audit").json()["items"]
        denied = [each for each in events if not each["allowed"]]
        assert denied[0]["actor"] == "ann"
        assert denied[0]["request_id"] == "wanted"
        assert denied[0]["object_id"] == f"DELETE /p/{path}/api/v1/project"
