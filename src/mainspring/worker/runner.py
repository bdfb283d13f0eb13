"""The runner of periodic tasks: it gives each its turn and its share of the time, and outlives its failures."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

import structlog

from mainspring.kit.errors import MainspringError
from mainspring.modules.services import Services, Task
from mainspring.worker.leader import ASK_AGAIN_S, Leader

FIRST_PAUSE_S = 1.0
SHORTEST_PAUSE_S = 0.01
LONGEST_RETRY_S = 300.0

log = structlog.get_logger(__name__)


class Runner:
    """All tasks of this process: each goes on by itself, one step after another, while the process leads."""

    def __init__(self, services: Services, load: Callable[[], Sequence[Task]]) -> None:
        """``load`` gives the tasks. It is called in a thread, a second after the start: imports take time."""
        self._services = services
        self._load = load
        self._leader = Leader(services.db.url)
        self._steps = 0
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin in a second."""
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Break off the steps under way and give up the lead."""
        if self._running:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
        await asyncio.to_thread(self._leader.close)

    async def _run(self) -> None:
        await asyncio.sleep(FIRST_PAUSE_S)
        try:
            tasks = await asyncio.to_thread(self._load)
        except Exception:
            log.exception("tasks_not_loaded")
            return
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(self._repeat(task), name=task.name)

    async def _repeat(self, task: Task) -> None:
        failures = 0
        while True:
            if not await self._leader.leads(may_yield=not self._steps):
                await asyncio.sleep(ASK_AGAIN_S)
                continue
            started = time.monotonic()
            self._steps += 1
            try:
                pause = 0.0 if await task.step(self._services) else task.every_s
                failures = 0
            except Exception as error:  # noqa: BLE001 - a failed task waits; the server and the other tasks go on
                failures += 1
                pause = min(2.0**failures, LONGEST_RETRY_S)
                _complain(task, error, pause)
            finally:
                self._steps -= 1
            rest = (time.monotonic() - started) * (1 / task.share - 1)
            await asyncio.sleep(max(pause, rest, SHORTEST_PAUSE_S))


def _complain(task: Task, error: Exception, pause: float) -> None:
    """Log why a step failed: a refusal of ours by its message, what nobody foresaw with where it came from."""
    foreseen = isinstance(error, MainspringError)
    log.warning("task_failed", task=task.name, error=str(error), again_in_s=pause, exc_info=None if foreseen else error)
