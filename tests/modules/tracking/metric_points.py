"""Points of metrics as tests write, move and read them, past the service."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from mainspring.modules.tracking.blocks import Points
from mainspring.modules.tracking.positions import Position
from mainspring.modules.tracking.store import compaction, history, metrics
from mainspring.modules.tracking.store.blocks import BY_POSITION, Block, find_blocks
from mainspring.modules.tracking.store.compaction import Job
from mainspring.modules.tracking.tables import metric_points

KEY = "loss"
Point = tuple[int, int, float]
"""(timestamp, step, value)"""

_runs = itertools.count(1)


def new_run() -> int:
    """Return the key of a run that has no points: points do not ask whether their run is there."""
    return next(_runs)


def write(tx: Connection, run: int, points: Sequence[Point], *, packed: bool = False) -> None:
    """Log points, as rows or as a block."""
    if packed:
        metrics.insert_blocks(tx, [metrics.Series(run, KEY, *zip(*points, strict=True))], {run: 0})
        return
    rows = [
        (run, KEY, time, step, 0.0 if math.isnan(value) else value, math.isnan(value)) for time, step, value in points
    ]
    metrics.insert_points(tx, rows, {run: 0})


def pack_rows(tx: Connection, run: int, count: int) -> None:
    """Make the first rows of a run blocks."""
    compaction.compact(tx, [Job(run, KEY, count)])


def merge_blocks(tx: Connection, run: int, places: Sequence[int]) -> None:
    """Merge those blocks of a run that are at these places, modulo how many there are."""
    blocks = blocks_of(tx, run)
    numbers = {blocks[place % len(blocks)].number for place in places} if blocks else set()
    if numbers:
        compaction.compact(tx, [Job(run, KEY, 0, tuple(numbers))])


def blocks_of(tx: Connection, run: int) -> list[Block]:
    """Return a run's blocks by their first points."""
    return find_blocks(tx, Block, f"run = ? AND key = ? ORDER BY {BY_POSITION}", (run, KEY))


def count_rows(tx: Connection, run: int) -> int:
    """Return how many points of a run are rows."""
    return int(tx.execute(select(func.count()).where(metric_points.c.run == run)).scalar_one())


def read(tx: Connection, run: int, after: Position = history.START, limit: int = 1_000_000) -> list[Position]:
    """Return the first points of a run after a position."""
    return positions(history.read_points(tx, run, KEY, after, limit))


def positions(points: Points) -> list[Position]:
    """Return points one by one."""
    return [points.position(place) for place in range(len(points))]
