"""How acts are hashed: each over all of its fields and the hash of the act before.

The encoding is one of netstrings, so that no two acts have the same and anyone can compute it again: each
field in the order of ``Act`` as its length in bytes, a colon and its bytes, or ``-`` for a missing one. Numbers
are in decimal, truth is 1 or 0, texts are UTF-8, the hash of the act before is its 32 bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields

from mainspring.modules.audit.store.events import Act

_FIELDS = tuple(field.name for field in fields(Act))


def digest_of(act: Act) -> bytes:
    """Return the SHA-256 of an act."""
    return hashlib.sha256(b"".join(_encoded(getattr(act, name)) for name in _FIELDS)).digest()


def _encoded(value: str | int | bytes | None) -> bytes:
    if value is None:
        return b"-"
    text = str(int(value)) if isinstance(value, int) else value
    plain = text.encode() if isinstance(text, str) else text
    return b"%d:%s" % (len(plain), plain)
