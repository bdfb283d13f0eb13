"""``/api/v1/gc``: what was deleted, deleted for good. It stands above all modules that may refer to files."""

from __future__ import annotations

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.artifacts.routes import Stores
from mainspring.modules.audit.service.dropping import drop_project as drop_webhooks
from mainspring.modules.configuration.service.dropping import drop_project as drop_configuration
from mainspring.modules.projects import service as projects
from mainspring.modules.quotas import service as quotas
from mainspring.modules.registry import service as registry
from mainspring.modules.registry.service.dropping import drop_project as drop_models
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import GarbageQuery, GarbageReport


@post("/api/v1/gc", opt=needs(Permission.STORAGE_MANAGE), status_code=200)
async def collect_garbage(
    services: Stores, actor: NamedDependency[Actor], data: JSONBody[GarbageQuery]
) -> GarbageReport:
    """Delete for good what was deleted, files and all, for about two seconds.

    Ask again with the `next_page_token` of the answer until it is null. What model versions refer to is kept;
    projects go 30 days after they were deleted.
    """
    whole = not (data.dry_run or data.run_ids or data.logged_model_ids or data.experiment_ids)
    if whole and not data.page_token:
        await services.db.write(_give_up_expired, actor)
    report = await tracking.collect_garbage(services, actor, data, registry.find_holders)
    if whole and report.next_page_token is None:
        await services.db.write(_forget_empty, actor)
    return report


def _give_up_expired(tx: Connection, actor: Actor) -> None:
    """Give up what deleted projects own that can be restored no more; their files go with the rest."""
    for project in projects.find_expired(tx, actor):
        for drop in (drop_models, drop_configuration, drop_webhooks, quotas.drop_project, tracking.give_up_project):
            drop(tx, actor, project)


def _forget_empty(tx: Connection, actor: Actor) -> None:
    """Forget those of them of which nothing is left."""
    for project in projects.find_expired(tx, actor):
        if tracking.is_empty(tx, actor, project):
            projects.forget_project(tx, actor, project)
