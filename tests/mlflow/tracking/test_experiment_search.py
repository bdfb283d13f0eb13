"""Search of experiments: order, view types, filters and pages."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest, wrong_type
from tests.mlflow.tracking.conftest import OFFSET_2, OFFSET_3


class Family:
    """Experiments b, a, C and d, created in this order; then a is renamed A2 and d deleted; each but d has a tag."""

    def __init__(self, rest: Rest, prefix: str) -> None:
        self.rest = rest
        self.prefix = prefix
        self.ids: dict[str, str] = {}
        for name in ("b", "a", "C", "d"):
            tags = [] if name == "d" else [{"key": f"tag-{prefix}", "value": name}]
            body = {"name": f"{prefix}/{name}", "tags": tags}
            self.ids[name] = rest.post("experiments/create", body).ok()["experiment_id"]
            time.sleep(0.003)
        rest.post("experiments/update", {"experiment_id": self.ids["a"], "new_name": f"{prefix}/A2"}).ok()
        rest.post("experiments/delete", {"experiment_id": self.ids["d"]}).ok()

    def search(self, **query: Any) -> Any:
        query = {"max_results": 10, "filter": f"name LIKE '{self.prefix}/%'", **query}
        query["filter"] = query["filter"].replace("$", self.prefix)
        return self.rest.post("experiments/search", query)

    def names(self, **query: Any) -> str:
        found = self.search(**query).ok()
        return " ".join(experiment["name"].split("/")[1] for experiment in found.get("experiments", []))


@pytest.fixture(scope="module")
def family(rest: Rest) -> Family:
    return Family(rest, f"f{time.time_ns()}")


def test_bodies(rest: Rest, family: Family) -> None:
    found = family.search(filter="name = '$/b'").ok()
    one = rest.get("experiments/get", {"experiment_id": family.ids["b"]}).ok()["experiment"]
    assert found == {"experiments": [one]}
    assert family.search(filter="name = '$/none'").ok() == {}


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ([], "C A2 b"),
        (["name"], "A2 C b"),
        (["name DESC"], "b C A2"),
        (["name desc"], "b C A2"),
        (["attribute.name ASC"], "A2 C b"),
        (["creation_time"], "b A2 C"),
        (["creation_time ASC"], "b A2 C"),
        (["last_update_time DESC"], "A2 C b"),
        (["experiment_id"], "b A2 C"),
        (["experiment_id DESC"], "C A2 b"),
        (["name", "creation_time"], "A2 C b"),
        (["name", "name"], "A2 C b"),
    ],
)
def test_order(family: Family, order_by: list[str], expected: str) -> None:
    assert family.names(order_by=order_by) == expected


@pytest.mark.parametrize(
    ("order_by", "offender"),
    [
        ("attributes.name", "attributes"),
        ("tags.x", "tag"),
        ("name FOO", "FOO"),
        ("name, experiment_id", "name, experiment_id"),
        ("lifecycle_stage", "lifecycle_stage"),
        ("", "''"),
    ],
)
def test_order_refused(family: Family, order_by: str, offender: str) -> None:
    family.search(order_by=[order_by]).invalid(offender)


@pytest.mark.parametrize(
    ("view_type", "expected"),
    [
        ("ACTIVE_ONLY", "C A2 b"),
        ("DELETED_ONLY", "d"),
        ("ALL", "d C A2 b"),
        (1, "C A2 b"),
        (2, "d"),
        ("3", "d C A2 b"),
    ],
)
def test_view_types(family: Family, view_type: Any, expected: str) -> None:
    assert family.names(view_type=view_type) == expected


@pytest.mark.parametrize(
    ("filter_string", "expected"),
    [
        ("name = '$/b'", "b"),
        ('name = "$/b"', "b"),
        ("attribute.name = '$/b'", "b"),
        ("name != '$/b' AND name LIKE '$/%'", "C A2"),
        ("name LIKE '$/c'", ""),
        ("name ILIKE '$/c'", "C"),
        ("name ILIKE '$/a_'", "A2"),
        ("name LIKE '$/b' AND", "b"),
        ("tags.`tag-$` = 'b'", "b"),
        ("tag.`tag-$` = 'b'", "b"),
        ("tags.\"tag-$\" = 'b'", "b"),
        ("tags.`tag-$` != 'b'", "C A2"),
        ("tags.`tag-$` LIKE '%'", "C A2 b"),
        ("tags.`tag-$` ILIKE 'c'", "C"),
        ("tags.`tag-$` LIKE 'c'", ""),
        ("tags.`tag-$` IS NOT NULL", "C A2 b"),
        ("tags.`tag-$` is null AND name LIKE '$/%'", ""),
        ("tags.`other` IS NULL AND name LIKE '$/%'", "C A2 b"),
        ("creation_time > 0 AND name = '$/b'", "b"),
        ("last_update_time <= 5 AND name = '$/b'", ""),
    ],
)
def test_filters(family: Family, filter_string: str, expected: str) -> None:
    assert family.names(filter=filter_string) == expected


def test_filter_by_id(family: Family) -> None:
    b, c = family.ids["b"], family.ids["C"]
    assert family.names(filter=f"experiment_id = '{b}'") == "b"
    assert family.names(filter=f"experiment_id IN ('{b}', '{c}')") == "C b"
    assert family.names(filter=f"experiment_id NOT IN ('{b}') AND name LIKE '$/%'") == "C A2"


@pytest.mark.parametrize(
    ("filter_string", "offender"),
    [
        ("foo = 'a'", "foo"),
        ("attributes.name = 'a'", "attributes"),
        ("params.x = '1'", "params"),
        ("name > 'a'", ">"),
        ("name = 5", "5"),
        ("experiment_id = 5", "5"),
        ("name = a", "a"),
        ("name IN ('a')", ""),
        ("name IS NULL", "name"),
        ("tags.x > 'a'", ">"),
        ("creation_time > '5'", "creation_time"),
        ("name = 'a' OR name = 'b'", "OR"),
        ("name = 'a", ""),
        ("=", "="),
    ],
)
def test_filters_refused(family: Family, filter_string: str, offender: str) -> None:
    family.search(filter=filter_string).invalid(offender)


def test_pages(family: Family) -> None:
    first = family.search(max_results=2).ok()
    assert len(first["experiments"]) == 2
    assert first["next_page_token"] == OFFSET_2
    assert "next_page_token" not in family.search(max_results=2, page_token=OFFSET_2).ok()
    assert family.names(max_results=2, page_token=OFFSET_2) == "b"
    assert "next_page_token" not in family.search(max_results=3).ok()
    assert family.search(max_results=3, page_token=OFFSET_3).ok() == {}
    assert family.names(max_results="2", page_token="") == "C A2"


@pytest.mark.parametrize("token", ["xx", "bm90IGpzb24=", "e30=", "eyJvZmZzZXQiOiAiYSJ9"])
def test_page_tokens_refused(family: Family, token: str) -> None:
    family.search(page_token=token).invalid("Invalid page token")


@pytest.mark.parametrize("count", [0, -1])
def test_page_size_must_be_positive(family: Family, count: int) -> None:
    message = f"Invalid value {count} for parameter 'max_results' supplied"
    family.search(max_results=count).invalid(message)


def test_page_size_bounds(rest: Rest, family: Family) -> None:
    answer = family.search(max_results=50001)
    answer.invalid("Invalid value 50001 for parameter 'max_results' supplied")
    assert family.names(max_results=50000) == "C A2 b"
    answer = rest.post("experiments/search", {})
    answer.invalid("Invalid value 0 for parameter 'max_results' supplied")
    family.search(max_results="x").invalid(wrong_type("max_results", '"x"'))


def test_get_takes_the_same_query(rest: Rest, family: Family) -> None:
    query = {
        "max_results": 2,
        "view_type": "ALL",
        "filter": f"name LIKE '{family.prefix}/%'",
        "order_by": ["name DESC", "creation_time"],
    }
    found = rest.get("experiments/search", query).ok()
    assert [experiment["name"].split("/")[1] for experiment in found["experiments"]] == ["d", "b"]
    assert found["next_page_token"] == OFFSET_2


@differs("removed in 2.0; clients of 1.x ask for it")
@pytest.mark.parametrize("view_type", ["ACTIVE_ONLY", "ALL"])
def test_list_of_older_clients(rest: Rest, family: Family, view_type: str) -> None:
    found = rest.get("experiments/list", {"view_type": view_type}).ok()["experiments"]
    assert ({experiment["experiment_id"] for experiment in found} >= set(family.ids.values())) == (view_type == "ALL")
