"""Envelope encryption of secrets: AES-256-GCM under a data key of its own, which a vault wraps.

What a ciphertext belongs to (project, environment, name and version) is authenticated with it: in the place of
another it does not open.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import msgspec

from mainspring.engines.vault import KEY_BYTES, Vault, WrappedKey
from mainspring.kit.errors import Internal
from mainspring.modules.configuration.schemas import Environment
from mainspring.modules.configuration.store.secrets import Sealed

NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Owner:
    """The secret that a data key is for."""

    project: int
    environment: Environment
    name: str

    @property
    def context(self) -> bytes:
        """What its data keys are wrapped with."""
        return msgspec.json.encode(["mainspring data key", self.project, self.environment, self.name])

    def associated_data(self, version: int) -> bytes:
        """Return what a version's value is encrypted with."""
        return msgspec.json.encode(["mainspring secret", self.project, self.environment, self.name, version])


@dataclass(frozen=True, slots=True, repr=False)
class DataKey:
    """A fresh data key, and the same as it is stored."""

    plain: bytes
    wrapped: WrappedKey


def new_data_key(vault: Vault, owner: Owner) -> DataKey:
    """Return a random data key, wrapped. It asks the vault: call it in a thread."""
    plain = os.urandom(KEY_BYTES)
    return DataKey(plain, vault.wrap(plain, owner.context))


def seal(value: str, key: DataKey, owner: Owner, version: int) -> Sealed:
    """Encrypt the value of a version."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(key.plain).encrypt(nonce, value.encode(), owner.associated_data(version))
    return Sealed(nonce + sealed, key.wrapped.data, key.wrapped.key_id)


def unseal(sealed: Sealed, vault: Vault, owner: Owner, version: int) -> str:
    """Return the value of a version. It asks the vault: call it in a thread.

    Internal where it was tampered with, Unavailable where its key is lost or the vault away.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = vault.unwrap(WrappedKey(sealed.key_id, sealed.wrapped_key), owner.context)
    try:
        value = AESGCM(key).decrypt(
            sealed.ciphertext[:NONCE_BYTES], sealed.ciphertext[NONCE_BYTES:], owner.associated_data(version)
        )
    except (InvalidTag, ValueError) as error:
        raise Internal(
            f"Version {version} of the secret '{owner.name}' in {owner.environment} does not open: its ciphertext was "
            "changed in the database, or it belongs to another secret or version."
        ) from error
    return value.decode()
