"""Statements written by hand, for hot paths: pieces of SQL with their values, and what the databases spell differently.

A piece marks its values with ``?``. It takes a hundredth of the time of building the same with SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection

_GLOB_SPECIAL = str.maketrans({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"})


class Sql(NamedTuple):
    """A piece of a statement; ``text`` has a ``?`` for each of ``values``."""

    text: str
    values: tuple[Any, ...] = ()


def joined(by: str, pieces: Iterable[Sql]) -> Sql:
    """Return pieces as one, with the text ``by`` between them."""
    texts: list[str] = []
    values: list[Any] = []
    for piece in pieces:
        texts.append(piece.text)
        values += piece.values
    return Sql(by.join(texts), tuple(values))


def listed(column: str, values: tuple[Any, ...]) -> Sql:
    """Hold where a column is one of some values, of which there is at least one."""
    if len(values) == 1:
        return Sql(f"{column} = ?", values)
    return Sql(f"{column} IN ({', '.join('?' * len(values))})", values)


def plan_along_indexes(tx: Connection) -> None:
    """Keep PostgreSQL to plans along indexes until the transaction ends: it knows little of the newest rows.

    Without statistics it would rather sort all rows than read the first few off an index. SQLite has no other plans.
    """
    if tx.dialect.name != "sqlite":
        tx.exec_driver_sql(_ALONG_INDEXES)


# Disabled plans count as very costly; what is costly would be compiled first.
_OFF = ("seqscan", "bitmapscan", "hashjoin", "mergejoin", "sort", "material", "memoize")
_ALONG_INDEXES = "SELECT set_config('jit', 'off', true)" + "".join(
    f", set_config('enable_{plan}', 'off', true)" for plan in _OFF
)


class Spelling:
    """How a connection's database spells what the two spell differently."""

    def __init__(self, tx: Connection) -> None:
        self._sqlite = tx.dialect.name == "sqlite"
        self.indexed_length = None if self._sqlite else 100
        """How many characters of a text an index holds; None is all."""

    def like(self, column: str, pattern: str) -> Sql:
        """Match a whole text, case-sensitively: ``%`` is any run of characters, ``_`` any one, nothing escapes."""
        if self._sqlite:
            return Sql(f"{column} GLOB ?", (pattern.translate(_GLOB_SPECIAL),))
        return Sql(f"{column} LIKE ? ESCAPE ''", (pattern,))

    def ilike(self, column: str, pattern: str) -> Sql:
        """Match like ``like``, without regard to case (on SQLite: of ASCII letters only)."""
        if self._sqlite:
            return Sql(f"lower({column}) LIKE lower(?)", (pattern,))
        # What is upper and lower case is said by the database's language, not by the column's order.
        return Sql(f"{column} COLLATE \"default\" ILIKE ? ESCAPE ''", (pattern,))

    def unindexed(self, column: str) -> str:
        """Keep the database from choosing an index for a condition on this column, or for its order.

        SQLite has no statistics of our tables, PostgreSQL may have old ones: they would prefer it to a
        much better one.
        """
        return f"+{column}" if self._sqlite else f"COALESCE({column}, {column})"

    def indexed(self, column: str) -> str:
        """Return what an index holds of a text of any length: PostgreSQL limits the size of an entry."""
        return f"substr({column}, 1, {self.indexed_length})" if self.indexed_length else column
