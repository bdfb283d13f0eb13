"""Key-encryption keys that this process holds itself: AES-256-GCM, as NIST SP 800-38D has it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mainspring.engines.vault.port import WrappedKey, lost, tampered

NONCE_BYTES = 12


class Keyring:
    """Keys by their ids, the current one first; ``where`` tells people which vault they are of."""

    def __init__(self, keys: Mapping[str, bytes], where: str) -> None:
        self._keys = dict(keys)
        self._where = where

    @property
    def ids(self) -> list[str]:
        """The ids, the current one first."""
        return list(self._keys)

    def wrap(self, data_key: bytes, context: bytes) -> WrappedKey:
        """Wrap a data key by the current key."""
        key_id, key = next(iter(self._keys.items()))
        nonce = os.urandom(NONCE_BYTES)
        return WrappedKey(key_id, nonce + AESGCM(key).encrypt(nonce, data_key, context))

    def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        """Return a data key. Unavailable where its key is lost, Internal where it was tampered with."""
        key = self._keys.get(wrapped.key_id)
        if key is None:
            raise lost(wrapped.key_id, self._where)
        try:
            return AESGCM(key).decrypt(wrapped.data[:NONCE_BYTES], wrapped.data[NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise tampered(wrapped.key_id) from error
