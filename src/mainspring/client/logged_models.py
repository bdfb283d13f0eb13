"""Logged models: a model's files, params and metrics, before and beside the registry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from mainspring.client.artifacts import FileTree
from mainspring.client.pages import Results
from mainspring.client.progress import Progress
from mainspring.client.transport import Transport, segment
from mainspring.client.values import ids_of
from mainspring.modules.artifacts.schemas import Artifact, Preview
from mainspring.modules.tracking.schemas import LoggedModel, LoggedModels, LoggedModelSearch, ModelOrder


class LoggedModelClient:
    """The logged models of a server."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def search(
        self,
        experiment_ids: Iterable[str],
        filter: str = "",
        *,
        order_by: Sequence[ModelOrder] = (),
        page_size: int = 100,
    ) -> Results[LoggedModel]:
        """Find logged models of some experiments. ``filter`` is MLflow's grammar."""
        wanted = LoggedModelSearch(ids_of(experiment_ids), filter, max_results=page_size, order_by=list(order_by))

        def fetch(page_token: str | None) -> LoggedModels:
            body = msgspec.structs.replace(wanted, page_token=page_token)
            return self._transport.call(LoggedModels, "POST", "/logged-models/search", body=body)

        return Results(fetch)

    def get(self, model_id: str) -> LoggedModel:
        """Return a logged model with its params, tags and metrics."""
        return self._transport.call(LoggedModel, "GET", _path(model_id))

    def list_files(self, model_id: str, path: str = "") -> list[Artifact]:
        """Return what lies directly in a folder of a logged model's files."""
        return FileTree(self._transport, _path(model_id)).list(path)

    def preview(self, model_id: str, path: str, *, max_rows: int = 100, page_token: str | None = None) -> Preview:
        """Return what the web page shows of a file, as ``ArtifactClient.preview`` does."""
        return FileTree(self._transport, _path(model_id)).preview(path, max_rows, page_token)

    def download(
        self, model_id: str, path: str = "", to: str | Path = ".", *, progress: Progress | None = None
    ) -> Path:
        """Download a file or folder as ``ArtifactClient.download`` does, and return where it lies now."""
        return FileTree(self._transport, _path(model_id), progress).download(path, Path(to))


def _path(model_id: str) -> str:
    return f"/logged-models/{segment(model_id)}"
