"""No request to an endpoint of MLflow ends in a 5xx, and one that is refused leaves nothing behind.

501 alone may be answered, by what is understood and not offered.
"""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mainspring.api.mlflow.dispatch import Endpoint
from mainspring.api.mlflow.routes import ENDPOINTS
from tests.properties import bodies
from tests.properties.bodies import every_other
from tests.properties.conftest import OF_ACCOUNTS, Target
from tests.properties.wire import Answer, check_refusal

WITH_MESSAGE = [each for each in ENDPOINTS if each.message is not None]
WITHOUT_MESSAGE = [each for each in ENDPOINTS if each.message is None]
JSON = "application/json"
FEW, MANY = 4, 300
DEEP = (50, 400, 900, 960, 990, 1000, 1500, 100_000)
LARGE = 10_000_000


def title(called: Endpoint) -> str:
    return f"{called.method}-{called.path}"


def fields_of(called: Endpoint) -> list[str]:
    assert called.message is not None
    return [field.encode_name for field in msgspec.structs.fields(called.message)]


def path_of(called: Endpoint, known: dict[str, Any]) -> str:
    path = called.path if called.path.startswith("/") else f"/api/2.0/mlflow/{called.path}"
    return re.sub(r"{(\w+)(?::path)?}", lambda part: quote(known.get(part[1], "a/b.txt"), errors="surrogatepass"), path)


def query_of(content: dict[str, Any]) -> str:
    return urlencode(content, doseq=True, errors="surrogatepass")


def send(target: Target, called: Endpoint, known: dict[str, Any], body: bytes) -> Answer:
    return target.wire.send(called.method, path_of(called, known), body, content_type=JSON)


def ask(target: Target, called: Endpoint, known: dict[str, Any], content: dict[str, Any]) -> Answer:
    """Send a message as clients do: by the query for GET, else by the body; path fields by the path."""
    if called.method == "GET":
        return target.wire.send("GET", f"{path_of(called, known | content_text(content))}?{query_of(content)}")
    return send(target, called, known | content_text(content), bodies.encode(content))


def content_text(content: dict[str, Any]) -> dict[str, str]:
    """Return the texts that can stand in a path."""
    return {name: text for name, text in content.items() if isinstance(text, str) and text.strip("./")}


def check(answer: Answer) -> None:
    assert answer.status < 500 or answer.status == 501, answer
    if answer.status >= 400:
        check_refusal(answer)


class Watch:
    """Says after each answer whether a refused request has left something behind."""

    def __init__(self, target: Target) -> None:
        self._keeper = target.keeper
        self._before = self._keeper.state()

    def check(self, called: Endpoint, answer: Answer) -> None:
        check(answer)
        after = self._keeper.state()
        if answer.status >= 400 or called.method == "GET":
            assert after == self._before, answer
        self._before = after


def base_of(called: Endpoint, known: dict[str, Any]) -> dict[str, Any]:
    """Return a message that the endpoint takes."""
    particular: dict[str, dict[str, Any]] = {
        "registered-models/create": {"name": known["new_name"]},
        "logged-models/{model_id}": {"status": "LOGGED_MODEL_READY"},
        "logged-models/search": {"datasets": [{"dataset_name": "d"}]},
        "workspaces/{workspace_name}": {"description": "d"},
    }
    if "presigned/" in called.path:
        particular[called.path] = {"artifact_path": f"{known['artifact_path']}/{known['path']}"}
    values = known | particular.get(called.path, {})
    one_of_two = ("model-versions/create", "artifacts/presigned-upload-url")
    without = {"model_id"} if called.path in one_of_two else set()
    return {name: values[name] for name in fields_of(called) if name in values and name not in without}


@pytest.mark.parametrize("called", [each for each in WITH_MESSAGE if each.handler.__module__ != OF_ACCOUNTS], ids=title)
def test_a_good_message_is_taken(target: Target, known: dict[str, Any], called: Endpoint) -> None:
    """Without this, the tests below might see every message refused at the first check."""
    if called.path.endswith("restore"):
        target.wire.call("POST", path_of(called, known).replace("restore", "delete"), known)
    answer = ask(target, called, known, base_of(called, known))
    assert answer.status == called.status, answer


