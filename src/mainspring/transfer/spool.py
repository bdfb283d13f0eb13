"""Points sorted and each once, however many there are: SQLite spills what a small cache cannot hold to a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from mainspring.modules.tracking.service.imports import RunPoint

CACHE_KIB = 16 * 1024
_COLUMNS = "run, key, timestamp, step, value, is_nan"


class Spool:
    """A file of its own, without a name, which the system removes with the process."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(
            "CREATE TABLE points (run TEXT, key TEXT, timestamp INTEGER, step INTEGER, value REAL, is_nan INTEGER, "
            f"PRIMARY KEY ({_COLUMNS})) WITHOUT ROWID"
        )

    def distinct(self, points: Iterable[RunPoint]) -> Iterator[RunPoint]:
        """Yield the points by run, key, timestamp, step and value, each once. One iteration at a time."""
        self._db.execute("DELETE FROM points")
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR IGNORE INTO points VALUES (?, ?, ?, ?, ?, ?)", points)
        self._db.execute("COMMIT")
        for run, key, timestamp, step, value, is_nan in self._db.execute(
            f"SELECT {_COLUMNS} FROM points ORDER BY 1, 2"
        ):
            yield run, key, timestamp, step, value, bool(is_nan)

    def close(self) -> None:
        self._db.close()
