"""What a search of runs sorts by, and positions in that order.

Each sort key is one or two numbers or texts of a run that are never NULL: what may be missing has a rank
before its value, so that values come first, then NaNs, then what is missing, in either direction. All of
them in a row are the position of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mainspring.kit.filters import Clause, Order
from mainspring.kit.sql_text import Sql
from mainspring.modules.tracking.search.probes import COLUMNS, RUN_ID, START, TABLES, Subject

Position = tuple[Any, ...]


class Expression(NamedTuple):
    """One number or text that runs are sorted by."""

    text: str
    ascending: bool
    kind: type[str] | type[int] | type[float]


class Part(NamedTuple):
    """The runs of one rank of a sort key; ``lead`` is what it gives to their positions.

    ``comparator`` is the condition that they meet. Without one they have a value, which follows.
    """

    comparator: str
    lead: Position


@dataclass(frozen=True, slots=True)
class Term:
    """One sort key; a metric, param or tag is read off ``row``."""

    subject: Subject
    ascending: bool
    row: str

    def expressions(self) -> list[Expression]:
        """Return what a run is sorted by; a metric, param or tag is joined to it by ``join``."""
        entity, key = self.subject
        column = COLUMNS[key] if entity == "attribute" else f"{self.row}.value"
        if entity == "metric":
            rank = f"CASE WHEN {self.row}.is_nan IS NULL THEN 2 WHEN {self.row}.is_nan THEN 1 ELSE 0 END"
            return [Expression(rank, True, int), Expression(f"COALESCE({column}, 0)", self.ascending, float)]
        rank = f"CASE WHEN {column} IS NULL THEN 1 ELSE 0 END"
        if entity != "attribute":
            return [Expression(rank, True, int), Expression(f"COALESCE({column}, '')", self.ascending, str)]
        if key == "end_time":
            return [Expression(rank, True, int), Expression(f"COALESCE({column}, 0)", self.ascending, int)]
        return [Expression(column, self.ascending, int if key == "start_time" else str)]

    def join(self) -> list[Sql]:
        entity, key = self.subject
        if entity == "attribute":
            return []
        row = self.row
        return [Sql(f"LEFT JOIN {TABLES[entity]} {row} ON {row}.run = r.id AND {row}.key = ?", (key,))]

    def parts(self, clauses: tuple[Clause, ...]) -> list[Part]:
        """Return the parts, in their order, that have runs which meet the clauses on the same subject."""
        entity, key = self.subject
        comparators = {clause.comparator for clause in clauses}
        if entity == "metric":
            found = [Part("", (0,)), Part("IS NAN", (1, 0.0)), Part("IS NULL", (2, 0.0))]
            return found[: 3 if not comparators else 2 if comparators == {"!="} else 1]
        if entity == "attribute":
            found = [Part("", (0,)), Part("IS NULL", (1, 0))] if key == "end_time" else [Part("", ())]
            return found[: 2 if not comparators else 1]
        found = [Part("", (0,)), Part("IS NULL", (1, ""))]
        return found[1:] if "IS NULL" in comparators else found[: 2 if not comparators else 1]


def terms_of(orders: Sequence[Order]) -> list[Term]:
    """Return the sort keys of a search; ties are ordered by start, newest first, and run id."""
    terms: dict[Subject, Term] = {}
    for order in (*orders, Order(*START, ascending=False), Order(*RUN_ID, ascending=True)):
        subject = Subject(order.entity, order.key)
        terms.setdefault(subject, Term(subject, order.ascending, f"s{len(terms)}"))
        if subject == RUN_ID:  # no two runs have the same
            break
    return list(terms.values())


def joins(terms: Sequence[Term]) -> list[Sql]:
    return [join for term in terms for join in term.join()]


def expressions(terms: Sequence[Term]) -> list[Expression]:
    return [expression for term in terms for expression in term.expressions()]


def ordered(by: Sequence[Expression]) -> str:
    """Return an ORDER BY."""
    return ", ".join(expression.text if expression.ascending else f"{expression.text} DESC" for expression in by)


def behind(by: Sequence[Expression], position: Position) -> Sql:
    """Hold what comes behind a position."""
    first, value = by[0], position[0]
    mark = f"{first.text} {'>' if first.ascending else '<'} ?"
    if len(by) == 1:
        return Sql(mark, (value,))
    rest = behind(by[1:], position[1:])
    return Sql(f"({mark} OR {first.text} = ? AND {rest.text})", (value, value, *rest.values))
