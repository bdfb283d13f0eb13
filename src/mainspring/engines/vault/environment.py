"""``env:NAME``: keys in an environment variable, in base64 with commas between, the current one first."""

from __future__ import annotations

import base64
import hashlib
import os

from mainspring.engines.vault.keyring import Keyring
from mainspring.engines.vault.port import KEY_BYTES, WrappedKey
from mainspring.kit.errors import FailedPrecondition, Unsupported


class EnvironmentVault:
    """Keys of an environment variable, as they were when they were first needed."""

    def __init__(self, url: str) -> None:
        self._name = url.partition(":")[2]
        self._ring: Keyring | None = None

    def keys(self) -> list[str]:
        """Return the ids of the keys, the current one first."""
        return self._open().ids

    def has(self, key_id: str) -> bool:
        """Say whether the variable has this key."""
        return key_id in self.keys()

    def wrap(self, data_key: bytes, context: bytes) -> WrappedKey:
        """Wrap a data key by the first key."""
        return self._open().wrap(data_key, context)

    def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        """Return the data key."""
        return self._open().unwrap(wrapped, context)

    def rotate(self) -> str:
        """Refuse: a process cannot change what its environment is the next time."""
        raise Unsupported(
            f"Keys of the environment are rotated by hand: put a new one first in {self._name}, with a comma behind "
            "it, start the server again, and run `mainspring keys rewrap`."
        )

    def _open(self) -> Keyring:
        if self._ring is None:
            texts = os.environ.get(self._name, "").split(",")
            keys = [self._key(text.strip()) for text in texts]
            self._ring = Keyring({_id(key): key for key in keys}, f"the environment variable {self._name}")
        return self._ring

    def _key(self, text: str) -> bytes:
        try:
            key = base64.b64decode(text, validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise FailedPrecondition(
                f"The environment variable {self._name} must hold {KEY_BYTES} random bytes in base64 (or several, with "
                "commas between), such as `openssl rand -base64 32` makes."
            )
        return key


def _id(key: bytes) -> str:
    """Return a key's id: the key alone makes it, and it tells nothing of the key."""
    return f"env-{hashlib.sha256(b'mainspring key id' + key).hexdigest()[:16]}"
