"""What somebody may do in a project, and why: roles, visibility, and what the credential is limited to."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from mainspring.kit.actors import DEFAULT_PROJECT, LOCAL, NOBODY, Actor, ActorKind
from mainspring.kit.errors import InvalidArgument, NotFound
from mainspring.kit.permissions import ACCOUNT_PERMISSIONS, ROLE_PERMISSIONS, RUN_PERMISSIONS, Permission, Role
from mainspring.kit.time import now_ms
from mainspring.modules.identity import service as identity
from mainspring.modules.identity.service import Account, Credential
from mainspring.modules.projects import store
from mainspring.modules.projects.schemas import Explanation, Reason, RoleName, Visibility
from mainspring.modules.projects.store import Grant, NamespaceRecord, ProjectRecord, Standing
from mainspring.modules.projects.store.projects import hold_project

NO_PROJECT = 0
"""The key that no project has."""

READS = ROLE_PERMISSIONS[Role.REPORTER] - {Permission.SIGNED_IN, Permission.CONFIGURATION_READ}
"""What the visibility of a project gives to those whom it is open to: how it is set up is its members' business."""

NOBODY_NOWHERE = replace(NOBODY, project=NO_PROJECT)
"""Who has no account, in no project."""

ARCHIVED = frozenset(each for each in Permission if each.endswith(":write"))
"""What nobody does in an archived project."""


@dataclass(frozen=True, slots=True)
class Place:
    """The project that a request names: by its path, by its MLflow workspace, or not at all."""

    path: str = ""
    workspace: str = ""


def find_place(tx: Connection, place: Place) -> ProjectRecord:
    """Return the project that a request is about. Raises NotFound where there is none, or it is deleted."""
    if place.path:
        found = store.find_project(tx, place.path) or store.find_moved(tx, place.path)
    elif place.workspace:
        by_path = store.find_project(tx, place.workspace) if "/" in place.workspace else None
        found = by_path or store.find_workspace(tx, place.workspace)
    else:
        found = store.get_project(tx, DEFAULT_PROJECT)
    if found is None or found.deleted_at is not None:
        raise no_project(place)
    return found


def no_project(place: Place) -> NotFound:
    """Return the error for a project that is not there, or that the caller may not see: they are told alike."""
    if place.workspace and not place.path:
        return NotFound(f"Workspace '{place.workspace[:100]}' not found", field="X-MLFLOW-WORKSPACE")
    return NotFound(f"There is no project '{place.path[:200] or 'default/default'}', or you may not see it.")


def enter(
    tx: Connection,
    account: Account | None,
    credential: Credential | None,
    place: Place,
    public_read: bool,
    limits: frozenset[Permission] | None = None,
) -> Actor:
    """Return who acts in the project of a request, with what they may do there. Raises NotFound.

    Without an account it is nobody, who may read public projects where ``public_read`` is set. A credential
    that is limited takes away what it does not name; ``limits`` are those of what vouches that is not kept here.
    """
    if account is None:
        return _nobody(tx, place, public_read)
    project = find_place(tx, place)
    permissions, until = _allowed(tx, account, project)
    if credential is not None:
        limits = credential.permissions
    if credential is not None and credential.projects is not None and project.key not in credential.projects:
        permissions &= ACCOUNT_PERMISSIONS
    if (place.path or place.workspace) and Permission.PROJECT_READ not in permissions:
        raise no_project(place)
    _check_one_project(place, project)
    scoped = limits is not None or (credential is not None and _is_limited(credential))
    run_id = None
    if credential is not None and credential.run_id:
        run_id = credential.run_id if permissions >= RUN_PERMISSIONS else None
        # What it was made with is no more than its maker could do then; it may ask for secrets that name the account.
        limits = (READS if limits is None else limits) | ACCOUNT_PERMISSIONS
    return Actor(
        account.name,
        permissions if limits is None else permissions & limits,
        project.key,
        account.key,
        ActorKind(account.kind),
        account.is_admin and not scoped,
        account.groups,
        credential.key if credential else None,
        scoped,
        run_id,
        project.workspace,
        until,
        limits,
        credential.projects if credential else None,
    )


