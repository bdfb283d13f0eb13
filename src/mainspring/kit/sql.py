"""What SQLite and PostgreSQL say differently: patterns, and inserts that meet an existing row.

Nothing else in the code base asks which database it talks to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Table, Text, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.sqltypes import Boolean
from sqlalchemy.types import TypeDecorator

_GLOB_SPECIAL = str.maketrans({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"})


class _Pattern(TypeDecorator[str]):
    """A LIKE pattern, sent as each database wants it: SQLite's case-sensitive match is GLOB."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value.translate(_GLOB_SPECIAL) if value is not None and dialect.name == "sqlite" else value


class _Like(FunctionElement[bool]):
    type = Boolean()
    name = "like"
    inherit_cache = True


class _ILike(FunctionElement[bool]):
    type = Boolean()
    name = "ilike"
    inherit_cache = True


def _operands(element: FunctionElement[bool], compiler: SQLCompiler, **kw: Any) -> tuple[str, str]:
    column, pattern = element.clauses
    return compiler.process(column, **kw), compiler.process(pattern, **kw)


@compiles(_Like, "sqlite")
def _sqlite_like(element: _Like, compiler: SQLCompiler, **kw: Any) -> str:
    return "{} GLOB {}".format(*_operands(element, compiler, **kw))


@compiles(_ILike, "sqlite")
def _sqlite_ilike(element: _ILike, compiler: SQLCompiler, **kw: Any) -> str:
    return "lower({}) LIKE lower({})".format(*_operands(element, compiler, **kw))


@compiles(_Like, "postgresql")
def _postgresql_like(element: _Like, compiler: SQLCompiler, **kw: Any) -> str:
    return "{} LIKE {} ESCAPE ''".format(*_operands(element, compiler, **kw))


@compiles(_ILike, "postgresql")
def _postgresql_ilike(element: _ILike, compiler: SQLCompiler, **kw: Any) -> str:
    return "{} ILIKE {} ESCAPE ''".format(*_operands(element, compiler, **kw))


def like(column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
    """Match a whole text, case-sensitively: ``%`` is any run of characters, ``_`` any one, nothing escapes."""
    return _Like(column, bindparam(None, pattern, type_=_Pattern()))


def ilike(column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
    """Match like ``like``, without regard to case (on SQLite: of ASCII letters only)."""
    return _ILike(column, bindparam(None, pattern, type_=Text()))


def nulls_last(column: ColumnElement[Any], *, ascending: bool) -> ColumnElement[Any]:
    """Sort by a column, missing values last in both directions, on every database."""
    return (column.asc() if ascending else column.desc()).nulls_last()


def insert(tx: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return sqlite.insert(table) if tx.dialect.name == "sqlite" else postgresql.insert(table)


def insert_ignore(tx: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert that leaves rows that are there already (by any unique key) as they are."""
    return insert(tx, table).on_conflict_do_nothing()


def upsert(tx: Connection, table: Table, update: Sequence[str]) -> sqlite.Insert | postgresql.Insert:
    """Return an insert that, where the primary key is there already, sets the columns in ``update``."""
    statement = insert(tx, table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in update},
    )
