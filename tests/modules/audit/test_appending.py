"""Many that append at once, and a log that is cut: the chain stays whole, without gaps."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from mainspring.db.engine import Database
from mainspring.kit import events
from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import NotFound
from mainspring.kit.events import Event
from mainspring.kit.sql_engines import create_write_engine
from mainspring.kit.time import now_ms
from mainspring.modules.audit import service
from mainspring.modules.audit.schemas import AuditFormat, AuditScope, AuditSearch
from mainspring.modules.audit.service import log, retention
from mainspring.modules.audit.service.retention import DAY_MS
from mainspring.modules.registry import service as registry
from mainspring.modules.registry.schemas import RegisteredModelCreate, RegisteredModelUpdate
from mainspring.server.schema import metadata

WRITERS, ACTS = 3, 30

WRITE = """
import asyncio, sys
from mainspring.db.engine import Database
from mainspring.kit import events
from mainspring.kit.actors import LOCAL
from mainspring.kit.events import Event
from mainspring.modules.audit import service

def act(tx, name):
    events.publish(tx, Event("a.b", name, LOCAL, 1))

async def main():
    db = Database(sys.argv[1])
    for number in range(int(sys.argv[3]) // 5):
        await asyncio.gather(*(db.write(act, f"{sys.argv[2]}-{number}-{each}") for each in range(5)))
    db.close()

asyncio.run(main())
"""


def publish(tx: Connection, name: str, at: int | None = None) -> None:
    events.publish(tx, Event("a.b", name, LOCAL, 1, at=now_ms() if at is None else at))


def verified(engine: Engine) -> int:
    """Return how many acts the log holds; it must be whole."""
    with engine.connect() as tx:
        found = service.verify(tx, LOCAL, 0, sys.maxsize)
        assert found.problem is None
        return found.checked


def test_processes_that_append_at_once(url: str, engine: Engine) -> None:
    command = [sys.executable, "-c", WRITE, url]
    writers = [subprocess.Popen([*command, str(number), str(ACTS)]) for number in range(WRITERS)]
    assert [writer.wait(60) for writer in writers] == [0] * WRITERS
    assert verified(engine) == WRITERS * ACTS
    with engine.connect() as tx:
        assert tx.execute(text("SELECT count(DISTINCT object_id) FROM events")).scalar_one() == WRITERS * ACTS


def test_a_failed_write_of_a_group_leaves_no_act(url: str, engine: Engine) -> None:
    def refused(tx: Connection, name: str) -> None:
        publish(tx, name)
        raise NotFound("no")

    async def run() -> None:
        db = Database(url)
        writes = [db.write(refused if number % 3 == 0 else publish, str(number)) for number in range(30)]
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        assert sum(isinstance(outcome, NotFound) for outcome in outcomes) == 10
        db.close()

    asyncio.run(run())
    assert verified(engine) == 20


def test_processes_that_change_the_same_models_at_once(url: str) -> None:
    """Whoever appends waits for all others: it must be the last lock of a transaction, or two would meet half way."""

    def change(tx: Connection, name: str, text: str) -> None:
        registry.update_registered_model(tx, LOCAL, name, RegisteredModelUpdate(description=text))

    async def run() -> float:
        several = [Database(url) for _ in range(1 if url.startswith("sqlite") else 3)]
        names = [f"m{number}" for number in range(4)]
        with several[0].write_engine.begin() as tx:
            tx.execute(text("DELETE FROM registered_models"))
        for name in names:
            await several[0].write(registry.create_registered_model, LOCAL, RegisteredModelCreate(name))
        started = time.monotonic()
        for turn in range(10):
            # All take the models in one order, and each some of its own.
            writes = [db.write(change, name, f"{turn}") for place, db in enumerate(several) for name in names[place:]]
            await asyncio.gather(*writes)
        took = time.monotonic() - started
        for db in several:
            db.close()
        return took

    # PostgreSQL takes a second to find that two wait for each other.
    assert asyncio.run(run()) < 8


def test_old_acts_are_cut_and_the_rest_stays_whole(engine: Engine) -> None:
    old, now = now_ms() - 40 * DAY_MS, now_ms()
    with engine.begin() as tx:
        for number in range(10):
            publish(tx, str(number), old if number != 6 else now)
        tx.execute(text("UPDATE outbox_positions SET seq = 9"))
        assert not service.cut_log(tx, 30)
        # The seventh is young, so that what stands behind it stays too.
        [cut] = service.search_events(tx, LOCAL, AuditSearch(action="audit.cut", scope=AuditScope.INSTANCE)).items
        assert (cut.object_id, cut.actor) == ("1-6", "system")
        assert cut.after is not None
        assert (cut.after["first"], cut.after["last"]) == (1, 6)
        assert [each.object_id for each in service.search_events(tx, LOCAL, AuditSearch()).items] == [
            "9",
            "8",
            "7",
            "6",
        ]
        found = service.verify(tx, LOCAL)
        assert (found.problem, found.checked) == (None, 5)
        assert not service.cut_log(tx, 30)
        tx.execute(text("DELETE FROM events WHERE seq = 7"))
        assert service.verify(tx, LOCAL).problem == "Act 7 is missing."


def test_what_webhooks_have_not_been_told_is_not_cut(engine: Engine) -> None:
    with engine.begin() as tx:
        for number in range(4):
            publish(tx, str(number), now_ms() - 40 * DAY_MS)
        assert not service.cut_log(tx, 30)
        assert verified_in(tx) == 4
        service.make_deliveries(tx)
        service.cut_log(tx, 30)
        assert verified_in(tx) == 1  # the cut itself


def verified_in(tx: Connection) -> int:
    found = service.verify(tx, LOCAL)
    assert found.problem is None
    return found.checked


def test_a_long_cut_goes_step_by_step(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CUT_AT_ONCE", 3)
    with engine.begin() as tx:
        for number in range(7):
            publish(tx, str(number), now_ms() - 40 * DAY_MS)
        service.make_deliveries(tx)
        assert [service.cut_log(tx, 30) for _ in range(3)] == [True, True, False]
        assert verified_in(tx) == 3


def fill(tx: Connection, number: int) -> None:
    for each in range(number):
        events.publish(tx, Event("a.b", str(each), LOCAL, 1, after={"text": "x" * 1000}))


@pytest.mark.parametrize("work", ["verify", "export"])
def test_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str) -> None:
    """Six times the acts take no more memory, neither to check nor to export."""
    monkeypatch.setattr(log, "VERIFY_PAGE", 100)
    monkeypatch.setattr(log, "EXPORT_PAGE", 100)
    url = f"sqlite:///{tmp_path}/long.db"
    engine = create_write_engine(url)
    metadata.create_all(engine)

    async def export() -> int:
        db = Database(url)
        pieces = await service.export(db, LOCAL, AuditSearch(), AuditFormat.NDJSON)
        size = sum([len(piece) async for piece in pieces])
        db.close()
        return size

    def peak() -> int:
        tracemalloc.reset_peak()
        assert verified(engine) if work == "verify" else asyncio.run(export())
        return tracemalloc.get_traced_memory()[1]

    with engine.begin() as tx:
        fill(tx, 200)
    tracemalloc.start()
    peak()
    few = peak()
    tracemalloc.stop()
    with engine.begin() as tx:
        fill(tx, 1000)
    tracemalloc.start()
    many = peak()
    tracemalloc.stop()
    assert many < few * 1.5
    engine.dispose()


def test_the_command_finds_what_was_changed(url: str, engine: Engine, tmp_path: Path) -> None:
    def check() -> tuple[int, str]:
        command = [sys.executable, "-m", "mainspring.cli.main", "audit", "verify", "--database-url", url]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    with engine.begin() as tx:
        for number in range(5):
            publish(tx, str(number))
    code, said = check()
    assert (code, "whole: 5 acts" in said) == (0, True), said
    with engine.begin() as tx:
        tx.execute(text("UPDATE events SET actor = 'eve' WHERE seq = 3"))
    code, said = check()
    assert (code, "BROKEN at act 3" in said) == (1, True), said
