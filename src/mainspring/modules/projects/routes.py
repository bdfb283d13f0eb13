"""``/api/v1`` of projects, namespaces, members and permissions.

A request is about the project of its URL, ``/p/<namespace>/<name>/api/v1/…``: ``/api/v1/project`` is that one.
"""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.projects import service
from mainspring.modules.projects.schemas import (
    Explanation,
    HolderKind,
    Member,
    Members,
    MemberSet,
    Namespace,
    NamespaceCreate,
    Namespaces,
    Permissions,
    Project,
    ProjectCreate,
    ProjectRestore,
    Projects,
    ProjectUpdate,
)

Db = NamedDependency[Database]
Who = NamedDependency[Actor]
MaxResults = Annotated[int, QueryParameter(description="How many at most.")]
PageToken = Annotated[str | None, QueryParameter(description="The `next_page_token` of the page before.")]
NamespaceName = Annotated[
    str | None, QueryParameter(description="The namespace whose members are meant; left out, the project's.")
]
SIGNED_IN = needs(Permission.SIGNED_IN)


@get("/api/v1/projects", opt=needs(Permission.PROJECTS_DISCOVER))
async def search_projects(
    db: Db,
    actor: Who,
    text: FromQuery[str] = "",
    topic: FromQuery[str] = "",
    deleted: FromQuery[bool] = False,
    max_results: MaxResults = 100,
    page_token: PageToken = None,
) -> Projects:
    """Search the projects that one may see, or the deleted ones that one may restore."""
    page = await db.read(service.search_projects, actor, text, topic, deleted, max_results, page_token)
    return Projects(page.items, page.next_page_token)


@post("/api/v1/projects", opt=SIGNED_IN)
async def create_project(db: Db, actor: Who, data: JSONBody[ProjectCreate]) -> Project:
    """Create a project."""
    return await db.write(service.create_project, actor, data)


@post("/api/v1/projects/restore", opt=SIGNED_IN, status_code=200)
async def restore_project(db: Db, actor: Who, data: JSONBody[ProjectRestore]) -> Project:
    """Bring a deleted project back."""
    return await db.write(service.restore_project, actor, data.path)


@get("/api/v1/project", opt=needs(Permission.PROJECT_READ))
async def get_project(db: Db, actor: Who) -> Project:
    """Get the project of the URL."""
    return await db.read(service.get_project, actor)


@patch("/api/v1/project", opt=needs(Permission.PROJECT_MANAGE))
async def update_project(db: Db, actor: Who, data: JSONBody[ProjectUpdate]) -> Project:
    """Change, rename, move, archive or publish the project of the URL."""
    return await db.write(service.update_project, actor, data)


@delete("/api/v1/project", opt=needs(Permission.PROJECT_DELETE))
async def delete_project(db: Db, actor: Who) -> None:
    """Delete the project of the URL; for 30 days it can be restored."""
    await db.write(service.delete_project, actor)


@get("/api/v1/members", opt=SIGNED_IN)
async def list_members(db: Db, actor: Who, namespace: NamespaceName = None) -> Members:
    """List who holds which role in the project of the URL, or in a namespace."""
    return Members(await db.read(service.list_members, actor, namespace))


@put("/api/v1/members", opt=SIGNED_IN)
async def set_member(db: Db, actor: Who, data: JSONBody[MemberSet], namespace: NamespaceName = None) -> Member:
    """Give an account or a group a role."""
    return await db.write(service.set_member, actor, data, namespace)


@delete("/api/v1/members", opt=SIGNED_IN)
async def remove_member(
    db: Db, actor: Who, kind: FromQuery[HolderKind], name: FromQuery[str], namespace: NamespaceName = None
) -> None:
    """Take a role away."""
    await db.write(service.remove_member, actor, kind, name, namespace)


@get("/api/v1/namespaces", opt=SIGNED_IN)
async def search_namespaces(
    db: Db, actor: Who, max_results: MaxResults = 100, page_token: PageToken = None
) -> Namespaces:
    """List the namespaces that one has a role in, or sees a project of."""
    page = await db.read(service.search_namespaces, actor, max_results, page_token)
    return Namespaces(page.items, page.next_page_token)


@post("/api/v1/namespaces", opt=SIGNED_IN)
async def create_namespace(db: Db, actor: Who, data: JSONBody[NamespaceCreate]) -> Namespace:
    """Create a shared namespace."""
    return await db.write(service.create_namespace, actor, data)


@delete("/api/v1/namespaces", opt=SIGNED_IN)
async def delete_namespace(db: Db, actor: Who, name: FromQuery[str]) -> None:
    """Delete a namespace that has no projects."""
    await db.write(service.delete_namespace, actor, name)


@get("/api/v1/permissions", opt=needs(Permission.PROJECTS_DISCOVER))
async def get_permissions(db: Db, actor: Who) -> Permissions:
    """Get what one may do in the project of the URL, and what each role allows."""
    return await db.read(service.get_permissions, actor)


@get("/api/v1/permissions/why", opt=SIGNED_IN)
async def explain_permission(
    db: Db, actor: Who, permission: FromQuery[Permission], user: FromQuery[str] = ""
) -> Explanation:
    """Tell why an account may or may not do something in the project of the URL."""
    return await db.read(service.explain, actor, user or actor.name, permission)


HANDLERS = [
    search_projects,
    create_project,
    restore_project,
    get_project,
    update_project,
    delete_project,
    list_members,
    set_member,
    remove_member,
    search_namespaces,
    create_namespace,
    delete_namespace,
    get_permissions,
    explain_permission,
]
