"""MLflow's JSON answers of experiments, runs, metrics and logged models.

Answers keep the original's field names and its habit of leaving out what was never set. NaN is
the string "NaN"; numbers are numbers, 64-bit ones too.
"""

from __future__ import annotations

from typing import Any

from mainspring.modules.tracking.schemas import (
    DatasetSummary,
    Experiment,
    LoggedModel,
    Metric,
    Run,
    RunHeader,
)

Json = dict[str, Any]


def pairs_out(pairs: dict[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in pairs.items()]


def present(answer: Json) -> Json:
    """Return an answer without what is None or empty: MLflow leaves such fields out."""
    return {name: value for name, value in answer.items() if value is not None and value != []}


def metric_out(metric: Metric) -> Json:
    return {"key": metric.key, "value": metric.value, "timestamp": metric.timestamp, "step": metric.step}


def experiment_out(experiment: Experiment, workspace: str) -> Json:
    return present(
        {
            "experiment_id": experiment.experiment_id,
            "name": experiment.name,
            "artifact_location": experiment.artifact_location,
            "lifecycle_stage": experiment.lifecycle_stage,
            "last_update_time": experiment.updated_at,
            "creation_time": experiment.created_at,
            "tags": pairs_out(experiment.tags),
            "workspace": workspace,
        }
    )


def run_info_out(run: RunHeader) -> Json:
    info: Json = {
        "run_uuid": run.run_id,
        "experiment_id": run.experiment_id,
        "run_name": run.name,
        "user_id": run.user_id,
        "status": run.status,
        "start_time": run.started_at,
    }
    if run.ended_at:
        info["end_time"] = run.ended_at
    info |= {"artifact_uri": run.artifact_uri, "lifecycle_stage": run.lifecycle_stage, "run_id": run.run_id}
    return info


def new_run_out(run: Run) -> Json:
    """Return a run as ``runs/create`` has it; others are handed out as their documents."""
    return {"info": run_info_out(run), "data": present({"tags": pairs_out(run.tags)}), "inputs": {}}


def dataset_summary_out(summary: DatasetSummary) -> Json:
    return present(
        {
            "experiment_id": summary.experiment_id,
            "name": summary.name,
            "digest": summary.digest,
            "context": summary.context,
        }
    )


def logged_model_out(model: LoggedModel) -> Json:
    info = {
        "model_id": model.model_id,
        "experiment_id": model.experiment_id,
        "name": model.name,
        "creation_timestamp_ms": model.created_at,
        "last_updated_timestamp_ms": model.updated_at,
        "artifact_uri": model.artifact_uri,
        "status": _MODEL_STATUS_OUT[model.status],
        "model_type": model.model_type or "",
        "source_run_id": model.source_run_id or "",
        "status_message": model.status_message,
        "tags": pairs_out(model.tags),
    }
    data = {
        "params": pairs_out(model.params),
        "metrics": [_model_metric_out(metric, model.model_id) for metric in model.metrics],
    }
    return {"model": {"info": present(info), "data": present(data)}}


_MODEL_STATUS_OUT = {
    "PENDING": "LOGGED_MODEL_PENDING",
    "READY": "LOGGED_MODEL_READY",
    "FAILED": "LOGGED_MODEL_UPLOAD_FAILED",
}
MODEL_STATUS_IN = {name: status for status, name in _MODEL_STATUS_OUT.items()}


def _model_metric_out(metric: Metric, model_id: str) -> Json:
    more = {
        "dataset_name": metric.dataset_name,
        "dataset_digest": metric.dataset_digest,
        "model_id": model_id,
        "run_id": metric.run_id,
    }
    return metric_out(metric) | present(more)
