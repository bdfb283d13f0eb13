"""The language of searches: what a message says, and that no text does harm."""

import contextlib
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mainspring.kit import filters
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.filters import (
    LIST,
    NUMERIC,
    PRESENCE,
    TEXT,
    Clause,
    Entity,
    Field,
    Order,
    Vocabulary,
    parse_filter,
    parse_order_by,
    parse_orders,
)

BOOKS = Vocabulary(
    Entity(
        "attribute",
        ("attribute", "attr"),
        keys={
            "title": Field("string", TEXT | LIST),
            "pages": Field("integer", NUMERIC),
            "edition": Field("digits", NUMERIC),
            "shelf": Field("id", frozenset({"="}) | LIST),
        },
        key_aliases={"Title": "title"},
    ),
    (
        Entity("score", ("score", "scores"), any_key=Field("number", NUMERIC)),
        Entity("tag", ("tag", "tags"), any_key=Field("string", TEXT | PRESENCE)),
    ),
)
BARE = Vocabulary(BOOKS.default, BOOKS.others, bare_values=True)


def clause(text: str, vocabulary: Vocabulary = BOOKS) -> Clause:
    [found] = parse_filter(text, vocabulary)
    return found


@pytest.mark.parametrize("text", [None, ""])
def test_no_text_is_no_clause(text: str | None) -> None:
    assert parse_filter(text, BOOKS) == []


def test_clauses_say_where_they_begin() -> None:
    text = "scores.wit >= .5 and\n tag.`first edition` IS NOT NULL AND Title in ('a', \"b\",)"
    assert parse_filter(text, BOOKS) == [
        Clause("score", "wit", ">=", 0.5, 1),
        Clause("tag", "first edition", "IS NOT NULL", None, 23),
        Clause("attribute", "title", "IN", ("a", "b"), text.index("Title") + 1),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("pages > 300", 300),
        ("pages > 9223372036854775807", 2**63 - 1),
        ("pages > 9223372036854775808", float(2**63)),
        ("pages > -99999999999999999999", -1e20),
        (f"pages < {'9' * 5000}", float("inf")),
        ("edition = '2'", 2),
        ("edition = 2", 2),
        ("shelf = '7'", 7),
        ("shelf IN ('7', '8')", (7, 8)),
        ("scores.wit < 1e999", float("inf")),
        ("title = 'it''s'", "it''s"),
        (r"title = 'C:\dir\'", "C:\\dir\\"),
        (r"title IN ('it\'s', 'C:\\', '\xe9\u00e9')", ("it's", "C:\\", "éé")),
    ],
)
def test_values(text: str, value: object) -> None:
    found = clause(text).value
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(("text", "value"), [("tags.a = 0.10", "0.10"), ("tags.a = x.y", "x.y"), ("tags.a = 'x'", "x")])
def test_bare_values_are_strings_as_written(text: str, value: str) -> None:
    assert clause(text, BARE).value == value


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        (
            "title = 'a' AND colour = 'red'",
            17,
            "Invalid attribute key 'colour' specified. Valid keys are 'title', 'pages'",
        ),
        ("titles.a = 'x'", 1, "Invalid entity type 'titles'. Valid values are 'attribute', 'attr', 'score'"),
        ("tags.a-b = 'x'", 7, "stands in backticks"),
        ("tags.a > 'x'", 8, "Invalid comparator '>' for 'tags.a' not one of ['!=', '=', 'ILIKE'"),
        ("tags.a IN ('x')", 8, "Invalid comparator 'IN'"),
        ("scores.wit = 'x'", 14, "Expected numeric value type for 'scores.wit'"),
        ("pages = 1.5", 9, "Expected a whole number"),
        ("shelf = 'x'", 9, "Expected a quoted whole number"),
        ("shelf IN ('1', 'x')", 10, "Expected a quoted whole number"),
        ("tags.a = x", 10, "Use either single or double quotes"),
        ("tags.a = 'x", 10, "not quoted"),
        ("tags.a =", 9, "Found the end"),
        ("title IN ()", 11, "expected a non-empty list"),
        ("title IN ('a' 5)", 15, "expected ',' or ')'"),
        ("title IN ('a", 11, "no closing quote"),
        ("tags.a = 'x' OR tags.b = 'y'", 14, "joined by AND, there is no OR"),
        ("(tags.a = 'x')", 1, "no OR, NOT or grouping"),
        ("tags.a = 'x'; tags.b = 'y'", 13, "Search filter contained multiple expression"),
        ("  ", 3, "Could not be parsed"),
    ],
)
def test_a_refusal_says_where_and_why(text: str, column: int, reason: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        parse_filter(text, BOOKS)
    assert f"at column {column}:" in refusal.value.message
    assert reason in refusal.value.message
    assert refusal.value.field == "filter"


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("title", Order("attribute", "title", True)),
        ("attr.Title desc", Order("attribute", "title", False)),
        ("scores.`my wit`\tASC", Order("score", "my wit", True)),
        ("`scores.wit` DESC", Order("score", "wit", False)),
        ("scores.10 DESC", Order("score", "10", False)),
    ],
)
def test_orders(text: str, order: Order) -> None:
    assert parse_order_by(text, BOOKS) == order


