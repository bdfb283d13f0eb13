"""Conditions of SQL from the terms of a search.

``holds`` is what is so, ``fails`` what is known not to be so: the two leave out items that lack what is asked for.
What no database can say exactly, relations of shapes and of texts without regard to case or accents, is tried here
on what comes into question, and becomes a set of keys or of texts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, false, not_, or_, select, true

from mainspring.kit.sql import among, like, referred_to, unindexed
from mainspring.modules.catalog.store.search_shapes import spatial_condition
from mainspring.modules.catalog.store.search_terms import (
    EXACT,
    Always,
    And,
    Between,
    Box,
    Compare,
    During,
    Fold,
    Folds,
    IsNull,
    Like,
    Literal,
    Not,
    OneOf,
    Or,
    Spatial,
    Term,
    Time,
    Within,
    Words,
)
from mainspring.modules.catalog.tables import catalog_items, catalog_values

Condition = ColumnElement[bool]

REMEMBERED = 1_000
"""So many comparisons are not made again."""

CUT = 200
"""So many characters of a text are kept to compare."""

TEXTS: dict[str, ColumnElement[Any]] = {
    "id": catalog_items.c.slug,
    "collection": catalog_items.c.collection,
    "title": catalog_items.c.title,
}
TIMES: dict[str, tuple[ColumnElement[Any], ColumnElement[Any]]] = {
    "datetime": (catalog_items.c.start_at, catalog_items.c.end_at),
    "start_datetime": (catalog_items.c.start_at, catalog_items.c.start_at),
    "end_datetime": (catalog_items.c.end_at, catalog_items.c.end_at),
    "created": (catalog_items.c.created_at, catalog_items.c.created_at),
    "updated": (catalog_items.c.updated_at, catalog_items.c.updated_at),
}
STARS = "sharinghub:stars"
NUMBERS: dict[str, ColumnElement[Any]] = {STARS: catalog_items.c.stars}
"""Properties that are columns of items: texts, times by their first and last moment, and numbers."""

COLUMNS = frozenset({*TEXTS, *TIMES, *NUMBERS})

_OPS: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}

_RELATIONS: dict[str, Callable[[Any, Any, Time], Iterable[Condition]]] = {
    "t_after": lambda a, b, t: [a > t.end],
    "t_before": lambda a, b, t: [b < t.start],
    "t_contains": lambda a, b, t: [a < t.start, b > t.end],
    "t_disjoint": lambda a, b, t: [or_(b < t.start, a > t.end)],
    "t_during": lambda a, b, t: [a > t.start, b < t.end],
    "t_equals": lambda a, b, t: [a == t.start, b == t.end],
    "t_finishedby": lambda a, b, t: [a < t.start, b == t.end],
    "t_finishes": lambda a, b, t: [a > t.start, b == t.end],
    "t_intersects": lambda a, b, t: [a <= t.end, b >= t.start],
    "t_meets": lambda a, b, t: [b == t.start],
    "t_metby": lambda a, b, t: [a == t.end],
    "t_overlappedby": lambda a, b, t: [a > t.start, a < t.end, b > t.end],
    "t_overlaps": lambda a, b, t: [a < t.start, b > t.start, b < t.end],
    "t_startedby": lambda a, b, t: [a == t.start, b > t.end],
    "t_starts": lambda a, b, t: [a == t.start, b < t.end],
}
TIME_RELATIONS = frozenset(_RELATIONS)
"""CQL2's relations of times, in lower case."""


def holds(tx: Connection, term: Term, within: Condition) -> Condition:
    """Return the condition that a term is so; ``within`` is that of the items that come into question at all."""
    match term:
        case Always():
            return true() if term.holds else false()
        case And():
            return and_(true(), *(holds(tx, each, within) for each in term.parts))
        case Or():
            return or_(false(), *(holds(tx, each, within) for each in term.parts))
        case Not():
            return fails(tx, term.part, within)
        case IsNull():
            return not_(_known(term.name))
        case Compare() if term.folds:
            return _compared_folded(tx, term, within)
        case Compare():
            return _compared(term.name, term.op, term.value)
        case Between():
            return _between(term)
        case Like():
            return _like(tx, term, within)
        case OneOf():
            return _one_of(tx, term, within)
        case Within():
            return and_(_known(term.name), not_(_outside(term)))
        case During():
            return _during(term)
        case Spatial():
            return spatial_condition(tx, term, within)
        case Words():
            words = catalog_items.c.words
            return or_(false(), *(words.contains(each, autoescape=True) for each in term.phrases))


