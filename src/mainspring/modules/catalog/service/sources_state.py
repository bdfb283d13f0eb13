"""How the sources stand, and having them read again."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import NotFound
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.catalog.schemas import CatalogSource, SyncRequest, SyncState
from mainspring.modules.catalog.service.builtin import HOME, Progress
from mainspring.modules.catalog.service.syncing import position_of
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.service import origins
from mainspring.modules.projects.service import sources as mirrors
from mainspring.modules.projects.service.access import Place
from mainspring.modules.projects.service.origins import SourceRecord

LOCAL_KINDS = frozenset({"git"})
"""Kinds of sources whose address is a folder of this machine."""


def list_source_states(tx: Connection, actor: Actor, opened: Collection[str]) -> list[CatalogSource]:
    """Return how the sources stand; ``opened`` are the names of those in the settings.

    Why one cannot be read, and where it lies on this machine, is for administrators.
    """
    actor.require(Permission.PROJECTS_DISCOVER)
    known = {record.name: record for record in origins.list_sources(tx) if record.name != HOME}
    counted = origins.count_mirrored(tx, projects.visible_projects(tx, actor))
    return [_state(tx, actor, name, known.get(name), name in opened, counted) for name in sorted({*known, *opened})]


def _state(
    tx: Connection, actor: Actor, name: str, record: SourceRecord | None, is_open: bool, counted: dict[int, int]
) -> CatalogSource:
    kind = name.partition(":")[0]
    tells = actor.may(Permission.INSTANCE_MANAGE)
    shown = name if tells or kind not in LOCAL_KINDS else kind
    if record is None:
        return CatalogSource(shown, kind, SyncState.NEW, 0)
    state = SyncState.NEW if record.synced_at is None else SyncState.CURRENT
    if record.failed_at is not None:
        state = SyncState.STALE
    return CatalogSource(
        shown,
        kind,
        state if is_open else SyncState.UNUSED,
        counted.get(record.key, 0),
        record.synced_at,
        record.failed_at,
        record.failure if tells else "",
        origins.count_changes(tx, record.key) if tells else None,
    )


def stale_sources(tx: Connection) -> dict[int, int]:
    """Return since when (ms) sources cannot be read, by their keys: what is known of their projects is stale."""
    return {record.key: record.failed_at for record in origins.list_sources(tx) if record.failed_at is not None}


def request_sync(tx: Connection, actor: Actor, wanted: SyncRequest, opened: Collection[str]) -> None:
    """Have sources, or one project, read again, by the next step of the task that does. Raises NotFound."""
    actor.require(Permission.INSTANCE_MANAGE)
    if wanted.project is not None:
        _note_project(tx, actor, wanted.project)
    elif wanted.source is not None and wanted.source not in (*opened, HOME):
        names = ", ".join(sorted([HOME, *opened]))
        raise NotFound(f"There is no source '{wanted.source[:200]}'; there are {names}.", field="source")
    if wanted.project is None or wanted.source is not None:
        for name in [wanted.source] if wanted.source is not None else [HOME, *opened]:
            _begin_anew(tx, name)


def _note_project(tx: Connection, actor: Actor, path: str) -> None:
    key = projects.own_project(tx, projects.acting_in(tx, actor, Place(path.lower()))).key
    origin = origins.get_origin(tx, key)
    source = mirrors.know_source(tx, HOME).key if origin is None else origin.source
    origins.note_changes(tx, source, [str(key) if origin is None else origin.external_id], now_ms())


def _begin_anew(tx: Connection, name: str) -> None:
    """Have a source looked through from the beginning."""
    record = mirrors.know_source(tx, name)
    position: msgspec.Struct = Progress()
    if name != HOME:
        position = msgspec.structs.replace(position_of(record), listed_at=0, full_at=0)
    origins.update_source(tx, record.key, position=msgspec.json.encode(position).decode())
