"""Events of other systems: who tells of a run, a job or a dataset again adds to what is known of it.

Taking the same events twice, or in another order, leaves the same: of what they say of one thing the newest counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, TooLarge
from mainspring.kit.permissions import Permission
from mainspring.modules.lineage import store
from mainspring.modules.lineage.schemas import (
    EventDataset,
    EventJob,
    EventType,
    LineageEvent,
    NodeKind,
    TakenEvents,
)
from mainspring.modules.lineage.service.nodes import MAX_ID
from mainspring.modules.lineage.service.openlineage import name_of, own_node
from mainspring.modules.projects import service as projects
from mainspring.modules.tracking.service import lineage as tracking

MAX_EVENTS = 100
MAX_DATASETS = 1_000
"""So many inputs and outputs an event may have."""
MAX_FACET = 16 * 1024
MAX_FACETS = 64 * 1024
"""So many bytes of JSON one facet, and all facets of a node, may have."""
ENDS = (EventType.COMPLETE, EventType.ABORT, EventType.FAIL)
Facets = Mapping[str, Mapping[str, Any]]
_Said = tuple[int, dict[str, Any], Facets]
"""When something is said of a node (ms), what, and its facets."""


@dataclass(slots=True)
class _Told:
    """What events tell: nodes with what is said of them and when, and edges."""

    project: int
    path: str
    own_runs: frozenset[str]
    nodes: dict[NodeKind, dict[str, list[_Said]]] = field(default_factory=dict)
    edges: dict[tuple[str, str], int] = field(default_factory=dict)
    left_out: dict[str, None] = field(default_factory=dict)

    def add_node(self, kind: NodeKind, name: str, at: int, says: dict[str, Any], facets: Facets) -> str:
        """Note what is said of a node, and return its id."""
        self.nodes.setdefault(kind, {}).setdefault(name, []).append((at, says, self._kept(facets)))
        return f"{kind}:{name}"

    def add_edge(self, source: str, target: str, at: int) -> None:
        self.edges.setdefault((source, target), at)

    def _kept(self, facets: Facets) -> Facets:
        kept = {name: facet for name, facet in facets.items() if len(msgspec.json.encode(facet)) <= MAX_FACET}
        self.left_out |= dict.fromkeys(name for name in facets if name not in kept)
        return kept


def take_events(tx: Connection, actor: Actor, events: Sequence[LineageEvent]) -> TakenEvents:
    """Take events into the actor's project. Raises InvalidArgument and TooLarge; then none of them is taken."""
    actor.require(Permission.TRACKING_WRITE)
    if len(events) > MAX_EVENTS:
        raise TooLarge(f"There are {len(events)} events; at most {MAX_EVENTS} may come at once.", field="events")
    runs = tracking.find_runs(tx, {event.run.run_id.hex for event in events if event.run})
    own = frozenset(run.run_id for run in runs if run.project == actor.project)
    told = _Told(actor.project, projects.own_project(tx, actor).path, own)
    for event in events:
        _take(told, event)
    _keep(tx, told)
    return TakenEvents(len(events), list(told.left_out))


def _take(told: _Told, event: LineageEvent) -> None:
    """Note what an event tells: a RunEvent, a JobEvent or a DatasetEvent."""
    if len(event.inputs) + len(event.outputs) > MAX_DATASETS:
        count = len(event.inputs) + len(event.outputs)
        raise TooLarge(f"An event has {count} inputs and outputs; {MAX_DATASETS} are allowed.", field="inputs")
    at = _milliseconds(event.event_time)
    says = {"producer": event.producer[:MAX_ID]}
    if event.job is None:
        if event.dataset is None or event.run is not None:
            raise InvalidArgument("An event must have a run and its job, or a job, or a dataset.", field="job")
        _dataset(told, event.dataset, at, says)
        return
    doer = _run(told, event, event.job, at, says) if event.run else _job(told, event.job, at, says)
    for dataset in event.inputs:
        told.add_edge(_dataset(told, dataset, at, says), doer, at)
    for dataset in event.outputs:
        told.add_edge(doer, _dataset(told, dataset, at, says), at)


def _job(told: _Told, job: EventJob, at: int, says: dict[str, Any]) -> str:
    return told.add_node(NodeKind.JOB, name_of(job, "job"), at, says, job.facets)


def _run(told: _Told, event: LineageEvent, job: EventJob, at: int, says: dict[str, Any]) -> str:
    """Note a run and its job, and return the run's id: a run that is tracked here keeps its own."""
    assert event.run is not None
    if event.run.run_id.hex in told.own_runs:
        return f"{NodeKind.RUN}:{event.run.run_id.hex}"
    done = says | {"job": name_of(job, "job")}
    if event.event_type is not None:
        done["state"] = event.event_type.value
    if event.event_type is EventType.START:
        done["started_at"] = at
    elif event.event_type in ENDS:
        done["ended_at"] = at
    run = told.add_node(NodeKind.JOB_RUN, str(event.run.run_id), at, done, event.run.facets)
    told.add_edge(_job(told, job, at, says), run, at)
    return run


def _dataset(told: _Told, dataset: EventDataset, at: int, says: dict[str, Any]) -> str:
    own = own_node(dataset, told.path)
    if own is not None:
        return own
    return told.add_node(NodeKind.DATASET, name_of(dataset, "dataset"), at, says, dataset.facets)


def _keep(tx: Connection, told: _Told) -> None:
    new = [(told.project, kind.value, name, "{}", 0) for kind, names in told.nodes.items() for name in names]
    store.insert_nodes(tx, new)
    changed = []
    for kind, names in told.nodes.items():
        for name, row in store.find_own_nodes(tx, told.project, kind.value, names).items():
            facets, updated_at = _added(told, row, names[name])
            if (facets, updated_at) != (row.facets, row.updated_at):
                changed.append((facets, updated_at, row.key))
    store.update_nodes(tx, changed)
    store.insert_edges(tx, [(told.project, source, target, at) for (source, target), at in told.edges.items()])


def _added(told: _Told, row: store.NodeRow, said: list[_Said]) -> tuple[str, int]:
    """Return what is known of a node with what is said of it, as JSON of bounded length, and when it was said."""
    known, newest = msgspec.json.decode(row.facets, type=dict[str, Any]), row.updated_at
    for at, says, facets in said:
        known, newest = _merged(known, newest, at, says, facets), max(newest, at)
    while len(text := msgspec.json.encode(known)) > MAX_FACETS:
        told.left_out[known["facets"].popitem()[0]] = None
    return text.decode(), newest


def _merged(known: dict[str, Any], newest: int, at: int, says: dict[str, Any], facets: Facets) -> dict[str, Any]:
    """Return what is known of a node together with what is said of it; the newer counts where both speak."""
    old = known.get("facets", {})
    merged = says | known if at < newest else known | says
    together = {**facets, **old} if at < newest else {**old, **facets}
    return merged | {"facets": {name: each for name, each in together.items() if not each.get("_deleted")}}


def _milliseconds(time: datetime) -> int:
    """Return a time in ms since the epoch; one without a zone is taken for UTC."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)
