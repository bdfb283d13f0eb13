"""The grammar of filters and orders against MLflow's own parsers: the same meaning, or both refuse."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.utils.search_utils import SearchExperimentsUtils, SearchUtils

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.filters import parse_filter, parse_order_by
from mainspring.modules.tracking.search.experiments import FILTERS as EXPERIMENT_FILTERS
from mainspring.modules.tracking.search.runs import FILTERS as RUN_FILTERS
from mainspring.modules.tracking.search.runs import ORDERS as RUN_ORDERS

REFUSED = "refused"

quick = settings(max_examples=400, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
thorough = settings(quick, max_examples=5_000)


def theirs(text: str) -> Any:
    """What MLflow's store for runs makes of a filter: it checks comparators after it has parsed."""
    try:
        clauses = []
        for parsed in SearchUtils.parse_search_filter(text):
            entity, comparator, value = parsed["type"], parsed["comparator"].upper(), parsed["value"]
            key = SearchUtils.translate_key_alias(parsed["key"])
            for check in (SearchUtils.is_metric, SearchUtils.is_param, SearchUtils.is_tag, SearchUtils.is_dataset):
                check(entity, comparator)
            SearchUtils.is_attribute(entity, key, comparator)
            if isinstance(value, tuple) != (comparator in ("IN", "NOT IN")):
                return REFUSED  # The database refuses it.
            clauses.append((entity, key, comparator, float(value) if entity == "metric" else value))
        return clauses
    except (MlflowException, ValueError):
        return REFUSED


def ours(text: str) -> Any:
    try:
        return [
            (clause.entity, clause.key, clause.comparator, clause.value) for clause in parse_filter(text, RUN_FILTERS)
        ]
    except InvalidArgument:
        return REFUSED


def their_order(text: str) -> Any:
    try:
        entity, key, ascending = SearchUtils.parse_order_by_for_search_runs(text)
    except (MlflowException, ValueError):
        return REFUSED
    return REFUSED if entity == "dataset" else (entity, SearchUtils.translate_key_alias(key), ascending)


def our_order(text: str) -> Any:
    try:
        order = parse_order_by(text, RUN_ORDERS)
    except InvalidArgument:
        return REFUSED
    return (order.entity, order.key, order.ascending)


NAMES = [
    *("metrics.a", "metric.b", "params.a", "parameter.b", "tags.a", "tag.`x y`", 'params."x y"', "params.'x y'"),
    *("metrics.`a``b`", "tags.a.b.c", "tags.mlflow.user", "`metrics`.a", "`metrics.a`", '"metrics.a"', '"metrics".a'),
    *("status", "`status`", '"status"', "'status'", "run_id", "attributes.run_id", "attr.run_name", "`run name`"),
    *("run name", "created", "Created", "start_time", "end_time", "dataset.name", "datasets.digest", "dataset.foo"),
    *(
        "metrics._a",
        "metrics._a$b",
        "metrics.1a",
        "metrics.10k",
        "metrics.1",
        "metrics.1e5",
        "metrics.0xf",
        "metrics.é",
    ),
    *("metrics.from", "metrics.in", "metrics.select", "params.like", "params.end", "params.as_is", "params.a-b", "foo"),
    *(
        "metrics.a/b",
        "metrics.a:b",
        "metrics.a$b",
        "metrics.a#b",
        "tags.",
        "tags.a..b",
        ".a",
        "metrics.a_b",
        "metrics .a",
    ),
    *("METRICS.a", "Metrics.a", "foo.a", "experiment_id", "lifecycle_stage", "params.``", "metrics.timestamp", "name"),
]
COMPARATORS = [
    *("=", "!=", "<", "<=", ">", ">=", "==", "<>", "=>", "!==", "~", "LIKE", "like", "ILike", "NOT LIKE", "RLIKE"),
    *("IN", "in", "NOT IN", "not   in", "IS NULL", "is null", "IS NOT NULL", "Is\nNot Null", "IS", "NOT", ""),
]
VALUES = [
    *("1", "-1", "1.5", ".5", "-.5", "1.", "1e5", "1E-5", "1.5e3", "1e+5", "0x1", "+1", "- 1", "--1", "1_000", "1a"),
    *("1.2.3", "inf", "NULL", "true", "x", "`x`", "'x'", '"x"', "''", '""', "'it''s'", r"'it\'s'", r"'\\'", r"'a\'"),
    *("'a\nb'", '"a""b"', r'"a\"b"', "'x", "x'", "('a')", "('a', 'b')", "('a','b',)", "('a' 'b')", "()", "(,)", "(1)"),
    *("('a', 1)", "(a)", "('a'", "'a')", "params.a", "('it''s')", r"('it\'s')", '("a")', "('a' AND 'b')", "%", ""),
]
JOINS = [" AND ", " and ", "\nAnD\t", " OR ", "; ", " AND AND ", ","]

clauses = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(NAMES),
    st.sampled_from([" ", "  ", "\t", ""]),
    st.sampled_from(COMPARATORS),
    st.sampled_from([" ", "\n", ""]),
    st.sampled_from(VALUES),
)
filters = st.one_of(
    clauses,
    st.builds(lambda parts, join: join.join(parts), st.lists(clauses, min_size=1, max_size=3), st.sampled_from(JOINS)),
    st.builds(" ".join, st.lists(st.sampled_from([*NAMES, *COMPARATORS[:16], *VALUES, "AND"]), max_size=7)),
)
quotes = st.builds(
    "{} {} {}".format,
    st.sampled_from(["params.a", "tags.`x y`", "status", "run_id"]),
    st.sampled_from(["=", "!=", "LIKE", "IN"]),
    st.one_of(
        st.sampled_from(VALUES),
        st.text(alphabet="ab'\"\\`,() ", max_size=8).map(lambda text: f"'{text}'"),
        st.text(alphabet="ab\\, ", max_size=8).map(lambda text: f"('{text}')"),
    ),
)
orders = st.builds(
    "{}{}".format,
    st.sampled_from([name for name in NAMES if "``b" not in name]),
    st.sampled_from(["", " ASC", " desc", "\nDESC", " DESC ", " ", " foo", " ASC NULLS FIRST", ",metrics.b", ";"]),
)