def enter_open(tx: Connection, place: Place) -> Actor:
    """Return the owner of a server that asks nobody to sign in, in the project of a request. Raises NotFound."""
    project = find_place(tx, place)
    _check_one_project(place, project)
    return _owner_in(LOCAL, project)


def _owner_in(owner: Actor, project: ProjectRecord) -> Actor:
    allowed = _left_by_archiving(frozenset(Permission), project)
    return replace(owner, project=project.key, workspace=project.workspace, permissions=allowed)


def _check_one_project(place: Place, project: ProjectRecord) -> None:
    """Raise InvalidArgument for a request whose URL and whose header name different projects."""
    if place.path and place.workspace not in ("", project.workspace, project.path):
        raise InvalidArgument(
            f"The URL names the project '{project.path}', and the header the workspace '{place.workspace[:100]}'.",
            field="X-MLFLOW-WORKSPACE",
        )


def _nobody(tx: Connection, place: Place, public_read: bool) -> Actor:
    """Return the actor that nobody is: a project that is not open looks like one that is not there."""
    if not public_read:
        return NOBODY_NOWHERE
    nobody = replace(NOBODY_NOWHERE, permissions=frozenset({Permission.PROJECTS_DISCOVER}))
    with suppress(NotFound):
        return _reading(nobody, place, find_place(tx, place))
    return nobody


def _reading(nobody: Actor, place: Place, project: ProjectRecord) -> Actor:
    """Return nobody in a project that is open to everyone. Raises NotFound for others."""
    if Permission.PROJECTS_DISCOVER not in nobody.permissions or project.visibility != Visibility.PUBLIC:
        raise no_project(place)
    return replace(nobody, project=project.key, workspace=project.workspace, permissions=READS)


def _is_limited(credential: Credential) -> bool:
    return any(each is not None for each in (credential.permissions, credential.projects, credential.run_id))


def acting_in(tx: Connection, actor: Actor, place: Place) -> Actor:
    """Return the actor in another project than the one that its request is about. Raises NotFound.

    A limited credential takes away there what it takes away here; a run token stays where it is. Who has no account
    gets into public projects where people may read without one.
    """
    project = find_place(tx, place)
    if project.key == actor.project:
        return actor
    if actor.kind is ActorKind.NOBODY:
        return _reading(actor, place, project)
    if actor.key is None and actor.is_admin:
        return _owner_in(actor, project)
    account = None if actor.key is None or actor.run_id else identity.get_account(tx, actor.key)
    good_there = actor.projects is None or project.key in actor.projects
    if account is None or not good_there:
        raise no_project(place)
    permissions, until = _allowed(tx, account, project)
    if actor.limits is not None:
        permissions &= actor.limits
    if Permission.PROJECT_READ not in permissions:
        raise no_project(place)
    return replace(actor, project=project.key, workspace=project.workspace, permissions=permissions, until=until)


def permissions_of(tx: Connection, account: Account, project: ProjectRecord) -> frozenset[Permission]:
    """Return what an account may do in a project, and in the whole installation."""
    return _allowed(tx, account, project)[0]


def _allowed(tx: Connection, account: Account, project: ProjectRecord) -> tuple[frozenset[Permission], int | None]:
    """Return what an account may do in a project, and when (ms) that ends by itself."""
    if account.is_admin:
        return _left_by_archiving(frozenset(Permission), project), None
    standing = _standing(tx, account, project)
    allowed = ROLE_PERMISSIONS[standing.role] if standing.role else ACCOUNT_PERMISSIONS
    if standing.is_open:
        allowed |= READS
    return _left_by_archiving(allowed, project), standing.until


