"""Several server processes on one port."""

from __future__ import annotations

import pickle
import socket
import time
from collections.abc import Callable

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

START_SECONDS = 60
LOOK_S = 0.2

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
        for place, process in enumerate(self.processes):
            if self._answers(process):
                continue
            process.kill()
            process.join()
            if process.exitcode == STARTUP_FAILURE:  # the next one would fail like it
                self.should_exit.set()
            if self.should_exit.is_set() or self.signal_queue:
                return
            self.processes[place] = Process(self.config, self.sockets)
            self.processes[place].start()
            log.error("worker_replaced", died=process.pid, exit_code=process.exitcode, pid=self.processes[place].pid)

    def _answers(self, process: Process) -> bool:
        """Say whether a worker answers in time, and no later than a signal comes, which is seen to first."""
        until = time.monotonic() + self.config.timeout_worker_healthcheck
        try:
            process.parent_conn.send(b"ping")
            while process.process.is_alive() and time.monotonic() < until:
                if process.parent_conn.poll(LOOK_S):
                    process.parent_conn.recv()
                    return True
                if self.signal_queue:
                    return True
        except (OSError, EOFError, pickle.UnpicklingError):
            return False
        return False
