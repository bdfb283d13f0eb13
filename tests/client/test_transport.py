"""What goes wrong between a client and a server: which error it is, and what is sent again."""

import json
import time
from itertools import count

import pytest

import mainspring as ms
from mainspring.client.transport import default_url
from mainspring.kit.errors import ERRORS, InvalidArgument, MainspringError, NotFound, Unavailable
from mainspring.modules.tracking.schemas import Run
from tests.client.answering import Answer, Answering, answering
from tests.components.ports import free_port
from tests.components.server import MainspringServer

RUN = {
    "run_id": "r",
    "experiment_id": "0",
    "name": "n",
    "user_id": "",
    "status": "RUNNING",
    "lifecycle_stage": "active",
    "artifact_uri": "mlflow-artifacts:/0/r/artifacts",
}
GOOD = Answer(content=json.dumps(RUN).encode())


def problem(code: str) -> Answer:
    status = ERRORS[code].code.status
    content = {"detail": "It is wrong.", "code": code, "request_id": "r1", "field": "name", "status": status}
    return Answer(status, json.dumps(content).encode(), {"Content-Type": "application/problem+json"})


def get(server: Answering, retries: int = 4) -> Run:
    with ms.connect(server.url, retries=retries) as client:
        return client.runs.get("r")


def test_errors_of_a_server_carry_its_request_id(client: ms.Client) -> None:
    with pytest.raises(NotFound, match="nowhere") as caught:
        client.runs.get("nowhere")
    assert caught.value.request_id


@pytest.mark.parametrize("code", ERRORS)
def test_each_code_is_its_class(code: str) -> None:
    with answering(lambda *_: problem(code)) as server, pytest.raises(MainspringError) as caught:
        get(server)
    assert type(caught.value) is ERRORS[code]
    assert (caught.value.message, caught.value.field, caught.value.request_id) == ("It is wrong.", "name", "r1")
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_says_when_to_come_back_is_asked_again(status: int) -> None:
    numbers = count()
    busy = Answer(status, b"busy", {"Retry-After": "0"})
    with answering(lambda *_: busy if next(numbers) < 2 else GOOD) as server:
        assert get(server).run_id == "r"
    assert len(server.asked) == 3


def test_it_is_asked_so_often_and_no_more() -> None:
    with answering(lambda *_: Answer(503, b"busy", {"Retry-After": "0"})) as server, pytest.raises(Unavailable):
        get(server, retries=2)
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    "answer", [Answer(503, b"down"), Answer(500, b"oops"), Answer(502, b"<html>bad gateway</html>")]
)
def test_what_may_have_been_carried_out_is_not_sent_again(answer: Answer) -> None:
    with answering(lambda *_: answer) as server, pytest.raises(MainspringError, match=answer.content.decode()):
        get(server)
    assert len(server.asked) == 1


def test_an_answer_that_breaks_off() -> None:
    with (
        answering(lambda *_: Answer(content=b'{"run', cut=True)) as server,
        pytest.raises(Unavailable, match="broke"),
    ):
        get(server)
    assert len(server.asked) == 1


@pytest.mark.parametrize("content", [b"<html>", b"{}", b"[1]", b'{"run_id": 5}'])
def test_an_answer_of_another_server(content: bytes) -> None:
    with (
        answering(lambda *_: Answer(content=content)) as server,
        pytest.raises(Unavailable, match="its address"),
    ):
        get(server)


def test_redirects_are_not_followed() -> None:
    answer = Answer(302, b"", {"Location": "http://other.example/"})
    with (
        answering(lambda *_: answer) as server,
        pytest.raises(MainspringError, match=r"leads to http://other\.example/"),
    ):
        get(server)
    assert len(server.asked) == 1


def test_nobody_listens_yet(sqlite_server: MainspringServer) -> None:
    began = time.monotonic()
    with (
        ms.connect(f"http://user:secret@127.0.0.1:{free_port()}", retries=1) as client,
        pytest.raises(Unavailable, match=r"No server answers at http://127\.0") as caught,
    ):
        client.runs.get("r")
    assert "secret" not in str(caught.value)
    assert time.monotonic() - began > 0.1


@pytest.mark.parametrize("url", ["127.0.0.1:5000", "ftp://host", "http://", "file:///x"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InvalidArgument, match="no address"):
        ms.connect(url)


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, "http://127.0.0.1:5000"),
        ({"MLFLOW_TRACKING_URI": "https://a"}, "https://a"),
        ({"MLFLOW_TRACKING_URI": "sqlite:///x"}, "http://127.0.0.1:5000"),
        ({"MLFLOW_TRACKING_URI": "https://a", "MAINSPRING_URL": "http://b"}, "http://b"),
    ],
)
def test_the_default_address(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str) -> None:
    for name in ("MAINSPRING_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert default_url() == url
    assert ms.connect().url == url


@pytest.mark.parametrize("dots", [".", ".."])
def test_dots_lead_nowhere_else(dots: str) -> None:
    """A tag called ``..`` would in a URL be the model that it is of."""
    with ms.connect("http://127.0.0.1:9") as client, pytest.raises(InvalidArgument, match="cannot be named in a URL"):
        client.models.delete_tag("wine", dots)
