"""Wire contracts of projects. Times are milliseconds since the epoch, UTC.

What may be sent is spelled out: a field that is not listed is refused, so that nobody sets what is not theirs to set.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType, field

from mainspring.kit.permissions import Permission


class Visibility(StrEnum):
    """Who may read a project besides its members: nobody, everyone who is signed in, or everyone."""

    PRIVATE = "private"
    INTERNAL = "internal"
    PUBLIC = "public"


class RoleName(StrEnum):
    """Roles by name; what each allows is told by ``/api/v1/permissions``."""

    GUEST = "guest"
    REPORTER = "reporter"
    DEVELOPER = "developer"
    MAINTAINER = "maintainer"
    OWNER = "owner"


class HolderKind(StrEnum):
    """Who can hold a role: an account (a service account too), or all members of a group."""

    USER = "user"
    GROUP = "group"


class ScopeKind(StrEnum):
    """Where a role holds: in one project, or in all projects of a namespace and of those below it."""

    PROJECT = "project"
    NAMESPACE = "namespace"


class Project(Struct, frozen=True):
    """A project. ``path`` is ``namespace/name``; ``workspace`` is what MLflow's clients call it."""

    path: str
    namespace: str
    name: str
    workspace: str
    visibility: Visibility
    description: str
    topics: list[str]
    created_by: str
    created_at: int
    updated_at: int
    archived_at: int | None = None
    deleted_at: int | None = None
    readme: str | None = None
    """Left out in lists."""
    artifact_root: str | None = None


class ProjectCreate(Struct, forbid_unknown_fields=True):
    """A new project at ``path``, ``namespace/name``; without ``workspace`` that follows from the path.

    ``artifact_root`` is where the files of new experiments lie: a bucket or folder that clients reach by
    themselves. Without it they lie in the server's store.
    """

    path: str
    visibility: Visibility = Visibility.PRIVATE
    description: str = ""
    readme: str = ""
    topics: list[str] = field(default_factory=list)
    workspace: str | None = None
    artifact_root: str | None = None


class ProjectUpdate(Struct, forbid_unknown_fields=True):
    """What is left out stays as it is. Another ``path`` moves or renames the project."""

    path: str | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    description: str | UnsetType = UNSET
    readme: str | UnsetType = UNSET
    topics: list[str] | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    artifact_root: str | UnsetType | None = UNSET


class ProjectRestore(Struct, forbid_unknown_fields=True):
    """The path of the deleted project that is to come back."""

    path: str


class Projects(Struct):
    """A page of projects, by path."""

    items: list[Project]
    next_page_token: str | None = None


class Namespace(Struct, frozen=True):
    """What projects are grouped by. ``owner`` is the user whose own it is, None for a shared one."""

    name: str
    description: str
    owner: str | None
    created_at: int


class NamespaceCreate(Struct, forbid_unknown_fields=True):
    """A new shared namespace; ``a/b`` lies below ``a``, whose members are members of it."""

    name: str
    description: str = ""


class Namespaces(Struct):
    """A page of namespaces, by name."""

    items: list[Namespace]
    next_page_token: str | None = None


class Member(Struct, frozen=True):
    """A role that somebody holds. ``scope`` is the path of the project or the name of the namespace."""

    kind: HolderKind
    name: str
    role: RoleName
    scope_kind: ScopeKind
    scope: str
    created_by: str
    created_at: int
    expires_at: int | None = None
    source: str | None = None
    """Where the project is kept, a GitLab say, if the role comes from there: it is changed there."""


class Members(Struct, frozen=True):
    """All roles that are granted here, and those that come from namespaces."""

    items: list[Member]


class MemberSet(Struct, forbid_unknown_fields=True):
    """The role that somebody is to have, until ``expires_at`` where that is given."""

    kind: HolderKind
    name: str
    role: RoleName
    expires_at: int | None = None


class Reason(Struct, frozen=True):
    """One thing that gives an account permissions in a project, or takes them; ``role`` where it is a role."""

    source: str
    detail: str
    allows: bool
    role: RoleName | None = None


class Explanation(Struct, frozen=True):
    """Whether an account may do something in a project, and why: each grant and rule that has a say."""

    user: str
    project: str
    permission: Permission
    allowed: bool
    reasons: list[Reason]


class Permissions(Struct, frozen=True):
    """What the caller may do in the current project, and what each role allows."""

    user: str
    project: str
    role: RoleName | None
    permissions: list[Permission]
    roles: dict[str, list[Permission]]
