"""Registered models, their versions, aliases and tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import UNSET, UnsetType

from mainspring.client.artifacts import FileTree
from mainspring.client.pages import Results
from mainspring.client.progress import Progress
from mainspring.client.transport import Transport, segment
from mainspring.modules.artifacts.schemas import Artifact, Preview
from mainspring.modules.registry.schemas import (
    AliasTarget,
    MeasuredVersion,
    MeasuredVersions,
    ModelVersion,
    ModelVersionCreate,
    ModelVersionDetails,
    ModelVersions,
    ModelVersionUpdate,
    RegisteredModel,
    RegisteredModelCreate,
    RegisteredModels,
    RegisteredModelUpdate,
    RequestState,
    StageDecision,
    StageRequest,
    StageRequestCreate,
    StageRequests,
)
from mainspring.modules.tracking.schemas import TagValue


class ModelClient:
    """The model registry of a server."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def search(
        self, filter: str = "", *, order_by: Sequence[str] = (), page_size: int = 100
    ) -> Results[RegisteredModel]:
        """Find registered models. ``filter`` and ``order_by`` are MLflow's grammar."""

        def fetch(page_token: str | None) -> RegisteredModels:
            query = _query(filter, order_by, page_size, page_token)
            return self._transport.call(RegisteredModels, "GET", "/models", query=query)

        return Results(fetch)

    def get(self, name: str) -> RegisteredModel:
        """Return a registered model with the newest version of each stage."""
        return self._transport.call(RegisteredModel, "GET", _model(name))

    def create(
        self, name: str, *, description: str | None = None, tags: Mapping[str, str] | None = None
    ) -> RegisteredModel:
        """Create a registered model."""
        new = RegisteredModelCreate(name, description, dict(tags or {}))
        return self._transport.call(RegisteredModel, "POST", "/models", body=new)

    def update(
        self, name: str, *, new_name: str | None = None, description: str | UnsetType | None = UNSET
    ) -> RegisteredModel:
        """Change a registered model's description or name; what is left out stays as it is."""
        change = RegisteredModelUpdate(new_name, description)
        return self._transport.call(RegisteredModel, "PATCH", _model(name), body=change)

    def delete(self, name: str) -> None:
        """Delete a registered model with its versions."""
        self._transport.do("DELETE", _model(name))

    def set_tag(self, name: str, key: str, value: str) -> None:
        """Set a tag of a registered model."""
        self._transport.do("PUT", f"{_model(name)}/tags/{segment(key)}", body=TagValue(value))

    def delete_tag(self, name: str, key: str) -> None:
        """Delete a tag of a registered model."""
        self._transport.do("DELETE", f"{_model(name)}/tags/{segment(key)}")

    def get_by_alias(self, name: str, alias: str) -> ModelVersion:
        """Return the version that an alias leads to; ``latest`` is the newest."""
        return self._transport.call(ModelVersion, "GET", f"{_model(name)}/aliases/{segment(alias)}")

    def set_alias(self, name: str, alias: str, version: int) -> None:
        """Point an alias at a version."""
        self._transport.do("PUT", f"{_model(name)}/aliases/{segment(alias)}", body=AliasTarget(version))

    def delete_alias(self, name: str, alias: str) -> None:
        """Delete an alias."""
        self._transport.do("DELETE", f"{_model(name)}/aliases/{segment(alias)}")

    def search_versions(
        self, name: str | None = None, filter: str = "", *, order_by: Sequence[str] = (), page_size: int = 100
    ) -> Results[ModelVersion]:
        """Find versions of one registered model, or of all."""
        path = "/model-versions" if name is None else f"{_model(name)}/versions"

        def fetch(page_token: str | None) -> ModelVersions:
            return self._transport.call(
                ModelVersions, "GET", path, query=_query(filter, order_by, page_size, page_token)
            )

        return Results(fetch)

    def get_version(self, name: str, version: int) -> ModelVersionDetails:
        """Return a version with its params, metrics, signature and flavours."""
        return self._transport.call(ModelVersionDetails, "GET", _version(name, version))

    def measured(self, name: str, versions: Sequence[int]) -> list[MeasuredVersion]:
        """Return params and metrics of up to 100 versions of a registered model."""
        query = {"version": [str(version) for version in versions]}
        return self._transport.call(MeasuredVersions, "GET", f"{_model(name)}/measured", query=query).items

    def create_version(
        self,
        name: str,
        source: str,
        *,
        description: str | None = None,
        run_id: str | None = None,
        model_id: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersionDetails:
        """Create the next version of a registered model from ``source``, such as ``runs:/<run id>/model``."""
        new = ModelVersionCreate(source, description, run_id, None, model_id, dict(tags or {}))
        return self._transport.call(ModelVersionDetails, "POST", f"{_model(name)}/versions", body=new)

    def update_version(
        self,
        name: str,
        version: int,
        *,
        description: str | UnsetType | None = UNSET,
        stage: str | None = None,
        archive_existing: bool = False,
    ) -> ModelVersion:
        """Change a version's description or stage; ``archive_existing`` empties that stage of other versions first."""
        change = ModelVersionUpdate(description, stage, archive_existing)
        return self._transport.call(ModelVersion, "PATCH", _version(name, version), body=change)

    def delete_version(self, name: str, version: int) -> None:
        """Delete a version; its number is not given again."""
        self._transport.do("DELETE", _version(name, version))

    def set_version_tag(self, name: str, version: int, key: str, value: str) -> None:
        """Set a tag of a version."""
        self._transport.do("PUT", f"{_version(name, version)}/tags/{segment(key)}", body=TagValue(value))

    def delete_version_tag(self, name: str, version: int, key: str) -> None:
        """Delete a tag of a version."""
        self._transport.do("DELETE", f"{_version(name, version)}/tags/{segment(key)}")

    def request_stage(
        self, name: str, version: int, stage: str, *, comment: str = "", archive_existing: bool = False
    ) -> StageRequest:
        """Ask that a version enter a stage; whoever manages the project decides."""
        new = StageRequestCreate(stage, comment, archive_existing)
        return self._transport.call(StageRequest, "POST", f"{_version(name, version)}/requests", body=new)

    def stage_requests(
        self,
        *,
        state: RequestState | None = None,
        name: str | None = None,
        version: int | None = None,
        page_size: int = 100,
    ) -> Results[StageRequest]:
        """Find what was asked of the stages of versions, the newest first."""
        wanted = {"state": state, "name": name, "version": version, "max_results": page_size}

        def fetch(page_token: str | None) -> StageRequests:
            return self._transport.call(
                StageRequests, "GET", "/model-requests", query=wanted | {"page_token": page_token}
            )

        return Results(fetch)

    def approve_stage(self, request_id: int, *, comment: str = "") -> StageRequest:
        """Have the version of a request enter the stage that was asked for."""
        return self._decide(request_id, StageDecision(True, comment))

    def reject_stage(self, request_id: int, *, comment: str = "") -> StageRequest:
        """Refuse what was asked for."""
        return self._decide(request_id, StageDecision(False, comment))

    def _decide(self, request_id: int, decision: StageDecision) -> StageRequest:
        path = f"/model-requests/{request_id}/decision"
        return self._transport.call(StageRequest, "POST", path, body=decision)

    def withdraw_stage_request(self, request_id: int) -> None:
        """Take a request back."""
        self._transport.do("DELETE", f"/model-requests/{request_id}")

    def list_files(self, name: str, version: int, path: str = "") -> list[Artifact]:
        """Return what lies directly in a folder of a version's files."""
        return FileTree(self._transport, _version(name, version)).list(path)

    def preview(
        self, name: str, version: int, path: str, *, max_rows: int = 100, page_token: str | None = None
    ) -> Preview:
        """Return what the web page shows of a version's file, as ``ArtifactClient.preview`` does."""
        return FileTree(self._transport, _version(name, version)).preview(path, max_rows, page_token)

    def download(
        self,
        name: str,
        version: int,
        path: str = "",
        to: str | Path = ".",
        *,
        progress: Progress | None = None,
    ) -> Path:
        """Download a file or folder as ``ArtifactClient.download`` does, and return where it lies now."""
        return FileTree(self._transport, _version(name, version), progress).download(path, Path(to))


def _query(
    filter: str, order_by: Sequence[str], page_size: int, page_token: str | None
) -> dict[str, str | int | Sequence[str] | None]:
    return {"filter": filter, "order_by": list(order_by), "max_results": page_size, "page_token": page_token}


def _model(name: str) -> str:
    return f"/models/{segment(name)}"


def _version(name: str, version: int) -> str:
    return f"{_model(name)}/versions/{version}"
