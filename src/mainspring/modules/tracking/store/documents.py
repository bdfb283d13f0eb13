"""SQL of run documents: which are out of date, and the texts of those that are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from mainspring.db.journal import WRITES_WAIT
from mainspring.kit.sql_engines import chosen, join_texts, select_where_in, update_rows, upsert_rows
from mainspring.kit.time import now_ms
from mainspring.modules.tracking import documents
from mainspring.modules.tracking.schemas import Run
from mainspring.modules.tracking.store import runs as run_store
from mainspring.modules.tracking.tables import run_documents, runs

_AT_ONCE = 1_000
"""How many documents make one value."""


def mark_stale(tx: Connection, keys: Iterable[int]) -> None:
    """Note that runs have changed: their documents are no longer handed out.

    Every transaction that changes runs does this last. It locks the rows of the documents until its
    commit (on PostgreSQL), so that ``refresh`` in another process cannot write what it did not see.
    """
    now = now_ms()
    rows = [(key, None, now) for key in sorted(set(keys))]
    upsert_rows(tx, run_documents, ("run", "body", "changed_at"), rows, only_if="run_documents.body IS NOT NULL")


def mark_experiment_stale(tx: Connection, experiment: int) -> None:
    """Note that all runs of an experiment have changed."""
    within = select(runs.c.id).where(runs.c.experiment == experiment)
    changed = update(run_documents).where(run_documents.c.run.in_(within)).values(body=None, changed_at=now_ms())
    tx.execute(changed)


class Found(NamedTuple):
    """What a lookup has found: ``body`` is None where it is out of date, and may be so where writes ``wait``."""

    project: int
    body: bytes | None
    wait: bool


def find_documents(tx: Connection, run_ids: Iterable[str]) -> dict[str, Found]:
    """Return the documents of the runs that exist, by one statement."""
    columns = f"r.run_id, r.project, d.body, {WRITES_WAIT}"
    statement = f"SELECT {columns} FROM runs r LEFT JOIN run_documents d ON d.run = r.id WHERE r.run_id"
    return {run_id: Found(*found) for run_id, *found in select_where_in(tx, statement, run_ids)}


def join_documents(tx: Connection, keys: Sequence[int]) -> bytes:
    """Return the documents of runs in this order, with commas between; those out of date are made, and not kept."""
    return b",".join(_joined(tx, part) for part in chosen(keys, _AT_ONCE))


def _joined(tx: Connection, keys: list[int]) -> bytes:
    count, joined = join_texts(tx, "run_documents", "run", "body", keys)
    if count == len(keys):
        return joined
    made = "SELECT run, body FROM run_documents WHERE body IS NOT NULL AND run"
    found: dict[int, bytes] = dict(select_where_in(tx, made, keys))
    stale = [key for key in keys if key not in found]
    found |= {key: documents.encode(run) for key, run in run_store.load_runs(tx, stale).items()}
    return b",".join(found[key] for key in keys)


def refresh(tx: Connection, before: int, limit: int) -> dict[int, Run]:
    """Write up to ``limit`` documents that are out of date since before ``before`` (ms); return their runs by key.

    Rows that a transaction of another process has locked are left for the next time.
    """
    stale = run_documents.c.body.is_(None) & (run_documents.c.changed_at <= before)
    wanted = select(run_documents.c.run).where(stale).order_by(run_documents.c.changed_at).limit(limit)
    keys = [row.run for row in tx.execute(wanted.with_for_update(skip_locked=True))]
    loaded = run_store.load_runs(tx, keys)
    rows = [(documents.encode(run), key) for key, run in sorted(loaded.items())]
    update_rows(tx, run_documents, ("body", "run"), rows)
    return loaded
