"""SQL of who may see which projects, by visibility, by roles, and by what the places know where projects are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    false,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)

from mainspring.kit.actors import Actor, ActorKind
from mainspring.kit.permissions import Permission, Role
from mainspring.kit.sql import among, unindexed
from mainspring.kit.time import now_ms
from mainspring.modules.projects.tables import grants, namespaces, projects, source_accounts, source_roles


def visible_projects(tx: Connection, actor: Actor) -> Select[tuple[int]]:
    """Return what selects the keys of the projects that an actor may see; deleted ones are left out."""
    return select(projects.c.id).where(projects.c.deleted_at.is_(None), visible(tx, actor))


def is_visible(tx: Connection, actor: Actor, key: int) -> bool:
    """Say whether an actor may see a project."""
    return tx.execute(select(projects.c.id).where(projects.c.id == key, visible(tx, actor))).first() is not None


def visible(tx: Connection, actor: Actor) -> ColumnElement[bool]:
    """Return the condition that a project is one which the actor may see: the one filter of all lists and counts."""
    if actor.is_admin:
        return true()
    if actor.kind is ActorKind.NOBODY:
        return projects.c.visibility == "public" if actor.may(Permission.PROJECTS_DISCOVER) else false()
    known: _Known | None = None if actor.memory is None else actor.memory.get(_VISIBLE)
    if known is None or (known.until is not None and known.until <= now_ms()):
        scopes = find_scopes(tx, actor)
        known = _Known(_within(actor, or_(_open(scopes), scopes.hold)), scopes.until)
        if actor.memory is not None:
            actor.memory[_VISIBLE] = known
    return known.condition


_VISIBLE = "visible projects"


@dataclass(frozen=True, slots=True)
class _Known:
    """The condition that a project is one which an actor may see, and until when (ms) it is good."""

    condition: ColumnElement[bool]
    until: int | None


def owned(tx: Connection, actor: Actor) -> ColumnElement[bool]:
    """Return the condition that a project is one which the actor may delete and bring back."""
    return true() if actor.is_admin else _within(actor, find_scopes(tx, actor, Role.OWNER).hold)


def _within(actor: Actor, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return a condition for those projects alone that the actor's credential is good for."""
    return condition if actor.projects is None else and_(among(projects.c.id, actor.projects, whole=True), condition)


@dataclass(frozen=True, slots=True)
class Scopes:
    """Keys of the projects and namespaces in which an actor has a role; with those that lie below them.

    ``sources`` are the places whose internal projects the account is shown there. The first of all that ends at
    ``until`` (ms).
    """

    projects: list[int]
    namespaces: list[int]
    sources: list[int]
    until: int | None

    @property
    def hold(self) -> ColumnElement[bool]:
        """The condition that a project is one of them, or in one of them.

        Roles in namespaces are for projects that are at home here: the paths of others were chosen elsewhere.
        """
        below = and_(among(projects.c.namespace, self.namespaces, whole=True), projects.c.source.is_(None))
        return or_(among(projects.c.id, self.projects, whole=True), below)


def _open(scopes: Scopes) -> ColumnElement[bool]:
    """Return the condition that a project is open to an account without any role."""
    # Walked by name to the end of the page: SQLite would rather find and sort all that is open to everyone.
    visibility = unindexed(projects.c.visibility)
    known: ColumnElement[bool] = projects.c.source.is_(None)
    if scopes.sources:
        known = or_(known, among(projects.c.source, scopes.sources, whole=True))
    return or_(visibility == "public", and_(visibility == "internal", known))


_GOOD = and_(
    grants.c.role >= bindparam("role"), or_(grants.c.expires_at.is_(None), grants.c.expires_at > bindparam("now"))
)
_KNOWN = and_(source_accounts.c.user == bindparam("user"), source_accounts.c.good_until > bindparam("now"))
_SAME = and_(source_roles.c.source == source_accounts.c.source, source_roles.c.user == source_accounts.c.user)
_HELD: Select[Any] | Any = union_all(
    select(grants.c.scope_kind, grants.c.scope, grants.c.expires_at).where(
        grants.c.holder_kind == "user", grants.c.holder == bindparam("user"), _GOOD
    ),
    select(grants.c.scope_kind, grants.c.scope, grants.c.expires_at).where(
        grants.c.holder_kind == "group", among(grants.c.holder, param="groups"), _GOOD
    ),
    select(literal("namespace"), namespaces.c.id, null()).where(namespaces.c.owner == bindparam("user")),
    select(literal("project"), source_roles.c.project, source_accounts.c.good_until)
    .join_from(source_accounts, source_roles, _SAME)
    .where(_KNOWN, source_roles.c.role >= bindparam("role")),
    select(literal("source"), source_accounts.c.source, source_accounts.c.good_until).where(
        _KNOWN, source_accounts.c.inside
    ),
)
_above, _below = namespaces.alias("above"), namespaces.alias("below")
# Behind 'team/' and before 'team0', as '0' comes after '/'.
_INSIDE = and_(_below.c.name > _above.c.name + "/", _below.c.name < _above.c.name + "0")
_BELOW = select(_below.c.id).join_from(_above, _below, _INSIDE).where(among(_above.c.id, param="above"))


def find_scopes(tx: Connection, actor: Actor, role: Role = Role.GUEST) -> Scopes:
    """Return where an account has at least a role now, by itself, as a member of a group, or as in its own."""
    # Looked up first: as parts of a query they lead either database to read all projects, and all grants.
    held = {"user": actor.key, "groups": actor.groups, "role": role, "now": now_ms()}
    keys: dict[str, list[int]] = {"project": [], "namespace": [], "source": []}
    until: list[int] = []
    for kind, key, end in tx.execute(_HELD, held):
        keys[kind].append(key)
        if end is not None:
            until.append(end)
    above = keys["namespace"]
    below = tx.execute(_BELOW, {"above": above}).scalars() if above else ()
    return Scopes(keys["project"], [*above, *below], keys["source"], min(until, default=None))
