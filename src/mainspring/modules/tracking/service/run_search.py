"""Rules of the search of runs and of the datasets that they read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.arrow import Columns, Kind
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import invalid_value
from mainspring.kit.pages import position_of, query_mark, token_of
from mainspring.kit.permissions import Permission
from mainspring.modules.tracking import search
from mainspring.modules.tracking.documents import decode_joined
from mainspring.modules.tracking.schemas import DatasetSummary, Run, RunHeader, Runs, RunSearch
from mainspring.modules.tracking.service import rules
from mainspring.modules.tracking.service.experiments import own_keys
from mainspring.modules.tracking.store import documents as store

MAX_SEARCHED_EXPERIMENTS = 20
MAX_COUNTED = 10_000
"""How many runs of a filter are counted."""
MAX_OFFSET = 10_000_000
COLUMN_KINDS = ("params", "metrics", "tags")


def search_runs(tx: Connection, actor: Actor, query: RunSearch) -> Runs:
    """Return a page of runs with the wanted columns, the newest first unless ordered otherwise."""
    columns = _Columns(query.columns)
    documents, token = search_documents(tx, actor, query)
    total = _query(tx, actor, query).count(tx, MAX_COUNTED) if query.count else None
    return Runs([columns.of(run) for run in decode_joined(documents)], token, total)


def search_documents(tx: Connection, actor: Actor, query: RunSearch) -> tuple[bytes, str | None]:
    """Return a page of runs, as MLflow's JSON with commas between them, and the token of the next page."""
    actor.require(Permission.TRACKING_READ)
    limit = rules.check_max_results(query.max_results)
    if not 0 <= query.offset <= MAX_OFFSET:
        raise invalid_value("offset", query.offset, f"It must be between 0 and {MAX_OFFSET}.")
    asked = _query(tx, actor, query)
    mark = query_mark(sorted(query.experiment_ids), query.filter, query.view_type, query.order_by)
    after = position_of(query.page_token, mark, asked.kinds) if query.page_token else ()
    found = asked.find(tx, limit + 1, after, query.offset)
    token = token_of(mark, found[limit - 1][1:]) if len(found) > limit else None
    return store.join_documents(tx, [key for key, *_ in found[:limit]]), token


def _query(tx: Connection, actor: Actor, query: RunSearch) -> search.RunQuery:
    experiments = own_keys(tx, actor, query.experiment_ids)
    return search.RunQuery(experiments, query.filter, query.view_type, query.order_by)


class _Columns:
    """What of a run is wanted. Raises InvalidArgument for a column that there is not."""

    def __init__(self, names: list[str]) -> None:
        self._all = not names
        self._wanted: dict[str, set[str] | None] = {}
        for name in names:
            kind, dot, key = name.partition(".")
            if kind not in COLUMN_KINDS or (dot and not key):
                raise invalid_value(
                    "columns", name, f"A column is one of {', '.join(COLUMN_KINDS)}, or such as params.lr."
                )
            chosen = self._wanted.setdefault(kind, set() if dot else None)
            if dot and chosen is not None:
                chosen.add(key)
            elif not dot:
                self._wanted[kind] = None

    def of(self, run: Run) -> Run:
        """Return a run with the wanted columns."""
        if self._all:
            return run
        return replace(
            run,
            params={key: value for key, value in run.params.items() if self._wants("params", key)},
            metrics=[metric for metric in run.metrics if self._wants("metrics", metric.key)],
            tags={key: value for key, value in run.tags.items() if self._wants("tags", key)},
            datasets=[],
            model_inputs=[],
            model_outputs=[],
        )

    def _wants(self, kind: str, key: str) -> bool:
        if kind not in self._wanted:
            return False
        chosen = self._wanted[kind]
        return chosen is None or key in chosen


def run_columns(runs: Sequence[Run]) -> Columns:
    """Return runs as a table: a row a run, its attributes, then ``params.*``, ``metrics.*`` and ``tags.*``."""
    columns: dict[str, tuple[Kind, list[Any]]] = {
        name: (Kind.INTEGER if name.endswith("_at") else Kind.TEXT, [getattr(run, name) for run in runs])
        for name in RunHeader.__struct_fields__
    }
    metrics = [{metric.key: float(metric.value) for metric in run.metrics} for run in runs]
    for prefix, kind, dicts in (
        ("params", Kind.TEXT, [run.params for run in runs]),
        ("metrics", Kind.NUMBER, metrics),
        ("tags", Kind.TEXT, [run.tags for run in runs]),
    ):
        for key in sorted({key for each in dicts for key in each}):
            columns[f"{prefix}.{key}"] = (kind, [each.get(key) for each in dicts])
    return columns


def search_datasets(tx: Connection, actor: Actor, experiment_ids: list[str]) -> list[DatasetSummary]:
    """Return what datasets the runs of some experiments read."""
    actor.require(Permission.TRACKING_READ)
    if not experiment_ids:
        raise InvalidArgument("SearchDatasets request must specify at least one experiment_id.", field="experiment_ids")
    if len(experiment_ids) > MAX_SEARCHED_EXPERIMENTS:
        raise InvalidArgument(
            f"SearchDatasets request cannot specify more than {MAX_SEARCHED_EXPERIMENTS} experiment_ids. "
            f"Received {len(experiment_ids)} experiment_ids.",
            field="experiment_ids",
        )
    return search.search_datasets(tx, own_keys(tx, actor, experiment_ids))
