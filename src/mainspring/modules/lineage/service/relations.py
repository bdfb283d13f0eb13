"""How nodes hang together: pairs of neighbours, asked for many nodes at once, one query for each way of hanging."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mainspring.modules.catalog.service import lineage as catalog
from mainspring.modules.lineage import store
from mainspring.modules.lineage.schemas import NodeKind
from mainspring.modules.lineage.service.loading import Found, Sight
from mainspring.modules.lineage.service.nodes import Ref, dataset_key, dataset_ref, stored_id, stored_ref, version_ref
from mainspring.modules.projects import service as projects
from mainspring.modules.registry.service import lineage as registry
from mainspring.modules.tracking.service import lineage as tracking

MAX_PAIRS = 5_000
"""So many neighbours are asked for in one query."""
MAX_ITEMS = 50
"""For so many items of a step the datasets are looked for that come from them: all datasets are read for it."""

Nodes = Mapping[Ref, Found]
Pair = tuple[Ref, Ref]
Find = Callable[[Sight, Nodes], Iterable[Pair]]


@dataclass(frozen=True, slots=True)
class Edge:
    """``target`` came from ``source``, in the way that ``kind`` says."""

    source: Ref
    target: Ref
    kind: str


@dataclass(frozen=True, slots=True)
class Relation:
    """Nodes of two kinds that hang together; each of the two functions finds the pairs of nodes of its kind."""

    source: NodeKind
    target: NodeKind
    kind: str
    of_sources: Find
    of_targets: Find


def find_up(sight: Sight, nodes: Nodes) -> list[Edge]:
    """Return the edges from what nodes came from."""
    kinds = _by_kind(nodes)
    found = [
        Edge(source, target, each.kind)
        for each in RELATIONS
        if each.target in kinds
        for source, target in each.of_targets(sight, kinds[each.target])
    ]
    return found + _told(sight, "target", nodes)


def find_down(sight: Sight, nodes: Nodes) -> list[Edge]:
    """Return the edges to what came of nodes."""
    kinds = _by_kind(nodes)
    found = [
        Edge(source, target, each.kind)
        for each in RELATIONS
        if each.source in kinds
        for source, target in each.of_sources(sight, kinds[each.source])
    ]
    return found + _told(sight, "source", nodes)


def _by_kind(nodes: Nodes) -> dict[NodeKind, dict[Ref, Found]]:
    kinds: dict[NodeKind, dict[Ref, Found]] = {}
    for ref, found in nodes.items():
        kinds.setdefault(ref.kind, {})[ref] = found
    return kinds


def _told(sight: Sight, end: str, nodes: Nodes) -> list[Edge]:
    """Return edges that other systems have told of to projects that may be seen."""
    known: dict[str, list[Ref]] = {}
    for ref in nodes:
        if ref.kind is not NodeKind.ITEM:
            known.setdefault(stored_id(ref), []).append(ref)
    rows = store.find_edges(sight.tx, end, known, MAX_PAIRS)
    sight.look_up({row.project for row in rows})
    found = []
    for row in rows:
        source, target = stored_ref(row.source, row.project), stored_ref(row.target, row.project)
        # A version of the same name in another project is another one.
        if sight.holds(NodeKind.JOB_RUN, row.project) and (source if end == "source" else target) in nodes:
            found.append(Edge(source, target, _kind(source.kind, target.kind)))
    return found


def _kind(source: NodeKind, target: NodeKind) -> str:
    """Return how two nodes hang together of which other systems have told."""
    if source is NodeKind.JOB and target is NodeKind.JOB_RUN:
        return "run"
    return "output" if source in (NodeKind.JOB, NodeKind.JOB_RUN, NodeKind.RUN) else "input"


def _keys(nodes: Nodes) -> list[Any]:
    return [ref.key for ref in nodes]


def _run(run_id: str) -> Ref:
    return Ref(NodeKind.RUN, run_id)


def _model(model_id: str) -> Ref:
    return Ref(NodeKind.LOGGED_MODEL, model_id)


def _item(project: int) -> Ref:
    return Ref(NodeKind.ITEM, project)


def _inputs_of_runs(sight: Sight, runs: Nodes) -> Iterable[Pair]:
    for dataset, run in tracking.find_inputs(sight.tx, _keys(runs), MAX_PAIRS):
        yield dataset_ref(dataset), _run(run)


def _readers_of_datasets(sight: Sight, datasets: Nodes) -> Iterable[Pair]:
    keys = {key for ref in datasets if (key := dataset_key(ref))}
    for dataset, run in tracking.find_readers(sight.tx, keys, MAX_PAIRS):
        yield dataset_ref(dataset), _run(run)


def _models_read_by_runs(sight: Sight, runs: Nodes) -> Iterable[Pair]:
    for run, model in tracking.find_run_models(sight.tx, "input", _keys(runs), MAX_PAIRS):
        yield _model(model), _run(run)


def _readers_of_models(sight: Sight, models: Nodes) -> Iterable[Pair]:
    for run, model in tracking.find_model_runs(sight.tx, "input", _keys(models), MAX_PAIRS):
        yield _model(model), _run(run)


def _models_of_runs(sight: Sight, runs: Nodes) -> Iterable[Pair]:
    for run, model in tracking.find_run_models(sight.tx, "output", _keys(runs), MAX_PAIRS):
        yield _run(run), _model(model)


def _makers_of_models(sight: Sight, models: Nodes) -> Iterable[Pair]:
    for run, model in tracking.find_model_runs(sight.tx, "output", _keys(models), MAX_PAIRS):
        yield _run(run), _model(model)


def _versions_of_models(sight: Sight, models: Nodes) -> Iterable[Pair]:
    for model, version in registry.find_versions_of_models(sight.tx, _keys(models), MAX_PAIRS):
        yield _model(model), version_ref(version)


def _versions_of_runs(sight: Sight, runs: Nodes) -> Iterable[Pair]:
    for run, version in registry.find_versions_of_runs(sight.tx, _keys(runs), MAX_PAIRS):
        yield _run(run), version_ref(version)


def _models_of_versions(_sight: Sight, versions: Nodes) -> Iterable[Pair]:
    return [(_model(found.model_id), ref) for ref, found in versions.items() if found.model_id]


def _runs_of_versions(_sight: Sight, versions: Nodes) -> Iterable[Pair]:
    return [(_run(found.run_id), ref) for ref, found in versions.items() if found.run_id]


def _items_of_versions(_sight: Sight, versions: Nodes) -> Iterable[Pair]:
    return [(ref, _item(found.project)) for ref, found in versions.items()]


def _versions_of_items(sight: Sight, items: Nodes) -> Iterable[Pair]:
    for version in registry.find_versions_of_projects(sight.tx, _keys(items), MAX_PAIRS):
        yield version_ref(version), _item(version[0])


def _items_of_datasets(sight: Sight, datasets: Nodes) -> Iterable[Pair]:
    named = [(ref, catalog.names_in(source)) for ref, found in datasets.items() for source in sorted(found.sources)]
    there = catalog.keys_named(sight.tx, {name for _, names in named for name in names})
    for ref, names in named:
        if key := next((there[name] for name in names if name in there), None):
            yield _item(key), ref


def _datasets_of_items(sight: Sight, items: Nodes) -> Iterable[Pair]:
    shown = list(items.values())[:MAX_ITEMS]
    paths = projects.paths_of(sight.tx, {found.project for found in shown})
    parts = [text for found in shown for text in (found.slug, paths[found.project])]
    rows = tracking.find_datasets_of(sight.tx, parts, MAX_PAIRS)
    sight.look_up({row.project for row in rows})
    told = [row for row in rows if sight.holds(NodeKind.DATASET, row.project)]
    named = [(row.key, catalog.names_in(row.source)) for row in told]
    there = catalog.keys_named(sight.tx, {name for _, names in named for name in names})
    for dataset, names in named:
        key = next((there[name] for name in names if name in there), None)
        if key is not None and _item(key) in items:
            yield _item(key), dataset_ref(dataset)


def _related_of_items(sight: Sight, items: Nodes) -> Iterable[Pair]:
    for other, project in catalog.find_related(sight.tx, _keys(items)):
        yield _item(other), _item(project)


def _none(_sight: Sight, _nodes: Nodes) -> Collection[Pair]:
    """Find nothing: which items say that they are related to one is in their texts, which nobody searches."""
    return ()


RELATIONS = (
    Relation(NodeKind.DATASET, NodeKind.RUN, "input", _readers_of_datasets, _inputs_of_runs),
    Relation(NodeKind.LOGGED_MODEL, NodeKind.RUN, "input", _readers_of_models, _models_read_by_runs),
    Relation(NodeKind.RUN, NodeKind.LOGGED_MODEL, "output", _models_of_runs, _makers_of_models),
    Relation(NodeKind.LOGGED_MODEL, NodeKind.MODEL_VERSION, "registered", _versions_of_models, _models_of_versions),
    Relation(NodeKind.RUN, NodeKind.MODEL_VERSION, "registered", _versions_of_runs, _runs_of_versions),
    Relation(NodeKind.MODEL_VERSION, NodeKind.ITEM, "published", _items_of_versions, _versions_of_items),
    Relation(NodeKind.ITEM, NodeKind.DATASET, "source", _datasets_of_items, _items_of_datasets),
    Relation(NodeKind.ITEM, NodeKind.ITEM, "related", _none, _related_of_items),
)
"""All that the platform knows of what came from what."""
