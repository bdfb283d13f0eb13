"""Bytes on disk of a metric point: of many runs that log as training does, with values that nobody can foretell."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing

from bench.filling import in_parallel
from bench.products import FASTTRACKML, MAINSPRING, MLFLOW, Product
from bench.servers import Api, Server
from bench.subject import Size, Subject

KEYS = 8
STEPS_AT_ONCE = 10
EARLIER = 2
DATABASE_FILES = {
    MLFLOW.name: "mlflow.db",
    FASTTRACKML.name: "fasttrackml.db",
    MAINSPRING.name: "data/mainspring.db",
}


def bytes_of_a_point(product: Product, database: str, runs: int, steps: int) -> float:
    """Return by how much the database grows for a point, once the runs are over and the server is at rest again.

    Twice as many runs go before: the room that rows leave in the files is used again, in PostgreSQL's indexes after
    the second vacuum, as it is in a database that has been in use for a while.
    """
    server = Server(product, database)
    try:
        subject = Subject(server, Size())
        for earlier in range(EARLIER):
            train(subject, range(runs * earlier, runs * (earlier + 1)), steps)
        before = size(server)
        train(subject, range(runs * EARLIER, runs * (EARLIER + 1)), steps)
        grown = size(server) - before
    finally:
        server.stop()
    return grown / (runs * steps * KEYS)


def train(subject: Subject, numbers: range, steps: int) -> None:
    """Log new runs, four at a time, and wait until nothing more is written: blocks are made, tables vacuumed."""
    run_ids = dict(zip(numbers, subject.create_runs(len(numbers)), strict=True))

    def log_runs(_: Subject, api: Api, some: range) -> None:
        for number in some:
            log(api, run_ids[number], number, steps)

    in_parallel(subject, numbers, 1, log_runs)
    subject.server.settle(calm_windows=6)
    if subject.server.postgres:
        subject.server.postgres.vacuum()


def log(api: Api, run_id: str, seed: int, steps: int) -> None:
    """Log a run: some metrics that fall with noise, a step some 200 ms after the other, and end it."""
    for batch in batches(seed, steps):
        api.post("runs/log-batch", {"run_id": run_id, "metrics": batch})
    api.post("runs/update", {"run_id": run_id, "status": "FINISHED"})


def batches(seed: int, steps: int) -> Iterator[list[dict[str, object]]]:
    """Yield the points of a run, some steps at once; values have all the digits that a double has."""
    draw, timestamp = random.Random(seed), 1_700_000_000_000
    for start in range(0, steps, STEPS_AT_ONCE):
        points: list[dict[str, object]] = []
        for step in range(start, min(start + STEPS_AT_ONCE, steps)):
            timestamp += draw.randrange(150, 250)
            for key in range(KEYS):
                value = (key + draw.random()) / (1 + step / 1000)
                points.append({"key": f"metric-{key}", "value": value, "timestamp": timestamp, "step": step})
        yield points


def size(server: Server) -> int:
    """Return the bytes of the database on disk: PostgreSQL's own count, or the size of SQLite's file."""
    if server.postgres:
        return server.postgres.size()
    file = server.folder / DATABASE_FILES[server.product.name]
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what is still in the log goes to the file
    return file.stat().st_size
