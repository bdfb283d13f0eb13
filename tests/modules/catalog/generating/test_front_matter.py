"""What is read out of front matter, what is not, and what is said about it."""

from __future__ import annotations

from typing import Any

import pytest

from mainspring.modules.catalog.service.generating import front_matter
from mainspring.modules.catalog.service.generating.reporting import Report
from mainspring.modules.catalog.service.generating.texts import clean


def read(text: str) -> tuple[dict[str, Any], list[tuple[str, str]], str]:
    report = Report()
    front, body = front_matter.read(text, report)
    return front, [(warning.code, warning.field) for warning in report.warnings], body


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10", 10),
        ("-1_000", -1000),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("1.17.0", "1.17.0"),
        ("'10'", "10"),
        ("0123", "0123"),
        ("12:30:00", "12:30:00"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("yes", True),
        ("off", False),
        ("~", None),
        ("", None),
        ("!!str 10", "10"),
        ("!!int 10", 10),
        ("{b: [1, {c: d}]}", {"b": [1, {"c": "d"}]}),
        ('"a\\0b\\x1b\\u202e"', "ab"),
        ("|\n  two\n  lines", "two\nlines"),
    ],
)
def test_scalars_are_what_people_mean(text: str, value: object) -> None:
    front, warnings, _ = read(f"---\na: {text}\n---\n")
    assert front == {"a": value}
    assert warnings == []


@pytest.mark.parametrize(
    "text",
    [".nan", "-.inf", "1e999", "99999999999999999999", "!!python/object:os.system x", "!x [1]", "!!binary aGk=", "*b"],
)
def test_what_json_has_not_costs_that_value_alone(text: str) -> None:
    front, warnings, _ = read(f"---\nb: &b 1\na: {text}\nc: {{d: {text}, e: 2}}\n---\n")
    assert front == {"b": 1, "c": {"e": 2}}
    assert warnings == [("value_unsupported", "a"), ("value_unsupported", "c.d")]


def test_keys_are_texts() -> None:
    front, warnings, _ = read("---\n1: a\nyes: b\n? [x, y]\n: c\n---\n")
    assert front == {"1": "a", "yes": "b"}
    assert warnings == [("value_unsupported", "")]


def test_the_later_of_two_values_counts() -> None:
    front, warnings, _ = read("---\na: 1\na: 2\n---\n")
    assert front == {"a": 2}
    assert warnings == [("key_duplicate", "a")]


@pytest.mark.parametrize(
    ("readme", "codes"),
    [
        ("# Title\n", []),
        ("", []),
        ("---\n---\nx", []),
        ("---\n# only a comment\n---\nx", []),
        ("---\na: 1\n", ["front_matter_unclosed"]),
        ("---\na: 1\n----\n", ["front_matter_unclosed"]),
        ("---\n- a\n---\n", ["front_matter_invalid"]),
        ("---\ntext\n---\n", ["front_matter_invalid"]),
        ("---\na: [\n---\n", ["front_matter_invalid"]),
        ("---\na: b: c\n---\n", ["front_matter_invalid"]),
        ("---\na: @x\n---\n", ["front_matter_invalid"]),
        ("---\na: &x [*x]\nb: {\n---\n", ["value_unsupported", "front_matter_invalid"]),
    ],
)
def test_what_is_no_front_matter_is_left_out(readme: str, codes: list[str]) -> None:
    front, warnings, _ = read(readme)
    assert front == {}
    assert [code for code, _ in warnings] == codes


def test_lines_and_ends_may_be_as_windows_writes_them() -> None:
    front, warnings, body = read(clean("\ufeff---\r\na: 1\r\n---\r\n# T\r\n"))
    assert (front, warnings, body) == ({"a": 1}, [], "# T\n")


def test_the_message_says_where_and_not_what() -> None:
    report = Report()
    secret = "never-to-be-seen " * 20
    front_matter.read(f'---\ntitle: fine\nother: "{secret}\n---\n# T', report)
    (warning,) = report.warnings
    assert "line 3" in warning.message
    assert "never-to-be-seen" not in warning.message


def test_depth_and_size_are_bounded() -> None:
    assert read("---\na: " + "[" * 19 + "]" * 19 + "\n---\n")[1] == []
    for text in ("[" * 30 + "]" * 30, "[" + "1," * 30_000 + "]", "x" * 70_000):
        front, warnings, _ = read(f"---\na: {text}\n---\n")
        assert front == {}
        assert [code for code, _ in warnings] == ["front_matter_too_large"]
