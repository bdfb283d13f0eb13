"""Background tasks of tracking."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from mainspring.kit.errors import Internal
from mainspring.modules.services import Services, Task
from mainspring.modules.tracking.service import upkeep
from mainspring.modules.tracking.store.compaction import Job

log = structlog.get_logger(__name__)


async def refresh_documents(services: Services) -> bool:
    """Write documents of runs that have changed."""
    return await services.db.write(upkeep.refresh_documents)


async def compact(services: Services) -> bool:
    """Move points into blocks: what one look has found, in transactions for which writers wait little."""
    look = await services.db.read(upkeep.look)
    for jobs in look.batches:
        try:
            await services.db.write(upkeep.compact, jobs)
        except Internal:
            await _compact_each(services, jobs)
    if look.rested or look.active:
        await services.db.write(upkeep.finish_look, look)
    return look.more


async def _compact_each(services: Services, jobs: Sequence[Job]) -> None:
    """Do jobs of which one fails: it is left alone for long, so that it does not hold up the others."""
    for job in jobs:
        try:
            await services.db.write(upkeep.compact, [job])
        except Internal as error:
            log.error("compaction_failed", run=job.run, metric=job.key, error=error.message)
            await services.db.write(upkeep.give_up, job.run)


TASKS: Sequence[Task] = (
    Task("documents", every_s=1, step=refresh_documents),
    Task("compaction", every_s=2, step=compact, share=0.25),
)
