"""Background tasks of the audit log and of webhooks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from mainspring.modules.audit import service
from mainspring.modules.audit.service import Outcome, Sending
from mainspring.modules.services import Services, Task

LOOK_AGAIN_S = 0.5


class Sender:
    """Makes deliveries and sends them, several at once; those under way go on between its steps.

    What is under way touches the network alone, so that it may be broken off at any moment: what came of
    it is noted by the next step, or it is sent again once its claim has run out.
    """

    def __init__(self) -> None:
        self._under_way: dict[asyncio.Task[Outcome], Sending] = {}

    async def step(self, services: Services) -> bool:
        """Note what came of deliveries, make and begin the next, and wait a moment for those under way."""
        await self._note(services)
        acts, due = await services.db.read(service.has_work)
        if acts:
            await services.db.write(service.make_deliveries)
        if acts or due:
            await self._begin(services)
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=LOOK_AGAIN_S, return_when=asyncio.FIRST_COMPLETED)
        return acts or bool(self._under_way)

    async def _note(self, services: Services) -> None:
        done = [(task, sending) for task, sending in self._under_way.items() if task.done()]
        if done:
            outcomes = [(sending, task.result()) for task, sending in done]
            await services.db.write(service.note_outcomes, outcomes, services.settings.webhook_attempts)
        for task, _ in done:
            del self._under_way[task]

    async def _begin(self, services: Services) -> None:
        under_way = Counter(sending.target.key for sending in self._under_way.values())
        claimed = await services.db.write(service.claim, under_way)
        for sending, message in zip(claimed, await service.open_secrets(services, claimed), strict=True):
            going = service.attempt(message, services.settings.webhook_private_addresses)
            self._under_way[asyncio.create_task(going)] = sending


async def cut_log(services: Services) -> bool:
    """Cut off acts that are older than the setting says."""
    days = services.settings.audit_days
    return days > 0 and await services.db.write(service.cut_log, days)


async def drop_deliveries(services: Services) -> bool:
    """Forget deliveries of long ago."""
    return await services.db.write(service.drop_deliveries)


async def follow_rotation(services: Services) -> bool:
    """Let the vault's current key wrap the key of secrets."""
    await service.follow_rotation(services)
    return False


TASKS: Sequence[Task] = (
    # Its steps are waiting, for other machines.
    Task("webhooks", every_s=1, step=Sender().step, share=1.0),
    Task("audit", every_s=3600, step=cut_log),
    Task("deliveries", every_s=3600, step=drop_deliveries),
    Task("webhook key", every_s=3600, step=follow_rotation),
)
