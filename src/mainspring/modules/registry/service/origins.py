"""What a version was made of: its run, its logged model, and what was measured of them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, NotFound
from mainspring.kit.permissions import Permission
from mainspring.modules.registry import store
from mainspring.modules.registry.schemas import (
    PROMPT_TAG,
    ModelVersion,
    ModelVersionCreate,
    ModelVersionDetails,
    Number,
)
from mainspring.modules.registry.service import rules, sources
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import LoggedModel

MODEL_VERSIONS_TAG = "mlflow.modelVersions"
MAX_LISTED_VERSIONS = 100


@dataclass(frozen=True, slots=True)
class Measured:
    """Params and metrics."""

    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Number] = field(default_factory=dict)

    def over(self, older: Measured) -> Measured:
        """Return the other's params and metrics, with these in their place where both have them."""
        return Measured(older.params | self.params, older.metrics | self.metrics)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a new version comes from. ``source`` names a version by its number, never by an alias or stage."""

    source: str
    storage_location: str
    run_id: str | None
    model_id: str | None
    measured: Measured


def find_origin(tx: Connection, actor: Actor, new: ModelVersionCreate) -> Origin:
    """Check a new version's source and return what it leads to.

    Raises InvalidArgument where the source is not the run's or logged model's, NotFound where it names
    a version or logged model that is not there.
    """
    if rules.is_prompt(new.tags):
        sources.check_prompt_source(new.source)
        return Origin(new.source, new.source, new.run_id or "", None, Measured())
    parts = sources.check_scheme(new.source)
    uri = sources.parse_model_uri(new.source) if parts.scheme == "models" else None
    if uri is not None and uri.model_id is None:
        return _origin_of_version(tx, actor, new, uri)
    if new.model_id:
        return _origin_of_model(tx, actor, new, new.model_id)
    needs_run = parts.scheme in ("", "file", "mlflow-artifacts")
    artifact_uri = _run_artifacts(tx, actor, new) if needs_run and new.run_id else None
    sources.check_belongs(new.source, parts, sources.Owner("run_id", new.run_id, artifact_uri))
    return Origin(new.source, new.source, new.run_id or "", None, measured(tx, actor, new.run_id, None))


def _run_artifacts(tx: Connection, actor: Actor, new: ModelVersionCreate) -> str:
    try:
        return tracking.get_run_header(tx, actor, new.run_id or "").artifact_uri
    except NotFound:
        sources.refuse(new.source, "run_id")


def _origin_of_model(tx: Connection, actor: Actor, new: ModelVersionCreate, model_id: str) -> Origin:
    """A version of files that a logged model owns."""
    parts = urlsplit(new.source)
    model = _find_logged_model(tx, actor, model_id)
    owner = sources.Owner("model_id", model_id, None if model is None else model.artifact_uri)
    sources.check_belongs(new.source, parts, owner)
    if model is None:
        raise NotFound(f"Logged model with ID '{model_id}' not found.", field="model_id")
    location = model.artifact_uri if parts.scheme == "models" else new.source
    run_id = new.run_id or model.source_run_id
    return Origin(new.source, location, run_id, model_id, measured(tx, actor, run_id, model_id))


def _origin_of_version(tx: Connection, actor: Actor, new: ModelVersionCreate, uri: sources.ModelUri) -> Origin:
    """A copy of another version: it has the same files, run and logged model."""
    key = store.find_model_key(tx, actor.project, uri.name)
    if key is None:
        raise NotFound(f"Registered Model with name={uri.name} not found", field="source")
    if rules.is_prompt({PROMPT_TAG: store.find_model_tag(tx, key, PROMPT_TAG) or ""}):
        raise InvalidArgument(
            f"Invalid model version source: '{new.source}'. Prompt versions cannot be used as model version sources.",
            field="source",
        )
    copied = _referenced(tx, actor, key, uri)
    if (new.run_id is not None and new.run_id != (copied.run_id or "")) or (
        new.model_id and new.model_id != copied.model_id
    ):
        raise InvalidArgument(
            f"Invalid model version source: '{new.source}'. The run_id and model_id request parameters must match the "
            "referenced model version.",
            field="source",
        )
    return Origin(
        f"models:/{copied.name}/{copied.version}",
        copied.storage_location,
        copied.run_id,
        copied.model_id,
        measured(tx, actor, copied.run_id, copied.model_id).over(Measured(copied.params, copied.metrics)),
    )


def _referenced(tx: Connection, actor: Actor, key: int, uri: sources.ModelUri) -> ModelVersionDetails:
    number = uri.version
    if uri.alias is not None:
        aliased = store.find_aliased_version(tx, key, uri.alias)
        if aliased is None:
            raise InvalidArgument(f"Registered model alias {uri.alias} not found.", field="source")
        number = aliased.version
    elif number is None:
        stage = None if uri.stage is None else rules.canonical_stage(uri.stage)
        newest = store.latest_versions(tx, [key]).get(key, [])
        numbers = [version.version for version in newest if stage in (None, version.stage)]
        if not numbers:
            wanted = "" if stage is None else f" and stage '{stage}'"
            raise NotFound(f"No versions of model with name '{uri.name}'{wanted} found", field="source")
        number = max(numbers)
    known = rules.is_version_number(number)
    found = store.find_version_details(tx, actor.project, uri.name, number) if known else None
    if found is None:
        raise NotFound(f"Model Version (name={uri.name}, version={number}) not found", field="source")
    return found


def measured(tx: Connection, actor: Actor, run_id: str | None, model_id: str | None) -> Measured:
    """Return what a run logged and, in its place, what its logged model has; nothing of what is gone.

    An actor who may not read tracking gets nothing.
    """
    if Permission.TRACKING_READ not in actor.permissions:
        return Measured()
    of_run, of_model = Measured(), Measured()
    if run_id:
        with suppress(NotFound):  # runs of other servers may be named too
            run = tracking.get_run(tx, actor, run_id)
            of_run = Measured(run.params, {metric.key: metric.value for metric in run.metrics})
    model = _find_logged_model(tx, actor, model_id) if model_id else None
    if model is not None:
        of_model = Measured(model.params, {metric.key: metric.value for metric in model.metrics})
    return of_model.over(of_run)


def _find_logged_model(tx: Connection, actor: Actor, model_id: str) -> LoggedModel | None:
    try:
        return tracking.get_logged_model(tx, actor, model_id)
    except NotFound:
        return None


def list_on_model(tx: Connection, actor: Actor, model_id: str, version: ModelVersion) -> None:
    """Add a version to the list of versions that its logged model carries as a tag.

    The tag is a courtesy to MLflow's page: an actor who may not write to tracking leaves it out, and
    of very many versions the newest are kept.
    """
    if Permission.TRACKING_WRITE not in actor.permissions:
        return
    tags = tracking.get_logged_model(tx, actor, model_id).tags
    listed = [*_listed(tags.get(MODEL_VERSIONS_TAG, "")), {"name": version.name, "version": version.version}]
    text = json.dumps(listed[-MAX_LISTED_VERSIONS:])
    tracking.set_logged_model_tags(tx, actor, model_id, {MODEL_VERSIONS_TAG: text})


def _listed(text: str) -> list[object]:
    try:
        listed = json.loads(text) if text else []
    except (ValueError, RecursionError):
        return []  # A client has put something else there.
    return listed if isinstance(listed, list) else []
