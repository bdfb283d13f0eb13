"""Thinning histories as MLflow's charts ask for it: points at even distances, found without reading the others.

The points of a run are put in the order (step, timestamp, value, is_nan) and dealt to ``limit`` buckets of the
same size, as SQL's NTILE does; the first of each bucket is kept, and the last point of all. Rows of blocks
say how many points lie where, so that only the blocks that hold a kept point are unpacked. Blocks whose
steps go back and forth, or that overlap others, are unpacked too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from mainspring.kit.sql_engines import select_rows
from mainspring.modules.tracking.blocks import Points, by_step, decode, decode_point, merge
from mainspring.modules.tracking.store.blocks import Located, load_blocks, load_points
from mainspring.modules.tracking.store.history import read_rows

_FEW = 4
"""Up to how many points are taken from a block without unpacking it whole."""
_COLUMNS = (
    "run, number, points, steps_increase, "
    "first_step, first_timestamp, first_value, last_step, last_timestamp, last_value"
)

Place = tuple[int, int, float, bool]
"""A point in the order of the sample: (step, timestamp, value, is_nan)."""


class _Part(NamedTuple):
    """Points that follow each other in the order of the sample, from one to another: unpacked, or a block's number."""

    low: Place
    high: Place
    size: int
    content: Points | int


class _Curve(NamedTuple):
    """What is sampled of a run: blocks whose points are in the sample's order, and the numbers of the others."""

    even: list[_Part]
    uneven: list[int]


def sample(tx: Connection, runs: Sequence[int], key: str, limit: int, steps: tuple[int, int]) -> dict[int, Points]:
    """Return at most ``limit`` points of each run with steps from ``steps[0]`` to ``steps[1]``, by step."""
    curves = {run: _Curve([], []) for run in runs}
    these = ",".join(map(str, runs))
    condition = f"run IN ({these}) AND key = ? AND max_step >= ? AND min_step <= ?"
    for run, number, size, increase, *ends in select_rows(
        tx, f"SELECT {_COLUMNS} FROM metric_blocks WHERE {condition}", (key, *steps)
    ):
        first_step, first_time, first, last_step, last_time, last = ends
        if increase and steps[0] <= first_step and last_step <= steps[1]:
            low, high = (
                (first_step, first_time, first or 0.0, first is None),
                (last_step, last_time, last or 0.0, last is None),
            )
            curves[run].even.append(_Part(low, high, size, number))
        else:
            curves[run].uneven.append(number)
    return {run: _Sampling(tx, run, key).of(curve, limit, steps) for run, curve in curves.items()}


class _Sampling:
    """The sampling of one run's metric."""

    def __init__(self, tx: Connection, run: int, key: str) -> None:
        self._tx, self._run, self._key = tx, run, key

    def of(self, curve: _Curve, limit: int, steps: tuple[int, int]) -> Points:
        """Return at most ``limit`` points with steps from ``steps[0]`` to ``steps[1]``."""
        loose = [read_rows(self._tx, self._run, self._key), *self._unpack(curve.uneven).values()]
        unpacked = [_within(points, steps) for points in loose]
        parts = self._disjoint([*curve.even, *(_points_part(points) for points in unpacked if len(points))])
        ends = list(accumulate(part.size for part in parts))
        chosen: dict[int, list[int]] = {}
        for rank in _ranks(ends[-1] if ends else 0, limit):
            place = bisect_right(ends, rank)
            chosen.setdefault(place, []).append(rank - ends[place] + parts[place].size)
        return self._pick([(parts[place].content, within) for place, within in chosen.items()])

    def _disjoint(self, parts: list[_Part]) -> list[_Part]:
        """Return the parts in their order, those that overlap as one, in which a repeated point is once."""
        parts.sort(key=itemgetter(0))
        groups: list[list[_Part]] = []
        reach: Place | None = None
        for part in parts:
            if reach is None or part.low > reach:
                groups.append([part])
                reach = part.high
            else:
                groups[-1].append(part)
                reach = max(reach, part.high)
        overlapping = [part.content for group in groups if len(group) > 1 for part in group]
        blocks = self._unpack([content for content in overlapping if isinstance(content, int)])
        return [group[0] if len(group) == 1 else _united(group, blocks) for group in groups]

    def _located(self, numbers: Iterable[int]) -> list[Located]:
        return [Located(self._run, self._key, number) for number in numbers]

    def _unpack(self, numbers: Iterable[int]) -> dict[int, Points]:
        return {block.number: points for block, points in load_points(self._tx, self._located(numbers))}

    def _pick(self, chosen: Sequence[tuple[Points | int, list[int]]]) -> Points:
        """Return points by their places within parts; no block is kept once its points are taken."""
        picked: list[list[tuple[int, int, float]]] = [[] for _ in chosen]
        packed: dict[int, int] = {}
        for part, (content, places) in enumerate(chosen):
            if isinstance(content, int):
                packed[content] = part
            else:
                picked[part] = _listed(content, places)
        for block, data in load_blocks(self._tx, self._located(packed)):
            part = packed[block.number]
            places = chosen[part][1]
            few = len(places) <= _FEW
            picked[part] = [decode_point(data, place) for place in places] if few else _listed(decode(data), places)
        timestamps, steps, values = zip(*chain.from_iterable(picked), strict=True) if chosen else ((), (), ())
        return Points(np.array(timestamps, np.int64), np.array(steps, np.int64), np.array(values, np.float64))


def _ranks(count: int, limit: int) -> list[int]:
    """Return which of ``count`` points are kept: the first of each of ``limit`` buckets, and the last of all."""
    size, larger = divmod(count, limit)
    ranks = [bucket * size + min(bucket, larger) for bucket in range(min(count, limit))]
    if ranks and ranks[-1] != count - 1:
        ranks[limit - 1 :] = [count - 1]
    return ranks


def _within(points: Points, steps: tuple[int, int]) -> Points:
    points = by_step(points)
    start, stop = points.steps.searchsorted(steps[0], "left"), points.steps.searchsorted(steps[1], "right")
    return points.cut(int(start), int(stop))


def _points_part(points: Points) -> _Part:
    first, last = points.position(0), points.position(-1)
    low, high = (first.step, first.timestamp, *first[2:]), (last.step, last.timestamp, *last[2:])
    return _Part(low, high, len(points), points)


def _united(group: list[_Part], blocks: Mapping[int, Points]) -> _Part:
    parts = [blocks[part.content] if isinstance(part.content, int) else part.content for part in group]
    return _points_part(by_step(merge(parts)))


def _listed(points: Points, places: list[int]) -> list[tuple[int, int, float]]:
    taken = points.take(np.array(places))
    return list(zip(taken.timestamps.tolist(), taken.steps.tolist(), taken.values.tolist(), strict=True))
