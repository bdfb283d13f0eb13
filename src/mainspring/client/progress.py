"""How far a file has come, and who is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transfer:
    """How far one file has come: ``done`` of its ``size`` bytes; ``size`` is None where it is not known before."""

    path: str
    done: int
    size: int | None


Progress = Callable[[Transfer], object]


class Meter:
    """Counts the bytes of one file, from several threads, and tells each time."""

    def __init__(self, tell: Progress, path: str, size: int | None) -> None:
        self._tell, self._path, self._size = tell, path, size
        self._done = 0
        self._lock = threading.Lock()

    def add(self, more: int) -> None:
        """Count bytes; fewer than none are those of a try that failed."""
        with self._lock:
            self._done += more
            self._tell(Transfer(self._path, self._done, self._size))
