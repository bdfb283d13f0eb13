"""Endpoints of users and permissions, as MLflow's ``AuthServiceClient`` asks for them.

Roles are given in a project, which is a workspace to MLflow. So its permissions on a whole workspace become roles
here; those on a single experiment or model, and roles that somebody makes up, are refused with what to do instead.
"""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Connection

from mainspring.api.mlflow.answers import Json
from mainspring.api.mlflow.dispatch import Message, endpoint, missing
from mainspring.kit.actors import Actor
from mainspring.kit.errors import NotFound, PermissionDenied, Unsupported
from mainspring.kit.names import invalid_value
from mainspring.kit.permissions import Permission
from mainspring.modules.identity import service
from mainspring.modules.identity.schemas import PasswordChange, UserCreate
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import HolderKind, MemberSet, RoleName
from mainspring.modules.services import Services

PAGE = 1000
ROLES = {
    "READ": RoleName.REPORTER,
    "USE": RoleName.DEVELOPER,
    "EDIT": RoleName.DEVELOPER,
    "MANAGE": RoleName.MAINTAINER,
}
"""What a permission on a workspace is as a role in a project."""

WRITES = {"registered_model": Permission.REGISTRY_WRITE, "prompt": Permission.REGISTRY_WRITE}
"""What lets somebody edit things of a type; of all others it is to write to tracking."""


class Username(Message):
    required: ClassVar[tuple[str, ...]] = ("username",)
    username: str | None = None


class CreateUser(Username):
    required: ClassVar[tuple[str, ...]] = ("username", "password")
    password: str | None = None


class UpdatePassword(CreateUser):
    current_password: str | None = None


class UpdateAdmin(Username):
    is_admin: bool | None = None


class UserPermission(Username):
    required: ClassVar[tuple[str, ...]] = ("username", "resource_type", "resource_id")
    resource_type: str | None = None
    resource_id: str | None = None


class GrantPermission(UserPermission):
    required: ClassVar[tuple[str, ...]] = (*UserPermission.required, "permission")
    permission: str | None = None


@endpoint("POST", "users/create", CreateUser, Permission.USERS_MANAGE)
async def create_user(services: Services, actor: Actor, message: CreateUser) -> Json:
    made = await service.create_user(services.db, actor, UserCreate(message.username or "", password=message.password))
    return {"user": await services.db.read(_user, actor, made.name)}


@endpoint("GET", "users/get", Username, Permission.SIGNED_IN)
async def get_user(services: Services, actor: Actor, message: Username) -> Json:
    return {"user": await services.db.read(_user, actor, message.username or "")}


@endpoint("GET", "users/current", Message, Permission.SIGNED_IN)
async def get_current_user(services: Services, actor: Actor, message: Message) -> Json:
    if actor.key is None:
        raise NotFound("This server has no accounts.")
    basic = services.settings.resolved_auth == "local"
    return {"user": await services.db.read(_user, actor, actor.name), "is_basic_auth": basic}


@endpoint("GET", "users/list", Message, Permission.USERS_MANAGE)
async def list_users(services: Services, actor: Actor, message: Message) -> Json:
    return {"users": await services.db.read(_users, actor)}


@endpoint("PATCH", "users/update-password", UpdatePassword, Permission.SIGNED_IN)
async def update_user_password(services: Services, actor: Actor, message: UpdatePassword) -> None:
    name, password = message.username or "", message.password or ""
    if name != actor.name:
        return await service.set_password(services.db, actor, name, password)
    if not message.current_password:
        raise missing("current_password")
    await service.change_password(services.db, actor, PasswordChange(message.current_password, password))


@endpoint("PATCH", "users/update-admin", UpdateAdmin, Permission.USERS_MANAGE)
async def update_user_admin(services: Services, actor: Actor, message: UpdateAdmin) -> None:
    if message.is_admin is None:
        raise missing("is_admin")
    await services.db.write(service.set_admin, actor, message.username or "", message.is_admin)


@endpoint("DELETE", "users/delete", Username, Permission.USERS_MANAGE)
async def delete_user(services: Services, actor: Actor, message: Username) -> None:
    await services.db.write(service.delete_user, actor, message.username or "")


