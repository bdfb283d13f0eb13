"""Requests made to deceive: about where they come from, what they are, where they end, and what a log says of them."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.networks import parse_networks
from mainspring.server.addresses import find_client
from mainspring.settings import Settings
from tests.components.server import MainspringServer

MLFLOW, OURS = "/api/2.0/mlflow/experiments/create", "/api/v1/experiments"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
GET = "/api/2.0/mlflow/experiments/get?experiment_id=0"
JSON = {"Content-Type": "application/json"}
TRUSTED = "10.0.0.0/8, 127.0.0.1, ::1"
FAKED = "%0a2026-01-01T00:00:00Z%20[error]%20faked%1b[31m"


def scope(peer: str | None, *headers: tuple[str, str], scheme: str = "http") -> dict[str, Any]:
    """Return what an ASGI server tells of a request."""
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return {"client": peer and (peer, 1234), "headers": raw, "scheme": scheme}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("192.0.2.7", ["198.51.100.1"], "192.0.2.7"),  # anybody may write it
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.1"], "198.51.100.1"),  # the left one is what the client says
        ("10.0.0.1", ["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["10.1.1.1, 10.9.9.9"], "10.1.1.1"),
        ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, unknown, 10.9.9.9"], "10.9.9.9"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("::1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("::1", ["2001:0DB8:0::1"], "2001:db8::1"),
        ("::1", ["fe80::1%\nfaked"], "fe80::1"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["<script>, 127.1"], "10.0.0.1"),
        ("10.0.0.1", [", ".join(["198.51.100.1"] + ["10.0.0.2"] * 500)], "10.0.0.2"),
        (None, ["198.51.100.1"], ""),
        ("testclient", ["198.51.100.1"], ""),
    ],
)
def test_the_clients_address(peer: str | None, forwarded: list[str], address: str) -> None:
    asked = scope(peer, *(("X-Forwarded-For", value) for value in forwarded))
    assert find_client(asked, parse_networks(TRUSTED, "trusted_proxies"))[0] == address


@pytest.mark.parametrize(
    ("peer", "told", "scheme"),
    [
        ("192.0.2.7", ["https"], "http"),
        ("10.0.0.1", ["https"], "https"),
        ("10.0.0.1", ["http", "https"], "https"),
        ("10.0.0.1", ["https, javascript"], "http"),
        ("10.0.0.1", ["file"], "http"),
        ("10.0.0.1", [], "http"),
    ],
)
def test_the_clients_scheme(peer: str, told: list[str], scheme: str) -> None:
    asked = scope(peer, *(("X-Forwarded-Proto", value) for value in told))
    assert find_client(asked, parse_networks(TRUSTED, "trusted_proxies"))[1] == scheme


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy.example", "*", "10.0.0.0/8; ::1"])
def test_wrong_proxies_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="trusted_proxies"):
        Settings(trusted_proxies=text)


@pytest.fixture(scope="module")
def careful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainspringServer]:
    """A server that trusts no proxy, and logs each request as JSON."""
    options = ("--trusted-proxies", "", "--log-level", "debug", "--log-format", "json")
    with MainspringServer(tmp_path_factory.mktemp("careful") / "data", *options) as running:
        yield running


def signed_url(server: MainspringServer, **headers: str) -> str:
    """Return the URL by which the server has a part of a file sent."""
    path = "/api/2.0/mlflow-artifacts/mpu/create/f"
    answer = httpx.post(f"{server.url}{path}", json={"path": "f", "num_parts": 1}, headers=headers)
    return str(answer.raise_for_status().json()["credentials"][0]["url"])


def test_the_scheme_is_believed_of_trusted_proxies_alone(
    careful: MainspringServer, sqlite_server: MainspringServer
) -> None:
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    assert signed_url(careful, **told).startswith(f"{careful.url}/")
    assert signed_url(sqlite_server, **told).startswith(f"{sqlite_server.url.replace('http', 'https')}/")


def converse(server: MainspringServer, sent: bytes) -> bytes:
    """Send bytes and return all that comes back until the server closes, or says nothing for a while."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(1)
        connection.sendall(sent)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except (TimeoutError, ConnectionResetError):
            pass
        return received


