"""The indexes that a search of runs can go along.

A path is an index of the runs of a scope, which has one experiment and one lifecycle stage, by one
subject: a metric, a param, a tag or an attribute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mainspring.kit.filters import Clause
from mainspring.kit.sql_text import Spelling, Sql, joined
from mainspring.modules.tracking.search.probes import RUN_ID, START, STATUS, TABLES, Conditions, Scope, Subject, compare
from mainspring.modules.tracking.search.ranges import (
    ALL,
    Range,
    of_numbers,
    of_texts,
    of_whole_numbers,
)


@dataclass(frozen=True, slots=True)
class Path:
    """An index of runs: ``fixed`` says where in it they lie, ``by`` is what they are sorted by there.

    ``value`` is the subject's value, of which ``by`` may be only the first ``length`` characters. ``then`` is
    by what the index sorts runs of the same value. ``met`` are conditions that all runs on the path meet.
    """

    table: str
    run: str
    fixed: Sql
    by: str
    value: str
    then: str
    length: int | None = None
    met: frozenset[Subject] = frozenset()

    def within(self, values: Range) -> Sql:
        return joined(" AND ", [self.fixed, *values.holds(self.by)])

    def runs(self, values: Range) -> Sql:
        """Select the keys of the runs of such values, in the index's order: else PostgreSQL might read the table."""
        within = self.within(values)
        order = self.by if values.only is None else self.then
        return Sql(f"SELECT {self.run} AS run FROM {self.table} WHERE {within.text} ORDER BY {order}", within.values)


def path_of(subject: Subject, scope: Scope, conditions: Conditions, spelling: Spelling) -> Path | None:
    """Return the index of runs by a subject, None where there is none."""
    entity, key = subject
    if entity in TABLES:
        return _keyed(subject, scope, spelling, "t.is_nan = false" if entity == "metric" else "")
    held = scope.holds()
    match key:
        case "start_time":
            return _by_start(held, conditions, spelling)
        case "run_id":
            return _by_run_id(scope, conditions, spelling)
        case "status":
            return Path("runs r", "r.id", held, "r.status", "r.status", "r.started_at DESC")
        case "end_time":
            fixed = Sql(f"{held.text} AND r.ended_at IS NOT NULL", held.values)
            return Path("runs r", "r.id", fixed, "r.ended_at", "r.ended_at", "r.started_at DESC")
        case "run_name":
            by = spelling.indexed("r.name")
            return Path("runs r", "r.id", held, by, "r.name", "r.started_at DESC", spelling.indexed_length)
    return None


def _keyed(subject: Subject, scope: Scope, spelling: Spelling, more: str = "") -> Path:
    where = "t.experiment = ? AND t.key = ?" + (f" AND {more}" if more else "")
    table, fixed = f"{TABLES[subject.entity]} t", Sql(where, (scope.experiments[0], subject.key))
    if subject.entity == "metric":
        return Path(table, "t.run", fixed, "t.value", "t.value", "t.run")
    return Path(table, "t.run", fixed, spelling.indexed("t.value"), "t.value", "t.run", spelling.indexed_length)


def _by_start(held: Sql, conditions: Conditions, spelling: Spelling) -> Path:
    met, same = _same(conditions, spelling, STATUS)
    fixed = joined(" AND ", [held, *same])
    return Path("runs r", "r.id", fixed, "r.started_at", "r.started_at", "r.run_id", met=met)


def _by_run_id(scope: Scope, conditions: Conditions, spelling: Spelling) -> Path:
    met, same = _same(conditions, spelling, STATUS, START)
    if START in met:
        fixed = joined(" AND ", [scope.holds(), *same])
        return Path("runs r", "r.id", fixed, "r.run_id", "r.run_id", "r.id", met=met)
    # Among runs of several starts their ids have no order but that of all ids, of any experiment.
    return Path("runs r", "r.id", scope.probe(spelling), "r.run_id", "r.run_id", "r.id")


