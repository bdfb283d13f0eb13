"""Rate limits: what is counted together, what clients are told, and what happens while Redis is away."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import mlflow
import pytest
from sqlalchemy import create_engine, text

import mainspring as ms
from mainspring.kit.actors import LOCAL, NOBODY, Actor, ActorKind
from mainspring.kit.errors import InvalidArgument, RateLimited
from mainspring.kit.rates import Rate, Subject, parse_rates
from mainspring.server import limits
from mainspring.server.limits import Counted, RateLimits, is_counted
from mainspring.settings import Settings
from tests.components.accounts import Guarded
from tests.components.ports import wait_until
from tests.components.redis import Redis
from tests.components.server import MainspringServer

EXPERIMENT = "/api/2.0/mlflow/experiments/get?experiment_id=0"
ANNA = replace(LOCAL, name="anna", key=1, kind=ActorKind.USER, credential=10)
BERT = replace(ANNA, name="bert", key=2, credential=20)


def limited(text: str, storage: str = "") -> RateLimits:
    return RateLimits(parse_rates(text), storage)


def ask(rates: RateLimits, times: int, actor: Actor, address: str = "192.0.2.1") -> list[bool]:
    """Return which of some requests are served."""

    async def all_of_them() -> list[Counted]:
        return [await rates.check(actor, address) for _ in range(times)]

    return [each.refusal is None for each in asyncio.run(all_of_them())]


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("", ()),
        (" ; ", ()),
        ("user=600/minute", (Rate(Subject.USER, 600, 60),)),
        ("address=5 per 2 hours;key = 1/second", (Rate(Subject.KEY, 1, 1), Rate(Subject.ADDRESS, 5, 7200))),
        ("user=9/hour; user=1/second", (Rate(Subject.USER, 1, 1), Rate(Subject.USER, 9, 3600))),
    ],
)
def test_rates_are_read(text: str, rates: tuple[Rate, ...]) -> None:
    assert parse_rates(text) == rates


@pytest.mark.parametrize(
    "text",
    [
        "user",
        "user=",
        "user=x",
        "=1/minute",
        "user=0/minute",
        "user=-1/minute",
        "user=1/fortnight",
        "tenant=1/minute",
        "user=1/minute; user=2/minute",
        "user=99999999999/second",
    ],
)
def test_wrong_rates_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="rate_limits"):
        Settings(rate_limits=text)


@pytest.mark.parametrize("url", ["memcached://x", "localhost:6379", "redis"])
def test_wrong_storages_are_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="rate_limit_storage"):
        Settings(rate_limit_storage=url)


@pytest.mark.parametrize("url", ["redis://:secret@host:port", "redis://:secret@host:6379/0?socket_timeout=x"])
def test_a_redis_that_cannot_be(url: str) -> None:
    with pytest.raises(InvalidArgument, match="rate_limit_storage") as refused:
        limited("user=1/minute", url)
    assert "secret" not in refused.value.message


def test_each_subject_is_counted_by_itself() -> None:
    rates = limited("user=3/hour")
    assert ask(rates, 4, ANNA) == [True, True, True, False]
    assert ask(rates, 4, BERT) == [True, True, True, False]
    other_key = replace(ANNA, credential=11)
    assert ask(rates, 1, other_key) == [False]
    assert ask(rates, 9, NOBODY) == [True] * 9
    assert ask(rates, 9, LOCAL) == [True] * 9


def test_credentials_of_one_account_are_counted_apart() -> None:
    rates = limited("key=1/hour; user=3/hour")
    assert ask(rates, 2, ANNA) == [True, False]
    assert ask(rates, 2, replace(ANNA, credential=11)) == [True, False]
    # What a credential was refused is not taken from its account.
    assert ask(rates, 1, replace(ANNA, credential=12)) == [True]
    assert ask(rates, 1, replace(ANNA, credential=13)) == [False]


def test_a_project_is_counted_for_those_who_may_read_it() -> None:
    rates = limited("project=2/hour")
    stranger = replace(BERT, permissions=frozenset())
    assert ask(rates, 9, stranger) == [True] * 9
    assert ask(rates, 1, ANNA) + ask(rates, 2, BERT) == [True, True, False]
    assert ask(rates, 2, replace(BERT, project=7)) == [True, True]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1:2:3", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("", "", True),
    ],
)
def test_nobody_is_counted_by_address(one: str, other: str, together: bool) -> None:
    rates = limited("address=1/hour")
    assert ask(rates, 2, NOBODY, one) == [True, False]
    assert ask(rates, 1, NOBODY, other) == [not together]
    assert ask(rates, 3, ANNA, one) == [True] * 3


def test_a_window_ends() -> None:
    rates = limited("user=1/second")
    assert ask(rates, 2, ANNA)[-1] is False
    wait_until(lambda: ask(rates, 1, ANNA) == [True], "the next window", 3, pause=0.2)


def test_many_subjects_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_SUBJECTS", 10)
    rates = limited("address=1/second; user=1/hour")
    for number in range(100):
        ask(rates, 1, NOBODY, f"192.0.2.{number}")
        ask(rates, 1, replace(ANNA, key=number))
    assert all(len(counter._windows) <= 10 for counter in rates._counters)


def test_headers() -> None:
    rates = limited("key=10/hour; user=4/minute")
    headers, refusal = asyncio.run(rates.check(ANNA, ""))
    told = {name.decode(): value.decode() for name, value in headers}
    assert refusal is None
    assert told["ratelimit-policy"] == '"key-3600s";q=10;w=3600, "user-60s";q=4;w=60'
    assert told["ratelimit"].startswith('"key-3600s";r=9;t=')
    assert '"user-60s";r=3;t=' in told["ratelimit"]
    assert (told["ratelimit-limit"], told["ratelimit-remaining"]) == ("4", "3")
    assert 0 < int(told["ratelimit-reset"]) <= 60


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health", "/version", "/", "/api/v1/transfers/a/b"])
def test_monitors_and_signed_urls_are_not_counted(path: str) -> None:
    assert not is_counted(path)
    assert is_counted(f"{path}x".replace("transfers", "transfer"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainspringServer]:
    """A server of which a project takes 20 requests in 2 s."""
    folder = tmp_path_factory.mktemp("limited")
    with MainspringServer(folder / "data", "--rate-limits", "project=20/2 seconds") as running:
        yield running


def use_up(url: str) -> httpx.Response:
    """Ask until it is too much, and return the refusal."""
    with httpx.Client() as client:
        for _ in range(200):
            answer = client.get(url)
            if answer.status_code != 200:
                return answer
    raise AssertionError(f"{url} answers any number of requests")


def test_mlflows_clients_are_refused_in_their_words(server: MainspringServer) -> None:
    refused = use_up(server.url + EXPERIMENT)
    assert refused.status_code == 429
    assert refused.json()["error_code"] == "REQUEST_LIMIT_EXCEEDED"
    assert "at most 20 in 2 s" in refused.json()["message"]
    assert refused.headers["retry-after"] in {"1", "2"}
    assert refused.headers["ratelimit-remaining"] == "0"
    assert refused.headers["ratelimit-policy"] == '"project-2s";q=20;w=2'
    assert httpx.get(f"{server.url}/health").status_code == 200


def test_our_api_refuses_by_problem_json(server: MainspringServer) -> None:
    refused = use_up(f"{server.url}/api/v1/experiments")
    assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
    problem = refused.json()
    assert (problem["code"], problem["request_id"]) == ("rate_limited", refused.headers["x-request-id"])
    assert refused.headers["retry-after"] in {"1", "2"}


def test_the_sdk_says_so_and_tries_again(server: MainspringServer) -> None:
    with ms.connect(server.url, retries=0) as impatient, pytest.raises(RateLimited) as refused:
        deque(impatient.experiments.get("0") for _ in range(200))
    assert refused.value.retry_after in {1, 2}
    with ms.connect(server.url) as patient:
        for _ in range(30):
            assert patient.experiments.get("0").name == "Default"


def test_mlflows_client_tries_again_by_itself(server: MainspringServer) -> None:
    client = mlflow.MlflowClient(server.url)
    run = client.create_run("0").info.run_id
    for step in range(50):
        client.log_metric(run, "loss", step, step=step)
    assert len(client.get_metric_history(run, "loss")) == 50


def test_without_rates_nothing_is_told(sqlite_server: MainspringServer) -> None:
    answer = httpx.get(sqlite_server.url + EXPERIMENT)
    assert not [name for name in answer.headers if name.startswith("ratelimit")]


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A server with accounts, bob among them, and limits for each kind of subject."""
    options = ("--rate-limits", "key=10/hour; user=30/hour; address=20/hour", "--trusted-proxies", "127.0.0.1")
    with Guarded(tmp_path_factory.mktemp("accounts") / "data", *options) as running:
        running.add_user("bob")
        running.add_project("team/churn", bob="developer")
        yield running


