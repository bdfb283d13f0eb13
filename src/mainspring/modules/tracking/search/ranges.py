"""Stretches of values: what of an index the clauses of a search leave."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mainspring.kit.filters import Clause
from mainspring.kit.sql_text import Sql

INT64 = 2**63
_LITERAL = re.compile(r"[^%_]*")


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of values; a bound that is None is not there, one that is ``open`` does not belong to it."""

    low: Any = None
    high: Any = None
    low_open: bool = False
    high_open: bool = False

    def cut(self, other: Range) -> Range:
        """Return what both have."""
        low, low_open = self.low, self.low_open
        if other.low is not None and (low is None or (other.low, other.low_open) > (low, low_open)):
            low, low_open = other.low, other.low_open
        high, high_open = self.high, self.high_open
        if other.high is not None and (high is None or (other.high, not other.high_open) < (high, not high_open)):
            high, high_open = other.high, other.high_open
        return Range(low, high, low_open, high_open)

    def start(self, value: Any, *, ascending: bool, behind: bool = False) -> Range:
        """Return what comes from a value on, or from behind it, in a direction."""
        return self.cut(Range(low=value, low_open=behind) if ascending else Range(high=value, high_open=behind))

    def end(self, value: Any, *, ascending: bool) -> Range:
        """Return what comes before a value in a direction."""
        return self.start(value, ascending=not ascending, behind=True)

    @property
    def is_empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        return bool(self.low > self.high or (self.low == self.high and (self.low_open or self.high_open)))

    @property
    def only(self) -> Any:
        """The value where there is but one, else None."""
        return self.low if self.low == self.high and not self.is_empty else None

    def holds(self, column: str) -> list[Sql]:
        """Return the conditions that a column's value is in it."""
        if self.only is not None:
            return [Sql(f"{column} = ?", (self.low,))]
        found = []
        if self.low is not None:
            found.append(Sql(f"{column} {'>' if self.low_open else '>='} ?", (self.low,)))
        if self.high is not None:
            found.append(Sql(f"{column} {'<' if self.high_open else '<='} ?", (self.high,)))
        return found


ALL, NOTHING = Range(), Range(low=0, high=0, low_open=True)


def bounds(clause: Clause, length: int | None) -> bool:
    """Say whether a clause holds just for the values in its range, by ``length`` characters where they are texts."""
    if isinstance(clause.value, str):
        return clause.comparator == "=" and (length is None or len(clause.value) < length)
    return clause.comparator in ("=", "<", "<=", ">", ">=", "IS NOT NULL")


def of_numbers(clauses: Iterable[Clause]) -> Range:
    """Return the numbers that may meet all clauses."""
    found = ALL
    for clause in clauses:
        if isinstance(clause.value, int | float):
            found = found.cut(_numbers(clause.comparator, float(clause.value)))
    return found


def of_whole_numbers(clauses: Iterable[Clause]) -> Range:
    """Return the 64-bit integers that may meet all clauses."""
    found = ALL
    for clause in clauses:
        if isinstance(clause.value, int | float):
            found = found.cut(_whole_numbers(clause.comparator, clause.value))
    return found


def of_texts(clauses: Iterable[Clause], length: int | None) -> Range:
    """Return the texts that may meet all clauses, or what they begin with: ``length`` characters."""
    found = ALL
    for clause in clauses:
        if isinstance(clause.value, str):
            found = found.cut(_texts(clause.comparator, clause.value, length))
    return found


def _numbers(comparator: str, value: Any) -> Range:
    match comparator:
        case "=":
            return Range(value, value)
        case "<" | "<=":
            return Range(high=value, high_open=comparator == "<")
        case ">" | ">=":
            return Range(low=value, low_open=comparator == ">")
    return ALL


def _whole_numbers(comparator: str, value: float) -> Range:
    if not -INT64 <= value < INT64:
        met = {"<", "<=", "!="} if value > 0 else {">", ">=", "!="}
        return ALL if comparator in met else NOTHING
    if value == math.floor(value):
        return _numbers(comparator, int(value))
    match comparator:
        case "=":
            return NOTHING
        case "<" | "<=":
            return Range(high=math.floor(value))
        case ">" | ">=":
            return Range(low=math.ceil(value))
    return ALL


def _texts(comparator: str, value: str, length: int | None) -> Range:
    literal = _LITERAL.match(value)[0] if comparator == "LIKE" else value  # type: ignore[index]
    if comparator == "=" or (comparator == "LIKE" and literal == value):
        return Range(value[:length], value[:length])
    if comparator == "LIKE" and literal:
        return Range(low=literal[:length], high=_behind(literal[:length]), high_open=True)
    return ALL


def _behind(prefix: str) -> str | None:
    """Return the least text that is greater than all that begin with ``prefix``; None where there is none."""
    for place in reversed(range(len(prefix))):
        following = ord(prefix[place]) + 1
        if following <= 0x10FFFF:
            # No text has surrogates, which databases refuse.
            return prefix[:place] + chr(0xE000 if 0xD800 <= following <= 0xDFFF else following)
    return None
