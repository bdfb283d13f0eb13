"""SQL of the compaction: which runs to look at, rows that become blocks, and blocks that become fewer.

Rows of a metric become blocks once they are many, or once their run rests and they are not quite few. Blocks
are merged where small ones follow each other, and where more than a few overlap: not at once for every late
point, so that each point is written some few times in all. A run that has ended gets disjoint blocks.

Whatever is moved is deleted by a statement that returns it: what another process adds meanwhile stays
where it is, and what another has moved is moved once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, delete, select, tuple_, update

from mainspring.kit.sql_engines import chosen, insert_rows, select_rows
from mainspring.modules.tracking.schemas import RunStatus
from mainspring.modules.tracking.store.blocks import BY_POSITION, Block, find_blocks, insert_blocks
from mainspring.modules.tracking.tables import compaction_queue, run_documents

if TYPE_CHECKING:
    from mainspring.modules.tracking.blocks import Points

MANY_ROWS = 256
FEW_ROWS = 32
FULL = 1024
SMALL = FULL // 2
"""Blocks of at most as many points are merged with their neighbours."""
SMALL_BLOCKS = 8
DEEP = 8
"""How many blocks may overlap while a run goes on."""
TOGETHER = 16
"""How many full blocks are merged at once."""


class Due(NamedTuple):
    """A run that is to be looked at; ``due_at`` and the time of its last change are in ms."""

    run: int
    due_at: int
    status: str
    changed_at: int

    @property
    def ended(self) -> bool:
        """Whether the run is over, as its client has said."""
        return self.status not in (RunStatus.RUNNING, RunStatus.SCHEDULED)


class Job(NamedTuple):
    """Rows of a metric, the first ``points``, to be made blocks; or blocks of these numbers, to be made fewer."""

    run: int
    key: str
    points: int
    numbers: tuple[int, ...] = ()


def queue(tx: Connection, runs: Iterable[int], due_at: int) -> None:
    """Have the compaction look at runs; one that waits already keeps its time."""
    insert_rows(tx, compaction_queue, ("run", "due_at"), [(run, due_at) for run in sorted(runs)], ignore=True)


def find_due(tx: Connection, now: int, limit: int) -> list[Due]:
    """Return up to ``limit`` runs that wait, those that wait longest first; one that is gone counts as ended."""
    statement = (
        "SELECT q.run, q.due_at, coalesce(r.status, ''), coalesce(d.changed_at, 0) FROM compaction_queue q "
        "LEFT JOIN runs r ON r.id = q.run LEFT JOIN run_documents d ON d.run = q.run "
        "WHERE q.due_at <= ? ORDER BY q.due_at LIMIT ?"
    )
    return list(map(Due._make, select_rows(tx, statement, (now, limit))))


def postpone(tx: Connection, runs: Iterable[int], due_at: int) -> None:
    """Have runs looked at later."""
    for part in chosen(runs):
        tx.execute(update(compaction_queue).where(compaction_queue.c.run.in_(part)).values(due_at=due_at))


def forget(tx: Connection, due: Sequence[Due]) -> None:
    """Take runs from the queue, but for those that have changed since they were looked at."""
    if not due:
        return
    queued, documents = compaction_queue.c, run_documents.c
    seen = tuple_(documents.run, documents.changed_at).in_([(run.run, run.changed_at) for run in due])
    changed = select(documents.run).where(documents.run == queued.run, ~seen)
    tx.execute(delete(compaction_queue).where(queued.run.in_([run.run for run in due]), ~changed.exists()))


def find_jobs(
    tx: Connection, due: Sequence[Due], resting: set[int], rows_at_once: int, enough: int
) -> tuple[list[Job], set[int]]:
    """Return what is to be compacted of runs, some of which (their keys) rest, and the runs that need nothing.

    Blocks are looked at until what is to be done is of ``enough`` points.
    """
    these = ",".join(str(run.run) for run in due)
    jobs = list(_find_rows(tx, these, resting, rows_at_once))
    idle = {run.run for run in due} - {job.run for job in jobs}
    ended = {run.run for run in due if run.ended}
    points = sum(job.points for job in jobs)
    several = f"SELECT run, key FROM metric_blocks WHERE run IN ({these}) GROUP BY run, key HAVING count(*) > 1"
    for run, key in select_rows(tx, several):
        if points >= enough:
            idle.discard(run)
            continue
        merges = _find_merges(tx, run, key, deep=1 if run in ended else DEEP, resting=run in resting)
        if merges:
            jobs += merges
            points += sum(job.points for job in merges)
            idle.discard(run)
    return jobs, idle


def _find_rows(tx: Connection, these: str, resting: set[int], at_once: int) -> Iterator[Job]:
    statement = (
        f"SELECT run, key, count(*) FROM metric_points WHERE run IN ({these}) "
        f"GROUP BY run, key HAVING count(*) >= {FEW_ROWS}"
    )
    for run, key, rows in select_rows(tx, statement):
        if rows >= (FEW_ROWS if run in resting else MANY_ROWS):
            yield from (Job(run, key, min(at_once, rows - done)) for done in range(0, rows, at_once))


def _find_merges(tx: Connection, run: int, key: str, *, deep: int, resting: bool) -> list[Job]:
    blocks = find_blocks(tx, Block, f"run = ? AND key = ? ORDER BY {BY_POSITION}", (run, key))
    return [
        Job(run, key, sum(block.points for block in merged), tuple(block.number for block in merged))
        for merged in plan_merges(blocks, deep=deep, resting=resting)
    ]


def plan_merges(blocks: Sequence[Block], *, deep: int, resting: bool) -> list[list[Block]]:
    """Return which blocks of a metric are to be merged with each other; they come by their first points.

    Where more than ``deep`` overlap: those, with what follows. Else small ones that follow each other, where
    they fill a block or are many, or where no more are to be expected, as the run rests.
    """
    overlap = _find_overlap(blocks, deep)
    if overlap:
        return [overlap]
    found: list[list[Block]] = []
    for small, group in groupby(blocks, lambda block: block.points <= SMALL):
        found += _full_groups(group, resting=resting) if small else []
    return found


def _find_overlap(blocks: Sequence[Block], deep: int) -> list[Block]:
    """Return the first blocks of which more than ``deep`` overlap, with those that follow; none: an empty list."""
    covering: list[Block] = []
    for place, block in enumerate(blocks):
        covering = [other for other in covering if other.last >= block.first]
        covering.append(block)
        if len(covering) > deep:
            return [*covering, *blocks[place + 1 : place + 1 + max(0, TOGETHER - len(covering))]]
    return []


def _full_groups(blocks: Iterable[Block], *, resting: bool) -> Iterator[list[Block]]:
    group: list[Block] = []
    points = 0
    for block in blocks:
        group.append(block)
        points += block.points
        if points >= TOGETHER * FULL:
            yield group
            group, points = [], 0
    if len(group) > 1 and (resting or points >= FULL or len(group) >= SMALL_BLOCKS):
        yield group


def prepare() -> None:
    """Load what packing takes, a tenth of a second's work, so that no writer has to wait for it."""
    import mainspring.modules.tracking.store.history  # noqa: F401


