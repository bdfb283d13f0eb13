"""The graph around a node: breadth first, a few queries a step however many nodes it has."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, NotFound
from mainspring.kit.permissions import Permission
from mainspring.modules.catalog.service import lineage as catalog
from mainspring.modules.lineage.schemas import Direction, Lineage, LineageEdge, NodeKind
from mainspring.modules.lineage.service.loading import Found, Sight, describe, load
from mainspring.modules.lineage.service.nodes import Ref, split_id, split_version, version_ref
from mainspring.modules.lineage.service.relations import Edge, find_down, find_up
from mainspring.modules.projects import service as projects

MAX_HOPS = 5
MAX_NODES = 1_000


@dataclass(slots=True)
class Graph:
    """The nodes and edges that were found, in the order in which they were."""

    nodes: dict[Ref, Found]
    edges: dict[tuple[Ref, Ref], Edge] = field(default_factory=dict)
    truncated: bool = False


def trace(tx: Connection, actor: Actor, of: str, hops: int = 2, direction: Direction = Direction.BOTH) -> Lineage:
    """Return what is around a node, up to so many steps away and ``MAX_NODES`` nodes. Raises NotFound, InvalidArgument.

    Nodes of all projects that the actor may see are shown, and no others.
    """
    actor.require(Permission.PROJECTS_DISCOVER)
    check_hops(hops)
    sight = Sight(tx, actor)
    start = find_start(sight, of)
    graph = walk(sight, start, hops, direction)
    nodes = describe(sight, graph.nodes.values(), whole=start.ref)
    edges = [LineageEdge(nodes[each.source].id, nodes[each.target].id, each.kind) for each in graph.edges.values()]
    return Lineage(nodes[start.ref].id, hops, direction, list(nodes.values()), edges, graph.truncated)


def check_hops(hops: int) -> None:
    """Raise InvalidArgument for a number of steps that is too small or too large."""
    if not 1 <= hops <= MAX_HOPS:
        raise InvalidArgument(f"hops is {hops}; it must be 1 to {MAX_HOPS}.", field="hops")


def find_start(sight: Sight, of: str) -> Found:
    """Return the node of an id. Raises NotFound, also for one that the actor may not see, and InvalidArgument."""
    ref = _parse(sight, of)
    found = load(sight, [ref]) if ref else {}
    if ref is None or ref not in found:
        raise NotFound(f"There is no '{of[:200]}', or you may not see it.", field="of")
    return found[ref]


def walk(sight: Sight, start: Found, hops: int, direction: Direction) -> Graph:
    """Return the graph around a node."""
    graph, frontier = Graph({start.ref: start}), {start.ref: start}
    for _ in range(hops):
        edges = find_up(sight, frontier) if direction is not Direction.DOWN else []
        edges += find_down(sight, frontier) if direction is not Direction.UP else []
        new = {ref: None for edge in edges for ref in (edge.source, edge.target) if ref not in graph.nodes}
        # A few more than there is room for: some may not be there, or not be for the actor's eyes.
        found = load(sight, list(new)[: 2 * MAX_NODES])
        room = MAX_NODES - len(graph.nodes)
        graph.truncated = graph.truncated or len(found) > room or len(new) > 2 * MAX_NODES
        frontier = {ref: found[ref] for ref in [ref for ref in new if ref in found][:room]}
        graph.nodes |= frontier
        for edge in edges:
            if edge.source in graph.nodes and edge.target in graph.nodes:
                graph.edges.setdefault((edge.source, edge.target), edge)
        if not frontier:
            break
    return graph


def _parse(sight: Sight, of: str) -> Ref | None:
    """Return the node that an id names, None where it names a project that is not there."""
    kind, rest = split_id(of)
    if kind is NodeKind.MODEL_VERSION:
        path, name, version = split_version(rest)
        project = projects.keys_of(sight.tx, [path]).get(path) if path else sight.actor.project
        return None if project is None else version_ref((project, name, version))
    if kind is NodeKind.ITEM:
        key = catalog.keys_named(sight.tx, [rest]).get(rest)
        return None if key is None else Ref(kind, key)
    return Ref(kind, rest)
