"""SQL of metric blocks: what rows say of their points, the points themselves, and new blocks.

Without numpy until points are packed or unpacked.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection

from mainspring.kit.sql_engines import chosen, insert_rows, select_rows, select_where_in
from mainspring.modules.tracking.positions import Position
from mainspring.modules.tracking.tables import metric_blocks

if TYPE_CHECKING:
    from mainspring.modules.tracking.blocks import Packed, Points


class Keyed(Protocol):
    """What names a block: the key of its run, the metric, and its number."""

    @property
    def run(self) -> int: ...
    @property
    def key(self) -> str: ...
    @property
    def number(self) -> int: ...


B = TypeVar("B", bound=NamedTuple)
K = TypeVar("K", bound=Keyed)

# Later ones are greater: the blocks of a metric lie beside each other in the order in which they were made.
_numbers = itertools.count(time.time_ns())
_AT_ONCE = 160

BY_POSITION = "first_timestamp, first_step, coalesce(first_value, 0), first_value IS NULL, number"
"""The order of blocks by their first points, as SQL."""


class Block(NamedTuple):
    """What readers and the compaction must know of a block to decide whether they need its points."""

    run: int
    key: str
    number: int
    points: int
    first_timestamp: int
    first_step: int
    first_value: float | None
    last_timestamp: int
    last_step: int
    last_value: float | None
    min_step: int
    max_step: int
    steps_increase: bool

    @property
    def first(self) -> Position:
        """The position of the first point."""
        return Position.of(self.first_timestamp, self.first_step, self.first_value)

    @property
    def last(self) -> Position:
        """The position of the last point."""
        return Position.of(self.last_timestamp, self.last_step, self.last_value)


def find_blocks(tx: Connection, kind: type[B], condition: str, values: Sequence[Any] = ()) -> list[B]:
    """Return the blocks that meet a condition, SQL with ``?`` for ``values``, and perhaps an order and a limit.

    ``kind`` is a NamedTuple whose fields are the columns of ``metric_blocks`` that are wanted.
    """
    columns = ", ".join(kind._fields)
    rows = select_rows(tx, f"SELECT {columns} FROM metric_blocks WHERE {condition}", values)
    return list(map(kind._make, rows))


class Located(NamedTuple):
    """What tells a block from all others."""

    run: int
    key: str
    number: int


def load_points(tx: Connection, blocks: Iterable[K]) -> Iterator[tuple[K, Points]]:
    """Yield the points of blocks, as they come. Raises Internal where one is damaged."""
    from mainspring.modules.tracking.blocks import decode

    return ((block, decode(data)) for block, data in load_blocks(tx, blocks))


def load_blocks(tx: Connection, blocks: Iterable[K]) -> Iterator[tuple[K, bytes]]:
    """Yield what is packed in blocks, in any order: some are read at once, so that memory does not show it."""
    for (run, key), group in groupby(blocks, lambda block: (block.run, block.key)):
        for part in chosen(group, _AT_ONCE):
            wanted = {block.number: block for block in part}
            statement = "SELECT number, data FROM metric_blocks WHERE run = ? AND key = ? AND number"
            for number, data in select_where_in(tx, statement, wanted, (run, key)):
                yield wanted[number], data


def insert_blocks(tx: Connection, series: Iterable[tuple[int, str, Points]]) -> None:
    """Insert a block for each (run key, metric, points)."""
    from mainspring.modules.tracking.blocks import pack

    insert_packed(tx, [(run, key, pack(points)) for run, key, points in series])


def insert_packed(tx: Connection, blocks: Iterable[tuple[int, str, Packed]]) -> None:
    """Insert blocks, each (run key, metric, what is packed)."""
    from mainspring.modules.tracking.blocks import Packed

    rows = [(run, key, next(_numbers), *packed) for run, key, packed in blocks]
    insert_rows(tx, metric_blocks, ("run", "key", "number", *Packed._fields), rows, ignore=False)
