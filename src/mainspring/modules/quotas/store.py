"""Every SQL statement of quotas. Nothing here commits."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from mainspring.kit.time import now_ms
from mainspring.modules.quotas.schemas import Resource
from mainspring.modules.quotas.tables import ALL_PROJECTS, quotas

Limits = dict[Resource, tuple[int | None, bool]]


def find_limits(tx: Connection, project: int) -> Limits:
    """Return the limits that hold for a project, by resource: (limit or None, whether it is the project's own)."""
    rows = tx.execute(
        select(quotas.c.project, quotas.c.resource, quotas.c.maximum)
        .where(quotas.c.project.in_((ALL_PROJECTS, project)))
        .order_by(quotas.c.project)  # the project's own come last, and so count
    )
    known = set(Resource)
    return {Resource(name): (maximum, owner != ALL_PROJECTS) for owner, name, maximum in rows if name in known}


def put_limit(tx: Connection, project: int, resource: Resource, maximum: int | None) -> None:
    """Set a limit of a project, or of ``ALL_PROJECTS``."""
    drop_limit(tx, project, resource)
    row = {"project": project, "resource": resource.value, "maximum": maximum, "updated_at": now_ms()}
    tx.execute(insert(quotas).values(row))


def drop_limit(tx: Connection, project: int, resource: Resource) -> None:
    """Forget a limit; that there is none is no error."""
    tx.execute(delete(quotas).where(quotas.c.project == project, quotas.c.resource == resource.value))


def drop_limits(tx: Connection, project: int) -> None:
    """Forget all limits of a project."""
    tx.execute(delete(quotas).where(quotas.c.project == project))