@endpoint("POST", "users/permissions/grant", GrantPermission, Permission.MEMBERS_MANAGE)
async def grant_user_permission(services: Services, actor: Actor, message: GrantPermission) -> None:
    _check_workspace(actor, message)
    role = ROLES.get(message.permission or "")
    if role is None:
        raise invalid_value("permission", message.permission, f"use one of {', '.join(ROLES)}.")
    wanted = MemberSet(HolderKind.USER, message.username or "", role)
    await services.db.write(projects.set_member, actor, wanted)


@endpoint("POST", "users/permissions/revoke", UserPermission, Permission.MEMBERS_MANAGE)
async def revoke_user_permission(services: Services, actor: Actor, message: UserPermission) -> None:
    _check_workspace(actor, message)
    await services.db.write(projects.remove_member, actor, HolderKind.USER, message.username or "")


@endpoint("GET", "users/permissions/get", UserPermission, Permission.SIGNED_IN)
async def get_user_permission(services: Services, actor: Actor, message: UserPermission) -> Json:
    held = await services.db.read(_permission, actor, message.username or "", message.resource_type or "")
    return {"allowed": held in ("EDIT", "MANAGE"), "permission": held}


def _user(tx: Connection, actor: Actor, name: str) -> Json:
    """Return an account as MLflow knows it: to the account itself and to administrators."""
    found = service.get_user(tx, actor, name)
    if found.is_admin is None:
        raise PermissionDenied(f"{actor.name} may not look at the account '{found.name}'.")
    return {"id": service.find_user(tx, found.name).key, "username": found.name, "is_admin": found.is_admin}


def _users(tx: Connection, actor: Actor) -> list[Json]:
    found, token = [], None
    while True:
        page = service.search_users(tx, actor, "", None, PAGE, token)
        found += [_user(tx, actor, user.name) | {"roles": []} for user in page.items]
        token = page.next_page_token
        if token is None:
            return found


def _permission(tx: Connection, actor: Actor, name: str, resource_type: str) -> str:
    """Return what an account may do with things of a type in the actor's project, as MLflow calls it."""
    record = service.find_user(tx, name)
    if record.key != actor.key:
        actor.require(Permission.MEMBERS_MANAGE)
    account = service.get_account(tx, record.key)
    allowed = projects.permissions_of(tx, account, projects.own_project(tx, actor)) if account else frozenset()
    if Permission.PROJECT_MANAGE in allowed:
        return "MANAGE"
    if WRITES.get(resource_type, Permission.TRACKING_WRITE) in allowed:
        return "EDIT"
    return "READ" if Permission.TRACKING_READ in allowed else "NO_PERMISSIONS"


def _check_workspace(actor: Actor, message: UserPermission) -> None:
    """Refuse a permission on less than a whole project."""
    if message.resource_type != "workspace" or message.resource_id not in ("*", actor.workspace):
        raise Unsupported(
            f"Permissions are given on a whole project here, not on {message.resource_type} "
            f"'{message.resource_id}': give a role in the project (resource_type 'workspace', resource_id '*'), or "
            "keep what others must not see in a project of its own."
        )


async def _refuse_roles(services: Services, actor: Actor, message: Message) -> None:
    raise Unsupported(
        "Roles are guest, reporter, developer, maintainer and owner here, and none are made: give one of them to a "
        "user or a group as a member of the project (mainspring members)."
    )


async def _refuse_single_permissions(services: Services, actor: Actor, message: Message) -> None:
    raise Unsupported(
        "Permissions on single experiments and models are not offered here: give a role in their project "
        "(mainspring members), or keep what others must not see in a project of its own."
    )


for _method, _paths in {
    "POST": ("roles/create", "roles/permissions/add", "roles/assign"),
    "GET": ("roles/get", "roles/list", "roles/permissions/list", "roles/users/list"),
    "PATCH": ("roles/update", "roles/permissions/update"),
    "DELETE": ("roles/delete", "roles/permissions/remove", "roles/unassign"),
}.items():
    for _path in _paths:
        endpoint(_method, _path, Message, Permission.SIGNED_IN)(_refuse_roles)

for _kind in ("experiments", "registered-models"):
    for _method, _verb in (("POST", "create"), ("GET", "get"), ("PATCH", "update"), ("DELETE", "delete")):
        endpoint(_method, f"{_kind}/permissions/{_verb}", Message, Permission.SIGNED_IN)(_refuse_single_permissions)
