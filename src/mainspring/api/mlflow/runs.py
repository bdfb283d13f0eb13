"""Endpoints of runs and of what is logged to them."""

from __future__ import annotations

import json

from mainspring.api.mlflow import messages
from mainspring.api.mlflow.answers import Json, dataset_summary_out, new_run_out, present, run_info_out
from mainspring.api.mlflow.dispatch import endpoint, missing, wrong_type
from mainspring.api.mlflow.experiments import one_of, view_type
from mainspring.api.mlflow.messages import pairs_in, pairs_once
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.permissions import Permission
from mainspring.modules.services import Services
from mainspring.modules.tracking import service
from mainspring.modules.tracking.schemas import (
    Batch,
    DatasetInput,
    Metric,
    ModelOutput,
    RunCreate,
    RunInputs,
    RunSearch,
    RunStatus,
    RunUpdate,
)

READ, WRITE = Permission.TRACKING_READ, Permission.TRACKING_WRITE
MAX_BATCH_BYTES = 1_000_000
MAX_RUNS = 50_000
MODEL_FIELDS = ("artifact_path", "flavors", "run_id", "utc_time_created")


@endpoint("POST", "runs/create", messages.CreateRun, WRITE)
async def create_run(services: Services, actor: Actor, message: messages.CreateRun) -> Json:
    if not message.experiment_id:
        raise missing("experiment_id")
    new = RunCreate(
        message.experiment_id,
        message.run_name,
        message.user_id or "",
        message.start_time or 0,
        pairs_once(message.tags, "tags"),
    )
    run = await services.db.write(service.create_run, actor, new)
    return {"run": new_run_out(run)}


@endpoint("POST", "runs/update", messages.UpdateRun, WRITE)
async def update_run(services: Services, actor: Actor, message: messages.UpdateRun) -> Json:
    status = one_of("status", message.status, messages.STATUSES)
    change = RunUpdate(RunStatus(status) if status else None, message.end_time, message.run_name)
    info = await services.db.write(service.update_run, actor, message.run_id or "", change)
    return {"run_info": run_info_out(info)}


@endpoint("POST", "runs/delete", messages.RunMessage, WRITE)
async def delete_run(services: Services, actor: Actor, message: messages.RunMessage) -> None:
    await services.db.write(service.delete_run, actor, message.run_id or "")


@endpoint("POST", "runs/restore", messages.RunMessage, WRITE)
async def restore_run(services: Services, actor: Actor, message: messages.RunMessage) -> None:
    await services.db.write(service.restore_run, actor, message.run_id or "")


@endpoint("GET", "runs/get", messages.RunMessage, READ)
async def get_run(services: Services, actor: Actor, message: messages.RunMessage) -> bytes:
    run_id = message.run_id or ""
    document = await services.db.look_up(service.look_up_document, actor, run_id)
    if document is None:
        document = await services.db.read(service.get_document, actor, run_id)
    return b'{"run":%b}' % document


@endpoint("POST", "runs/search", messages.SearchRuns, READ)
async def search_runs(services: Services, actor: Actor, message: messages.SearchRuns) -> bytes:
    if message.max_results > MAX_RUNS:
        raise wrong_type("max_results", message.max_results)
    query = RunSearch(
        message.experiment_ids,
        message.filter or "",
        view_type("run_view_type", message.run_view_type),
        message.max_results,
        message.order_by,
        message.page_token,
    )
    documents, token = await services.db.read(service.search_documents, actor, query)
    if not documents:
        return b"{}"
    return b'{"runs":[%b]%b}' % (documents, b',"next_page_token":"%b"' % token.encode() if token else b"")


@endpoint("POST", "runs/log-metric", messages.LogMetric, WRITE)
async def log_metric(services: Services, actor: Actor, message: messages.LogMetric) -> None:
    assert message.key is not None
    assert message.value is not None
    assert message.timestamp is not None
    metric = Metric(
        message.key,
        message.value,
        message.timestamp,
        message.step or 0,
        message.model_id or None,
        message.dataset_name or None,
        message.dataset_digest or None,
    )
    await services.db.write(service.log_batch, actor, message.run_id or "", Batch(metrics=[metric]))


