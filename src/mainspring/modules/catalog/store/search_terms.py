"""What a search asks for, as a tree of conditions on items; ``search_conditions`` makes SQL of it.

Conditions know three answers, as CQL2's do: what an item does not have is neither so nor not so. Of a property with
several values a comparison holds where one of them is so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

AGES = 2**62
"""Further from the epoch (ms) than any time: the open end of an interval."""


@dataclass(frozen=True, slots=True)
class Time:
    """A time from ``start`` to ``end``, both in it, in ms since the epoch: for a moment the two are the same."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Box:
    """A box in degrees; one with ``west`` > ``east`` crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float

    @property
    def parts(self) -> list[tuple[float, float]]:
        """The ranges of longitude that it is made of."""
        whole = self.west <= self.east
        return [(self.west, self.east)] if whole else [(self.west, 180.0), (-180.0, self.east)]


Literal = str | float | bool | Time


class Fold(StrEnum):
    """What two texts may differ in and still be the same."""

    CASE = "case"
    ACCENTS = "accents"


Folds = frozenset[Fold]
EXACT: Folds = frozenset()


@dataclass(frozen=True, slots=True)
class Always:
    """Holds for all items, or for none."""

    holds: bool


@dataclass(frozen=True, slots=True)
class Compare:
    """A property compared by ``=``, ``<``, ``<=``, ``>`` or ``>=`` with a value."""

    name: str
    op: str
    value: Literal
    folds: Folds = EXACT


@dataclass(frozen=True, slots=True)
class Between:
    """A property that lies between two values, both included."""

    name: str
    low: Literal
    high: Literal


@dataclass(frozen=True, slots=True)
class Like:
    """A text like a pattern: ``%`` is any run of characters, ``_`` any one, and a backslash takes the next as it is."""

    name: str
    pattern: str
    folds: Folds = EXACT


@dataclass(frozen=True, slots=True)
class IsNull:
    """A property that an item does not have."""

    name: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """A property that is one of some values."""

    name: str
    values: tuple[Literal, ...]
    folds: Folds = EXACT


@dataclass(frozen=True, slots=True)
class Within:
    """A property all of whose values are among some."""

    name: str
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class During:
    """A relation between a time of the item, from one property to another, and a given one; ``relation`` is CQL2's."""

    relation: str
    start: str
    end: str
    time: Time


@dataclass(frozen=True, slots=True)
class Spatial:
    """A relation between the item's geometry and a given one, GeoJSON as bytes or a box; ``relation`` is CQL2's."""

    relation: str
    shape: Box | bytes


@dataclass(frozen=True, slots=True)
class Words:
    """Free text: one of some phrases, in lower case, is found in the item's words."""

    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Term


Term = Always | Compare | Between | Like | IsNull | OneOf | Within | During | Spatial | Words | And | Or | Not


@dataclass(frozen=True, slots=True)
class SortKey:
    """A property to sort by."""

    name: str
    ascending: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """Which items: of these collections and, where given, these slugs or projects, for which all terms hold."""

    collections: Sequence[str]
    terms: Sequence[Term] = ()
    slugs: Sequence[str] | None = None
    projects: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: behind the position of an item, or before it."""

    position: Sequence[Any]
    backwards: bool = False
