"""Keeping what was logged quick to read: documents written anew, points compacted into blocks. Nobody asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from mainspring.kit.time import now_ms
from mainspring.modules.tracking.store import compaction, documents
from mainspring.modules.tracking.store.compaction import Due, Job

DOCUMENTS_AT_ONCE = 200
STALE_MS = 2_000
RUNS_A_LOOK = 100
POINTS_A_LOOK = 100_000
ROWS_AT_ONCE = 4_000
"""How many points a transaction moves: writers wait for it."""
QUIET_MS = 60_000
LOOK_AGAIN_MS = 3_000
AFTER_FAILURE_MS = 3_600_000


class Look(NamedTuple):
    """What the compaction has to do: jobs, a list for each transaction; and the runs that need none for now.

    Of these ``rested`` have been quiet for a while, or are over; ``active`` will need some later.
    """

    batches: list[list[Job]]
    rested: list[Due]
    active: list[int]
    more: bool


def refresh_documents(tx: Connection) -> bool:
    """Write documents of runs that have changed, and have the compaction look at the runs; say whether more wait."""
    now = now_ms()
    runs = documents.refresh(tx, now - STALE_MS, DOCUMENTS_AT_ONCE)
    # What has no points has nothing to compact.
    compaction.queue(tx, [key for key, run in runs.items() if run.metrics], now)
    return len(runs) == DOCUMENTS_AT_ONCE


def look(tx: Connection) -> Look:
    """Return what is to be compacted of the runs that have waited longest."""
    now = now_ms()
    due = compaction.find_due(tx, now, RUNS_A_LOOK)
    if not due:
        return Look([], [], [], more=False)
    resting = {run.run for run in due if run.ended or run.changed_at <= now - QUIET_MS}
    jobs, idle = compaction.find_jobs(tx, due, resting, ROWS_AT_ONCE, POINTS_A_LOOK)
    if jobs:
        compaction.prepare()
    rested = [run for run in due if run.run in idle & resting]
    return Look(_batches(jobs), rested, sorted(idle - resting), more=bool(jobs) or len(due) == RUNS_A_LOOK)


def _batches(jobs: Sequence[Job]) -> list[list[Job]]:
    """Return as many jobs as one look takes on, in lists of what one transaction takes on."""
    batches: list[list[Job]] = []
    points = total = 0
    for job in jobs:
        if total >= POINTS_A_LOOK:
            break
        if not batches or points + job.points > ROWS_AT_ONCE:
            batches.append([])
            points = 0
        batches[-1].append(job)
        points += job.points
        total += job.points
    return batches


def compact(tx: Connection, jobs: Sequence[Job]) -> None:
    """Do some jobs. Raises Internal where a block is damaged."""
    compaction.compact(tx, jobs)


def finish_look(tx: Connection, done: Look) -> None:
    """Note which runs need nothing for now."""
    compaction.forget(tx, done.rested)
    compaction.postpone(tx, done.active, now_ms() + LOOK_AGAIN_MS)


def give_up(tx: Connection, run: int) -> None:
    """Have a run whose points cannot be compacted looked at much later."""
    compaction.postpone(tx, [run], now_ms() + AFTER_FAILURE_MS)
