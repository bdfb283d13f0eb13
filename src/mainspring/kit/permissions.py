"""What may be done, named once: routes declare one of these, services require it of the actor.

Roles are GitLab's, and so is their meaning. ``ROLE_PERMISSIONS`` is the one table that says what a role allows.
"""

from enum import IntEnum, StrEnum


class Permission(StrEnum):
    """One thing that an actor may be allowed to do.

    ``PUBLIC`` asks for nothing at all, ``SIGNED_IN`` for an account of whatever rights, ``PROJECTS_DISCOVER``
    for that or for a server that lets everyone read public projects.
    """

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    PROJECTS_DISCOVER = "projects:discover"
    PROJECT_READ = "project:read"
    PROJECT_MANAGE = "project:manage"
    PROJECT_DELETE = "project:delete"
    MEMBERS_MANAGE = "members:manage"
    TRACKING_READ = "tracking:read"
    TRACKING_WRITE = "tracking:write"
    REGISTRY_READ = "registry:read"
    REGISTRY_WRITE = "registry:write"
    ARTIFACTS_READ = "artifacts:read"
    ARTIFACTS_WRITE = "artifacts:write"
    CONFIGURATION_READ = "configuration:read"
    CONFIGURATION_WRITE = "configuration:write"
    SECRETS_READ = "secrets:read"
    SECRETS_WRITE = "secrets:write"
    WEBHOOKS_MANAGE = "webhooks:manage"
    AUDIT_READ = "audit:read"
    USERS_MANAGE = "users:manage"
    INSTANCE_MANAGE = "instance:manage"
    STORAGE_MANAGE = "storage:manage"


class Role(IntEnum):
    """How much a member may do in a project, or in all projects of a namespace; the numbers are GitLab's."""

    GUEST = 10
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50


ACCOUNT_PERMISSIONS = frozenset({Permission.SIGNED_IN, Permission.PROJECTS_DISCOVER})
"""What every account may do, in whatever project."""

_GUEST = ACCOUNT_PERMISSIONS | {Permission.PROJECT_READ, Permission.TRACKING_READ, Permission.REGISTRY_READ}
_REPORTER = _GUEST | {Permission.ARTIFACTS_READ, Permission.CONFIGURATION_READ}
_DEVELOPER = _REPORTER | {
    Permission.TRACKING_WRITE,
    Permission.REGISTRY_WRITE,
    Permission.ARTIFACTS_WRITE,
    Permission.CONFIGURATION_WRITE,
    Permission.SECRETS_READ,
}
_MAINTAINER = _DEVELOPER | {
    Permission.SECRETS_WRITE,
    Permission.MEMBERS_MANAGE,
    Permission.PROJECT_MANAGE,
    Permission.WEBHOOKS_MANAGE,
    Permission.AUDIT_READ,
}
_OWNER = _MAINTAINER | {Permission.PROJECT_DELETE}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.GUEST: frozenset(_GUEST),
    Role.REPORTER: frozenset(_REPORTER),
    Role.DEVELOPER: frozenset(_DEVELOPER),
    Role.MAINTAINER: frozenset(_MAINTAINER),
    Role.OWNER: frozenset(_OWNER),
}
"""What a role allows in a project. A guest sees what there is, but no files and no settings; who reads secrets sees
their names, and the values of those alone that name him among their readers."""

RUN_PERMISSIONS = frozenset({Permission.TRACKING_WRITE, Permission.ARTIFACTS_WRITE})
"""What a run token allows on its own run, beyond what it may read."""


def needs(permission: Permission) -> dict[str, Permission]:
    """Return the route option that declares a permission; start-up refuses a route without it."""
    return {"permission": permission}
