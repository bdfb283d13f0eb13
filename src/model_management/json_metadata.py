"""Metadata in one JSON file: every writer holds a file lock and replaces the file in one rename."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from mainspring.kit.errors import FailedPrecondition, Unavailable
from mainspring.kit.time import now_ms
from model_management.files import write_durably
from model_management.metadata import MetadataBackend, not_found
from model_management.records import Draft, ModelVersion, Statistics, newest_of_each, statistics_of


class _Model(msgspec.Struct):
    last_version: int = 0
    versions: list[ModelVersion] = []


class _Document(msgspec.Struct):
    models: dict[str, _Model] = {}


class JsonMetadata(MetadataBackend):
    """Model versions in ``registry.json`` of a folder.

    Reading takes no lock: the file is always a whole one. Saving rewrites it, so a registry of
    many thousands of versions is better kept in a database.
    """

    def __init__(self, folder: Path) -> None:
        """Use, or make, the folder. Raises Unavailable where it cannot be made."""
        self._file = folder / "registry.json"
        self._lock = folder / "registry.lock"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"The registry's folder {folder} cannot be made: {error}.") from error

    def add(self, draft: Draft) -> ModelVersion:
        """Give the draft the next number of its name and write the file anew."""
        with self._changing() as document:
            model = document.models.setdefault(draft.name, _Model())
            model.last_version += 1
            added = ModelVersion(**msgspec.structs.asdict(draft), version=model.last_version, created_ms=now_ms())
            model.versions.append(added)
        return added

    def get(self, name: str, version: int | None = None) -> ModelVersion:
        """Return one version, the newest if none is named. Raises NotFound."""
        for found in self._versions_of(name):
            if version in (None, found.version):
                return found
        raise not_found(name, version)

    def list_models(self) -> list[ModelVersion]:
        """Return the newest version of every model, ordered by name."""
        return newest_of_each(self._all())

    def list_versions(self, name: str) -> list[ModelVersion]:
        """Return every version of a model, newest first. Raises NotFound."""
        versions = self._versions_of(name)
        if not versions:
            raise not_found(name, None)
        return versions

    def find_models_by_tag(self, key: str, value: str) -> list[ModelVersion]:
        """Return the versions that carry exactly this tag, by name and then newest first."""
        found = [version for version in self._all() if version.tags.get(key) == value]
        return sorted(found, key=lambda version: (version.name, -version.version))

    def get_statistics(self) -> Statistics:
        """Count models, versions, bytes and formats."""
        return statistics_of(self._all())

    def delete(self, name: str, version: int | None = None) -> list[ModelVersion]:
        """Forget one version, or the whole model if none is named. Raises NotFound."""
        with self._changing() as document:
            model = document.models.get(name, _Model())
            deleted = [one for one in model.versions if version in (None, one.version)]
            if not deleted:
                raise not_found(name, version)
            if version is None:
                del document.models[name]
            else:
                model.versions = [one for one in model.versions if one.version != version]
        return deleted

    def _versions_of(self, name: str) -> list[ModelVersion]:
        model = self._read().models.get(name, _Model())
        return sorted(model.versions, key=lambda version: -version.version)

    def _all(self) -> list[ModelVersion]:
        return [version for model in self._read().models.values() for version in model.versions]

    def _read(self) -> _Document:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Document)
        except FileNotFoundError:
            return _Document()
        except OSError as error:
            raise Unavailable(f"The registry's file {self._file} cannot be read: {error}.") from error
        except msgspec.DecodeError as error:
            raise FailedPrecondition(
                f"{self._file} is not a model registry: {error}. Restore it from a copy, or use another folder."
            ) from error

    @contextmanager
    def _changing(self) -> Iterator[_Document]:
        """Hold the lock while a document is read, changed by the caller and put in place."""
        with self._locked():
            document = self._read()
            yield document
            write_durably(self._file, [msgspec.json.format(msgspec.json.encode(document), indent=2)])

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Wait for the lock, which the system gives back when its holder ends, however it ends."""
        try:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise Unavailable(f"The registry's lock {self._lock} cannot be opened: {error}.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
