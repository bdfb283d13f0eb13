"""Where a request comes from: its peer's address and scheme, or what proxies say that are trusted.

Anybody may write ``X-Forwarded-For``. It is believed as far as it was written by addresses of the setting
``trusted_proxies``: read from its end, the first address that is not one of them is the client's.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from mainspring.kit.http import Headers, Scope
from mainspring.kit.networks import Networks

_FOR, _PROTO = b"x-forwarded-for", b"x-forwarded-proto"
_FORWARDED = frozenset((_FOR, _PROTO))
MAX_HOPS = 20
"""Proxies that a request is followed through; what stands before them was written by nobody we know."""


def find_client(scope: Scope, trusted: Networks) -> tuple[str, str]:
    """Return the address of the client of a request and the scheme by which it called, http or https.

    The address is empty where the connection has none (a Unix socket).
    """
    peer, scheme = scope.get("client"), str(scope.get("scheme", "http"))
    address = _normal(peer[0]) if peer else ""
    if address not in trusted:
        return address, scheme
    told = [(name, value) for name, value in scope["headers"] if name in _FORWARDED]
    return (_client_address(address, told, trusted), _client_scheme(scheme, told)) if told else (address, scheme)


def _client_address(peer: str, told: Headers, trusted: Networks) -> str:
    address = peer
    for hop in reversed(_values(told, _FOR)[-MAX_HOPS:]):
        before = _normal(hop)
        if not before:  # hidden, or written wrongly: what is known for sure is who said so
            break
        address = before
        if address not in trusted:
            break
    return address


def _client_scheme(own: str, told: Headers) -> str:
    schemes = _values(told, _PROTO)
    return schemes[-1] if schemes and schemes[-1] in ("http", "https") else own


def _values(told: Headers, name: bytes) -> list[str]:
    """Return the members of a list that one or several headers of a name make up."""
    lines = [value.decode("latin-1") for key, value in told if key == name]
    return [part.strip() for part in ",".join(lines).split(",")] if lines else []


@lru_cache(maxsize=4096)
def _normal(text: str) -> str:
    """Return an address as it is always written, without port and zone; empty for what is none."""
    text = text.strip()
    bare = text[1:].partition("]")[0] if text.startswith("[") else text
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
