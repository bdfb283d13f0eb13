"""Everything of a server as MLflow's own client reads it, in a form in which two servers can be compared."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Run, ViewType

LARGEST = 1.7976931348623157e308
PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"

Seen = dict[tuple[str, ...], Any]


def everything(client: MlflowClient, folder: Path) -> Seen:
    """Return what a client sees by kind and name; ``folder`` takes the files that it downloads.

    Locations of files are left out. An infinity is the largest double, as which the original's database keeps
    it, a point is there once, and what was never set is empty.
    """
    seen: Seen = {}
    for experiment in pages(client.search_experiments, view_type=ViewType.ALL):
        times = (experiment.creation_time, experiment.last_update_time)
        seen["experiment", experiment.name] = (
            experiment.experiment_id,
            experiment.lifecycle_stage,
            experiment.tags,
            times,
        )
        for run in pages(client.search_runs, experiment_ids=[experiment.experiment_id], run_view_type=ViewType.ALL):
            seen["run", run.info.run_id] = (experiment.name, *run_of(client.get_run(run.info.run_id)))
            seen["files", run.info.run_id] = files_of(client, run.info.run_id, folder)
            for key in run.data.metrics:
                seen["history", run.info.run_id, key] = history_of(client, run.info.run_id, key)
        for model in pages(client.search_logged_models, experiment_ids=[experiment.experiment_id]):
            seen["model", model.model_id] = logged_model_of(model)
            seen["model files", model.model_id] = model_files_of(client, model.model_id, folder)
    for condition in (None, PROMPTS):
        for model in pages(client.search_registered_models, filter_string=condition):
            described = (model.description or "", model.creation_timestamp, model.last_updated_timestamp)
            seen["registered", model.name] = (
                described,
                model.tags,
                {alias: str(number) for alias, number in model.aliases.items()},
            )
        for version in pages(client.search_model_versions, filter_string=condition or ""):
            seen["version", version.name, str(version.version)] = version_of(version)
    return seen


def pages(search: Any, **query: Any) -> list[Any]:
    """Return what is on all pages of a search."""
    found, token = [], None
    while True:
        page = search(**query, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def run_of(run: Run) -> tuple[Any, ...]:
    info, data = run.info, run.data
    metrics = sorted((point.key, *point_of(point)) for point in data._metric_objs)
    inputs = sorted(
        (str(vars(given.dataset)), sorted((tag.key, tag.value) for tag in given.tags))
        for given in run.inputs.dataset_inputs
    )
    models = sorted(model.model_id for model in run.inputs.model_inputs or [])
    made = sorted((model.model_id, model.step) for model in (run.outputs.model_outputs if run.outputs else []))
    described = (info.run_name, info.user_id, info.status, info.lifecycle_stage, info.start_time, info.end_time)
    return described, data.params, data.tags, metrics, inputs, models, made


def point_of(point: Metric) -> tuple[int, int, str]:
    value = min(max(point.value, -LARGEST), LARGEST) + 0.0 if not math.isnan(point.value) else point.value
    return point.timestamp, point.step, repr(value)


def history_of(client: MlflowClient, run_id: str, key: str) -> list[tuple[int, int, str]]:
    return sorted({point_of(point) for point in client.get_metric_history(run_id, key)})


def files_of(client: MlflowClient, run_id: str, folder: Path) -> dict[str, str]:
    if not client.list_artifacts(run_id):
        return {}
    target = folder / run_id
    target.mkdir(parents=True, exist_ok=True)
    return hashes(Path(client.download_artifacts(run_id, "", str(target))))


def model_files_of(client: MlflowClient, model_id: str, folder: Path) -> dict[str, str]:
    if not client.list_logged_model_artifacts(model_id):
        return {}
    from mlflow.artifacts import download_artifacts

    target = folder / model_id
    target.mkdir(parents=True, exist_ok=True)
    uri = client.get_logged_model(model_id).artifact_location
    tracking_uri = client.tracking_uri
    return hashes(Path(download_artifacts(artifact_uri=uri, dst_path=str(target), tracking_uri=tracking_uri)))


def hashes(folder: Path) -> dict[str, str]:
    """Return path → SHA-256 of the files below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def logged_model_of(model: Any) -> tuple[Any, ...]:
    metrics = sorted(
        (point.key, *point_of(point), point.run_id, point.dataset_name, point.dataset_digest)
        for point in model.metrics or []
    )
    described = (model.name, str(model.status), model.source_run_id or None, model.model_type or None)
    return described, model.creation_timestamp, model.last_updated_timestamp, model.tags, model.params, metrics


def version_of(version: Any) -> tuple[Any, ...]:
    described = (version.description or "", version.run_id or "", version.run_link or None, version.user_id or "")
    times = (version.creation_timestamp, version.last_updated_timestamp)
    source = version.source if version.source.startswith(("runs:", "models:", "dummy")) else "a location"
    return described, times, version.current_stage, source, version.tags
