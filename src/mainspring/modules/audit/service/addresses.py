"""Where webhooks may go: no address inside of our own network, unless the settings allow it.

A webhook makes the server talk to a host that a user has named. The name is looked up once, every address that
it has must be public, and the connection goes to one of those very addresses: a name that leads elsewhere a
moment later gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import check_text

MAX_URL = 2048
_NETWORKS = [
    ipaddress.ip_network(each)
    for each in (
        # IANA's special-purpose registries, with multicast and what is reserved.
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 "
        "203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
        # Of what is public in IPv6: protocol assignments with Teredo, documentation, 6to4, AS112.
        "2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20"
    ).split()
]
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is public; addresses that carry one of IPv4 (mapped, NAT64) are not in it."""


_LOOKUPS = ThreadPoolExecutor(8, thread_name_prefix="webhook-names")
"""Threads of their own: names whose servers do not answer must not take those that others wait for."""


class Blocked(Exception):
    """An address that webhooks may not go to."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is one of the public internet."""
    if isinstance(address, IPv6Address) and (address not in _GLOBAL_UNICAST or address.scope_id):
        return False
    return not any(address in network for network in _NETWORKS)


def check_url(url: str, private_addresses: bool) -> None:
    """Raise InvalidArgument for what is no URL of a webhook, or names a private address itself."""
    check_text(url, "url")
    if len(url) > MAX_URL or not url.isprintable() or " " in url:
        raise _wrong(f"it must be printable, without spaces, of at most {MAX_URL} characters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise _wrong(f"it is no URL: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise _wrong("it must be like https://host/path, or http://")
    if "@" in parts.netloc or "\\" in url:
        raise _wrong("it must have neither user nor password, nor a backslash; use a secret, which signs what is sent")
    if not private_addresses and not _may_be_public(host):
        raise _wrong(f"'{host}' is not on the public internet; the setting webhook_private_addresses would allow it")


def _wrong(reason: str) -> InvalidArgument:
    # The URL is not repeated: its path may be a secret.
    return InvalidArgument(f"Invalid webhook URL: {reason}.", field="url")


def _may_be_public(host: str) -> bool:
    """Return False for what is not public, by address or as a name of this machine; other names are looked up later."""
    try:
        return is_public(ipaddress.ip_address(host))
    except ValueError:
        name = host.rstrip(".").lower()
        return name != "localhost" and not name.endswith(".localhost")


async def addresses_of(host: str, port: int, private_addresses: bool) -> list[str]:
    """Return the addresses of a host. Raises Blocked where one of them is not allowed, OSError where it has none."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_LOOKUPS, look_up)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if private_addresses:
        return addresses
    for address in addresses:
        if not is_public(ipaddress.ip_address(address)):
            raise Blocked(f"{host} is not on the public internet")
    return addresses
