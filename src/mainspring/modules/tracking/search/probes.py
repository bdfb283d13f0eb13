"""What a search of runs asks of each run that it looks at, in SQL on a row ``r`` of ``runs``.

What is logged to a run is looked up by subqueries that stand for one value: PostgreSQL cannot turn them
into joins, which would read all that was ever logged under the key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.filters import Clause
from mainspring.kit.sql_text import Spelling, Sql, joined, listed

CONTEXT_TAG = "mlflow.data.context"
MAX_PATTERN = 10_000
"""Characters of a LIKE pattern: SQLite limits its bytes."""

TABLES = {"metric": "latest_metrics", "parameter": "params", "tag": "tags"}
COLUMNS = {
    "run_id": "r.run_id",
    "run_name": "r.name",
    "user_id": "r.user_id",
    "status": "r.status",
    "artifact_uri": "r.artifact_uri",
    "start_time": "r.started_at",
    "end_time": "r.ended_at",
}


class Subject(NamedTuple):
    """What clauses and sort keys speak of: entity and key of MLflow's grammar."""

    entity: str
    key: str


START, RUN_ID, STATUS = (Subject("attribute", key) for key in ("start_time", "run_id", "status"))

Conditions = Mapping[Subject, tuple[Clause, ...]]
"""The clauses of a search by what they speak of.

Beside those of the grammar there are ``IS NULL`` of a metric or of the end, and ``IS NAN`` of a metric.
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """Runs that are searched together: those of some experiments in some lifecycle stages."""

    experiments: tuple[int, ...]
    stages: tuple[str, ...]

    def split(self) -> list[Scope]:
        return [Scope((experiment,), (stage,)) for experiment in self.experiments for stage in self.stages]

    def holds(self) -> Sql:
        return self._holds("r.experiment", "r.lifecycle_stage")

    def probe(self, spelling: Spelling) -> Sql:
        return self._holds(spelling.unindexed("r.experiment"), spelling.unindexed("r.lifecycle_stage"))

    def _holds(self, experiment: str, stage: str) -> Sql:
        return joined(" AND ", [listed(experiment, self.experiments), listed(stage, self.stages)])


def grouped(clauses: Iterable[Clause]) -> Conditions:
    """Return clauses by what they speak of."""
    found: dict[Subject, tuple[Clause, ...]] = {}
    for clause in clauses:
        subject = Subject(clause.entity, clause.key)
        found[subject] = (*found.get(subject, ()), clause)
    return found


def added(conditions: Conditions, subject: Subject, comparator: str, value: str | float | None = None) -> Conditions:
    """Return conditions with one more."""
    clause = Clause(subject.entity, subject.key, comparator, value, 0)
    return {**conditions, subject: (*conditions.get(subject, ()), clause)}


def probes(conditions: Conditions, spelling: Spelling, run: str = "r.id") -> list[Sql]:
    """Return the conditions of a run.

    ``run`` is where its key is told first: what asks no more is asked before the run is looked up.
    """
    return [probe for subject, clauses in conditions.items() for probe in _probes(subject, clauses, spelling, run)]


def _probes(subject: Subject, clauses: tuple[Clause, ...], spelling: Spelling, run: str) -> list[Sql]:
    if subject.entity == "attribute":
        column = spelling.unindexed(COLUMNS[subject.key])
        return [compare(clause, column, spelling) for clause in clauses]
    if subject.entity == "dataset":
        return [_dataset_probe(clause, spelling, run) for clause in clauses]
    row = f"FROM {TABLES[subject.entity]} p WHERE p.run = {run} AND p.key = ?"
    found = []
    if present := [clause for clause in clauses if clause.comparator != "IS NULL"]:
        met = joined(" AND ", [of_row(clause, "p", spelling) for clause in present])
        found.append(Sql(f"(SELECT {met.text} {row})", (*met.values, subject.key)))
    if len(present) < len(clauses):
        found.append(Sql(f"(SELECT 1 {row}) IS NULL", (subject.key,)))
    return found


def of_row(clause: Clause, row: str, spelling: Spelling) -> Sql:
    """Return a clause on a metric, param or tag as a condition of its ``row``."""
    if clause.comparator == "IS NOT NULL":
        return Sql("true")
    if clause.comparator == "IS NAN":
        return Sql(f"{row}.is_nan")
    met = compare(clause, f"{row}.value", spelling)
    if clause.entity != "metric":
        return met
    # A NaN, whose value is stored as 0, differs from every number and meets nothing else.
    nan = f"OR {row}.is_nan" if clause.comparator == "!=" else f"AND NOT {row}.is_nan"
    return Sql(f"({met.text} {nan})", met.values)


def compare(clause: Clause, column: str, spelling: Spelling) -> Sql:
    """Compare a column with the value of a clause; NULL meets nothing but ``IS NULL``.

    Raises InvalidArgument for a pattern that is too long.
    """
    comparator, value = clause.comparator, clause.value
    if comparator == "IS NULL":
        return Sql(f"{column} IS NULL")
    if isinstance(value, tuple):
        among = listed(column, value)
        return among if comparator == "IN" else Sql(f"NOT {among.text}", among.values)
    if isinstance(value, str) and comparator in ("LIKE", "ILIKE"):
        if len(value) > MAX_PATTERN:
            raise InvalidArgument(
                f"Invalid filter: a {comparator} pattern has {len(value)} characters, it may have {MAX_PATTERN}.",
                field="filter",
            )
        return (spelling.like if comparator == "LIKE" else spelling.ilike)(column, value)
    number = float(value) if clause.entity == "metric" and isinstance(value, int) else value
    return Sql(f"{column} {comparator} ?", (number,))


def _dataset_probe(clause: Clause, spelling: Spelling, run: str) -> Sql:
    if clause.key == "context":
        met = compare(clause, "d.value", spelling)
        row = f"FROM run_dataset_tags d WHERE d.run = {run} AND d.key = ? AND {met.text}"
        return Sql(f"(SELECT 1 {row} LIMIT 1) IS NOT NULL", (CONTEXT_TAG, *met.values))
    met = compare(clause, f"d.{clause.key}", spelling)
    row = f"FROM run_datasets i JOIN datasets d ON d.id = i.dataset WHERE i.run = {run} AND {met.text}"
    return Sql(f"(SELECT 1 {row} LIMIT 1) IS NOT NULL", met.values)
