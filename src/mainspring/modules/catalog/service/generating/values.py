"""What of an item is searched: its words, and the rows of ``catalog_values``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mainspring.modules.catalog.service.entries import Content, Description
from mainspring.modules.catalog.service.generating.times import to_ms

Row = tuple[str, str | None, float | None]

LONGEST_WORDS = 4000
LONGEST_TEXT = 200
MOST_ROWS = 1000
MOST_OF_A_NAME = 200


def words_of(description: Description, content: Content) -> str:
    """Return what free text is looked for in, in lower case, a line for each.

    That is title, description, keywords, path, license, providers, and every other property that is a text. The README
    is not in it: it would make each search read a hundred times as much.
    """
    properties = content.properties
    parts = [properties.get("title"), *properties.get("keywords", []), description.path, description.slug]
    parts.append(properties.get("description"))
    parts += [each["name"] for each in properties.get("providers", [])]
    rest = (text for name, text, _ in values_of(content) if name not in {"title", "keywords", "providers", "datetime"})
    lines = dict.fromkeys(" ".join(str(each).lower().split()) for each in (*parts, *rest) if each)
    return "\n".join(line for line in lines if line)[:LONGEST_WORDS]


def values_of(content: Content) -> list[Row]:
    """Return the rows of ``catalog_values``: name, text, number.

    Properties that are scalars or lists of such have a row for each value; of providers their
    names count, of languages their codes. Numbers,
    truth values as 0 and 1, and times in milliseconds since the epoch are numbers. ``description`` is free text only.
    """
    rows: list[Row] = []
    for name, value in sorted(content.properties.items()):
        if name == "description" or len(name) > 100:
            continue
        if name == "providers":
            value = [each["name"] for each in value]
        values = value if isinstance(value, list) else [value]
        if name in ("language", "languages"):
            values = [each["code"] if isinstance(each, dict) else each for each in values]
        rows += dict.fromkeys(row for each in values[:MOST_OF_A_NAME] for row in _row(name, each))
    return rows[:MOST_ROWS]


def _row(name: str, value: Any) -> Iterator[Row]:
    match value:
        case bool() | int() | float():
            yield name, None, float(value)
        case str() if (ms := to_ms(value)) is not None:
            yield name, None, float(ms)
        case str() if value:
            yield name, value[:LONGEST_TEXT], None
