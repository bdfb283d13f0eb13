"""Where a request comes from: its peer's address and scheme, or what proxies say that are trusted.

Anybody may write ``X-Forwarded-For``. It is believed as far as it was written by addresses of the setting
``trusted_proxies``: read from its end, the first address that is not one of them is the client's.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from mainspring.kit.http import Scope
from mainspring.kit.networks import Networks

MAX_HOPS = 20
"""Proxies that a request is followed through; what stands before them was written by nobody we know."""


def client_address(scope: Scope, trusted: Networks) -> str:
    """Return the address of the client of a request; empty where the connection has none (a Unix socket)."""
    address = _normal((scope.get("client") or ("",))[0])
    if not _is_trusted(address, trusted):
        return address
    for hop in reversed(_values(scope, b"x-forwarded-for")[-MAX_HOPS:]):
        told = _normal(hop)
        if not told:  # hidden, or written wrongly: what is known for sure is who said so
            return address
        address = told
        if not _is_trusted(address, trusted):
            break
    return address


def client_scheme(scope: Scope, trusted: Networks) -> str:
    """Return the scheme by which the client called: a trusted proxy's word, else the connection's."""
    own = str(scope.get("scheme", "http"))
    if not _is_trusted(_normal((scope.get("client") or ("",))[0]), trusted):
        return own
    told = _values(scope, b"x-forwarded-proto")
    return told[-1] if told and told[-1] in ("http", "https") else own


def _values(scope: Scope, name: bytes) -> list[str]:
    """Return the members of a list that one or several headers of a name make up."""
    lines = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
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


@lru_cache(maxsize=4096)
def _is_trusted(address: str, trusted: Networks) -> bool:
    return bool(address and trusted) and any(ipaddress.ip_address(address) in network for network in trusted)
