"""What SQLite and PostgreSQL say differently in queries: patterns, sets of keys, missing values, and hints."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Column, Dialect, Text, bindparam, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.sqltypes import Boolean
from sqlalchemy.types import TypeDecorator, TypeEngine

FEW_KEYS = 1_000
"""So many keys are values of their own, which PostgreSQL plans for; no statement may have any number of them."""

_GLOB_SPECIAL = str.maketrans({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"})


class _Pattern(TypeDecorator[str]):
    """A LIKE pattern, sent as each database wants it: SQLite's case-sensitive match is GLOB."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value.translate(_GLOB_SPECIAL) if value is not None and dialect.name == "sqlite" else value


class _Values(TypeDecorator[Any]):
    """Any number of values as one: an array, on SQLite, which has none, a text of JSON."""

    impl = Text
    cache_ok = True
    kind: type[TypeEngine[Any]]

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(self.kind))

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        keys = list(value or ())
        return json.dumps(keys) if dialect.name == "sqlite" else keys


class _Keys(_Values):
    """Any number of integers."""

    cache_ok = True
    kind = BigInteger


class _Texts(_Values):
    """Any number of texts."""

    cache_ok = True
    kind = Text


class _Among(FunctionElement[bool]):
    type = Boolean()
    name = "among"
    inherit_cache = True

    def self_group(self, against: Any = None) -> _Among:
        return self  # SQLAlchemy would write "= 1" behind it for SQLite, which then uses no index


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


class _Refers(FunctionElement[bool]):
    type = Boolean()
    name = "refers"
    inherit_cache = True

    def self_group(self, against: Any = None) -> _Refers:
        return self


def _operands(element: FunctionElement[bool], compiler: SQLCompiler, **kw: Any) -> tuple[str, str]:
    column, pattern = element.clauses
    return compiler.process(column, **kw), compiler.process(pattern, **kw)


@compiles(_Among, "sqlite")
def _sqlite_among(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    return "({} IN (SELECT value FROM json_each({})))".format(*_operands(element, compiler, **kw))


@compiles(_Among, "postgresql")
def _postgresql_among(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    return "({} = ANY ({}))".format(*_operands(element, compiler, **kw))


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


@compiles(_Refers, "sqlite")
def _sqlite_refers(element: _Refers, compiler: SQLCompiler, **kw: Any) -> str:
    among_all, _of_row = element.clauses
    return compiler.process(among_all, **kw)


@compiles(_Refers, "postgresql")
def _postgresql_refers(element: _Refers, compiler: SQLCompiler, **kw: Any) -> str:
    _among_all, of_row = element.clauses
    return compiler.process(of_row, **kw)


def among(
    column: ColumnElement[int], keys: Collection[int] = (), param: str | None = None, *, whole: bool = False
) -> ColumnElement[bool]:
    """Hold where a column is one of some keys, however many.

    Given ``param``, they are the value that the statement is executed with under this name. ``whole`` makes few keys
    one value too: a statement that has them is then the same for any number of them.
    """
    if not param and not whole and len(keys) <= FEW_KEYS:
        return column.in_(keys)
    return _Among(column, bindparam(param, None if param else keys, type_=_Keys(), required=bool(param)))


def among_texts(column: ColumnElement[str], texts: Collection[str]) -> ColumnElement[bool]:
    """Hold where a column is one of some texts, however many: they are one value of the statement."""
    return _Among(column, bindparam(None, texts, type_=_Texts()))


def like(column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
    """Match a whole text, case-sensitively: ``%`` is any run of characters, ``_`` any one, nothing escapes."""
    return _Like(column, bindparam(None, pattern, type_=_Pattern()))


def ilike(column: ColumnElement[str], pattern: str) -> ColumnElement[bool]:
    """Match like ``like``, without regard to case (on SQLite: of ASCII letters only)."""
    return _ILike(column, bindparam(None, pattern, type_=Text()))


def nulls_last(column: ColumnElement[Any], *, ascending: bool) -> ColumnElement[Any]:
    """Sort by a column, missing values last in both directions, on every database."""
    return (column.asc() if ascending else column.desc()).nulls_last()


def referred_to(key: Column[int], by: Column[int], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Hold for a row whose key another table's column refers to, in a row for which a condition holds.

    PostgreSQL looks for all such rows first or for those of each key, as it finds cheaper; it must be asked for the
    latter. SQLite finds all of them first: by the key it would get each row before it is known whether that is wanted.
    """
    among_all = unindexed(key).in_(select(by).where(condition))
    of_row = select(by).where(by == key, condition).correlate(key.table).exists()
    return _Refers(among_all, of_row)


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Keep SQLite from choosing an index for a condition on this column.

    SQLite has no statistics of our tables and would prefer it to a much better one. PostgreSQL has
    them and is left to choose.
    """
    return _Unindexed(column)
