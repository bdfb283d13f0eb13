"""How SQLite and PostgreSQL are opened, how many rows are written at once, and what their failures mean."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, Table, create_engine, event, make_url
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError, TimeoutError
from sqlalchemy.pool import NullPool, QueuePool

from mainspring.kit.sql_arrays import Array, ArrayType, array_type, register

POOL_WAIT_S = 10
BUSY_WAIT_S = 10
LOOKUP_WAIT_S = 0.1
PREPARED_FROM = 5
"""From how many runs of a statement on PostgreSQL is prepared there."""
_CACHED_KIB = 8_000
"""How much each connection to SQLite keeps in memory: with SQLite's 2 MB a search of 10,000 runs reads pages anew."""
_POSTGRES_CONNECT = {
    # pgbouncer's transaction pooling keeps no prepared statements between transactions.
    "prepare_threshold": None,
    "connect_timeout": 5,
    # A host that vanishes says nothing: without these a query would wait for it for a quarter of an hour or for ever.
    "tcp_user_timeout": 20_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


def create_write_engine(url: str) -> Engine:
    """Return an engine of two connections: the writer thread keeps one, the other is for upgrades and the like.

    SQLite transactions take the write lock at their start, so that none fails half way.
    """
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite_engine(url, pool_size=2, begin="BEGIN IMMEDIATE", pragmas=())
    return _postgres_engine(url, pool_size=2)


def create_read_engine(url: str, connections: int) -> Engine:
    """Return an engine of up to ``connections`` connections that cannot write.

    All that a transaction reads is of one moment.
    """
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite_engine(url, pool_size=connections, begin="BEGIN", pragmas=("query_only = ON",))
    return _postgres_engine(url, pool_size=connections, isolation="REPEATABLE READ", read_only=True)


def create_lookup_engine(url: str) -> Engine:
    """Return an engine of one connection that cannot write, for single statements without a transaction around.

    On SQLite it is for the event loop, and gives up soon where another process holds the file.
    """
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite_engine(url, pool_size=1, begin="", pragmas=("query_only = ON",), wait_s=LOOKUP_WAIT_S)
    return _postgres_engine(url, pool_size=1, isolation="AUTOCOMMIT")


def create_lock_engine(url: str) -> Engine | None:
    """Return an engine whose connections stay out of every pool, for locks that are held long; None on SQLite.

    SQLite has one process, which needs no lock.
    """
    if make_url(url).get_backend_name() == "sqlite":
        return None
    return create_engine(url, poolclass=NullPool, isolation_level="READ COMMITTED", connect_args=_POSTGRES_CONNECT)


def try_leader_lock(tx: Connection) -> bool:
    """Take the lock of the one process that leads, until this transaction ends; say whether it was free."""
    return bool(tx.exec_driver_sql("SELECT pg_try_advisory_xact_lock(7126003219404)").scalar())


def _sqlite_engine(
    url: str, *, pool_size: int, begin: str, pragmas: Sequence[str], wait_s: float = BUSY_WAIT_S
) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
        connect_args={"check_same_thread": False, "timeout": wait_s, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        # FULL: a commit is on the disk before it is acknowledged, through a loss of power too.
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "temp_store = MEMORY",
            f"cache_size = -{_CACHED_KIB}",
            *pragmas,
        ):
            connection.execute(f"PRAGMA {pragma}")

    if begin:

        @event.listens_for(engine, "begin")
        def start(connection: Connection) -> None:
            # Past SQLAlchemy, which needs longer for a statement than SQLite for a small transaction.
            driver: Any = connection.connection.driver_connection
            try:
                driver.execute(begin)
            except sqlite3.Error as error:
                raise DBAPIError.instance(begin, None, error, sqlite3.Error) from error

    return engine


def _postgres_engine(
    url: str, *, pool_size: int, isolation: IsolationLevel = "READ COMMITTED", read_only: bool = False
) -> Engine:
    # Whoever uses it notices a lost connection: to ask at every transaction whether it still stands is dear.
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
        pool_use_lifo=True,
        isolation_level=isolation,
        connect_args=_POSTGRES_CONNECT,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # A pooler between gives each transaction another server process, which does not know the statements
        # that were prepared on the last; and it tells a process id of its own making.
        [pid] = connection.execute("SELECT pg_backend_pid()").fetchone()
        connection.rollback()
        connection.read_only = read_only
        register(connection.adapters)
        if pid == connection.info.backend_pid:
            connection.prepare_threshold = PREPARED_FROM

    return engine


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
        return UNREACHABLE
    return None


UNREACHABLE = "The database cannot be reached."


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


def insert_rows(tx: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row], *, ignore: bool) -> None:
    """Insert many rows in one statement; with ``ignore`` those whose key exists are left as they are."""
    statement = _insert(tx.dialect.name, table, columns, "ON CONFLICT DO NOTHING" if ignore else "")
    _write_rows(tx, statement, table, columns, rows)


