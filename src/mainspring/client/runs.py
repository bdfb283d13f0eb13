"""Runs and what is logged to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from mainspring.client.frames import frame_of
from mainspring.client.pages import Results
from mainspring.client.series import SeriesResults
from mainspring.client.transport import Transport, segment
from mainspring.client.values import ids_of, number, one_of
from mainspring.kit.time import now_ms
from mainspring.modules.tracking.schemas import (
    Metric,
    MetricHistory,
    Run,
    RunColumns,
    RunColumnsQuery,
    RunCreate,
    RunGroupQuery,
    RunGroups,
    RunHeader,
    RunLog,
    Runs,
    RunSearch,
    RunStatus,
    RunUpdate,
    SeriesQuery,
    TagValue,
    ViewType,
    XAxis,
)

if TYPE_CHECKING:
    import polars


class RunResults(Results[Run]):
    """The runs that a search finds."""

    def __init__(self, transport: Transport, query: RunSearch) -> None:
        self._transport, self._query = transport, query
        super().__init__(self._page)

    def _page(self, page_token: str | None) -> Runs:
        return self._transport.call(Runs, "POST", "/runs/search", body=self._from(page_token))

    def _from(self, page_token: str | None) -> RunSearch:
        if page_token is None:
            return self._query
        return msgspec.structs.replace(self._query, page_token=page_token, offset=0)

    def count(self) -> int | None:
        """Return how many runs there are; None where a filter finds more than 10,000."""
        asked = msgspec.structs.replace(self._query, count=True, max_results=1)
        return self._transport.call(Runs, "POST", "/runs/search", body=asked).total

    def to_polars(self) -> polars.DataFrame:
        """Return all of them as a frame: attributes, ``params.*``, ``metrics.*`` (latest) and ``tags.*``.

        Raises Unsupported where Polars is not installed.
        """
        return frame_of(self._streams())

    def _streams(self) -> Iterator[bytes]:
        token: str | None = None
        while True:
            stream, token = self._transport.table("POST", "/runs/search", body=self._from(token))
            yield stream
            if token is None:
                return


class RunClient:
    """The runs of a server."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def search(
        self,
        experiment_ids: Iterable[str],
        filter: str = "",
        *,
        view_type: str = ViewType.ACTIVE_ONLY,
        order_by: Sequence[str] = (),
        page_size: int = 100,
        offset: int = 0,
        columns: Sequence[str] = (),
    ) -> RunResults:
        """Find runs of some experiments. ``filter`` and ``order_by`` are MLflow's grammar.

        ``offset`` passes over runs; ``columns``, such as ``params.lr`` or ``metrics``, leaves out the other params,
        metrics and tags.
        """
        wanted = RunSearch(
            ids_of(experiment_ids),
            filter,
            one_of(ViewType, view_type, "view_type"),
            page_size,
            list(order_by),
            offset=offset,
            columns=list(columns),
        )
        return RunResults(self._transport, wanted)

    def columns(self, experiment_ids: Iterable[str]) -> RunColumns:
        """Return the keys of all params, metrics and tags of the runs of some experiments."""
        wanted = RunColumnsQuery(ids_of(experiment_ids))
        return self._transport.call(RunColumns, "POST", "/runs/columns", body=wanted)

    def groups(
        self,
        experiment_ids: Iterable[str],
        by: Sequence[str],
        metrics: Sequence[str] = (),
        filter: str = "",
        *,
        view_type: str = ViewType.ACTIVE_ONLY,
        limit: int = 100,
    ) -> RunGroups:
        """Return the largest groups of all runs of a filter by such as ``params.lr``, with figures of some metrics.

        These are the mean, the standard deviation (of the population), the least and the greatest of the latest points.
        """
        view = one_of(ViewType, view_type, "view_type")
        wanted = RunGroupQuery(ids_of(experiment_ids), list(by), list(metrics), filter, view, limit)
        return self._transport.call(RunGroups, "POST", "/runs/groups", body=wanted)

    def get(self, run_id: str) -> Run:
        """Return a run with its params, tags and latest metrics, a deleted one too."""
        return self._transport.call(Run, "GET", _path(run_id))

    def create(
        self,
        experiment_id: str = "0",
        *,
        name: str | None = None,
        user_id: str = "",
        started_at: int | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Run:
        """Start a run. ``started_at`` is in ms since the epoch, left out it is now."""
        new = RunCreate(str(experiment_id), name, user_id, started_at, dict(tags or {}))
        return self._transport.call(Run, "POST", "/runs", body=new)

    def update(
        self, run_id: str, *, status: str | None = None, ended_at: int | None = None, name: str | None = None
    ) -> RunHeader:
        """Change a run's status, end (ms since the epoch) or name; what is None stays as it is."""
        change = RunUpdate(one_of(RunStatus, status, "status") if status else None, ended_at, name)
        return self._transport.call(RunHeader, "PATCH", _path(run_id), body=change)

    def finish(self, run_id: str, status: str = RunStatus.FINISHED) -> RunHeader:
        """Say that a run has ended, now."""
        return self.update(run_id, status=status, ended_at=now_ms())

    def delete(self, run_id: str) -> None:
        """Mark a run as deleted."""
        self._transport.do("DELETE", _path(run_id))

    def restore(self, run_id: str) -> Run:
        """Bring a deleted run back."""
        return self._transport.call(Run, "POST", f"{_path(run_id)}/restore")

    def log(
        self,
        run_id: str,
        *,
        metrics: Mapping[str, float] | Iterable[Metric] = (),
        params: Mapping[str, object] | None = None,
        tags: Mapping[str, object] | None = None,
        step: int = 0,
        timestamp: int | None = None,
    ) -> None:
        """Log to a run, all or nothing.

        ``step`` and ``timestamp`` (ms since the epoch, left out it is now) are for metrics given by name; a
        ``Metric`` has its own. Params and tags are kept as text.
        """
        if isinstance(metrics, Mapping):
            at = now_ms() if timestamp is None else timestamp
            points = [Metric(key, number(value), at, step) for key, value in metrics.items()]
        else:
            points = [msgspec.structs.replace(point, value=number(float(point.value))) for point in metrics]
        logged = RunLog(points, _texts(params), _texts(tags))
        self._transport.do("POST", f"{_path(run_id)}/log", body=logged)

    def set_tag(self, run_id: str, key: str, value: object) -> None:
        """Set a tag of a run."""
        self._transport.do("PUT", f"{_path(run_id)}/tags/{segment(key)}", body=TagValue(str(value)))

    def delete_tag(self, run_id: str, key: str) -> None:
        """Delete a tag of a run."""
        self._transport.do("DELETE", f"{_path(run_id)}/tags/{segment(key)}")

    def metric_history(self, run_id: str, key: str, *, page_size: int = 10_000) -> Results[Metric]:
        """Find the points of one metric by timestamp, step and value."""

        def fetch(page_token: str | None) -> MetricHistory:
            query = {"max_results": page_size, "page_token": page_token}
            return self._transport.call(MetricHistory, "GET", f"{_path(run_id)}/metrics/{segment(key)}", query=query)

        return Results(fetch)

    def series(
        self,
        keys: Sequence[str],
        run_ids: Iterable[str] = (),
        *,
        groups: Mapping[str, Sequence[str]] | None = None,
        x: str = XAxis.STEP,
        start: int | None = None,
        end: int | None = None,
        points: int = 320,
    ) -> SeriesResults:
        """Find curves of runs, or bands of ``groups`` (name → run ids), of at most ``points`` points each.

        ``x`` is step, time (ms since the epoch) or relative (ms since the run's start); ``start`` and ``end`` are
        a window on it. Of more points the least and the greatest of each part of the axis are kept.
        """
        wanted = {name: list(members) for name, members in (groups or {}).items()}
        axis = one_of(XAxis, x, "x")
        return SeriesResults(self._transport, SeriesQuery(list(keys), list(run_ids), wanted, axis, start, end, points))


def _path(run_id: str) -> str:
    return f"/runs/{segment(run_id)}"


def _texts(values: Mapping[str, object] | None) -> dict[str, str]:
    return {key: str(value) for key, value in (values or {}).items()}
