"""Secrets kept out of logs: values that went through this process, and texts that look like keys and tokens."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict

MAX_VALUES = 2000
SHORTEST = 6
"""Characters from which a value is looked for: shorter ones stand in every second line by chance."""
MARK = "[redacted]"

_SHAPES = re.compile(
    r"ms[krsl]_[0-9A-Za-z]{20,}"  # our own tokens
    r"|gl[a-z]{2,6}-[0-9A-Za-z_\-]{20,}|gh[oprsu]_[0-9A-Za-z]{20,}|github_pat_\w{20,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}|hv[bsr]\.[0-9A-Za-z_\-]{20,}|xox[a-z]-[0-9A-Za-z\-]{10,}|sk-[0-9A-Za-z_\-]{20,}"
    r"|eyJ[0-9A-Za-z_\-]{10,}\.[0-9A-Za-z_\-]{10,}\.[0-9A-Za-z_\-]+"  # JSON Web Tokens
    r"|(?<=://)[^\s/:@\"']+:[^\s/@\"']+(?=@)"  # user and password of a URL
    r"|(?<=[Bb]earer )[0-9A-Za-z._~+/=\-]{8,}|(?<=[Bb]asic )[0-9A-Za-z+/=]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_guard = threading.Lock()
_known: OrderedDict[str, tuple[str, ...]] = OrderedDict()


def remember(value: str) -> None:
    """Have a value replaced in whatever this process logs; of very many the latest are known."""
    if len(value) < SHORTEST:
        return
    with _guard:
        _known[value] = _spellings(value)
        _known.move_to_end(value)
        if len(_known) > MAX_VALUES:
            _known.popitem(last=False)


def redact(text: str) -> str:
    """Return a text with a mark in the place of every secret that is known or looks like one."""
    with _guard:
        spellings = list(_known.values())
    for spelled in spellings:
        for spelling in spelled:
            if spelling in text:
                text = text.replace(spelling, MARK)
    return _SHAPES.sub(MARK, text)


def _spellings(value: str) -> tuple[str, ...]:
    """Return a value as it is, as JSON and Python write it, and its longer lines."""
    lines = [line.strip() for line in value.splitlines() if len(line.strip()) >= 16]
    written = (json.dumps(value), json.dumps(value, ensure_ascii=False), repr(value))
    return tuple(dict.fromkeys([value, *(each[1:-1] for each in written), *lines]))
