"""Curves and bands of metrics, as charts need them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mainspring.client.frames import frame_of
from mainspring.client.transport import Transport
from mainspring.modules.tracking.schemas import GroupSeries, MetricSeries, Series, SeriesQuery

if TYPE_CHECKING:
    import polars

PATH = "/runs/metrics:series"


class SeriesResults:
    """The answer to a ``SeriesQuery``, asked for when it is first looked at."""

    def __init__(self, transport: Transport, query: SeriesQuery) -> None:
        self._transport, self._query = transport, query

    @cached_property
    def _answer(self) -> MetricSeries:
        return self._transport.call(MetricSeries, "POST", PATH, body=self._query)

    @property
    def series(self) -> list[Series]:
        """Curves of runs, by run and key."""
        return self._answer.series

    @property
    def groups(self) -> list[GroupSeries]:
        """Bands of groups, by group and key."""
        return self._answer.groups

    def to_polars(self) -> polars.DataFrame:
        """Return one long frame: run_id, key, step, timestamp, value.

        Of groups it is group, key, x, runs, mean, std, min, max. Raises Unsupported where Polars is not installed.
        """
        stream, _ = self._transport.table("POST", PATH, body=self._query)
        return frame_of([stream])
