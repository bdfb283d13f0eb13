"""No request to ``/api/v1`` ends in a 5xx, its errors are problem JSON, and a refused one leaves nothing behind.

What is sent is made from the OpenAPI document, and from values that it does not allow.
"""

from __future__ import annotations

import json
from itertools import product
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from mainspring.kit.errors import ERRORS
from mainspring.server.v1 import describe
from tests.properties import bodies
from tests.properties.bodies import every_other
from tests.properties.conftest import Target
from tests.properties.wire import Answer

PROBLEM = "application/problem+json"
ENDLESS = "/api/v1/config/{name}/events"
"""A stream of events, of a document that there is."""
KEYS = {"type", "title", "status", "detail", "code", "request_id"}
FEW, MANY = 4, 150
DOCUMENT = schemathesis.openapi.from_dict(describe())
OPERATIONS = [
    (method, path) for path, methods in describe()["paths"].items() for method in methods if method != "parameters"
]
WITH_BODY = [
    (method, path)
    for method, path in OPERATIONS
    if "application/json" in describe()["paths"][path][method].get("requestBody", {}).get("content", {})
]


def title(operation: tuple[str, str]) -> str:
    return "-".join(operation)


@pytest.fixture
def known(request: pytest.FixtureRequest, target: Target, known: dict[str, Any]) -> dict[str, Any]:
    """Return good values of path parameters and fields."""
    if getattr(request.node, "callspec", None) and request.node.callspec.params.get("operation") == ("get", ENDLESS):
        known = known | {"name": "of-no-document"}
    wanted = {"path": "a/b.txt", "size": 1, "sha256": "0" * 64}
    where = f"/api/v1/runs/{known['run_id']}/uploads"
    answer = target.wire.send("POST", where, json.dumps(wanted).encode(), content_type="application/json")
    upload = {"upload_id": json.loads(answer.body)["upload_id"], "numbers": [1]}
    others = {"key": "k", "environment": "dev", "metrics": [{"key": "m", "value": 1}], "order_by": [], "tags": {}}
    others |= {"user": "u", "user_code": "ABCD-EFGH"}
    return known | wanted | upload | others


def test_a_good_upload_is_taken(target: Target, known: dict[str, Any]) -> None:
    """Without this, the tests below might see every request of an upload refused at the first check."""
    upload = f"/api/v1/runs/{known['run_id']}/uploads/{known['upload_id']}"
    assert target.wire.send("GET", upload).status == 200
    signed = target.wire.send("POST", f"{upload}/parts", b'{"numbers": [1]}', content_type="application/json")
    assert signed.status == 200
    assert target.wire.send("POST", f"{upload}/complete").status == 409
    assert target.wire.send("DELETE", upload).status == 204


def check(answer: Answer, method: str) -> None:
    assert answer.status < 500 or answer.status == 501, answer
    if answer.status < 400 or method == "head":
        return
    if answer.status == 416:
        return
    problem = json.loads(answer.body)
    if "error" in problem:  # what command lines that wait are told, in the form of RFC 8628
        assert set(problem) == {"error", "error_description"}, answer
        return
    assert answer.headers["content-type"] == PROBLEM, answer
    assert set(problem) - {"field"} == KEYS, problem
    assert problem["status"] == answer.status
    assert problem["code"] in ERRORS
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]


class Watch:
    """Says after each answer whether a refused request has left something behind."""

    def __init__(self, target: Target) -> None:
        self._keeper = target.keeper
        self._before = self._keeper.state()

    def check(self, answer: Answer, method: str) -> None:
        check(answer, method)
        after = self._keeper.state()
        refused = answer.status >= 400 and answer.status != 403  # that is on record in the audit log
        if refused or method in ("get", "head"):
            assert after == self._before, answer
        self._before = after


def test_the_document_is_served(target: Target) -> None:
    assert httpx.get(f"{target.server.url}/api/v1/openapi.json").json() == describe()


@pytest.mark.parametrize("operation", OPERATIONS, ids=title)
def test_requests_of_the_document(target: Target, known: dict[str, Any], operation: tuple[str, str]) -> None:
    of_the_document(target, known, operation, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=title)
