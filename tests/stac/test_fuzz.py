"""Whatever is sent, the API answers, and never by a failure of its own."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.stac.conftest import Catalog

SETTINGS = hypothesis.settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(["..", "/", "''", "(", "level", "datetime", "-level", "a,b", "1"])
)
NUMBERS = st.one_of(st.integers(-200, 200), st.floats(allow_nan=False, allow_infinity=False), st.just(10**30))
JSONS = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
PROPERTIES = st.builds(
    lambda name: {"property": name}, st.sampled_from(["level", "title", "datetime", "geometry", "id", "x"])
)
LITERALS = st.one_of(
    st.booleans(),
    NUMBERS,
    TEXTS,
    st.sampled_from([{"timestamp": "2024-01-01T00:00:00Z"}, {"date": "2024-01-01"}, {"bbox": [0, 0, 1, 1]}]),
    st.just({"interval": ["..", "2024-01-01"]}),
    st.just({"type": "Point", "coordinates": [0, 0]}),
)
OPERATORS = st.sampled_from(
    ["=", "<>", "<", ">=", "like", "in", "between", "isNull", "casei", "s_intersects", "s_within", "t_after",
     "t_during", "a_contains", "a_equals", "+", "levitate"]
)  # fmt: skip
OPERANDS = st.one_of(PROPERTIES, LITERALS, st.lists(LITERALS, max_size=3))
CONDITIONS = st.recursive(
    st.builds(lambda op, args: {"op": op, "args": args}, OPERATORS, st.lists(OPERANDS, max_size=3)),
    lambda inner: st.builds(
        lambda op, args: {"op": op, "args": args}, st.sampled_from(["and", "or", "not"]), st.lists(inner, max_size=3)
    ),
    max_leaves=6,
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "ids": st.one_of(st.lists(TEXTS, max_size=3), JSONS),
        "collections": st.one_of(st.lists(TEXTS, max_size=3), JSONS),
        "bbox": st.one_of(st.lists(NUMBERS, min_size=4, max_size=6), JSONS),
        "datetime": st.one_of(TEXTS, JSONS),
        "intersects": JSONS,
        "q": st.one_of(st.lists(TEXTS, max_size=3), JSONS),
        "query": st.one_of(st.dictionaries(TEXTS, st.dictionaries(TEXTS, JSONS, max_size=2), max_size=2), JSONS),
        "filter": st.one_of(CONDITIONS, JSONS),
        "filter-lang": st.sampled_from(["cql2-json", "cql2-text", "x"]),
        "sortby": st.one_of(st.lists(st.fixed_dictionaries({"field": TEXTS}), max_size=3), JSONS),
        "fields": JSONS,
        "limit": st.one_of(st.integers(-5, 5), JSONS),
        "token": st.one_of(TEXTS, JSONS),
    },
)


@SETTINGS
@given(body=BODIES)
def test_any_search_is_answered(catalog: Catalog, body: dict[str, Any]) -> None:
    answer = catalog.client("bob").post("/search", json=body)
    assert answer.status_code in (200, 400), answer.text


@SETTINGS
@given(condition=CONDITIONS)
def test_any_filter_is_answered(catalog: Catalog, condition: dict[str, Any]) -> None:
    answer = catalog.client("bob").post("/search", json={"filter": condition, "limit": 1})
    assert answer.status_code in (200, 400), answer.text


PIECES = st.sampled_from([*"()'\"=<>-,%_ ", "AND", "NOT ", "x", "1"])


@SETTINGS
@given(text=st.one_of(TEXTS, st.lists(PIECES, max_size=30).map("".join)))
def test_any_text_of_a_filter_is_answered(catalog: Catalog, text: str) -> None:
    answer = catalog.client("bob").get("/search", params={"filter": text, "limit": "1"})
    assert answer.status_code in (200, 400), answer.text


@pytest.mark.slow
def test_what_the_api_tells_of_itself_holds(catalog: Catalog) -> None:
    client = catalog.client("bob")
    schema = schemathesis.openapi.from_dict(client.get("/api").json())
    token = catalog.server.tokens["bob"]
    for result in schema.get_all_operations():
        operation = result.ok()
        if "201" in operation.definition.raw["responses"] or operation.method not in ("get", "post"):
            continue  # what writes is tried where nobody else looks, in test_transactions.py

        @SETTINGS
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            answer = case.call(base_url=f"{catalog.url}/api/stac", headers={"authorization": f"Bearer {token}"})
            assert answer.status_code in (200, 400, 404, 413), (answer.status_code, answer.text)

        ask()
