"""What clients may send by mistake or in bad faith: values and bodies made from the messages' own types."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any, get_args, get_origin

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

NASTY_TEXT = (
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "a\udfffb",
    "😀" * 40,
    "x" * 300,
    "../../etc/passwd",
    "a/../b",
    "%2e%2e%2f",
    "'; DROP TABLE runs; --",
    "`\"'",
    "-1",
    "1e400",
    "NaN",
    "null",
    "9" * 40,
    "\u202e\u0000\ufeff",
    "é" * 251,
)
NASTY_INTEGERS = (0, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, -(10**400))
NASTY_FLOATS = (math.nan, math.inf, -math.inf, 1e308, -0.0, 5e-324)

text = st.sampled_from(NASTY_TEXT) | st.text(max_size=30)
integers = st.sampled_from(NASTY_INTEGERS) | st.integers()
floats = st.sampled_from(NASTY_FLOATS) | st.floats() | st.sampled_from(("NaN", "Infinity", "-Infinity"))
anything = st.recursive(
    st.none() | st.booleans() | integers | floats | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def well_typed(kind: Any) -> SearchStrategy[Any]:
    """Return values that a field of this type may have, numbers as text among them."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return st.fixed_dictionaries({}, optional={f.encode_name: value(f.type) for f in msgspec.structs.fields(kind)})
    if get_origin(kind) is list:
        return st.lists(value(get_args(kind)[0]), max_size=3)
    if get_args(kind):
        return st.one_of([well_typed(each) for each in get_args(kind)])
    simple: dict[Any, SearchStrategy[Any]] = {
        str: text,
        int: integers | integers.map(str),
        float: floats,
        bool: st.booleans(),
        type(None): st.none(),
        Any: text,
    }
    return simple[kind]


def value(kind: Any) -> SearchStrategy[Any]:
    """Return values of a field: mostly of its type, now and then of any."""
    good = well_typed(kind)
    return st.one_of(good, good, good, anything)


def message(kind: type[msgspec.Struct], known: dict[str, Any]) -> SearchStrategy[dict[str, Any]]:
    """Return objects for a message: each field absent, as in ``known`` (what exists on the server), or any value."""
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    given: dict[str, SearchStrategy[Any]] = {
        name: st.one_of(st.just(known[name]), st.just(known[name]), value(of)) if name in known else value(of)
        for name, of in fields.items()
    }
    return st.fixed_dictionaries({}, optional=given)


def every_other(names: Sequence[str], values: Sequence[Any]) -> list[tuple[str, Any]]:
    """Pair each name with every other value, the odd ones and the even ones in turn; a lone name with all."""
    step = min(len(names), 2)
    return [(name, value) for place, name in enumerate(names) for value in values[place % 2 :: step]]


def encode(content: Any) -> bytes:
    """Return JSON as Python writes it: NaN and Infinity spelled out, surrogates escaped."""
    return json.dumps(content).encode()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda body: body,
    "truncated": lambda body: body[: len(body) // 2],
    "no UTF-8": lambda body: body.replace(b'"', b'"\xff\xc0', 1),
    "twice encoded": lambda body: json.dumps(body.decode()).encode(),
    "three times encoded": lambda body: json.dumps(json.dumps(body.decode())).encode(),
    "UTF-16": lambda body: body.decode().encode("utf-16"),
    "a list": lambda body: b"[" + body + b"]",
    "with a tail": lambda body: body + b"}",
    "with a byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "raw NUL": lambda body: body.replace(b'"', b'"\0', 1),
}
"""What may happen to a body on its way, by name."""
