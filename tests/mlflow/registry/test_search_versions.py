"""Search of model versions: the filter grammar, the order, pages and limits."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest

PATH = "model-versions/search"
ATTRIBUTES = {"version_number", "run_id", "source_path", "name"}


@dataclass(frozen=True)
class Sample:
    """Two models, -a and -b, of three versions each; version 1 is of a run, a/1 was updated last."""

    prefix: str
    run_id: str


@pytest.fixture(scope="module")
def sample(rest: Rest) -> Sample:
    prefix = f"s-{uuid.uuid4().hex[:10]}-"
    run_id = uuid.uuid4().hex
    for letter in "ab":
        rest.post("registered-models/create", {"name": prefix + letter}).ok()
        for number in (1, 2, 3):
            tags = [{"key": "t", "value": str(number)}] + [{"key": "only.a", "value": "x"}] * (letter == "a")
            body = {
                "name": prefix + letter,
                "source": f"s3://bucket/{prefix}{letter}/{number}",
                "run_id": run_id if number == 1 else f"r{number}",
                "tags": tags,
            }
            time.sleep(0.002)
            rest.post("model-versions/create", body).ok()
    time.sleep(0.002)
    rest.patch("model-versions/update", {"name": prefix + "a", "version": "1", "description": "d"}).ok()
    return Sample(prefix, run_id)


def search(rest: Rest, sample: Sample, filter: str, **more: Any) -> list[str]:
    """Return what is found as letter and number; in the filter ~ is the names' start, RUN the run."""
    filter = filter.replace("~", sample.prefix).replace("RUN", sample.run_id)
    answer = rest.get(PATH, {"filter": filter} | more).ok()
    return [entry["name"].removeprefix(sample.prefix) + entry["version"] for entry in answer.get("model_versions", [])]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("name LIKE '~%'", "a1 b3 b2 b1 a3 a2"),
        ("name = '~a'", "a1 a3 a2"),
        ('name = "~a"', "a1 a3 a2"),
        ("attribute.name = '~a'", "a1 a3 a2"),
        ("name != '~a' AND name LIKE '~%'", "b3 b2 b1"),
        ("name ILIKE '~A'", "a1 a3 a2"),
        ("name LIKE '~A'", ""),
        ("name IN ('~a', '~b') AND version_number = 1", "a1 b1"),
        ("name NOT IN ('~a') AND name LIKE '~%'", "b3 b2 b1"),
        ("version_number > 1 AND name = '~a'", "a3 a2"),
        ("version_number >= 2 AND version_number < 3 AND name = '~a'", "a2"),
        ("version_number != 2 AND name = '~a'", "a1 a3"),
        ("version_number <= '2' AND name = '~a'", "a1 a2"),
        ("run_id = 'RUN'", "a1 b1"),
        ('run_id = "RUN"', "a1 b1"),
        ("run_id != 'RUN' AND name LIKE '~%'", "b3 b2 a3 a2"),
        ("run_id LIKE 'r_' AND name LIKE '~%'", "b3 b2 a3 a2"),
        ("run_id IN ('RUN', 'r2') AND name LIKE '~%'", "a1 b2 b1 a2"),
        ("run_id NOT IN ('RUN') AND name LIKE '~%'", "b3 b2 a3 a2"),
        ("source_path = 's3://bucket/~a/1'", "a1"),
        ("source_path LIKE 's3://bucket/~a%'", "a1 a3 a2"),
        ("source_path ILIKE 'S3://BUCKET/~A%'", "a1 a3 a2"),
        ("source_path != 's3://bucket/~a/1' AND name = '~a'", "a3 a2"),
        ("tags.t = '1' AND name LIKE '~%'", "a1 b1"),
        ("tag.t = '1' AND name LIKE '~%'", "a1 b1"),
        ("tags.t != '1' AND name LIKE '~%'", "b3 b2 a3 a2"),
        ("tags.t LIKE '_' AND name = '~a'", "a1 a3 a2"),
        ("tags.`only.a` = 'x' AND name LIKE '~%'", "a1 a3 a2"),
        ("tags.only.a ILIKE 'X' AND name LIKE '~%'", "a1 a3 a2"),
        ("tags.t = '1' AND tags.`only.a` = 'x' AND name LIKE '~%'", "a1"),
        ("tags.t = '1' AND tags.t = '2' AND name LIKE '~%'", ""),
    ],
)
def test_filters(rest: Rest, sample: Sample, filter: str, found: str) -> None:
    """The order is the default: updated last first, then by name, then the highest number first."""
    assert search(rest, sample, filter) == found.split()


