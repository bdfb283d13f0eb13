"""How secrets of webhooks are kept: encrypted, so that a copy of one table tells none of them.

AES-256-GCM with a random nonce of 12 bytes in front; the webhook's id is authenticated along, so that a secret
cannot be moved to another webhook.
"""

from __future__ import annotations

import os

from sqlalchemy import Connection

from mainspring.modules.audit.store import webhooks as store

NONCE_BYTES = 12


def seal(tx: Connection, webhook_id: str, secret: str) -> bytes:
    """Return a secret encrypted for one webhook."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(store.get_key(tx)).encrypt(nonce, secret.encode(), webhook_id.encode())


def unseal(tx: Connection, webhook_id: str, sealed: bytes) -> str:
    """Return the secret that was encrypted for a webhook."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    return AESGCM(store.get_key(tx)).decrypt(nonce, encrypted, webhook_id.encode()).decode()
