"""SQL of roles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select

from mainspring.kit.sql_engines import upsert_rows
from mainspring.modules.projects.tables import grants


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that a holder has in a scope, by their keys."""

    holder_kind: str
    holder: int
    scope_kind: str
    scope: int
    role: int
    created_by: str
    created_at: int
    expires_at: int | None


_KEYS = ("holder_kind", "holder", "scope_kind", "scope")


def find_grants(
    tx: Connection, user: int, groups: Collection[int], project: int, above: Sequence[int], now: int
) -> list[Grant]:
    """Return the grants that give an account a role in a project, by itself, by its groups, or by namespaces."""
    scopes = or_(
        and_(grants.c.scope_kind == "project", grants.c.scope == project),
        and_(grants.c.scope_kind == "namespace", grants.c.scope.in_(above)),
    )
    good = or_(grants.c.expires_at.is_(None), grants.c.expires_at > now)
    return [Grant(*row) for row in tx.execute(select(grants).where(_held_by(user, groups), scopes, good))]


def list_grants(tx: Connection, scopes: Sequence[tuple[str, int]]) -> list[Grant]:
    """Return all grants in scopes, those that have expired too."""
    wanted = [and_(grants.c.scope_kind == kind, grants.c.scope == key) for kind, key in scopes]
    return [Grant(*row) for row in tx.execute(select(grants).where(or_(*wanted)).order_by(*grants.primary_key))]


def find_grant(tx: Connection, holder_kind: str, holder: int, scope_kind: str, scope: int) -> Grant | None:
    """Return the grant of a holder in a scope, or None."""
    keys = zip(_KEYS, (holder_kind, holder, scope_kind, scope), strict=True)
    row = tx.execute(select(grants).where(*(grants.c[name] == value for name, value in keys))).one_or_none()
    return None if row is None else Grant(*row)


def set_grant(tx: Connection, grant: Grant) -> None:
    """Give a holder a role in a scope in place of the one that they had."""
    row = (
        grant.holder_kind,
        grant.holder,
        grant.scope_kind,
        grant.scope,
        grant.role,
        grant.created_by,
        grant.created_at,
        grant.expires_at,
    )
    upsert_rows(tx, grants, (*_KEYS, "role", "created_by", "created_at", "expires_at"), [row])


def delete_grant(tx: Connection, holder_kind: str, holder: int, scope_kind: str, scope: int) -> None:
    """Take a holder's role in a scope away."""
    keys = zip(_KEYS, (holder_kind, holder, scope_kind, scope), strict=True)
    tx.execute(delete(grants).where(*(grants.c[name] == value for name, value in keys)))


def delete_grants_of(tx: Connection, holder_kind: str, holder: int) -> None:
    """Take all roles of a holder away."""
    tx.execute(delete(grants).where(grants.c.holder_kind == holder_kind, grants.c.holder == holder))


def count_grants(tx: Connection, scope_kind: str, scope: int, role: int) -> int:
    """Return how many hold at least a role in a scope, for good."""
    here = (grants.c.scope_kind == scope_kind, grants.c.scope == scope, grants.c.role >= role)
    return int(tx.execute(select(func.count()).where(*here, grants.c.expires_at.is_(None))).scalar_one())


def _held_by(user: int | None, groups: Collection[int]) -> ColumnElement[bool]:
    """Return the condition that a grant is held by an account, by itself or as a member of a group."""
    own = and_(grants.c.holder_kind == "user", grants.c.holder == user)
    if not groups:
        return own
    return or_(own, and_(grants.c.holder_kind == "group", grants.c.holder.in_(groups)))
