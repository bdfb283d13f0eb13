"""Where a point of a metric stands among the others."""

from __future__ import annotations

from typing import NamedTuple


class Position(NamedTuple):
    """A point's place in the order of a history, and what a page token says: a NaN counts as 0 and comes after it."""

    timestamp: int
    step: int
    value: float
    is_nan: bool

    @classmethod
    def of(cls, timestamp: int, step: int, value: float | None) -> Position:
        """Return the position of a point whose value is None or NaN where it is no number."""
        if value is None or value != value:
            return cls(timestamp, step, 0.0, True)
        return cls(timestamp, step, value, False)
