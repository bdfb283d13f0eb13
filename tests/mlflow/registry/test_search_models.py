"""Search of registered models: the filter grammar, the order, pages and limits."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest

PATH = "registered-models/search"


@pytest.fixture(scope="module")
def prefix(rest: Rest) -> str:
    """The common start of four models: a (tags color=red, size=1), b (color=blue), C (no tags), d_d (color=Red)."""
    prefix = f"s-{uuid.uuid4().hex[:10]}-"
    tags = {
        "a": {"color": "red", "size": "1"},
        "b": {"color": "blue"},
        "C": {},
        "d_d": {"color": "Red", "dot.ted": "x"},
    }
    for name, pairs in tags.items():
        body = {"name": prefix + name, "tags": [{"key": key, "value": value} for key, value in pairs.items()]}
        rest.post("registered-models/create", body).ok()
    return prefix


def search(rest: Rest, prefix: str, filter: str, **more: Any) -> list[str]:
    """Return the names found, without their common start."""
    answer = rest.get(PATH, {"filter": filter.replace("~", prefix)} | more).ok()
    return [entry["name"].removeprefix(prefix) for entry in answer.get("registered_models", [])]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("name LIKE '~%'", ["C", "a", "b", "d_d"]),
        ("name = '~a'", ["a"]),
        ('name = "~a"', ["a"]),
        ("name='~a'", ["a"]),
        ("attribute.name = '~a'", ["a"]),
        ("name != '~a' AND name LIKE '~%'", ["C", "b", "d_d"]),
        ("name LIKE '~_'", ["C", "a", "b"]),
        ("name LIKE '~c'", []),
        ("name ILIKE '~c'", ["C"]),
        ("name like '~a'", ["a"]),
        ("name iLike '~A' and name != 'x'", ["a"]),
        ("name LIKE '~d%d'", ["d_d"]),
        ("name IN ('~a', '~b')", ["a", "b"]),
        ("name IN ('~a',)", ["a"]),
        ("name NOT IN ('~a', '~b') AND name LIKE '~%'", ["C", "d_d"]),
        ("tags.color = 'red' AND name LIKE '~%'", ["a"]),
        ("tag.color = 'red' AND name LIKE '~%'", ["a"]),
        ("tags.`color` = 'red' AND name LIKE '~%'", ["a"]),
        ("tags.\"color\" = 'red' AND name LIKE '~%'", ["a"]),
        ('tags.color = "red" AND name LIKE "~%"', ["a"]),
        ("tags.color != 'red' AND name LIKE '~%'", ["b", "d_d"]),
        ("tags.color LIKE 're%' AND name LIKE '~%'", ["a"]),
        ("tags.color ILIKE 're%' AND name LIKE '~%'", ["a", "d_d"]),
        ("tags.`dot.ted` = 'x' AND name LIKE '~%'", ["d_d"]),
        ("tags.dot.ted = 'x' AND name LIKE '~%'", ["d_d"]),
        ("tags.color = 'red' AND tags.size = '1' AND name LIKE '~%'", ["a"]),
        ("tags.color = 'red' AND tags.color LIKE 'r%' AND name LIKE '~%'", ["a"]),
        ("tags.color = 'red' AND tags.color = 'blue' AND name LIKE '~%'", []),
        ("tags.color = 'blue' AND tags.size = '1' AND name LIKE '~%'", []),
        ("tags.none != 'x' AND name LIKE '~%'", []),
        ("name = '~a' AND", ["a"]),
    ],
)
def test_filters(rest: Rest, prefix: str, filter: str, found: list[str]) -> None:
    assert sorted(search(rest, prefix, filter)) == sorted(found)


@pytest.mark.parametrize(
    ("filter", "says"),
    [
        ("name > 'a'", ">"),
        ("tags.a > 'a'", ">"),
        ("name", "name"),
        ("name = 'a' OR name = 'b'", "OR"),
        ("(name = 'a')", "("),
        ("foo = 'a'", "foo"),
        ("NAME = 'a'", "NAME"),
        ("creation_timestamp > 5", "creation_timestamp"),
        ("attributes.name = 'a'", "attributes"),
        ("params.a = 'a'", "params"),
        ("tags.a = 2", "2"),
        ("tags.a IN ('x')", ""),
        ("name = 5", "5"),
        ("name IN ()", "list"),
        ("name = 'a'; DROP TABLE x", "multiple expression"),
        ("  ", "Invalid filter"),
    ],
)
def test_filters_that_are_refused(rest: Rest, filter: str, says: str) -> None:
    rest.get(PATH, {"filter": filter}).invalid(says)


@pytest.mark.parametrize("filter", ["tags.a IS NULL", "tags.a IS NOT NULL"])
@differs("the original answers 500 where the filter is wrong, and clients retry a 500")
def test_tags_cannot_be_tested_for_absence(rest: Rest, filter: str) -> None:
    rest.get(PATH, {"filter": filter}).error(400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("quoted", ["it''s", "100%", "_", "\\", "x' OR 'a'='a", "naïve 日本"])
def test_what_is_quoted_is_data(rest: Rest, quoted: str) -> None:
    reply = rest.get(PATH, {"filter": f'name = "{quoted}"'})
    assert reply.ok() == {}


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ([], ["C", "a", "b", "d_d"]),
        (["name"], ["C", "a", "b", "d_d"]),
        (["name ASC"], ["C", "a", "b", "d_d"]),
        (["name DESC"], ["d_d", "b", "a", "C"]),
        (["name desc"], ["d_d", "b", "a", "C"]),
        (["`name` DESC"], ["d_d", "b", "a", "C"]),
        (["last_updated_timestamp"], ["a", "b", "C", "d_d"]),
        (["last_updated_timestamp DESC"], ["d_d", "C", "b", "a"]),
        (["timestamp DESC", "name ASC"], ["d_d", "C", "b", "a"]),
    ],
)
def test_order(rest: Rest, prefix: str, order: list[str], found: list[str]) -> None:
    assert search(rest, prefix, "name LIKE '~%'", order_by=order) == found


@pytest.mark.parametrize(
    "order", ["creation_timestamp DESC", "foo", "tags.color", "attribute.name", "last_updated_time"]
)
def test_keys_that_do_not_order(rest: Rest, order: str) -> None:
    message = rest.get(PATH, {"order_by": order}).invalid()
    assert order.removesuffix(" DESC").split(".")[0] in message


def test_orders_that_cannot_be_read(rest: Rest) -> None:
    message = rest.get(PATH, {"order_by": "name sideways"}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Invalid ordering key in order_by clause 'name sideways'" in message
    message = rest.get(PATH, {"order_by": ""}).error(400, "INVALID_PARAMETER_VALUE")
    assert "order_by" in message


@differs("the original answers 500 where the request is wrong, and clients retry a 500")
def test_a_key_orders_once(rest: Rest) -> None:
    rest.get(PATH, {"order_by": ["name", "name DESC"]}).error(400, "INVALID_PARAMETER_VALUE")


def test_pages(rest: Rest, prefix: str) -> None:
    names, token, pages = [], "", 0
    while True:
        query = {"filter": f"name LIKE '{prefix}%'", "max_results": 3, "page_token": token}
        answer = rest.get(PATH, query).ok()
        names += [entry["name"].removeprefix(prefix) for entry in answer["registered_models"]]
        pages += 1
        token = answer.get("next_page_token")
        if token is None:
            break
    assert names == ["C", "a", "b", "d_d"]
    assert pages == 2


def test_a_full_last_page_has_no_token(rest: Rest, prefix: str) -> None:
    answer = rest.get(PATH, {"filter": f"name LIKE '{prefix}%'", "max_results": 4}).ok()
    assert len(answer["registered_models"]) == 4
    assert "next_page_token" not in answer


def test_nothing_found_is_an_empty_object(rest: Rest) -> None:
    assert rest.get(PATH, {"filter": "name = 'nothing of that name'"}).ok() == {}


def test_page_tokens_that_cannot_be_read(rest: Rest) -> None:
    message = rest.get(PATH, {"page_token": "abc"}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Invalid page token" in message
    rest.get(PATH, {"page_token": "eyJ4IjogMX0="}).error(400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("value", ["1001", "abc", "1.5"])
def test_limits(rest: Rest, value: str) -> None:
    message = rest.get(PATH, {"max_results": value}).error(400, "INVALID_PARAMETER_VALUE")
    assert (f"Invalid value \"{value}\" for parameter 'max_results' supplied") in message
    assert rest.get(PATH, {"max_results": 1000}).status == 200


@pytest.mark.parametrize("value", [0, -1])
@differs("the original accepts these and answers an empty page with a token, without end")
def test_a_page_holds_something(rest: Rest, value: int) -> None:
    rest.get(PATH, {"max_results": value}).error(400, "INVALID_PARAMETER_VALUE")


@differs("the original answers 500 to a token that is JSON but not an object")
def test_a_page_token_is_an_object(rest: Rest) -> None:
    rest.get(PATH, {"page_token": "MQ=="}).error(400, "INVALID_PARAMETER_VALUE")