def served(client: httpx.Client, times: int = 100, path: str = "/p/team/churn/api/v1/experiments") -> httpx.Response:
    """Ask until it is too much, and return the refusal."""
    answers = (client.get(path) for _ in range(times))
    return next(answer for answer in answers if answer.status_code == 429)


def test_accounts_and_their_keys(accounts: Guarded) -> None:
    bob = accounts.client("bob")
    first = bob.get("/p/team/churn/api/v1/experiments")
    assert first.status_code == 200
    assert first.headers["ratelimit-policy"] == '"key-3600s";q=10;w=3600, "user-3600s";q=30;w=3600'
    assert "this credential: at most 10" in served(bob).json()["detail"]
    keys = [bob]
    with accounts.browser("bob") as browser:
        for number in range(2):
            made = browser.post("/api/v1/auth/keys", json={"name": f"more {number}"}).json()["token"]
            keys.append(accounts.client(token=made))
    assert "this credential: at most 10" in served(keys[1]).json()["detail"]
    assert "this account: at most 30" in served(keys[2]).json()["detail"]
    mlflow_form = keys[2].get("/p/team/churn/api/2.0/mlflow/experiments/get?experiment_id=0")
    assert mlflow_form.json()["error_code"] == "REQUEST_LIMIT_EXCEEDED"
    assert accounts.admin.get("/api/v1/experiments").status_code == 200