def fails(tx: Connection, term: Term, within: Condition) -> Condition:
    """Return the condition that a term is not so, of items of which that can be said."""
    match term:
        case And():
            return or_(false(), *(fails(tx, each, within) for each in term.parts))
        case Or():
            return and_(true(), *(fails(tx, each, within) for each in term.parts))
        case Not():
            return holds(tx, term.part, within)
        case Always() | IsNull() | Words():
            return not_(holds(tx, term, within))
        case Spatial():
            return and_(catalog_items.c.west.is_not(None), not_(holds(tx, term, within)))
        case During():
            return and_(_known(term.start), _known(term.end), not_(holds(tx, term, within)))
        case Compare() | Between() | Like() | OneOf() | Within():
            return and_(_known(term.name), not_(holds(tx, term, within)))


def _known(name: str) -> Condition:
    if name in COLUMNS:
        return true()
    if name == "geometry":
        return catalog_items.c.west.is_not(None)
    return _valued(name)


def _valued(name: str, *conditions: Condition) -> Condition:
    """Return the condition that an item has a value of a property for which conditions hold."""
    return referred_to(catalog_items.c.id, catalog_values.c.item, and_(catalog_values.c.name == name, *conditions))


def _in_range(name: str, condition: Callable[[Any], Condition]) -> Condition:
    """Return the condition that an item has a number of a property within a range.

    Many items may have one: it is looked up for those alone that come into question, by their keys.
    """
    values = catalog_values.c
    of_item = and_(values.item == catalog_items.c.id, values.name == name, values.place >= 0)
    having = select(values.item).where(of_item, condition(unindexed(values.number)))
    return having.correlate(catalog_items).exists()


def _compared(name: str, op: str, value: Literal) -> Condition:
    """Return the condition of a comparison. Long ones, which anybody may send, are not kept."""
    length = len(name) + (len(value) if isinstance(value, str) else 0)
    return (_remembered_comparison if length <= CUT else _comparison)(name, op, value)


def _comparison(name: str, op: str, value: Literal) -> Condition:
    if name in TIMES:
        return _time_compared(*TIMES[name], op, value) if isinstance(value, Time) else false()
    if name in TEXTS:
        return _OPS[op](TEXTS[name], value[:CUT]) if isinstance(value, str) else false()
    if name in NUMBERS:
        return false() if isinstance(value, (str, Time)) else _OPS[op](NUMBERS[name], float(value))
    if isinstance(value, str):
        return _valued(name, _OPS[op](catalog_values.c.text, value[:CUT]))
    if isinstance(value, Time):
        return _in_range(name, lambda number: _time_compared(number, number, op, value))
    if op == "=":
        return _valued(name, catalog_values.c.number == float(value))
    return _in_range(name, lambda number: _OPS[op](number, float(value)))


_remembered_comparison = lru_cache(maxsize=REMEMBERED, typed=True)(_comparison)
"""Pages of one search ask for the same again, and SQLAlchemy takes long for it."""


def _time_compared(start: Any, end: Any, op: str, time: Time) -> Condition:
    """Compare a time of items, which may last, with another: some moment of theirs is before, after or in it."""
    conditions: dict[str, Condition] = {
        "=": and_(start <= time.end, end >= time.start),
        "<": start < time.start,
        "<=": start <= time.end,
        ">": end > time.end,
        ">=": end >= time.start,
    }
    return conditions[op]


def _between(term: Between) -> Condition:
    low, high = term.low, term.high
    if term.name in TIMES and isinstance(low, Time) and isinstance(high, Time):
        start, end = TIMES[term.name]
        return and_(end >= low.start, start <= high.end)
    if term.name in COLUMNS:
        return and_(_compared(term.name, ">=", low), _compared(term.name, "<=", high))
    if isinstance(low, str) and isinstance(high, str):
        return _valued(term.name, catalog_values.c.text.between(low[:CUT], high[:CUT]))
    if isinstance(low, Time) and isinstance(high, Time):
        return _in_range(term.name, lambda number: number.between(low.start, high.end))
    if isinstance(low, (str, Time)) or isinstance(high, (str, Time)):
        return false()
    return _in_range(term.name, lambda number: number.between(float(low), float(high)))


def _outside(term: Within) -> Condition:
    """Return the condition that one of the values of a property is none of some."""
    texts = [each[:CUT] for each in term.values if isinstance(each, str)]
    numbers = [float(each) for each in term.values if isinstance(each, (bool, int, float))]
    text, number = catalog_values.c.text, catalog_values.c.number
    return _valued(
        term.name,
        or_(and_(text.is_not(None), text.not_in(texts)), and_(number.is_not(None), number.not_in(numbers))),
    )


