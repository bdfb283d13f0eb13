"""Endpoints of experiments."""

from __future__ import annotations

from typing import Any

from mainspring.api.mlflow import messages
from mainspring.api.mlflow.answers import Json, experiment_out, present
from mainspring.api.mlflow.dispatch import endpoint, wrong_type
from mainspring.api.mlflow.messages import pairs_once
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.permissions import Permission
from mainspring.modules.services import Services
from mainspring.modules.tracking import service
from mainspring.modules.tracking.schemas import ExperimentCreate, ViewType

READ, WRITE = Permission.TRACKING_READ, Permission.TRACKING_WRITE


def one_of(field: str, value: str | int | None, names: dict[int, str]) -> str | None:
    """Return the name of an enum's value, which clients send as its name or its number."""
    if value is None:
        return None
    number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 4 else value
    name = names.get(number) if isinstance(number, int) else number
    if name is None:
        raise wrong_type(field, value)
    if name not in names.values():
        raise InvalidArgument(
            f"Invalid value {value!r} for parameter '{field}' supplied: use one of {', '.join(names.values())}.",
            field=field,
        )
    return name


def view_type(field: str, value: str | int | None) -> ViewType:
    return ViewType(one_of(field, value, messages.VIEW_TYPES) or ViewType.ACTIVE_ONLY)


@endpoint("POST", "experiments/create", messages.CreateExperiment, WRITE)
async def create_experiment(services: Services, actor: Actor, message: messages.CreateExperiment) -> Json:
    new = ExperimentCreate(message.name or "", message.artifact_location, pairs_once(message.tags, "tags"))
    experiment = await services.db.write(service.create_experiment, actor, new)
    return {"experiment_id": experiment.experiment_id}


@endpoint("GET", "experiments/get", messages.ExperimentId, READ)
async def get_experiment(services: Services, actor: Actor, message: messages.ExperimentId) -> Json:
    experiment = await services.db.read(service.get_experiment, actor, message.experiment_id or "")
    return {"experiment": experiment_out(experiment, actor.workspace)}


@endpoint("GET", "experiments/get-by-name", messages.ExperimentName, READ)
async def get_experiment_by_name(services: Services, actor: Actor, message: messages.ExperimentName) -> Json:
    experiment = await services.db.read(service.get_experiment_by_name, actor, message.experiment_name or "")
    return {"experiment": experiment_out(experiment, actor.workspace)}


@endpoint("GET", "experiments/search", messages.SearchExperiments, READ)
@endpoint("POST", "experiments/search", messages.SearchExperiments, READ)
async def search_experiments(services: Services, actor: Actor, message: messages.SearchExperiments) -> Json:
    # The original has no default here: leaving max_results out is an error that its clients never make.
    return await _search(services, actor, message, message.max_results or 0, message.filter or "", message.order_by)


@endpoint("GET", "experiments/list", messages.ListExperiments, READ)
async def list_experiments(services: Services, actor: Actor, message: messages.ListExperiments) -> Json:
    """Answer clients before 2.0."""
    return await _search(services, actor, message, message.max_results or 1000, "", [])


async def _search(
    services: Services, actor: Actor, message: Any, max_results: int, filter: str, order_by: list[str]
) -> Json:
    page = await services.db.read(
        service.search_experiments,
        actor,
        filter,
        view_type("view_type", message.view_type),
        max_results,
        order_by,
        message.page_token,
    )
    experiments = [experiment_out(experiment, actor.workspace) for experiment in page.items]
    return present({"experiments": experiments, "next_page_token": page.next_page_token})


@endpoint("POST", "experiments/update", messages.UpdateExperiment, WRITE)
async def update_experiment(services: Services, actor: Actor, message: messages.UpdateExperiment) -> None:
    await services.db.write(service.rename_experiment, actor, message.experiment_id or "", message.new_name or "")


@endpoint("POST", "experiments/delete", messages.ExperimentId, WRITE)
async def delete_experiment(services: Services, actor: Actor, message: messages.ExperimentId) -> None:
    await services.db.write(service.delete_experiment, actor, message.experiment_id or "")


@endpoint("POST", "experiments/restore", messages.ExperimentId, WRITE)
async def restore_experiment(services: Services, actor: Actor, message: messages.ExperimentId) -> None:
    await services.db.write(service.restore_experiment, actor, message.experiment_id or "")


@endpoint("POST", "experiments/set-experiment-tag", messages.SetExperimentTag, WRITE)
async def set_experiment_tag(services: Services, actor: Actor, message: messages.SetExperimentTag) -> None:
    tag = (message.key or "", message.value or "")
    await services.db.write(service.set_experiment_tag, actor, message.experiment_id or "", *tag)


@endpoint("POST", "experiments/delete-experiment-tag", messages.DeleteExperimentTag, WRITE)
async def delete_experiment_tag(services: Services, actor: Actor, message: messages.DeleteExperimentTag) -> None:
    await services.db.write(service.delete_experiment_tag, actor, message.experiment_id or "", message.key or "")
