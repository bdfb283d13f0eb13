"""Our runs as other systems want them: events of OpenLineage, with what the runs read and made.

Datasets, logged models and versions have the namespace ``mainspring://<project>`` and their ids as names.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from mainspring import __version__
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.permissions import Permission
from mainspring.modules.catalog.service import lineage as catalog
from mainspring.modules.lineage.schemas import (
    Direction,
    EventDataset,
    EventJob,
    EventRun,
    EventType,
    LineageEvent,
    LineageEvents,
    LineageNode,
    NodeKind,
)
from mainspring.modules.lineage.service.loading import Found, Sight, describe, load
from mainspring.modules.lineage.service.nodes import Ref
from mainspring.modules.lineage.service.openlineage import OWN, SCHEMA, SPEC, run_uuid
from mainspring.modules.lineage.service.relations import Edge, find_down, find_up
from mainspring.modules.lineage.service.tracing import check_hops, find_start, walk

PRODUCER = f"urn:mainspring:{__version__}"
LAST = 253_402_300_799_000
"""The last second of the year 9999, in ms since the epoch."""
ENDS = {"FINISHED": EventType.COMPLETE, "FAILED": EventType.FAIL, "KILLED": EventType.ABORT}


def list_events(tx: Connection, actor: Actor, run_id: str = "", of: str = "", hops: int = 2) -> LineageEvents:
    """Return the events of a run, or of all runs around a node, the oldest first. Raises NotFound, InvalidArgument."""
    actor.require(Permission.PROJECTS_DISCOVER)
    if bool(run_id) == bool(of):
        raise InvalidArgument("Either run_id or of must be given, and not both.", field="run_id")
    check_hops(hops)
    sight = Sight(tx, actor)
    start = find_start(sight, of or f"{NodeKind.RUN}:{run_id}")
    around = walk(sight, start, hops, Direction.BOTH).nodes if of else {start.ref: start}
    runs = {ref: found for ref, found in around.items() if ref.kind is NodeKind.RUN}
    events = _events(sight, runs) if runs else []
    return LineageEvents(sorted(events, key=lambda event: event.event_time))


def _events(sight: Sight, runs: dict[Ref, Found]) -> Iterable[LineageEvent]:
    read = [edge for edge in find_up(sight, runs) if edge.kind == "input"]
    made = [edge for edge in find_down(sight, runs) if edge.kind in ("output", "registered")]
    beside = load(sight, {edge.source for edge in read} | {edge.target for edge in made})
    shown = describe(sight, [*runs.values(), *beside.values()])
    for ref, found in runs.items():
        inputs = [_dataset(beside[edge.source], shown) for edge in _among(read, beside) if edge.target == ref]
        outputs = [_dataset(beside[edge.target], shown) for edge in _among(made, beside) if edge.source == ref]
        yield from _events_of(found, shown[ref], inputs, outputs)


def _among(edges: list[Edge], beside: dict[Ref, Found]) -> Iterable[Edge]:
    return (edge for edge in edges if edge.source in beside or edge.target in beside)


def _events_of(
    found: Found, node: LineageNode, inputs: list[EventDataset], outputs: list[EventDataset]
) -> Iterable[LineageEvent]:
    """Yield that a run has started, and that it has ended, if it has."""
    told, end = found.attributes, ENDS.get(found.attributes["status"])
    run = EventRun(run_uuid(str(found.ref.key)), {"mainspring_run": _facet(f"{SCHEMA}/RunFacet", _about(node))})
    job = EventJob(f"{OWN}{node.project}", told["experiment"])
    schema = f"{SCHEMA}/RunEvent"
    made = outputs if end is None else []
    yield LineageEvent(_time(found.created_at or 0), PRODUCER, schema, EventType.START, run, job, None, inputs, made)
    if end is not None:
        ended = _time(told["ended_at"] or found.created_at or 0)
        yield LineageEvent(ended, PRODUCER, schema, end, run, job, None, inputs, outputs)


def _about(node: LineageNode) -> dict[str, Any]:
    names = ("status", "user", "experiment_id")
    return {"id": node.id, "name": node.title} | {name: node.attributes.get(name) for name in names}


def _dataset(found: Found, shown: dict[Ref, LineageNode]) -> EventDataset:
    node, facets = shown[found.ref], {}
    if found.ref.kind is NodeKind.DATASET and "digest" in found.attributes:
        version = {"datasetVersion": found.attributes["digest"]}
        schema = f"{SPEC}/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
        facets["version"] = _facet(schema, version)
    if uri := next(filter(None, map(catalog.uri_in, sorted(found.sources))), ""):
        schema = f"{SPEC}/facets/1-0-1/DatasourceDatasetFacet.json#/$defs/DatasourceDatasetFacet"
        facets["dataSource"] = _facet(schema, {"name": found.title, "uri": uri})
    return EventDataset(f"{OWN}{node.project}", node.id, facets)


def _facet(schema: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": schema} | fields


def _time(ms: int) -> datetime:
    """Return a time; those that no calendar has, which clients may log, are the last one that it has, or the first."""
    return datetime.fromtimestamp(min(max(ms, 0), LAST) / 1000, UTC)
