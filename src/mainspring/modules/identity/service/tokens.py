"""The random texts that vouch for someone, of a shape that secret scanners know and that is checked at once.

A token is a prefix that says its kind, 43 random characters (256 bits) and 6 of a checksum (CRC-32), all of
0-9, A-Z, a-z: like GitHub's. A typing error is told from a token without asking the database.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

API_KEY, RUN_TOKEN, SESSION, LINK = "msk_", "msr_", "mss_", "msl_"

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH, _CHECK_LENGTH = 43, 6
_SHAPE = re.compile(rf"ms[krsl]_[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECK_LENGTH}}}")


def new_token(prefix: str) -> str:
    """Return a new token of a kind."""
    body = prefix + _base62(secrets.randbits(256), _RANDOM_LENGTH)
    return body + _checksum(body)


def is_well_formed(text: str, *prefixes: str) -> bool:
    """Return whether a text has the shape and the checksum of a token of one of these kinds."""
    if not text.startswith(prefixes) or not _SHAPE.fullmatch(text):
        return False
    return secrets.compare_digest(text[-_CHECK_LENGTH:], _checksum(text[:-_CHECK_LENGTH]))


def is_token(text: str) -> bool:
    """Return whether a text is meant as an API key or a run token, be it good or not."""
    return text.startswith((API_KEY, RUN_TOKEN))


def digest_of(token: str) -> bytes:
    """Return what a token is found by: it is random, so that a fast hash keeps it as well as a slow one."""
    return hashlib.sha256(token.encode()).digest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
