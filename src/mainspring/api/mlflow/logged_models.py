"""Endpoints of logged models."""

from __future__ import annotations

import hashlib

import msgspec

from mainspring.api.mlflow import messages
from mainspring.api.mlflow.answers import MODEL_STATUS_IN, Json, logged_model_out, present
from mainspring.api.mlflow.dispatch import endpoint
from mainspring.api.mlflow.experiments import one_of
from mainspring.api.mlflow.messages import pairs_in, pairs_once
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import missing_value
from mainspring.kit.pages import offset_of
from mainspring.kit.permissions import Permission
from mainspring.modules.services import Services
from mainspring.modules.tracking import service
from mainspring.modules.tracking.schemas import DatasetScope, LoggedModelCreate, ModelOrder, ModelStatus

READ, WRITE = Permission.TRACKING_READ, Permission.TRACKING_WRITE


@endpoint("POST", "logged-models", messages.CreateLoggedModel, WRITE)
async def create_logged_model(services: Services, actor: Actor, message: messages.CreateLoggedModel) -> Json:
    new = LoggedModelCreate(
        message.experiment_id or "",
        message.name,
        message.source_run_id,
        message.model_type,
        pairs_once(message.params, "params"),
        dict(pairs_in(message.tags)),
    )
    return logged_model_out(await services.db.write(service.create_logged_model, actor, new))


@endpoint("GET", "logged-models/{model_id}", messages.GetLoggedModel, READ)
async def get_logged_model(services: Services, actor: Actor, message: messages.GetLoggedModel) -> Json:
    found = services.db.read(service.get_logged_model, actor, message.model_id or "", message.allow_deleted)
    return logged_model_out(await found)


@endpoint("PATCH", "logged-models/{model_id}", messages.FinalizeLoggedModel, WRITE)
async def finalize_logged_model(services: Services, actor: Actor, message: messages.FinalizeLoggedModel) -> Json:
    status = ModelStatus(MODEL_STATUS_IN[one_of("status", message.status, messages.MODEL_STATUSES) or ""])
    model = await services.db.write(
        service.finalize_logged_model, actor, message.model_id or "", status, message.status_message
    )
    return logged_model_out(model)


@endpoint("DELETE", "logged-models/{model_id}", messages.LoggedModelId, WRITE)
async def delete_logged_model(services: Services, actor: Actor, message: messages.LoggedModelId) -> None:
    await services.db.write(service.delete_logged_model, actor, message.model_id or "")


@endpoint("PATCH", "logged-models/{model_id}/tags", messages.SetLoggedModelTags, WRITE)
async def set_tags(services: Services, actor: Actor, message: messages.SetLoggedModelTags) -> None:
    tags = dict(pairs_in(message.tags))
    await services.db.write(service.set_logged_model_tags, actor, message.model_id or "", tags)


@endpoint("DELETE", "logged-models/{model_id}/tags/{tag_key:path}", messages.DeleteLoggedModelTag, WRITE)
async def delete_tag(services: Services, actor: Actor, message: messages.DeleteLoggedModelTag) -> None:
    await services.db.write(service.delete_logged_model_tag, actor, message.model_id or "", message.tag_key or "")


@endpoint("POST", "logged-models/{model_id}/params", messages.LogLoggedModelParams, WRITE)
async def log_params(services: Services, actor: Actor, message: messages.LogLoggedModelParams) -> None:
    params = dict(pairs_in(message.params))
    await services.db.write(service.log_logged_model_params, actor, message.model_id or "", params)


class _PageToken(msgspec.Struct):
    """Where the next page starts, and a digest of the query that it belongs to."""

    offset: int
    query: str


@endpoint("POST", "logged-models/search", messages.SearchLoggedModels, READ)
async def search_logged_models(services: Services, actor: Actor, message: messages.SearchLoggedModels) -> Json:
    page = await services.db.read(
        service.search_logged_models,
        actor,
        message.experiment_ids or [],
        message.filter or "",
        [_scope(dataset) for dataset in message.datasets],
        message.max_results,
        [_order(order) for order in message.order_by],
        _offset(message),
    )
    answer: Json = {"models": [logged_model_out(model)["model"] for model in page.items]}
    if page.next_page_token:
        token = _PageToken(offset_of(page.next_page_token), _digest(message))
        answer["next_page_token"] = _encode(token)
    return present(answer)


def _scope(dataset: messages.SearchDataset) -> DatasetScope:
    if not dataset.dataset_name:
        raise missing_value("datasets.dataset_name")
    return DatasetScope(dataset.dataset_name, dataset.dataset_digest or None)


def _order(order: messages.SearchOrder) -> ModelOrder:
    if not order.field_name:
        raise missing_value("order_by.field_name")
    return ModelOrder(order.field_name, order.ascending, order.dataset_name or None, order.dataset_digest or None)


def _digest(message: messages.SearchLoggedModels) -> str:
    query = (message.experiment_ids, message.filter or "", message.order_by, message.datasets)
    return hashlib.sha256(msgspec.json.encode(query)).hexdigest()


def _encode(token: _PageToken) -> str:
    return msgspec.json.encode(msgspec.json.encode(token)).decode().strip('"')


def _offset(message: messages.SearchLoggedModels) -> int:
    if not message.page_token:
        return 0
    try:
        text = msgspec.json.decode(f'"{message.page_token}"', type=bytes)
        token = msgspec.json.decode(text, type=_PageToken)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise InvalidArgument(
            f"Invalid page token '{message.page_token}': pass the next_page_token of the page before, unchanged.",
            field="page_token",
        ) from error
    if token.query != _digest(message) or not 0 < token.offset < 2**63:
        raise InvalidArgument(
            "The page token belongs to another query: experiment_ids, filter, order_by and datasets must stay as they "
            "were on the first page.",
            field="page_token",
        )
    return token.offset