def compact(tx: Connection, jobs: Sequence[Job]) -> None:
    """Do some of what ``find_jobs`` found."""
    from mainspring.modules.tracking.blocks import decode, merge
    from mainspring.modules.tracking.store.history import to_points

    made: list[tuple[int, str, Points]] = []
    for job in jobs:
        if job.numbers:
            packed = _take_blocks(tx, job)
            points = merge([decode(data) for data in packed])
        else:
            points = to_points(_take_rows(tx, job))
        made += [(job.run, job.key, piece) for piece in pieces(points)]
    insert_blocks(tx, made)


def _take_rows(tx: Connection, job: Job) -> list[Any]:
    """Delete the first rows of a metric and return them."""
    columns, of_metric = "timestamp, step, value, is_nan", "FROM metric_points WHERE run = ? AND key = ?"
    statement, values = f"DELETE {of_metric}", [job.run, job.key]
    beyond = select_rows(tx, f"SELECT {columns} {of_metric} ORDER BY {columns} LIMIT 1 OFFSET {job.points}", values)
    if beyond:
        statement, values = f"{statement} AND ({columns}) < (?, ?, ?, ?)", [*values, *beyond[0]]
    return select_rows(tx, f"{statement} RETURNING {columns}", values)


def _take_blocks(tx: Connection, job: Job) -> list[bytes]:
    """Delete blocks and return what was packed in them."""
    numbers = ",".join(map(str, job.numbers))
    statement = f"DELETE FROM metric_blocks WHERE run = ? AND key = ? AND number IN ({numbers}) RETURNING data"
    return [data for (data,) in select_rows(tx, statement, (job.run, job.key))]


def pieces(points: Points) -> list[Points]:
    """Cut points into as few blocks as they need, all of one size."""
    count = -(-len(points) // FULL)
    return [points.cut(len(points) * at // count, len(points) * (at + 1) // count) for at in range(count)]
