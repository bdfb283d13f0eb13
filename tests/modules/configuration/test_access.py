"""Configuration and secrets of a server with accounts: roles, streams that end with the right to them, processes."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.components.accounts import Guarded

numbers = itertools.count()


@pytest.fixture(scope="module")
def people(guarded: Guarded) -> Guarded:
    """The server, with somebody of each kind."""
    for name in ("dora", "mia", "rob"):
        if name not in guarded.tokens:
            guarded.add_user(name)
    return guarded


@pytest.fixture
def path(people: Guarded) -> str:
    """A new project in which dora develops, which mia maintains, and to which rob reports."""
    path = f"live/p{next(numbers)}"
    people.add_project(path, dora="developer", mia="maintainer", rob="reporter")
    return path


def put(people: Guarded, who: str, path: str, where: str, body: object) -> httpx.Response:
    with people.client(who) as client:
        return client.put(f"/p/{path}/api/v1/{where}", json=body)


@contextmanager
def following(people: Guarded, who: str, path: str, name: str) -> Iterator[Iterator[dict[str, object]]]:
    """Yield what a stream tells, in a connection of its own."""
    url = f"/p/{path}/api/v1/config/{name}/events?environment=dev"
    with people.client(who) as client, client.stream("GET", url) as reply:
        assert reply.status_code == 200
        yield (json.loads(line[6:]) for line in reply.iter_lines() if line.startswith("data: "))


def test_roles(people: Guarded, path: str) -> None:
    document = {"value": {"a": 1}}
    for who, level, status in (
        ("rob", "?environment=dev", 403),
        ("dora", "?environment=dev", 200),
        ("dora", "?environment=production", 403),
        ("dora", "", 403),
        ("mia", "?environment=production", 200),
        ("mia", "", 200),
        ("mia", "?instance=true", 403),
        ("root", "?instance=true", 200),
    ):
        assert put(people, who, path, f"config/d{next(numbers)}{level}", document).status_code == status, (who, level)
    with people.client("rob") as rob, people.client() as nobody:
        assert rob.get(f"/p/{path}/api/v1/secrets").status_code == 403
        assert nobody.get(f"/p/{path}/api/v1/config").status_code in (401, 404)
        for method, where in (("GET", ""), ("POST", "/rotate"), ("POST", "/rewrap")):
            body = {"json": {}} if method == "POST" else {}
            assert rob.request(method, f"/api/v1/encryption-keys{where}", **body).status_code == 403


def test_secrets_of_readers(people: Guarded, path: str) -> None:
    where = "secrets/production/token"
    assert put(people, "dora", path, where, {"value": "s3cret"}).status_code == 403
    assert put(people, "mia", path, where, {"value": "s3cret"}).status_code == 200
    url = f"/p/{path}/api/v1/{where}/reveal"
    with people.client("dora") as dora, people.client("mia") as mia:
        refused = dora.post(url, json={})
        assert (refused.status_code, "s3cret" in refused.text) == (403, False)
        assert mia.patch(f"/p/{path}/api/v1/{where}", json={"readers": ["dora"]}).status_code == 200
        assert dora.post(url, json={}).json()["value"] == "s3cret"
    with people.client("mia") as mia:
        acts = mia.get(f"/p/{path}/api/v1/audit?action=secret.read").json()["items"]
    assert [(act["actor"], act["allowed"]) for act in acts] == [("dora", True), ("dora", False)]
    assert "s3cret" not in json.dumps(acts)


def test_a_job_reads_what_its_account_may_not(people: Guarded, path: str) -> None:
    where, name = f"/p/{path}/api/v1/secrets/dev", "for-jobs"
    body = {"value": "s3cret", "readers": ["dora"], "write_only": True}
    assert put(people, "mia", path, f"secrets/dev/{name}", body).status_code == 200
    assert put(people, "mia", path, "secrets/dev/other", {"value": "other"}).status_code == 200
    with people.client("dora") as dora, people.client("mia") as mia:
        run = dora.post(f"/p/{path}/api/v1/runs", json={"experiment_id": make_experiment(dora, path)}).json()["run_id"]
        assert [who.post(f"{where}/{name}/reveal", json={}).status_code for who in (dora, mia)] == [403, 403]
        tokens = [who.post(f"/p/{path}/api/v1/auth/run-tokens", json={"run_id": run}).json() for who in (dora, mia)]
    mine, hers = (token["token"] for token in tokens)
    with people.client(token=mine) as job, people.client(token=hers) as other:
        assert job.post(f"{where}/{name}/reveal", json={}).json()["value"] == "s3cret"
        assert job.post(f"{where}/other/reveal", json={}).status_code == 403
        # A maintainer's job has no more than it was named for.
        assert [other.post(f"{where}/{each}/reveal", json={}).status_code for each in (name, "other")] == [403, 403]
        assert job.put(f"{where}/{name}", json={"value": "v"}).status_code == 403


def make_experiment(client: httpx.Client, path: str) -> str:
    answer = client.post(f"/p/{path}/api/v1/experiments", json={"name": f"e{next(numbers)}"})
    return str(answer.json()["experiment_id"])


def test_a_change_reaches_every_process(people: Guarded, path: str) -> None:
    """On PostgreSQL the server has two processes, and connections are dealt out to either."""
    assert put(people, "dora", path, "config/train?environment=dev", {"value": {"n": 0}}).status_code == 200
    streams = [following(people, "rob", path, "train") for _ in range(6)]
    opened = [stream.__enter__() for stream in streams]
    assert [next(stream)["value"] for stream in opened] == [{"n": 0}] * 6
    times = []
    for number in range(1, 4):
        put(people, "dora", path, "config/train?environment=dev", {"value": {"n": number}})
        started = time.monotonic()
        assert [next(stream)["value"] for stream in opened] == [{"n": number}] * 6
        times.append(time.monotonic() - started)
    assert min(times) < 0.6
    for stream in streams:
        stream.__exit__(None, None, None)


def test_who_loses_the_right_loses_the_stream(people: Guarded, path: str) -> None:
    put(people, "dora", path, "config/train?environment=dev", {"value": {"n": 0}})
    with following(people, "rob", path, "train") as rob, following(people, "dora", path, "train") as dora:
        assert (next(rob)["value"], next(dora)["value"]) == ({"n": 0}, {"n": 0})
        people.set_member(path, "rob", "guest")
        started = time.monotonic()
        assert list(rob) == []
        assert time.monotonic() - started < 5
        put(people, "dora", path, "config/train?environment=dev", {"value": {"n": 1}})
        assert next(dora)["value"] == {"n": 1}
    with people.client("rob") as client:
        assert client.get(f"/p/{path}/api/v1/config/train/events").status_code == 403


def test_another_project_sees_nothing(people: Guarded, path: str) -> None:
    other = f"live/p{next(numbers)}"
    people.add_project(other, dora="developer")
    put(people, "dora", path, "config/mine?environment=dev", {"value": {"n": 0}})
    with people.client("dora") as dora:
        assert dora.get(f"/p/{other}/api/v1/config/mine?environment=dev").status_code == 404
        assert dora.get(f"/p/{other}/api/v1/config/mine/events").status_code == 404
        assert "mine" not in dora.get(f"/p/{other}/api/v1/config").text
