"""SQL of who may see which projects, by visibility, by roles, and by what the places know where projects are kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    SelectBase,
    and_,
    bindparam,
    false,
    literal,
    null,
    or_,
    select,
    true,
    union,
    union_all,
)

from mainspring.kit.actors import Actor, ActorKind
from mainspring.kit.permissions import Permission, Role
from mainspring.kit.sql import among, unindexed
from mainspring.kit.time import now_ms
from mainspring.modules.projects.tables import grants, namespaces, projects, source_accounts, source_roles, sources


def visible_projects(tx: Connection, actor: Actor) -> Select[tuple[int]]:
    """Return what selects the keys of the projects that an actor may see; deleted ones are left out."""
    return select(projects.c.id).where(projects.c.deleted_at.is_(None), visible(tx, actor))


def visible_keys(tx: Connection, actor: Actor) -> SelectBase:
    """Return what ``visible_projects`` does, for who looks at all of them and not at some: each way by its index."""
    if actor.is_admin or actor.kind is ActorKind.NOBODY:
        return visible_projects(tx, actor)
    return _known_to(tx, actor).keys


def is_visible(tx: Connection, actor: Actor, key: int) -> bool:
    """Say whether an actor may see a project."""
    return tx.execute(select(projects.c.id).where(projects.c.id == key, visible(tx, actor))).first() is not None


def visible(tx: Connection, actor: Actor) -> ColumnElement[bool]:
    """Return the condition that a project is one which the actor may see: the one filter of all lists and counts."""
    if actor.is_admin:
        return true()
    if actor.kind is ActorKind.NOBODY:
        return projects.c.visibility == "public" if actor.may(Permission.PROJECTS_DISCOVER) else false()
    return _known_to(tx, actor).condition


def _known_to(tx: Connection, actor: Actor) -> _Known:
    known: _Known | None = None if actor.memory is None else actor.memory.get(_VISIBLE)
    if known is None or (known.until is not None and known.until <= now_ms()):
        scopes = find_scopes(tx, actor)
        # Walked by name to the end of the page: SQLite would rather find and sort all that is open to everyone.
        walked = or_(*_open(scopes, unindexed(projects.c.visibility)), *scopes.ways)
        # All of them: each way by its own index, so that what may not be seen is not read.
        ways = [*_open(scopes, projects.c.visibility), *scopes.ways]
        keys = [select(projects.c.id).where(projects.c.deleted_at.is_(None), _within(actor, way)) for way in ways]
        known = _Known(_within(actor, walked), union(*keys), scopes.until)
        if actor.memory is not None:
            actor.memory[_VISIBLE] = known
    return known


_VISIBLE, _READING = "visible projects", "where files are read"


@dataclass(frozen=True, slots=True)
class _Known:
    """The condition that a project is one which an actor may see, their keys, and until when (ms) both are good."""

    condition: ColumnElement[bool]
    keys: SelectBase
    until: int | None


def owned(tx: Connection, actor: Actor) -> ColumnElement[bool]:
    """Return the condition that a project is one which the actor may delete and bring back."""
    return true() if actor.is_admin else _within(actor, or_(*find_scopes(tx, actor, Role.OWNER).ways))


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
    def ways(self) -> list[ColumnElement[bool]]:
        """The conditions that a project is one of them, and that it is in one of them.

        Roles in namespaces are for projects that are at home here: the paths of others were chosen elsewhere.
        """
        below = and_(among(projects.c.namespace, self.namespaces, whole=True), projects.c.source.is_(None))
        return [among(projects.c.id, self.projects, whole=True), below]


def _open(scopes: Scopes, visibility: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """Return the conditions that a project is open to everyone, and that it is to an account without any role."""
    known: ColumnElement[bool] = projects.c.source.is_(None)
    if scopes.sources:
        known = or_(known, among(projects.c.source, scopes.sources, whole=True))
    return [visibility == "public", and_(visibility == "internal", known)]


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


# Whose files may be read

_READS_FILES = frozenset({Permission.PROJECT_READ, Permission.ARTIFACTS_READ})
_PLACED = (
    select(
        projects.c.id,
        projects.c.namespace,
        namespaces.c.name + "/" + projects.c.name,
        projects.c.workspace,
        projects.c.visibility,
        projects.c.source,
        sources.c.name,
        sources.c.failed_at,
    )
    .join_from(projects, namespaces)
    .outerjoin(sources, sources.c.id == projects.c.source)
    .where(among(projects.c.id, param="keys"), projects.c.deleted_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class PlacedProject:
    """What a project is called, who may see it, and where it is kept.

    ``source`` is the key of its source, None for here; ``source_failed_at`` (ms) since when that cannot be read.
    """

    key: int
    namespace: int
    path: str
    workspace: str
    visibility: str
    source: int | None
    source_name: str | None
    source_failed_at: int | None


def list_placed(tx: Connection, keys: Collection[int]) -> list[PlacedProject]:
    """Return some projects, for whoever may know the keys; deleted ones are left out."""
    return [PlacedProject(*row) for row in tx.execute(_PLACED, {"keys": list(keys)})]


def readable_among(tx: Connection, actor: Actor, found: Collection[PlacedProject]) -> list[PlacedProject]:
    """Return those of some projects whose files an actor may read; by a run's token none are read so."""
    if actor.run_id is not None or (actor.limits is not None and not actor.limits >= _READS_FILES):
        return []
    if actor.is_admin:
        return list(found)
    if actor.kind is ActorKind.NOBODY:
        return [each for each in found if each.visibility == "public" and actor.may(Permission.PROJECTS_DISCOVER)]
    reading = _reading(tx, actor)
    good = found if actor.projects is None else [each for each in found if each.key in actor.projects]
    return [each for each in good if reading.is_open(each) or reading.is_held(each)]


@dataclass(frozen=True, slots=True)
class _Reading:
    """``Scopes`` in which an actor is a reporter at least, for many projects that were looked up already."""

    projects: frozenset[int]
    namespaces: frozenset[int]
    sources: frozenset[int]
    until: int | None

    def is_open(self, project: PlacedProject) -> bool:
        """Say of a project what ``_open`` says in SQL."""
        inside = project.source is None or project.source in self.sources
        return project.visibility == "public" or (project.visibility == "internal" and inside)

    def is_held(self, project: PlacedProject) -> bool:
        """Say of a project what ``Scopes.ways`` says in SQL."""
        return project.key in self.projects or (project.source is None and project.namespace in self.namespaces)


def _reading(tx: Connection, actor: Actor) -> _Reading:
    known: _Reading | None = None if actor.memory is None else actor.memory.get(_READING)
    if known is None or (known.until is not None and known.until <= now_ms()):
        found = find_scopes(tx, actor, Role.REPORTER)
        keys = (frozenset(found.projects), frozenset(found.namespaces), frozenset(found.sources))
        known = _Reading(*keys, found.until)
        if actor.memory is not None:
            actor.memory[_READING] = known
    return known
