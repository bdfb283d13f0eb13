"""Packing points: what comes out is what went in, bit for bit, and a block that is damaged says so."""

from __future__ import annotations

import math
import random
import statistics
import struct
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mainspring.kit.errors import Internal
from mainspring.modules.tracking.blocks import (
    Points,
    arrange,
    by_step,
    decode,
    decode_point,
    merge,
    pack,
    pack_alike,
)
from mainspring.modules.tracking.positions import Position

LEAST, MOST = -(2**63), 2**63 - 1
HUGE = 1.7976931348623157e308
Point = tuple[int, int, float]

near = st.integers(-3, 3)
integers = st.one_of(near, st.integers(LEAST, MOST), st.sampled_from([LEAST, LEAST + 1, MOST - 1, MOST]))
values = st.one_of(
    st.sampled_from([0.0, -0.0, 1.5, math.nan, HUGE, -HUGE, 5e-324]),
    st.floats(width=32, allow_infinity=False),
    st.floats(allow_infinity=False),
)
points_in_any_order = st.lists(st.tuples(integers, integers, values), min_size=1, max_size=40)


def arranged(points: Sequence[Point]) -> Points:
    return arrange(*zip(*points, strict=True)) if points else arrange((), (), ())


def listed(points: Points) -> list[Point]:
    return list(zip(points.timestamps.tolist(), points.steps.tolist(), points.values.tolist(), strict=True))


def bits(points: Points) -> list[tuple[int, int, bytes]]:
    """Return points as what is equal only if every bit is; all NaN are one."""
    return [
        (time, step, struct.pack("<d", value if value == value else math.nan)) for time, step, value in listed(points)
    ]


def positions(points: Sequence[Point]) -> list[Position]:
    return [Position.of(*point) for point in points]


@given(points_in_any_order)
def test_arranged_is_sorted_and_each_once(points: list[Point]) -> None:
    assert positions(listed(arranged(points))) == sorted(set(positions(points)))


@given(points_in_any_order)
@example([(LEAST, LEAST, 0.0), (MOST, MOST, -0.0), (MOST, LEAST, math.nan)])
@example([(0, 0, 1.0), (1, 1, 1.0), (2, 2, 1.0)])
@example([(0, LEAST, HUGE), (0, MOST, HUGE)])
@example([(step, MOST - step, 0.1 * step) for step in range(40)])
def test_packed_and_unpacked(points: list[Point]) -> None:
    whole = arranged(points)
    data = pack(whole).data
    assert bits(decode(data)) == bits(whole)
    for place, point in enumerate(listed(whole)):
        assert bits(arranged([decode_point(data, place)])) == bits(arranged([point]))


@given(points_in_any_order)
def test_what_a_row_says_of_its_points(points: list[Point]) -> None:
    whole = arranged(points)
    row, these = pack(whole), listed(whole)
    numbers = [value for _, _, value in these if value == value]
    steps = [step for _, step, _ in these]
    assert (row.points, row.nans) == (len(these), len(these) - len(numbers))
    assert Position.of(row.first_timestamp, row.first_step, row.first_value) == whole.position(0)
    assert Position.of(row.last_timestamp, row.last_step, row.last_value) == whole.position(-1)
    assert (row.min_step, row.max_step) == (min(steps), max(steps))
    deltas = {after - before for before, after in pairwise(steps)}
    fits = len(deltas) == 1 and LEAST <= min(deltas) <= MOST
    assert row.step_delta == (deltas.pop() if fits else None)
    assert row.steps_increase == (steps == sorted(steps))
    if not numbers:
        assert row[12:20] == (None,) * 8
        return
    assert (row.min_value, row.max_value) == (min(numbers), max(numbers))
    assert (row.min_value_timestamp, row.min_value_step, row.min_value) in these
    assert (row.max_value_timestamp, row.max_value_step, row.max_value) in these
    assert row.mean is not None
    assert math.isfinite(row.mean)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_moments(numbers: list[float]) -> None:
    row = pack(arranged([(time, 0, value) for time, value in enumerate([*numbers, math.nan])]))
    assert row.mean == pytest.approx(statistics.fmean(numbers), abs=1e-6)
    assert row.squared_deviations == pytest.approx(statistics.pvariance(numbers) * len(numbers), rel=1e-6, abs=1e-3)


@given(points_in_any_order, st.tuples(integers, integers, values))
def test_after(points: list[Point], other: Point) -> None:
    whole = arranged(points)
    for position in (*positions(points), Position.of(*other)):
        expected = [point for point in listed(whole) if Position.of(*point) > position]
        assert positions(listed(whole.after(position))) == positions(expected)


