"""The front matter of a README: what stands between two lines ``---`` at its beginning, as YAML.

It is read event by event, not by a loader that builds objects: so its depth and size are bounded while it is read,
aliases cannot multiply, tags cannot construct anything, and one value that cannot be used costs that value alone.
Scalars are those of YAML 1.1 as people write them; dates stay text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from mainspring.modules.catalog.service.generating.reporting import Report
from mainspring.modules.catalog.service.generating.texts import clean, one_line

LARGEST = 65_536
"""Characters of the longest front matter that is read."""
DEEPEST = 20
MOST_VALUES = 20_000

LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_TRUE, _FALSE = {"true", "yes", "on"}, {"false", "no", "off"}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9_]{0,20})")
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9_]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,5})?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|nan)", re.IGNORECASE)
_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "timestamp")}
_TEXT_TAGS = {"!", "tag:yaml.org,2002:str"}
_COLLECTION_TAGS = {None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
_LARGEST_INTEGER = 2**53

_OMITTED: Any = object()


class _TooLarge(Exception):
    pass


def is_plain_text(text: str) -> bool:
    """Say whether a text is read as that text where it stands without quotes, if YAML allows it to."""
    lower = text.lower()
    if lower in {"", "~", "null"} | _TRUE | _FALSE:
        return False
    return not any(each.fullmatch(text) for each in (_INTEGER, _FLOAT, _NOT_FINITE))


def split(readme: str) -> tuple[str | None, str, bool]:
    """Return the front matter, None without any; the text below it; and whether it was begun and never ended."""
    begin, _, rest = readme.partition("\n")
    if begin.rstrip() != "---":
        return None, readme, False
    lines = rest.split("\n")
    for number, line in enumerate(lines):
        if line.rstrip() in {"---", "..."}:
            return "\n".join(lines[:number]), "\n".join(lines[number + 1 :]), False
    return None, readme, True


def read(readme: str, report: Report) -> tuple[dict[str, Any], str]:
    """Return the front matter of a README, empty where there is none or it cannot be used, and the text below it."""
    text, body, unclosed = split(readme)
    if unclosed:
        right = "a line '---' must end the front matter"
        report.warn("front_matter_unclosed", "", f"The README begins with '---' and does not go on with it; {right}.")
    if text is None:
        return {}, body
    return _parse(text, report), body


def _parse(text: str, report: Report) -> dict[str, Any]:
    if len(text) > LARGEST:
        message = f"The front matter has {len(text)} characters; it may have {LARGEST}."
        report.warn("front_matter_too_large", "", message)
        return {}
    try:
        value = _Reader(yaml.parse(text, Loader=LOADER), report).document()
    except _TooLarge as error:
        report.warn("front_matter_too_large", "", f"The front matter {error}.")
        return {}
    except yaml.YAMLError as error:
        report.warn("front_matter_invalid", "", f"The front matter is not YAML: {_explain(error)}.")
        return {}
    if value is None:
        return {}
    if not isinstance(value, dict):
        message = "The front matter is no mapping; each of its lines must be 'key: value'."
        report.warn("front_matter_invalid", "", message)
        return {}
    return value


def _explain(error: yaml.YAMLError) -> str:
    """Return what is wrong and where, without the text itself."""
    if isinstance(error, yaml.MarkedYAMLError):
        # The line before the first of the front matter is the line '---'.
        marks = (error.context_mark, error.problem_mark)
        begin, end = (f"line {mark.line + 2}, column {mark.column + 1}" if mark else "" for mark in marks)
        during = f"{one_line(error.context, 80)} of {begin}, " if error.context and begin else ""
        return f"{during}{one_line(error.problem or 'it cannot be read', 120)}" + (f" at {end}" if end else "")
    return "it has characters that YAML does not allow"


class _Reader:
    """Builds values out of YAML's events."""

    def __init__(self, events: Iterator[yaml.Event], report: Report) -> None:
        self._events = events
        self._report = report
        self._count = 0

    def document(self) -> Any:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                value = self._value(self._next(), (), 0)
                # What follows a second '---' cannot be here; reading on finds what is wrong behind the first value.
                for _ in self._events:
                    continue
                return None if value is _OMITTED else value
        return None

    def _next(self) -> yaml.Event:
        self._count += 1
        if self._count > MOST_VALUES:
            raise _TooLarge(f"has more than {MOST_VALUES} values")
        return next(self._events)

    def _value(self, event: yaml.Event, path: tuple[str, ...], depth: int) -> Any:
        if depth > DEEPEST:
            raise _TooLarge(f"is nested more than {DEEPEST} deep")
        match event:
            case yaml.ScalarEvent():
                return self._scalar(event, path)
            case yaml.SequenceStartEvent():
                return self._known(event.tag, self._sequence(path, depth), path)
            case yaml.MappingStartEvent():
                return self._known(event.tag, self._mapping(path, depth), path)
            case _:
                return self._omit(path, "is an alias; the value itself must stand there")

    def _sequence(self, path: tuple[str, ...], depth: int) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            value = self._value(event, (*path, str(len(found))), depth + 1)
            if value is not _OMITTED:
                found.append(value)
        return found

    def _mapping(self, path: tuple[str, ...], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = one_line(event.value, 100) if isinstance(event, yaml.ScalarEvent) else None
            if key is None:
                self._value(event, path, depth + 1)
                self._omit(path, "has a key that is no text; keys must be words")
            value = self._value(self._next(), (*path, key or ""), depth + 1)
            if key is None or value is _OMITTED:
                continue
            if key in found:
                field = ".".join((*path, key))
                self._report.warn("key_duplicate", field, f"{field} stands twice; the later value is used.")
            found[key] = value
        return found

    def _scalar(self, event: yaml.ScalarEvent, path: tuple[str, ...]) -> Any:
        text = clean(event.value)
        if event.tag in _TEXT_TAGS or (event.tag is None and not event.implicit[0]):
            return text
        if event.tag is not None and event.tag not in _PLAIN_TAGS:
            return self._omit(path, f"has the tag '{one_line(event.tag, 60)}'; it must be written without")
        return self._plain(text, path)

    def _plain(self, text: str, path: tuple[str, ...]) -> Any:
        lower = text.lower()
        if lower in {"", "~", "null"}:
            return None
        if lower in _TRUE or lower in _FALSE:
            return lower in _TRUE
        if _INTEGER.fullmatch(text):
            number = int(text.replace("_", ""))
            return (
                number if abs(number) <= _LARGEST_INTEGER else self._omit(path, f"is {text[:30]}, which is too large")
            )
        if len(text) <= 40 and _FLOAT.fullmatch(text):
            decimal = float(text.replace("_", ""))
            return decimal if math.isfinite(decimal) else self._omit(path, f"is {text}, which is too large")
        if _NOT_FINITE.fullmatch(text):
            return self._omit(path, f"is {text}; it must be a finite number")
        return text

    def _known(self, tag: str | None, value: Any, path: tuple[str, ...]) -> Any:
        if tag in _COLLECTION_TAGS:
            return value
        return self._omit(path, f"has the tag '{one_line(str(tag), 60)}'; it must be written without")

    def _omit(self, path: tuple[str, ...], what: str) -> Any:
        field = ".".join(path)
        self._report.warn("value_unsupported", field, f"{field or 'The front matter'} {what}.")
        return _OMITTED