def head(method: str, path: str, *headers: str) -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", *headers, "connection: close", "", "")).encode()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("path", [GET, OURS])
@pytest.mark.parametrize(
    "twice",
    [
        ("Host: localhost", "Host: localhost:1"),
        ("Authorization: Bearer a", "Authorization: Bearer b"),
        ("Authorization: Bearer a", "authorization: Bearer a"),
        ("X-MLFLOW-WORKSPACE: a", "X-MLFLOW-WORKSPACE: b"),
        ("X-Request-ID: a", "X-Request-ID: b"),
        ("Content-Type: application/json", "Content-Type: text/plain"),
    ],
)
def test_a_header_that_comes_twice(sqlite_server: MainspringServer, path: str, twice: tuple[str, str]) -> None:
    host = () if twice[0].startswith("Host") else ("Host: localhost",)
    answer = converse(sqlite_server, head("GET", path, *host, *twice))
    assert status(answer) == 400
    assert b"comes 2 times" in answer


def test_headers_that_may_come_twice(sqlite_server: MainspringServer) -> None:
    twice = ("Accept: a/b", "Accept: c/d", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2")
    assert status(converse(sqlite_server, head("GET", GET, "Host: localhost", *twice))) == 200


def test_a_request_without_a_host(sqlite_server: MainspringServer) -> None:
    assert status(converse(sqlite_server, head("GET", GET))) == 400
    old = f"GET {GET} HTTP/1.0\r\n\r\n".encode()
    assert status(converse(sqlite_server, old)) == 200


SMUGGLED = b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Content-Length: 5", "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
        (["Transfer-Encoding: chunked", "Content-Length: 5"], b"0\r\n\r\n"),
        (["Content-Length: 2", "Content-Length: 3"], b"{}"),
        (["Content-Length: 2, 3"], b"{}"),
        (["Content-Length: +2"], b"{}"),
        (["Content-Length: -1"], b""),
        (["Content-Length: 0x2"], b"{}"),
        (["Content-Length : 2"], b"{}"),
        (["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
        (["Transfer-Encoding: chunked, gzip"], b"0\r\n\r\n"),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], b"0\r\n\r\n"),
        (["Transfer-Encoding : chunked"], b"0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], b"2;x=\n\r\n{}\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], b"g\r\n{}\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\n\r\n"),
        (["X: a\nContent-Length: 2"], b"{}"),
        (["X: a\r\n folded", "Content-Length: 2"], b"{}"),
        (["X: a\x00b", "Content-Length: 2"], b"{}"),
    ],
)
def test_a_body_whose_end_is_doubtful(sqlite_server: MainspringServer, lines: list[str], body: bytes) -> None:
    sent = "\r\n".join((f"POST {MLFLOW} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *lines))
    answer = converse(sqlite_server, sent.encode() + b"\r\n\r\n" + body + SMUGGLED)
    assert status(answer) == 400
    assert b"3.1" not in answer.partition(b"\r\n\r\n")[2]  # of what /version says
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_transfer_coding_that_is_not_undone(sqlite_server: MainspringServer) -> None:
    lines = ("Host: localhost", "Content-Type: application/json", "Transfer-Encoding: gzip, chunked")
    assert status(converse(sqlite_server, head("POST", MLFLOW, *lines) + b"0\r\n\r\n")) == 501


BOMB = gzip.compress(bytes(10_000_000))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", MLFLOW),
        ("POST", OURS),
        ("PUT", f"{ARTIFACTS}/bomb"),
        ("POST", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=x&path=bomb"),
        ("PUT", "/api/v1/transfers/bomb"),
    ],
)
def test_compressed_bodies_are_not_taken(sqlite_server: MainspringServer, method: str, path: str, coding: str) -> None:
    headers = JSON | {"Content-Encoding": coding}
    answer = httpx.request(method, f"{sqlite_server.url}{path}", content=BOMB, headers=headers)
    assert answer.status_code == 415
    assert "Content-Encoding" in answer.text


def test_a_compressed_file_is_a_file(sqlite_server: MainspringServer) -> None:
    url = f"{sqlite_server.url}{ARTIFACTS}/bomb.gz"
    assert httpx.put(url, content=BOMB, headers={"Content-Encoding": "identity"}).status_code == 200
    answer = httpx.get(url, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert answer.content == BOMB


DEEP = "[" * 100_000


@pytest.mark.parametrize("path", [MLFLOW, OURS])
@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        '{"name":' + DEEP,
        '{"name":' + '{"a":' * 100_000,
        '{"name":"x","unknown":' + "[" * 5_000 + "]" * 5_000 + "}",
        json.dumps('{"name":' + DEEP),
        json.dumps(json.dumps(json.dumps("{}"))),
        '{"name":' + "9" * 5_000 + "}",
        '{"name":"\\ud800"}',
        '{"name":"\\u0000"}',
        '{"name":NaN}',
        '{"name":"x","name":"y"' + ',"a":1' * 100_000,
        "\ufeff{}",
    ],
    ids=range(12),
)
def test_json_that_is_hard_to_read(sqlite_server: MainspringServer, path: str, body: str) -> None:
    answer = httpx.post(f"{sqlite_server.url}{path}", content=body.encode(), headers=JSON)
    assert answer.status_code == 400, answer.text[:300]


