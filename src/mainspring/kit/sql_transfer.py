"""What moving in and out needs of a database: reading another program's, keys brought along, one state to read."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, Table, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from mainspring.kit.errors import InvalidArgument, NotFound, Unsupported

BUSY_WAIT_S = 60


def create_source_engine(url: str) -> Engine:
    """Return an engine that reads another program's SQLite file or PostgreSQL database, and changes nothing there.

    Raises InvalidArgument for what is no URL, Unsupported for another database, NotFound for a file
    that is not there.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InvalidArgument(
            "The URL of the database cannot be read: write sqlite:///path/to/file.db or postgresql://user@host/database."
        ) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite_source(Path(parsed.database or ""))
    if backend in ("postgresql", "postgres"):
        return _postgres_source(parsed)
    raise Unsupported(f"Databases of the kind '{backend}' cannot be read directly: name the address of its server.")


def _sqlite_source(file: Path) -> Engine:
    if not file.is_file():
        raise NotFound(f"There is no database at {file}.")
    uri = f"file:{quote(str(file.absolute()))}?mode=ro"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=BUSY_WAIT_S, check_same_thread=False)

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def _postgres_source(url: URL) -> Engine:
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=1,
        max_overflow=1,
        pool_pre_ping=True,
        execution_options={"postgresql_readonly": True},
        # A pooler in front of it may keep no prepared statements between transactions.
        connect_args={"prepare_threshold": None, "connect_timeout": 10},
    )


def pass_over_keys(tx: Connection, table: Table) -> None:
    """Let the next new row of ``table`` get a key above all that are there; SQLite does so by itself."""
    if tx.dialect.name != "sqlite":
        [key] = table.primary_key
        sequence = f"pg_get_serial_sequence('{table.name}', '{key.name}')"
        tx.execute(text(f"SELECT setval({sequence}, greatest(1, (SELECT max({key.name}) FROM {table.name})))"))


def hold_snapshot(tx: Connection) -> None:
    """Let all reads of this transaction, which has not begun to read, see one state; on SQLite they do anyway."""
    if tx.dialect.name != "sqlite":
        tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