def _left_by_archiving(allowed: frozenset[Permission], project: ProjectRecord) -> frozenset[Permission]:
    return allowed if project.archived_at is None else allowed - ARCHIVED


@dataclass(frozen=True, slots=True)
class _Standing:
    """What an account is in a project: its greatest role, whether the project is open to it, until when (ms)."""

    role: Role | None
    is_open: bool
    until: int | None


def greatest_role(tx: Connection, account: Account, project: ProjectRecord) -> Role | None:
    """Return the greatest role that an account has in a project, or None."""
    return _standing(tx, account, project).role


def role_of_level(level: int) -> Role | None:
    """Return the role that a level at a source stands for: the greatest that is not above it, None for less."""
    return max((role for role in Role if role <= level), default=None)


def _standing(tx: Connection, account: Account, project: ProjectRecord) -> _Standing:
    """Return what an account is in a project: until the first of what makes it so ends."""
    above = namespaces_of(tx, project)
    held = _grants(tx, account, project, above)
    roles = [Role(grant.role) for grant in held]
    if any(each.owner == account.key for each in above):
        roles.append(Role.OWNER)
    ends = [grant.expires_at for grant in held if grant.expires_at is not None]
    known = _known_there(tx, account, project)
    if known is not None:
        roles += filter(None, [role_of_level(known.level)])
        ends.append(known.good_until)
    inside = project.source is None or (known is not None and known.inside)
    is_open = project.visibility == Visibility.PUBLIC or (project.visibility == Visibility.INTERNAL and inside)
    return _Standing(max(roles, default=None), is_open, min(ends, default=None))


def namespaces_of(tx: Connection, project: ProjectRecord) -> Sequence[NamespaceRecord]:
    """Return the namespaces whose roles hold in a project: none where it is kept elsewhere.

    It has its path from there: whoever has a namespace of such a name here is not thereby somebody there.
    """
    return store.namespaces_above(tx, project.namespace_name) if project.source is None else ()


def _known_there(tx: Connection, account: Account, project: ProjectRecord) -> Standing | None:
    """Return what the source of a project lets an account do in it, None where it does not know the account."""
    if project.source is None:
        return None
    return store.find_standing(tx, account.key, project.source, project.key, now_ms())


def _grants(tx: Connection, account: Account, project: ProjectRecord, above: Sequence[NamespaceRecord]) -> list[Grant]:
    keys = [namespace.key for namespace in above]
    return store.find_grants(tx, account.key, account.groups, project.key, keys, now_ms())


def namespace_role(tx: Connection, actor: Actor, name: str) -> Role | None:
    """Return the greatest role that an actor has in a namespace, there or above it; an administrator is an owner.

    A limited credential has none: it is for projects.
    """
    if actor.is_admin:
        return Role.OWNER
    if actor.key is None or actor.scoped:
        return None
    above = store.namespaces_above(tx, name)
    held = store.find_grants(tx, actor.key, actor.groups, 0, [each.key for each in above], now_ms())
    roles = [Role(grant.role) for grant in held]
    if any(each.owner == actor.key for each in above):
        roles.append(Role.OWNER)
    return max(roles, default=None)


def explain(tx: Connection, actor: Actor, user: str, permission: Permission) -> Explanation:
    """Return whether an account may do something in the actor's project, and each grant and rule that has a say.

    Everyone may ask of themselves; of others those who manage the members. Raises NotFound.
    """
    if user != actor.name:
        actor.require(Permission.MEMBERS_MANAGE)
    project = own_project(tx, actor)
    if user == actor.name and actor.key is None:
        reasons = [Reason("open", "This server asks nobody to sign in: everyone who reaches it owns it.", allows=True)]
        return Explanation(
            user, project.path, permission, actor.may(permission), reasons + _archived(project, permission)
        )
    account = identity.get_account(tx, identity.find_holder(tx, "user", user))
    if account is None:
        reasons = [Reason("account", f"{user} is blocked and may do nothing.", allows=False)]
        return Explanation(user, project.path, permission, False, reasons)
    allowed = permission in permissions_of(tx, account, project)
    reasons = _reasons(tx, account, project, permission)
    if user == actor.name and actor.scoped and not actor.may(permission, actor.run_id):
        allowed = False
        reasons.append(Reason("credential", "The token that asks is limited, and does not allow it.", allows=False))
    return Explanation(user, project.path, permission, allowed, reasons)


