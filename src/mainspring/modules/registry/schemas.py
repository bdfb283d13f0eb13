"""Wire contracts of the model registry. Times are milliseconds since the epoch, UTC.

``None`` and ``""`` are told apart where MLflow tells them apart: a description, run or link that was
given as empty is answered as empty, one that was never given is left out.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field

PROMPT_TAG = "mlflow.prompt.is_prompt"
"""A registered model whose tag of this name is ``true`` is a prompt."""

Number = float | Literal["NaN"]


class Stage(StrEnum):
    """The four stages of MLflow, by their canonical names."""

    NONE = "None"
    STAGING = "Staging"
    PRODUCTION = "Production"
    ARCHIVED = "Archived"


class ModelFile(Struct, frozen=True):
    """What a version's ``MLmodel`` file says: flavours by name, and the signature as it stands there.

    ``signature`` has ``inputs``, ``outputs`` and ``params``, each JSON text, as MLflow writes them;
    every other scalar is text too.
    """

    flavors: dict[str, Any] = {}
    signature: dict[str, Any] | None = None
    model_uuid: str | None = None
    mlflow_version: str | None = None
    utc_time_created: str | None = None
    model_size_bytes: int | None = None
    metadata: dict[str, Any] | None = None


class ModelVersion(Struct, frozen=True):
    """A version. ``source`` is what the client named, ``storage_location`` where that led to."""

    name: str
    version: int
    stage: Stage
    source: str
    storage_location: str
    user_id: str
    created_at: int
    updated_at: int
    description: str | None = None
    run_id: str | None = None
    run_link: str | None = None
    model_id: str | None = None
    tags: dict[str, str] = {}
    aliases: list[str] = []


class ModelVersionDetails(ModelVersion, frozen=True):
    """A version with what it was made of.

    ``params`` and ``metrics`` are its logged model's, else its run's: as they are
    now, or as they were at registration once those are gone.
    """

    params: dict[str, str] = {}
    metrics: dict[str, Number] = {}
    model_file: ModelFile | None = None


class RegisteredModel(Struct, frozen=True):
    """A registered model with the newest version of each stage. ``aliases`` lead to version numbers."""

    name: str
    created_at: int
    updated_at: int
    description: str | None = None
    tags: dict[str, str] = {}
    aliases: dict[str, int] = {}
    latest_versions: list[ModelVersion] = []


class RegisteredModelCreate(Struct):
    name: str
    description: str | None = None
    tags: dict[str, str] = {}


class RegisteredModelUpdate(Struct):
    """What is left out stays as it is; a new ``name`` takes the versions, tags and aliases with it."""

    name: str | None = None
    description: str | UnsetType | None = UNSET


class ModelVersionCreate(Struct):
    """``source`` is where the files are: ``runs:/{run_id}/…`` with its ``run_id``, ``models:/{model_id}`` or a copy of
    ``models:/{name}/{version}``, both of which know their run, or a location of the store."""

    source: str
    description: str | None = None
    run_id: str | None = None
    run_link: str | None = None
    model_id: str | None = None
    tags: dict[str, str] = {}


class ModelVersionUpdate(Struct):
    """What is left out stays as it is; ``archive_existing`` empties the new stage of other versions first."""

    description: str | UnsetType | None = UNSET
    stage: str | None = None
    archive_existing: bool = False


class AliasTarget(Struct):
    version: int


class RegistrySearch(Struct):
    """A search of registered models or of versions. ``filter`` and ``order_by`` are MLflow's grammar."""

    filter: str = ""
    max_results: int = 100
    order_by: list[str] = field(default_factory=list)
    page_token: str | None = None


class RegisteredModels(Struct):
    """One page of registered models; ``next_page_token`` is null at the end."""

    items: list[RegisteredModel]
    next_page_token: str | None = None


class ModelVersions(Struct):
    """One page of versions; ``next_page_token`` is null at the end."""

    items: list[ModelVersion]
    next_page_token: str | None = None


class MeasuredVersion(Struct, frozen=True):
    """Params and metrics of a version, as ``ModelVersionDetails`` has them."""

    version: int
    params: dict[str, str]
    metrics: dict[str, Number]


class MeasuredVersions(Struct, frozen=True):
    """Those of some versions of one registered model, in the order in which they were asked for."""

    items: list[MeasuredVersion]


class RequestState(StrEnum):
    """How a request stands: nobody has decided yet, it was approved or rejected, or whoever asked took it back."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class StageRequest(Struct, frozen=True):
    """Somebody, ``user_id``, asked that a version enter a stage; it is in ``current_stage`` now.

    ``comment`` says why. Once it is not open any more, ``decided_by`` decided so at ``decided_at``, and said
    ``decision`` of it.
    """

    id: int
    name: str
    version: int
    current_stage: Stage
    stage: Stage
    archive_existing: bool
    state: RequestState
    user_id: str
    comment: str
    created_at: int
    decided_by: str | None = None
    decision: str | None = None
    decided_at: int | None = None


class StageRequestCreate(Struct, forbid_unknown_fields=True):
    """``archive_existing`` empties the stage of other versions when it is approved."""

    stage: str
    comment: str = ""
    archive_existing: bool = False


class StageDecision(Struct, forbid_unknown_fields=True):
    """Whether a version enters the stage that was asked for, and why."""

    approve: bool
    comment: str = ""


class StageRequests(Struct):
    """One page of requests, the newest first; ``next_page_token`` is null at the end."""

    items: list[StageRequest]
    next_page_token: str | None = None