@given(st.lists(points_in_any_order, min_size=1, max_size=4))
def test_merged(parts: list[list[Point]]) -> None:
    merged = merge([arranged(part) for part in parts])
    assert positions(listed(merged)) == sorted({Position.of(*point) for part in parts for point in part})


@given(points_in_any_order)
def test_by_step(points: list[Point]) -> None:
    found = [Position.of(*point) for point in listed(by_step(arranged(points)))]
    assert found == sorted(set(positions(points)), key=lambda each: (each.step, each.timestamp, *each[2:]))


class TestSize:
    def bytes_a_point(self, points: list[Point]) -> float:
        return len(pack(arranged(points)).data) / len(points)

    def test_doubles_at_regular_steps(self) -> None:
        random.seed(1)
        points = [
            (1_700_000_000_000 + 100 * step + random.randrange(20), step, random.random()) for step in range(1024)
        ]
        assert self.bytes_a_point(points) < 9.1

    def test_doubles_with_times_that_jump(self) -> None:
        random.seed(1)
        points = [
            (1_700_000_000_000 + 100 * step + random.randrange(60), step, random.random()) for step in range(1024)
        ]
        points[500] = (points[500][0] + 30, *points[500][1:])
        assert self.bytes_a_point(points) < 10.1

    def test_floats_of_half_the_size(self) -> None:
        points = [(1000 * step, step, float(np.float32(0.1 * step))) for step in range(1024)]
        assert self.bytes_a_point(points) < 4.1

    def test_what_never_changes(self) -> None:
        assert self.bytes_a_point([(1000 * step, 5, 0.1) for step in range(1024)]) < 0.1


class TestDamage:
    data = pack(arranged([(step * step, step**3, 0.1 * step) for step in range(100)])).data

    @pytest.mark.parametrize(
        ("damaged", "how"),
        [
            (b"", "0 bytes, fewer than its header"),
            (data[:39], "39 bytes, fewer than its header"),
            (data[:-1], "in place of"),
            (data + b"\0", "in place of"),
            (b"\2" + data[1:], "its format is 2, and this release reads 1"),
            (data[:1] + b"\3" + data[2:], "100 points of 3"),
            (data[:2] + b"\3" + data[3:], "100 points of 8, 3"),
            (data[:4] + b"\0\0\0\0" + data[8:], "0 points"),
            (data[:4] + b"\xff\xff\xff\xff" + data[8:], "in place of"),
        ],
    )
    def test_is_told(self, damaged: bytes, how: str) -> None:
        for read in (decode, lambda data: decode_point(data, 0)):
            with pytest.raises(Internal, match=how):
                read(damaged)

    @given(st.binary(max_size=200))
    def test_any_bytes(self, data: bytes) -> None:
        with suppress(Internal):
            decode(data)

    @given(st.integers(0, len(data) - 1), st.integers(0, 255))
    def test_any_byte(self, place: int, byte: int) -> None:
        with suppress(Internal):
            decode(self.data[:place] + bytes([byte]) + self.data[place + 1 :])


def test_a_server_loads_numpy_when_points_are_packed_or_read_and_not_before() -> None:
    program = (
        "import sys, mainspring.server.app, mainspring.server.v1, mainspring.worker.tasks as tasks\n"
        "tasks.load_tasks()\n"
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@given(points_in_any_order, st.lists(values, min_size=1), st.integers(1, 5))
def test_blocks_that_are_packed_together_are_those_packed_alone(
    points: list[Point], others: list[float], blocks: int
) -> None:
    """Of metrics that are logged together; what is added up may differ in its last digits."""
    first = arranged(points)
    count = len(first)
    drawn = random.Random(blocks)
    columns = [first.values, *([drawn.choice(others) for _ in range(count)] for _ in range(blocks))]
    together = pack_alike(first.timestamps, first.steps, np.array(columns, dtype=np.float64))
    for packed, column in zip(together, columns, strict=True):
        alone = pack(Points(first.timestamps, first.steps, np.array(column, dtype=np.float64)))
        summed = {"mean", "squared_deviations"}
        exact = [name for name in alone._fields if name not in summed]
        assert [getattr(packed, name) for name in exact] == [getattr(alone, name) for name in exact]
        for name in summed:
            one, other = getattr(packed, name), getattr(alone, name)
            assert one is other is None or one == pytest.approx(other, rel=1e-9, nan_ok=True)
