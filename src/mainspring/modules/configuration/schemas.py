"""Wire contracts of configuration and secrets. Times are milliseconds since the epoch, UTC."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import UNSET, Struct, UnsetType


class Environment(StrEnum):
    """Where a model or a job runs."""

    DEV = "dev"
    STAGING = "staging"
    PRODUCTION = "production"


class ChangeKind(StrEnum):
    """What became of one place of a document from one version to another."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Document(Struct, frozen=True):
    """A configuration document at one level: the instance's, the project's or one environment's.

    ``revision`` counts the changes of all documents and only grows.
    """

    name: str
    environment: Environment | None
    instance: bool
    version: int
    revision: int
    value: dict[str, Any]
    message: str
    created_by: str
    created_at: int


class DocumentHeader(Struct, frozen=True):
    """A document as a list shows it: all but its value."""

    name: str
    environment: Environment | None
    instance: bool
    version: int
    revision: int
    message: str
    created_by: str
    created_at: int


class DocumentVersion(Struct, frozen=True):
    """One version of a document: who made it, when and why. ``deleted`` says that it is the document's deletion."""

    version: int
    revision: int
    deleted: bool
    message: str
    created_by: str
    created_at: int


class DocumentUpdate(Struct):
    """The whole new value. With ``expected_version`` it is only taken while that is the newest, 0 meaning none."""

    value: dict[str, Any]
    message: str = ""
    expected_version: int | None = None


class Rollback(Struct):
    """The version whose value becomes that of a new version; it also brings a deleted document back."""

    version: int
    message: str = ""
    expected_version: int | None = None


class Change(Struct, frozen=True):
    """What became of the place that ``path``, a JSON Pointer (RFC 6901), leads to."""

    path: str
    kind: ChangeKind
    before: Any = None
    after: Any = None


class Difference(Struct, frozen=True):
    """What changed from one version to another, by path. The value of a deletion is empty."""

    from_version: int
    to_version: int
    changes: list[Change]


class EffectiveDocument(Struct, frozen=True):
    """What holds in one environment: the instance's, the project's and the environment's document, merged deeply.

    ``sources`` tells for each JSON Pointer whose value it is: ``instance``, ``project`` or the environment. An
    ``environment`` of null is the project's without one. Where all documents were deleted, ``value`` is empty and
    ``deleted`` is true. ``revision`` is that of the newest change of any of them.
    """

    name: str
    environment: Environment | None
    revision: int
    deleted: bool
    value: dict[str, Any]
    sources: dict[str, str]


class DocumentSchema(Struct, frozen=True):
    """The JSON Schema (Draft 2020-12) that the effective values of a name must fit."""

    schema: dict[str, Any]
    created_by: str
    created_at: int


class DocumentSchemaUpdate(Struct):
    """A JSON Schema of Draft 2020-12. ``$ref`` leads into the schema itself."""

    schema: dict[str, Any]


class Documents(Struct):
    """One page of documents; ``next_page_token`` is null at the end."""

    items: list[DocumentHeader]
    next_page_token: str | None = None


class DocumentVersions(Struct):
    """One page of versions, newest first; ``next_page_token`` is null at the end."""

    items: list[DocumentVersion]
    next_page_token: str | None = None


class Secret(Struct, frozen=True):
    """What is told of a secret: never its value.

    ``readers`` names the accounts that may reveal it beside the project's maintainers. Of a ``write_only`` secret
    there are no others: only service accounts and run tokens of accounts that ``readers`` names.
    """

    name: str
    environment: Environment
    version: int
    description: str
    readers: list[str]
    write_only: bool
    created_by: str
    created_at: int
    updated_at: int


class SecretWrite(Struct):
    """A new value: text of at most 64 KiB. What is left out stays as it is, or is empty in a new secret."""

    value: str
    description: str | UnsetType = UNSET
    readers: list[str] | UnsetType = UNSET
    write_only: bool | UnsetType = UNSET

    def __repr__(self) -> str:
        """Leave the value out."""
        return "SecretWrite(…)"


class SecretUpdate(Struct):
    """What is left out stays as it is. What is write-only ceases to be so only with a new value."""

    description: str | UnsetType = UNSET
    readers: list[str] | UnsetType = UNSET
    write_only: bool | UnsetType = UNSET


class SecretVersion(Struct, frozen=True):
    """One version of a secret: ``key_id`` is the key that its data key is wrapped by."""

    version: int
    write_only: bool
    key_id: str
    created_by: str
    created_at: int


class SecretReveal(Struct):
    """Which version is asked for; null is the newest."""

    version: int | None = None


class SecretValue(Struct, frozen=True):
    """A secret's value. Keep it out of logs, files and command lines."""

    name: str
    environment: Environment
    version: int
    value: str

    def __repr__(self) -> str:
        """Leave the value out."""
        return f"SecretValue(name={self.name!r}, version={self.version}, value=…)"


class Secrets(Struct):
    """One page of secrets; ``next_page_token`` is null at the end."""

    items: list[Secret]
    next_page_token: str | None = None


class SecretVersions(Struct):
    """The versions of a secret, newest first."""

    items: list[SecretVersion]


class EncryptionKey(Struct, frozen=True):
    """A key-encryption key: whether new secrets are wrapped by it, whether the vault has it, and what hangs on it.

    ``secrets`` counts versions of secrets.
    """

    id: str
    current: bool
    available: bool
    secrets: int


class EncryptionKeys(Struct):
    """The key-encryption keys, the current one first."""

    items: list[EncryptionKey]


class RewrapStep(Struct):
    """Where re-wrapping goes on: the ``next_page_token`` of the step before."""

    page_token: str | None = None


class Rewrapped(Struct):
    """What a step of re-wrapping did, in versions of secrets; ``failed`` ones have a key that the vault lacks.

    ``next_page_token`` is null at the end.
    """

    rewrapped: int = 0
    failed: int = 0
    next_page_token: str | None = None
