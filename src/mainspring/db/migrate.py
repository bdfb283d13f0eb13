"""Bringing a database to this release's schema: numbered migrations, forward only.

A database that is up to date is recognised by one query, without loading Alembic.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Executable,
    MetaData,
    String,
    Table,
    create_mock_engine,
    inspect,
    text,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.schema import ExecutableDDLElement

from mainspring.kit.errors import FailedPrecondition, Unavailable
from mainspring.kit.sql_engines import foreign_keys_unchecked, lock_schema, run_statements, unavailable_reason

SCRIPTS = Path(__file__).parent / "migrations"
VERSION_TABLE = "mainspring_version"


def head() -> str:
    """Return the newest revision that this release knows, such as ``0001``."""
    return revisions()[-1]


def revisions() -> list[str]:
    """Return all revisions, oldest first."""
    names = (path.name for path in (SCRIPTS / "versions").glob("*.py"))
    return sorted(name[:4] for name in names if re.match(r"\d{4}_", name))


def current(tx: Connection) -> str | None:
    """Return the revision that a database is at, None for an empty one."""
    if not inspect(tx).has_table(VERSION_TABLE):
        return None
    return tx.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()


def check(engine: Engine) -> tuple[str | None, str]:
    """Return (revision of the database, newest revision known). Raises Unavailable."""
    with _reachable(), engine.connect() as tx:
        return current(tx), head()


def upgrade(engine: Engine, schema: MetaData | None = None) -> list[str]:
    """Run the migrations that a database lacks, in one transaction, and return their revisions.

    An empty database gets the tables of ``schema`` at once, where it is given, and counts as
    migrated: that is the same by a test, and starts sooner. Servers that start at the same time wait
    for each other. Raises FailedPrecondition for a database that a newer release wrote or that holds
    tables of something else, Unavailable where it cannot be reached.
    """
    with _reachable(), engine.connect() as tx, foreign_keys_unchecked(tx), tx.begin():
        lock_schema(tx)
        at = current(tx)
        if at == head():
            return []
        if at is None:
            _check_empty(tx)
        elif at not in revisions():
            raise FailedPrecondition(
                f"The database is at revision {at}, which this release does not know (its newest is {head()}): "
                "run the release that wrote it, or a newer one."
            )
        if at is None and schema is not None:
            _create(tx, schema)
        else:
            _run_alembic(tx)
        return [revision for revision in revisions() if at is None or revision > at]


def _check_empty(tx: Connection) -> None:
    tables = inspect(tx).get_table_names()
    if tables:
        raise FailedPrecondition(
            f"The database holds tables that Mainspring did not make ({', '.join(sorted(tables)[:5])}): give it an "
            "empty database of its own."
        )


def _create(tx: Connection, schema: MetaData) -> None:
    """Make all tables as they are now, and note the newest revision (Alembic's cookbook, "from scratch").

    What SQLAlchemy would send one by one is gathered first: on PostgreSQL that halves the time.
    """
    statements: list[Executable] = []
    # By this paramstyle a % stays one: the texts take no values.
    engine = create_mock_engine(tx.engine.url, lambda each, *_: statements.append(each), paramstyle="named")
    schema.create_all(engine, checkfirst=False)
    version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))
    version.create(engine)
    run_statements(tx, [str(each.compile(engine)) for each in statements if isinstance(each, ExecutableDDLElement)])
    for row in statements:
        if not isinstance(row, ExecutableDDLElement):
            tx.execute(row)
    tx.execute(version.insert().values(version_num=head()))


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        if reason := unavailable_reason(error):
            detail = str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]
            raise Unavailable(f"{reason} ({detail})") from error
        raise


def _run_alembic(tx: Connection) -> None:
    # Mako, which Alembic brings, loads a highlighter of error pages that nobody sees; None says that there is none.
    sys.modules.setdefault("mako.ext.pygmentplugin", None)  # type: ignore[arg-type]
    # Imported here: a start on an up-to-date database does without it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = tx
    command.upgrade(config, "head")
