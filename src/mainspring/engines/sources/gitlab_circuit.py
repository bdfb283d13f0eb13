"""When a GitLab is not asked: a while after it was away, and until its rate limit lets an account ask again."""

from __future__ import annotations

import time
from collections import OrderedDict
from hashlib import sha256

from mainspring.kit.errors import Unavailable

LONGEST_AWAY_S = 60.0
LONGEST_PAUSE_S = 3600.0
MAX_ACCOUNTS = 10_000


class Circuit:
    """Remembers that GitLab was away a moment ago, so that not everyone waits to find it out again.

    While it does, every call fails at once. After that one call tries, and the others wait for what it finds.
    """

    def __init__(self, first_s: float, probe_s: float) -> None:
        self._first_s, self._probe_s = first_s, probe_s
        self._pause_s = first_s
        self._until: float | None = None
        self._told = float("-inf")

    def check(self, where: str) -> None:
        """Return where GitLab may be asked. Raises Unavailable."""
        now = time.monotonic()
        if self._until is None:
            return
        if now < self._until:
            raise Unavailable(f"{where} was away a moment ago.", retry_after=self._until - now)
        self._until = now + self._probe_s

    def answered(self) -> None:
        """Note that GitLab is there."""
        self._told = time.monotonic()
        self._until, self._pause_s = None, self._first_s

    def failed(self, started: float) -> None:
        """Note that a call since ``started`` found GitLab away.

        If another was answered meanwhile, that knows better; if another failed, this is no second time.
        """
        if self._told >= started:
            return
        self._told = time.monotonic()
        self._until = self._told + self._pause_s
        self._pause_s = min(self._pause_s * 2, LONGEST_AWAY_S)


class Rates:
    """Until when each account has used up what GitLab lets it ask."""

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def left_s(self, token: str) -> float:
        """Return the seconds until the account of a token may ask again, 0 where it may."""
        return max(0.0, self._until.get(_key(token), 0.0) - time.monotonic())

    def pause(self, token: str, seconds: float) -> None:
        """Let the account of a token wait for so long."""
        if seconds <= 0:
            return
        key = _key(token)
        self._until[key] = time.monotonic() + min(seconds, LONGEST_PAUSE_S)
        self._until.move_to_end(key)
        if len(self._until) > MAX_ACCOUNTS:
            self._until.popitem(last=False)


def _key(token: str) -> bytes:
    return sha256(token.encode()).digest()
