"""How SQLite and PostgreSQL are opened, how many rows are written at once, and what their failures mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError, TimeoutError
from sqlalchemy.pool import QueuePool

POOL_WAIT_S = 10
BUSY_WAIT_S = 10


def create_write_engine(url: str) -> Engine:
    """Return an engine of one connection, for the writer thread.

    SQLite transactions take the write lock at their start, so that none fails half way.
    """
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite_engine(url, pool_size=1, begin="BEGIN IMMEDIATE", pragmas=())
    return _postgres_engine(url, pool_size=1, options={})


def create_read_engine(url: str, connections: int) -> Engine:
    """Return an engine of up to ``connections`` connections that cannot write."""
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite_engine(url, pool_size=connections, begin="BEGIN", pragmas=("query_only = ON",))
    return _postgres_engine(url, pool_size=connections, options={"postgresql_readonly": True})


def _sqlite_engine(url: str, *, pool_size: int, begin: str, pragmas: Sequence[str]) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
        connect_args={"check_same_thread": False, "timeout": BUSY_WAIT_S, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        # FULL: a commit is on the disk before it is acknowledged, through a loss of power too.
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "temp_store = MEMORY",
            *pragmas,
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgres_engine(url: str, *, pool_size: int, options: dict[str, Any]) -> Engine:
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
        pool_pre_ping=True,
        pool_use_lifo=True,
        execution_options=options,
        # pgbouncer's transaction pooling keeps no prepared statements between transactions.
        connect_args={"prepare_threshold": None, "connect_timeout": 5},
    )


def embedded_file(url: str) -> Path | None:
    """Return the file of an embedded database, None for a server's."""
    parsed = make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def unavailable_reason(error: SQLAlchemyError) -> str | None:
    """Say in plain words why the database cannot serve now, or None where it refused the statement itself."""
    if isinstance(error, TimeoutError):
        return "The database is busy: no connection became free in time."
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, sqlite3.OperationalError):
        return _SQLITE_REASONS.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    state = getattr(cause, "sqlstate", None)
    if state == _DISK_FULL:
        return "The disk that holds the database is full."
    lost = isinstance(error, OperationalError | InterfaceError) and state is None
    if lost or (state or "").startswith(_AWAY):
        return "The database cannot be reached."
    return None


# SQLSTATEs of PostgreSQL: full disk; shutting down or starting, connection lost, too many connections.
_DISK_FULL = "53100"
_AWAY = ("57P", "08", "533")
_SQLITE_REASONS = {
    sqlite3.SQLITE_FULL: "The disk that holds the database is full.",
    sqlite3.SQLITE_IOERR: "The disk that holds the database cannot be read or written.",
    sqlite3.SQLITE_BUSY: "The database is locked by another process.",
    sqlite3.SQLITE_LOCKED: "The database is locked by another connection.",
    sqlite3.SQLITE_READONLY: "The database cannot be written: it is read-only.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened.",
}

Row = tuple[Any, ...]


def insert_rows(tx: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row], *, ignore: bool) -> None:
    """Insert many rows in one statement; with ``ignore`` those whose key exists are left as they are."""
    _write_rows(tx, table, columns, rows, "ON CONFLICT DO NOTHING" if ignore else "")


def upsert_rows(tx: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row], *, newer: str = "") -> None:
    """Insert many rows in one statement, each in place of the row with its primary key.

    ``newer``, a comma list of columns, replaces only rows that are less by those columns in turn.
    Rows must differ in their keys.
    """
    key = [column.name for column in table.primary_key]
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    clause = f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    if newer:
        mine = ", ".join(f"{table.name}.{name.strip()}" for name in newer.split(","))
        theirs = ", ".join(f"excluded.{name.strip()}" for name in newer.split(","))
        clause += f" WHERE ({theirs}) > ({mine})"
    _write_rows(tx, table, columns, rows, clause)


def _write_rows(tx: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row], clause: str) -> None:
    if not rows:
        return
    names = ", ".join(columns)
    with _cursor(tx) as cursor:
        if tx.dialect.name == "sqlite":
            marks = ", ".join("?" * len(columns))
            cursor.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks}) {clause}", rows)
        else:
            types = [table.c[name].type.compile(tx.dialect).partition("(")[0] for name in columns]
            arrays = ", ".join(f"%s::{kind}[]" for kind in types)
            statement = f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays}) {clause}"
            cursor.execute(statement, [list(values) for values in zip(*rows, strict=True)])


def readers(url: str) -> int:
    """Return how many threads may read at once.

    Python's SQLite driver gives up and takes back the interpreter's lock at every row, so that several
    threads mostly wait for each other: two let a short query pass a long one. A server's rows come in
    batches, and four threads were measured to cost least.
    """
    return 2 if embedded_file(url) else 4


def select_rows(tx: Connection, statement: str) -> list[Any]:
    """Return the rows of a statement without parameters, as plain tuples."""
    with _cursor(tx) as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def select_where_in(tx: Connection, statement: str, values: Iterable[Any]) -> list[Any]:
    """Return the rows of ``statement``, a SELECT that ends in ``WHERE column``, for any of ``values``.

    It spares the hot paths the building of a query: the values go straight to the driver.
    """
    found: list[Any] = []
    with _cursor(tx) as cursor:
        for part in chosen(values):
            if tx.dialect.name == "sqlite":
                cursor.execute(f"{statement} IN ({', '.join('?' * len(part))})", part)
            else:
                cursor.execute(f"{statement} = ANY(%s)", [part])
            found += cursor.fetchall()
    return found


@contextmanager
def _cursor(tx: Connection) -> Iterator[Any]:
    """Yield a cursor of the driver, whose errors become SQLAlchemy's: they are judged as all others are."""
    cursor = tx.connection.cursor()
    driver = tx.dialect.loaded_dbapi
    try:
        yield cursor
    except driver.Error as error:
        raise DBAPIError.instance(None, None, error, driver.Error, dialect=tx.dialect) from error
    finally:
        cursor.close()


def chosen(rows: Iterable[Any], size: int = 30_000) -> Iterable[list[Any]]:
    """Cut values into lists short enough for one ``IN`` of either database."""
    part: list[Any] = []
    for row in rows:
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def lock_schema(tx: Connection) -> None:
    """Hold back other processes that upgrade the same database until this transaction ends.

    SQLite's write transaction does so by itself.
    """
    if tx.dialect.name != "sqlite":
        tx.exec_driver_sql("SELECT pg_advisory_xact_lock(7126003219403)")