def _during(term: During) -> Condition:
    relation = _RELATIONS[term.relation]
    if term.start in TIMES and term.end in TIMES:
        return and_(*relation(TIMES[term.start][0], TIMES[term.end][1], term.time))
    return _in_range(term.start, lambda number: and_(*relation(number, number, term.time)))


def _one_of(tx: Connection, term: OneOf, within: Condition) -> Condition:
    texts = [each[:CUT] for each in term.values if isinstance(each, str)]
    if term.folds:
        wanted = {fold(each, term.folds) for each in texts}
        return _texts_that(tx, term.name, lambda text: fold(text, term.folds) in wanted, within)
    if term.name in COLUMNS:
        if term.name in TEXTS:
            return TEXTS[term.name].in_(texts)
        return or_(false(), *(_compared(term.name, "=", each) for each in term.values))
    numbers = [float(each) for each in term.values if isinstance(each, (bool, int, float))]
    text, number = catalog_values.c.text, catalog_values.c.number
    times = [number.between(each.start, each.end) for each in term.values if isinstance(each, Time)]
    return _valued(term.name, or_(text.in_(texts), number.in_(numbers), *times))


def is_costly(term: Term) -> bool:
    """Say whether a term is tried on all that comes into question, one by one."""
    match term:
        case Like():
            wild = term.pattern.count("%")
            return bool(term.folds) or wild > 2 or "_" in term.pattern or "\\" in term.pattern
        case Compare() | OneOf():
            return bool(term.folds)
        case Spatial():
            return not (isinstance(term.shape, Box) and term.relation in ("s_intersects", "s_disjoint"))
    return False


def _like(tx: Connection, term: Like, within: Condition) -> Condition:
    if is_costly(term):
        pattern = _pieces(fold(term.pattern, term.folds))
        return _texts_that(tx, term.name, lambda text: _matches(fold(text, term.folds), pattern), within)
    if term.name in COLUMNS:
        return like(TEXTS[term.name], term.pattern) if term.name in TEXTS else false()
    return _valued(term.name, like(catalog_values.c.text, term.pattern))


def _compared_folded(tx: Connection, term: Compare, within: Condition) -> Condition:
    if not isinstance(term.value, str):
        return false()
    wanted, compare = fold(term.value[:CUT], term.folds), _OPS[term.op]
    return _texts_that(tx, term.name, lambda text: bool(compare(fold(text, term.folds), wanted)), within)


def _texts_that(tx: Connection, name: str, wanted: Callable[[str], bool], within: Condition) -> Condition:
    """Return the condition that a text is one that a function wants: each of those in question is tried once."""
    if name in COLUMNS:
        if name not in TEXTS:
            return false()
        found = select(catalog_items.c.id, TEXTS[name]).where(within)
    else:
        values = catalog_values.c
        found = (
            select(values.item, values.text)
            .join_from(catalog_values, catalog_items, values.item == catalog_items.c.id)
            .where(values.name == name, values.text.is_not(None), within)
        )
    tried: dict[str, bool] = {}
    keys = []
    for key, text in tx.execute(found):
        if text not in tried:
            tried[text] = wanted(text)
        if tried[text]:
            keys.append(key)
    return among(catalog_items.c.id, keys)


def fold(text: str, folds: Folds = EXACT) -> str:
    """Return a text as it is compared without regard to case, or to accents."""
    if Fold.CASE in folds:
        text = text.casefold()
    if Fold.ACCENTS in folds:
        text = "".join(each for each in unicodedata.normalize("NFD", text) if not unicodedata.combining(each))
    return text


_ANY, _RUN = object(), object()


def _pieces(pattern: str) -> list[object]:
    """Return the characters of a LIKE pattern, with marks for its wildcards."""
    pieces: list[object] = []
    characters = iter(pattern)
    for each in characters:
        if each == "\\":
            pieces.append(next(characters, "\\"))
        elif each == "%":
            pieces.append(_RUN)
        else:
            pieces.append(_ANY if each == "_" else each)
    return pieces


def _matches(text: str, pattern: list[object]) -> bool:
    """Say whether all of a text is like a pattern, in at most length times length steps."""
    at, here, run, resume = 0, 0, -1, 0
    while at < len(text):
        piece = pattern[here] if here < len(pattern) else None
        if piece is _RUN:
            run, resume, here = here, at, here + 1
        elif piece is _ANY or piece == text[at]:
            at, here = at + 1, here + 1
        elif run >= 0:
            # Only the last run need be made longer: what the earlier ones took is as good as anything.
            resume += 1
            at, here = resume, run + 1
        else:
            return False
    return all(piece is _RUN for piece in pattern[here:])
