"""CQL2, read by the library of that name behind guards: what is too long or too deep never comes before it.

On text with wrong parentheses the library takes twice the time for each that stands in another, and deep ones and
chains of minus signs end the process. So each pair that groups conditions is read by itself, with a name in the place
of what stands in it, and few others may stand in each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import check_text

MAX_BYTES = 8 * 1024
MAX_DEPTH = 100
MAX_CALLS = 8
"""So many parentheses of calls, lists and shapes may stand in each other; a collection of polygons has six."""

_MARK = "\x01"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|[()]|[^'"()]+|['"]""")
_WORD_BEFORE = re.compile(r"(?:^|[^\w:.\"'\x01])(AND|OR|NOT)\s*$", re.IGNORECASE)
_MINUSES = re.compile(r"-\s*-")
_COLUMN = re.compile(r"--> (\d+):(\d+)")


def read_text(text: str) -> Any:
    """Return CQL2 text as CQL2 JSON has it. Raises InvalidArgument."""
    check_text(text, "filter")
    _check_size(text)
    if _CONTROL.search(text):
        raise _wrong("it has a control character in it")
    tokens = [match[0] for match in _TOKEN.finditer(text)]
    _check_depth(token for token in tokens if token in "()")
    if any(_MINUSES.search(token) for token in tokens if token[0] not in "'\""):
        raise _wrong("it has two minus signs in a row")
    return _TextReader(tokens).read()


def read_json(value: Any) -> Any:
    """Return CQL2 JSON as the library reads it. Raises InvalidArgument."""
    try:
        text = msgspec.json.encode(value).decode()
    except RecursionError as error:
        raise _too_deep() from error
    _check_size(text)
    _check_depth(_brackets(text))
    return _parse("parse_json", text)


def decode_json(text: str, field: str) -> Any:
    """Return the JSON of a query field. Raises InvalidArgument."""
    _check_depth(_brackets(text))
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise InvalidArgument(f"{field} is not JSON: {error}.", field=field) from error


class _TextReader:
    """Reads a filter from its tokens: groups from the innermost, each by itself."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._groups: list[Any] = []
        self._strings: list[str] = []

    def read(self) -> Any:
        """Return the whole filter."""
        open_at: list[tuple[bool, list[str]]] = []
        piece: list[str] = []
        calls = 0
        for token in self._tokens:
            if token == "(":
                grouping = calls == 0 and self._groups_here(piece)
                calls += 0 if grouping else 1
                if calls > MAX_CALLS:
                    raise _wrong(f"more than {MAX_CALLS} parentheses that group no conditions stand in each other")
                open_at.append((grouping, piece))
                piece = []
            elif token == ")":
                if not open_at:
                    raise _wrong("a parenthesis is closed that was not opened")
                grouping, outer = open_at.pop()
                calls -= 0 if grouping else 1
                outer.append(self._name_of("".join(piece)) if grouping else f"({''.join(piece)})")
                piece = outer
            else:
                piece.append(self._hidden(token))
        if open_at:
            raise _wrong("a parenthesis is not closed")
        return _check_levels(self._whole("".join(piece)))

    def _groups_here(self, piece: list[str]) -> bool:
        before = "".join(piece[-2:]).rstrip()
        return not before or _WORD_BEFORE.search(before) is not None

    def _name_of(self, piece: str) -> str:
        self._groups.append(self._whole(piece))
        return f'"{_MARK}{len(self._groups) - 1}"'

    def _hidden(self, token: str) -> str:
        """Return a token with a mark in the place of a text that has parentheses in it."""
        if token[0] != "'" or len(token) < 2 or not any(each in token for each in "()"):
            return token
        self._strings.append(token[1:-1].replace("''", "'"))
        return f"'{_MARK}{len(self._strings) - 1}'"

    def _whole(self, piece: str) -> Any:
        if not piece.strip():
            raise _wrong("there is nothing in it, or between two parentheses")
        return self._filled(_parse("parse_text", piece))

    def _filled(self, value: Any) -> Any:
        """Return what the library read, with groups and texts in the place of their marks."""
        if isinstance(value, dict):
            name = value.get("property")
            if isinstance(name, str) and name.startswith(_MARK):
                return self._groups[int(name[1:])]
            return {key: self._filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._filled(each) for each in value]
        if isinstance(value, str) and value.startswith(_MARK):
            return self._strings[int(value[1:])]
        return value


def _parse(function: str, text: str) -> Any:
    import cql2

    try:
        return _check_levels(getattr(cql2, function)(text).to_json())
    except (cql2.ParseError, cql2.ValidationError, ValueError, RecursionError) as error:
        shown = text.replace(_MARK, "")[:200]
        place = _COLUMN.search(str(error))
        where = f"at character {place[2]} of it" if place else str(error).splitlines()[0][:200]
        language = "CQL2 text" if function == "parse_text" else "CQL2 JSON"
        raise InvalidArgument(f"The filter is not {language}: '{shown}' is wrong {where}.", field="filter") from error


def _check_size(text: str) -> None:
    size = len(text.encode())
    if size > MAX_BYTES:
        raise _wrong(f"it has {size} bytes; at most {MAX_BYTES} are read")


def _check_depth(brackets: Iterator[str]) -> None:
    depth = 0
    for each in brackets:
        depth += 1 if each in "([{" else -1
        if depth > MAX_DEPTH:
            raise _too_deep()


def _check_levels(value: Any) -> Any:
    """Return JSON whose parts do not stand in each other too deep, as those of chains of NOT and of sums do."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > 2 * MAX_DEPTH + 10:
            raise _too_deep()
        level = [
            part
            for each in level
            if isinstance(each, (dict, list))
            for part in (each.values() if isinstance(each, dict) else each)
        ]
    return value


def _brackets(text: str) -> Iterator[str]:
    """Yield the brackets of JSON that stand outside of its texts."""
    inside = escaped = False
    for each in text:
        if escaped:
            escaped = False
        elif inside and each == "\\":
            escaped = True
        elif each == '"':
            inside = not inside
        elif not inside and each in "[]{}":
            yield each


def _too_deep() -> InvalidArgument:
    return _wrong(f"more than {MAX_DEPTH} conditions or brackets stand in each other")


def _wrong(reason: str) -> InvalidArgument:
    return InvalidArgument(f"The filter cannot be read: {reason}.", field="filter")
