"""Encrypting what providers gave us: by a data key of its own, which a vault wraps (AES-256-GCM)."""

from __future__ import annotations

import asyncio
import os

import msgspec

from mainspring.engines.vault import KEY_BYTES, Vault, WrappedKey, open_vault
from mainspring.kit.errors import Internal
from mainspring.settings import Settings

NONCE_BYTES = 12


class _Sealed(msgspec.Struct, array_like=True):
    key_id: str
    wrapped: bytes
    nonce: bytes
    content: bytes


async def seal(settings: Settings, content: bytes, context: str) -> bytes:
    """Encrypt something; without the same ``context`` it does not open. Raises Unavailable where the vault is away."""
    return await asyncio.to_thread(_seal, open_vault(settings.resolved_vault_url), content, context.encode())


async def unseal(settings: Settings, sealed: bytes, context: str) -> bytes:
    """Decrypt what was sealed in this context. Raises Internal where it was changed, Unavailable for the vault's."""
    return await asyncio.to_thread(_unseal, open_vault(settings.resolved_vault_url), sealed, context.encode())


def _seal(vault: Vault, content: bytes, context: bytes) -> bytes:
    # Loaded where a provider is used: an idle server does without.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key, nonce = os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)
    wrapped = vault.wrap(key, context)
    return msgspec.msgpack.encode(
        _Sealed(wrapped.key_id, wrapped.data, nonce, AESGCM(key).encrypt(nonce, content, context))
    )


def _unseal(vault: Vault, sealed: bytes, context: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        parts = msgspec.msgpack.decode(sealed, type=_Sealed)
        key = vault.unwrap(WrappedKey(parts.key_id, parts.wrapped), context)
        return AESGCM(key).decrypt(parts.nonce, parts.content, context)
    except (msgspec.DecodeError, InvalidTag) as error:
        raise Internal("What an identity provider gave us was changed where it is kept.") from error
