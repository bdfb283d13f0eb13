"""Reading points wherever they are kept: each once, in their order, and while they are moved."""

from __future__ import annotations

import asyncio
import math
import sqlite3
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from mainspring.db.engine import Database
from mainspring.modules.tracking.positions import Position
from mainspring.modules.tracking.store.samples import sample
from tests.modules.tracking.metric_points import (
    KEY,
    Point,
    count_rows,
    merge_blocks,
    new_run,
    pack_rows,
    positions,
    read,
    write,
)

# Few different points, so that they are repeated and tied.
points = st.tuples(
    st.integers(0, 5), st.integers(-3, 3), st.sampled_from([0.0, -0.0, 1.0, -2.5, math.nan, 1.7976931348623157e308])
)
writes = st.lists(st.tuples(st.booleans(), st.lists(points, min_size=1, max_size=12)), min_size=1, max_size=6)
moves = st.lists(st.one_of(st.integers(1, 20), st.lists(st.integers(0, 9), min_size=1, max_size=3)), max_size=12)
thorough = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def tx(database: Database) -> Iterator[Connection]:
    """Yield a transaction of a writer, undone at the end."""
    with database.write_engine.connect() as tx:
        tx.begin()
        yield tx


def fill(tx: Connection, written: Sequence[tuple[bool, Sequence[Point]]]) -> tuple[int, list[Position]]:
    """Log points to a new run; return its key and what is to be read, in order."""
    run = new_run()
    for packed, some in written:
        write(tx, run, some, packed=packed)
    return run, sorted({Position.of(*point) for _, some in written for point in some})


def move(tx: Connection, run: int, how: int | list[int]) -> None:
    """Make some rows a block, or some blocks one."""
    if isinstance(how, int):
        pack_rows(tx, run, how)
    else:
        merge_blocks(tx, run, how)


@thorough
@given(writes, moves, st.integers(1, 9))
def test_pages_while_points_are_moved(
    tx: Connection, written: list[tuple[bool, list[Point]]], moved: list[int | list[int]], limit: int
) -> None:
    run, expected = fill(tx, written)
    found = read(tx, run, limit=limit)
    page = found
    while len(page) == limit:
        if moved:
            move(tx, run, moved.pop())
        page = read(tx, run, found[-1], limit)
        found += page
    assert found == expected
    for how in moved:
        move(tx, run, how)
        assert read(tx, run) == expected


@thorough
@given(writes, writes, st.integers(1, 9))
def test_pages_while_points_arrive(
    tx: Connection, before: list[tuple[bool, list[Point]]], later: list[tuple[bool, list[Point]]], limit: int
) -> None:
    run, expected = fill(tx, before)
    found = read(tx, run, limit=limit)
    page = found
    arrived: set[Position] = set()
    while len(page) == limit:
        if later:
            packed, some = later.pop()
            write(tx, run, some, packed=packed)
            arrived |= {Position.of(*point) for point in some}
        page = read(tx, run, found[-1], limit)
        found += page
    assert found == sorted(set(found))
    assert set(expected) <= set(found) <= set(expected) | arrived


def thinned(expected: Sequence[Position], limit: int, window: tuple[int, int]) -> list[Position]:
    """Return a sample as SQL takes it: the statement is that of MLflow's store."""
    rows = [(each.step, *each) for each in expected if window[0] <= each.step <= window[1]]
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE m (s, timestamp, step, value, is_nan)")
        database.executemany("INSERT INTO m VALUES (?, ?, ?, ?, ?)", rows)
        order = "step, timestamp, value, is_nan"
        bucketed = f"SELECT *, ntile(?) OVER (ORDER BY {order}) AS bucket FROM m"
        ranked = f"SELECT *, row_number() OVER (PARTITION BY bucket ORDER BY {order}) AS place FROM ({bucketed})"
        chosen = f"SELECT timestamp, step, value, is_nan FROM ({ranked}) WHERE place = 1 ORDER BY {order}"
        found = [Position(*row[:3], bool(row[3])) for row in database.execute(chosen, (limit,))]
    last = max(rows, default=None)
    if last and found[-1] != Position(*last[1:]):
        found[limit - 1 :] = [Position(*last[1:])]
    return found


@thorough
@given(writes, moves, st.integers(1, 9), st.tuples(st.integers(-4, 4), st.integers(-4, 4)))
def test_samples(
    tx: Connection,
    written: list[tuple[bool, list[Point]]],
    moved: list[int | list[int]],
    limit: int,
    window: tuple[int, int],
) -> None:
    run, expected = fill(tx, written)
    for how in moved:
        move(tx, run, how)
    for steps in (window, (-(2**63), 2**63 - 1)):
        found = sample(tx, [run], KEY, limit, steps)
        assert positions(found[run]) == thinned(expected, limit, steps)


@pytest.mark.parametrize("limit", [1, 2, 320, 2500, 10_000])
def test_samples_of_long_curves(tx: Connection, limit: int) -> None:
    regular, waves = new_run(), new_run()
    for start in range(0, 8000, 1000):
        write(tx, regular, [(9 * step, 3 * step, 0.1 * step) for step in range(start, start + 1000)], packed=True)
        write(tx, waves, [(at, at % 1500, 0.1 * at) for at in range(start, start + 1000)], packed=start % 2000 == 0)
    every = (-(2**63), 2**63 - 1)
    found = sample(tx, [regular, waves], KEY, limit, every)
    for run in (regular, waves):
        assert positions(found[run]) == thinned(read(tx, run), limit, every)
    window = sample(tx, [regular], KEY, limit, (1000, 20_000))
    assert positions(window[regular]) == thinned(read(tx, regular), limit, (1000, 20_000))


def test_many_blocks_that_overlap(tx: Connection) -> None:
    run = new_run()
    for offset in range(100):
        write(tx, run, [(100 * step + offset, step, 0.5) for step in range(50)], packed=True)
    write(tx, run, [(time, 7, 0.25) for time in range(5_000)])
    expected = sorted(
        {Position(100 * step + offset, step, 0.5, False) for offset in range(100) for step in range(50)}
        | {Position(time, 7, 0.25, False) for time in range(5_000)}
    )
    found: list[Position] = []
    while page := read(tx, run, found[-1] if found else Position(-1, 0, 0.0, False), 777):
        found += page
    assert found == expected


def test_all_that_a_reader_sees_is_of_one_moment(database: Database) -> None:
    run = new_run()
    with database.write_engine.begin() as tx:
        write(tx, run, [(time, time, 1.0) for time in range(500)])

    def read_and_move(reader: Connection) -> None:
        assert len(read(reader, run, limit=1)) == 1
        with database.write_engine.begin() as tx:
            pack_rows(tx, run, 300)
            write(tx, run, [(1000, 0, 1.0)])
        assert [each.timestamp for each in read(reader, run)] == list(range(500))
        assert count_rows(reader, run) == 500

    def read_again(reader: Connection) -> None:
        assert [each.timestamp for each in read(reader, run)] == [*range(500), 1000]
        assert count_rows(reader, run) == 201

    asyncio.run(database.read(read_and_move))
    asyncio.run(database.read(read_again))
