"""Who is asking: every service function takes the actor and requires a permission of it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mainspring.kit.errors import NotFound, PermissionDenied, Unauthenticated
from mainspring.kit.permissions import RUN_PERMISSIONS, Permission

OUTSIDE_PROJECTS = frozenset(
    {
        Permission.SIGNED_IN,
        Permission.PROJECTS_DISCOVER,
        Permission.USERS_MANAGE,
        Permission.INSTANCE_MANAGE,
        Permission.STORAGE_MANAGE,
    }
)
"""What is not about a project."""

DEFAULT_PROJECT = 1
"""The key of the project that a request is about where it names none."""


class ActorKind(StrEnum):
    """What kind of someone acts."""

    USER = "user"
    SERVICE = "service"
    LOCAL = "local"
    SYSTEM = "system"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone or something that acts in one project, with what it may do there.

    ``key`` is the account's, None for actors without one. ``groups`` are the keys of the groups that the
    account is in. ``credential`` is the key of the session, API key or token that vouches for the account.
    ``scoped`` says that the credential allows less than the account may. An actor with a ``run_id`` may write
    to that run alone. ``workspace`` is what MLflow's clients call the project. ``until`` (ms) is when the first of
    its roles there ends, None where none does. ``limits`` and ``projects`` are what the credential allows at most, and
    the keys of the projects that it is good for: None where it allows all that the account may. ``memory`` is for what
    was found out of the actor, where it is itself remembered until somebody's access changes.
    """

    name: str
    permissions: frozenset[Permission]
    project: int = DEFAULT_PROJECT
    key: int | None = None
    kind: ActorKind = ActorKind.LOCAL
    is_admin: bool = False
    groups: tuple[int, ...] = ()
    credential: int | None = None
    scoped: bool = False
    run_id: str | None = None
    workspace: str = "default"
    until: int | None = None
    limits: frozenset[Permission] | None = None
    projects: frozenset[int] | None = None
    memory: dict[str, Any] | None = field(default=None, compare=False, repr=False)

    def may(self, permission: Permission, run_id: str | None = None) -> bool:
        """Return whether the actor holds ``permission``, be it for the run ``run_id`` alone."""
        if permission in self.permissions or permission is Permission.PUBLIC:
            return True
        return run_id is not None and run_id == self.run_id and permission in RUN_PERMISSIONS

    def require(self, permission: Permission, run_id: str | None = None) -> None:
        """Raise ``PermissionDenied``, or ``Unauthenticated`` of nobody, unless the actor may do it."""
        if self.may(permission, run_id):
            return
        if self.kind is ActorKind.NOBODY:
            raise Unauthenticated("Sign in first, or send a token: this is not open to everyone.")
        raise PermissionDenied(f"{self.name} lacks the permission '{permission}'.")

    def require_some(self, permission: Permission) -> None:
        """Raise unless the actor may do it somewhere: what a route asks, before the object is known.

        Who may not read the project is told that it is not there.
        """
        if self.may(permission, self.run_id):
            return
        hidden = self.kind is not ActorKind.NOBODY and Permission.PROJECT_READ not in self.permissions
        if hidden and permission not in OUTSIDE_PROJECTS:
            raise NotFound(
                "There is no such project, or you have no role in it. Where no project is named this is the default "
                "one: name yours in the URL, /p/<namespace>/<name>."
            )
        self.require(permission, self.run_id)


LOCAL = Actor("local", frozenset(Permission), is_admin=True)
"""The one user of an embedded server without accounts: the owner of the data folder."""

SYSTEM = Actor("system", frozenset(Permission), kind=ActorKind.SYSTEM, is_admin=True)
"""What the platform does by itself: background tasks, and what is set up at the start."""

NOBODY = Actor("nobody", frozenset(), kind=ActorKind.NOBODY)
"""An actor that may do nothing: what a request is before someone vouches for it."""
