"""What is told of nodes: read from where it is kept, one query for each kind, and only what the actor may see."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission
from mainspring.modules.catalog.service import lineage as catalog
from mainspring.modules.lineage import store
from mainspring.modules.lineage.schemas import LineageNode, NodeKind
from mainspring.modules.lineage.service.nodes import Ref, VersionKey, dataset_key, dataset_ref, stored_id, version_ref
from mainspring.modules.projects import service as projects
from mainspring.modules.registry.service import lineage as registry
from mainspring.modules.tracking.service import lineage as tracking

MAX_SOURCE = 2000
"""So many characters of a dataset's source are told."""
PERMISSIONS = {
    NodeKind.ITEM: Permission.PROJECT_READ,
    NodeKind.MODEL_VERSION: Permission.REGISTRY_READ,
}
"""What it takes to see a node, where that is not ``TRACKING_READ``."""


@dataclass(frozen=True, slots=True)
class Found:
    """A node as a project has it. ``place`` is where the project's part of the API tells more of it, "" for nowhere."""

    ref: Ref
    project: int
    title: str
    created_at: int | None
    attributes: dict[str, Any]
    place: str = ""
    sources: frozenset[str] = frozenset()
    """Where a dataset comes from, as its clients have said it."""
    slug: str = ""
    """What an item is called."""
    run_id: str | None = None
    model_id: str | None = None
    """What a version was made of."""


@dataclass(slots=True)
class Sight:
    """What an actor may see, project by project; each is looked up once."""

    tx: Connection
    actor: Actor
    known: dict[int, bool] = field(default_factory=dict)

    def look_up(self, keys: Collection[int]) -> None:
        """Look up the projects that are not known yet."""
        asked = {key for key in keys if key not in self.known}
        if asked:
            seen = store.find_visible(self.tx, projects.visible_projects(self.tx, self.actor), asked)
            self.known |= {key: key in seen for key in asked}

    def holds(self, kind: NodeKind, project: int) -> bool:
        """Say whether a node of a project that was looked up may be seen."""
        allowed = PERMISSIONS.get(kind, Permission.TRACKING_READ)
        return self.known[project] and (self.actor.limits is None or allowed in self.actor.limits)


def load(sight: Sight, refs: Collection[Ref]) -> dict[Ref, Found]:
    """Return the nodes that are there and may be seen; one that several projects have is the actor's own, if any."""
    kinds: dict[NodeKind, list[Any]] = {}
    for ref in refs:
        kinds.setdefault(ref.kind, []).append(ref.key)
    rows = [row for kind, keys in kinds.items() for row in _LOADERS[kind](sight.tx, keys)]
    sight.look_up({row.project for row in rows})
    found: dict[Ref, Found] = {}
    sources: dict[Ref, set[str]] = {}
    for row in rows:
        if sight.holds(row.ref.kind, row.project):
            sources.setdefault(row.ref, set()).update(row.sources)
            if row.ref not in found or found[row.ref].project != row.project == sight.actor.project:
                found[row.ref] = row
    more = {ref: frozenset(each) for ref, each in sources.items() if len(each) > 1}
    return found | {ref: replace(found[ref], sources=each) for ref, each in more.items()}


def describe(sight: Sight, found: Collection[Found], whole: Ref | None = None) -> dict[Ref, LineageNode]:
    """Return nodes as they are shown, with the ids by which they are known outside.

    Facets, which may be long, are shown of the node ``whole`` alone.
    """
    paths = projects.paths_of(sight.tx, {each.project for each in found})
    return {each.ref: _node(sight.actor, each, paths[each.project], each.ref == whole) for each in found}


def _node(actor: Actor, found: Found, path: str, whole: bool) -> LineageNode:
    id = stored_id(found.ref)
    if found.ref.kind is NodeKind.ITEM:
        id = f"{NodeKind.ITEM}:{found.slug}"
    elif found.ref.kind is NodeKind.MODEL_VERSION and found.project != actor.project:
        id = id.replace(":", f":{path}/", 1)
    place = found.place if found.ref.kind is NodeKind.ITEM else f"/p/{path}{found.place}"
    return LineageNode(
        id,
        found.ref.kind,
        found.title,
        path,
        found.created_at,
        quote(place) if found.place else "",
        {
            name: value
            for name, value in found.attributes.items()
            if value not in (None, "", [], {}) and (whole or name != "facets")
        },
    )


