"""Reading parts of a stored file from a thread: never more than a budget of bytes, never past a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from mainspring.kit.errors import TooLarge

Read = Callable[[int, int], Coroutine[Any, Any, bytes]]
"""Returns the bytes of a file from a place to before another."""

_BLOCK_BYTES = 256 * 1024


class Source:
    """A file of ``size`` bytes, of which at most ``budget`` are fetched within ``seconds``."""

    def __init__(self, name: str, size: int, read: Read, *, budget: int, seconds: float) -> None:
        self.name, self.size = name, size
        self._read, self._left = read, budget
        self._loop = asyncio.get_running_loop()
        self._deadline = time.monotonic() + seconds

    def fetch(self, start: int, end: int) -> bytes:
        """Return bytes of the file, from a thread that is not the event loop's. Raises TooLarge."""
        self.check_time()
        end = min(end, self.size)
        self._left -= end - start
        if self._left < 0:
            raise TooLarge(f"Too much of '{self.name}' would have to be read to show it: download it.", field="path")
        return asyncio.run_coroutine_threadsafe(self._read(start, end), self._loop).result()

    def check_time(self) -> None:
        """Raise TooLarge once the time is over."""
        if self.seconds_left <= 0:
            raise TooLarge(f"To read '{self.name}' takes too long to show it: download it.", field="path")

    @property
    def seconds_left(self) -> float:
        """How long may still be read."""
        return self._deadline - time.monotonic()


class Cursor:
    """A place in a ``Source`` that goes forward: what is skipped is not fetched."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._block, self._begin = b"", 0
        self.place = 0

    def take(self, count: int) -> bytes:
        """Return the next bytes, fewer at the end of the file."""
        start = self.place - self._begin
        if start < 0 or start + count > len(self._block):
            self._block = self._source.fetch(self.place, self.place + max(count, _BLOCK_BYTES))
            self._begin, start = self.place, 0
        found = self._block[start : start + count]
        self.place += len(found)
        return found
