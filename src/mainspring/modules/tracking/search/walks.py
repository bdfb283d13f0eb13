"""Runs in the order of a search, a few at a time, at the cost of those that are looked at.

The first sort key is walked along its index. Each step looks ahead first: to where the index is so many
entries further, and whether one of the conditions holds for so few runs that it is cheaper to take and
sort those. If it is not, the stretch is searched, and the next one is longer. So a search costs a few
times the lesser of both ways, whatever the tables hold, and no statistics are asked. Where many runs
have the same value, they are a search of their own, by the next sort key.

A walk is taken up behind any position in the same way: it costs no more than its first page.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from mainspring.kit.sql_engines import select_rows
from mainspring.kit.sql_text import Spelling, Sql, joined
from mainspring.modules.tracking.schemas import LifecycleStage
from mainspring.modules.tracking.search.paths import Path, all_runs, path_of, range_of, sources
from mainspring.modules.tracking.search.probes import RUN_ID, START, TABLES, Conditions, Scope, added, of_row, probes
from mainspring.modules.tracking.search.ranges import ALL, NOTHING, Range, bounds
from mainspring.modules.tracking.search.terms import Expression, Position, Term, behind, expressions, joins, ordered

Match = tuple[Any, ...]
"""The key of a run, and behind it the run's position."""

FEW = 1.0
"""So many times as many runs as are wanted, and as 100, are rather sorted than searched for along an index."""
STRETCH, STRETCH_OF_RUNS = 4, 8
"""How many entries of an index cost about as much as a run that is sorted; runs lie together in theirs."""
LONGEST = 16
"""How much longer a stretch is at most than the one before."""