def upsert_rows(
    tx: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row], *, newer: str = "", only_if: str = ""
) -> None:
    """Insert many rows in one statement, each in place of the row with its primary key.

    ``newer``, a comma list of columns, replaces only rows that are less by those columns in turn;
    ``only_if``, a condition in SQL, only rows that meet it. Rows must differ in their keys.
    """
    _write_rows(tx, _upsert(tx.dialect.name, table, columns, newer, only_if), table, columns, rows)


def reserve_keys(tx: Connection, table: Table, count: int, after: int = 0) -> Sequence[int]:
    """Return ``count`` values for the integer primary key of new rows, greater than ``after`` on SQLite.

    SQLite gives one behind the greatest that it has; ``after`` is the greatest of those that it does not have yet.
    """
    [key] = table.primary_key
    if tx.dialect.name == "sqlite":
        [(greatest,)] = select_rows(tx, f"SELECT max({key.name}) FROM {table.name}")
        first = max(greatest or 0, after) + 1
        return range(first, first + count)
    sequence = f"pg_get_serial_sequence('{table.name}', '{key.name}')"
    rows = select_rows(tx, f"SELECT nextval({sequence}) FROM generate_series(1, ?)", (count,))
    return [value for (value,) in rows]


def update_rows(tx: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Set the ``columns`` but the last, which is the primary key, of many rows in one statement."""
    _write_rows(tx, _update(tx.dialect.name, table, columns), table, columns, rows)


# The texts are made once each: making them took longer than running them.
@cache
def _insert(dialect: str, table: Table, columns: tuple[str, ...], clause: str) -> str:
    names = _quoted(columns)
    if dialect == "sqlite":
        return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(columns))}) {clause}"
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({_arrays(table, columns)}) {clause}"


@cache
def _upsert(dialect: str, table: Table, columns: tuple[str, ...], newer: str, only_if: str) -> str:
    key = [column.name for column in table.primary_key]
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in key)
    clause = f"ON CONFLICT ({_quoted(key)}) DO UPDATE SET {changes}"
    if newer:
        mine = ", ".join(f"{table.name}.{name.strip()}" for name in newer.split(","))
        theirs = ", ".join(f"excluded.{name.strip()}" for name in newer.split(","))
        clause += f" WHERE ({theirs}) > ({mine})"
    if only_if:
        clause += f" WHERE {only_if}"
    return _insert(dialect, table, columns, clause)


@cache
def _update(dialect: str, table: Table, columns: tuple[str, ...]) -> str:
    *changed, key = columns
    if dialect == "sqlite":
        return f"UPDATE {table.name} SET {', '.join(f'{name} = ?' for name in changed)} WHERE {key} = ?"
    changes = ", ".join(f"{name} = new.{name}" for name in changed)
    rows = f"unnest({_arrays(table, columns)}) AS new({', '.join(columns)})"
    return f"UPDATE {table.name} SET {changes} FROM {rows} WHERE {table.name}.{key} = new.{key}"


def _quoted(columns: Sequence[str]) -> str:
    """Return names of columns, of which some are words of SQL: ``user``."""
    return ", ".join(f'"{name}"' for name in columns)


def _arrays(table: Table, columns: tuple[str, ...]) -> str:
    return ", ".join(f"%s::{kind}[]" for kind in _types(table, columns))


@cache
def _array_types(table: Table, columns: tuple[str, ...]) -> list[ArrayType]:
    return [array_type(kind) for kind in _types(table, columns)]


def _types(table: Table, columns: tuple[str, ...]) -> list[str]:
    """Return what PostgreSQL calls the types of columns, without length and collation."""
    from sqlalchemy.dialects import postgresql

    types = [table.c[name].type.compile(postgresql.dialect()) for name in columns]  # type: ignore[no-untyped-call]
    return [re.split(r"[(]| COLLATE", kind)[0] for kind in types]


@contextmanager
def written_together(tx: Connection) -> Iterator[None]:
    """Send all rows that are written within by one statement, where that is cheaper: on PostgreSQL.

    They are there only after the end of the block, all or none.
    """
    if tx.dialect.name == "sqlite":
        yield
        return
    writes: list[_Write] = []
    tx.info[_TOGETHER] = writes
    try:
        yield
    finally:
        del tx.info[_TOGETHER]
    _flush(tx, writes)


_TOGETHER = "written together"
_Write = tuple[str, list[Array]]
"""A statement, and the columns of its rows."""


def _write_rows(tx: Connection, statement: str, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Run a statement that takes rows: by themselves on SQLite, as an array a column on PostgreSQL."""
    if not rows:
        return
    if tx.dialect.name == "sqlite":
        with _Cursor(tx) as cursor:
            cursor.executemany(statement, rows)
        return
    types = _array_types(table, columns)
    arrays = [kind.of(values) for kind, values in zip(types, zip(*rows, strict=True), strict=True)]
    waiting: list[_Write] | None = tx.info.get(_TOGETHER)
    if waiting is None:
        _flush(tx, [(statement, arrays)])
        return
    if any(_target(statement) == _target(other) for other, _ in waiting):
        # Parts of one statement do not see what the others write: a table may come once.
        _flush(tx, waiting)
        waiting.clear()
    waiting.append((statement, arrays))


def _target(statement: str) -> str:
    return statement.split(maxsplit=3)[2]


def _flush(tx: Connection, writes: Sequence[_Write]) -> None:
    if not writes:
        return
    *parts, last = [statement for statement, _ in writes]
    named = ", ".join(f"w{place} AS ({part})" for place, part in enumerate(parts))
    with _Cursor(tx) as cursor:
        cursor.execute(f"WITH {named} {last}" if named else last, [array for _, arrays in writes for array in arrays])


def readers(url: str) -> int:
    """Return how many threads may read at once.

    Python's SQLite driver gives up and takes back the interpreter's lock at every row, so that several
    threads mostly wait for each other: two let a short query pass a long one. A server's rows come in
    batches, and four threads were measured to cost least.
    """
    return 2 if embedded_file(url) else 4


@contextmanager
def each_by_itself(connection: Connection) -> Iterator[None]:
    """Have each statement that goes straight to the driver be a transaction of its own, without BEGIN and COMMIT.

    One that SQLAlchemy carries out begins a transaction all the same: it is committed at the end.
    """
    driver: Any = connection.connection.driver_connection
    server = connection.dialect.name != "sqlite"  # there a statement is by itself unless a BEGIN came before it
    if server:
        _set_autocommit(connection, driver)
    try:
        yield
        if connection.in_transaction():
            connection.commit()
    finally:
        if connection.in_transaction():
            connection.rollback()
        if server and not driver.closed:
            driver.autocommit = False


def _set_autocommit(connection: Connection, driver: Any) -> None:
    try:
        driver.autocommit = True
    except connection.dialect.loaded_dbapi.Error as error:  # the connection is known to be broken
        raise _driver_error(connection.dialect, error) from error


def run_statement(tx: Connection, statement: str) -> None:
    """Run a statement that takes no values and gives no rows."""
    with _Cursor(tx) as cursor:
        cursor.execute(statement)


def run_statements(tx: Connection, statements: Sequence[str]) -> None:
    """Run statements that take no values and give no rows, on PostgreSQL by one round trip."""
    with _Cursor(tx) as cursor:
        for statement in statements if tx.dialect.name == "sqlite" else [";\n".join(statements)]:
            cursor.execute(statement)


def select_rows(tx: Connection, statement: str, values: Sequence[Any] = ()) -> list[Any]:
    """Return the rows of a statement as plain tuples; each ``?`` in it stands for one of ``values``."""
    with _Cursor(tx) as cursor:
        if tx.dialect.name == "sqlite":
            return list(cursor.execute(statement, values).fetchall())
        # Bytes and numbers come as they are, and not as text.
        return list(cursor.execute(statement.replace("?", "%s"), values, binary=True).fetchall())


def select_where_in(tx: Connection, statement: str, values: Iterable[Any], before: Sequence[Any] = ()) -> list[Any]:
    """Return the rows of ``statement``, a SELECT that ends in ``WHERE … column``, for any of ``values``.

    They are all texts, or all integers; each ``?`` in the statement stands for one of the values ``before``. It spares
    the hot paths the building of a query: the values go straight to the driver.
    """
    found: list[Any] = []
    with _Cursor(tx) as cursor:
        for part in chosen(values):
            if tx.dialect.name == "sqlite":
                cursor.execute(f"{statement} IN ({', '.join('?' * len(part))})", [*before, *part])
            else:
                of_any = array_type("TEXT" if isinstance(part[0], str) else "BIGINT").of(part)
                cursor.execute(f"{statement.replace('?', '%s')} = ANY(%s)", [*before, of_any], binary=True)
            found += cursor.fetchall()
    return found


def select_pairs(
    tx: Connection, table: str, columns: str, first: tuple[str, str], second: tuple[str, str], pairs: Iterable[Row]
) -> list[Any]:
    """Return columns of the rows of a table whose two columns ``first`` and ``second`` are any of ``pairs``.

    Each of the two is given by name and type, and both must be the beginning of an index.
    """
    found: list[Any] = []
    on = f"ON {first[0]} = wanted_first AND {second[0]} = wanted_second"
    with _Cursor(tx) as cursor:
        for part in chosen(pairs, 10_000):
            if tx.dialect.name == "sqlite":
                # A cross join is walked as it is written: left to choose, SQLite reads the whole table.
                wanted = f"WITH wanted (wanted_first, wanted_second) AS (VALUES {', '.join(['(?, ?)'] * len(part))})"
                values = [one for pair in part for one in pair]
                cursor.execute(f"{wanted} SELECT {columns} FROM wanted CROSS JOIN {table} {on}", values)
            else:
                arrays = f"unnest(%s::{first[1]}[], %s::{second[1]}[]) AS wanted (wanted_first, wanted_second)"
                values = [list(column) for column in zip(*part, strict=True)]
                cursor.execute(f"SELECT {columns} FROM {arrays} JOIN {table} {on}", values)
            found += cursor.fetchall()
    return found


def join_texts(tx: Connection, table: str, key: str, column: str, keys: Sequence[int]) -> tuple[int, bytes]:
    """Return how many rows of a table have one of ``keys`` and a text, kept as bytes, and their texts in that order.

    There are commas between them. On SQLite they come as one value: its driver gives up the interpreter's lock for each
    row, which is dear where several threads read. PostgreSQL would take longer for that than for the rows.
    """
    if tx.dialect.name != "sqlite":
        rows = f"SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL AND {key}"
        found = dict(select_where_in(tx, rows, keys))
        return len(found), b",".join(found[each] for each in keys if each in found)
    # A cross join is walked as it is written, and so in the order of the keys.
    [(count, joined)] = select_rows(
        tx,
        f"SELECT count(*), CAST(group_concat({column}, ',') AS BLOB) "
        f"FROM json_each(?) AS wanted CROSS JOIN {table} ON {key} = wanted.value WHERE {column} IS NOT NULL",
        (json.dumps(keys),),
    )
    return count, joined or b""


@contextmanager
def planned_for_values(tx: Connection) -> Iterator[None]:
    """Have PostgreSQL plan statements for their values, not once for any values, where these tell how many rows come.

    SQLite has no other plans.
    """
    if tx.dialect.name == "sqlite":
        yield
        return
    driver: Any = tx.connection.driver_connection
    prepared_from, driver.prepare_threshold = driver.prepare_threshold, None
    try:
        yield
    finally:
        driver.prepare_threshold = prepared_from


class _Cursor:
    """Give a cursor of the driver, whose errors become SQLAlchemy's: they are judged as all others are."""

    def __init__(self, tx: Connection) -> None:
        self._dialect = tx.dialect
        try:
            self._cursor: Any = tx.connection.cursor()
        except self._dialect.loaded_dbapi.Error as error:  # the connection is known to be broken
            raise _driver_error(self._dialect, error) from error

    def __enter__(self) -> Any:
        return self._cursor

    def __exit__(self, kind: object, error: BaseException | None, _trace: object) -> None:
        self._cursor.close()
        if isinstance(error, self._dialect.loaded_dbapi.Error):
            raise _driver_error(self._dialect, error) from error


def _driver_error(dialect: Dialect, error: Exception) -> Exception:
    """Return an error of the driver as SQLAlchemy's."""
    return DBAPIError.instance(None, None, error, dialect.loaded_dbapi.Error, dialect=dialect)


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


@contextmanager
def foreign_keys_unchecked(tx: Connection) -> Iterator[None]:
    """Let SQLite not look at foreign keys meanwhile, so that a table can be made anew under what refers to it.

    It must be said outside of a transaction.
    """
    if tx.dialect.name != "sqlite":
        yield
        return
    driver = tx.connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")
