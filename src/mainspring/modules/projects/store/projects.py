"""SQL of projects."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, or_, select, update

from mainspring.kit.actors import Actor
from mainspring.kit.sql import among
from mainspring.kit.sql_engines import chosen, insert_rows, upsert_rows
from mainspring.modules.projects.store.visibility import owned, visible
from mainspring.modules.projects.tables import (
    grants,
    namespaces,
    project_origins,
    project_paths,
    project_stars,
    project_topics,
    projects,
    source_roles,
)


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A project as it is kept, but for its README; ``namespace`` is its namespace's key.

    ``source`` is the key of the place where it is kept, None for one that is at home here.
    """

    key: int
    namespace: int
    namespace_name: str
    name: str
    workspace: str
    visibility: str
    description: str
    artifact_root: str | None
    created_by: str
    created_at: int
    updated_at: int
    archived_at: int | None
    deleted_at: int | None
    source: int | None

    @property
    def path(self) -> str:
        """What people call it."""
        return f"{self.namespace_name}/{self.name}"


_PROJECT: Select[Any] = select(
    projects.c.id,
    projects.c.namespace,
    namespaces.c.name,
    projects.c.name,
    projects.c.workspace,
    projects.c.visibility,
    projects.c.description,
    projects.c.artifact_root,
    projects.c.created_by,
    projects.c.created_at,
    projects.c.updated_at,
    projects.c.archived_at,
    projects.c.deleted_at,
    projects.c.source,
).join_from(projects, namespaces)


def find_project(tx: Connection, path: str) -> ProjectRecord | None:
    """Return the project at a path, a deleted one too, or None."""
    namespace, _, name = path.rpartition("/")
    return _one(tx, namespaces.c.name == namespace, projects.c.name == name)


def find_moved(tx: Connection, path: str) -> ProjectRecord | None:
    """Return the project that had a path before it was moved, or None."""
    old = select(project_paths.c.project).where(project_paths.c.path == path).scalar_subquery()
    return _one(tx, projects.c.id == old)


def find_workspace(tx: Connection, workspace: str) -> ProjectRecord | None:
    """Return the project that MLflow's clients call so, or None."""
    return _one(tx, projects.c.workspace == workspace)


def get_project(tx: Connection, key: int) -> ProjectRecord | None:
    """Return the project of that key, a deleted one too, or None."""
    return _one(tx, projects.c.id == key)


def hold_project(tx: Connection, key: int) -> None:
    """Have nobody else change a project until the transaction ends."""
    tx.execute(select(projects.c.id).where(projects.c.id == key).with_for_update())


def paths_of(tx: Connection, keys: Collection[int]) -> dict[int, str]:
    """Return the paths of projects by their keys, of deleted ones too."""
    return {key: f"{namespace}/{name}" for key, namespace, name in tx.execute(_PATHS_OF, {"keys": keys})}


_PATHS = select(projects.c.id, namespaces.c.name, projects.c.name).join_from(projects, namespaces)
_PATHS_OF = _PATHS.where(among(projects.c.id, param="keys"))


def keys_of(tx: Connection, paths: Collection[str]) -> dict[str, int]:
    """Return the keys of projects by their paths, of deleted ones too; paths without a project are left out."""
    split = [path.rpartition("/") for path in paths]
    among_them = (namespaces.c.name.in_({each[0] for each in split}), projects.c.name.in_({each[2] for each in split}))
    found = {f"{namespace}/{name}": key for key, namespace, name in tx.execute(_PATHS.where(*among_them))}
    return {path: found[path] for path in paths if path in found}


def get_readme(tx: Connection, key: int) -> str:
    """Return the README of a project, which may be long: it is read by itself."""
    return str(tx.execute(select(projects.c.readme).where(projects.c.id == key)).scalar_one())


def search_projects(
    tx: Connection, actor: Actor, after: tuple[str, str], limit: int, *, text: str, topic: str, deleted: bool
) -> list[ProjectRecord]:
    """Return projects that the actor may see, by path, behind ``after`` (namespace, name)."""
    if deleted:
        conditions = [projects.c.deleted_at.is_not(None), owned(tx, actor)]
    else:
        conditions = [projects.c.deleted_at.is_(None), visible(tx, actor)]
    if text:
        whole = func.lower(namespaces.c.name + "/" + projects.c.name + " " + projects.c.description)
        conditions.append(whole.contains(text.lower(), autoescape=True))
    if topic:
        tagged = select(project_topics.c.project).where(project_topics.c.topic == topic)
        conditions.append(projects.c.id.in_(tagged))
    behind = or_(namespaces.c.name > after[0], and_(namespaces.c.name == after[0], projects.c.name > after[1]))
    found = _PROJECT.where(behind, *conditions).order_by(namespaces.c.name, projects.c.name).limit(limit)
    return [ProjectRecord(*row) for row in tx.execute(found)]


def find_deleted(tx: Connection, before: int) -> list[int]:
    """Return the keys of projects that were deleted until ``before`` (ms)."""
    return list(tx.execute(select(projects.c.id).where(projects.c.deleted_at <= before)).scalars())


def delete_project(tx: Connection, key: int) -> None:
    """Delete a project with its topics, old paths, stars and roles, and what it is called where it comes from."""
    for table in (project_topics, project_paths, project_stars, project_origins, source_roles):
        tx.execute(delete(table).where(table.c.project == key))
    tx.execute(delete(grants).where(grants.c.scope_kind == "project", grants.c.scope == key))
    tx.execute(delete(projects).where(projects.c.id == key))


def insert_project(tx: Connection, values: dict[str, Any]) -> int:
    """Insert a project and return its key."""
    return int(tx.execute(insert(projects).values(values).returning(projects.c.id)).scalar_one())


def update_project(tx: Connection, key: int, **values: Any) -> None:
    """Set columns of a project."""
    tx.execute(update(projects).where(projects.c.id == key).values(values))


def keep_path(tx: Connection, path: str, key: int) -> None:
    """Let an old path lead to a project."""
    upsert_rows(tx, project_paths, ("path", "project"), [(path, key)])


def free_path(tx: Connection, path: str) -> bool:
    """Let an old path lead nowhere, since a project takes it, and say whether it led anywhere."""
    return bool(tx.execute(delete(project_paths).where(project_paths.c.path == path)).rowcount)


def set_topics(tx: Connection, key: int, topics: Iterable[str]) -> None:
    """Give a project just these topics."""
    tx.execute(delete(project_topics).where(project_topics.c.project == key))
    insert_rows(tx, project_topics, ("project", "topic"), [(key, topic) for topic in topics], ignore=False)


def topics_of(tx: Connection, keys: Collection[int]) -> dict[int, list[str]]:
    """Return the topics of projects by their keys, sorted."""
    found: dict[int, list[str]] = {key: [] for key in keys}
    for part in chosen(keys):
        wanted = select(project_topics).where(project_topics.c.project.in_(part)).order_by(project_topics.c.topic)
        for key, topic in tx.execute(wanted):
            found[key].append(topic)
    return found


def _one(tx: Connection, *conditions: ColumnElement[bool]) -> ProjectRecord | None:
    row = tx.execute(_PROJECT.where(*conditions)).one_or_none()
    return None if row is None else ProjectRecord(*row)
