"""``/api/v1`` of experiments, runs and logged models, and of their artifacts."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, patch, post, put, route
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.pages import offset_of
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.artifacts.routes import READING, AnyRequest, Blobs, Folder, body_of, send_file
from mainspring.modules.artifacts.schemas import Artifact, Artifacts
from mainspring.modules.tracking import service
from mainspring.modules.tracking.schemas import (
    Batch,
    Experiment,
    ExperimentCreate,
    Experiments,
    ExperimentUpdate,
    LoggedModel,
    LoggedModels,
    LoggedModelSearch,
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
READ_FILES, WRITE_FILES = needs(Permission.ARTIFACTS_READ), needs(Permission.ARTIFACTS_WRITE)
Db = NamedDependency[Database]
Who = NamedDependency[Actor]
Filter = Annotated[str, QueryParameter(description="Conditions joined by AND, such as `metrics.loss < 0.1`.")]
OrderBy = Annotated[list[str] | None, QueryParameter(description="Such as `metrics.loss ASC`; may come repeatedly.")]
MaxResults = Annotated[int, QueryParameter(description="How many at most.")]
PageToken = Annotated[str | None, QueryParameter(description="The `next_page_token` of the page before.")]
EXPERIMENTS = "/api/v1/experiments"
RUNS = "/api/v1/runs"
LOGGED_MODELS = "/api/v1/logged-models"


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
    page = await db.read(service.search_runs, actor, query)
    return Runs(page.items, page.next_page_token)


@post(RUNS, opt=WRITE)
async def create_run(db: Db, actor: Who, data: JSONBody[RunCreate]) -> Run:
    """Start a run."""
    return await db.write(service.create_run, actor, data)


@post(f"{RUNS}/search", opt=READ, status_code=200)
async def search_runs(db: Db, actor: Who, data: JSONBody[RunSearch]) -> Runs:
    """Search the runs of several experiments."""
    page = await db.read(service.search_runs, actor, data)
    return Runs(page.items, page.next_page_token)


@get(f"{RUNS}/{{run_id:str}}", opt=READ)
async def get_run(db: Db, actor: Who, run_id: FromPath[str]) -> Run:
    """Get a run, a deleted one too."""
    return await db.read(service.get_run, actor, run_id)


@patch(f"{RUNS}/{{run_id:str}}", opt=WRITE)
async def update_run(db: Db, actor: Who, run_id: FromPath[str], data: JSONBody[RunUpdate]) -> RunHeader:
    """Change a run's status, end or name."""
    return await db.write(service.update_run, actor, run_id, data)


@delete(f"{RUNS}/{{run_id:str}}", opt=WRITE)
async def delete_run(db: Db, actor: Who, run_id: FromPath[str]) -> None:
    """Mark a run as deleted."""
    await db.write(service.delete_run, actor, run_id)


@post(f"{RUNS}/{{run_id:str}}/restore", opt=WRITE, status_code=200)
async def restore_run(db: Db, actor: Who, run_id: FromPath[str]) -> Run:
    """Bring a deleted run back."""
    await db.write(service.restore_run, actor, run_id)
    return await db.read(service.get_run, actor, run_id)


@post(f"{RUNS}/{{run_id:str}}/log", opt=WRITE, status_code=204)
async def log_to_run(db: Db, actor: Who, run_id: FromPath[str], data: JSONBody[RunLog]) -> None:
    """Log points, params and tags to a run, all or none."""
    batch = Batch(data.metrics, list(data.params.items()), list(data.tags.items()))
    await db.write(service.log_batch, actor, run_id, batch)


@put(f"{RUNS}/{{run_id:str}}/tags/{{key:path}}", opt=WRITE, status_code=204)
async def set_run_tag(db: Db, actor: Who, run_id: FromPath[str], key: FromPath[str], data: JSONBody[TagValue]) -> None:
    """Set a tag of a run."""
    await db.write(service.log_batch, actor, run_id, Batch(tags=[(key.removeprefix("/"), data.value)]))


@delete(f"{RUNS}/{{run_id:str}}/tags/{{key:path}}", opt=WRITE)
async def delete_run_tag(db: Db, actor: Who, run_id: FromPath[str], key: FromPath[str]) -> None:
    """Delete a tag of a run."""
    await db.write(service.delete_tag, actor, run_id, key.removeprefix("/"))


@get(f"{RUNS}/{{run_id:str}}/metrics/{{key:path}}", opt=READ)
async def get_metric_history(
    db: Db,
    actor: Who,
    run_id: FromPath[str],
    key: FromPath[str],
    max_results: MaxResults = 10_000,
    page_token: PageToken = None,
) -> MetricHistory:
    """Get the points of one metric by timestamp, step and value."""
    await db.read(service.get_run_header, actor, run_id)
    page = await db.read(service.get_metric_history, actor, run_id, key.removeprefix("/"), max_results, page_token)
    return MetricHistory(page.items, page.next_page_token)


