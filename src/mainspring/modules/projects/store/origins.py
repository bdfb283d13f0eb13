"""SQL of sources, of what their projects are called there, of changes that they have told of, and of stars."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, select, update

from mainspring.kit.sql_engines import chosen, insert_rows, upsert_rows
from mainspring.modules.projects.tables import (
    namespaces,
    project_origins,
    project_stars,
    projects,
    source_changes,
    source_roles,
    sources,
)

GONE = 0
"""``seen_at`` of a project that its source does not show any more."""


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source as it is kept; ``position`` is JSON."""

    key: int
    name: str
    kind: str
    position: str
    synced_at: int | None
    failed_at: int | None
    failure: str


@dataclass(frozen=True, slots=True)
class Origin:
    """What a project is called where it is kept, and when that was last looked at."""

    project: int
    source: int
    external_id: str
    external_path: str
    url: str
    seen_at: int
    changed_at: int
    shown: bool


@dataclass(frozen=True, slots=True)
class Mirror:
    """What is known here of a project that is kept elsewhere."""

    origin: Origin
    namespace: str
    name: str
    workspace: str
    visibility: str
    description: str
    archived_at: int | None
    deleted_at: int | None

    @property
    def path(self) -> str:
        """What people call it here."""
        return f"{self.namespace}/{self.name}"


# Sources

_SOURCE: Select[Any] = select(
    sources.c.id,
    sources.c.name,
    sources.c.kind,
    sources.c.position,
    sources.c.synced_at,
    sources.c.failed_at,
    sources.c.failure,
)


def list_sources(tx: Connection) -> list[SourceRecord]:
    """Return all sources that were ever read, by name."""
    return [SourceRecord(*row) for row in tx.execute(_SOURCE.order_by(sources.c.name))]


def find_source(tx: Connection, name: str) -> SourceRecord | None:
    """Return the source of a name, or None."""
    row = tx.execute(_SOURCE.where(sources.c.name == name)).one_or_none()
    return None if row is None else SourceRecord(*row)


def get_source(tx: Connection, key: int) -> SourceRecord:
    """Return the source of a key."""
    return SourceRecord(*tx.execute(_SOURCE.where(sources.c.id == key)).one())


def insert_source(tx: Connection, name: str, kind: str) -> None:
    """Insert a source, unless it is there."""
    insert_rows(tx, sources, ("name", "kind", "position", "failure"), [(name, kind, "{}", "")], ignore=True)


def update_source(tx: Connection, key: int, **values: Any) -> None:
    """Set columns of a source."""
    tx.execute(update(sources).where(sources.c.id == key).values(values))


# Origins

_MIRROR: Select[Any] = (
    select(
        project_origins,
        namespaces.c.name,
        projects.c.name,
        projects.c.workspace,
        projects.c.visibility,
        projects.c.description,
        projects.c.archived_at,
        projects.c.deleted_at,
    )
    .join_from(project_origins, projects)
    .join(namespaces)
)


def get_origin(tx: Connection, project: int) -> Origin | None:
    """Return what a project is called where it is kept, None for one that is at home here."""
    row = tx.execute(select(project_origins).where(project_origins.c.project == project)).one_or_none()
    return None if row is None else _origin(row)


def find_origins(tx: Connection, source: int, external_ids: Collection[str]) -> dict[str, Origin]:
    """Return what a source's projects that are here are called there, by what they are called there for ever."""
    return {id: mirror.origin for id, mirror in find_mirrors(tx, source, external_ids).items()}


def find_mirrors(tx: Connection, source: int, external_ids: Collection[str]) -> dict[str, Mirror]:
    """Return the projects of a source that are here, by what they are called there for ever."""
    found: dict[str, Mirror] = {}
    for part in chosen(filter(str.isprintable, external_ids), 1_000):
        here = (project_origins.c.source == source, project_origins.c.external_id.in_(part))
        found |= {row.external_id: Mirror(_origin(row), *row[-7:]) for row in tx.execute(_MIRROR.where(*here))}
    return found


def insert_origin(tx: Connection, origin: Origin) -> None:
    """Insert what a project is called where it is kept."""
    values = {name: getattr(origin, name) for name in Origin.__slots__}
    tx.execute(insert(project_origins).values(values))


def update_origin(tx: Connection, project: int, **values: Any) -> None:
    """Set columns of an origin."""
    tx.execute(update(project_origins).where(project_origins.c.project == project).values(values))


def note_seen(tx: Connection, keys: Collection[int], now: int) -> None:
    """Note that projects were shown by their source."""
    for part in chosen(keys, 1_000):
        tx.execute(update(project_origins).where(project_origins.c.project.in_(part)).values(seen_at=now))


