"""What a browser carries from here to an identity provider and back: one secret, of which all else is made.

The secret is in a cookie of the browser alone. The ``state``, the ``nonce`` and the PKCE verifier are derived from
the whole cookie, the page to go to included: none of them fits another cookie, and nothing needs to be stored.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

from mainspring.kit.errors import Unauthenticated

LIFE_S = 600
MAX_NEXT = 2000
HOME = "/"

# Browsers take a backslash for a slash, and drop control characters: none of them leads to another host.
_OWN_PAGE = re.compile(r"/(?![/\\])[!-\[\]-~]*")


@dataclass(frozen=True, slots=True)
class Handshake:
    """A sign-in that is under way. ``cookie`` is the secret, ``page`` where the browser goes afterwards."""

    cookie: str = field(repr=False)
    provider: str
    page: str
    begun_at: int

    @property
    def state(self) -> str:
        """What comes back with the code."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """What comes back in the ID token."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """The PKCE code verifier."""
        return self._derived("verifier")

    @property
    def digest(self) -> bytes:
        """What shows that it was used."""
        return hashlib.sha256(self._derived("used").encode()).digest()

    def _derived(self, purpose: str) -> str:
        return _text(hmac.digest(self.cookie.encode(), purpose.encode(), "sha256"))


def own_page(wanted: str | None) -> str:
    """Return the page of this server that was asked for; the first page for what could lead elsewhere."""
    if wanted is None or len(wanted) > MAX_NEXT or not _OWN_PAGE.fullmatch(wanted):
        return HOME
    return wanted


def begin_handshake(provider: str, page: str | None) -> Handshake:
    """Return a new sign-in by a provider."""
    begun_at, wanted = int(time.time()), own_page(page)
    cookie = ".".join((secrets.token_urlsafe(32), provider, str(begun_at), _text(wanted.encode())))
    return Handshake(cookie, provider, wanted, begun_at)


def find_handshake(cookie: str | None, provider: str, state: str | None) -> Handshake:
    """Return the sign-in that comes back with a cookie and a state. Raises Unauthenticated where they do not fit."""
    found = _parse(cookie or "")
    fitting = found is not None and hmac.compare_digest(found.state.encode(), (state or "").encode())
    if found is None or not fitting or found.provider != provider:
        raise Unauthenticated("This sign-in was not begun in this browser, or another one was begun since: try again.")
    if not 0 <= time.time() - found.begun_at + 1 <= LIFE_S:
        raise Unauthenticated("This sign-in took too long: try again.")
    return found


def _parse(cookie: str) -> Handshake | None:
    parts = cookie.split(".")
    if len(parts) != 4 or not cookie.isascii() or not re.fullmatch(r"\d{1,12}", parts[2]):
        return None
    try:
        page = urlsafe_b64decode(parts[3] + "=" * (-len(parts[3]) % 4)).decode("ascii")
    except ValueError:
        return None
    return Handshake(cookie, parts[1], own_page(page), int(parts[2]))


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")
