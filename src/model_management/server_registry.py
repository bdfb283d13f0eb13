"""The registry of a Mainspring or MLflow server, by MLflow's REST endpoints.

Bytes go into a logged model of the experiment ``model_management`` through the server's artifact
proxy, and the registered version points at that logged model, so that mlflow and the server's page
see the same models.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mainspring.kit.errors import AlreadyExists, NotFound
from model_management import mlmodel
from model_management.metadata import MetadataBackend, not_found
from model_management.records import Draft, ModelVersion, Statistics, newest_of_each, statistics_of
from model_management.server import Server
from model_management.storage import ModelStorage, Payload

EXPERIMENT = "model_management"
FOREIGN = "mlflow"
"""The format of a version that another client registered: its MLmodel file says which it is."""

PAGE = 1000
_OWN_TAG = "model_management."
_PROMPT_TAG = "mlflow.prompt.is_prompt"
_LOGGED_MODEL = "models:/"
_OWN_SOURCE = re.compile(r"models:/m-[0-9a-f]{1,64}")


class ServerMetadata(MetadataBackend):
    """Registered models and versions of a server. Tags are those of the versions."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def add(self, draft: Draft) -> ModelVersion:
        """Register the logged model that holds the draft's bytes; the server gives the number."""
        with suppress(AlreadyExists):
            self._server.send("POST", "registered-models/create", name=draft.name)
        own = {"format": draft.format, "sha256": draft.sha256, "size": str(draft.size)}
        tags = draft.tags | {_OWN_TAG + key: value for key, value in own.items()}
        answer = self._server.send(
            "POST",
            "model-versions/create",
            name=draft.name,
            source=draft.key,
            model_id=draft.key.removeprefix(_LOGGED_MODEL),
            description=draft.description,
            tags=[{"key": key, "value": value} for key, value in tags.items()],
        )
        return self._version_of(answer["model_version"])

    def get(self, name: str, version: int | None = None) -> ModelVersion:
        """Return one version, the newest if none is named. Raises NotFound."""
        if version is None:
            return self.list_versions(name)[0]
        try:
            found = self._server.get("model-versions/get", name=name, version=version)
        except NotFound as error:
            raise not_found(name, version) from error
        return self._version_of(found["model_version"])

    def list_models(self) -> list[ModelVersion]:
        """Return the newest version of every model, ordered by name. Models without versions are left out."""
        return newest_of_each(self._search(None))

    def list_versions(self, name: str) -> list[ModelVersion]:
        """Return every version of a model, newest first. Raises NotFound."""
        found = [version for version in self._search(_equal("name", name)) if version.name == name]
        if not found:
            raise not_found(name, None)
        return found

    def find_models_by_tag(self, key: str, value: str) -> list[ModelVersion]:
        """Return the versions that carry exactly this tag, by name and then newest first."""
        named = None if "`" in key else _equal(f"tags.`{key}`", value)
        return [version for version in self._search(named) if version.tags.get(key) == value]

    def get_statistics(self) -> Statistics:
        """Count models, versions, bytes and formats; the bytes are of what this library saved."""
        return statistics_of(self._search(None))

    def delete(self, name: str, version: int | None = None) -> list[ModelVersion]:
        """Delete one version, or the registered model if none is named. Raises NotFound."""
        if version is None:
            deleted = self.list_versions(name)
            self._server.send("DELETE", "registered-models/delete", name=name)
            return deleted
        found = self.get(name, version)
        self._server.send("DELETE", "model-versions/delete", name=name, version=str(version))
        return [found]

    def _search(self, filter: str | None) -> list[ModelVersion]:
        query = {"filter": filter} if filter else {}
        rows = self._server.search("model-versions/search", "model_versions", max_results=PAGE, **query)
        found = [self._version_of(row) for row in rows if not _is_prompt(row)]
        return sorted(found, key=lambda version: (version.name, -version.version))

    def _version_of(self, row: dict[str, Any]) -> ModelVersion:
        tags = _tags_of(row)
        own = {key: tags.pop(_OWN_TAG + key, None) for key in ("format", "sha256", "size")}
        size = own["size"]
        return ModelVersion(
            name=row["name"],
            version=int(row["version"]),
            description=row.get("description", ""),
            tags=tags,
            format=own["format"] or FOREIGN,
            store=self._server.uri,
            key=row.get("source", ""),
            sha256=own["sha256"],
            size=int(size) if size is not None and size.isdecimal() else None,
            created_ms=int(row.get("creation_timestamp", 0)),
        )


