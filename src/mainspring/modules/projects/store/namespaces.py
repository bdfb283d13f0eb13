"""SQL of namespaces."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select

from mainspring.kit.actors import Actor
from mainspring.kit.sql import among
from mainspring.modules.projects.store.visibility import find_scopes, visible
from mainspring.modules.projects.tables import grants, namespaces, projects


@dataclass(frozen=True, slots=True)
class NamespaceRecord:
    """A namespace; ``owner`` is the key of the user whose own it is."""

    key: int
    name: str
    owner: int | None
    description: str
    created_at: int


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
        seen = select(projects.c.namespace).where(visible(tx, actor))
        found = found.where(or_(among(namespaces.c.id, find_scopes(tx, actor).namespaces), namespaces.c.id.in_(seen)))
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
