"""Networks of IP addresses, as settings name them."""

from __future__ import annotations

import ipaddress

from mainspring.kit.errors import InvalidArgument

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Networks = tuple[Network, ...]


def parse_networks(text: str, field: str) -> Networks:
    """Return the networks of a list with commas between: addresses, or networks such as 10.0.0.0/8.

    Raises InvalidArgument.
    """
    return tuple(_parse(part, field) for part in filter(None, map(str.strip, text.split(","))))


def _parse(text: str, field: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise InvalidArgument(
            f"The setting {field} has '{text[:100]}'; it must be an address or a network such as 10.0.0.0/8.",
            field=field,
        ) from error
