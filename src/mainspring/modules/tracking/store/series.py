"""Reading curves for charts: the rows of blocks, which say enough of most points, and the others as points.

Importing this module loads numpy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from mainspring.kit.sql_engines import select_rows
from mainspring.modules.tracking.blocks import Floats, Points, merge
from mainspring.modules.tracking.store.blocks import Located, load_points
from mainspring.modules.tracking.store.history import to_points

_INTEGERS = (
    *("run", "number", "points", "nans", "first_timestamp", "first_step", "last_timestamp", "last_step"),
    *("min_step", "max_step"),
)
_NUMBERS = ("first_value", "last_value", "min_value", "max_value", "mean")
_PLACES = ("min_value_step", "min_value_timestamp", "max_value_step", "max_value_timestamp")
"""Where a block has no number, that of its first point stands for its least and its greatest."""

SUMMARY = np.dtype([(name, np.int64) for name in (*_INTEGERS, *_PLACES)] + [(name, np.float64) for name in _NUMBERS])
"""What a chart must know of a block; ``tables.py`` explains the columns. A value is NaN where there is no number."""
_SUMMARY = ", ".join(
    [*_INTEGERS, *(f"coalesce({name}, first_{name.rpartition('_')[2]})" for name in _PLACES), *_NUMBERS]
)
Summaries = NDArray[Any]
"""Blocks of one curve, by their first points: an array of ``SUMMARY``."""


OUTLINE = 4
"""How many points ``outline`` tells of each block."""


@dataclass(slots=True)
class Curve:
    """All points of one run and key, each once: those of ``blocks``, still packed, and those of ``parts``."""

    run: int
    key: str
    blocks: Summaries
    parts: list[Points]

    def read(self, tx: Connection, blocks: Summaries) -> Iterable[Points]:
        """Yield the points of some of the blocks, a block at a time, in any order."""
        located = (Located(self.run, self.key, number) for number in blocks["number"].tolist())
        return (points for _, points in load_points(tx, located))

    def unpack(self, tx: Connection, chosen: NDArray[np.bool_]) -> None:
        """Make the points of the chosen blocks loose."""
        if chosen.any():
            self.parts += self.read(tx, self.blocks[chosen])
            self.blocks = self.blocks[~chosen]

    def loose(self) -> Points:
        """Return the points that are unpacked, by their positions."""
        return merge(self.parts)


def outline(blocks: Summaries) -> Points:
    """Return what the rows of blocks tell of their points: the first, the least, the greatest and the last of each."""

    def column(what: str) -> NDArray[Any]:
        names = [f"first_{what}", f"min_value_{what}", f"max_value_{what}", f"last_{what}"]
        return np.stack([blocks[name] for name in names], axis=1).ravel()

    values: Floats = np.stack([blocks[f"{name}_value"] for name in ("first", "min", "max", "last")], axis=1).ravel()
    return Points(column("timestamp"), column("step"), values)


def read_curves(tx: Connection, runs: Sequence[int], keys: Sequence[str]) -> list[Curve]:
    """Return the curves of these runs and keys that have points, by run and key."""
    if not runs:
        return []
    these = ",".join(map(str, runs))
    return sorted(
        (curve for key in keys for curve in _read_curves(tx, these, key)), key=lambda curve: (curve.run, curve.key)
    )


def _read_curves(tx: Connection, these: str, key: str) -> Iterable[Curve]:
    condition = f"WHERE run IN ({these}) AND key = ?"
    blocks = np.array(select_rows(tx, f"SELECT {_SUMMARY} FROM metric_blocks {condition}", (key,)), dtype=SUMMARY)
    blocks = blocks[np.lexsort((blocks["first_step"], blocks["first_timestamp"], blocks["run"]))]
    owners, starts = np.unique(blocks["run"], return_index=True)
    ends = [*starts[1:].tolist(), len(blocks)]
    packed = {run: blocks[start:end] for run, start, end in zip(owners.tolist(), starts.tolist(), ends, strict=False)}
    rows: dict[int, list[tuple[int, int, float, bool]]] = {}
    statement = f"SELECT run, timestamp, step, value, is_nan FROM metric_points {condition}"
    for run, *point in select_rows(tx, statement, (key,)):
        rows.setdefault(run, []).append((point[0], point[1], point[2], point[3]))
    for run in packed.keys() | rows.keys():
        yield _curve(tx, run, key, packed.get(run, blocks[:0]), to_points(rows.get(run, ())))


def _curve(tx: Connection, run: int, key: str, blocks: Summaries, rows: Points) -> Curve:
    curve = Curve(run, key, blocks, [rows])
    # A row within the span of a block may be a point that the block holds too.
    starts = rows.timestamps.searchsorted(blocks["first_timestamp"], "left")
    stops = rows.timestamps.searchsorted(blocks["last_timestamp"], "right")
    curve.unpack(tx, _overlapping(blocks) | (stops > starts))
    return curve


def _overlapping(blocks: Summaries) -> NDArray[np.bool_]:
    """Say of each block, given by their first points, whether it may overlap another one."""
    found = np.zeros(len(blocks), dtype=np.bool_)
    if _is_apart(blocks):
        return found
    ends = list(zip(blocks["last_timestamp"].tolist(), blocks["last_step"].tolist(), strict=True))
    begins = zip(blocks["first_timestamp"].tolist(), blocks["first_step"].tolist(), strict=True)
    reach = 0
    for place, begin in enumerate(begins):
        if place and begin <= ends[reach]:
            found[[reach, place]] = True
        if ends[place] >= ends[reach]:
            reach = place
    return found


def _is_apart(blocks: Summaries) -> bool:
    """Say whether each block ends before the next one begins."""
    begins, ends = blocks["first_timestamp"][1:], blocks["last_timestamp"][:-1]
    later = blocks["first_step"][1:] > blocks["last_step"][:-1]
    return bool(((begins > ends) | ((begins == ends) & later)).all())
