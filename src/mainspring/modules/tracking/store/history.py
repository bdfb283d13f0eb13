"""Reading the points of metrics in order, each once, from rows and blocks.

Nothing here depends on where a point lies: positions are values of points, so that a reader who goes on
after one, in a later transaction, neither misses a point nor meets it twice, whatever was compacted
meanwhile. Within one transaction everything is of one moment.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from mainspring.kit.sql_engines import select_rows
from mainspring.modules.tracking.blocks import Points, arrange, merge
from mainspring.modules.tracking.positions import Position
from mainspring.modules.tracking.store.blocks import BY_POSITION, Block, find_blocks, load_points

START = Position(-(2**63), -(2**63), -math.inf, False)
"""A position before every point."""
END = Position(2**63 - 1, 2**63 - 1, math.inf, True)
"""A position after every point."""

_AT_ONCE = 32
_ROWS = 20_000


def read_points(tx: Connection, run: int, key: str, after: Position, limit: int) -> Points:
    """Return the first ``limit`` points of a metric after a position."""
    read = _read_blocks(tx, run, key, after, limit)
    upto = read.position(limit - 1) if len(read) == limit else END
    return merge([read, _read_rows(tx, run, key, after, upto, limit)]).cut(0, limit)


def read_rows(tx: Connection, run: int, key: str) -> Points:
    """Return the points of a metric that are rows still."""
    pages = [_read_rows(tx, run, key, START, END, _ROWS)]
    while len(pages[-1]) == _ROWS:
        pages.append(_read_rows(tx, run, key, pages[-1].position(-1), END, _ROWS))
    return merge(pages)


def _read_rows(tx: Connection, run: int, key: str, after: Position, upto: Position, limit: int) -> Points:
    """Return the first ``limit`` points after a position, and up to another, that are rows."""
    statement = (
        "SELECT timestamp, step, value, is_nan FROM metric_points WHERE run = ? AND key = ? "
        "AND (timestamp, step, value, is_nan) > (?, ?, ?, ?) AND (timestamp, step, value, is_nan) <= (?, ?, ?, ?) "
        "ORDER BY timestamp, step, value, is_nan LIMIT ?"
    )
    return to_points(select_rows(tx, statement, (run, key, *after, *upto, limit)))


def _read_blocks(tx: Connection, run: int, key: str, after: Position, limit: int) -> Points:
    """Return the first ``limit`` points after a position that lie in blocks."""
    read = to_points(())
    blocks = _blocks_after(tx, run, key, after)
    ahead = next(blocks, None)
    while ahead and (len(read) < limit or ahead.first <= read.position(limit - 1)):
        # As many as it takes to have enough; one at least, and not so many that memory shows it.
        needed = max(1, limit - len(read))
        taken: list[Block] = []
        while ahead and needed > 0 and len(taken) < _AT_ONCE:
            taken.append(ahead)
            needed -= ahead.points
            ahead = next(blocks, None)
        read = merge([read, *(points.after(after) for _, points in load_points(tx, taken))]).cut(0, limit)
    return read


def _blocks_after(tx: Connection, run: int, key: str, after: Position) -> Iterator[Block]:
    """Yield the blocks that hold points after a position, by their first points."""
    condition = (
        "run = ? AND key = ? AND (last_timestamp, last_step, coalesce(last_value, 0)) >= (?, ?, ?) "
        f"ORDER BY {BY_POSITION} LIMIT {_AT_ONCE} OFFSET ?"
    )
    for offset in range(0, 2**63, _AT_ONCE):
        found = find_blocks(tx, Block, condition, (run, key, *after[:3], offset))
        yield from found
        if len(found) < _AT_ONCE:
            return


def to_points(rows: Sequence[Any]) -> Points:
    """Return the points of rows (timestamp, step, value, is_nan), in their order."""
    if not rows:
        return arrange((), (), ())
    timestamps, steps, values, nans = zip(*rows, strict=True)
    if any(nans):
        values = tuple(math.nan if nan else value for value, nan in zip(values, nans, strict=True))
    return arrange(timestamps, steps, values)
