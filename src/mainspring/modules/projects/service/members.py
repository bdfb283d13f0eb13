"""Rules of members: who gives whom which role, in a project or in a namespace."""

from __future__ import annotations

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import FailedPrecondition, NotFound, PermissionDenied
from mainspring.kit.events import Event, publish
from mainspring.kit.names import invalid_value
from mainspring.kit.permissions import Permission, Role
from mainspring.kit.time import now_ms
from mainspring.modules.identity import service as identity
from mainspring.modules.projects import store
from mainspring.modules.projects.schemas import HolderKind, Member, MemberSet, RoleName, ScopeKind
from mainspring.modules.projects.service import names
from mainspring.modules.projects.service.access import (
    greatest_role,
    namespace_role,
    namespaces_of,
    own_project,
    role_of_level,
)
from mainspring.modules.projects.store import Grant, ProjectRecord


class _Scope:
    """Where roles are given: the actor's project, or a namespace that is named, and the actor's own role there."""

    def __init__(self, tx: Connection, actor: Actor, namespace: str | None) -> None:
        if namespace is None:
            project = own_project(tx, actor)
            self.kind, self.key, self.name = ScopeKind.PROJECT, project.key, project.path
            self.project: int | None = project.key
            self.above = list(namespaces_of(tx, project))
            self.role = _role_in_project(tx, actor)
        else:
            found = store.find_namespace(tx, names.check_namespace(namespace, "namespace"))
            self.role = namespace_role(tx, actor, namespace.lower())
            if found is None or self.role is None:
                raise NotFound(f"There is no namespace '{namespace[:200]}'.", field="namespace")
            self.kind, self.key, self.name, self.project = ScopeKind.NAMESPACE, found.key, found.name, None
            self.above = [each for each in store.namespaces_above(tx, found.name) if each.key != found.key]


def _role_in_project(tx: Connection, actor: Actor) -> Role | None:
    if actor.is_admin:
        return Role.OWNER
    account = None if actor.key is None else identity.get_account(tx, actor.key)
    return greatest_role(tx, account, own_project(tx, actor)) if account else None


def list_members(tx: Connection, actor: Actor, namespace: str | None = None) -> list[Member]:
    """Return who holds which role in the actor's project, or in a namespace, and above it."""
    if namespace is None:
        actor.require(Permission.PROJECT_READ)
    actor.require(Permission.SIGNED_IN)
    scope = _Scope(tx, actor, namespace)
    scopes = [(str(scope.kind), scope.key), *(("namespace", each.key) for each in scope.above)]
    titles = {("namespace", each.key): each.name for each in scope.above} | {(str(scope.kind), scope.key): scope.name}
    found = store.list_grants(tx, scopes)
    called = {
        kind: identity.holder_names(tx, kind, {grant.holder for grant in found if grant.holder_kind == kind})
        for kind in ("user", "group")
    }
    members = [
        _member(grant, called[grant.holder_kind][grant.holder], titles[grant.scope_kind, grant.scope])
        for grant in found
        if grant.holder in called[grant.holder_kind]
    ]
    return members + (_members_elsewhere(tx, own_project(tx, actor)) if namespace is None else [])


def _members_elsewhere(tx: Connection, project: ProjectRecord) -> list[Member]:
    """Return who has which role in a project by the source that it is kept in: they are changed there."""
    if project.source is None:
        return []
    source, held = store.source_name(tx, project.source), store.list_source_roles(tx, project.key, now_ms())
    called = identity.holder_names(tx, HolderKind.USER, {each.user for each in held})
    return [
        Member(
            HolderKind.USER,
            called[each.user],
            RoleName(role.name.lower()),
            ScopeKind.PROJECT,
            project.path,
            source,
            each.asked_at,
            each.good_until,
            source,
        )
        for each in held
        if each.user in called and (role := role_of_level(each.level))
    ]


