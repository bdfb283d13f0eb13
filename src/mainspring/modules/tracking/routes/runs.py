"""``/api/v1/runs``: runs, found and followed, and what they log."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody

from mainspring.kit import arrow
from mainspring.modules.artifacts.routes import AnyRequest
from mainspring.modules.tracking import service
from mainspring.modules.tracking.routes.parameters import (
    READ,
    RUNS,
    WRITE,
    Db,
    MaxResults,
    PageToken,
    Who,
)
from mainspring.modules.tracking.schemas import (
    Batch,
    MetricHistory,
    MetricSeries,
    Run,
    RunColumns,
    RunColumnsQuery,
    RunCreate,
    RunGroupQuery,
    RunGroups,
    RunHeader,
    RunLog,
    Runs,
    RunSearch,
    RunUpdate,
    SeriesQuery,
    TagValue,
)


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


@post(f"{RUNS}/columns", opt=READ, status_code=200)
async def get_run_columns(db: Db, actor: Who, data: JSONBody[RunColumnsQuery]) -> RunColumns:
    """List the params, metrics and tags that the runs of experiments have."""
    return await db.read(service.get_run_columns, actor, data.experiment_ids)


@post(f"{RUNS}/groups", opt=READ, status_code=200)
async def group_runs(db: Db, actor: Who, data: JSONBody[RunGroupQuery]) -> RunGroups:
    """Group runs by params or tags, with the mean and spread of metrics.

    All runs that the filter finds are looked at.
    """
    return await db.read(service.group_runs, actor, data)


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


HANDLERS = [
    create_run,
    search_runs,
    get_run_columns,
    group_runs,
    get_series,
    get_run,
    update_run,
    delete_run,
    restore_run,
    log_to_run,
    set_run_tag,
    delete_run_tag,
    get_metric_history,
]