def test_nobody_is_limited_by_address_and_keeps_nobody_out(accounts: Guarded) -> None:
    guesses = accounts.client(token="msp_guess", **{"x-forwarded-for": "192.0.2.9"})
    assert guesses.get("/api/v1/experiments").status_code == 401
    assert "this address" in served(guesses).json()["detail"]
    assert served(accounts.client(**{"x-forwarded-for": "203.0.113.5, 192.0.2.9"}), 1)
    assert accounts.client(**{"x-forwarded-for": "192.0.2.10"}).get("/api/v1/experiments").status_code == 401
    known = accounts.client("root", **{"x-forwarded-for": "192.0.2.9"})
    assert known.get("/api/v1/experiments").status_code == 200


def test_a_wrong_password_is_verified_once(accounts: Guarded) -> None:
    client = accounts.client(**{"x-forwarded-for": "192.0.2.77"})
    assert client.get("/api/v1/experiments", auth=("bob", "wrong")).status_code == 401
    engine = create_engine(accounts.database_url)
    with engine.connect() as tx:
        failures = tx.execute(text("select failures from sign_in_failures")).scalars().all()
    assert max(failures) == 1
    engine.dispose()


def test_two_processes_count_together(tmp_path: Path, redis_server: Redis) -> None:
    options = ("--rate-limits", "project=10/hour", "--rate-limit-storage", redis_server.url)
    with MainspringServer(tmp_path / "one", *options) as one, MainspringServer(tmp_path / "two", *options) as two:
        answers = [httpx.get(server.url + EXPERIMENT) for _ in range(6) for server in (one, two)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
        assert [answer.headers["ratelimit-remaining"] for answer in answers[:3]] == ["9", "8", "7"]
        [key] = redis_server.keys()
        assert key.startswith("mainspring:project-3600s:1:")
        redis_server.stop()
        # Each goes on by its own count, at once, and says so.
        began = time.monotonic()
        assert [httpx.get(one.url + EXPERIMENT).status_code for _ in range(11)] == [200] * 10 + [429]
        assert time.monotonic() - began < 3
        wait_until(lambda: "rate_limit_storage_away" in one.log, "the log")
        assert one.log.count("rate_limit_storage_away") == 1
        assert redis_server.password not in one.log


def test_redis_comes_back(redis_server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ASK_AGAIN_S", 0.2)
    redis_server.stop()

    async def test() -> None:
        rates = limited("user=2/hour", redis_server.url)
        assert (await rates.check(ANNA, "")).refusal is None
        redis_server.start()
        await asyncio.sleep(0.3)
        # It has not seen the first request.
        served = [(await rates.check(ANNA, "")).refusal is None for _ in range(3)]
        assert served == [True, True, False]
        await rates.close()

    asyncio.run(test())


def test_a_redis_that_says_nothing_is_not_waited_for(redis_server: Redis) -> None:
    async def test() -> None:
        rates = limited("user=100/hour", redis_server.url)
        assert redis_server._process
        os.kill(redis_server._process.pid, signal.SIGSTOP)
        began = time.monotonic()
        counted = await asyncio.gather(*(rates.check(ANNA, "") for _ in range(90)))
        assert all(each.refusal is None for each in counted)
        assert time.monotonic() - began < 1.5
        os.kill(redis_server._process.pid, signal.SIGCONT)
        await rates.close()

    asyncio.run(test())
