"""``/api/v1/gc``: what was deleted, deleted for good. It stands above all modules that may refer to files."""

from __future__ import annotations

import time

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.artifacts.routes import Stores
from mainspring.modules.audit.service.dropping import drop_project as drop_webhooks
from mainspring.modules.configuration.service.dropping import drop_project as drop_configuration
from mainspring.modules.files import service as files
from mainspring.modules.lineage.service.dropping import drop_project as drop_lineage
from mainspring.modules.projects import service as projects
from mainspring.modules.quotas import service as quotas
from mainspring.modules.registry import service as registry
from mainspring.modules.registry.service.dropping import drop_project as drop_models
from mainspring.modules.services import Services
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import GarbageKind, GarbageQuery, GarbageReport

FILES_S = 2.0
DROPS = (
    drop_models,
    drop_configuration,
    drop_webhooks,
    drop_lineage,
    quotas.drop_project,
    files.drop_project,
    tracking.give_up_project,
)


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
    if whole and report.next_page_token is None and await _drop_files(services, actor, report):
        await services.db.write(_forget_empty, actor)
    return report


async def _drop_files(services: Services, actor: Actor, report: GarbageReport) -> bool:
    """Drop what is left of projects' files, and say whether that is all; if not, the report asks for another step."""
    until = time.monotonic() + FILES_S
    expired = await services.db.read(projects.find_expired, actor)
    steps = [
        await files.drop_unused(services, actor, until),
        *[await files.erase_project(services, actor, project, until) for project in expired],
    ]
    report.files += sum(each.files for each in steps)
    report.bytes += sum(each.bytes for each in steps)
    if all(each.complete for each in steps):
        return True
    report.next_page_token = f"{GarbageKind.EXPERIMENT}:-1"
    return False


def _give_up_expired(tx: Connection, actor: Actor) -> None:
    """Give up what deleted projects own that can be restored no more; their files go with the rest."""
    files.note_unnamed(tx, actor)
    for project in projects.find_expired(tx, actor):
        for drop in DROPS:
            drop(tx, actor, project)


def _forget_empty(tx: Connection, actor: Actor) -> None:
    """Forget those of them of which nothing is left."""
    for project in projects.find_expired(tx, actor):
        if tracking.is_empty(tx, actor, project):
            projects.forget_project(tx, actor, project)
