"""Addresses that GitLab tells, read with care: they come from outside, and may be anything."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

_PORTS = {"http": 80, "https": 443}
NOWHERE = urlsplit("")


def split(url: str) -> SplitResult:
    """Return the parts of a URL, empty ones of what is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return NOWHERE


def origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of an HTTP URL, None of anything else, and of one with a name or password in it."""
    parts = split(url)
    if parts.username is not None or parts.password is not None or not url.isprintable() or " " in url:
        return None
    try:
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname.lower(), _PORTS[parts.scheme] if port is None else port


def joined(url: str, location: str) -> str:
    """Return where a redirect leads to, empty where that is not HTTP."""
    try:
        target = urljoin(url, location)
    except ValueError:
        return ""
    return target if origin(target) else ""


def shown(url: str | None) -> str:
    """Return an address that may be shown and linked to: HTTP, without a password; else nothing."""
    return url if url and origin(url) else ""
