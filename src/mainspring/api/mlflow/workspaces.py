"""Endpoints of workspaces: MLflow's name for our projects.

A workspace that is made here becomes a project of the namespace ``default``, or of the user's own one where the
user may make none there.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import UNSET
from sqlalchemy import Connection

from mainspring.api.mlflow.answers import Json, present
from mainspring.api.mlflow.dispatch import Message, Part, endpoint, raw_endpoint
from mainspring.kit.actors import Actor
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Unsupported
from mainspring.kit.http import Request, Send, respond
from mainspring.kit.names import invalid_value
from mainspring.kit.permissions import Permission
from mainspring.modules.projects import service
from mainspring.modules.projects.schemas import Project, ProjectCreate, ProjectUpdate
from mainspring.modules.projects.service import Place
from mainspring.modules.registry import service as registry
from mainspring.modules.registry.schemas import RegistrySearch
from mainspring.modules.services import Services
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import RunSearch, ViewType

MAX_LISTED = 1000
MODES = ("RESTRICT", "CASCADE", "SET_DEFAULT")


class TraceArchival(Part):
    location: str | None = None
    retention: str | None = None


class WorkspaceMessage(Message):
    workspace_name: str | None = None


class CreateWorkspace(Message):
    required: ClassVar[tuple[str, ...]] = ("name",)
    name: str | None = None
    description: str | None = None
    default_artifact_root: str | None = None
    trace_archival_config: TraceArchival | None = None


class UpdateWorkspace(WorkspaceMessage):
    description: str | None = None
    default_artifact_root: str | None = None
    trace_archival_config: TraceArchival | None = None


def workspace_out(project: Project) -> Json:
    return present(
        {
            "name": project.workspace,
            "description": project.description or None,
            "default_artifact_root": project.artifact_root,
        }
    )


@endpoint("GET", "workspaces", Message, Permission.PROJECTS_DISCOVER)
async def list_workspaces(services: Services, actor: Actor, message: Message) -> Json:
    page = await services.db.read(service.search_projects, actor, max_results=MAX_LISTED)
    found = page.items
    while page.next_page_token:  # the protocol knows no pages here
        page = await services.db.read(
            service.search_projects, actor, max_results=MAX_LISTED, page_token=page.next_page_token
        )
        found += page.items
    return {"workspaces": [workspace_out(project) for project in found]}


@endpoint("POST", "workspaces", CreateWorkspace, Permission.SIGNED_IN, status=201)
async def create_workspace(services: Services, actor: Actor, message: CreateWorkspace) -> Json:
    name = message.name or ""
    _refuse_unsupported(message.trace_archival_config)
    if name == "default":
        raise InvalidArgument("The 'default' workspace is reserved and cannot be created", field="name")
    new = ProjectCreate(
        f"default/{name}",
        description=message.description or "",
        workspace=name,
        artifact_root=message.default_artifact_root or None,
    )
    try:
        project = await services.db.write(service.create_project, actor, new)
    except (NotFound, PermissionDenied):  # who has no role in a namespace is told that it is not there
        new.path = f"{actor.name}/{name}"
        project = await services.db.write(service.create_project, actor, new)
    return {"workspace": workspace_out(project)}


@endpoint("GET", "workspaces/{workspace_name}", WorkspaceMessage, Permission.PROJECTS_DISCOVER)
async def get_workspace(services: Services, actor: Actor, message: WorkspaceMessage) -> Json:
    project = await services.db.read(service.find_workspace, actor, message.workspace_name or "")
    return {"workspace": workspace_out(project)}


@endpoint("PATCH", "workspaces/{workspace_name}", UpdateWorkspace, Permission.SIGNED_IN)
async def update_workspace(services: Services, actor: Actor, message: UpdateWorkspace) -> Json:
    _refuse_unsupported(message.trace_archival_config)
    if message.description is None and message.default_artifact_root is None:
        raise InvalidArgument("Workspace update must have at least one key")
    inside = await services.db.read(service.acting_in, actor, Place(workspace=message.workspace_name or ""))
    change = ProjectUpdate(
        description=UNSET if message.description is None else message.description,
        artifact_root=UNSET if message.default_artifact_root is None else message.default_artifact_root or None,
    )
    return {"workspace": workspace_out(await services.db.write(service.update_project, inside, change))}


@raw_endpoint("DELETE", "workspaces/{workspace_name}", Permission.SIGNED_IN)
async def delete_workspace(
    services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]
) -> None:
    """Delete a workspace: one that is empty, or by the mode CASCADE any."""
    name, mode = fields["workspace_name"], request.field("mode") or "RESTRICT"
    if name == "default":
        raise InvalidArgument("The 'default' workspace is reserved and cannot be deleted", field="workspace_name")
    if mode not in MODES:
        raise invalid_value("mode", mode[:100], f"It must be one of {', '.join(MODES)}.")
    if mode == "SET_DEFAULT":
        raise Unsupported("What a workspace holds cannot be moved to the default one: use CASCADE, or keep it.")
    await services.db.write(_delete, actor, name, mode == "RESTRICT")
    await respond(send, 204, b"")


def _delete(tx: Connection, actor: Actor, name: str, only_empty: bool) -> None:
    inside = service.acting_in(tx, actor, Place(workspace=name))
    inside.require(Permission.PROJECT_DELETE)
    if only_empty and _holds_something(tx, inside):
        raise FailedPrecondition(
            f"Cannot delete workspace '{name}': it still holds experiments, runs or models. Delete them for good "
            "first, or use the mode CASCADE.",
            field="mode",
        )
    service.delete_project(tx, inside)


def _holds_something(tx: Connection, actor: Actor) -> bool:
    """Say whether a project holds more than the experiment that it was made with."""
    experiments = tracking.search_experiments(tx, actor, view_type=ViewType.ALL, max_results=2).items
    ids = [each.experiment_id for each in experiments]
    return bool(
        experiments[1:]
        or tracking.search_runs(tx, actor, RunSearch(ids, view_type=ViewType.ALL, max_results=1)).items
        or tracking.search_logged_models(tx, actor, ids, max_results=1).items
        or registry.search_registered_models(tx, actor, RegistrySearch(max_results=1)).items
    )


def _refuse_unsupported(archival: TraceArchival | None) -> None:
    if archival is not None and (archival.location or archival.retention):
        raise Unsupported("There is no archive of traces here: leave trace_archival_config out.")
