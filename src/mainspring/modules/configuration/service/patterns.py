"""Regular expressions of JSON Schemas, matched without backtracking: the time grows with pattern and text alone.

Python's own matcher takes exponential time for some patterns, and cannot be stopped. Here each step of a pattern
maps the set of places where it may begin to the set of those where it may end. What cannot be matched so,
lookarounds and references back, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from mainspring.kit.errors import InvalidArgument, TooLarge

MAX_PATTERN = 500

Places = frozenset[int]
Steps = list[tuple[Any, Any]]


class Budget:
    """How much work a check may still take."""

    def __init__(self, units: int) -> None:
        self._left = units

    def spend(self, units: int) -> None:
        """Take from what is left. Raises TooLarge when there is nothing left."""
        self._left -= units
        if self._left < 0:
            raise TooLarge("The document takes too long to check against its schema: make either of them simpler.")


def check_pattern(pattern: str) -> None:
    """Raise InvalidArgument for a pattern that is wrong, or cannot be matched here."""
    _parse(pattern)


def is_found(pattern: str, text: str, budget: Budget) -> bool:
    """Say whether a pattern matches anywhere in a text, as ECMA-262 has it without flags."""
    everywhere = frozenset(range(len(text) + 1))
    return bool(_follow(_parse(pattern), text, everywhere, budget))


@lru_cache(256)
def _parse(pattern: str) -> Steps:
    if len(pattern) > MAX_PATTERN:
        raise InvalidArgument(f"The pattern '{pattern[:50]}…' is longer than {MAX_PATTERN} characters.", field="schema")
    try:
        parsed = _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidArgument(f"The pattern '{pattern}' is no regular expression: {error}.", field="schema") from error
    if parsed.state.flags & ~re.UNICODE.value:
        raise _unknown(pattern, "flags")
    steps = list(parsed)
    _check_known(steps, pattern)
    return steps


def _check_known(steps: Steps, pattern: str) -> None:
    for kind, argument in steps:
        if kind not in _STEPS:
            raise _unknown(pattern, str(kind).lower().replace("_", " "))
        if kind is op.SUBPATTERN and (argument[1] or argument[2]):
            raise _unknown(pattern, "flags")
        for inner in _inner(kind, argument):
            _check_known(inner, pattern)


def _unknown(pattern: str, what: str) -> InvalidArgument:
    return InvalidArgument(
        f"The pattern '{pattern}' has {what}, which cannot be matched here: characters, classes, groups, |, *, +, ?, "
        "{m,n}, ^, $ and \\b can.",
        field="schema",
    )


def _inner(kind: Any, argument: Any) -> list[Steps]:
    if kind is op.BRANCH:
        return [list(steps) for steps in argument[1]]
    if kind is op.SUBPATTERN:
        return [list(argument[3])]
    return [list(argument[2])] if kind in (op.MAX_REPEAT, op.MIN_REPEAT) else []


def _follow(steps: Steps, text: str, places: Places, budget: Budget) -> Places:
    for kind, argument in steps:
        budget.spend(1 + len(places))
        places = _STEPS[kind](argument, text, places, budget)
    return places


def _one(accepts: Callable[[Any, str], bool]) -> Callable[[Any, str, Places, Budget], Places]:
    """Return the step over one character that is accepted."""

    def step(argument: Any, text: str, places: Places, _budget: Budget) -> Places:
        return frozenset(place + 1 for place in places if place < len(text) and accepts(argument, text[place]))

    return step


def _in_class(members: Steps, character: str) -> bool:
    negated = bool(members) and members[0][0] is op.NEGATE
    return negated != any(_is_member(kind, argument, character) for kind, argument in members[negated:])


def _is_member(kind: Any, argument: Any, character: str) -> bool:
    if kind is op.LITERAL:
        return bool(ord(character) == argument)
    if kind is op.RANGE:
        return bool(argument[0] <= ord(character) <= argument[1])
    negated, accepts = _CATEGORIES[argument]
    return negated != accepts(character)


def _is_word(character: str) -> bool:
    return character == "_" or (character.isascii() and character.isalnum())


def _is_digit(character: str) -> bool:
    return character.isascii() and character.isdigit()


_CATEGORIES: dict[Any, tuple[bool, Callable[[str], bool]]] = {
    op.CATEGORY_DIGIT: (False, _is_digit),
    op.CATEGORY_NOT_DIGIT: (True, _is_digit),
    op.CATEGORY_SPACE: (False, str.isspace),
    op.CATEGORY_NOT_SPACE: (True, str.isspace),
    op.CATEGORY_WORD: (False, _is_word),
    op.CATEGORY_NOT_WORD: (True, _is_word),
}


def _at(where: Any, text: str, places: Places, _budget: Budget) -> Places:
    if where in (op.AT_BEGINNING, op.AT_BEGINNING_STRING):
        return places & {0}
    if where in (op.AT_END, op.AT_END_STRING):
        return places & {len(text)}
    wanted = where is op.AT_BOUNDARY
    return frozenset(place for place in places if _is_boundary(text, place) == wanted)


def _is_boundary(text: str, place: int) -> bool:
    before = place > 0 and _is_word(text[place - 1])
    behind = place < len(text) and _is_word(text[place])
    return before != behind


def _branch(argument: Any, text: str, places: Places, budget: Budget) -> Places:
    return frozenset().union(*(_follow(list(steps), text, places, budget) for steps in argument[1]))


def _group(argument: Any, text: str, places: Places, budget: Budget) -> Places:
    return _follow(list(argument[3]), text, places, budget)


def _repeat(argument: Any, text: str, places: Places, budget: Budget) -> Places:
    least, most, inner = argument
    steps, turns = list(inner), 0
    while turns < least and places:
        budget.spend(1)
        behind = _follow(steps, text, places, budget)
        if behind == places:  # and so it stays
            break
        places, turns = behind, turns + 1
    found = new = places
    turns = least
    while turns < most and new:
        new = _follow(steps, text, new, budget) - found
        found, turns = found | new, turns + 1
    return found


_STEPS: dict[Any, Callable[[Any, str, Places, Budget], Places]] = {
    op.LITERAL: _one(lambda code, character: bool(ord(character) == code)),
    op.NOT_LITERAL: _one(lambda code, character: bool(ord(character) != code)),
    op.ANY: _one(lambda _, character: character != "\n"),
    op.IN: _one(_in_class),
    op.AT: _at,
    op.BRANCH: _branch,
    op.SUBPATTERN: _group,
    op.MAX_REPEAT: _repeat,
    op.MIN_REPEAT: _repeat,
}
