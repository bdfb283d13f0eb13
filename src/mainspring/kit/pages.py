"""Pages of a list: one slice of the results and the token that asks for the next."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from mainspring.kit.errors import InvalidArgument

T = TypeVar("T")


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
