"""``/api/v1/lineage``: what came from what, and events of OpenLineage."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.lineage import service
from mainspring.modules.lineage.schemas import Direction, Lineage, LineageEvent, LineageEvents, TakenEvents

Db = NamedDependency[Database]
Who = NamedDependency[Actor]
NODES = (
    "`run:<id>`, `dataset:<name>@<digest>`, `logged_model:<id>`, `model_version:<model>/<version>`, `item:<slug>`, "
    "`job:<namespace>/<name>`, `job_run:<id>`"
)
Of = Annotated[str, QueryParameter(description=f"A node: {NODES}.")]
Hops = Annotated[int, QueryParameter(description=f"How many steps away from it, 1 to {service.MAX_HOPS}.")]
Way = Annotated[Direction, QueryParameter(description="`up`: what it came from. `down`: what came of it.")]
RunId = Annotated[str, QueryParameter(description="A run, in place of a node.")]
Around = Annotated[str, QueryParameter(description="A node: the events are those of the runs around it.")]
Events = LineageEvent | list[LineageEvent]


@get("/api/v1/lineage", opt=needs(Permission.PROJECTS_DISCOVER))
async def get_lineage(db: Db, actor: Who, of: Of, hops: Hops = 2, direction: Way = Direction.BOTH) -> Lineage:
    """Get what is around a node: what it came from, and what came of it.

    Nodes of all projects that the caller may see are shown, at most 1,000, and no others.
    """
    return await db.read(service.trace, actor, of, hops, direction)


@post("/api/v1/lineage/events", opt=needs(Permission.TRACKING_WRITE))
async def add_lineage_events(db: Db, actor: Who, data: JSONBody[Events]) -> TakenEvents:
    """Take one event of OpenLineage, or a list of them."""
    return await db.write(service.take_events, actor, data if isinstance(data, list) else [data])


@post("/api/v1/lineage", opt=needs(Permission.TRACKING_WRITE), include_in_schema=False)
async def receive_lineage_event(db: Db, actor: Who, data: JSONBody[Events]) -> TakenEvents:
    """Take events where OpenLineage's clients send them unless they are told otherwise."""
    return await db.write(service.take_events, actor, data if isinstance(data, list) else [data])


@get("/api/v1/lineage/events", opt=needs(Permission.PROJECTS_DISCOVER))
async def list_lineage_events(db: Db, actor: Who, run_id: RunId = "", of: Around = "", hops: Hops = 2) -> LineageEvents:
    """List the events of OpenLineage of a run, or of the runs around a node."""
    return await db.read(service.list_events, actor, run_id, of, hops)


HANDLERS = [get_lineage, add_lineage_events, receive_lineage_event, list_lineage_events]