def _runs(tx: Connection, keys: Collection[str]) -> Iterable[Found]:
    for row in tracking.find_runs(tx, keys):
        told = {
            "status": row.status,
            "lifecycle_stage": row.lifecycle_stage,
            "user": row.user_id,
            "experiment_id": str(row.experiment),
            "experiment": row.experiment_name,
            "ended_at": row.ended_at,
        }
        place = f"/api/v1/runs/{row.run_id}"
        yield Found(Ref(NodeKind.RUN, row.run_id), row.project, row.name, row.started_at, told, place)


def _logged_models(tx: Connection, keys: Collection[str]) -> Iterable[Found]:
    for row in tracking.find_models(tx, keys):
        told = {"status": row.status, "model_type": row.model_type, "experiment_id": str(row.experiment)}
        place = f"/api/v1/logged-models/{row.model_id}"
        yield Found(Ref(NodeKind.LOGGED_MODEL, row.model_id), row.project, row.name, row.created_at, told, place)


def _datasets(tx: Connection, keys: Collection[str]) -> Iterable[Found]:
    refs = [Ref(NodeKind.DATASET, key) for key in keys]
    for row in tracking.find_datasets(tx, {key for ref in refs if (key := dataset_key(ref))}):
        told = {"digest": row.digest, "source_type": row.source_type, "source": row.source[:MAX_SOURCE]}
        yield Found(dataset_ref(row.key), row.project, row.name, None, told, sources=frozenset({row.source}))
    yield from _told(tx, NodeKind.DATASET, keys)


def _versions(tx: Connection, keys: Collection[VersionKey]) -> Iterable[Found]:
    for row in registry.find_versions(tx, set(keys)):
        project, name, version = row.key
        told = {"name": name, "version": version, "stage": row.stage, "aliases": list(row.aliases), "user": row.user_id}
        place = f"/api/v1/models/{name}/versions/{version}"
        ref, title = version_ref(row.key), f"{name}, version {version}"
        yield Found(ref, project, title, row.created_at, told, place, run_id=row.run_id, model_id=row.model_id)


def _items(tx: Connection, keys: Collection[int]) -> Iterable[Found]:
    collections: dict[int, list[str]] = {}
    rows = catalog.find_items(tx, keys)
    for row in rows:
        collections.setdefault(row.project, []).append(row.collection)
    for row in {each.project: each for each in reversed(rows)}.values():
        told = {"collections": collections[row.project], "updated_at": row.updated_at}
        place = f"/api/v1/stac/collections/{row.collection}/items/{row.slug}"
        ref = Ref(NodeKind.ITEM, row.project)
        yield Found(ref, row.project, row.title, row.created_at, told, place, slug=row.slug)


def _jobs(tx: Connection, keys: Collection[str]) -> Iterable[Found]:
    return _told(tx, NodeKind.JOB, keys)


def _job_runs(tx: Connection, keys: Collection[str]) -> Iterable[Found]:
    return _told(tx, NodeKind.JOB_RUN, keys)


def _told(tx: Connection, kind: NodeKind, names: Collection[str]) -> Iterable[Found]:
    """Yield nodes that other systems have told of."""
    for row in store.find_nodes(tx, kind.value, names):
        told: dict[str, Any] = msgspec.json.decode(row.facets)
        title = told.get("job", row.name) if kind is NodeKind.JOB_RUN else row.name
        yield Found(Ref(kind, row.name), row.project, title, told.pop("started_at", None), told)


_LOADERS: dict[NodeKind, Callable[[Connection, Collection[Any]], Iterable[Found]]] = {
    NodeKind.RUN: _runs,
    NodeKind.LOGGED_MODEL: _logged_models,
    NodeKind.DATASET: _datasets,
    NodeKind.MODEL_VERSION: _versions,
    NodeKind.ITEM: _items,
    NodeKind.JOB: _jobs,
    NodeKind.JOB_RUN: _job_runs,
}