def test_many_requests_of_the_document(target: Target, known: dict[str, Any], operation: tuple[str, str]) -> None:
    of_the_document(target, known, operation, MANY)


def of_the_document(target: Target, known: dict[str, Any], operation: tuple[str, str], examples: int) -> None:
    method, path = operation
    described = DOCUMENT[path][method.upper()]
    watch = Watch(target)
    modes = [described.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]
    with requests.Session() as session:

        @settings(max_examples=examples, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.one_of(modes), st.booleans())
        def test(case: Any, at_home: bool) -> None:
            if at_home or path == ENDLESS:  # of a document that another test has made it would last for a minute
                for name in case.path_parameters or {}:
                    case.path_parameters[name] = known.get(name, case.path_parameters[name])
            reply = case.call(base_url=target.server.url, session=session)
            headers = {name: values[0] for name, values in reply.headers.items()}
            watch.check(Answer(reply.status_code, headers, reply.content), method)

        test()


def filled(path: str, values: dict[str, Any]) -> str:
    return "/".join(
        quote(str(values[part[1:-1]]), safe="/", errors="surrogatepass") if part.startswith("{") else part
        for part in path.split("/")
    )


def properties_of(method: str, path: str) -> list[str]:
    """Return the names of the fields of an operation's body, of several kinds of body the first's."""
    schema = describe()["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
    name = schema.get("oneOf", [schema])[0]["$ref"].rpartition("/")[2]
    return list(describe()["components"]["schemas"][name]["properties"])


@pytest.mark.parametrize("operation", WITH_BODY, ids=title)
def test_a_bad_value_in_any_field(target: Target, known: dict[str, Any], operation: tuple[str, str]) -> None:
    method, path = operation
    where, watch = filled(path, known), Watch(target)
    fields = properties_of(method, path)
    good = {name: known[name] for name in fields if name in known}
    wrong = (*bodies.NASTY_TEXT, *bodies.NASTY_INTEGERS[:8], *bodies.NASTY_FLOATS[:2], None, True, [], {}, [[]])
    for name, bad in every_other(fields, wrong):
        for each in (bad, [bad], {"k": bad}, {"\0": "v"}, {"x" * 300: "v"}):
            body = bodies.encode(good | {name: each})
            answer = target.wire.send(method.upper(), where, body, content_type="application/json")
            watch.check(answer, method)


@pytest.mark.parametrize("operation", WITH_BODY, ids=title)
def test_a_damaged_body(target: Target, known: dict[str, Any], operation: tuple[str, str]) -> None:
    method, path = operation
    where, watch = filled(path, known), Watch(target)
    body = bodies.encode({name: known[name] for name in properties_of(method, path) if name in known})
    damaged = [damage(body) for damage in bodies.DAMAGE.values()]
    deep = [opening * depth for depth in (100, 1000, 100_000) for opening in (b"[", b'{"a":')]
    for each in (*damaged, *deep, b"", b"null", b"1", b"\xff\xfe", b"NaN"):
        watch.check(target.wire.send(method.upper(), where, each, content_type="application/json"), method)
        other = target.wire.send(method.upper(), where, each, content_type="text/plain")
        watch.check(other, method)
        assert other.status == 400, other


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if "{" in each[1]], ids=title)
def test_a_bad_value_in_the_path(target: Target, known: dict[str, Any], operation: tuple[str, str]) -> None:
    method, path = operation
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    watch = Watch(target)
    for name, bad in every_other(names, bodies.NASTY_TEXT):
        where = filled(path, known | {name: bad})
        watch.check(target.wire.send(method.upper(), where, b"{}", content_type="application/json"), method)


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each[0] == "get"], ids=title)
def test_a_bad_value_in_the_query(target: Target, known: dict[str, Any], operation: tuple[str, str]) -> None:
    method, path = operation
    parameters = describe()["paths"][path][method].get("parameters", [])
    names = [each["name"] for each in parameters if each["in"] == "query"]
    for name, bad in product(names, (*bodies.NASTY_TEXT, *bodies.NASTY_INTEGERS)):
        query = urlencode({name: bad}, errors="surrogatepass")
        check(target.wire.send("GET", f"{filled(path, known)}?{query}"), method)