@get(f"{RUNS}/{{run_id:str}}/artifacts", opt=READ_FILES)
async def list_run_artifacts(db: Db, blobs: Blobs, actor: Who, run_id: FromPath[str], path: Folder = "") -> Artifacts:
    """List what lies directly in a folder of a run's artifacts."""
    run = await db.read(service.get_run_header, actor, run_id)
    return Artifacts(await artifacts.list_artifacts(blobs, actor, run.artifact_uri, path))


@route(f"{RUNS}/{{run_id:str}}/artifacts/{{path:path}}", http_method=READING, opt=READ_FILES)
async def get_run_artifact(
    db: Db, blobs: Blobs, actor: Who, request: AnyRequest, run_id: FromPath[str], path: FromPath[str]
) -> Stream:
    """Get a file of a run.

    One range of bytes may be asked for, and `If-None-Match` is answered.
    """
    run = await db.read(service.get_run_header, actor, run_id)
    return await send_file(blobs, actor, request, run.artifact_uri, path)


@put(f"{RUNS}/{{run_id:str}}/artifacts/{{path:path}}", opt=WRITE_FILES, request_max_body_size=None)
async def put_run_artifact(
    db: Db, blobs: Blobs, actor: Who, request: AnyRequest, run_id: FromPath[str], path: FromPath[str]
) -> Artifact:
    """Store a file of a run.

    All of it is there once this is answered; after any failure, what was there before.
    """
    run = await db.read(service.get_run_header, actor, run_id)
    meta = await artifacts.put_artifact(blobs, actor, run.artifact_uri, path.removeprefix("/"), body_of(request))
    return Artifact(path.removeprefix("/"), False, meta.size)


@delete(f"{RUNS}/{{run_id:str}}/artifacts/{{path:path}}", opt=WRITE_FILES)
async def delete_run_artifact(db: Db, blobs: Blobs, actor: Who, run_id: FromPath[str], path: FromPath[str]) -> None:
    """Delete a file of a run, or a folder with all it holds.

    That there is neither is no error.
    """
    run = await db.read(service.get_run_header, actor, run_id)
    await artifacts.delete_artifact(blobs, actor, run.artifact_uri, path.removeprefix("/"))


@post(f"{LOGGED_MODELS}/search", opt=READ, status_code=200)
async def search_logged_models(db: Db, actor: Who, data: JSONBody[LoggedModelSearch]) -> LoggedModels:
    """Search the logged models of several experiments."""
    offset = offset_of(data.page_token)
    wanted = (data.experiment_ids, data.filter, data.datasets, data.max_results, data.order_by, offset)
    page = await db.read(service.search_logged_models, actor, *wanted)
    return LoggedModels(page.items, page.next_page_token)


@get(f"{LOGGED_MODELS}/{{model_id:str}}", opt=READ)
async def get_logged_model(db: Db, actor: Who, model_id: FromPath[str]) -> LoggedModel:
    """Get a logged model with its params, tags and metrics."""
    return await db.read(service.get_logged_model, actor, model_id)


@get(f"{LOGGED_MODELS}/{{model_id:str}}/artifacts", opt=READ_FILES)
async def list_logged_model_artifacts(
    db: Db, blobs: Blobs, actor: Who, model_id: FromPath[str], path: Folder = ""
) -> Artifacts:
    """List what lies directly in a folder of a logged model's files."""
    model = await db.read(service.get_logged_model, actor, model_id)
    return Artifacts(await artifacts.list_artifacts(blobs, actor, model.artifact_uri, path))


@route(f"{LOGGED_MODELS}/{{model_id:str}}/artifacts/{{path:path}}", http_method=READING, opt=READ_FILES)
async def get_logged_model_artifact(
    db: Db, blobs: Blobs, actor: Who, request: AnyRequest, model_id: FromPath[str], path: FromPath[str]
) -> Stream:
    """Get a file of a logged model.

    One range of bytes may be asked for, and `If-None-Match` is answered.
    """
    model = await db.read(service.get_logged_model, actor, model_id)
    return await send_file(blobs, actor, request, model.artifact_uri, path)


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
    set_run_tag,
    delete_run_tag,
    get_metric_history,
    list_run_artifacts,
    get_run_artifact,
    put_run_artifact,
    delete_run_artifact,
    search_logged_models,
    get_logged_model,
    list_logged_model_artifacts,
    get_logged_model_artifact,
]
