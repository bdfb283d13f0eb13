"""``/api/v1/gc``: what was deleted, deleted for good. It stands above all modules that may refer to files."""

from __future__ import annotations

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.artifacts.routes import Stores
from mainspring.modules.registry import service as registry
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import GarbageQuery, GarbageReport


@post("/api/v1/gc", opt=needs(Permission.STORAGE_MANAGE), status_code=200)
async def collect_garbage(
    services: Stores, actor: NamedDependency[Actor], data: JSONBody[GarbageQuery]
) -> GarbageReport:
    """Delete for good what was deleted, files and all, for about two seconds.

    Ask again with the `next_page_token` of the answer until it is null. What model versions refer to is kept.
    """
    return await tracking.collect_garbage(services, actor, data, registry.find_holders)
