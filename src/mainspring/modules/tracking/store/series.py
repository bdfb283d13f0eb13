"""Reading curves for charts: the rows of blocks, which say enough of most points, and the others as points.

Importing this module loads numpy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Connection

from mainspring.kit.sql_engines import select_rows
from mainspring.modules.tracking.blocks import Points, merge
from mainspring.modules.tracking.store.blocks import find_blocks, load_points
from mainspring.modules.tracking.store.history import to_points


class Summary(NamedTuple):
    """What a chart must know of a block; ``tables.py`` explains the columns."""

    run: int
    key: str
    number: int
    points: int
    nans: int
    first_timestamp: int
    first_step: int
    first_value: float | None
    last_timestamp: int
    last_step: int
    last_value: float | None
    min_step: int
    max_step: int
    min_value: float | None
    min_value_step: int | None
    min_value_timestamp: int | None
    max_value: float | None
    max_value_step: int | None
    max_value_timestamp: int | None
    mean: float | None
    squared_deviations: float | None


_BY_TIME = attrgetter("first_timestamp", "first_step")


@dataclass(slots=True)
class Curve:
    """All points of one run and key, each once: those of ``blocks``, still packed, and those of ``parts``."""

    run: int
    key: str
    blocks: list[Summary]
    parts: list[Points]

    def unpack(self, tx: Connection, blocks: Sequence[Summary]) -> None:
        """Make the points of some of the blocks loose."""
        if blocks:
            numbers = {block.number for block in blocks}
            self.blocks = [block for block in self.blocks if block.number not in numbers]
            self.parts += [points for _, points in load_points(tx, blocks)]

    def loose(self) -> Points:
        """Return the points that are unpacked, by their positions."""
        return merge(self.parts)


def read_curves(tx: Connection, runs: Sequence[int], keys: Sequence[str]) -> list[Curve]:
    """Return the curves of these runs and keys that have points, by run and key."""
    if not runs:
        return []
    these, marks = ",".join(map(str, runs)), ",".join("?" * len(keys))
    condition = f"run IN ({these}) AND key IN ({marks})"
    blocks: dict[tuple[int, str], list[Summary]] = {}
    for block in find_blocks(tx, Summary, condition, keys):
        blocks.setdefault(block[:2], []).append(block)
    rows: dict[tuple[int, str], list[tuple[int, int, float, bool]]] = {}
    statement = f"SELECT run, key, timestamp, step, value, is_nan FROM metric_points WHERE {condition}"
    for run, key, *point in select_rows(tx, statement, keys):
        rows.setdefault((run, key), []).append((point[0], point[1], point[2], point[3]))
    return [
        _curve(tx, run, key, blocks.get((run, key), []), to_points(rows.get((run, key), ())))
        for run, key in sorted(blocks.keys() | rows.keys())
    ]


def _curve(tx: Connection, run: int, key: str, blocks: list[Summary], rows: Points) -> Curve:
    curve = Curve(run, key, sorted(blocks, key=_BY_TIME), [rows])
    overlapping = _overlapping(curve.blocks)
    # A row within the span of a block may be a point that the block holds too.
    starts = rows.timestamps.searchsorted([block.first_timestamp for block in curve.blocks], "left")
    stops = rows.timestamps.searchsorted([block.last_timestamp for block in curve.blocks], "right")
    mixed = [block for block, some in zip(curve.blocks, stops > starts, strict=True) if some]
    curve.unpack(tx, list(dict.fromkeys([*overlapping, *mixed])))
    return curve


def _overlapping(blocks: Iterable[Summary]) -> list[Summary]:
    """Return the blocks, given by their first times and steps, that may overlap another one."""
    found: list[Summary] = []
    reach: Summary | None = None
    for block in blocks:
        if reach is not None and _touch(reach, block):
            found += [reach, block]
        if reach is None or (block.last_timestamp, block.last_step) >= (reach.last_timestamp, reach.last_step):
            reach = block
    return found


def _touch(before: Summary, block: Summary) -> bool:
    return (block.first_timestamp, block.first_step) <= (before.last_timestamp, before.last_step)