@pytest.mark.parametrize(
    "text", ["", " title", "title ", "title up", "title, pages", "colour", "tags.a DESC;", "title desc x"]
)
def test_orders_that_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_order_by(text, BOOKS)


def test_a_sort_key_may_be_named_once() -> None:
    with pytest.raises(InvalidArgument, match="duplicate"):
        parse_orders(["title", "pages", "Title DESC"], BOOKS)
    assert parse_orders(["title", "Title DESC"], BOOKS, unique=False) == [Order("attribute", "title", True)]


def test_limits() -> None:
    for text in (
        "tags.a = 'x' AND " * (filters.MAX_CLAUSES + 1),
        f"title IN ({'1,' * filters.MAX_LISTED}'x')".replace("1", "'x'"),
        f"tags.a = '{'x' * filters.MAX_LENGTH}'",
    ):
        with pytest.raises(InvalidArgument):
            parse_filter(text, BOOKS)
    with pytest.raises(InvalidArgument):
        parse_orders([f"tags.k{n}" for n in range(filters.MAX_ORDERS + 1)], BOOKS)


@pytest.mark.parametrize(
    "part",
    [
        "'",
        '"',
        "`",
        "''",
        "\\'",
        "a.",
        ". ",
        "\\",
        "(",
        "1",
        "1e",
        "-",
        "tags.a ",
        " ",
        "AND ",
        "<",
        "'a' ",
        "tags.a='x' ",
    ],
)
@pytest.mark.parametrize("start", ["", "tags.a = ", "title IN (", "title IN ('", "scores.a > ", "tags."])
def test_time_is_linear(start: str, part: str) -> None:
    text = (start + part * filters.MAX_LENGTH)[: filters.MAX_LENGTH]
    began = time.process_time()
    for parse in (parse_filter, parse_order_by):
        try:
            parse(text, BOOKS)
        except InvalidArgument:
            continue
    assert time.process_time() - began < 5  # Some milliseconds where it is linear, minutes where it is not.


@given(st.text(max_size=60) | st.text(alphabet="tagscoreitlIN='\"`.()<>,;\\ \n\0019e-AND", max_size=60))
@example("\ud800")
@example("tags.a = '\0'")
@example(r"title IN ('\x00')")
@example(r"title IN ('\ud800')")
@settings(max_examples=500, derandomize=True, deadline=None)
def test_no_text_raises_anything_else(text: str) -> None:
    for vocabulary in (BOOKS, BARE):
        for parse in (parse_filter, parse_order_by):
            with contextlib.suppress(InvalidArgument):
                parse(text, vocabulary)


def test_a_refusal_is_short() -> None:
    with pytest.raises(InvalidArgument) as refusal:
        parse_filter(f"tags.{'a' * 10_000}.b-c = 'x'", BOOKS)
    assert len(refusal.value.message) < 700
