"""Rules of projects: making, changing, moving, deleting and bringing them back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msgspec import UNSET
from sqlalchemy import Connection

from mainspring.kit.actors import DEFAULT_PROJECT, Actor
from mainspring.kit.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from mainspring.kit.events import Event, publish
from mainspring.kit.pages import Page, position_of, query_mark, token_of
from mainspring.kit.permissions import ROLE_PERMISSIONS, Permission, Role
from mainspring.kit.time import now_ms
from mainspring.modules.identity import service as identity
from mainspring.modules.projects import store
from mainspring.modules.projects.schemas import (
    Permissions,
    Project,
    ProjectCreate,
    ProjectUpdate,
    RoleName,
    Visibility,
)
from mainspring.modules.projects.service import names, sources
from mainspring.modules.projects.service.access import (
    Place,
    find_place,
    greatest_role,
    no_project,
    own_project,
)
from mainspring.modules.projects.service.namespaces import own_namespace
from mainspring.modules.projects.service.purge import expired_since
from mainspring.modules.projects.service.workspaces import free_workspace
from mainspring.modules.projects.store import ProjectRecord

MAX_PAGE = 1000


def create_project(tx: Connection, actor: Actor, new: ProjectCreate) -> Project:
    """Create a project in a namespace that the actor maintains. Raises NotFound, AlreadyExists, InvalidArgument.

    A user's own namespace, of the user's name, comes to be with its first project.
    """
    actor.require(Permission.SIGNED_IN)
    namespace, name = names.check_path(new.path)
    values = {
        "name": name,
        "visibility": new.visibility.value,
        "description": names.check_description(new.description),
        "readme": names.check_readme(new.readme),
        "artifact_root": names.check_artifact_root(new.artifact_root),
        "created_by": actor.name,
    }
    topics = names.check_topics(new.topics)
    place = own_namespace(tx, actor, namespace)
    _check_free(tx, f"{namespace}/{name}")
    workspace = _workspace(tx, new.workspace, namespace, name)
    now = now_ms()
    made = {"namespace": place, "workspace": workspace, "created_at": now, "updated_at": now}
    key = store.insert_project(tx, values | made)
    if store.free_path(tx, f"{namespace}/{name}"):
        identity.change_access(tx)
    store.set_topics(tx, key, topics)
    project = _get(tx, key)
    publish(tx, Event("project.create", project.path, actor, key, after=_told(project)))
    return project


def _workspace(tx: Connection, wanted: str | None, namespace: str, name: str) -> str:
    if wanted is not None:
        if store.find_workspace(tx, names.check_workspace(wanted)):
            raise AlreadyExists(f"A project has the workspace '{wanted}' already.", field="workspace")
        return wanted
    return free_workspace(tx, namespace, name)


def _check_free(tx: Connection, path: str) -> None:
    there = store.find_project(tx, path)
    if there is None:
        return
    gone = there.deleted_at is not None
    raise AlreadyExists(
        f"The project '{path}' {'was deleted, and can still be restored' if gone else 'exists already'}.", field="path"
    )


def get_project(tx: Connection, actor: Actor) -> Project:
    """Return the project that the actor acts in."""
    actor.require(Permission.PROJECT_READ)
    return _get(tx, own_project(tx, actor).key)


def search_projects(
    tx: Connection,
    actor: Actor,
    text: str = "",
    topic: str = "",
    deleted: bool = False,
    max_results: int = 100,
    page_token: str | None = None,
) -> Page[Project]:
    """Return a page of the projects that the actor may see, by path; with ``deleted`` those that can be restored.

    ``text`` is looked for in paths and descriptions.
    """
    actor.require(Permission.PROJECTS_DISCOVER)
    if not 1 <= max_results <= MAX_PAGE:
        raise InvalidArgument(f"max_results is {max_results}; it must be 1 to {MAX_PAGE}.", field="max_results")
    mark = query_mark("projects", text, topic, deleted)
    after = position_of(page_token, mark, (str, str)) if page_token else ("", "")
    found = store.search_projects(
        tx, actor, (after[0], after[1]), max_results + 1, text=text, topic=topic, deleted=deleted
    )
    page = found[:max_results]
    token = token_of(mark, (page[-1].namespace_name, page[-1].name)) if len(found) > max_results else None
    topics = store.topics_of(tx, [record.key for record in page])
    return Page([_project(record, topics[record.key]) for record in page], token)


def update_project(tx: Connection, actor: Actor, change: ProjectUpdate) -> Project:
    """Change the actor's project; to move it to another namespace needs an owner here and a maintainer there.

    Its old path leads to it until another project takes it.
    """
    actor.require(Permission.PROJECT_MANAGE)
    project = own_project(tx, actor)
    sources.check_not_decided_elsewhere(tx, project, change)
    before = _told(_get(tx, project.key))
    values: dict[str, Any] = {"updated_at": now_ms()}
    if change.description is not UNSET:
        values["description"] = names.check_description(change.description)
    if change.readme is not UNSET:
        values["readme"] = names.check_readme(change.readme)
    if change.artifact_root is not UNSET:
        values["artifact_root"] = names.check_artifact_root(change.artifact_root)
    if change.visibility is not UNSET:
        values["visibility"] = change.visibility.value
    if change.archived is not UNSET and change.archived != (project.archived_at is not None):
        _check_not_default(project, "archived")
        values["archived_at"] = now_ms() if change.archived else None
    if change.path is not UNSET:
        values |= _moved(tx, actor, project, change.path)
    store.update_project(tx, project.key, **values)
    if change.topics is not UNSET:
        store.set_topics(tx, project.key, names.check_topics(change.topics))
    identity.change_access(tx)
    changed = _get(tx, project.key)
    publish(tx, Event("project.update", changed.path, actor, project.key, before, _told(changed)))
    return changed


def _moved(tx: Connection, actor: Actor, project: ProjectRecord, path: str) -> dict[str, Any]:
    """Return the columns of a project that gets another path."""
    namespace, name = names.check_path(path)
    target = f"{namespace}/{name}"
    if target == project.path:
        return {}
    _check_not_default(project, "moved")
    moved: dict[str, Any] = {"name": name}
    if namespace != project.namespace_name:
        actor.require(Permission.PROJECT_DELETE)
        moved["namespace"] = own_namespace(tx, actor, namespace)
    _check_free(tx, target)
    store.free_path(tx, target)
    store.keep_path(tx, project.path, project.key)
    return moved


def _check_not_default(project: ProjectRecord, what: str) -> None:
    if project.key == DEFAULT_PROJECT:
        raise FailedPrecondition(f"The default project cannot be {what}: clients that name none work in it.")


def delete_project(tx: Connection, actor: Actor) -> None:
    """Delete the project that the actor acts in; for a while it can be restored with all that it owns."""
    actor.require(Permission.PROJECT_DELETE)
    project = own_project(tx, actor)
    _check_not_default(project, "deleted")
    if not actor.is_admin:
        sources.check_gone_elsewhere(tx, project)
    store.update_project(tx, project.key, deleted_at=now_ms())
    identity.change_access(tx)
    publish(tx, Event("project.delete", project.path, actor, project.key, _told(_get(tx, project.key))))


def restore_project(tx: Connection, actor: Actor, path: str) -> Project:
    """Bring a deleted project back. Raises NotFound where there is none that the actor owns."""
    actor.require(Permission.SIGNED_IN)
    namespace, name = names.check_path(path)
    project = store.find_project(tx, f"{namespace}/{name}")
    restorable = project is not None and (project.deleted_at or 0) > expired_since()
    if project is None or not restorable or not _owns(tx, actor, project):
        raise NotFound(f"There is no deleted project '{namespace}/{name}'.", field="path")
    store.update_project(tx, project.key, deleted_at=None)
    identity.change_access(tx)
    restored = _get(tx, project.key)
    publish(tx, Event("project.restore", restored.path, actor, project.key, after=_told(restored)))
    return restored


def _owns(tx: Connection, actor: Actor, project: ProjectRecord) -> bool:
    if actor.is_admin:
        return True
    if actor.key is None or actor.scoped:
        return False
    account = identity.get_account(tx, actor.key)
    return account is not None and greatest_role(tx, account, project) is Role.OWNER


def get_permissions(tx: Connection, actor: Actor) -> Permissions:
    """Return what the actor may do in its project, and what each role allows."""
    actor.require(Permission.PROJECTS_DISCOVER)
    project = own_project(tx, actor)
    account = None if actor.key is None else identity.get_account(tx, actor.key)
    role = greatest_role(tx, account, project) if account else None
    return Permissions(
        actor.name,
        project.path if Permission.PROJECT_READ in actor.permissions else "",
        RoleName(role.name.lower()) if role else None,
        sorted(actor.permissions),
        {each.name.lower(): sorted(ROLE_PERMISSIONS[each]) for each in Role},
    )


def paths_of(tx: Connection, keys: Collection[int]) -> dict[int, str]:
    """Return the paths of projects by their keys, for whoever may know the keys."""
    return store.paths_of(tx, keys)


def keys_of(tx: Connection, paths: Collection[str]) -> dict[str, int]:
    """Return the keys of projects by their paths, for whoever looks at who may know of them."""
    return store.keys_of(tx, paths) if paths else {}


def find_workspace(tx: Connection, actor: Actor, workspace: str) -> Project:
    """Return the project that MLflow's clients call so, if the actor may see it. Raises NotFound."""
    project = find_place(tx, Place(workspace=workspace))
    if not store.is_visible(tx, actor, project.key):
        raise no_project(Place(workspace=workspace))
    return _get(tx, project.key)


def _get(tx: Connection, key: int) -> Project:
    record = store.get_project(tx, key)
    assert record is not None
    return _project(record, store.topics_of(tx, [key])[key], store.get_readme(tx, key))


def _project(record: ProjectRecord, topics: list[str], readme: str | None = None) -> Project:
    return Project(
        record.path,
        record.namespace_name,
        record.name,
        record.workspace,
        Visibility(record.visibility),
        record.description,
        topics,
        record.created_by,
        record.created_at,
        record.updated_at,
        record.archived_at,
        record.deleted_at,
        readme,
        record.artifact_root,
    )


def _told(project: Project) -> dict[str, Any]:
    """Return what an act tells of a project."""
    return {
        "path": project.path,
        "visibility": str(project.visibility),
        "description": project.description,
        "topics": project.topics,
        "archived": project.archived_at is not None,
    }
