"""When to begin what is dear by the piece and cheap together: once as many wait as came together the last time.

Where many clients log at once, each as soon as it has its answer, the next requests of all that were answered together
arrive one after the other. What begins with the first of them is done for two or three; a moment later it would be
done for all. Who comes alone waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE_S = 0.002
"""So long the first one waits for the others at most."""


class Gathering:
    """Calls ``begin`` for those who ``come``. ``usual`` is how many of them to expect; whoever answers them sets it."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self.usual = 0
        self._begin = begin
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due: asyncio.Handle | None = None

    def come(self, loop: asyncio.AbstractEventLoop, waiting: int) -> None:
        """One more has come in an event loop, so that so many are ``waiting``."""
        if self._due is None or self._loop is not loop:
            self._loop = loop
            late = waiting < self.usual
            self._due = loop.call_later(PATIENCE_S, self._end) if late else loop.call_soon(self._end)
        elif waiting == self.usual:
            # What comes in the rest of this turn of the loop goes along.
            self._due.cancel()
            self._due = loop.call_soon(self._end)

    def _end(self) -> None:
        self._due = None
        self._begin()