def _reasons(tx: Connection, account: Account, project: ProjectRecord, permission: Permission) -> list[Reason]:
    reasons = []
    if account.is_admin:
        reasons.append(Reason("administrator", f"{account.name} administrates the installation.", allows=True))
    above = namespaces_of(tx, project)
    for own in (each.name for each in above if each.owner == account.key):
        allows = permission in ROLE_PERMISSIONS[Role.OWNER]
        reasons.append(Reason("namespace", f"{own} is their own.", allows, RoleName.OWNER))
    for grant in _grants(tx, account, project, above):
        role = Role(grant.role)
        holder = account.name
        if grant.holder_kind == "group":
            holder = "the group " + identity.holder_names(tx, "group", [grant.holder]).get(grant.holder, "?")
        where = project.path
        if grant.scope_kind == "namespace":
            where = store.get_namespace(tx, grant.scope).name
        detail = f"{holder} is {role.name.lower()} of {where}, granted by {grant.created_by}."
        reasons.append(Reason("grant", detail, permission in ROLE_PERMISSIONS[role], RoleName(role.name.lower())))
    if project.source is not None:
        reasons += _reasons_there(tx, account, project, permission)
    open_to = {Visibility.INTERNAL: "everyone who is signed in", Visibility.PUBLIC: "everyone"}
    if project.visibility in open_to and (project.source is None or project.visibility == Visibility.PUBLIC):
        who = open_to[Visibility(project.visibility)]
        reasons.append(Reason("visibility", f"{project.path} may be read by {who}.", permission in READS))
    reasons += _archived(project, permission)
    return reasons or [Reason("none", f"{account.name} has no role in {project.path}.", allows=False)]


def _reasons_there(tx: Connection, account: Account, project: ProjectRecord, permission: Permission) -> list[Reason]:
    """Return what the source of a project has to say of an account."""
    kind, _, url = store.source_name(tx, project.source or 0).partition(":")
    known = _known_there(tx, account, project)
    if known is None:
        detail = f"{url} does not vouch for {account.name} now: what it knows counts after its next answer."
        return [Reason(kind, detail, allows=False)]
    reasons = []
    role = role_of_level(known.level)
    if role is not None:
        detail = f"{account.name} has the level {known.level} at {url}, which is {role.name.lower()}."
        reasons.append(Reason(kind, detail, permission in ROLE_PERMISSIONS[role], RoleName(role.name.lower())))
    if project.visibility == Visibility.INTERNAL:
        shown = "shows" if known.inside else "does not show"
        detail = f"{url} {shown} {account.name} its internal projects."
        reasons.append(Reason("visibility", detail, known.inside and permission in READS))
    return reasons


def _archived(project: ProjectRecord, permission: Permission) -> list[Reason]:
    if project.archived_at is None or permission not in ARCHIVED:
        return []
    return [Reason("archived", f"{project.path} is archived: nothing is written to it.", allows=False)]


def own_project(tx: Connection, actor: Actor, *, hold: bool = False) -> ProjectRecord:
    """Return the project that the actor acts in; with ``hold`` nobody else changes it until the transaction ends.

    Raises NotFound once it is gone.
    """
    if hold:
        hold_project(tx, actor.project)
    found = store.get_project(tx, actor.project)
    if found is None or found.deleted_at is not None:
        raise NotFound("This project is not there any more.")
    return found
