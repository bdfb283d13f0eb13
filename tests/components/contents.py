"""Everything that a server keeps: the rows of all its tables, and the files below its data folder."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import psycopg

from tests.components.server import MainspringServer

Contents = dict[str, Any]


class Keeper:
    """Reads what one server keeps, past the server."""

    def __init__(self, server: MainspringServer, database_url: str | None) -> None:
        self._artifacts = server.data / "artifacts"
        self._connection: Any = (
            psycopg.connect(database_url, autocommit=True)
            if database_url
            else sqlite3.connect(f"file:{server.data / 'mainspring.db'}?mode=ro", uri=True, isolation_level=None)
        )
        self._version = "select pg_snapshot_xmax(pg_current_snapshot())" if database_url else "pragma data_version"
        catalog = "pg_tables where schemaname = 'public'" if database_url else "sqlite_master where type = 'table'"
        column = "tablename" if database_url else "name"
        with closing(self._connection.cursor()) as cursor:
            self._tables = [name for (name,) in cursor.execute(f"select {column} from {catalog}").fetchall()]

    def version(self) -> Any:
        """Return what differs from its last value if a table or a file was changed meanwhile."""
        with closing(self._connection.cursor()) as cursor:
            return cursor.execute(self._version).fetchone(), self._files()

    def contents(self) -> Contents:
        """Return the rows of every table in no promised order, and the files with their sizes."""
        with closing(self._connection.cursor()) as cursor:
            rows = {name: cursor.execute(f"select * from {name}").fetchall() for name in self._tables}
        return {**{name: sorted(map(repr, found)) for name, found in rows.items()}, "files": self._files()}

    def _files(self) -> list[tuple[str, int]]:
        return sorted((str(path), path.stat().st_size) for path in self._artifacts.rglob("*") if path.is_file())

    def close(self) -> None:
        """Close the connection to the database."""
        self._connection.close()