class ServerStorage(ModelStorage):
    """Logged models of a server, read and written through its artifact proxy."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.uri = server.uri

    def put(self, payload: Payload) -> str:
        """Upload the bytes and their MLmodel into a new logged model; it becomes ready when both are there."""
        created = self._server.send("POST", "logged-models", experiment_id=self._experiment(), name="model")
        model_id, artifact_uri = _logged_model(created)
        folder = self._server.path_of(artifact_uri)
        file_name = f"model.{payload.format}"
        described = mlmodel.written(payload, file_name, model_id, artifact_uri)
        self._server.upload(f"{folder}/{file_name}", payload.file, payload.size or 0)
        self._server.upload(f"{folder}/{mlmodel.FILE_NAME}", io.BytesIO(described), len(described))
        ready = {"model_id": model_id, "status": "LOGGED_MODEL_READY"}
        self._server.send("PATCH", f"logged-models/{model_id}", **ready)
        return _LOGGED_MODEL + model_id

    @contextmanager
    def open(self, version: ModelVersion) -> Iterator[Payload]:
        """Download the one file of a version that its MLmodel names.

        Raises Unsupported where the artifacts lie elsewhere than on this server, or are of a kind
        that only mlflow loads.
        """
        folder = self._server.path_of(self._folder_of(version))
        described = io.BytesIO()
        self._server.download(f"{folder}/{mlmodel.FILE_NAME}", described, mlmodel.SIZE_LIMIT)
        format, path = mlmodel.model_file(described.getvalue())
        with tempfile.TemporaryFile() as file:
            self._server.download(f"{folder}/{path}", file)
            file.seek(0)
            yield Payload(file, format, version.sha256, version.size)

    def delete(self, version: ModelVersion) -> None:
        """Remove the logged model that this library made; what other clients logged stays theirs."""
        if version.format == FOREIGN or not _OWN_SOURCE.fullmatch(version.key):
            return
        with suppress(NotFound):
            self._server.remove(self._server.path_of(self._artifacts_of(version.key)))
            self._server.send("DELETE", f"logged-models/{version.key.removeprefix(_LOGGED_MODEL)}")

    def _experiment(self) -> str:
        """Return the id of the experiment that holds our logged models, made at the first save."""
        with suppress(NotFound):
            return self._find_experiment()
        try:
            return str(self._server.send("POST", "experiments/create", name=EXPERIMENT)["experiment_id"])
        except AlreadyExists:
            return self._find_experiment()

    def _find_experiment(self) -> str:
        found = self._server.get("experiments/get-by-name", experiment_name=EXPERIMENT)
        return str(found["experiment"]["experiment_id"])

    def _folder_of(self, version: ModelVersion) -> str:
        """Return the URI of the folder of artifacts that a version points at."""
        found = self._server.get("model-versions/get-download-uri", name=version.name, version=version.version)
        uri = str(found["artifact_uri"])
        return self._artifacts_of(uri) if _OWN_SOURCE.fullmatch(uri) else uri

    def _artifacts_of(self, source: str) -> str:
        """Return the URI of the folder of a logged model, named as ``models:/m-…``."""
        return _logged_model(self._server.get(f"logged-models/{source.removeprefix(_LOGGED_MODEL)}"))[1]


def _logged_model(answer: dict[str, Any]) -> tuple[str, str]:
    model = answer["model"]["info"]
    return model["model_id"], model["artifact_uri"]


def _tags_of(row: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag.get("value", "") for tag in row.get("tags", [])}


def _is_prompt(row: dict[str, Any]) -> bool:
    return _tags_of(row).get(_PROMPT_TAG) == "true"


def _equal(field: str, value: str) -> str | None:
    """Write a search filter, or None where the grammar cannot quote the value: then everything is looked through."""
    for quote in ("'", '"'):
        if quote not in value:
            return f"{field} = {quote}{value}{quote}"
    return None
