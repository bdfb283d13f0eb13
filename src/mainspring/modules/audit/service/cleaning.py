"""What goes into the log: texts that forge no lines, and values without secrets.

Whoever publishes an act leaves secrets out. That nothing is kept under a name that sounds like one is the
second line of defence, and no reason to forget the first.
"""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise
from typing import Any

import msgspec

REDACTED = "[redacted]"
MAX_DEPTH = 20

# What ends a line or a terminal's text, turns its direction, or is half a character.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# What no database keeps as text, and JSON does not either.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_URL_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@/\s]+@")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = frozenset(
    "password passwd passphrase pwd secret secrets token credential credentials authorization cookie cookies "
    "apikey privatekey secretkey accesskey bearer otp".split()
)
_KEYS = frozenset("api private secret access signing encryption master ssh shared".split())
_ABOUT = frozenset("id ids name names count type kind at prefix limit max length size per second seconds".split())
"""Words that end the name of something about a secret, such as ``token_name``."""


def clean_text(text: str, limit: int) -> str:
    """Return a text as one line of at most ``limit`` characters, what would move a cursor spelled out."""
    line = _CONTROL.sub(_spelled, text)
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _spelled(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def as_json(value: dict[str, Any] | None) -> str | None:
    """Return what an act changed as JSON in ASCII, its keys sorted, its secrets redacted."""
    if value is None:
        return None
    plain = _cleaned(msgspec.to_builtins(value, enc_hook=str, str_keys=True), MAX_DEPTH)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _cleaned(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _URL_PASSWORD.sub(r"\1:***@", _NO_TEXT.sub(_spelled, value))
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        return REDACTED
    if isinstance(value, list):
        return [_cleaned(each, depth - 1) for each in value]
    names_secret = sounds_secret(str(value.get("key", "")))
    return {
        _NO_TEXT.sub(_spelled, name): REDACTED
        if each is not None
        and not isinstance(each, bool)
        and (sounds_secret(name) or (names_secret and name == "value"))
        else _cleaned(each, depth - 1)
        for name, each in value.items()
    }


def sounds_secret(name: str) -> bool:
    """Return whether what has this name is probably a secret: ``db_password`` is, ``token_count`` is not."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _ABOUT:
        return False
    return bool(_SECRET_WORDS & set(words)) or any(
        second in ("key", "keys", "material") and first in _KEYS | {"key"} for first, second in pairwise(words)
    )
