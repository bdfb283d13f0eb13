"""Filters of searches, CQL2 and STAC's query extension, as terms that the store makes SQL of."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import check_text
from mainspring.modules.catalog.service import filter_grammar
from mainspring.modules.catalog.service.shapes import read_box, read_shape
from mainspring.modules.catalog.service.times import OPEN, read_day, read_moment
from mainspring.modules.catalog.store.search_conditions import TIME_RELATIONS, TIMES, is_costly
from mainspring.modules.catalog.store.search_terms import (
    AGES,
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
)

FILTER_LANGUAGES = ("cql2-text", "cql2-json")
MAX_CONDITIONS = 400
"""So many conditions may a filter have: databases bound how deep an expression is."""
MAX_COSTLY = 10
MAX_VALUES = 5_000
REMEMBERED = 256
"""So many filters are not read again."""
COMPARISONS = {"=", "<", "<=", ">", ">=", "<>"}
_FLIPPED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_FOLDS = {"casei": Fold.CASE, "accenti": Fold.ACCENTS}
_SPATIAL = {
    "s_contains", "s_crosses", "s_disjoint", "s_equals", "s_intersects", "s_overlaps", "s_touches", "s_within",
}  # fmt: skip
_FLIPPED_SPATIAL = {"s_contains": "s_within", "s_within": "s_contains"}
_FLIPPED_TEMPORAL = {
    "t_after": "t_before",
    "t_before": "t_after",
    "t_contains": "t_during",
    "t_during": "t_contains",
    "t_finishedby": "t_finishes",
    "t_finishes": "t_finishedby",
    "t_meets": "t_metby",
    "t_metby": "t_meets",
    "t_overlappedby": "t_overlaps",
    "t_overlaps": "t_overlappedby",
    "t_startedby": "t_starts",
    "t_starts": "t_startedby",
}


def read_filter(value: str | dict[str, Any] | list[Any], language: str) -> Term:
    """Return the term of a filter in ``cql2-text`` or ``cql2-json``. Raises InvalidArgument."""
    if language not in FILTER_LANGUAGES:
        right = " or ".join(FILTER_LANGUAGES)
        raise InvalidArgument(f"filter-lang is '{language[:100]}'; it must be {right}.", field="filter-lang")
    if language == "cql2-text":
        if not isinstance(value, str):
            raise InvalidArgument("The filter is JSON; filter-lang must be cql2-json then.", field="filter")
        return _read_text(value)
    if isinstance(value, str):
        value = filter_grammar.decode_json(value, "filter")
    return _within_bounds(_condition(filter_grammar.read_json(value)), "filter")


@lru_cache(maxsize=REMEMBERED)
def _read_text(text: str) -> Term:
    """Return the term of a filter in CQL2 text: of one search each page asks for it again."""
    return _within_bounds(_condition(filter_grammar.read_text(text)), "filter")


def _within_bounds(term: Term, field: str) -> Term:
    """Return a term that does not ask for too much at a time. Raises InvalidArgument."""
    conditions = costly = 0
    waiting: list[Term] = [term]
    while waiting:
        match waiting.pop():
            case And(parts) | Or(parts):
                waiting += parts
            case Not(part):
                waiting.append(part)
            case leaf:
                conditions += 1
                costly += is_costly(leaf)
    if conditions > MAX_CONDITIONS:
        raise InvalidArgument(f"{field} has {conditions} conditions; at most {MAX_CONDITIONS} are tried.", field=field)
    if costly > MAX_COSTLY:
        raise InvalidArgument(
            f"{field} has {costly} conditions on shapes, or on texts by patterns or without regard to case or accents; "
            f"at most {MAX_COSTLY} of these are tried.",
            field=field,
        )
    return term


def _condition(value: Any) -> Term:
    """Return the term of a condition of CQL2 JSON."""
    if isinstance(value, bool):
        return Always(value)
    if not isinstance(value, dict):
        raise _wrong(f"{_shown(value)} is no condition")
    if "property" in value:
        return Compare(_name(value), "=", True)
    op, args = value.get("op"), value.get("args")
    if not isinstance(op, str) or not isinstance(args, list):
        raise _wrong(f"{_shown(value)} is no condition")
    lower = op.lower()
    read = _READERS.get(lower)
    if read is not None:
        return read(lower, args)
    raise _wrong(f"the operator '{op[:100]}' is not known; known are {', '.join(sorted(_READERS))}")


def _and(_op: str, args: list[Any]) -> Term:
    return And(tuple(map(_condition, args)))


def _or(_op: str, args: list[Any]) -> Term:
    return Or(tuple(map(_condition, args)))


def _not(op: str, args: list[Any]) -> Term:
    (part,) = _take(op, args, 1)
    return Not(_condition(part))


def _compare(op: str, args: list[Any]) -> Term:
    left, right = _take(op, args, 2)
    if _is_property(right) and not _is_property(left):
        left, right, op = right, left, _FLIPPED[op]
    name, folds = _property(left)
    if _is_property(right):
        raise _wrong(f"{_shown(left)} is compared with another property; compare it with a value")
    value, also = _literal(right, name)
    return Not(_equal(name, "=", value, folds | also)) if op == "<>" else _equal(name, op, value, folds | also)


def _equal(name: str, op: str, value: Literal, folds: Folds) -> Term:
    """Compare with a value, and with what else it may mean."""
    meant = [value] if folds else _meant(value)
    compared = tuple(Compare(name, op, each, folds) for each in meant)
    return compared[0] if len(compared) == 1 else Or(compared)


def _between(op: str, args: list[Any]) -> Term:
    # Drafts of CQL2 had the two ends in a list.
    flat = [args[0], *args[1]] if len(args) == 2 and isinstance(args[1], list) else args
    subject, low, high = _take(op, flat, 3)
    name, folds = _property(subject)
    (least, fold_low), (most, fold_high) = _literal(low, name), _literal(high, name)
    if folds or fold_low or fold_high:
        same = folds | fold_low | fold_high
        return And((Compare(name, ">=", least, same), Compare(name, "<=", most, same)))
    return Between(name, least, most)


def _in(op: str, args: list[Any]) -> Term:
    subject, values = _take(op, args, 2)
    name, folds = _property(subject)
    if not isinstance(values, list):
        raise _wrong(f"'in' wants a list of values, not {_shown(values)}")
    if len(values) > MAX_VALUES:
        raise _wrong(f"'in' has {len(values)} values; at most {MAX_VALUES} are compared")
    read = [_literal(each, name) for each in values]
    also = frozenset[Fold]().union(*(each for _, each in read))
    return OneOf(name, tuple(literal for value, _ in read for literal in _meant(value)), folds | also)


def _meant(value: Literal) -> list[Literal]:
    """Return a value and, of a text that is a time, that time: whoever asks may not know how it is kept."""
    moment = read_moment(value) if isinstance(value, str) else None
    return [value] if moment is None else [value, Time(moment, moment)]


def _like(op: str, args: list[Any]) -> Term:
    subject, pattern = _take(op, args, 2)
    name, folds = _property(subject)
    value, also = _literal(pattern, name)
    if not isinstance(value, str):
        raise _wrong(f"'like' wants a text, not {_shown(pattern)}")
    return Like(name, value, folds | also)


def _is_null(op: str, args: list[Any]) -> Term:
    (subject,) = _take(op, args, 1)
    return IsNull(_property(subject)[0])


def _spatial(op: str, args: list[Any]) -> Term:
    left, right = _take(op, args, 2)
    if _is_property(right) and not _is_property(left):
        left, right, op = right, left, _FLIPPED_SPATIAL.get(op, op)
    name, _ = _property(left)
    if name != "geometry":
        raise _wrong(f"{op} is for the property 'geometry', not for '{name[:100]}'")
    return Spatial(op, _shape(op, right))


def _shape(op: str, value: Any) -> Box | bytes:
    if isinstance(value, dict) and "bbox" in value:
        return read_box(value["bbox"], "filter")
    if isinstance(value, dict) and "type" in value:
        return read_shape(value, "filter")
    raise _wrong(f"{op} wants a geometry or a bbox, not {_shown(value)}")


def _temporal(op: str, args: list[Any]) -> Term:
    left, right = _take(op, args, 2)
    given = _time(left)
    if given is not None:
        left, right, op = right, left, _FLIPPED_TEMPORAL.get(op, op)
    else:
        given = _time(right)
    if given is None:
        raise _wrong(f"{op} wants a property and a time: TIMESTAMP('…'), DATE('…') or INTERVAL('…', '…')")
    interval = left.get("interval") if isinstance(left, dict) else None
    if isinstance(interval, list) and len(interval) == 2:
        start, end = _name(interval[0]), _name(interval[1])
        if start != end and not (start in TIMES and end in TIMES):
            raise _wrong(f"the interval from '{start[:50]}' to '{end[:50]}' is not known; those of {sorted(TIMES)} are")
        return During(op, start, end, given)
    name = _name(left)
    return During(op, name, name, given)


def _time(value: Any) -> Time | None:
    """Return a given time, or None for what depends on the item."""
    if isinstance(value, str):
        value = {"timestamp": value} if read_day(value) is None else {"date": value}
    if not isinstance(value, dict):
        return None
    if isinstance(interval := value.get("interval"), list):
        return _interval(interval)
    if isinstance(text := value.get("timestamp", value.get("date")), str):
        return _moment(text)
    return None


def _interval(ends: list[Any]) -> Time | None:
    if len(ends) != 2:
        raise _wrong("an interval has two ends")
    if any(map(_is_property, ends)):
        return None
    texts = [next(iter(end.values()), None) if isinstance(end, dict) else end for end in ends]
    if not all(isinstance(text, str) for text in texts):
        raise _wrong(f"{_shown(ends)} is no interval")
    start = -AGES if texts[0] in OPEN else _moment(str(texts[0])).start
    end = AGES if texts[1] in OPEN else _moment(str(texts[1])).end
    if start > end:
        raise _wrong(f"the interval {_shown(ends)} ends before it begins")
    return Time(start, end)


def _moment(text: str) -> Time:
    moment = read_moment(text)
    found = Time(moment, moment) if moment is not None else read_day(text)
    if found is None:
        raise _wrong(f"'{text[:100]}' is no time; right are 2024-05-01T00:00:00Z and 2024-05-01")
    return found


def _array(op: str, args: list[Any]) -> Term:
    subject, values = _take(op, args, 2)
    name, folds = _property(subject)
    if not isinstance(values, list) or folds:
        raise _wrong(f"'{op}' wants a property and a list of values")
    literals = tuple(_literal(each, name)[0] for each in values[: MAX_VALUES + 1])
    if len(literals) > MAX_VALUES:
        raise _wrong(f"'{op}' has more than {MAX_VALUES} values")
    has = tuple(Compare(name, "=", each) for each in literals)
    within = Within(name, literals)
    found: dict[str, Term] = {
        "a_contains": And(has),
        "a_containedby": within,
        "a_equals": And((*has, within)),
        "a_overlaps": OneOf(name, literals),
    }
    return found[op]


_READERS: Mapping[str, Callable[[str, list[Any]], Term]] = {
    "and": _and,
    "or": _or,
    "not": _not,
    "between": _between,
    "in": _in,
    "like": _like,
    "isnull": _is_null,
    **dict.fromkeys(COMPARISONS, _compare),
    **dict.fromkeys(_SPATIAL, _spatial),
    **dict.fromkeys(TIME_RELATIONS, _temporal),
    **dict.fromkeys(("a_contains", "a_containedby", "a_equals", "a_overlaps"), _array),
}


def _take(op: str, args: list[Any], count: int) -> list[Any]:
    if len(args) != count:
        raise _wrong(f"'{op}' has {len(args)} arguments; it takes {count}")
    return args


def _is_property(value: Any) -> bool:
    while isinstance(value, dict) and value.get("op") in _FOLDS:
        args = value.get("args")
        value = args[0] if isinstance(args, list) and len(args) == 1 else None
    return isinstance(value, dict) and "property" in value


def _property(value: Any) -> tuple[str, Folds]:
    """Return the name of a property, and what is not regarded in its texts."""
    inner, folds = _unfolded(value)
    return _name(inner), folds


def _unfolded(value: Any) -> tuple[Any, Folds]:
    folds = EXACT
    while isinstance(value, dict) and isinstance(op := value.get("op"), str) and op.lower() in _FOLDS:
        (value,) = _take(op, value.get("args") or [], 1)
        folds |= {_FOLDS[op.lower()]}
    return value, folds


def _name(value: Any) -> str:
    name = value.get("property") if isinstance(value, dict) else None
    if not isinstance(name, str):
        if isinstance(value, dict) and isinstance(op := value.get("op"), str):
            raise _wrong(f"the function or operator '{op[:100]}' is not known here; a property was expected")
        raise _wrong(f"{_shown(value)} stands where a property was expected")
    return property_name(name)


def property_name(name: str) -> str:
    """Return the name of a property as it is kept: ``properties.`` before it may be left out."""
    return check_text(name.removeprefix("properties."), "filter")


def _literal(value: Any, name: str) -> tuple[Literal, Folds]:
    inner, folds = _unfolded(value)
    if isinstance(inner, bool) or (isinstance(inner, (int, float)) and math.isfinite(inner)):
        return inner, folds
    if isinstance(inner, str):
        return _text(inner, name), folds
    if isinstance(inner, dict) and ("timestamp" in inner or "date" in inner):
        text = inner.get("timestamp", inner.get("date"))
        return _moment(str(text)), folds
    if isinstance(inner, dict) and isinstance(op := inner.get("op"), str):
        raise _wrong(f"the function or operator '{op[:100]}' is not known here; a value was expected")
    raise _wrong(f"{_shown(value)} stands where a value was expected")


def _text(text: str, name: str) -> str | Time:
    """Return a text, or the time that it is where only times can be compared."""
    check_text(text, "filter")
    return _moment(text) if name in TIMES else text


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()[:100]


def _wrong(reason: str) -> InvalidArgument:
    return InvalidArgument(f"The filter is wrong: {reason}.", field="filter")


_QUERY_OPS = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_QUERY_PATTERNS = {"startsWith": "{}%", "endsWith": "%{}", "contains": "%{}%"}


def read_query(query: Any) -> Term:
    """Return the term of STAC's query extension: ``{property: {operator: value}}``. Raises InvalidArgument."""
    if not isinstance(query, dict) or not all(isinstance(each, dict) for each in query.values()):
        raise InvalidArgument(
            f'query is {_shown(query)}; it must be an object such as {{"license": {{"eq": "MIT"}}}}.', field="query"
        )
    terms = [_queried(property_name(name), op, value) for name, ops in query.items() for op, value in ops.items()]
    return _within_bounds(And(tuple(terms)), "query")


def _queried(name: str, op: str, value: Any) -> Term:
    subject = {"property": name}
    if op in _QUERY_OPS:
        return _compare(_QUERY_OPS[op], [subject, value])
    if op == "in":
        return _in("in", [subject, value])
    if op in _QUERY_PATTERNS:
        if not isinstance(value, str):
            raise InvalidArgument(f"query: '{op}' wants a text, not {_shown(value)}.", field="query")
        escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return Like(name, _QUERY_PATTERNS[op].format(check_text(escaped, "query")))
    known = ", ".join([*_QUERY_OPS, *_QUERY_PATTERNS, "in"])
    raise InvalidArgument(f"query: the operator '{op[:100]}' is not known; known are {known}.", field="query")
