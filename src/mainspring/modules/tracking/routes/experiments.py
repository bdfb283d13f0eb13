"""``/api/v1/experiments``: experiments, and the runs of one."""

from __future__ import annotations

from litestar import delete, get, patch, post, put
from litestar.params import FromPath, FromQuery, JSONBody

from mainspring.modules.tracking import service
from mainspring.modules.tracking.routes.parameters import (
    READ,
    WRITE,
    Db,
    Filter,
    MaxResults,
    OrderBy,
    PageToken,
    Who,
)
from mainspring.modules.tracking.schemas import (
    Experiment,
    ExperimentCreate,
    Experiments,
    ExperimentUpdate,
    Runs,
    RunSearch,
    TagValue,
    ViewType,
)

EXPERIMENTS = "/api/v1/experiments"


@get(EXPERIMENTS, opt=READ)
async def search_experiments(
    db: Db,
    actor: Who,
    filter: Filter = "",
    view_type: FromQuery[ViewType] = ViewType.ACTIVE_ONLY,
    max_results: MaxResults = 100,
    order_by: OrderBy = None,
    page_token: PageToken = None,
) -> Experiments:
    """Search experiments."""
    page = await db.read(service.search_experiments, actor, filter, view_type, max_results, order_by, page_token)
    return Experiments(page.items, page.next_page_token)


@post(EXPERIMENTS, opt=WRITE)
async def create_experiment(db: Db, actor: Who, data: JSONBody[ExperimentCreate]) -> Experiment:
    """Create an experiment."""
    return await db.write(service.create_experiment, actor, data)


@get(f"{EXPERIMENTS}/{{experiment_id:str}}", opt=READ)
async def get_experiment(db: Db, actor: Who, experiment_id: FromPath[str]) -> Experiment:
    """Get an experiment, a deleted one too."""
    return await db.read(service.get_experiment, actor, experiment_id)


@patch(f"{EXPERIMENTS}/{{experiment_id:str}}", opt=WRITE)
async def update_experiment(
    db: Db, actor: Who, experiment_id: FromPath[str], data: JSONBody[ExperimentUpdate]
) -> Experiment:
    """Rename an experiment."""
    await db.write(service.rename_experiment, actor, experiment_id, data.name)
    return await db.read(service.get_experiment, actor, experiment_id)


@delete(f"{EXPERIMENTS}/{{experiment_id:str}}", opt=WRITE)
async def delete_experiment(db: Db, actor: Who, experiment_id: FromPath[str]) -> None:
    """Mark an experiment and its runs as deleted."""
    await db.write(service.delete_experiment, actor, experiment_id)


@post(f"{EXPERIMENTS}/{{experiment_id:str}}/restore", opt=WRITE, status_code=200)
async def restore_experiment(db: Db, actor: Who, experiment_id: FromPath[str]) -> Experiment:
    """Bring a deleted experiment back with its runs."""
    await db.write(service.restore_experiment, actor, experiment_id)
    return await db.read(service.get_experiment, actor, experiment_id)


@put(f"{EXPERIMENTS}/{{experiment_id:str}}/tags/{{key:path}}", opt=WRITE, status_code=204)
async def set_experiment_tag(
    db: Db, actor: Who, experiment_id: FromPath[str], key: FromPath[str], data: JSONBody[TagValue]
) -> None:
    """Set a tag of an experiment."""
    await db.write(service.set_experiment_tag, actor, experiment_id, key.removeprefix("/"), data.value)


@delete(f"{EXPERIMENTS}/{{experiment_id:str}}/tags/{{key:path}}", opt=WRITE)
async def delete_experiment_tag(db: Db, actor: Who, experiment_id: FromPath[str], key: FromPath[str]) -> None:
    """Delete a tag of an experiment."""
    await db.write(service.delete_experiment_tag, actor, experiment_id, key.removeprefix("/"))


@get(f"{EXPERIMENTS}/{{experiment_id:str}}/runs", opt=READ)
async def list_runs(
    db: Db,
    actor: Who,
    experiment_id: FromPath[str],
    filter: Filter = "",
    view_type: FromQuery[ViewType] = ViewType.ACTIVE_ONLY,
    max_results: MaxResults = 100,
    order_by: OrderBy = None,
    page_token: PageToken = None,
) -> Runs:
    """Search the runs of one experiment."""
    await db.read(service.get_experiment, actor, experiment_id)
    query = RunSearch([experiment_id], filter, view_type, max_results, order_by or [], page_token)
    return await db.read(service.search_runs, actor, query)


HANDLERS = [
    search_experiments,
    create_experiment,
    get_experiment,
    update_experiment,
    delete_experiment,
    restore_experiment,
    set_experiment_tag,
    delete_experiment_tag,
    list_runs,
]
