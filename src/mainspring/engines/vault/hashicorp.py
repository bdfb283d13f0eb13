"""``hashicorp:mount/key``: a key of HashiCorp Vault's transit engine, or of OpenBao's.

The address, the token and the namespace are those of Vault's own clients: ``VAULT_ADDR``, ``VAULT_TOKEN`` and
``VAULT_NAMESPACE``. The key must be of a kind with associated data, such as ``aes256-gcm96``. A version of it is a
key of ours. API: https://developer.hashicorp.com/vault/api-docs/secret/transit.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mainspring.engines.vault.port import WrappedKey, tampered
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, Unavailable, Unsupported

try:
    import hvac
    import requests
except ImportError as missing:
    raise Unsupported("vault_url names HashiCorp Vault: install mainspring[vault] for it.") from missing

WAIT_S = 10


class HashicorpVault:
    """A key of a transit engine."""

    def __init__(self, url: str) -> None:
        mount, slash, self._name = url.partition(":")[2].strip("/").rpartition("/")
        if not slash or not self._name:
            raise InvalidArgument(f"vault_url is '{url}'; it must be hashicorp:mount/key.", field="vault_url")
        self._mount = mount
        self._client = hvac.Client(timeout=WAIT_S)
        self._transit = self._client.secrets.transit

    def keys(self) -> list[str]:
        """Return the ids of the key's versions, the newest first; empty where Vault has no such key."""
        with self._reporting():
            try:
                told = self._transit.read_key(self._name, mount_point=self._mount)["data"]
            except hvac.exceptions.InvalidPath:
                return []
        usable = range(told["latest_version"], told["min_decryption_version"] - 1, -1)
        return [self._id(version) for version in usable]

    def has(self, key_id: str) -> bool:
        """Say whether Vault opens what this version has wrapped."""
        return key_id in self.keys()

    def wrap(self, data_key: bytes, context: bytes) -> WrappedKey:
        """Wrap a data key by the newest version."""
        with self._reporting():
            told = self._transit.encrypt_data(
                self._name, _text(data_key), mount_point=self._mount, associated_data=_text(context)
            )["data"]
        ciphertext = str(told["ciphertext"])
        return WrappedKey(self._id(_version_of(ciphertext)), ciphertext.encode())

    def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        """Return the data key."""
        with self._reporting():
            try:
                told = self._transit.decrypt_data(
                    self._name, wrapped.data.decode(), mount_point=self._mount, associated_data=_text(context)
                )["data"]
            except hvac.exceptions.InvalidRequest as error:
                raise tampered(wrapped.key_id) from error
        return base64.b64decode(told["plaintext"])

    def rotate(self) -> str:
        """Have Vault make a new version and return its id."""
        with self._reporting():
            self._transit.rotate_key(self._name, mount_point=self._mount)
        return self.keys()[0]

    def _id(self, version: int) -> str:
        return f"{self._mount}/{self._name}:v{version}"

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Raise our errors for Vault's, and tell no token."""
        where = f"The vault at {self._client.url}"
        try:
            yield
        except (hvac.exceptions.Forbidden, hvac.exceptions.Unauthorized) as error:
            raise Unavailable(f"{where} refuses the token of VAULT_TOKEN, or what it may do is too little.") from error
        except (hvac.exceptions.InvalidPath, hvac.exceptions.InvalidRequest) as error:
            raise FailedPrecondition(
                f"{where} does not take the key '{self._name}' of the transit engine at '{self._mount}': both must be "
                "there, and the key of a kind with associated data, such as aes256-gcm96."
            ) from error
        except hvac.exceptions.VaultError as error:
            raise Unavailable(f"{where} failed: {type(error).__name__}.", retry_after=5) from error
        except requests.RequestException as error:
            raise Unavailable(f"{where} does not answer: {type(error).__name__}.", retry_after=5) from error


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _version_of(ciphertext: str) -> Any:
    """Return the version of the key that a ciphertext, ``vault:v3:…``, names."""
    return int(ciphertext.split(":")[1].removeprefix("v"))
