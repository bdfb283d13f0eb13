"""Pages of a list: one slice of the results and the token that asks for the next."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import check_text

T = TypeVar("T")
Scalar = str | int | float


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. ``next_page_token`` is None at the end."""

    items: list[T]
    next_page_token: str | None = None


class _Offset(msgspec.Struct):
    offset: int


def offset_of(page_token: str | None) -> int:
    """Return the offset that a page token stands for; no token is the start.

    The token is base64 of ``{"offset": n}``, as MLflow writes it. Raises InvalidArgument.
    """
    if not page_token:
        return 0
    try:
        offset = msgspec.json.decode(base64.b64decode(page_token), type=_Offset, strict=False).offset
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise InvalidArgument(
            f"Invalid page token '{page_token}': pass the next_page_token of the page before, unchanged.",
            field="page_token",
        ) from error
    if not 0 < offset < 2**63:
        raise InvalidArgument(f"Invalid page token '{page_token}': its offset is {offset}.", field="page_token")
    return offset


def page_of(rows: list[T], offset: int, limit: int) -> Page[T]:
    """Make a page of up to ``limit`` from rows that were fetched with ``limit + 1``."""
    if len(rows) <= limit:
        return Page(rows)
    return Page(rows[:limit], base64.b64encode(b'{"offset": %d}' % (offset + limit)).decode())


def query_mark(*asked: object) -> str:
    """Return a short text that differs for different searches: it binds page tokens to theirs."""
    return base64.b64encode(hashlib.blake2b(msgspec.json.encode(asked), digest_size=6).digest()).decode()


def token_of(mark: str, position: Sequence[Scalar]) -> str:
    """Return the token of the page behind a position in the search of this mark."""
    return base64.urlsafe_b64encode(msgspec.json.encode([mark, *position])).decode()


def position_of(page_token: str, mark: str, kinds: Sequence[type[Scalar]]) -> tuple[Any, ...]:
    """Return the position that a token of ``token_of`` holds: a value of each of the ``kinds``.

    Integers have 64 bits, numbers are finite. Raises InvalidArgument, also for the token of another search.
    """
    try:
        found, *position = msgspec.json.decode(base64.urlsafe_b64decode(page_token), type=list[str | int | float])
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise _invalid_token(page_token, "pass the next_page_token of the page before, unchanged") from error
    if found != mark:
        raise _invalid_token(page_token, "it is of a search with another filter, order, view or other experiments")
    if len(position) != len(kinds) or not all(map(_is_of, position, kinds)):
        raise _invalid_token(page_token, "pass the next_page_token of the page before, unchanged")
    return tuple(position)


def _is_of(value: Scalar, kind: type[Scalar]) -> bool:
    if isinstance(value, str):
        return kind is str and check_text(value, "page_token") == value
    if kind is int:
        return isinstance(value, int) and -(2**63) <= value < 2**63
    return kind is float and math.isfinite(value)


def _invalid_token(page_token: str, reason: str) -> InvalidArgument:
    shown = page_token if len(page_token) <= 100 else f"{page_token[:100]}…"
    return InvalidArgument(f"Invalid page token '{shown}': {reason}.", field="page_token")
