"""Rules of namespaces: a user's own, of the user's name, and shared ones, which may lie below one another."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from mainspring.kit.events import Event, publish
from mainspring.kit.pages import Page, position_of, query_mark, token_of
from mainspring.kit.permissions import Permission, Role
from mainspring.kit.time import now_ms
from mainspring.modules.identity import service as identity
from mainspring.modules.projects import store
from mainspring.modules.projects.schemas import Namespace, NamespaceCreate
from mainspring.modules.projects.service import names
from mainspring.modules.projects.service.access import namespace_role
from mainspring.modules.projects.store import Grant, NamespaceRecord

MAX_PAGE = 1000


def create_namespace(tx: Connection, actor: Actor, new: NamespaceCreate) -> Namespace:
    """Create a shared namespace, of which the actor becomes the owner. Raises AlreadyExists, PermissionDenied.

    Below another namespace only its maintainers make one.
    """
    actor.require(Permission.SIGNED_IN)
    name, description = names.check_namespace(new.name), names.check_description(new.description)
    if store.find_namespace(tx, name):
        raise AlreadyExists(f"The namespace '{name}' exists already, or is somebody's own.", field="name")
    holder = identity.owner_of_name(tx, name)
    if holder is not None:
        raise AlreadyExists(f"The namespace '{name}' is the own one of the user of that name.", field="name")
    if "/" in name:
        _check_maintains(tx, actor, name.rpartition("/")[0])
    elif actor.scoped:
        raise PermissionDenied("A limited token makes no namespaces.")
    key = add_namespace(tx, name, None, description)
    if actor.key is not None:
        store.set_grant(tx, Grant("user", actor.key, "namespace", key, Role.OWNER, actor.name, now_ms(), None))
    publish(tx, Event("namespace.create", name, actor, None, after={"name": name, "description": description}))
    return _namespace(store.get_namespace(tx, key), {})


def own_namespace(tx: Connection, actor: Actor, name: str) -> int:
    """Return the key of a namespace that the actor may make projects in.

    The actor's own is made when it is first asked for. Raises NotFound, or PermissionDenied.
    """
    found = store.find_namespace(tx, name)
    if found is None and actor.key is not None and name == actor.name and not actor.scoped:
        return add_namespace(tx, name, actor.key)
    if found is None and actor.is_admin:
        return add_namespace(tx, name, identity.owner_of_name(tx, name))
    if found is None:
        _check_maintains(tx, actor, name.rpartition("/")[0], missing=name)
        return add_namespace(tx, name, None)
    _check_maintains(tx, actor, name)
    return found.key


def add_namespace(tx: Connection, name: str, owner: int | None, description: str = "") -> int:
    """Insert a namespace and return its key; who has roles above it, or owns it, has them there from now on."""
    key = store.insert_namespace(tx, name, owner, description, now_ms())
    identity.change_access(tx)
    return key


def _check_maintains(tx: Connection, actor: Actor, name: str, missing: str = "") -> None:
    """Raise NotFound for a namespace in which the actor has no role, PermissionDenied where that is too little."""
    role = namespace_role(tx, actor, name) if name else None
    if role is None:
        raise NotFound(f"There is no namespace '{missing or name}': create it first.", field="path")
    if role < Role.MAINTAINER:
        raise PermissionDenied(f"{actor.name} must be a maintainer of '{name}' to make something in it.")


def search_namespaces(
    tx: Connection, actor: Actor, max_results: int = 100, page_token: str | None = None
) -> Page[Namespace]:
    """Return a page of the namespaces that the actor holds a role in, or sees a project of, by name."""
    if not 1 <= max_results <= MAX_PAGE:
        raise InvalidArgument(f"max_results is {max_results}; it must be 1 to {MAX_PAGE}.", field="max_results")
    mark = query_mark("namespaces")
    [after] = position_of(page_token, mark, (str,)) if page_token else ("",)
    found = store.search_namespaces(tx, actor, after, max_results + 1)
    token = token_of(mark, (found[max_results - 1].name,)) if len(found) > max_results else None
    page = found[:max_results]
    owners = identity.holder_names(tx, "user", {each.owner for each in page if each.owner is not None})
    return Page([_namespace(record, owners) for record in page], token)


def delete_namespace(tx: Connection, actor: Actor, name: str) -> None:
    """Delete a namespace that has no projects, deleted ones neither. Raises NotFound or FailedPrecondition."""
    actor.require(Permission.SIGNED_IN)
    found = store.find_namespace(tx, names.check_namespace(name))
    role = namespace_role(tx, actor, name.lower())
    if found is None or role is None:
        raise NotFound(f"There is no namespace '{name[:200]}'.", field="name")
    if role < Role.OWNER:
        raise PermissionDenied(f"{actor.name} must be an owner of '{found.name}' to delete it.")
    if found.name == "default" or store.has_projects(tx, found.key):
        raise FailedPrecondition(f"The namespace '{found.name}' has projects: move or delete them first.")
    store.delete_namespace(tx, found.key)
    identity.change_access(tx)
    publish(tx, Event("namespace.delete", found.name, actor, None, before={"name": found.name}))


def _namespace(record: NamespaceRecord, owners: Mapping[int, str]) -> Namespace:
    """Return a namespace; ``owners`` are names of accounts by their keys."""
    owner = None if record.owner is None else owners.get(record.owner)
    return Namespace(record.name, record.description, owner, record.created_at)
