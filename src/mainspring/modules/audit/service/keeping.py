"""How secrets of webhooks are kept: encrypted under a key that the vault has wrapped.

AES-256-GCM with a random nonce of 12 bytes in front; the webhook's id is authenticated along, so that a secret
cannot be moved to another webhook. The vault is asked between transactions, never within one.
"""

from __future__ import annotations

import asyncio
import os
from functools import lru_cache

from mainspring.engines.vault import KEY_BYTES, WrappedKey, open_vault
from mainspring.kit.errors import Internal
from mainspring.kit.time import now_ms
from mainspring.modules.audit.store import webhooks as store
from mainspring.modules.audit.store.webhooks import Target
from mainspring.modules.services import Services

NONCE_BYTES = 12
CONTEXT = b"webhooks"


async def open_key(services: Services) -> bytes:
    """Return the key under which secrets are kept, made when it is first asked for. Raises as the vault does."""
    url = services.settings.resolved_vault_url
    wrapped = await services.db.read(store.find_key)
    if wrapped is None:
        made = await asyncio.to_thread(_wrap, url, os.urandom(KEY_BYTES))
        await services.db.write(store.keep_key, made, now_ms())
        wrapped = await services.db.read(store.find_key)
        assert wrapped is not None
    return await asyncio.to_thread(_unwrap, url, wrapped)


def _wrap(url: str, key: bytes) -> WrappedKey:
    return open_vault(url).wrap(key, CONTEXT)


@lru_cache(maxsize=4)
def _unwrap(url: str, wrapped: WrappedKey) -> bytes:
    return open_vault(url).unwrap(wrapped, CONTEXT)


async def follow_rotation(services: Services) -> None:
    """Have the key wrapped by the vault's current key, so that the ones before may be taken away."""
    url = services.settings.resolved_vault_url
    wrapped = await services.db.read(store.find_key)
    if wrapped is None or wrapped.key_id == (await asyncio.to_thread(open_vault(url).keys))[0]:
        return
    anew = await asyncio.to_thread(_wrap, url, await open_key(services))
    await services.db.write(store.wrap_anew, wrapped, anew)


def seal(key: bytes, webhook_id: str, secret: str) -> bytes:
    """Return a secret encrypted for one webhook."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, secret.encode(), webhook_id.encode())


def unseal(key: bytes, target: Target) -> str:
    """Return the secret of a webhook that has one. Raises Internal where it was tampered with."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    sealed = target.secret or b""
    try:
        opened = AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], target.webhook.webhook_id.encode())
    except (InvalidTag, ValueError) as error:
        raise Internal("The webhook's secret does not open by its key: it was changed. Set it anew.") from error
    return opened.decode()
