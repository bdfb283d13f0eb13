"""``/api/v1`` of experiments, runs and logged models, and of their artifacts."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from litestar import Response, delete, get, patch, post, put, route
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from mainspring.db.engine import Database
from mainspring.kit import arrow
from mainspring.kit.actors import Actor
from mainspring.kit.pages import offset_of
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.artifacts import routes as files
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.artifacts.routes import READING, AnyRequest, Folder, Stores
from mainspring.modules.artifacts.schemas import (
    Artifact,
    Artifacts,
    PartNumbers,
    SignedDownload,
    SignedUrls,
    Upload,
    UploadCreate,
)
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
    MetricSeries,
    Run,
    RunCreate,
    RunHeader,
    RunLog,
    Runs,
    RunSearch,
    RunUpdate,
    SeriesQuery,
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
UPLOAD = f"{RUNS}/{{run_id:str}}/uploads/{{upload_id:str}}"
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
    return await db.read(service.search_runs, actor, query)


@post(RUNS, opt=WRITE)
async def create_run(db: Db, actor: Who, data: JSONBody[RunCreate]) -> Run:
    """Start a run."""
    return await db.write(service.create_run, actor, data)


@post(f"{RUNS}/search", opt=READ, status_code=200)
async def search_runs(db: Db, actor: Who, request: AnyRequest, data: JSONBody[RunSearch]) -> Response[Runs]:
    """Search the runs of several experiments.

    With `Accept: application/vnd.apache.arrow.stream` the answer is a table, a row a run, and the header
    `Next-Page-Token` says how to go on.
    """
    page = await db.read(service.search_runs, actor, data)
    if not arrow.accepts(request.headers.get("accept")):
        return Response(page)
    table: Any = await asyncio.to_thread(arrow.ipc_stream, service.run_columns(page.items))
    return Response(table, media_type=arrow.MEDIA_TYPE, headers={"Next-Page-Token": page.next_page_token or ""})


@post(f"{RUNS}/metrics:series", opt=READ, status_code=200)
async def get_series(db: Db, actor: Who, request: AnyRequest, data: JSONBody[SeriesQuery]) -> Response[MetricSeries]:
    """Get curves of runs, or bands of groups of runs, thinned for a chart.

    With `Accept: application/vnd.apache.arrow.stream` the answer is one long table, a row a point.
    """
    found = await db.read(service.get_series, actor, data)
    if not arrow.accepts(request.headers.get("accept")):
        return Response(found)
    columns = service.band_columns(found.groups) if data.groups else service.series_columns(found.series)
    table: Any = await asyncio.to_thread(arrow.ipc_stream, columns)
    return Response(table, media_type=arrow.MEDIA_TYPE)


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
async def list_run_artifacts(
    services: Stores,
    actor: Who,
    run_id: FromPath[str],
    path: Folder = "",
    max_results: files.PageSize = files.PAGE_SIZE,
    page_token: PageToken = None,
) -> Artifacts:
    """List what lies directly in a folder of a run's artifacts."""
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.list_files(services, actor, run.artifact_uri, path, max_results, page_token)


@route(f"{RUNS}/{{run_id:str}}/artifacts/{{path:path}}", http_method=READING, opt=READ_FILES)
async def get_run_artifact(
    services: Stores, actor: Who, request: AnyRequest, run_id: FromPath[str], path: FromPath[str]
) -> Stream:
    """Get a file of a run.

    One range of bytes may be asked for, and `If-None-Match` is answered. `Repr-Digest` tells the file's SHA-256
    where it is known.
    """
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.send_file(services, actor, request, run.artifact_uri, path)


@put(f"{RUNS}/{{run_id:str}}/artifacts/{{path:path}}", opt=WRITE_FILES, request_max_body_size=None)
async def put_run_artifact(
    services: Stores, actor: Who, request: AnyRequest, run_id: FromPath[str], path: FromPath[str]
) -> Artifact:
    """Store a file of a run.

    All of it is there once this is answered; after any failure, what was there before. What `Content-Digest`
    (RFC 9530) announces by its `sha-256` is checked first.
    """
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.store_file(services, actor, request, run.artifact_uri, path)


@delete(f"{RUNS}/{{run_id:str}}/artifacts/{{path:path}}", opt=WRITE_FILES)
async def delete_run_artifact(services: Stores, actor: Who, run_id: FromPath[str], path: FromPath[str]) -> None:
    """Delete a file of a run, or a folder with all it holds.

    That there is neither is no error.
    """
    run = await services.db.read(service.get_run_header, actor, run_id)
    await artifacts.delete_artifact(services, actor, run.artifact_uri, path.removeprefix("/"))


