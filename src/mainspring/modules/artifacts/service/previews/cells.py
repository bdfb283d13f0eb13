"""The cells of tables that are shown: text of bounded length, in pages of bounded size."""

from __future__ import annotations

from collections.abc import Sequence

MOST_COLUMNS = 500
LONGEST_CELL = 1000
_PAGE_CHARACTERS = 2_000_000


def shorten(text: str) -> str:
    """Return a text of bounded length."""
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"


class Room:
    """How much more a page of a table may hold."""

    def __init__(self) -> None:
        self._left = _PAGE_CHARACTERS

    def has(self, cells: Sequence[str | None]) -> bool:
        """Take the room of a row, and say whether there was enough."""
        self._left -= sum(len(cell or "") + 4 for cell in cells)
        return self._left >= 0