# A sort key that MLflow's reading of SQL refuses for no reason that a user could see.
KINDER_ORDER = re.compile(r"""(["`])metrics\1?\.a\1?|metrics\.(?:in|from|\d\w*)(?:\s+(?:asc|desc))?""", re.IGNORECASE)

# Filters that mean something else here, by choice.
OTHERWISE = [
    # MLflow fails with a server error where a list has a call or an operation.
    ("run_id IN (foo())", REFUSED),
    ("run_id IN ('a' * 2)", REFUSED),
    # SQL's own readings of what is not a comparison at all.
    ('params.a = "x" "y"', REFUSED),
    ("metrics.f(x) > 1", REFUSED),
    ("metrics.* > 1", REFUSED),
    ("params.a metrics.b IS NULL", REFUSED),
    ("run_id IN ((('a')))", REFUSED),
    # A space behind a dot belongs to the key there, and finds nothing.
    ("metrics. a > 1", REFUSED),
    # Three quotes open a string in Python; here they are an empty string and the beginning of another.
    ("run_id IN ('''')", [("attribute", "run_id", "IN", ("",))]),
    # Any space will do between the words of IS NOT NULL.
    ("params.a IS NOT  NULL", [("parameter", "a", "IS NOT NULL", None)]),
    # AND may be left out before every clause, not only before some.
    ("params.a = 'x' tags.b IS NULL", [("parameter", "a", "=", "x"), ("tag", "b", "IS NULL", None)]),
    # A number that no 64 bits hold is compared as a float; MLflow fails with a server error.
    ("start_time > 99999999999999999999", [("attribute", "start_time", ">", 1e20)]),
    # What no database can store.
    ("params.a = 'x\0'", REFUSED),
    ("params.a = '\ud800'", REFUSED),
    (r"run_id IN ('\ud800')", REFUSED),
]


@given(text=filters)
@quick
def test_filters(text: str) -> None:
    assert ours(text) == theirs(text)


@pytest.mark.slow
@given(text=filters)
@thorough
def test_many_filters(text: str) -> None:
    assert ours(text) == theirs(text)


@pytest.mark.parametrize("text", ["status='x' params.a='y'", "status='x'params.a='y'", "AND status='x' AND", "and"])
def test_and_may_be_left_out_or_too_much(text: str) -> None:
    assert ours(text) == theirs(text) != REFUSED


@given(text=quotes)
@quick
def test_quotes(text: str) -> None:
    assert ours(text) == theirs(text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("comparison", ["= 'x'", "> 1", "IN ('a', 'b')", "IS NULL", "like '%'"])
def test_names(name: str, comparison: str) -> None:
    assert ours(f"{name} {comparison}") == theirs(f"{name} {comparison}")


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    "comparison", ["params.a = ", "metrics.a>", "start_time !=", "run_id IN ", "dataset.name not in"]
)
def test_values(comparison: str, value: str) -> None:
    text = f"{comparison}{value}"
    assert ours(text) == theirs(text)
    assert ours(f"{text} and status='x'") == theirs(f"{text} and status='x'")


@pytest.mark.parametrize(("text", "meaning"), OTHERWISE)
def test_what_is_read_otherwise_by_choice(text: str, meaning: Any) -> None:
    assert ours(text) == meaning
    assert theirs(text) != meaning or meaning == REFUSED or "9" in text


@given(text=orders)
@quick
def test_orders(text: str) -> None:
    if KINDER_ORDER.fullmatch(text):
        assert our_order(text) != REFUSED
    else:
        assert our_order(text) == their_order(text)


EXPERIMENT_TEXTS = [
    *("name = 'x'", "`name` = 'x'", "attribute.name = 'x'", "attributes.name = 'x'", "name IS NULL", "foo = 'x'"),
    *("tags.a = 'x'", "tag.`a b` ILIKE 'x'", "tags.a is not null", "tags.a IN ('x')", "name IN ('x')", "name > 'x'"),
    *("creation_time > 1", "creation_time > '1'", "last_update_time <= -5", "metrics.a > 1", "params.a = 'x'"),
]


@pytest.mark.parametrize("text", EXPERIMENT_TEXTS)
def test_filters_of_experiments(text: str) -> None:
    try:
        parsed = SearchExperimentsUtils.parse_search_filter(text)
        expected: Any = [(one["type"], one["key"], one["comparator"].upper(), one["value"]) for one in parsed]
        if any(one["type"] == "attribute" and one["key"] == "name" and one["comparator"] == ">" for one in parsed):
            expected = REFUSED  # The store checks comparators after it has parsed.
    except MlflowException:
        expected = REFUSED
    try:
        clauses = parse_filter(text, EXPERIMENT_FILTERS)
        found: Any = [(clause.entity, clause.key, clause.comparator, clause.value) for clause in clauses]
    except InvalidArgument:
        found = REFUSED
    assert found == expected


@pytest.mark.parametrize("comparator", ["like", "iLike"])
def test_comparators_of_experiments_are_in_any_case(comparator: str) -> None:
    """MLflow's own search of experiments takes LIKE in capitals only, unlike its other searches."""
    assert parse_filter(f"name {comparator} 'x'", EXPERIMENT_FILTERS)[0].comparator == comparator.upper()