def set_member(tx: Connection, actor: Actor, wanted: MemberSet, namespace: str | None = None) -> Member:
    """Give an account or group a role in place of the one that it had.

    Nobody gives more than they have, or changes who has more. Raises NotFound, PermissionDenied, or
    FailedPrecondition where a namespace would be left without an owner.
    """
    scope = _managed(tx, actor, namespace)
    role, now = Role[wanted.role.upper()], now_ms()
    holder = identity.find_holder(tx, wanted.kind, wanted.name)
    old = store.find_grant(tx, wanted.kind, holder, scope.kind, scope.key)
    _check_reach(actor, scope, max(role, Role(old.role) if old else role))
    if wanted.expires_at is not None and wanted.expires_at <= now:
        raise invalid_value("expires_at", wanted.expires_at, f"it must be later than now, {now} ms.")
    if old and old.role == Role.OWNER and (role < Role.OWNER or wanted.expires_at):
        _check_other_owner(tx, scope)
    grant = Grant(wanted.kind, holder, scope.kind, scope.key, role, actor.name, now, wanted.expires_at)
    store.set_grant(tx, grant)
    identity.change_access(tx)
    member = _member(grant, wanted.name.lower(), scope.name)
    before = _told(_member(old, member.name, scope.name)) if old else None
    publish(tx, Event("member.set", f"{scope.name}: {member.name}", actor, scope.project, before, _told(member)))
    return member


def remove_member(tx: Connection, actor: Actor, kind: HolderKind, name: str, namespace: str | None = None) -> None:
    """Take a role away; everyone may give up their own. Raises NotFound, PermissionDenied, FailedPrecondition."""
    own = kind is HolderKind.USER and name == actor.name and actor.key is not None
    scope = _Scope(tx, actor, namespace) if own else _managed(tx, actor, namespace)
    holder = identity.find_holder(tx, kind, name)
    old = store.find_grant(tx, kind, holder, scope.kind, scope.key)
    if old is None:
        raise NotFound(f"{name[:100]} has no role of its own in {scope.name}.", field="name")
    _check_reach(actor, scope, Role(old.role))
    if old.role == Role.OWNER:
        _check_other_owner(tx, scope)
    store.delete_grant(tx, kind, holder, scope.kind, scope.key)
    identity.change_access(tx)
    before = _told(_member(old, name, scope.name))
    publish(tx, Event("member.delete", f"{scope.name}: {name}", actor, scope.project, before))


def _managed(tx: Connection, actor: Actor, namespace: str | None) -> _Scope:
    """Return the scope, where the actor gives roles."""
    if namespace is None:
        actor.require(Permission.MEMBERS_MANAGE)
        return _Scope(tx, actor, None)
    scope = _Scope(tx, actor, namespace)
    if actor.scoped or scope.role is None or scope.role < Role.MAINTAINER:
        raise PermissionDenied(f"{actor.name} must be a maintainer of '{scope.name}' to change its members.")
    return scope


def _check_reach(actor: Actor, scope: _Scope, role: Role) -> None:
    if scope.role is None or role > scope.role:
        raise PermissionDenied(f"{actor.name} cannot give or take the role {role.name.lower()} in {scope.name}.")


def _check_other_owner(tx: Connection, scope: _Scope) -> None:
    """Raise FailedPrecondition for the last owner of a shared namespace."""
    if scope.kind is ScopeKind.NAMESPACE and store.count_grants(tx, scope.kind, scope.key, Role.OWNER) < 2:
        raise FailedPrecondition(f"'{scope.name}' would have no owner: make somebody else one first.")


def _member(grant: Grant, name: str, scope: str) -> Member:
    return Member(
        HolderKind(grant.holder_kind),
        name,
        RoleName(Role(grant.role).name.lower()),
        ScopeKind(grant.scope_kind),
        scope,
        grant.created_by,
        grant.created_at,
        grant.expires_at,
    )


def _told(member: Member) -> dict[str, object]:
    """Return what an act tells of a member."""
    return {"kind": str(member.kind), "name": member.name, "role": str(member.role), "expires_at": member.expires_at}
