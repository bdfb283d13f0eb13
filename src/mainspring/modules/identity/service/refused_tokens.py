"""Tokens that a provider has refused: it is not asked again and again about them, nor by guesses from one address."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

from mainspring.kit.errors import RateLimited, Unauthenticated
from mainspring.modules.identity.service.attempts import Rule, network_of

_K = TypeVar("_K")
_V = TypeVar("_V")

REMEMBERED_S = 1.0
FORGOTTEN_S = 600.0
MAX_KNOWN = 10_000
ADDRESS = Rule(free=20, longest_s=60)


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last: float


class RefusedTokens:
    """What one process remembers of tokens that were refused, by their digests, and of where they came from."""

    def __init__(self) -> None:
        self._tokens: OrderedDict[bytes, float] = OrderedDict()
        self._addresses: OrderedDict[str, _Failures] = OrderedDict()

    def begin(self, digest: bytes, address: str) -> None:
        """Count a token as refused until ``end`` says otherwise.

        Raises Unauthenticated for one that was refused a moment ago, RateLimited where too many came from an address.
        """
        now, network = time.monotonic(), network_of(address)
        if now - self._tokens.get(digest, -math.inf) < REMEMBERED_S:
            raise Unauthenticated("This token was refused a moment ago.")
        failures = self._addresses.get(network, _Failures(0, -math.inf))
        if now - failures.last > FORGOTTEN_S:
            failures = _Failures(0, -math.inf)
        wait = ADDRESS.wait_s(failures.count) - (now - failures.last)
        if wait > 0:
            seconds = math.ceil(wait)
            raise RateLimited(f"Too many tokens were refused; try again in {seconds} s.", retry_after=seconds)
        _put(self._addresses, network, _Failures(failures.count + 1, now))

    def end(self, address: str) -> None:
        """Note that a token from an address was not refused."""
        network = network_of(address)
        failures = self._addresses.get(network)
        if failures is not None:
            self._addresses[network] = _Failures(max(0, failures.count - 1), failures.last)

    def refuse(self, digest: bytes) -> None:
        """Note that a token was refused."""
        _put(self._tokens, digest, time.monotonic())


def _put(known: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > MAX_KNOWN:
        known.popitem(last=False)
