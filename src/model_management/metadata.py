"""The port of metadata: what a back-end that remembers model versions must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from mainspring.kit.errors import NotFound
from model_management.records import Draft, ModelVersion, Statistics


class MetadataBackend(ABC):
    """Remembers model versions. Every method is safe under concurrent threads and processes."""

    @property
    def backend(self) -> Self:
        """Return this object: ``registry.metadata_backend.backend`` is how its queries are reached."""
        return self

    @abstractmethod
    def add(self, draft: Draft) -> ModelVersion:
        """Give the draft the next number of its name and remember it durably.

        Numbers start at 1 and are not used again while the model exists.
        """

    @abstractmethod
    def get(self, name: str, version: int | None = None) -> ModelVersion:
        """Return one version, the newest if none is named. Raises NotFound."""

    @abstractmethod
    def list_models(self) -> list[ModelVersion]:
        """Return the newest version of every model, ordered by name."""

    @abstractmethod
    def list_versions(self, name: str) -> list[ModelVersion]:
        """Return every version of a model, newest first. Raises NotFound."""

    @abstractmethod
    def find_models_by_tag(self, key: str, value: str) -> list[ModelVersion]:
        """Return the versions that carry exactly this tag, by name and then newest first."""

    @abstractmethod
    def get_statistics(self) -> Statistics:
        """Count models, versions, bytes and formats."""

    @abstractmethod
    def delete(self, name: str, version: int | None = None) -> list[ModelVersion]:
        """Forget one version, or the whole model if none is named; return what was forgotten. Raises NotFound."""


def not_found(name: str, version: int | None) -> NotFound:
    """Make the error of a model or version that is not in the registry."""
    if version is None:
        return NotFound(f"There is no model {name!r} in this registry: list_models() shows what there is.")
    return NotFound(f"Model {name!r} has no version {version}: list_versions({name!r}) shows what there is.")