def list_unseen(tx: Connection, source: int, before: int, limit: int) -> list[Origin]:
    """Return projects that a source last showed before a time (ms), but for those that are known to be gone."""
    here = (project_origins.c.source == source, project_origins.c.seen_at < before, project_origins.c.seen_at != GONE)
    wanted = select(project_origins).where(*here).order_by(project_origins.c.project).limit(limit)
    return [_origin(row) for row in tx.execute(wanted)]


def count_mirrored(tx: Connection, visible: Select[Any]) -> dict[int, int]:
    """Return how many of some projects each source has, by its key; ``visible`` selects their keys."""
    counted = (
        select(project_origins.c.source, func.count())
        .where(project_origins.c.project.in_(visible), project_origins.c.seen_at != GONE)
        .group_by(project_origins.c.source)
    )
    return {row[0]: row[1] for row in tx.execute(counted)}


def _origin(row: Row[Any]) -> Origin:
    return Origin(*row[: len(Origin.__slots__)])


def with_role(tx: Connection, keys: Collection[int], least: int) -> set[int]:
    """Return which of some projects have somebody in them with at least a role by their source."""
    found: set[int] = set()
    for part in chosen(keys, 1_000):
        held = (source_roles.c.project.in_(part), source_roles.c.role >= least)
        found.update(tx.execute(select(source_roles.c.project).where(*held).distinct()).scalars())
    return found


def drop_roles(tx: Connection, project: int) -> None:
    """Forget the roles that a source gave in a project."""
    tx.execute(delete(source_roles).where(source_roles.c.project == project))


# Changes

_CHANGE = ("source", "external_id", "noted_at")


def note_changes(tx: Connection, source: int, external_ids: Collection[str], due: int) -> None:
    """Have projects of a source read again at a time (ms), whatever was noted before."""
    upsert_rows(tx, source_changes, _CHANGE, [(source, id, due) for id in sorted(set(external_ids))])


def postpone_change(tx: Connection, source: int, external_id: str, noted_at: int, due: int) -> None:
    """Have a project that could not be read read later, unless that was noted once more since."""
    tx.execute(update(source_changes).where(*_noted(source, external_id, noted_at)).values(noted_at=due))


def list_changes(tx: Connection, source: int, now: int, limit: int) -> list[tuple[str, int]]:
    """Return projects of a source that are to be read by now, with when that was noted, the newest first."""
    due = (source_changes.c.source == source, source_changes.c.noted_at <= now)
    wanted = select(source_changes.c.external_id, source_changes.c.noted_at).where(*due)
    newest = wanted.order_by(source_changes.c.noted_at.desc(), source_changes.c.external_id).limit(limit)
    return [(id, noted_at) for id, noted_at in tx.execute(newest)]


def count_changes(tx: Connection, source: int) -> int:
    """Return how many projects of a source are to be read."""
    counted = select(func.count()).where(source_changes.c.source == source)
    return int(tx.execute(counted).scalar_one())


def settle_change(tx: Connection, source: int, external_id: str, noted_at: int) -> None:
    """Forget that a project is to be read, unless that was noted once more since."""
    tx.execute(delete(source_changes).where(*_noted(source, external_id, noted_at)))


def _noted(source: int, external_id: str, noted_at: int) -> tuple[ColumnElement[bool], ...]:
    table = source_changes.c
    return table.source == source, table.external_id == external_id, table.noted_at == noted_at


# Stars


def set_star(tx: Connection, project: int, user: int, now: int) -> bool:
    """Let an account like a project, and say whether it did not before."""
    mine = (project_stars.c.project == project, project_stars.c.user == user)
    if tx.execute(select(project_stars.c.user).where(*mine)).first() is not None:
        return False
    insert_rows(tx, project_stars, ("project", "user", "created_at"), [(project, user, now)], ignore=True)
    return True


def delete_star(tx: Connection, project: int, user: int) -> bool:
    """Take the star of an account back, and say whether there was one."""
    mine = (project_stars.c.project == project, project_stars.c.user == user)
    return bool(tx.execute(delete(project_stars).where(*mine)).rowcount)


def count_stars(tx: Connection, project: int) -> int:
    """Return how many like a project that is at home here."""
    counted = select(func.count()).where(project_stars.c.project == project)
    return int(tx.execute(counted).scalar_one())


# Projects that are at home here


def list_at_home(tx: Connection, after: int, limit: int) -> Sequence[int]:
    """Return keys of projects that are at home here, behind a key."""
    here = (projects.c.id > after, projects.c.source.is_(None), projects.c.deleted_at.is_(None))
    return list(tx.execute(select(projects.c.id).where(*here).order_by(projects.c.id).limit(limit)).scalars())
