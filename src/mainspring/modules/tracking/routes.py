"""``/api/v1`` of experiments and runs."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, patch, post, put
from litestar.params import Parameter

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.tracking import service
from mainspring.modules.tracking.schemas import (
    Batch,
    Experiment,
    ExperimentCreate,
    Experiments,
    ExperimentUpdate,
    MetricHistory,
    Run,
    RunCreate,
    RunHeader,
    RunLog,
    Runs,
    RunSearch,
    RunUpdate,
    TagValue,
    ViewType,
)

READ, WRITE = needs(Permission.TRACKING_READ), needs(Permission.TRACKING_WRITE)
Filter = Annotated[str, Parameter(description="Conditions joined by AND, such as `metrics.loss < 0.1`.")]
OrderBy = Annotated[list[str] | None, Parameter(query="order_by", description="Such as `metrics.loss ASC`.")]
EXPERIMENTS = "/api/v1/experiments"
RUNS = "/api/v1/runs"


@get(EXPERIMENTS, opt=READ)
async def search_experiments(
    db: Database,
    actor: Actor,
    filter: Filter = "",
    view_type: ViewType = ViewType.ACTIVE_ONLY,
    max_results: int = 100,
    order_by: OrderBy = None,
    page_token: str | None = None,
) -> Experiments:
    """Search experiments."""
    page = await db.read(service.search_experiments, actor, filter, view_type, max_results, order_by, page_token)
    return Experiments(page.items, page.next_page_token)


@post(EXPERIMENTS, opt=WRITE)
async def create_experiment(db: Database, actor: Actor, data: ExperimentCreate) -> Experiment:
    """Create an experiment."""
    return await db.write(service.create_experiment, actor, data)


@get(f"{EXPERIMENTS}/{{experiment_id:str}}", opt=READ)
async def get_experiment(db: Database, actor: Actor, experiment_id: str) -> Experiment:
    """Get an experiment, a deleted one too."""
    return await db.read(service.get_experiment, actor, experiment_id)


@patch(f"{EXPERIMENTS}/{{experiment_id:str}}", opt=WRITE)
async def update_experiment(db: Database, actor: Actor, experiment_id: str, data: ExperimentUpdate) -> Experiment:
    """Rename an experiment."""
    await db.write(service.rename_experiment, actor, experiment_id, data.name)
    return await db.read(service.get_experiment, actor, experiment_id)


@delete(f"{EXPERIMENTS}/{{experiment_id:str}}", opt=WRITE)
async def delete_experiment(db: Database, actor: Actor, experiment_id: str) -> None:
    """Mark an experiment and its runs as deleted."""
    await db.write(service.delete_experiment, actor, experiment_id)


@post(f"{EXPERIMENTS}/{{experiment_id:str}}/restore", opt=WRITE, status_code=200)
async def restore_experiment(db: Database, actor: Actor, experiment_id: str) -> Experiment:
    """Bring a deleted experiment back with its runs."""
    await db.write(service.restore_experiment, actor, experiment_id)
    return await db.read(service.get_experiment, actor, experiment_id)


@put(f"{EXPERIMENTS}/{{experiment_id:str}}/tags/{{key:path}}", opt=WRITE, status_code=204)
async def set_experiment_tag(db: Database, actor: Actor, experiment_id: str, key: str, data: TagValue) -> None:
    """Set a tag of an experiment."""
    await db.write(service.set_experiment_tag, actor, experiment_id, key.removeprefix("/"), data.value)


@delete(f"{EXPERIMENTS}/{{experiment_id:str}}/tags/{{key:path}}", opt=WRITE)
async def delete_experiment_tag(db: Database, actor: Actor, experiment_id: str, key: str) -> None:
    """Delete a tag of an experiment."""
    await db.write(service.delete_experiment_tag, actor, experiment_id, key.removeprefix("/"))


@get(f"{EXPERIMENTS}/{{experiment_id:str}}/runs", opt=READ)
async def list_runs(
    db: Database,
    actor: Actor,
    experiment_id: str,
    filter: Filter = "",
    view_type: ViewType = ViewType.ACTIVE_ONLY,
    max_results: int = 100,
    order_by: OrderBy = None,
    page_token: str | None = None,
) -> Runs:
    """Search the runs of one experiment."""
    await db.read(service.get_experiment, actor, experiment_id)
    query = RunSearch([experiment_id], filter, view_type, max_results, order_by or [], page_token)
    page = await db.read(service.search_runs, actor, query)
    return Runs(page.items, page.next_page_token)


@post(RUNS, opt=WRITE)
async def create_run(db: Database, actor: Actor, data: RunCreate) -> Run:
    """Start a run."""
    return await db.write(service.create_run, actor, data)


@post(f"{RUNS}/search", opt=READ, status_code=200)
async def search_runs(db: Database, actor: Actor, data: RunSearch) -> Runs:
    """Search the runs of several experiments."""
    page = await db.read(service.search_runs, actor, data)
    return Runs(page.items, page.next_page_token)


@get(f"{RUNS}/{{run_id:str}}", opt=READ)
async def get_run(db: Database, actor: Actor, run_id: str) -> Run:
    """Get a run, a deleted one too."""
    return await db.read(service.get_run, actor, run_id)


@patch(f"{RUNS}/{{run_id:str}}", opt=WRITE)
async def update_run(db: Database, actor: Actor, run_id: str, data: RunUpdate) -> RunHeader:
    """Change a run's status, end or name."""
    return await db.write(service.update_run, actor, run_id, data)


@delete(f"{RUNS}/{{run_id:str}}", opt=WRITE)
async def delete_run(db: Database, actor: Actor, run_id: str) -> None:
    """Mark a run as deleted."""
    await db.write(service.delete_run, actor, run_id)


@post(f"{RUNS}/{{run_id:str}}/restore", opt=WRITE, status_code=200)
async def restore_run(db: Database, actor: Actor, run_id: str) -> Run:
    """Bring a deleted run back."""
    await db.write(service.restore_run, actor, run_id)
    return await db.read(service.get_run, actor, run_id)


@post(f"{RUNS}/{{run_id:str}}/log", opt=WRITE, status_code=204)
async def log_to_run(db: Database, actor: Actor, run_id: str, data: RunLog) -> None:
    """Log points, params and tags to a run, all or none."""
    batch = Batch(data.metrics, list(data.params.items()), list(data.tags.items()))
    await db.write(service.log_batch, actor, run_id, batch)


@delete(f"{RUNS}/{{run_id:str}}/tags/{{key:path}}", opt=WRITE)
async def delete_run_tag(db: Database, actor: Actor, run_id: str, key: str) -> None:
    """Delete a tag of a run."""
    await db.write(service.delete_tag, actor, run_id, key.removeprefix("/"))


@get(f"{RUNS}/{{run_id:str}}/metrics/{{key:path}}", opt=READ)
async def get_metric_history(
    db: Database, actor: Actor, run_id: str, key: str, max_results: int = 10_000, page_token: str | None = None
) -> MetricHistory:
    """Get the points of one metric by timestamp, step and value."""
    await db.read(service.get_run_header, actor, run_id)
    page = await db.read(service.get_metric_history, actor, run_id, key.removeprefix("/"), max_results, page_token)
    return MetricHistory(page.items, page.next_page_token)


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
    create_run,
    search_runs,
    get_run,
    update_run,
    delete_run,
    restore_run,
    log_to_run,
    delete_run_tag,
    get_metric_history,
]