def _same(conditions: Conditions, spelling: Spelling, *subjects: Subject) -> tuple[frozenset[Subject], list[Sql]]:
    """Return which of the subjects must have a certain value, and the conditions that they have it."""
    columns = {START: "r.started_at", STATUS: "r.status"}
    ranges = {
        subject: range_of(subject, conditions[subject], spelling) for subject in subjects if subject in conditions
    }
    certain = {
        subject: values
        for subject, values in ranges.items()
        if values.only is not None and all(clause.comparator == "=" for clause in conditions[subject])
    }
    held = [piece for subject, values in certain.items() for piece in values.holds(columns[subject])]
    return frozenset(certain), held


def range_of(subject: Subject, clauses: tuple[Clause, ...], spelling: Spelling) -> Range:
    """Return which values of a subject's path may meet all clauses."""
    entity, key = subject
    if entity == "metric":
        return of_numbers(clauses)
    if entity != "attribute" or key == "run_name":
        return of_texts(clauses, spelling.indexed_length)
    return of_whole_numbers(clauses) if key in ("start_time", "end_time") else of_texts(clauses, None)


def sources(scope: Scope, conditions: Conditions, spelling: Spelling) -> Iterator[Sql]:
    """Yield selections of keys of runs; each has, maybe repeatedly, all runs of the scope that meet the conditions."""
    for subject, clauses in conditions.items():
        if subject.entity == "dataset":
            yield from (_readers(scope, clause, spelling) for clause in clauses if clause.key != "context")
        elif subject.entity == "attribute":
            yield from _by_attribute(subject, clauses, scope, conditions, spelling)
        elif any(clause.comparator != "IS NULL" for clause in clauses):
            yield _by_key(subject, clauses, scope, spelling)


def all_runs(scope: Scope, spelling: Spelling) -> Sql:
    """Select the keys of all runs of the scope."""
    return _by_start(scope.holds(), {}, spelling).runs(ALL)


def _by_key(subject: Subject, clauses: tuple[Clause, ...], scope: Scope, spelling: Spelling) -> Sql:
    values = range_of(subject, clauses, spelling)
    if subject.entity != "metric":
        return _keyed(subject, scope, spelling).runs(values)
    comparators = {clause.comparator for clause in clauses}
    if "IS NAN" in comparators:
        return _keyed(subject, scope, spelling, "t.is_nan = true").runs(values)
    if comparators == {"!="}:  # a NaN differs from all numbers
        return replace(_keyed(subject, scope, spelling), by="t.is_nan").runs(ALL)
    return _keyed(subject, scope, spelling, "t.is_nan = false").runs(values)


def _by_attribute(
    subject: Subject, clauses: tuple[Clause, ...], scope: Scope, conditions: Conditions, spelling: Spelling
) -> Iterator[Sql]:
    values = range_of(subject, clauses, spelling)
    if subject == RUN_ID:
        for clause in clauses:
            if clause.comparator in ("=", "IN"):
                among = compare(clause, "r.run_id", spelling)
                yield Sql(f"SELECT r.id AS run FROM runs r WHERE {among.text}", among.values)
    elif any(clause.comparator == "IS NULL" for clause in clauses):
        held = scope.holds()
        yield Sql(f"SELECT r.id AS run FROM runs r WHERE {held.text} AND r.ended_at IS NULL", held.values)
    elif values != ALL and (path := path_of(subject, scope, conditions, spelling)):
        yield path.runs(values)


def _readers(scope: Scope, clause: Clause, spelling: Spelling) -> Sql:
    """Select the runs that read a dataset."""
    met = compare(clause, f"d.{clause.key}", spelling)
    read = "FROM datasets d CROSS JOIN run_datasets i WHERE d.experiment = ? AND i.dataset = d.id"
    return Sql(f"SELECT i.run AS run {read} AND {met.text}", (scope.experiments[0], *met.values))
