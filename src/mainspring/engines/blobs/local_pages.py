"""The system's page cache, which large files would fill that pass once.

Their pages are given back behind them: they would push out what others read again and again, count as memory of
the container, and cost more CPU than all else about a transfer. What is read a second time stays.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Hashable

WINDOW = 16 * 1024 * 1024
"""How much of a file stays in the cache behind the place where it is read or written; smaller files stay whole."""

_REMEMBERED = 1024


class Reads:
    """What was read lately."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Hashable, None] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, what: Hashable) -> bool:
        """Return whether this was read before, as far as is remembered."""
        with self._lock:
            known = what in self._seen
            self._seen[what] = None
            self._seen.move_to_end(what)
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            return known


class Trail:
    """What one passage through a file leaves in the cache, from ``start`` on."""

    def __init__(self, start: int = 0) -> None:
        self._start = start

    def written(self, descriptor: int, end: int) -> None:
        """Give back what was written up to ``end``, once it is a window: written to disk first. OSError as it says."""
        if end - self._start >= WINDOW:
            os.fdatasync(descriptor)
            self._give_back(descriptor, end)

    def read(self, descriptor: int, end: int) -> None:
        """Give back what was read up to ``end``, once it is a window."""
        if end - self._start >= WINDOW:
            self._give_back(descriptor, end)

    def _give_back(self, descriptor: int, end: int) -> None:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, self._start, end - self._start, os.POSIX_FADV_DONTNEED)
        self._start = end
