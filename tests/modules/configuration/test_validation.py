"""JSON Schemas of documents: what is refused, and that none of them holds a server up."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import InvalidArgument, MainspringError, TooLarge
from mainspring.modules.configuration import service
from mainspring.modules.configuration.schemas import DocumentUpdate, Environment
from mainspring.modules.configuration.service import Level
from mainspring.modules.configuration.service.patterns import Budget, is_found
from mainspring.modules.configuration.service.validation import check_fits, check_schema

LONGEST_S = 3.0
SCHEMA = {
    "type": "object",
    "properties": {"lr": {"type": "number", "maximum": 1}, "name": {"pattern": "^[a-z]+$"}},
    "required": ["lr"],
}


def put(tx: Connection, level: Level, value: dict[str, Any]) -> None:
    with tx.begin_nested():  # as the writer does: a refused write leaves nothing
        service.set_document(tx, LOCAL, "train", level, DocumentUpdate(value))


def test_what_holds_must_fit_at_every_level(tx: Connection) -> None:
    dev = Level(Environment.DEV)
    service.set_schema(tx, LOCAL, "train", False, SCHEMA)
    put(tx, Level(), {"lr": 0.1})
    put(tx, dev, {"name": "abc"})
    with pytest.raises(InvalidArgument, match=r"train \(dev\).* at '/lr': 'x' is not of type 'number'"):
        put(tx, dev, {"lr": "x"})
    with pytest.raises(InvalidArgument, match=r"'/lr': 2 is greater.* At '/name': '1' does not match"):
        put(tx, dev, {"lr": 2, "name": "1"})
    with pytest.raises(InvalidArgument, match="'lr' is a required property"):
        service.delete_document(tx, LOCAL, "train", Level())


def test_a_schema_must_fit_what_is_there(tx: Connection) -> None:
    put(tx, Level(Environment.DEV), {"lr": "x"})
    with pytest.raises(InvalidArgument, match=r"train \(dev\).*'/lr'"):
        service.set_schema(tx, LOCAL, "train", False, SCHEMA)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "nothing"}, "wrong at '/type'"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "must be https"),
        ({"properties": {"a": {"$ref": "https://example.com/s.json"}}}, "into the schema itself"),
        ({"$ref": "file:///etc/passwd"}, "into the schema itself"),
        ({"$defs": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}}, "at the top alone"),
        ({"patternProperties": {"^a": {}}}, "not offered"),
        ({"default": {"patternProperties": {"(a+)+$": {}}}, "$ref": "#/default"}, "not offered"),
        ({"pattern": "("}, "no regular expression"),
        ({"pattern": r"(a)\1"}, "groupref"),
        ({"pattern": "(?=a)"}, "assert"),
        ({"pattern": "(?i)a"}, "flags"),
        ({"pattern": "a" * 501}, "longer than 500"),
        ({"a": "x" * 40_000}, "at most 32768"),
    ],
)
def test_schemas_that_are_refused(schema: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        check_schema(schema)


def bomb() -> dict[str, Any]:
    """Return a schema that doubles at each of thirty references."""
    return {
        "$ref": "#/$defs/0",
        "$defs": {str(at): {"allOf": [{"$ref": f"#/$defs/{at + 1}"}] * 2} for at in range(30)}
        | {"30": {"type": "object"}},
    }


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 40 + "!"}),
        ({"properties": {"a": {"pattern": "(a|a)*b"}}}, {"a": "a" * 5000}),
        ({"properties": {"a": {"pattern": "((a{0,500}){0,500}){0,500}b"}}}, {"a": "a" * 3000}),
        ({"properties": {"a": {"pattern": ".*.*.*.*.*.*x"}}}, {"a": "a" * 5000}),
        ({"properties": {"a": {"pattern": "((|){999999}){999999}b"}}}, {"a": "a" * 50}),
        (bomb(), {}),
        ({"properties": {"a": {"uniqueItems": True}}}, {"a": [{"k": number} for number in range(9000)]}),
        ({"properties": {"a": {"items": {"enum": list(range(6000))}}}}, {"a": [-1] * 30_000}),
        ({"anyOf": [{"type": "integer"}] * 1500}, {str(number): "x" * 100 for number in range(1000)}),
        ({"properties": {"a": {"items": {"allOf": [{}] * 900}}}}, {"a": [1] * 30_000}),
        ({"$ref": "#"}, {}),
        ({"$ref": "#/nowhere"}, {}),
        (
            {"unevaluatedProperties": False, "allOf": [{"anyOf": [{"properties": {"a": {}}}] * 50}] * 20},
            {"a": 1, "b": 2},
        ),
    ],
)
def test_no_schema_holds_a_server_up(schema: dict[str, Any], value: dict[str, Any]) -> None:
    started = time.process_time()
    with pytest.raises(MainspringError):
        check(schema, value)
    assert time.process_time() - started < LONGEST_S


def check(schema: dict[str, Any], value: dict[str, Any]) -> None:
    check_schema(schema)
    check_fits(value, schema, "it")


def test_a_schema_may_name_its_draft_and_refer_to_itself() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.com/tree",
        "$ref": "#/$defs/node",
        "$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}, "n": {"type": "integer"}}}},
    }
    check_schema(schema)
    check_fits({"n": 1, "next": {"n": 2}}, schema, "it")
    with pytest.raises(InvalidArgument, match="'/next/n'"):
        check_fits({"n": 1, "next": {"n": "x"}}, schema, "it")


def test_a_large_document_is_checked() -> None:
    value = {f"k{number}": {"host": "localhost", "port": number} for number in range(1000)}
    schema = {"additionalProperties": {"required": ["host"], "properties": {"port": {"type": "integer"}}}}
    check_fits(value, schema, "it")


PATTERNS = st.sampled_from(
    [
        "^a*b?$", "a|b", "(ab)+", "[^a]", "a{2,3}", "^(a|b)*c", r"\d+", r"\bab\b", r"\W", "a.c", "(a|ab)(c|bcd)", "",
        "a+?b", "^$", r"[\da-c]", "(?:ab|b){2}", r"\Ba", "x*", "(a*)*b", "[ab]{3}$",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(PATTERNS, st.text("abc1 \n", max_size=8))
def test_patterns_match_as_elsewhere(pattern: str, text: str) -> None:
    expected = re.search(pattern.replace("$", r"\Z"), text, re.ASCII) is not None
    assert is_found(pattern, text, Budget(100_000)) == expected


def test_a_budget_ends() -> None:
    with pytest.raises(TooLarge, match="too long to check"):
        is_found("(a*)*b", "a" * 1000, Budget(1000))
