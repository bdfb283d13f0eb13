"""Credentials: finding what vouches for an account, and making every process forget what it knew of access."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection

from mainspring.db.lookups import Lookup
from mainspring.kit.time import now_ms
from mainspring.modules.identity.store import credentials as store
from mainspring.modules.identity.store.credentials import Credential


def digest_of(token: str) -> bytes:
    """Return what a token is found by: it is random, so that a fast hash keeps it as well as a slow one."""
    return hashlib.sha256(token.encode()).digest()


def find_credential(tx: Connection, token: str) -> Credential | None:
    """Return what a token stands for, or None where it is unknown, expired, revoked or of a blocked account."""
    return store.find_credential(tx, digest_of(token), now_ms())


def _epochs(tx: Connection, calls: list[tuple[()]]) -> list[int]:
    return [store.get_epoch(tx)] * len(calls)


current_epoch: Lookup[[], int] = Lookup(_epochs)
"""Return the number of the last change of access: ``current_epoch()``."""


def change_access(tx: Connection) -> None:
    """Note, in the transaction of a change, that somebody may do more or less from now on.

    To be called by whatever revokes, blocks, grants, moves or changes the visibility of something.
    """
    store.raise_epoch(tx)
