"""A registry: metadata that remembers versions, and a storage that keeps their bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from mainspring.kit.errors import InvalidArgument
from model_management import formats
from model_management.metadata import MetadataBackend
from model_management.records import (
    Draft,
    ModelVersion,
    Statistics,
    check_description,
    check_name,
    check_tag,
    check_version,
    checked_tags,
)
from model_management.storage import ModelStorage, folder_of, storage_of

DEFAULT_FOLDER = Path("model-registry")
"""Where a registry lies when no place is named: a folder of the working directory."""


class ModelRegistry:
    """Saves models under names and numbers, and loads them back.

    Bytes are read from ``storage`` alone: an address that stands in the metadata is never followed,
    so a pickle is loaded only from the store that whoever made this registry named.
    """

    def __init__(self, metadata_backend: MetadataBackend, storage: ModelStorage) -> None:
        self.metadata_backend = metadata_backend
        self.storage = storage

    def save_model(
        self,
        model: object,
        name: str,
        description: str = "",
        *,
        tags: Mapping[str, str] | None = None,
        format: str | None = None,
    ) -> ModelVersion:
        """Store a model as the next version of ``name``.

        The bytes are stored first and the version is committed after them: a version that can be
        seen is whole. ``format`` is ``skops``, ``onnx`` or ``pickle``; None takes the safest that the
        model allows. Raises InvalidArgument, TooLarge, Unavailable, Unsupported.
        """
        check_name(name)
        check_description(description)
        kept_tags = checked_tags(tags)
        with formats.dumped(model, format) as payload:
            draft = Draft(
                name=name,
                description=description,
                tags=kept_tags,
                format=payload.format,
                store=self.storage.uri,
                key=self.storage.put(payload),
                sha256=payload.sha256,
                size=payload.size,
            )
        return self.metadata_backend.add(draft)

    def load_model(self, name: str, version: int | None = None, *, trusted: Sequence[str] = ()) -> object:
        """Load a version, the newest if none is named.

        ``trusted`` names types that a skops file may hold beyond those that skops deems safe.
        Raises NotFound, PermissionDenied for types that are not trusted, FailedPrecondition where
        the bytes are not those that were saved, Unavailable, Unsupported.
        """
        with self.storage.open(self.get_model(name, version)) as payload:
            return formats.load(payload, trusted)

    def get_model(self, name: str, version: int | None = None) -> ModelVersion:
        """Return what is known of a version, the newest if none is named. Raises NotFound."""
        check_name(name)
        check_version(version)
        return self.metadata_backend.get(name, version)

    def list_models(self) -> list[ModelVersion]:
        """Return the newest version of every model, ordered by name."""
        return self.metadata_backend.list_models()

    def list_versions(self, name: str) -> list[ModelVersion]:
        """Return every version of a model, newest first. Raises NotFound."""
        check_name(name)
        return self.metadata_backend.list_versions(name)

    def find_models_by_tag(self, key: str, value: str) -> list[ModelVersion]:
        """Return the versions that carry exactly this tag, by name and then newest first."""
        check_tag(key, value)
        return self.metadata_backend.find_models_by_tag(key, value)

    def get_statistics(self) -> Statistics:
        """Count models, versions, bytes and formats."""
        return self.metadata_backend.get_statistics()

    def delete_model(self, name: str, version: int | None = None) -> None:
        """Delete one version, or the model with all its versions if none is named.

        The number of a deleted version is not used again while the model exists. Raises NotFound.
        """
        check_name(name)
        check_version(version)
        for deleted in self.metadata_backend.delete(name, version):
            self.storage.delete(deleted)


def create_registry(
    kind: str = "local", *, url: str | Path | None = None, storage: str | Path | ModelStorage | None = None
) -> ModelRegistry:
    """Open a registry, made where it is not there yet.

    ``"local"`` keeps metadata in a JSON file of the folder ``url``. ``"database"`` keeps it in the
    database ``url``: ``sqlite:///…``, ``postgresql://…`` or ``mysql://…``. ``"server"`` uses a
    Mainspring or MLflow server at ``url``. An URL may also stand in place of the kind:
    ``create_registry("http://127.0.0.1:5000")``. Without ``url`` the registry lies in the folder
    ``model-registry`` of the working directory.

    ``storage`` is where the bytes lie: a folder, ``s3://bucket/prefix``, ``gs://bucket/prefix`` or a
    ModelStorage; without it, the folder ``models`` beside the metadata. A server keeps its own.
    Raises InvalidArgument, Unavailable, Unsupported.
    """
    kind, url = _kind_and_url(kind, url)
    if kind == "server":
        return _server_registry(url, storage)
    if kind == "database":
        return _database_registry(url, storage)
    return _local_registry(url, storage)


KIND_OF_SCHEME = {
    "http": "server",
    "https": "server",
    "file": "local",
    "sqlite": "database",
    "postgres": "database",
    "postgresql": "database",
    "mysql": "database",
    "mariadb": "database",
}


def _kind_and_url(kind: str, url: str | Path | None) -> tuple[str, str | Path | None]:
    if kind in ("local", "database", "server"):
        return kind, url
    found = KIND_OF_SCHEME.get(urlsplit(kind).scheme.partition("+")[0])
    if found and url is None:
        return found, kind
    raise InvalidArgument(
        f"Unknown kind of registry {urlsplit(kind).scheme or kind!r}: use 'local', 'database', 'server', or one URL: "
        "file:///…, sqlite:///…, postgresql://…, mysql://…, http://….",
        field="kind",
    )


def _local_registry(url: str | Path | None, storage: str | Path | ModelStorage | None) -> ModelRegistry:
    from model_management.json_metadata import JsonMetadata

    folder = folder_of(DEFAULT_FOLDER if url is None else url)
    return ModelRegistry(JsonMetadata(folder), storage_of(folder / "models" if storage is None else storage))


def _database_registry(url: str | Path | None, storage: str | Path | ModelStorage | None) -> ModelRegistry:
    from model_management.sql_metadata import SqlMetadata, folder_beside

    database = f"sqlite:///{DEFAULT_FOLDER}/registry.db" if url is None else str(url)
    metadata = SqlMetadata(database)
    place = (folder_beside(database) or DEFAULT_FOLDER) / "models" if storage is None else storage
    return ModelRegistry(metadata, storage_of(place))


def _server_registry(url: str | Path | None, storage: str | Path | ModelStorage | None) -> ModelRegistry:
    from model_management.server import Server
    from model_management.server_registry import ServerMetadata, ServerStorage

    if url is None:
        raise InvalidArgument("A server registry needs its address: url='http://127.0.0.1:5000'.", field="url")
    if storage is not None:
        raise InvalidArgument("A server keeps models in its own store: leave storage out.", field="storage")
    server = Server(str(url))
    return ModelRegistry(ServerMetadata(server), ServerStorage(server))
