"""What may be done, named once: routes declare one of these, services require it of the actor."""

from enum import StrEnum


class Permission(StrEnum):
    """One thing that an actor may be allowed to do. ``PUBLIC`` asks for nothing at all."""

    PUBLIC = "public"
    TRACKING_READ = "tracking:read"
    TRACKING_WRITE = "tracking:write"
    REGISTRY_READ = "registry:read"
    REGISTRY_WRITE = "registry:write"
    ARTIFACTS_READ = "artifacts:read"
    ARTIFACTS_WRITE = "artifacts:write"
    STORAGE_MANAGE = "storage:manage"


def needs(permission: Permission) -> dict[str, Permission]:
    """Return the route option that declares a permission; start-up refuses a route without it."""
    return {"permission": permission}