def test_what_is_left_behind_is_noticed(target: Target, known: dict[str, Any]) -> None:
    """Without this, the tests below might compare what never changes."""
    call, states = target.wire.call, [target.keeper.state()]
    call("POST", "/api/2.0/mlflow/runs/set-tag", {"run_id": known["run_id"], "key": "seen", "value": "v"})
    states.append(target.keeper.state())
    target.wire.send("PUT", "/api/2.0/mlflow-artifacts/artifacts/seen", b"x")
    states.append(target.keeper.state())
    assert states[0] != states[1] != states[2]
    call("GET", f"/api/2.0/mlflow/runs/get?run_id={known['run_id']}")
    assert target.keeper.state() == states[2]


@pytest.mark.parametrize("called", WITH_MESSAGE, ids=title)
def test_a_bad_value_in_any_field(target: Target, known: dict[str, Any], called: Endpoint) -> None:
    watch, good = Watch(target), base_of(called, known)
    wrong = (*bodies.NASTY_TEXT, *bodies.NASTY_INTEGERS[:8], *bodies.NASTY_FLOATS[:2], None, True, [], {}, [[]])
    for name, bad in every_other(fields_of(called), wrong):
        values: list[Any] = [bad]
        if isinstance(good.get(name), list) and not isinstance(bad, list):
            inner = good[name][0]
            values = [[bad], *([inner | {part: bad}] for part in inner)] if isinstance(inner, dict) else [[bad]]
        for each in values:
            watch.check(called, ask(target, called, known, good | {name: each}))


@pytest.mark.parametrize("called", WITH_MESSAGE, ids=title)
def test_a_damaged_body(target: Target, known: dict[str, Any], called: Endpoint) -> None:
    watch = Watch(target)
    body = bodies.encode(base_of(called, known))
    for damage in bodies.DAMAGE.values():
        watch.check(called, send(target, called, known, damage(body)))
    for nothing in (b"", b" ", b"null", b"1", b'"', b'"\\ud800"', b"\x00", b"\xff\xfe", b"{" * 10, b"NaN", b"[" * 999):
        watch.check(called, send(target, called, known, nothing))


@pytest.mark.parametrize("called", WITH_MESSAGE, ids=title)
def test_a_deep_body(target: Target, known: dict[str, Any], called: Endpoint) -> None:
    watch, good = Watch(target), base_of(called, known)
    for depth, (opening, closing) in product(DEEP, (("[", "]"), ('{"a":', "}"))):
        deep = opening * depth + "1" + closing * depth
        name = next(iter(fields_of(called)), "x")
        within = json.dumps(good | {name: "DEEP"}).replace('"DEEP"', deep).encode()
        for body in (deep.encode(), within):
            watch.check(called, send(target, called, known, body))


