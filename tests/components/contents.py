"""What a server keeps, the rows of its tables and the files of its store, seen past the server."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import httpx
import psycopg

from tests.components.server import MainspringServer


class Keeper:
    """Reads what one server keeps. A state differs from the one before exactly if something was changed meanwhile."""

    def __init__(self, server: MainspringServer, database_url: str | None) -> None:
        self._server = httpx.Client(base_url=server.url)
        self._artifacts = server.data / "artifacts"
        self._postgres = database_url is not None
        self._connection: Any = (
            psycopg.connect(database_url, autocommit=True)
            if database_url
            else sqlite3.connect(f"file:{server.data / 'mainspring.db'}?mode=ro", uri=True, isolation_level=None)
        )
        self._transaction, self._rows = None, ""

    def state(self) -> tuple[Any, list[tuple[str, int]]]:
        """Return the state of the database, and the files with their sizes."""
        files = [(str(path), path.stat().st_size) for path in self._artifacts.rglob("*") if path.is_file()]
        if self._value("select count(*) from write_journal"):
            # A read: what waits is written before it.
            self._server.get("/api/2.0/mlflow/metrics/get-history?run_id=none&metric_key=a")
        if not self._postgres:
            return self._value("pragma data_version"), sorted(files)
        # Any transaction that began to write moves this on, one that was undone too: only then the rows are read.
        transaction = self._value("select pg_snapshot_xmax(pg_current_snapshot())")
        if transaction != self._transaction:
            self._transaction, self._rows = transaction, self._digest()
        return self._rows, sorted(files)

    def _digest(self) -> str:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute("select tablename from pg_tables where schemaname = 'public' order by 1")
            tables = [name for (name,) in cursor.fetchall()]
        parts = (f"(select md5(string_agg(t::text, ',' order by t::text)) from {name} t)" for name in tables)
        return str(self._value(f"select concat_ws(',', {', '.join(parts)})"))

    def _value(self, query: str) -> Any:
        with closing(self._connection.cursor()) as cursor:
            [value] = cursor.execute(query).fetchone()
        return value

    def close(self) -> None:
        """Close the connections."""
        self._server.close()
        self._connection.close()
