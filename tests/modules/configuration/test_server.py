"""Configuration and secrets of a running server: by the SDK, live, across a stop, and out of its log."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

import mainspring as ms
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound
from mainspring.modules.configuration.schemas import EffectiveDocument
from tests.components.server import MainspringServer

SOON_S = 10.0


@pytest.fixture(scope="module")
def client(server: MainspringServer) -> Iterator[ms.Client]:
    with ms.connect(server.url) as connected:
        yield connected


@pytest.fixture
def name() -> str:
    return f"d{uuid4().hex}"


class Watcher:
    """What a client that watches a document has got, in a thread of its own."""

    def __init__(self, url: str, name: str, environment: str | None = "dev") -> None:
        self._got: queue.Queue[EffectiveDocument | Exception] = queue.Queue()
        self._client = ms.connect(url)
        threading.Thread(target=self._watch, args=(name, environment), daemon=True).start()

    def _watch(self, name: str, environment: str | None) -> None:
        try:
            for found in self._client.config.watch(name, environment):
                self._got.put(found)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is told
            self._got.put(error)

    def close(self) -> None:
        """Let go, which ends the thread."""
        self._client.close()

    def next(self) -> EffectiveDocument:
        """Return what comes next."""
        got = self._got.get(timeout=SOON_S)
        if isinstance(got, Exception):
            raise got
        return got


Watch = Callable[..., Watcher]


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Give a function that starts a watcher; all of them end with the test."""
    watchers: list[Watcher] = []

    def start(url: str, name: str) -> Watcher:
        watchers.append(Watcher(url, name))
        return watchers[-1]

    yield start
    for watcher in watchers:
        watcher.close()


def timed(call: Callable[[], object]) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


def test_every_change_arrives_soon(server: MainspringServer, client: ms.Client, watch: Watch, name: str) -> None:
    client.config.set(name, {"lr": 0.1}, "dev")
    watcher = watch(server.url, name)
    assert watcher.next().value == {"lr": 0.1}
    took = []
    for number in range(3):
        client.config.set(name, {"n": number, "lr": 0}, "dev")
        started = time.monotonic()
        assert watcher.next().value == {"n": number, "lr": 0}
        took.append(time.monotonic() - started)
    client.config.set(name, {"base": True}, instance=True)
    assert watcher.next().value == {"base": True, "n": 2, "lr": 0}
    assert min(took) < 0.5


def test_many_changes_at_once_all_arrive(server: MainspringServer, client: ms.Client, watch: Watch, name: str) -> None:
    client.config.set(name, {"n": -1}, "dev")
    watcher = watch(server.url, name)
    watcher.next()
    for number in range(60):
        client.config.set(name, {"n": number}, "dev")
    assert [watcher.next().value["n"] for _ in range(60)] == list(range(60))


def test_a_long_poll_waits(client: ms.Client, name: str) -> None:
    client.config.set(name, {}, "dev")
    now = client.config.effective(name, "dev")
    took = timed(lambda: client.config.effective(name, "dev", after=now.revision, wait=0.6))
    assert 0.5 < took < 5
    threading.Timer(0.2, lambda: client.config.set(name, {"a": 1}, "dev")).start()
    assert client.config.effective(name, "dev", after=now.revision, wait=20).value == {"a": 1}
    assert timed(lambda: client.config.effective(name, "dev", after=0, wait=20)) < 5


def test_events_are_as_the_standard_has_them(server: MainspringServer, client: ms.Client, name: str) -> None:
    first = client.config.set(name, {"text": "line\nline"}, "dev")
    client.config.set(name, {"text": "2"}, "dev")
    url = f"{server.url}/api/v1/config/{name}/events?environment=dev"
    with httpx.stream("GET", url, headers={"Last-Event-ID": str(first.revision)}) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.headers["cache-control"] == "no-store"
        lines = reply.iter_lines()
        assert next(lines).startswith("id: ")
        assert next(lines) == "event: change"
        assert '"value":{"text":"2"}' in next(lines)
    assert httpx.get(f"{server.url}/api/v1/config/{name}x/events").status_code == 404
    assert httpx.get(f"{server.url}/api/v1/config/{name}/events?environment=moon").status_code == 400


