"""What SQLite and PostgreSQL say differently in queries: patterns, missing values in an order, and hints."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Text, bindparam
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


class _Unindexed(FunctionElement[Any]):
    name = "unindexed"
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


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


@compiles(_Unindexed, "sqlite")
def _sqlite_unindexed(element: _Unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"+{compiler.process(element.clauses, **kw)}"


@compiles(_Unindexed, "postgresql")
def _postgresql_unindexed(element: _Unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


def like(column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
    """Match a whole text, case-sensitively: ``%`` is any run of characters, ``_`` any one, nothing escapes."""
    return _Like(column, bindparam(None, pattern, type_=_Pattern()))


def ilike(column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
    """Match like ``like``, without regard to case (on SQLite: of ASCII letters only)."""
    return _ILike(column, bindparam(None, pattern, type_=Text()))


def nulls_last(column: ColumnElement[Any], *, ascending: bool) -> ColumnElement[Any]:
    """Sort by a column, missing values last in both directions, on every database."""
    return (column.asc() if ascending else column.desc()).nulls_last()


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Keep SQLite from choosing an index for a condition on this column.

    SQLite has no statistics of our tables and would prefer it to a much better one. PostgreSQL has
    them and is left to choose.
    """
    return _Unindexed(column)