@pytest.mark.parametrize("path", [GET, f"{OURS}?x=1"])
def test_long_heads(sqlite_server: MainspringServer, path: str) -> None:
    host = "Host: localhost"
    assert status(converse(sqlite_server, head("GET", f"{path}&y={'y' * 60_000}", host))) == 200
    assert status(converse(sqlite_server, head("GET", f"{path}&y={'y' * 80_000}", host))) in (400, 414, 431)
    assert status(converse(sqlite_server, head("GET", path, host, f"X: {'y' * 200_000}"))) in (400, 431)
    many = "&".join(["y=1"] * 10_000)
    assert status(converse(sqlite_server, head("GET", f"{path}&{many}", host))) in (200, 400)


@pytest.mark.parametrize("log_format", ["pretty", "json"])
def test_what_comes_with_a_request_makes_no_line_of_the_log(tmp_path: Path, log_format: str) -> None:
    options = ("--log-level", "debug", "--log-format", log_format)
    with MainspringServer(tmp_path / "data", *options) as server:
        for path in (f"/api/v1/runs/{FAKED}", f"/api/2.0/mlflow/{FAKED}", f"/get-artifact?run_id={FAKED}&path=x"):
            headers = {"X-Request-ID": "a b", "Referer": "faked"}
            assert httpx.get(f"{server.url}{path}", headers=headers).status_code in (400, 404)
    assert "\x1b" not in server.log
    assert not re.search(r"^2026-01-01", server.log, re.MULTILINE)
    assert not [line for line in server.log.splitlines() if line.startswith("faked")]
    told = [line for line in server.log.splitlines() if "faked" in line]
    assert told
    assert all("request" in line for line in told)


@pytest.mark.parametrize("given", ["a b", "a\tb", "é", "x" * 65, "a;b", "<b>", "--"])
def test_a_request_id_that_is_none_is_not_taken(sqlite_server: MainspringServer, given: str) -> None:
    answer = httpx.get(f"{sqlite_server.url}/health", headers={"X-Request-ID": given.encode("latin-1")})  # type: ignore[dict-item]
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
    kept = httpx.get(f"{sqlite_server.url}/health", headers={"X-Request-ID": "abc-123"})
    assert kept.headers["x-request-id"] == "abc-123"


@pytest.mark.parametrize(
    "path", ["/", "/health", "/livez", "/readyz", "/nowhere", GET, MLFLOW, OURS, f"{OURS}/none", "/api/v1/openapi.json"]
)
def test_every_answer_is_what_it_says_it_is(sqlite_server: MainspringServer, path: str) -> None:
    answer = httpx.get(f"{sqlite_server.url}{path}")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    assert "x-powered-by" not in answer.headers


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "page.xhtml", "notes.txt", "page"])
def test_a_stored_page_runs_nothing_here(sqlite_server: MainspringServer, name: str) -> None:
    page = b"<html xmlns='http://www.w3.org/1999/xhtml'><script>fetch('/api/v1/runs')</script></html>"
    run = httpx.post(f"{sqlite_server.url}/api/v1/runs", json={"experiment_id": "0"}).json()
    stored = f"/api/v1/runs/{run['run_id']}/artifacts/{name}"
    httpx.put(f"{sqlite_server.url}{stored}", content=page).raise_for_status()
    proxied = f"{ARTIFACTS}/0/{run['run_id']}/artifacts/{name}"
    shown = f"/get-artifact?run_id={run['run_id']}&path={name}"
    signed = httpx.get(f"{sqlite_server.url}{stored.replace('artifacts', 'downloads')}").json()["signed"]["url"]
    for url in (*(sqlite_server.url + path for path in (stored, proxied, shown)), signed):
        answer = httpx.get(url)
        assert answer.content == page, url
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