@get(f"{RUNS}/{{run_id:str}}/downloads/{{path:path}}", opt=READ_FILES)
async def sign_run_download(
    services: Stores,
    actor: Who,
    request: AnyRequest,
    run_id: FromPath[str],
    path: FromPath[str],
    expires_s: files.Expires = files.DOWNLOAD_S,
) -> SignedDownload:
    """Get a signed URL by which a file of a run is read without credentials."""
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.sign_download(services, actor, request, run.artifact_uri, path, expires_s)


@post(f"{RUNS}/{{run_id:str}}/uploads", opt=WRITE_FILES)
async def begin_run_upload(services: Stores, actor: Who, run_id: FromPath[str], data: JSONBody[UploadCreate]) -> Upload:
    """Begin the upload of a large file, to the store itself where it can be reached."""
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.begin_upload(services, actor, run.artifact_uri, data)


@get(UPLOAD, opt=WRITE_FILES)
async def get_run_upload(services: Stores, actor: Who, run_id: FromPath[str], upload_id: FromPath[str]) -> Upload:
    """Get an upload, with the parts of it that have come."""
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.get_upload(services, actor, run.artifact_uri, upload_id)


@post(f"{UPLOAD}/parts", opt=WRITE_FILES, status_code=200)
async def sign_run_upload(
    services: Stores,
    actor: Who,
    request: AnyRequest,
    run_id: FromPath[str],
    upload_id: FromPath[str],
    data: JSONBody[PartNumbers],
) -> SignedUrls:
    """Sign the requests by which parts of an upload are sent."""
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.sign_parts(services, actor, request, run.artifact_uri, upload_id, data)


@post(f"{UPLOAD}/complete", opt=WRITE_FILES, status_code=200)
async def complete_run_upload(
    services: Stores, actor: Who, run_id: FromPath[str], upload_id: FromPath[str]
) -> Artifact:
    """Make the file of an upload visible.

    Its parts must all have come. To repeat this is answered the same.
    """
    run = await services.db.read(service.get_run_header, actor, run_id)
    return await files.complete_upload(services, actor, run.artifact_uri, upload_id)


@delete(UPLOAD, opt=WRITE_FILES)
async def abort_run_upload(services: Stores, actor: Who, run_id: FromPath[str], upload_id: FromPath[str]) -> None:
    """Drop an upload and what has come of it.

    That it was dropped or completed before is no error.
    """
    run = await services.db.read(service.get_run_header, actor, run_id)
    await files.abort_upload(services, actor, run.artifact_uri, upload_id)


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
    services: Stores,
    actor: Who,
    model_id: FromPath[str],
    path: Folder = "",
    max_results: files.PageSize = files.PAGE_SIZE,
    page_token: PageToken = None,
) -> Artifacts:
    """List what lies directly in a folder of a logged model's files."""
    model = await services.db.read(service.get_logged_model, actor, model_id)
    return await files.list_files(services, actor, model.artifact_uri, path, max_results, page_token)


@route(f"{LOGGED_MODELS}/{{model_id:str}}/artifacts/{{path:path}}", http_method=READING, opt=READ_FILES)
async def get_logged_model_artifact(
    services: Stores, actor: Who, request: AnyRequest, model_id: FromPath[str], path: FromPath[str]
) -> Stream:
    """Get a file of a logged model.

    One range of bytes may be asked for, and `If-None-Match` is answered. `Repr-Digest` tells the file's SHA-256
    where it is known.
    """
    model = await services.db.read(service.get_logged_model, actor, model_id)
    return await files.send_file(services, actor, request, model.artifact_uri, path)


@get(f"{LOGGED_MODELS}/{{model_id:str}}/downloads/{{path:path}}", opt=READ_FILES)
async def sign_logged_model_download(
    services: Stores,
    actor: Who,
    request: AnyRequest,
    model_id: FromPath[str],
    path: FromPath[str],
    expires_s: files.Expires = files.DOWNLOAD_S,
) -> SignedDownload:
    """Get a signed URL by which a file of a logged model is read without credentials."""
    model = await services.db.read(service.get_logged_model, actor, model_id)
    return await files.sign_download(services, actor, request, model.artifact_uri, path, expires_s)


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
    get_series,
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
    sign_run_download,
    begin_run_upload,
    get_run_upload,
    sign_run_upload,
    complete_run_upload,
    abort_run_upload,
    search_logged_models,
    get_logged_model,
    list_logged_model_artifacts,
    get_logged_model_artifact,
    sign_logged_model_download,
]
