"""Several server processes on one port."""

from __future__ import annotations

import socket
from collections.abc import Callable

import structlog
import uvicorn
from uvicorn.supervisors.multiprocess import Multiprocess

START_SECONDS = 60

log = structlog.get_logger(__name__)


class Workers(Multiprocess):
    """Worker processes, each with a listening socket of its own, and replaced when they die.

    On one shared socket the first process to wake takes a whole burst of connections; on sockets of
    their own the kernel deals them out.
    """

    def __init__(
        self, config: uvicorn.Config, listen: Callable[[], socket.socket], announce: Callable[[], None]
    ) -> None:
        self.ready = False
        self._listen = listen
        self._announce = announce
        self._copies: list[socket.socket] = []
        super().__init__(config, [])

    @property
    def sockets(self) -> list[socket.socket]:
        """A new socket for the next worker."""
        self._copies.append(self._listen())
        return [self._copies[-1]]

    @sockets.setter
    def sockets(self, _sockets: list[socket.socket]) -> None:
        """Take no notice of the one list for all that the base class keeps."""

    def init_processes(self) -> None:
        """Start the workers, and say so once one answers."""
        super().init_processes()
        # The first to be ready may be any: the one before it may have died and wait to be replaced.
        self.ready = any(process.wait_until_ready(START_SECONDS, self.should_exit) for process in self.processes)
        if self.ready:
            self._announce()

    def keep_subprocess_alive(self) -> None:
        """Replace the workers that have died or hang, and say so."""
        # The workers have their sockets by now. A copy left here would go on listening for a dead one.
        while self._copies:
            self._copies.pop().close()
        before = list(self.processes)
        super().keep_subprocess_alive()
        for old, new in zip(before, self.processes, strict=True):
            if new is not old:
                log.error("worker_replaced", died=old.pid, exit_code=old.exitcode, pid=new.pid)
