"""The search of runs: what may be asked, and how the runs of several experiments are brought together."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from functools import total_ordering
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from mainspring.kit.filters import (
    LIST,
    NUMERIC,
    PRESENCE,
    TEXT,
    Entity,
    Field,
    Vocabulary,
    parse_filter,
    parse_orders,
)
from mainspring.kit.sql_engines import select_rows
from mainspring.kit.sql_text import plan_along_indexes
from mainspring.modules.tracking.schemas import RunGroups, ViewType
from mainspring.modules.tracking.search.conditions import STAGES, known_experiments
from mainspring.modules.tracking.search.groups import group_runs
from mainspring.modules.tracking.search.probes import Scope, Subject, grouped
from mainspring.modules.tracking.search.terms import Position, expressions, terms_of
from mainspring.modules.tracking.search.walks import Match, Walk

FEW_EACH = 200
"""So many runs in each of several experiments are rather sorted together than merged from a search of each."""

_METRIC = Entity("metric", ("metric", "metrics"), any_key=Field("number", NUMERIC))
_PARAM = Entity("parameter", ("parameter", "parameters", "param", "params"), any_key=Field("string", TEXT | PRESENCE))
_TAG = Entity("tag", ("tag", "tags"), any_key=Field("string", TEXT | PRESENCE))
_DATASET = Entity(
    "dataset",
    ("dataset", "datasets"),
    keys={key: Field("string", TEXT | LIST) for key in ("name", "digest", "context")},
)
_ATTRIBUTE = Entity(
    "attribute",
    ("attribute", "attributes", "attr", "run"),
    keys={
        "run_id": Field("string", TEXT | LIST),
        **{key: Field("string", TEXT) for key in ("run_name", "user_id", "status", "artifact_uri")},
        **{key: Field("number", NUMERIC) for key in ("start_time", "end_time")},
    },
    key_aliases={
        **dict.fromkeys(("created", "Created"), "start_time"),
        **dict.fromkeys(("run name", "Run name", "Run Name"), "run_name"),
    },
)
FILTERS = Vocabulary(_ATTRIBUTE, (_METRIC, _PARAM, _TAG, _DATASET))
ORDERS = Vocabulary(
    Entity(
        "attribute",
        _ATTRIBUTE.spellings,
        keys=_ATTRIBUTE.keys,
        key_aliases=dict.fromkeys(("created", "Created"), "start_time"),
    ),
    (_METRIC, _PARAM, _TAG),
)


class RunQuery:
    """A search of runs, read and checked. Raises InvalidArgument for what cannot be read.

    Runs are the newest first unless ordered otherwise. A sort key's values come first, then its NaNs,
    then the runs that lack it, whatever the direction; ties are ordered by start, newest first, and run id.
    """

    def __init__(self, experiments: Sequence[int], filter: str | None, view: ViewType, order_by: Sequence[str]) -> None:
        self._conditions = grouped(parse_filter(filter, FILTERS))
        self._terms = terms_of(parse_orders(order_by, ORDERS))
        self._scope = Scope(known_experiments(experiments), STAGES[view])
        by = expressions(self._terms)
        self.kinds = [expression.kind for expression in by]
        """Of what kinds the numbers and texts of a position are."""
        self._ascending = [expression.ascending for expression in by]

    def find(self, tx: Connection, limit: int, after: Position = (), offset: int = 0) -> list[Match]:
        """Return up to ``limit`` runs, from behind a position and then ``offset`` further: key, then position."""
        plan_along_indexes(tx)
        return list(islice(self._matches(tx, limit, after, offset), limit))

    def count(self, tx: Connection, most: int) -> int | None:
        """Return how many runs are found: all that there are without a filter.

        With one it is None past ``most``, and where more than ten times as many would have to be looked at.
        """
        if not self._scope.split():
            return 0
        plan_along_indexes(tx)
        if not self._conditions:
            held = self._scope.holds()
            [(count,)] = select_rows(tx, f"SELECT count(*) FROM runs r WHERE {held.text}", held.values)
            return int(count)
        found = 0
        for scope in self._scope.split():
            count = Walk(tx, scope, most).count(self._conditions, most - found, 10 * most)
            if count is None:
                return None
            found += count
        return found

    def group(self, tx: Connection, by: Sequence[Subject], metrics: Sequence[str], most: int) -> RunGroups:
        """Return the ``most`` largest groups of all the runs that are found; this looks at each of them."""
        if not self._scope.split():
            return RunGroups([], 0, 0)
        return group_runs(tx, self._scope, self._conditions, by, metrics, most)

    def _matches(self, tx: Connection, wanted: int, after: Position, offset: int) -> Iterator[Match]:
        scopes = self._scope.split()
        if len(scopes) == 1:
            return Walk(tx, scopes[0], wanted).matches(self._conditions, self._terms, after, offset)
        return islice(self._merged(tx, scopes, wanted, after), offset, None)

    def _merged(self, tx: Connection, scopes: list[Scope], wanted: int, after: Position) -> Iterator[Match]:
        if not scopes:
            return iter(())
        if not self._has_more(tx, FEW_EACH * len(scopes)):
            return Walk(tx, self._scope, wanted).sorted(self._conditions, self._terms, after)
        each = 2 * wanted // len(scopes) + 10
        found = (Walk(tx, scope, each).matches(self._conditions, self._terms, after) for scope in scopes)
        return heapq.merge(*found, key=self._sort_key)

    def _has_more(self, tx: Connection, runs: int) -> bool:
        """Say whether the scope has more than so many runs."""
        held = self._scope.holds()
        statement = f"SELECT count(*) FROM (SELECT 1 FROM runs r WHERE {held.text} LIMIT ?) c"
        [(count,)] = select_rows(tx, statement, (*held.values, runs + 1))
        return bool(count > runs)

    def _sort_key(self, match: Match) -> list[Any]:
        pairs = zip(match[1:], self._ascending, strict=True)
        return [value if ascending else _Descending(value) for value, ascending in pairs]


@total_ordering
class _Descending:
    """A value that sorts before those that are less."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and bool(self.value == other.value)

    def __lt__(self, other: _Descending) -> bool:
        return bool(other.value < self.value)

    def __hash__(self) -> int:
        return hash(self.value)
