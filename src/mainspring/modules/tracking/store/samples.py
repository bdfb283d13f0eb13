"""Thinning histories as MLflow's charts ask for it: points at even distances, found without reading the others.

The points of a run are put in the order (step, timestamp, value, is_nan) and dealt to ``limit`` buckets of the
same size, as SQL's NTILE does; the first of each bucket is kept, and the last point of all. Rows of blocks
say how many points lie where, so that only the blocks that hold a kept point are unpacked. Blocks whose
steps go back and forth, or that overlap others, are unpacked too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, chain
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from mainspring.modules.tracking.blocks import Points, by_step, decode, decode_point, merge
from mainspring.modules.tracking.store.blocks import Block, find_blocks, load_blocks, load_points
from mainspring.modules.tracking.store.history import read_rows

_FEW = 4
"""Up to how many points are taken from a block without unpacking it whole."""

Place = tuple[int, int, float, bool]
"""A point in the order of the sample: (step, timestamp, value, is_nan)."""


class _Part(NamedTuple):
    """Points that follow each other in the order of the sample, from one to another: unpacked, or the block."""

    low: Place
    high: Place
    size: int
    content: Points | Block


def sample(tx: Connection, runs: Sequence[int], key: str, limit: int, steps: tuple[int, int]) -> dict[int, Points]:
    """Return at most ``limit`` points of each run with steps from ``steps[0]`` to ``steps[1]``, by step."""
    these = ",".join(map(str, runs))
    condition = f"run IN ({these}) AND key = ? AND max_step >= ? AND min_step <= ?"
    blocks: dict[int, list[Block]] = {run: [] for run in runs}
    for block in find_blocks(tx, Block, condition, (key, *steps)):
        blocks[block.run].append(block)
    return {run: _sample_run(tx, found, read_rows(tx, run, key), limit, steps) for run, found in blocks.items()}


def _sample_run(tx: Connection, blocks: list[Block], rows: Points, limit: int, steps: tuple[int, int]) -> Points:
    packed = [block for block in blocks if _is_even(block, steps)]
    uneven = [block for block in blocks if not _is_even(block, steps)]
    unpacked = [_within(points, steps) for points in (rows, *_unpack(tx, uneven))]
    parts = _disjoint(tx, [*map(_block_part, packed), *(_points_part(points) for points in unpacked if len(points))])
    ends = list(accumulate(part.size for part in parts))
    chosen: dict[int, list[int]] = {}
    for rank in _ranks(ends[-1] if ends else 0, limit):
        place = bisect_right(ends, rank)
        chosen.setdefault(place, []).append(rank - ends[place] + parts[place].size)
    return _pick(tx, [(parts[place].content, within) for place, within in chosen.items()])


def _ranks(count: int, limit: int) -> list[int]:
    """Return which of ``count`` points are kept: the first of each of ``limit`` buckets, and the last of all."""
    size, larger = divmod(count, limit)
    ranks = [bucket * size + min(bucket, larger) for bucket in range(min(count, limit))]
    if ranks and ranks[-1] != count - 1:
        ranks[limit - 1 :] = [count - 1]
    return ranks


def _is_even(block: Block, steps: tuple[int, int]) -> bool:
    """Say whether a block lies wholly within the window, its points in the order of the sample."""
    return block.steps_increase and steps[0] <= block.min_step and block.max_step <= steps[1]


def _within(points: Points, steps: tuple[int, int]) -> Points:
    points = by_step(points)
    start, stop = points.steps.searchsorted(steps[0], "left"), points.steps.searchsorted(steps[1], "right")
    return points.cut(int(start), int(stop))


def _block_part(block: Block) -> _Part:
    low = (block.first_step, block.first_timestamp, block.first_value or 0.0, block.first_value is None)
    high = (block.last_step, block.last_timestamp, block.last_value or 0.0, block.last_value is None)
    return _Part(low, high, block.points, block)


def _points_part(points: Points) -> _Part:
    first, last = points.position(0), points.position(-1)
    low, high = (first.step, first.timestamp, *first[2:]), (last.step, last.timestamp, *last[2:])
    return _Part(low, high, len(points), points)


def _disjoint(tx: Connection, parts: list[_Part]) -> list[_Part]:
    """Return the parts in their order, those that overlap as one, in which a repeated point is once."""
    parts.sort(key=lambda part: part.low)
    groups: list[list[_Part]] = []
    reach: Place | None = None
    for part in parts:
        if reach is None or part.low > reach:
            groups.append([part])
            reach = part.high
        else:
            groups[-1].append(part)
            reach = max(reach, part.high)
    return [group[0] if len(group) == 1 else _united(tx, group) for group in groups]


def _united(tx: Connection, group: list[_Part]) -> _Part:
    unpacked = [part.content for part in group if isinstance(part.content, Points)]
    packed = [part.content for part in group if isinstance(part.content, Block)]
    return _points_part(by_step(merge([*unpacked, *_unpack(tx, packed)])))


def _unpack(tx: Connection, blocks: Sequence[Block]) -> list[Points]:
    return [points for _, points in load_points(tx, blocks)]


def _pick(tx: Connection, chosen: Sequence[tuple[Points | Block, list[int]]]) -> Points:
    """Return points by their places within parts; no block is kept once its points are taken."""
    picked: list[list[tuple[int, int, float]]] = [[] for _ in chosen]
    packed: dict[int, int] = {}
    for part, (content, places) in enumerate(chosen):
        if isinstance(content, Block):
            packed[content.number] = part
        else:
            picked[part] = _listed(content, places)
    for block, data in load_blocks(tx, [content for content, _ in chosen if isinstance(content, Block)]):
        part = packed[block.number]
        places = chosen[part][1]
        few = len(places) <= _FEW
        picked[part] = [decode_point(data, place) for place in places] if few else _listed(decode(data), places)
    timestamps, steps, values = zip(*chain.from_iterable(picked), strict=True) if chosen else ((), (), ())
    return Points(np.array(timestamps, np.int64), np.array(steps, np.int64), np.array(values, np.float64))


def _listed(points: Points, places: list[int]) -> list[tuple[int, int, float]]:
    taken = points.take(np.array(places))
    return list(zip(taken.timestamps.tolist(), taken.steps.tolist(), taken.values.tolist(), strict=True))