@dataclass(frozen=True, slots=True)
class _Search:
    """Runs that meet some conditions, by some terms; ``lead`` is their position by terms that they are equal in."""

    conditions: Conditions
    terms: Sequence[Term]
    lead: Position = ()

    def among(self, comparator: str, lead: Position, value: Any = None) -> _Search:
        """Return the search of those that are equal in the first term."""
        conditions = added(self.conditions, self.terms[0].subject, comparator, value)
        return _Search(conditions, self.terms[1:], (*self.lead, *lead))

    def last(self, batch: list[Match]) -> Position:
        return batch[-1][1 + len(self.lead) :]


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What lies ahead: the value of the next entry, that at the end of the stretch, and a source of few runs."""

    value: Any = None
    end: Any = None
    source: Sql | None = None


class Walk:
    """A search of the runs of a scope; ``wanted`` is how many of them are needed."""

    def __init__(self, tx: Connection, scope: Scope, wanted: int) -> None:
        self._tx = tx
        self._scope = scope
        self._spelling = Spelling(tx)
        self._page = self._wanted = wanted
        self._few = int(FEW * max(wanted, 100))
        self._asked = self._to_pass = 0

    def matches(
        self, conditions: Conditions, terms: Sequence[Term], after: Position = (), offset: int = 0
    ) -> Iterator[Match]:
        """Yield the runs that meet the conditions, in the order of the terms, from behind a position.

        The first ``offset`` are passed over, where all runs are searched for in the index alone.
        """
        self._to_pass = offset
        for batch in self._runs(_Search(conditions, terms), after, self._few):
            yield from batch

    def count(self, conditions: Conditions, most: int, looked_at: int) -> int | None:
        """Return how many runs meet the conditions.

        It is None where they are more than ``most``, or more than ``looked_at`` would have to be looked at.
        """
        source = self._few_runs(conditions, looked_at)
        if source is None:
            return None
        tables, where = self._among(source, conditions)
        found = self._count(tables, joined(" AND ", where), most + 1)
        return found if found <= most else None

    def sorted(self, conditions: Conditions, terms: Sequence[Term], after: Position = ()) -> Iterator[Match]:
        """Yield the same by looking at every run of the scope, which may be of any size."""
        for batch in self._sort(None, _Search(conditions, terms), after):
            yield from batch

    def _runs(self, search: _Search, after: Position, few: int) -> Iterator[list[Match]]:
        term = search.terms[0]
        path = path_of(term.subject, self._scope, search.conditions, self._spelling)
        if path is None:
            yield from self._sort(None, search, after)
            return
        for part in term.parts(search.conditions.get(term.subject, ())):
            if after and part.lead and after[0] > part.lead[0]:
                continue
            if part.comparator:
                equal = search.among(part.comparator, part.lead)
                source = self._few_runs(equal.conditions, few)
                here = after[len(part.lead) :]
                yield from self._sort(source, equal, here) if source else self._runs(equal, here, few)
            elif (yield from self._values(path, part.lead, search, after, few)):
                return
            after = ()

    def _values(
        self, path: Path, rank: Position, search: _Search, after: Position, few: int
    ) -> Generator[list[Match], None, bool]:
        """Yield the runs that have a value of the first term; return whether those without were among them.

        ``last`` is where a sort would go on; where runs were ``passed`` over since then, nobody knows.
        """
        term, last, here = search.terms[0], after, after[len(rank) :]
        values = range_of(term.subject, search.conditions.get(term.subject, ()), self._spelling)
        passed = bool(self._to_pass and not after and self._holds_all(path, search))
        if passed:
            values = self._behind_offset(path, ascending=term.ascending)
        while True:
            if here:
                values = values.start(_indexed(path, here[0]), ascending=term.ascending, behind=term.subject == RUN_ID)
            ahead = self._look_ahead(path, values, search, here, few)
            if ahead is None:
                return False
            if ahead.source and not passed:
                yield from self._sort(ahead.source, search, last)
                return True
            passed = passed or self._to_pass > 0
            if ahead.end is not None and ahead.end == ahead.value:
                for batch in self._equal(path, rank, search, ahead.value, last, few):
                    yield batch
                    last, passed = search.last(batch), False
                values, here = values.start(ahead.value, ascending=term.ascending, behind=True), ()
                continue
            stretch = values if ahead.end is None else values.end(ahead.end, ascending=term.ascending)
            batch = self._step(path, stretch, rank, search, here)
            if batch:
                yield batch
                last, passed = search.last(batch), False
            if self._is_full(batch):
                here = last[len(rank) :]
            elif ahead.end is None:
                return False
            else:
                values, here = values.start(ahead.end, ascending=term.ascending), ()
                few = max(self._few, int(few * self._growth(len(batch))))

    def _holds_all(self, path: Path, search: _Search) -> bool:
        """Say whether a path holds nothing but what is searched for."""
        if not search.conditions.keys() <= path.met:
            return False
        if path.run == "r.id":
            return True
        statement = "SELECT 1 FROM runs WHERE experiment = ? AND lifecycle_stage = ? LIMIT 1"
        others = [stage.value for stage in LifecycleStage if stage.value not in self._scope.stages]
        return not any(select_rows(self._tx, statement, (self._scope.experiments[0], stage)) for stage in others)

    def _behind_offset(self, path: Path, *, ascending: bool) -> Range:
        """Return the values from where the offset ends on; what is left of it to pass are runs of the first of them."""
        fixed, direction = path.fixed, "" if ascending else " DESC"
        entry = f"SELECT {path.by} FROM {path.table} WHERE {fixed.text} ORDER BY {path.by}{direction} LIMIT 1 OFFSET ?"
        found = select_rows(self._tx, entry, (*fixed.values, self._to_pass))
        before = path.within(ALL.end(found[0][0], ascending=ascending)) if found else fixed
        self._to_pass -= self._count(Sql(path.table), before)
        return ALL.start(found[0][0], ascending=ascending) if found else NOTHING

    def _count(self, tables: Sql, held: Sql, most: int | None = None) -> int:
        """Count rows; past ``most`` it is ``most``."""
        text, values = f"SELECT 1 FROM {tables.text} WHERE {held.text}", (*tables.values, *held.values)
        limit, limits = ("", ()) if most is None else (" LIMIT ?", (most,))
        [(count,)] = select_rows(self._tx, f"SELECT count(*) FROM ({text}{limit}) c", (*values, *limits))
        return int(count)

    def _look_ahead(self, path: Path, values: Range, search: _Search, here: Position, few: int) -> _Ahead | None:
        """Look at the next entries of a path, or return None where there are none."""
        if values.is_empty:
            return None
        filtered = not search.conditions.keys() <= path.met
        if _is_whole(path, search.terms) and not filtered:
            # Runs of the start that a page ended in are finished by themselves: they may be many.
            return _Ahead(here[0], here[0]) if len(here) > 1 else _Ahead()
        within = path.within(values)
        by = path.by if search.terms[0].ascending else f"{path.by} DESC"
        entry = f"(SELECT {path.by} FROM {path.table} WHERE {within.text} ORDER BY {by} LIMIT 1 OFFSET ?)"
        keyed = search.terms[0].subject.entity in TABLES
        stretch = max(few, 1) * (STRETCH if keyed else STRETCH_OF_RUNS) if filtered else 2 * self._page
        edges = [Sql(entry, (*within.values, 0)), Sql(entry, (*within.values, stretch))]
        known = list(sources(self._scope, search.conditions, self._spelling)) if filtered else []
        if keyed:  # the path has runs of other stages too
            known.append(all_runs(self._scope, self._spelling))
        source, first, end = self._counted(known, few, edges)
        return _Ahead(first, end, source) if source or first is not None else None

    def _growth(self, found: int) -> float:
        """Return how much longer than the last stretch the rest of the page is, if runs are found as in that."""
        needed = max(self._wanted, 1) / (found + 1)
        return min(needed if found else max(needed, STRETCH), LONGEST)

    def _few_runs(self, conditions: Conditions, few: int) -> Sql | None:
        """Return a source of all runs that meet the conditions, if there is one of no more than ``few``."""
        known = [*sources(self._scope, conditions, self._spelling), all_runs(self._scope, self._spelling)]
        source: Sql | None = self._counted(known, few, [])[0]
        return source

    def _counted(self, known: list[Sql], few: int, asked: list[Sql]) -> list[Any]:
        """Return which of some sources has the fewest runs, if no more than ``few``, and what else is asked."""
        counts = [Sql(f"(SELECT count(*) FROM ({text} LIMIT ?) c)", (*values, few + 1)) for text, values in known]
        everything = joined(", ", [*counts, *asked])
        [answers] = select_rows(self._tx, f"SELECT {everything.text}", everything.values)
        fewest = min(range(len(known)), key=answers.__getitem__, default=None)
        found = None if fewest is None or answers[fewest] > few else known[fewest]
        return [found and Sql(f"{found.text} LIMIT ?", (*found.values, few)), *answers[len(known) :]]

    def _equal(
        self, path: Path, rank: Position, search: _Search, value: Any, after: Position, few: int
    ) -> Iterator[list[Match]]:
        """Yield the many runs that have the same value of the first term."""
        if path.length and len(value) == path.length:  # they may differ in what follows
            return self._sort(path.runs(Range(value, value)), search, after)
        here = after[len(rank) :]
        tail = here[1:] if here and here[0] == value and True else ()
        return self._runs(search.among("=", (*rank, value), value), tail, few)

    def _step(self, path: Path, values: Range, rank: Position, search: _Search, here: Position) -> list[Match]:
        """Return the next runs that have one of some values of the first term."""
        term, rest = search.terms[0], search.terms[1:]
        by = [Expression(path.value, term.ascending, str), *expressions(rest)]
        indexed = [Expression(path.by, term.ascending, str)] if path.length else []
        where = [path.within(values), *probes(self._others(search), self._spelling, path.run)]
        table = path.table
        if term.subject.entity in TABLES:
            table += " CROSS JOIN runs r"
            where = [Sql("r.id = t.run"), self._scope.probe(self._spelling), *where]
            own = search.conditions.get(term.subject, ())
            where += [of_row(clause, "t", self._spelling) for clause in own if not bounds(clause, path.length)]
        if here:
            where.append(behind(by, here))
        return self._select(by, [Sql(table), *joins(rest)], where, [*indexed, *by], (*search.lead, *rank))

    def _others(self, search: _Search) -> Conditions:
        """Return the conditions but those on the row that is walked along."""
        subject = search.terms[0].subject
        if subject.entity == "attribute":
            return search.conditions
        return {key: clauses for key, clauses in search.conditions.items() if key != subject}

    def _sort(self, source: Sql | None, search: _Search, after: Position) -> Iterator[list[Match]]:
        """Yield the runs among those of a source, or of the whole scope, by looking at each of them."""
        first, *others = expressions(search.terms)
        by = [first._replace(text=self._spelling.unindexed(first.text)), *others]
        table, where = self._among(source, search.conditions)
        while True:
            now = [*where, behind(by, after)] if after else where
            batch = self._select(by, [table, *joins(search.terms)], now, by, search.lead)
            if batch:
                yield batch
            if not self._is_full(batch):
                return
            after = search.last(batch)

    def _among(self, source: Sql | None, conditions: Conditions) -> tuple[Sql, list[Sql]]:
        """Return the tables and conditions of the runs of a source, or of the whole scope, that meet conditions."""
        if source is None:
            return Sql("runs r"), [self._scope.holds(), *probes(conditions, self._spelling)]
        table = Sql(f"(SELECT DISTINCT run FROM ({source.text}) s) c CROSS JOIN runs r", source.values)
        met = probes(conditions, self._spelling, "c.run")
        return table, [Sql("r.id = c.run"), self._scope.probe(self._spelling), *met]

    def _select(
        self,
        columns: Sequence[Expression],
        tables: Sequence[Sql],
        where: Sequence[Sql],
        by: Sequence[Expression],
        lead: Position,
    ) -> list[Match]:
        chosen, held = joined(" ", tables), joined(" AND ", where)
        if self._to_pass:
            passed = self._count(chosen, held, self._to_pass)
            if passed < self._to_pass:
                self._to_pass -= passed
                return []
        self._asked = self._wanted if self._wanted > 0 else self._page
        text = (
            f"SELECT r.id, {', '.join(column.text for column in columns)} FROM {chosen.text} "
            f"WHERE {held.text} ORDER BY {ordered(by)} LIMIT ? OFFSET ?"
        )
        rows = select_rows(self._tx, text, (*chosen.values, *held.values, self._asked, self._to_pass))
        self._to_pass = 0
        self._wanted -= len(rows)
        return [(row[0], *lead, *row[1:]) for row in rows] if lead else rows

    def _is_full(self, batch: list[Match]) -> bool:
        return len(batch) == self._asked and bool(batch)


def _indexed(path: Path, value: Any) -> Any:
    """Return what a path's index holds of a value."""
    return value[: path.length] if path.length else value


def _is_whole(path: Path, terms: Sequence[Term]) -> bool:
    """Say whether a path is in the order of all terms."""
    term = terms[0]
    return (term.subject == RUN_ID and START in path.met) or (
        term.subject == START and not term.ascending and [next.subject for next in terms[1:]] == [RUN_ID]
    )
