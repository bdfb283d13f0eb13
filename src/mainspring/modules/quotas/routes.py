"""``/api/v1`` of quotas."""

from __future__ import annotations

from litestar import get, patch
from litestar.di import NamedDependency
from litestar.params import JSONBody

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.quotas import service
from mainspring.modules.quotas.schemas import QuotaChange, Quotas

Db = NamedDependency[Database]
Who = NamedDependency[Actor]


@get("/api/v1/quotas", opt=needs(Permission.PROJECT_READ))
async def get_quotas(db: Db, actor: Who) -> Quotas:
    """Get how much a project has, and how much it may have."""
    return await db.read(service.get_quotas, actor)


@patch("/api/v1/quotas", opt=needs(Permission.INSTANCE_MANAGE))
async def update_quotas(db: Db, actor: Who, data: JSONBody[QuotaChange]) -> Quotas:
    """Set how much a project may have, or all projects without limits of their own."""
    return await db.write(service.change_quotas, actor, data)


HANDLERS = [get_quotas, update_quotas]