@pytest.mark.parametrize(
    ("filter", "says"),
    [
        ("version_number = 1.5", "1.5"),
        ("version_number LIKE '1'", "LIKE"),
        ("version_number IN (1, 2)", ""),
        ("source_path IN ('x')", ""),
        ("run_id IN ()", "list"),
        ("name > 'a'", ">"),
        ("tags.t > '1'", ">"),
        ("tags.t IN ('1')", ""),
        ("name = 'a' OR name = 'b'", "OR"),
        ("name", "name"),
        ("name = 5", ""),
        ("foo.a = 'x'", "foo"),
        ("attributes.name = 'x'", "attributes"),
    ],
)
def test_filters_that_are_refused(rest: Rest, filter: str, says: str) -> None:
    rest.get(PATH, {"filter": filter}).invalid(says)


@pytest.mark.parametrize(
    "key", ["creation_timestamp", "current_stage", "description", "status", "model_id", "aliases", "user_id"]
)
def test_attributes_that_cannot_be_asked_for(rest: Rest, key: str) -> None:
    message = rest.get(PATH, {"filter": f"{key} = 'x'"}).error(400, "INVALID_PARAMETER_VALUE")
    assert f"Invalid attribute key '{key}' specified. Valid keys are '" in message
    assert all(f"'{attribute}'" in message for attribute in ATTRIBUTES)


@differs("the original answers 500 where the filter is wrong, and clients retry a 500")
def test_tags_cannot_be_tested_for_absence(rest: Rest) -> None:
    rest.get(PATH, {"filter": "tags.t IS NULL"}).error(400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (["name"], "a3 a2 a1 b3 b2 b1"),
        (["name DESC"], "b3 b2 b1 a3 a2 a1"),
        (["attribute.name DESC"], "b3 b2 b1 a3 a2 a1"),
        (["version_number ASC"], "a1 b1 a2 b2 a3 b3"),
        (["name ASC", "version_number ASC"], "a1 a2 a3 b1 b2 b3"),
        (["creation_timestamp"], "a1 a2 a3 b1 b2 b3"),
        (["creation_timestamp DESC"], "b3 b2 b1 a3 a2 a1"),
        (["last_updated_timestamp DESC"], "a1 b3 b2 b1 a3 a2"),
        (["last_updated_timestamp asc"], "a2 a3 b1 b2 b3 a1"),
    ],
)
def test_order(rest: Rest, sample: Sample, order: list[str], found: str) -> None:
    assert search(rest, sample, "name LIKE '~%'", order_by=order) == found.split()


@pytest.mark.parametrize("order", ["foo", "source_path", "timestamp DESC", "run_id", "tags.t", "version ASC"])
def test_keys_that_do_not_order(rest: Rest, order: str) -> None:
    rest.get(PATH, {"order_by": order}).error(400, "INVALID_PARAMETER_VALUE")


@differs("the original answers 500 where the request is wrong, and clients retry a 500")
def test_a_key_orders_once(rest: Rest) -> None:
    rest.get(PATH, {"order_by": ["name", "name"]}).error(400, "INVALID_PARAMETER_VALUE")


def test_pages(rest: Rest, sample: Sample) -> None:
    found: list[str] = []
    token = ""
    for _ in range(3):
        query = {"filter": f"name LIKE '{sample.prefix}%'", "max_results": 2, "page_token": token}
        answer = rest.get(PATH, query).ok()
        found += [entry["name"].removeprefix(sample.prefix) + entry["version"] for entry in answer["model_versions"]]
        token = answer.get("next_page_token", "")
    assert token == ""
    assert found == ["a1", "b3", "b2", "b1", "a3", "a2"]


def test_pages_of_order_by(rest: Rest, sample: Sample) -> None:
    query = {"filter": f"name LIKE '{sample.prefix}%'", "max_results": 5, "order_by": "version_number"}
    first = rest.get(PATH, query).ok()
    second = rest.get(PATH, query | {"page_token": first["next_page_token"]}).ok()
    assert [entry["version"] for entry in first["model_versions"]] == ["1", "1", "2", "2", "3"]
    assert [entry["version"] for entry in second["model_versions"]] == ["3"]
    assert "next_page_token" not in second


@pytest.mark.parametrize("value", [0, -1])
def test_a_page_holds_something(rest: Rest, value: int) -> None:
    message = rest.get(PATH, {"max_results": value}).error(400, "INVALID_PARAMETER_VALUE")
    assert f"Invalid value for max_results. It must be a positive integer, but got {value}" in message


@pytest.mark.parametrize("value", ["200001", "x"])
def test_limits(rest: Rest, value: str) -> None:
    message = rest.get(PATH, {"max_results": value}).error(400, "INVALID_PARAMETER_VALUE")
    assert f"Invalid value \"{value}\" for parameter 'max_results' supplied" in message
    assert rest.get(PATH, {"filter": "name = 'nothing of that name'", "max_results": 200_000}).ok() == {}


def test_page_tokens_that_cannot_be_read(rest: Rest) -> None:
    message = rest.get(PATH, {"page_token": "zzz"}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Invalid page token" in message