@endpoint("POST", "runs/log-parameter", messages.LogPair, WRITE)
async def log_parameter(services: Services, actor: Actor, message: messages.LogPair) -> None:
    param = (message.key or "", message.value or "")
    await services.db.write(service.log_batch, actor, message.run_id or "", Batch(params=[param]))


@endpoint("POST", "runs/set-tag", messages.LogPair, WRITE)
async def set_tag(services: Services, actor: Actor, message: messages.LogPair) -> None:
    tag = (message.key or "", message.value or "")
    await services.db.write(service.log_batch, actor, message.run_id or "", Batch(tags=[tag]))


@endpoint("POST", "runs/delete-tag", messages.DeleteTag, WRITE)
async def delete_tag(services: Services, actor: Actor, message: messages.DeleteTag) -> None:
    await services.db.write(service.delete_tag, actor, message.run_id or "", message.key or "")


@endpoint("POST", "runs/log-batch", messages.LogBatch, WRITE, max_body=MAX_BATCH_BYTES)
async def log_batch(services: Services, actor: Actor, message: messages.LogBatch) -> None:
    metrics = [_metric(metric, f"metrics[{place}]") for place, metric in enumerate(message.metrics)]
    batch = Batch(metrics, _named(message.params, "params"), _named(message.tags, "tags"))
    await services.db.write(service.log_batch, actor, message.run_id or "", batch)


def _named(pairs: list[messages.KeyValue], field: str) -> list[tuple[str, str]]:
    """Return params or tags of a batch, each with its key."""
    for place, pair in enumerate(pairs):
        if not pair.key:
            raise missing(f"{field}[{place}].key")
    return pairs_in(pairs)


def _metric(given: messages.MetricIn, path: str) -> Metric:
    if not given.key:
        raise missing(f"{path}.key")
    if given.value is None:
        raise missing(f"{path}.value")
    if given.timestamp is None:
        raise missing(f"{path}.timestamp")
    return Metric(
        given.key,
        given.value,
        given.timestamp,
        given.step or 0,
        given.model_id or None,
        given.dataset_name or None,
        given.dataset_digest or None,
    )


@endpoint("POST", "runs/log-model", messages.LogModel, WRITE)
async def log_model(services: Services, actor: Actor, message: messages.LogModel) -> None:
    text = message.model_json or ""
    try:
        model = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(
            f"Malformed model info. \n {text[:500]} \n is not a valid JSON.", field="model_json"
        ) from error
    if not isinstance(model, dict):
        raise InvalidArgument(
            f"Malformed model info: it must be a JSON object, got {type(model).__name__}.", field="model_json"
        )
    absent = [name for name in MODEL_FIELDS if name not in model]
    if absent:
        raise InvalidArgument(f"Model json is missing mandatory fields: {set(absent)}", field="model_json")
    described = {name: model[name] for name in (*MODEL_FIELDS, "model_uuid") if name in model}
    await services.db.write(service.log_model, actor, message.run_id or "", described)


@endpoint("POST", "runs/log-inputs", messages.LogInputs, WRITE)
async def log_inputs(services: Services, actor: Actor, message: messages.LogInputs) -> None:
    datasets = [DatasetInput(given.dataset.dataset(), pairs_once(given.tags, "tags")) for given in message.datasets]
    inputs = RunInputs(datasets, [model.model_id or "" for model in message.models])
    await services.db.write(service.log_inputs, actor, message.run_id or "", inputs)


@endpoint("POST", "runs/outputs", messages.LogOutputs, WRITE)
async def log_outputs(services: Services, actor: Actor, message: messages.LogOutputs) -> None:
    models = [ModelOutput(model.model_id or "", model.step or 0) for model in message.models or []]
    await services.db.write(service.log_outputs, actor, message.run_id or "", models)


@endpoint("POST", "experiments/search-datasets", messages.SearchDatasets, READ)
async def search_datasets(services: Services, actor: Actor, message: messages.SearchDatasets) -> Json:
    summaries = await services.db.read(service.search_datasets, actor, message.experiment_ids)
    return present({"dataset_summaries": [dataset_summary_out(summary) for summary in summaries]})
