"""The port of vaults: what keeps the keys that data keys are wrapped by, and wraps and unwraps them.

A value is encrypted by a data key of its own; the data key is stored wrapped by a key-encryption key, which
never leaves its vault, or this process. Methods may ask a file or the network: call them in a thread. None of
their errors holds a key or a token.
"""

from dataclasses import dataclass
from typing import Protocol

from mainspring.kit.errors import Internal, Unavailable

KEY_BYTES = 32
"""The length of data keys and of key-encryption keys: AES-256."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it is stored, and the id of the key-encryption key that opens it."""

    key_id: str
    data: bytes


class LostKey(Unavailable):
    """A key that a vault does not have any more, or not yet."""


class Vault(Protocol):
    """Key-encryption keys, of which the current one wraps and every one unwraps.

    Every method may raise Unavailable when the vault is away or refuses us, and FailedPrecondition when it is not
    set up as it must be.
    """

    def keys(self) -> list[str]:
        """Return the ids of the keys, the current one first; empty where there is none yet."""
        ...

    def has(self, key_id: str) -> bool:
        """Say whether what this key has wrapped can be opened."""
        ...

    def wrap(self, data_key: bytes, context: bytes) -> WrappedKey:
        """Wrap a data key by the current key, which is made where there is none.

        ``context`` is UTF-8 text that is not stored: without the very same it cannot be unwrapped.
        """
        ...

    def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        """Return the data key. Internal where it was tampered with, or wrapped in another context."""
        ...

    def rotate(self) -> str:
        """Make a new current key and return its id; the ones before go on unwrapping.

        Unsupported where keys are made elsewhere; its message says how.
        """
        ...


def tampered(key_id: str) -> Internal:
    """Return the error for a wrapped key that does not open in its context."""
    return Internal(
        f"A data key does not open by the key '{key_id}': its wrapping was changed, or it belongs to another secret, "
        "or the vault has another key by this id."
    )


def lost(key_id: str, where: str) -> LostKey:
    """Return the error for a key that the vault does not have."""
    return LostKey(
        f"The key '{key_id}' is not in {where}, so that what it wraps cannot be opened: put it back from a backup."
    )
