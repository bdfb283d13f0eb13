"""Credentials: finding what vouches for an account, and making every process forget what it knew of access."""

from __future__ import annotations

import base64
import hmac

from sqlalchemy import Connection

from mainspring.db.lookups import Lookup
from mainspring.kit.context import note_access_change
from mainspring.kit.time import now_ms
from mainspring.modules.identity.service import tokens
from mainspring.modules.identity.store import credentials as store
from mainspring.modules.identity.store.credentials import Credential


def find_credential(tx: Connection, token: str) -> Credential | None:
    """Return what a token stands for, or None where it is unknown, expired, revoked or of a blocked account.

    ``token`` is an API key, a run token, or the value of a session's cookie.
    """
    if token.startswith(tokens.SESSION):
        token, _, signature = token.partition(".")
        if not hmac.compare_digest(_signature(tx, token).encode(), signature.encode()):
            return None
    if not tokens.is_well_formed(token, tokens.API_KEY, tokens.RUN_TOKEN, tokens.SESSION):
        return None
    return store.find_credential(tx, tokens.digest_of(token), now_ms())


def is_good(tx: Connection, key: int) -> bool:
    """Say whether the credential of a key is still good: there, not revoked, and its time not over."""
    return store.get_record(tx, key, now_ms()) is not None


def sign(tx: Connection, token: str) -> str:
    """Return the value of the cookie for a session's token."""
    return f"{token}.{_signature(tx, token)}"


def _signature(tx: Connection, token: str) -> str:
    mark = hmac.digest(store.get_session_key(tx), token.encode(), "sha256")
    return base64.urlsafe_b64encode(mark).decode().rstrip("=")


def _epochs(tx: Connection, calls: list[tuple[()]]) -> list[int]:
    return [store.get_epoch(tx)] * len(calls)


current_epoch: Lookup[[], int] = Lookup(_epochs)
"""Return the number of the last change of access: ``current_epoch()``."""


def change_access(tx: Connection) -> None:
    """Note, in the transaction of a change, that somebody may do more or less from now on.

    To be called by whatever revokes, blocks, grants, moves or changes the visibility of something. It waits for
    other transactions that do: what is read behind it holds until this one ends.
    """
    store.raise_epoch(tx)
    if note := note_access_change.get():
        note()


def revoke_all(tx: Connection, user: int, *kinds: str, but: int | None = None) -> None:
    """Revoke an account's credentials of these kinds, but for one, and what was made with them."""
    keys = [key for key in store.keys_of(tx, user, kinds) if key != but]
    store.revoke(tx, keys, now_ms())
    change_access(tx)