def test_of_two_writers_one_is_refused(server: MainspringServer, client: ms.Client, name: str) -> None:
    client.config.set(name, {}, "dev")
    url = f"{server.url}/api/v1/config/{name}?environment=dev"
    etag = httpx.get(url).headers["ETag"]
    assert etag == '"1"'
    answers: list[int] = []

    def write(number: int) -> None:
        body = {"value": {"by": number}}
        answers.append(httpx.put(url, json=body, headers={"If-Match": etag}).status_code)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 7
    with pytest.raises(FailedPrecondition, match="at version 2, not 1"):
        client.config.set(name, {}, "dev", expected_version=1)
    assert httpx.put(url, json={"value": {}}, headers={"If-Match": "2"}).status_code == 400


def test_a_schema_names_the_place(client: ms.Client, name: str) -> None:
    client.config.set_schema(name, {"properties": {"db": {"properties": {"port": {"type": "integer"}}}}})
    with pytest.raises(InvalidArgument, match="'/db/port': 'x' is not of type 'integer'"):
        client.config.set(name, {"db": {"port": "x"}}, "dev")
    client.config.delete_schema(name)
    client.config.set(name, {"db": {"port": "x"}}, "dev")


@pytest.mark.parametrize("body", ['{"value": 1}', '{"value": {"a": 1e999}}', '{"value": {"a": "\\ud800"}}', "[]"])
def test_bad_bodies(server: MainspringServer, name: str, body: str) -> None:
    url = f"{server.url}/api/v1/config/{name}?environment=dev"
    answer = httpx.put(url, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text


def test_secrets_are_told_to_nobody_else(client: ms.Client, server: MainspringServer, name: str) -> None:
    told = client.secrets.set(name, "s3cret-value-1", "dev", description="of a test", readers=["trainer"])
    assert (told.version, told.readers, told.write_only) == (1, ["trainer"], False)
    client.secrets.set(name, "s3cret-value-2", "dev")
    assert client.secrets.get(name, "dev").readers == ["trainer"]
    assert client.secrets.reveal(name, "dev") == "s3cret-value-2"
    assert client.secrets.reveal(name, "dev", version=1) == "s3cret-value-1"
    with pytest.raises(NotFound):
        client.secrets.reveal(name, "staging")
    url = f"{server.url}/api/v1/secrets"
    for path in ("", f"/dev/{name}", f"/dev/{name}/versions"):
        assert "s3cret" not in httpx.get(f"{url}{path}").text
    answer = httpx.post(f"{url}/dev/{name}/reveal", json={})
    assert answer.headers["Cache-Control"] == "no-store"
    assert httpx.get(f"{url}/dev/{name}/reveal").status_code == 405
    client.secrets.delete(name, "dev")
    with pytest.raises(NotFound):
        client.secrets.get(name, "dev")


def test_streams_end_when_the_server_stops_and_go_on_when_it_is_back(tmp_path: Path, watch: Watch) -> None:
    server = MainspringServer(tmp_path / "data").start()
    with ms.connect(server.url) as client:
        client.config.set("train", {"n": 1}, "dev")
        watcher = watch(server.url, "train")
        assert watcher.next().value == {"n": 1}
        with httpx.stream("GET", f"{server.url}/api/v1/config/train/events") as reply:
            lines = reply.iter_lines()
            next(lines)
            assert timed(server.stop) < 5
            list(lines)  # a clean end: a broken connection would raise
        server.start()
        client.config.set("train", {"n": 2}, "dev")
        assert watcher.next().value == {"n": 2}
    server.stop()


def test_the_log_holds_no_secret(tmp_path: Path) -> None:
    value, other = 'Xy7-very-secret-ü"\\value', "postgres://joe:hunter2hunter2@db/x"
    with MainspringServer(tmp_path / "data", "--log-level", "debug", "--log-format", "json") as server:
        with ms.connect(server.url) as client:
            client.secrets.set("token", value, "production")
            client.secrets.set("dsn", other, "production")
            assert client.secrets.reveal("token", "production") == value
        base = f"{server.url}/api/v1/secrets/production/token"
        for wrong in ({"value": [value]}, {"value": value, "readers": value}, {"value": value * 5000}, {"v": value}):
            answer = httpx.put(base, json=wrong)
            assert answer.status_code == 400
            assert "very-secret" not in answer.text
        httpx.get(f"{server.url}/api/v1/models/{value}")  # as a careless program would
    assert "very-secret" not in server.log
    assert "hunter2" not in server.log
    assert '"event":"request"' in server.log
    key_file = tmp_path / "data" / "secret-keys"
    assert key_file.stat().st_mode & 0o777 == 0o600
    for file in tmp_path.rglob("*.db*"):
        assert b"very-secret" not in file.read_bytes()
