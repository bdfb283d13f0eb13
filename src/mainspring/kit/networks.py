"""Networks of IP addresses as settings name them, and what may be sent where."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

from mainspring.kit.errors import InvalidArgument

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MAX_KNOWN = 4096


class Networks:
    """Networks that are asked again and again for the same few addresses."""

    def __init__(self, *networks: Network) -> None:
        self._networks = networks
        self._known: dict[str, bool] = {}

    def __contains__(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            known = bool(address) and any(ipaddress.ip_address(address) in network for network in self._networks)
            self._known[address] = known
        return known


def parse_networks(text: str, field: str) -> Networks:
    """Return the networks of a list with commas between: addresses, or networks such as 10.0.0.0/8.

    Raises InvalidArgument.
    """
    return Networks(*(_parse(part, field) for part in filter(None, map(str.strip, text.split(",")))))


def is_confidential(url: str) -> bool:
    """Return whether secrets may go to a URL: HTTPS, or HTTP within this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def _parse(text: str, field: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise InvalidArgument(
            f"The setting {field} has '{text[:100]}'; it must be an address or a network such as 10.0.0.0/8.",
            field=field,
        ) from error


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Return whether a name or address, as a Host header or a setting has it, is this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
