"""Secrets of a project, and the keys that the server encrypts them by."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import UNSET, UnsetType

from mainspring.client.pages import Results
from mainspring.client.transport import Transport, segment
from mainspring.client.values import one_of
from mainspring.modules.configuration.schemas import (
    EncryptionKey,
    EncryptionKeys,
    Environment,
    Rewrapped,
    RewrapStep,
    Secret,
    SecretReveal,
    Secrets,
    SecretUpdate,
    SecretValue,
    SecretVersion,
    SecretVersions,
    SecretWrite,
)


class SecretClient:
    """The secrets of a project, by environment (dev, staging or production)."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, environment: str | None = None, *, page_size: int = 100) -> Results[Secret]:
        """Find the secrets of the project, or of one environment; without their values."""
        chosen = None if environment is None else one_of(Environment, environment, "environment").value

        def fetch(page_token: str | None) -> Secrets:
            query = {"environment": chosen, "max_results": page_size, "page_token": page_token}
            return self._transport.call(Secrets, "GET", "/secrets", query=query)

        return Results(fetch)

    def get(self, name: str, environment: str) -> Secret:
        """Return what is told of a secret; not its value."""
        return self._transport.call(Secret, "GET", _secret(environment, name))

    def set(
        self,
        name: str,
        value: str,
        environment: str,
        *,
        description: str | UnsetType = UNSET,
        readers: Sequence[str] | UnsetType = UNSET,
        write_only: bool | UnsetType = UNSET,
    ) -> Secret:
        """Write the next version of a secret. What is left out stays as it is."""
        body = SecretWrite(value, description, _names(readers), write_only)
        return self._transport.call(Secret, "PUT", _secret(environment, name), body=body)

    def update(
        self,
        name: str,
        environment: str,
        *,
        description: str | UnsetType = UNSET,
        readers: Sequence[str] | UnsetType = UNSET,
        write_only: bool | UnsetType = UNSET,
    ) -> Secret:
        """Change what is told of a secret, and who may reveal it."""
        body = SecretUpdate(description, _names(readers), write_only)
        return self._transport.call(Secret, "PATCH", _secret(environment, name), body=body)

    def delete(self, name: str, environment: str) -> None:
        """Delete a secret with all its versions, for good."""
        self._transport.do("DELETE", _secret(environment, name))

    def versions(self, name: str, environment: str) -> Sequence[SecretVersion]:
        """Return the versions of a secret, newest first; without values."""
        return self._transport.call(SecretVersions, "GET", f"{_secret(environment, name)}/versions").items

    def reveal(self, name: str, environment: str, *, version: int | None = None) -> str:
        """Return the value of a secret, the newest unless told. The audit log has it first."""
        path = f"{_secret(environment, name)}/reveal"
        return self._transport.call(SecretValue, "POST", path, body=SecretReveal(version)).value


class EncryptionKeyClient:
    """The keys that a server encrypts secrets by."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Sequence[EncryptionKey]:
        """Return the keys, the current one first, and how many versions of secrets hang on each."""
        return self._transport.call(EncryptionKeys, "GET", "/encryption-keys").items

    def rotate(self) -> EncryptionKey:
        """Make a new key, which encrypts from now on; ``rewrap`` brings over what hangs on the others."""
        return self._transport.call(EncryptionKey, "POST", "/encryption-keys/rotate")

    def rewrap(self, *, progress: Callable[[Rewrapped], object] | None = None) -> Rewrapped:
        """Encrypt the data keys of all secrets by the current key, and return how many were not yet.

        It may be broken off at any moment: the next call goes on. ``progress`` is called with the sum after each step.
        """
        total, page_token = Rewrapped(), None
        while True:
            step = self._transport.call(Rewrapped, "POST", "/encryption-keys/rewrap", body=RewrapStep(page_token))
            total = Rewrapped(total.rewrapped + step.rewrapped, total.failed + step.failed)
            if progress:
                progress(total)
            page_token = step.next_page_token
            if page_token is None:
                return total


def _secret(environment: str, name: str) -> str:
    return f"/secrets/{one_of(Environment, environment, 'environment')}/{segment(name)}"


def _names(readers: Sequence[str] | UnsetType) -> list[str] | UnsetType:
    return UNSET if isinstance(readers, UnsetType) else list(readers)
