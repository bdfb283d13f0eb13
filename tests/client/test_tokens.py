"""Where a client's token comes from, where it is sent, and where it is never seen."""

import logging
from pathlib import Path

import httpx
import pytest

import mainspring as ms
from mainspring.client.tokens import (
    PASSWORD,
    SERVERS,
    TOKENS,
    USER,
    authorization,
    forget_token,
    keep_token,
    kept_token,
    origin_of,
    token_file,
)
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, MainspringError
from tests.client.answering import Answer, answering
from tests.client.test_transport import GOOD, problem

OTHER = "https://other.example:8443"


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tokens in the test's folder, and take none from the environment of the tests."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in (*SERVERS, *TOKENS, USER, PASSWORD, "MAINSPRING_PROJECT"):
        monkeypatch.delenv(name, raising=False)


def sent(url: str, token: str | None = None) -> str | None:
    """Return the Authorization header of a request to a server."""
    request = httpx.Request("GET", url)
    auth = authorization(url, token)
    return next(auth.auth_flow(request)).headers.get("Authorization") if auth else None


def test_what_comes_first_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "http://127.0.0.1:5000"
    assert sent(url) is None
    keep_token(url, "kept")
    assert sent(url) == "Bearer kept"
    monkeypatch.setenv(USER, "me")
    assert sent(url) == "Bearer kept"
    monkeypatch.setenv(PASSWORD, "päss")
    assert sent(url) == httpx.BasicAuth("me", "päss")._auth_header
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "mlflow's")
    assert sent(url) == "Bearer mlflow's"
    monkeypatch.setenv("MAINSPRING_TOKEN", "ours")
    assert sent(url) == "Bearer ours"
    assert sent("http://a:b%40c@127.0.0.1:5000") == httpx.BasicAuth("a", "b@c")._auth_header
    assert sent(url, "given") == "Bearer given"


def test_a_token_of_the_environment_is_for_the_server_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSPRING_TOKEN", "secret")
    assert sent(OTHER) == "Bearer secret"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://tracking.example/prefix")
    assert sent(OTHER) is None
    assert sent("https://Tracking.Example:443/x") == "Bearer secret"
    assert sent("http://tracking.example/prefix") is None


def test_a_kept_token_is_for_its_origin() -> None:
    keep_token("https://one.example/", "secret")
    assert kept_token("https://one.example:443/prefix") == "secret"
    assert [kept_token(url) for url in ("http://one.example", "https://one.example:444", OTHER)] == [None] * 3


def test_it_is_not_sent_elsewhere() -> None:
    auth = authorization("https://one.example", "secret")
    assert auth is not None
    for url in ("https://two.example/", "http://one.example/", "https://one.example:444/"):
        assert "Authorization" not in next(auth.auth_flow(httpx.Request("GET", url))).headers


def test_a_redirect_is_not_followed() -> None:
    headers: list[dict[str, str]] = []
    with answering(lambda *_: GOOD, headers) as thief:
        away = Answer(307, b"", {"Location": f"{thief.url}/api/v1/runs/r"})
        with (
            answering(lambda *_: away) as server,
            ms.connect(server.url, token="secret") as client,
            pytest.raises(MainspringError),
        ):
            client.runs.get("r")
    assert headers == []


def test_it_is_sent_to_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    headers: list[dict[str, str]] = []
    with answering(lambda *_: GOOD, headers) as server:
        with ms.connect(server.url, token="secret", project="team/house prices") as client:
            client.runs.get("r")
        monkeypatch.setenv("MAINSPRING_PROJECT", "team/other")
        with ms.connect(server.url) as client:
            client.runs.get("r")
    assert [path for _, path in server.asked] == [
        "/p/team/house%20prices/api/v1/runs/r",
        "/p/team/other/api/v1/runs/r",
    ]
    assert headers[0]["Authorization"] == "Bearer secret"
    assert "Authorization" not in headers[1]


@pytest.mark.parametrize("project", ["name", "/name", "team/", "a//b", "a/../b", ""])
def test_a_project_has_a_namespace_and_a_name(project: str) -> None:
    if not project:
        assert ms.connect(project=project)
        return
    with pytest.raises(InvalidArgument, match="namespace/name"):
        ms.connect(project=project)


def test_it_is_never_seen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "very-secret-token"
    with answering(lambda *_: problem("permission_denied")) as server:
        url = server.url.replace("//", "//user:very-secret-password@")
        for client in (ms.connect(server.url, token=secret), ms.connect(url)):
            with client, pytest.raises(MainspringError) as caught:
                client.runs.get("r")
            shown = f"{client!r} {client._transport!r} {client._transport._http.auth!r} {caught.value!r} {client.url}"
            assert "very-secret" not in shown + caplog.text


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ümlaut"])
def test_what_cannot_be_a_token_is_refused_without_being_repeated(token: str) -> None:
    with pytest.raises(InvalidArgument, match="printable ASCII") as caught:
        ms.connect(token=token)
    assert token not in caught.value.message


@pytest.mark.parametrize("url", ["http://127.0.0.1:port", "ftp://a", "http://", "127.0.0.1:5000"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="no address of a server"):
        ms.connect(url)


def test_kept_tokens_are_their_owners_alone() -> None:
    token_file().parent.mkdir(parents=True, mode=0o755)
    keep_token(OTHER, "first")
    keep_token("http://127.0.0.1:5000", "second")
    assert token_file().stat().st_mode & 0o777 == 0o600
    assert token_file().parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in token_file().parent.iterdir()] == ["credentials.json"]
    forget_token(OTHER)
    assert (kept_token(OTHER), kept_token("http://127.0.0.1:5000")) == (None, "second")


def test_a_broken_file_is_not_repeated() -> None:
    keep_token(OTHER, "secret")
    token_file().write_text('{"tokens": {"x": "very-secret"')
    with pytest.raises(FailedPrecondition, match=r"credentials\.json") as caught:
        kept_token(OTHER)
    assert "very-secret" not in caught.value.message


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTP://Host/path", "http://host:80"),
        ("https://user:pass@host:8443/", "https://host:8443"),
        ("http://[::1]:5000", "http://[::1]:5000"),
    ],
)
def test_origins(url: str, origin: str) -> None:
    assert origin_of(url) == origin
