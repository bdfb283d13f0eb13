"""Searches of models and versions: what MLflow's own server answered to the same questions."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, update

from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import InvalidArgument
from mainspring.modules.registry import service
from mainspring.modules.registry.schemas import (
    PROMPT_TAG,
    ModelVersionCreate,
    RegisteredModelCreate,
    RegistrySearch,
)
from mainspring.modules.registry.tables import model_versions, registered_models

pytestmark = pytest.mark.usefixtures("filled")

ALL = ["A", "C%", "a", "b", "c_x", "np"]
VERSIONS = ["A1", "b2", "b1", "a3", "a2", "a1"]


@pytest.fixture
def filled(tx: Connection) -> None:
    """Models ``b A a C% c_x`` in this order, a prompt, a model that says it is none, and versions."""
    for name in ("b", "A", "a", "C%"):
        service.create_registered_model(
            tx, LOCAL, RegisteredModelCreate(name, tags={"t": name.upper(), "u": "1", "key with space": "1"})
        )
    service.create_registered_model(tx, LOCAL, RegisteredModelCreate("c_x"))
    service.create_registered_model(tx, LOCAL, RegisteredModelCreate("p", tags={PROMPT_TAG: "true"}))
    service.create_registered_model(tx, LOCAL, RegisteredModelCreate("np", tags={PROMPT_TAG: "false"}))
    for name, count in (("a", 3), ("b", 2), ("A", 1)):
        for number in range(count):
            new = ModelVersionCreate(f"s3://b/{name}{number}", run_id=f"r{number}", tags={"t": str(number)})
            service.create_model_version(tx, LOCAL, name, new)
    prompt = ModelVersionCreate("dummy-source", tags={PROMPT_TAG: "true"})
    service.create_model_version(tx, LOCAL, "p", prompt)
    # Times that tell them apart: rows are numbered in the order in which they were made.
    tx.execute(update(model_versions).values(created_at=model_versions.c.id, updated_at=model_versions.c.id))
    tx.execute(update(registered_models).values(updated_at=registered_models.c.id))


def models(tx: Connection, filter: str = "", order_by: list[str] | None = None) -> list[str]:
    page = service.search_registered_models(tx, LOCAL, RegistrySearch(filter, 100, order_by or []))
    return [model.name for model in page.items]


def versions(tx: Connection, filter: str = "", order_by: list[str] | None = None) -> list[str]:
    page = service.search_model_versions(tx, LOCAL, RegistrySearch(filter, 100, order_by or []))
    return [f"{version.name}{version.version}" for version in page.items]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("", ALL),
        ("name = 'a'", ["a"]),
        ("name = ''", []),
        ("name like 'a%'", ["a"]),
        ("name ilike 'A%'", ["A", "a"]),
        ("name LIKE '_'", ["A", "a", "b"]),
        (r"name LIKE 'C\%'", []),
        ("name != 'a'", ["A", "C%", "b", "c_x", "np"]),
        ("name IN ('a','b')", ["a", "b"]),
        ("name NOT IN ('a')", ["A", "C%", "b", "c_x", "np"]),
        ('attribute.name = "a"', ["a"]),
        ("tags.t = 'A'", ["A", "a"]),
        ("tag.t != 'A'", ["C%", "b"]),
        ("tags.t = 'A' AND tags.u = '1' and name = 'a'", ["a"]),
        ("tags.t = 'A' AND tags.t = 'B'", []),
        ("tags.t LIKE 'C%'", ["C%"]),
        ("tags.t ILIKE 'c%'", ["C%"]),
        ("tags.`key with space` = '1'", ["A", "C%", "a", "b"]),
        ("tags.mlflow.prompt.is_prompt = 'true'", ["p"]),
        ("tags.`mlflow.prompt.is_prompt` != 'false'", ["p"]),
        ("tags.`mlflow.prompt.is_prompt` = 'TRUE'", []),
        ("tags.`mlflow.prompt.is_prompt` = 'false'", ALL),
        ("tags.`mlflow.prompt.is_prompt` != 'true'", ALL),
        ("tags.`mlflow.prompt.is_prompt` LIKE 't%'", ALL),
        ("tags.`mlflow.prompt.is_prompt` = 'true' AND name = 'p'", ["p"]),
        ("tags.`mlflow.prompt.is_prompt` = 'true' AND name = 'a'", []),
    ],
)
def test_models(tx: Connection, filter: str, found: list[str]) -> None:
    assert models(tx, filter) == found


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (["name DESC"], ALL[::-1]),
        (["timestamp"], ["b", "A", "a", "C%", "c_x", "np"]),
        (["last_updated_timestamp DESC", "name"], ["np", "c_x", "C%", "a", "A", "b"]),
        (["`name` DESC"], ALL[::-1]),
    ],
)
def test_order_of_models(tx: Connection, order: list[str], found: list[str]) -> None:
    assert models(tx, order_by=order) == found


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("", VERSIONS),
        ("name = 'a'", ["a3", "a2", "a1"]),
        ("run_id = 'r1'", ["b2", "a2"]),
        ("run_id IN ('r1','r2')", ["b2", "a3", "a2"]),
        ("run_id NOT IN ('r1')", ["A1", "b1", "a3", "a1"]),
        ("run_id ILIKE 'R0'", ["A1", "b1", "a1"]),
        ("run_id = ''", []),
        ("source_path = 's3://b/a0'", ["a1"]),
        ("source_path LIKE 's3://b/a%'", ["a3", "a2", "a1"]),
        ("version_number >= 2 AND name = 'a'", ["a3", "a2"]),
        ("version_number != 1", ["b2", "a3", "a2"]),
        ("version_number = '1'", ["A1", "b1", "a1"]),
        ("version_number = -1", []),
        ("version_number < 99999999999999999999", VERSIONS),
        ("version_number > 2147483647", []),
        ("tags.t = '1' AND name = 'a'", ["a2"]),
        ("tags.t != '1'", ["A1", "b1", "a3", "a1"]),
        ("tags.`mlflow.prompt.is_prompt` = 'true'", ["p1"]),
        ("tags.`mlflow.prompt.is_prompt` = 'false'", VERSIONS),
    ],
)
def test_versions(tx: Connection, filter: str, found: list[str]) -> None:
    assert versions(tx, filter) == found


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (["name DESC"], ["b2", "b1", "a3", "a2", "a1", "A1"]),
        (["version_number"], ["A1", "a1", "b1", "a2", "b2", "a3"]),
        (["creation_timestamp"], ["a1", "a2", "a3", "b1", "b2", "A1"]),
        (["attribute.name"], ["A1", "a3", "a2", "a1", "b2", "b1"]),
    ],
)
def test_order_of_versions(tx: Connection, order: list[str], found: list[str]) -> None:
    assert versions(tx, order_by=order) == found


def test_versions_of_one_model(tx: Connection) -> None:
    for name, found in (("b", [2, 1]), ("p", [1]), ("c_x", [])):
        page = service.search_model_versions(tx, LOCAL, RegistrySearch(), name)
        assert [version.version for version in page.items] == found


@pytest.mark.parametrize(
    "filter",
    [
        "name > 'a'",
        "name = 1",
        "foo = 'a'",
        "attr.name = 'a'",
        "tags.t = 1",
        "tags.t IN ('A')",
        "tags.t IS NULL",
        "name = 'a' OR name = 'b'",
        "(name = 'a')",
        "name",
        "name IN ()",
        " ",
    ],
)
def test_filters_that_are_refused(tx: Connection, filter: str) -> None:
    for search in (models, versions):
        with pytest.raises(InvalidArgument):
            search(tx, filter)


@pytest.mark.parametrize(
    "filter", ["version_number = 1.5", "version_number = 'x'", "source_path IN ('x')", "stage = 'x'"]
)
def test_filters_of_versions_that_are_refused(tx: Connection, filter: str) -> None:
    with pytest.raises(InvalidArgument):
        versions(tx, filter)


@pytest.mark.parametrize("order", ["foo", "name sideways", "", "name, timestamp", "tags.t"])
def test_orders_that_are_refused(tx: Connection, order: str) -> None:
    for search in (models, versions):
        with pytest.raises(InvalidArgument):
            search(tx, order_by=[order])


def test_pages_hold_everything_once(tx: Connection) -> None:
    found: list[str] = []
    token: str | None = None
    while True:
        page = service.search_model_versions(tx, LOCAL, RegistrySearch("", 4, [], token))
        found += [f"{version.name}{version.version}" for version in page.items]
        token = page.next_page_token
        if token is None:
            break
        assert len(page.items) == 4
    assert found == VERSIONS


@pytest.mark.parametrize("size", [0, -1, 200_001])
def test_sizes_of_a_page(tx: Connection, size: int) -> None:
    with pytest.raises(InvalidArgument, match="max_results"):
        service.search_model_versions(tx, LOCAL, RegistrySearch("", size))
