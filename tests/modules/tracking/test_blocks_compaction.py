"""Compaction: which runs it looks at, what it merges and how often, and what it leaves alone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select, update

from mainspring.db.engine import Database
from mainspring.engines.blobs import open_store
from mainspring.kit.actors import LOCAL
from mainspring.kit.time import now_ms
from mainspring.modules.services import Services
from mainspring.modules.tracking import service, tables, tasks
from mainspring.modules.tracking.blocks import Points, arrange, merge, pack
from mainspring.modules.tracking.schemas import Batch, Metric, RunCreate, RunStatus, RunUpdate
from mainspring.modules.tracking.service import upkeep
from mainspring.modules.tracking.store import compaction
from mainspring.modules.tracking.store.blocks import Block
from mainspring.modules.tracking.store.compaction import DEEP, FULL, SMALL, plan_merges
from mainspring.modules.tracking.store.runs import find_keys
from tests.modules.tracking.metric_points import KEY, Point, blocks_of, count_rows, read, write

LONG_AGO = 120_000


@dataclass
class Shelf:
    """Blocks of one metric, kept in memory, that are merged as ``plan_merges`` says; ``rewritten`` counts points."""

    blocks: list[tuple[Block, Points]] = field(default_factory=list)
    rewritten: int = 0
    _number: int = 0

    def add(self, points: Points) -> None:
        for start in range(0, len(points), FULL):
            self._add(points.cut(start, start + FULL))

    def _add(self, points: Points) -> None:
        row = pack(points)._asdict()
        self._number += 1
        known = {name: row[name] for name in Block._fields[3:]}
        self.blocks.append((Block(run=1, key=KEY, number=self._number, **known), points))
        self.blocks.sort(key=lambda each: each[0].first)

    def compact(self, *, deep: int, resting: bool) -> None:
        while plan := plan_merges([block for block, _ in self.blocks], deep=deep, resting=resting):
            for group in plan:
                numbers = {block.number for block in group}
                taken = [points for block, points in self.blocks if block.number in numbers]
                assert len(taken) == len(numbers) > 1
                self.blocks = [each for each in self.blocks if each[0].number not in numbers]
                self.rewritten += sum(map(len, taken))
                for piece in compaction.pieces(merge(taken)):
                    self._add(piece)

    def depth(self) -> int:
        """Return how many blocks there are at most at one position."""
        return max(sum(each.first <= block.first <= each.last for each, _ in self.blocks) for block, _ in self.blocks)


def line(start: int, count: int, every: int = 1) -> Points:
    steps = range(start, start + count * every, every)
    return arrange([1000 * step for step in steps], steps, [0.5] * count)


@pytest.mark.parametrize("size", [16, 100, 256, 500])
def test_batches_in_order_are_written_a_few_times(size: int) -> None:
    shelf = Shelf()
    total = 20_000
    for start in range(0, total, size):
        shelf.add(line(start, size))
        shelf.compact(deep=DEEP, resting=False)
    assert shelf.rewritten <= 6 * total
    shelf.compact(deep=1, resting=True)
    assert sum(len(points) for _, points in shelf.blocks) >= total
    assert len(shelf.blocks) <= total / SMALL + 1
    assert shelf.depth() == 1


def test_full_batches_are_left_alone() -> None:
    shelf = Shelf()
    for start in range(0, 50_000, 1000):
        shelf.add(line(start, 1000))
    shelf.compact(deep=1, resting=True)
    assert shelf.rewritten == 0


def test_late_points_do_not_rewrite_the_history() -> None:
    """Of 300 batches of late points, each scattered over a history of 100,000, a point is written some ten times."""
    shelf = Shelf()
    for start in range(0, 200_000, 2000):
        shelf.add(line(start, 1000, every=2))
    random.seed(1)
    late = 0
    for _ in range(300):
        steps = sorted(random.sample(range(1, 200_000, 2), 256))
        shelf.add(arrange([1000 * step for step in steps], steps, [0.5] * 256))
        late += 256
        shelf.compact(deep=DEEP, resting=False)
        assert shelf.depth() <= DEEP
    assert shelf.rewritten <= 12 * late
    before = shelf.rewritten
    shelf.compact(deep=1, resting=True)
    assert shelf.depth() == 1
    assert shelf.rewritten - before <= 4 * (100_000 + late)


few = st.integers(0, 30)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(st.tuples(few, few, few), min_size=1, max_size=20), min_size=1, max_size=30))
def test_any_blocks_end_up_disjoint(series: list[list[tuple[int, int, int]]]) -> None:
    shelf = Shelf()
    for points in series:
        shelf.add(arrange(*zip(*points, strict=True)))
    every = merge([points for _, points in shelf.blocks])
    shelf.compact(deep=DEEP, resting=False)
    assert shelf.depth() <= DEEP
    shelf.compact(deep=1, resting=True)
    assert shelf.depth() == 1
    kept = merge([points for _, points in shelf.blocks])
    assert sum(len(points) for _, points in shelf.blocks) == len(kept) == len(every)


def test_points_that_differ_in_nothing_but_their_value_end_up_disjoint() -> None:
    shelf = Shelf()
    for start in range(0, 5000, 250):
        shelf.add(arrange([7] * 500, [0] * 500, range(start, start + 500)))
    shelf.compact(deep=1, resting=True)
    assert shelf.depth() == 1
    assert sum(len(points) for _, points in shelf.blocks) == 5250


# On databases


@pytest.fixture
def services(database: Database, tmp_path: Path) -> Services:
    """Return the services of a server whose background tasks a test carries out itself."""
    return Services(database, open_store(tmp_path.as_uri()))


class Run:
    """A run that was made as clients make it."""

    def __init__(self, services: Services) -> None:
        self.db = services.db
        self.id = asyncio.run(self.db.write(service.create_run, LOCAL, RunCreate("0"))).run_id
        self.key = asyncio.run(self.db.read(find_keys, [self.id]))[self.id].key

    def log(self, points: Sequence[Point]) -> None:
        """Log points one after the other: they become rows."""
        for time, step, value in points:
            batch = Batch([Metric(KEY, value, time, step)])
            asyncio.run(self.db.write(service.log_batch, LOCAL, self.id, batch))

    def write(self, points: Sequence[Point], *, packed: bool = False) -> None:
        """Write points past the service."""
        with self.db.write_engine.begin() as tx:
            write(tx, self.key, points, packed=packed)
            tx.execute(update(tables.run_documents).where(tables.run_documents.c.run == self.key).values(body=None))

    def end(self) -> None:
        """Say that the run is over."""
        asyncio.run(self.db.write(service.update_run, LOCAL, self.id, RunUpdate(RunStatus.FINISHED)))

    def age(self) -> None:
        """Make it look as if the run had last changed two minutes ago."""
        then = now_ms() - LONG_AGO
        with self.db.write_engine.begin() as tx:
            of_run = tables.run_documents.c.run == self.key
            tx.execute(update(tables.run_documents).where(of_run).values(changed_at=then))

    def due(self) -> int | None:
        """Return when the compaction is to look at the run, None where it is not."""
        with self.db.read_engine.begin() as tx:
            queued = tables.compaction_queue
            return tx.execute(select(queued.c.due_at).where(queued.c.run == self.key)).scalar_one_or_none()

    def now(self) -> tuple[int, list[int]]:
        """Return how many rows there are, and the points of the blocks."""
        with self.db.read_engine.begin() as tx:
            return count_rows(tx, self.key), [block.points for block in blocks_of(tx, self.key)]

    def steps(self) -> list[int]:
        with self.db.read_engine.begin() as tx:
            return [position.step for position in read(tx, self.key)]


@pytest.fixture
def run(services: Services) -> Run:
    """Return a fresh run, the only one that is queued."""
    with services.db.write_engine.begin() as tx:
        tx.exec_driver_sql("DELETE FROM compaction_queue")
        tx.exec_driver_sql("UPDATE run_documents SET body = '{}' WHERE body IS NULL")
    return Run(services)


def work(services: Services) -> None:
    """Do all that the two tasks find to do."""
    while asyncio.run(tasks.refresh_documents(services)):
        continue
    while asyncio.run(tasks.compact(services)):
        continue


def points(count: int, start: int = 0) -> list[Point]:
    return [(1000 * step, step, 0.1 * step) for step in range(start, start + count)]


def test_rows_of_a_run_that_goes_on(services: Services, run: Run) -> None:
    run.write(points(255))
    run.age()
    asyncio.run(tasks.refresh_documents(services))
    with services.db.write_engine.begin() as tx:
        of_run = tables.run_documents.c.run == run.key
        tx.execute(update(tables.run_documents).where(of_run).values(changed_at=now_ms()))
    work(services)
    assert run.now() == (255, [])
    due = run.due()
    assert due is not None
    assert 0 < due - now_ms() <= 3_000
    run.write(points(1, start=255))
    make_due(run)
    work(services)
    assert run.now() == (0, [256])
    assert run.steps() == list(range(256))
    assert run.due() is not None


def make_due(run: Run) -> None:
    with run.db.write_engine.begin() as tx:
        tx.execute(update(tables.compaction_queue).where(tables.compaction_queue.c.run == run.key).values(due_at=0))


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "quiet"])
def test_rows_of_a_run_that_rests(services: Services, run: Run, ended: bool) -> None:
    run.write(points(40))
    run.write(points(300, start=40), packed=True)
    if ended:
        run.end()
    run.age()
    work(services)
    assert run.now() == (0, [340])
    assert run.due() is None
    run.write(points(31, start=340))
    run.age()
    work(services)
    assert run.now() == (31, [340])
    assert run.due() is None
    assert run.steps() == list(range(371))


def test_a_change_brings_a_run_back(services: Services, run: Run) -> None:
    run.end()
    run.age()
    work(services)
    assert run.due() is None
    run.log(points(1))
    assert not asyncio.run(tasks.refresh_documents(services))
    assert run.due() is None, "its document waits until the run has been quiet for two seconds"
    run.age()
    asyncio.run(tasks.refresh_documents(services))
    assert run.due() is not None


def test_a_run_without_points_is_not_looked_at(services: Services, run: Run) -> None:
    run.end()
    run.age()
    asyncio.run(tasks.refresh_documents(services))
    assert run.due() is None


def test_a_change_during_a_look_is_not_forgotten(services: Services, run: Run) -> None:
    run.log(points(1))
    run.end()
    run.age()
    asyncio.run(tasks.refresh_documents(services))
    look = asyncio.run(services.db.read(upkeep.look))
    assert [due.run for due in look.rested] == [run.key]
    run.log(points(1, start=1))
    asyncio.run(services.db.write(upkeep.finish_look, look))
    assert run.due() is not None


def test_many_rows_take_several_transactions(services: Services, run: Run) -> None:
    count = 2 * upkeep.ROWS_AT_ONCE + 500
    run.write(points(count))
    run.age()
    asyncio.run(tasks.refresh_documents(services))
    look = asyncio.run(services.db.read(upkeep.look))
    assert [sum(job.points for job in jobs) for jobs in look.batches] == [upkeep.ROWS_AT_ONCE] * 2 + [500]
    work(services)
    rows, sizes = run.now()
    assert rows == 0
    assert sum(sizes) == count
    assert sizes == [1000] * 8 + [500]
    assert run.steps() == list(range(count))


def test_late_and_repeated_points_of_a_run_that_ended(services: Services, run: Run) -> None:
    for start in range(0, 5000, 1000):
        run.write(points(1000, start), packed=True)
    run.write(points(5000)[3::50])
    run.write([(time + 1, step, value) for time, step, value in points(5000)[::50]])
    run.end()
    run.age()
    work(services)
    rows, sizes = run.now()
    assert (rows, sum(sizes)) == (0, 5100)
    assert run.steps() == sorted([*range(5000), *range(0, 5000, 50)])


def test_a_run_that_is_gone_leaves_the_queue(services: Services, run: Run) -> None:
    with services.db.write_engine.begin() as tx:
        tx.execute(insert(tables.compaction_queue).values(run=10**9, due_at=0))
    work(services)
    with services.db.read_engine.begin() as tx:
        assert tx.execute(select(tables.compaction_queue).where(tables.compaction_queue.c.run == 10**9)).all() == []


def test_a_damaged_block_does_not_hold_up_others(services: Services, run: Run) -> None:
    other = Run(services)
    for each in (run, other):
        each.write(points(300), packed=True)
        each.write(points(300, start=300), packed=True)
        each.end()
        each.age()
    with services.db.write_engine.begin() as tx:
        damage(tx, run)
    work(services)
    assert run.now() == (0, [300, 300])
    due = run.due()
    assert due is not None
    assert due > now_ms() + 1_000_000
    assert other.now() == (0, [600])
    assert other.steps() == list(range(600))


def damage(tx: Connection, run: Run) -> None:
    tx.execute(update(tables.metric_blocks).where(tables.metric_blocks.c.run == run.key).values(data=b"\1"))