@pytest.mark.parametrize("called", WITH_MESSAGE, ids=title)
def test_random_messages(target: Target, known: dict[str, Any], called: Endpoint) -> None:
    random_messages(target, known, called, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("called", WITH_MESSAGE, ids=title)
def test_many_random_messages(target: Target, known: dict[str, Any], called: Endpoint) -> None:
    random_messages(target, known, called, MANY)


def random_messages(target: Target, known: dict[str, Any], called: Endpoint, examples: int) -> None:
    assert called.message is not None
    watch = Watch(target)

    @settings(max_examples=examples, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(bodies.message(called.message, known), st.sampled_from(list(bodies.DAMAGE.values())))
    def test(content: dict[str, Any], damage: Any) -> None:
        watch.check(called, ask(target, called, known, content))
        watch.check(called, send(target, called, known, damage(bodies.encode(content))))

    test()


@pytest.mark.parametrize("called", [each for each in WITH_MESSAGE if each.method != "GET"], ids=title)
def test_long_lists(target: Target, known: dict[str, Any], called: Endpoint) -> None:
    watch, good = Watch(target), base_of(called, known)
    for name in good:
        if isinstance(good[name], list):
            watch.check(called, ask(target, called, known, good | {name: good[name] * 10_000}))


@pytest.mark.parametrize("path", ["runs/search", "experiments/search-datasets", "logged-models/search"])
def test_a_hundred_thousand_experiments(target: Target, path: str) -> None:
    body = bodies.encode({"experiment_ids": [str(number) for number in range(100_000)]})
    check(target.wire.send("POST", f"/api/2.0/mlflow/{path}", body, content_type=JSON))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"])
def test_any_method(target: Target, known: dict[str, Any], method: str) -> None:
    before = target.keeper.state()
    allowed: dict[str, set[str]] = {}
    for each in ENDPOINTS:
        allowed.setdefault(path_of(each, known), set()).add(each.method)
    for path, methods in allowed.items():
        if method in methods or (method == "HEAD" and "GET" in methods):
            continue
        answer = target.wire.send(method, path, b"{}", content_type=JSON)
        assert answer.status == 405, answer
        assert set(answer.headers["allow"].split(", ")) == methods
        if method != "HEAD":
            check_refusal(answer)
    assert target.keeper.state() == before


@pytest.mark.parametrize("called", WITHOUT_MESSAGE, ids=title)
def test_random_queries(target: Target, known: dict[str, Any], called: Endpoint) -> None:
    """Endpoints that read their requests themselves: any fields, in the query and in the path."""
    names = ["run_id", "run_uuid", "path", "name", "version", "artifact_file_path", "x"]
    texts = st.one_of(bodies.text, st.sampled_from([str(value) for value in known.values()]))
    watch = Watch(target)

    @settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(st.sampled_from(names), texts), texts, st.binary(max_size=20))
    def test(query: dict[str, str], path: str, body: bytes) -> None:
        where = {"path": path, "model_id": path} if path.strip("./") else {}
        target_path = path_of(called, known | where)
        watch.check(called, target.wire.send(called.method, f"{target_path}?{query_of(query)}", body))

    test()


@pytest.mark.parametrize(
    "query",
    ["%", "%zz=%zz", "&&&===", "run_id=%00", "run_id=%ff%fe", "run_id=" + "x" * 60_000, "a=&" * 20_000, "run_id[]=1"],
    ids=lambda query: query[:12],
)
def test_odd_queries(target: Target, query: str) -> None:
    for called in ENDPOINTS:
        if called.method == "GET":
            check(target.wire.send("GET", f"{path_of(called, {})}?{query}"))


def test_strings_of_ten_megabytes(target: Target, known: dict[str, Any]) -> None:
    chosen = ("experiments/create", "runs/create", "runs/set-tag", "runs/log-parameter", "registered-models/create")
    for called in (each for each in WITH_MESSAGE if each.path in chosen):
        watch = Watch(target)
        for name in ("experiment_id", "run_id", "name", "key", "value", "description"):
            if name in fields_of(called):
                content = base_of(called, known) | {name: "x" * LARGE}
                watch.check(called, ask(target, called, known, content))


def test_a_body_past_the_limit(target: Target, known: dict[str, Any]) -> None:
    body = bodies.encode({"run_id": known["run_id"], "tags": [{"key": "k", "value": "x" * 1_100_000}]})
    answer = target.wire.send("POST", "/api/2.0/mlflow/runs/log-batch", body, content_type=JSON)
    assert answer.status == 400
    assert b"larger than 1000000 bytes" in answer.body


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "\xff", "x" * 5000])
def test_odd_content_types(target: Target, content_type: str) -> None:
    before = target.keeper.state()
    answer = target.wire.send("POST", "/api/2.0/mlflow/experiments/create", b'{"name": "t"}', content_type=content_type)
    assert answer.status == 400
    check_refusal(answer)
    assert target.keeper.state() == before
