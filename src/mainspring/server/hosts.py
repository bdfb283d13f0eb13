"""Keeping other web sites out: whose name a request may carry, and from which page it may come.

A server on a loopback address has no accounts to protect it from the pages that its user visits.
Two things would let such a page in: a name of its own that resolves to 127.0.0.1 (DNS rebinding),
and requests that browsers send across origins without asking.
"""

from __future__ import annotations

from functools import lru_cache

from mainspring.kit.errors import PermissionDenied
from mainspring.kit.http import Request
from mainspring.kit.networks import is_loopback

READING = {"GET", "HEAD", "OPTIONS"}


class HostGuard:
    """Which hosts a server answers for. ``allowed`` names more; ``*`` among them allows all."""

    def __init__(self, listening: str, allowed: tuple[str, ...]) -> None:
        self._allowed = {name.lower() for name in allowed}
        self._open = "*" in self._allowed or not (self._allowed or is_loopback(listening))
        self._is_known = lru_cache(maxsize=256)(self._find)

    def check(self, request: Request) -> None:
        """Raise PermissionDenied for a foreign name, and for a change that another site's page asks for."""
        host = request.header(b"host") or ""
        if host and not self._open and not self._is_known(host):
            raise PermissionDenied(
                f"This server does not answer for the host '{host[:255]}'. Add it to the setting allowed_hosts, or "
                "use the address that the server printed.",
                field="Host",
            )
        origin = request.header(b"origin")
        if origin and request.method not in READING and origin.partition("://")[2].lower() != host.lower():
            raise PermissionDenied(f"A page of '{origin[:255]}' may not change anything here.", field="Origin")

    def _find(self, host: str) -> bool:
        name = _name(host)
        return name in self._allowed or is_loopback(name)


def _name(host: str) -> str:
    """Return a Host header without its port."""
    return (host.rpartition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]).lower()
