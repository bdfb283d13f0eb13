"""What data and models came from, and what came of them."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any

from mainspring.client.transport import Query, Transport
from mainspring.client.values import one_of
from mainspring.modules.lineage.schemas import Direction, Lineage, LineageEvent, LineageEvents, TakenEvents


class LineageClient:
    """The graph of datasets, runs, models and items, and events of OpenLineage."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, of: str, hops: int = 2, *, direction: Direction | str = Direction.BOTH) -> Lineage:
        """Return what is around a node, up to so many steps away.

        A node is ``run:<id>``, ``dataset:<name>@<digest>``, ``logged_model:<id>``, ``model_version:<model>/<version>``,
        ``item:<slug>``, ``job:<namespace>/<name>`` or ``job_run:<id>``. ``up`` is what it came from, ``down`` what
        came of it.
        """
        query: Query = {"of": of, "hops": hops, "direction": one_of(Direction, direction, "direction").value}
        return self._transport.call(Lineage, "GET", "/lineage", query=query)

    def emit(
        self, events: LineageEvent | Mapping[str, Any] | Sequence[LineageEvent | Mapping[str, Any]]
    ) -> TakenEvents:
        """Tell of jobs, their runs and datasets, by one event of OpenLineage or several: structs, or their JSON."""
        return self._transport.call(TakenEvents, "POST", "/lineage/events", body=events)

    def events(self, run_id: str | None = None, *, of: str | None = None, hops: int = 2) -> builtins.list[LineageEvent]:
        """Return the events of OpenLineage of a run, or of all runs around the node ``of``, the oldest first."""
        query: Query = {"run_id": run_id, "of": of, "hops": hops}
        return self._transport.call(LineageEvents, "GET", "/lineage/events", query=query).items
