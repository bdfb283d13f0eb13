"""Signed URLs of a running server: what they let through, what they do not, and what the log tells of them."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.components.server import MainspringServer
from tests.mlflow.artifacts.test_traversal import CLIMBING, ODD, ROOTED
from tests.properties.bodies import NASTY_TEXT

HELLO = hashlib.sha256(b"hello").hexdigest()
LOGGED = ("--log-level", "debug", "--log-format", "json")


def start_run(client: httpx.Client) -> str:
    run = client.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
    return f"/api/v1/runs/{run}"


def sign_put(client: httpx.Client, run: str, content: bytes = b"hello") -> str:
    """Begin the upload of a small file ``f``, and return the URL that it is sent to."""
    wanted = {"path": "f", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    upload = client.post(f"{run}/uploads", json=wanted).json()["upload_id"]
    [signed] = client.post(f"{run}/uploads/{upload}/parts", json={"numbers": [1]}).json()["items"]
    return str(signed["url"])


def sign_get(client: httpx.Client, run: str, expires_s: int = 60) -> str:
    return str(client.get(f"{run}/downloads/f", params={"expires_s": expires_s}).json()["signed"]["url"])


def test_the_log_tells_no_signature(tmp_path: Path) -> None:
    with MainspringServer(tmp_path / "data", *LOGGED) as server, httpx.Client(base_url=server.url) as client:
        run = start_run(client)
        put = sign_put(client, run)
        for url in (put, put.replace("/f?", "/g?"), f"{put}0"):
            httpx.put(url, content=b"hello")
        get = sign_get(client, run)
        for method in ("GET", "HEAD", "PUT", "DELETE", "POST"):
            httpx.request(method, get, content=b"x" if method == "PUT" else None)
        httpx.get(get, headers={"Host": "evil.example"})
        httpx.get(f"{get}&x=%00")
    asked = [json.loads(line) for line in server.log.splitlines() if '"event":"request"' in line]
    assert len([each for each in asked if each["path"].startswith("/api/v1/transfers/")]) == 10
    for secret in (*re.findall(r"signature=(\w+)", put + get), "signature", "expires"):
        assert secret not in server.log


def test_a_url_outlives_a_restart_and_works_on_every_process(tmp_path: Path, postgres_database: str) -> None:
    """The key is the database's."""
    with MainspringServer(tmp_path / "data", "--workers", "2", database_url=postgres_database) as server:
        with httpx.Client(base_url=server.url) as client:
            run = start_run(client)
        for _ in range(12):  # each over connections of its own, which the system deals out
            with httpx.Client(base_url=server.url) as client:
                put = sign_put(client, run)
            assert httpx.put(put, content=b"hello").status_code == 200
        with httpx.Client(base_url=server.url) as client:
            get = sign_get(client, run, 600)
        server.restart()
        assert {httpx.get(get).content for _ in range(6)} == {b"hello"}


@pytest.fixture(scope="module")
def signed(sqlite_server: MainspringServer) -> dict[str, str]:
    """Return a URL to put a file to, one to get it from, and the run."""
    with httpx.Client(base_url=sqlite_server.url) as client:
        run = start_run(client)
        put = sign_put(client, run)
        assert httpx.put(put, content=b"hello").status_code == 200
        return {"PUT": put, "GET": sign_get(client, run), "run": f"{sqlite_server.url}{run}"}


def refused(reply: httpx.Response, *statuses: int) -> dict[str, Any]:
    assert reply.status_code in statuses, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = reply.json()
    return problem


def test_a_url_allows_one_thing(signed: dict[str, str]) -> None:
    assert httpx.get(signed["GET"]).content == b"hello"
    assert httpx.head(signed["GET"]).headers["content-length"] == "5"
    assert "signature does not fit" in refused(httpx.put(signed["GET"], content=b"x"), 403)["detail"]
    refused(httpx.get(signed["PUT"]), 403)
    for method in ("POST", "DELETE", "PATCH"):
        refused(httpx.request(method, signed["GET"]), 405)
        refused(httpx.request(method, signed["PUT"]), 405)
    assert httpx.get(f"{signed['run']}/artifacts/f").content == b"hello"


def test_what_is_put_must_be_what_was_announced(sqlite_server: MainspringServer) -> None:
    with httpx.Client(base_url=sqlite_server.url) as client:
        run = start_run(client)
        put = sign_put(client, run)
        assert refused(httpx.put(put, content=b"other"), 400)["field"] == "Content-Digest"
        refused(client.get(f"{run}/artifacts/f"), 404)
        reply = httpx.put(put, content=b"hello")
        assert (reply.status_code, reply.content) == (200, b"")
        assert reply.headers["etag"] == client.get(f"{run}/artifacts/f").headers["etag"]


@pytest.mark.parametrize("path", [*CLIMBING, *ROOTED, *ODD])
def test_no_other_path_is_reached(signed: dict[str, str], path: str) -> None:
    for method in ("GET", "PUT"):
        url = urlsplit(signed[method])
        for where in (f"/api/v1/transfers/{path}", f"{url.path}/{path}", f"{url.path.rpartition('/')[0]}/{path}"):
            assert raw_status(url.netloc, method, f"{where}?{url.query}") in (400, 403, 404, 405)


def raw_status(address: str, method: str, target: str) -> int:
    """Send a path as it is; HTTP libraries would resolve ``..`` first."""
    connection = http.client.HTTPConnection(address, timeout=30)
    with closing(connection):
        connection.request(method, target, b"x")
        return connection.getresponse().status


@pytest.mark.parametrize(
    "query", ["", "signature=", "expires=1&signature=0", "expires=9999999999", "x=1", "%", "a=&" * 3000]
)
def test_no_query_opens_a_door(signed: dict[str, str], query: str) -> None:
    url = urlsplit(signed["GET"])
    where = f"http://{url.netloc}{url.path}?{query}"
    refused(httpx.get(where), 400, 403)
    refused(httpx.put(where, content=b"x"), 400, 403)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["GET", "HEAD", "PUT"]),
    st.text(min_size=1, max_size=20) | st.sampled_from(NASTY_TEXT),
    st.dictionaries(
        st.sampled_from(["expires", "signature", "upload_id", "part_number", "x"]),
        st.text(max_size=20) | st.sampled_from([*NASTY_TEXT, "0" * 64, "9999999999", "1"]),
    ),
)
def test_nobody_guesses(signed: dict[str, str], method: str, path: str, fields: dict[str, str]) -> None:
    url = urlsplit(signed["GET"])
    try:
        where = httpx.URL(f"http://{url.netloc}/api/v1/transfers/").join(f"./{path}").copy_with(params=fields)
    except (httpx.InvalidURL, UnicodeError):
        return
    reply = httpx.request(method, where, content=b"x")
    assert reply.status_code in (400, 403, 404, 405), reply.text


def test_hosts_that_are_not_ours_are_refused(signed: dict[str, str]) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        assert httpx.put(signed["PUT"], content=b"hello", headers=headers).status_code == 403
