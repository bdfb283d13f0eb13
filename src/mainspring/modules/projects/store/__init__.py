"""SQL of projects, namespaces and grants."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)

from mainspring.kit.actors import Actor, ActorKind
from mainspring.kit.permissions import Role
from mainspring.kit.sql import among, unindexed
from mainspring.kit.sql_engines import chosen, insert_rows, upsert_rows
from mainspring.kit.time import now_ms
from mainspring.modules.projects.tables import grants, namespaces, project_paths, project_topics, projects


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A project as it is kept, but for its README; ``namespace`` is its namespace's key."""

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

    @property
    def path(self) -> str:
        """What people call it."""
        return f"{self.namespace_name}/{self.name}"


@dataclass(frozen=True, slots=True)
class NamespaceRecord:
    """A namespace; ``owner`` is the key of the user whose own it is."""

    key: int
    name: str
    owner: int | None
    description: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that a holder has in a scope, by their keys."""

    holder_kind: str
    holder: int
    scope_kind: str
    scope: int
    role: int
    created_by: str
    created_at: int
    expires_at: int | None


# Projects

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


def paths_of(tx: Connection, keys: Collection[int]) -> dict[int, str]:
    """Return the paths of projects by their keys, of deleted ones too."""
    wanted = select(projects.c.id, namespaces.c.name, projects.c.name).join_from(projects, namespaces)
    return {key: f"{namespace}/{name}" for key, namespace, name in tx.execute(wanted.where(projects.c.id.in_(keys)))}


def get_readme(tx: Connection, key: int) -> str:
    """Return the README of a project, which may be long: it is read by itself."""
    return str(tx.execute(select(projects.c.readme).where(projects.c.id == key)).scalar_one())


def search_projects(
    tx: Connection, actor: Actor, after: tuple[str, str], limit: int, *, text: str, topic: str, deleted: bool
) -> list[ProjectRecord]:
    """Return projects that the actor may see, by path, behind ``after`` (namespace, name)."""
    if deleted:
        conditions = [projects.c.deleted_at.is_not(None), _owned(tx, actor)]
    else:
        conditions = [projects.c.deleted_at.is_(None), _visible(tx, actor)]
    if text:
        whole = func.lower(namespaces.c.name + "/" + projects.c.name + " " + projects.c.description)
        conditions.append(whole.contains(text.lower(), autoescape=True))
    if topic:
        tagged = select(project_topics.c.project).where(project_topics.c.topic == topic)
        conditions.append(projects.c.id.in_(tagged))
    behind = or_(namespaces.c.name > after[0], and_(namespaces.c.name == after[0], projects.c.name > after[1]))
    found = _PROJECT.where(behind, *conditions).order_by(namespaces.c.name, projects.c.name).limit(limit)
    return [ProjectRecord(*row) for row in tx.execute(found)]


def _visible(tx: Connection, actor: Actor) -> ColumnElement[bool]:
    """Return the condition that a project is one which the actor may see: the one filter of all lists and counts."""
    if actor.is_admin:
        return true()
    if actor.kind is ActorKind.NOBODY:
        return projects.c.visibility == "public"
    # Walked by name to the end of the page: SQLite would rather find and sort all that is open to everyone.
    return or_(unindexed(projects.c.visibility).in_(("public", "internal")), _find_scopes(tx, actor).hold)


def is_visible(tx: Connection, actor: Actor, key: int) -> bool:
    """Say whether an actor may see a project."""
    return tx.execute(_PROJECT.where(projects.c.id == key, _visible(tx, actor))).first() is not None


def _owned(tx: Connection, actor: Actor) -> ColumnElement[bool]:
    """Return the condition that a project is one which the actor may delete and bring back."""
    return true() if actor.is_admin else _find_scopes(tx, actor, Role.OWNER).hold


def _held_by(user: int | None, groups: Collection[int]) -> ColumnElement[bool]:
    """Return the condition that a grant is held by an account, by itself or as a member of a group."""
    own = and_(grants.c.holder_kind == "user", grants.c.holder == user)
    if not groups:
        return own
    return or_(own, and_(grants.c.holder_kind == "group", grants.c.holder.in_(groups)))


@dataclass(frozen=True, slots=True)
class _Scopes:
    """Keys of the projects and namespaces in which an actor has a role; with those that lie below them."""

    projects: list[int]
    namespaces: list[int]

    @property
    def hold(self) -> ColumnElement[bool]:
        """The condition that a project is one of them, or in one of them."""
        return or_(among(projects.c.id, self.projects), among(projects.c.namespace, self.namespaces))


_HELD = union_all(
    *(
        select(grants.c.scope_kind, grants.c.scope).where(
            holder,
            grants.c.role >= bindparam("role"),
            or_(grants.c.expires_at.is_(None), grants.c.expires_at > bindparam("now")),
        )
        for holder in (
            and_(grants.c.holder_kind == "user", grants.c.holder == bindparam("user")),
            and_(grants.c.holder_kind == "group", among(grants.c.holder, param="groups")),
        )
    ),
    select(literal("namespace"), namespaces.c.id).where(namespaces.c.owner == bindparam("user")),
)
_above, _below = namespaces.alias("above"), namespaces.alias("below")
# Behind 'team/' and before 'team0', as '0' comes after '/'.
_INSIDE = and_(_below.c.name > _above.c.name + "/", _below.c.name < _above.c.name + "0")
_BELOW = select(_below.c.id).join_from(_above, _below, _INSIDE).where(among(_above.c.id, param="above"))


def _find_scopes(tx: Connection, actor: Actor, role: Role = Role.GUEST) -> _Scopes:
    """Return where an account has at least a role now, by itself, as a member of a group, or as in its own."""
    # Looked up first: as parts of a query they lead either database to read all projects, and all grants.
    held = {"user": actor.key, "groups": actor.groups, "role": role, "now": now_ms()}
    keys: dict[str, list[int]] = {"project": [], "namespace": []}
    for kind, key in tx.execute(_HELD, held):
        keys[kind].append(key)
    above = keys["namespace"]
    below = tx.execute(_BELOW, {"above": above}).scalars() if above else ()
    return _Scopes(keys["project"], [*above, *below])


def find_deleted(tx: Connection, before: int) -> list[int]:
    """Return the keys of projects that were deleted until ``before`` (ms)."""
    return list(tx.execute(select(projects.c.id).where(projects.c.deleted_at <= before)).scalars())


def delete_project(tx: Connection, key: int) -> None:
    """Delete a project with its topics, old paths and grants."""
    tx.execute(delete(project_topics).where(project_topics.c.project == key))
    tx.execute(delete(project_paths).where(project_paths.c.project == key))
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


# Namespaces

_NAMESPACE = select(
    namespaces.c.id, namespaces.c.name, namespaces.c.owner, namespaces.c.description, namespaces.c.created_at
)


def find_namespace(tx: Connection, name: str) -> NamespaceRecord | None:
    """Return the namespace of that name, or None."""
    row = tx.execute(_NAMESPACE.where(namespaces.c.name == name)).one_or_none()
    return None if row is None else NamespaceRecord(*row)


def get_namespace(tx: Connection, key: int) -> NamespaceRecord:
    """Return the namespace of that key."""
    return NamespaceRecord(*tx.execute(_NAMESPACE.where(namespaces.c.id == key)).one())


def search_namespaces(tx: Connection, actor: Actor, after: str, limit: int) -> list[NamespaceRecord]:
    """Return namespaces that the actor holds a role in or sees a project of, by name."""
    found = _NAMESPACE.where(namespaces.c.name > after)
    if not actor.is_admin:
        seen = select(projects.c.namespace).where(_visible(tx, actor))
        found = found.where(or_(among(namespaces.c.id, _find_scopes(tx, actor).namespaces), namespaces.c.id.in_(seen)))
    return [NamespaceRecord(*row) for row in tx.execute(found.order_by(namespaces.c.name).limit(limit))]


def insert_namespace(tx: Connection, name: str, owner: int | None, description: str, now: int) -> int:
    """Insert a namespace and return its key."""
    values = {"name": name, "owner": owner, "description": description, "created_at": now}
    return int(tx.execute(insert(namespaces).values(values).returning(namespaces.c.id)).scalar_one())


def delete_namespace(tx: Connection, key: int) -> None:
    """Delete a namespace that has no projects, with its grants."""
    tx.execute(delete(grants).where(grants.c.scope_kind == "namespace", grants.c.scope == key))
    tx.execute(delete(namespaces).where(namespaces.c.id == key))


def has_projects(tx: Connection, namespace: int) -> bool:
    """Say whether a namespace has projects, deleted ones too."""
    return tx.execute(select(projects.c.id).where(projects.c.namespace == namespace).limit(1)).first() is not None


def namespaces_above(tx: Connection, name: str) -> list[NamespaceRecord]:
    """Return the namespace of a name and all that it lies below."""
    parts = name.split("/")
    names = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    return [NamespaceRecord(*row) for row in tx.execute(_NAMESPACE.where(namespaces.c.name.in_(names)))]


# Grants

_KEYS = ("holder_kind", "holder", "scope_kind", "scope")


def find_grants(
    tx: Connection, user: int, groups: Collection[int], project: int, above: Sequence[int], now: int
) -> list[Grant]:
    """Return the grants that give an account a role in a project, by itself, by its groups, or by namespaces."""
    scopes = or_(
        and_(grants.c.scope_kind == "project", grants.c.scope == project),
        and_(grants.c.scope_kind == "namespace", grants.c.scope.in_(above)),
    )
    good = or_(grants.c.expires_at.is_(None), grants.c.expires_at > now)
    return [Grant(*row) for row in tx.execute(select(grants).where(_held_by(user, groups), scopes, good))]


def list_grants(tx: Connection, scopes: Sequence[tuple[str, int]]) -> list[Grant]:
    """Return all grants in scopes, those that have expired too."""
    wanted = [and_(grants.c.scope_kind == kind, grants.c.scope == key) for kind, key in scopes]
    return [Grant(*row) for row in tx.execute(select(grants).where(or_(*wanted)).order_by(*grants.primary_key))]


def find_grant(tx: Connection, holder_kind: str, holder: int, scope_kind: str, scope: int) -> Grant | None:
    """Return the grant of a holder in a scope, or None."""
    keys = zip(_KEYS, (holder_kind, holder, scope_kind, scope), strict=True)
    row = tx.execute(select(grants).where(*(grants.c[name] == value for name, value in keys))).one_or_none()
    return None if row is None else Grant(*row)


def set_grant(tx: Connection, grant: Grant) -> None:
    """Give a holder a role in a scope in place of the one that they had."""
    row = (
        grant.holder_kind,
        grant.holder,
        grant.scope_kind,
        grant.scope,
        grant.role,
        grant.created_by,
        grant.created_at,
        grant.expires_at,
    )
    upsert_rows(tx, grants, (*_KEYS, "role", "created_by", "created_at", "expires_at"), [row])


def delete_grant(tx: Connection, holder_kind: str, holder: int, scope_kind: str, scope: int) -> None:
    """Take a holder's role in a scope away."""
    keys = zip(_KEYS, (holder_kind, holder, scope_kind, scope), strict=True)
    tx.execute(delete(grants).where(*(grants.c[name] == value for name, value in keys)))


def count_grants(tx: Connection, scope_kind: str, scope: int, role: int) -> int:
    """Return how many hold at least a role in a scope, for good."""
    here = (grants.c.scope_kind == scope_kind, grants.c.scope == scope, grants.c.role >= role)
    return int(tx.execute(select(func.count()).where(*here, grants.c.expires_at.is_(None))).scalar_one())
