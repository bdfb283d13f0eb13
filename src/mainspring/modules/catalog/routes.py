"""``/api/v1`` of the catalog: its sources, warnings of its metadata, and stars. Items are found at ``/api/v1/stac``."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from litestar import Request, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter

from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.catalog import service
from mainspring.modules.catalog.schemas import (
    CatalogSources,
    LintReport,
    LintRequest,
    Markdown,
    Readme,
    RenderedMarkdown,
    SyncRequest,
    WarnedItems,
)
from mainspring.modules.catalog.service.markdown import render_markdown as render
from mainspring.modules.catalog.service.webhook import MAX_BODY, check_secret, take_event
from mainspring.modules.services import Services

All = NamedDependency[Services]
Who = NamedDependency[Actor]
DISCOVER, READ = needs(Permission.PROJECTS_DISCOVER), needs(Permission.PROJECT_READ)
MaxResults = Annotated[int, QueryParameter(description="How many at most.")]
PageToken = Annotated[str | None, QueryParameter(description="The `next_page_token` of the page before.")]
CATALOG, STAR = "/api/v1/catalog", "/api/v1/project/star"


@get(f"{CATALOG}/sources", opt=DISCOVER)
async def list_sources(services: All, actor: Who) -> CatalogSources:
    """Tell where the catalog's projects come from, and how fresh it is."""
    return CatalogSources(await services.db.read(service.list_source_states, actor, services.sources.keys()))


@post(f"{CATALOG}/sync", opt=needs(Permission.INSTANCE_MANAGE), status_code=202)
async def sync_catalog(services: All, actor: Who, data: JSONBody[SyncRequest]) -> CatalogSources:
    """Have a source, a project or everything read again, soon."""
    opened = services.sources.keys()
    await services.db.write(service.request_sync, actor, data, opened)
    return CatalogSources(await services.db.read(service.list_source_states, actor, opened))


@get(f"{CATALOG}/warnings", opt=DISCOVER)
async def list_warnings(
    services: All,
    actor: Who,
    project: FromQuery[str] = "",
    max_results: MaxResults = 100,
    page_token: PageToken = None,
) -> WarnedItems:
    """List items whose metadata is not as it should be, and say why."""
    page = await services.db.read(service.list_warnings, actor, project, max_results, page_token)
    return WarnedItems(page.items, page.next_page_token)


@post(f"{CATALOG}/lint", opt=DISCOVER, status_code=200)
async def lint_readme(data: JSONBody[LintRequest]) -> LintReport:
    """Check the metadata of a README that is not in any project yet."""
    return LintReport(await asyncio.to_thread(service.lint_readme, data.readme))


@post("/api/v1/markdown", opt=DISCOVER, status_code=200)
async def render_markdown(actor: Who, data: JSONBody[Markdown]) -> RenderedMarkdown:
    """Turn Markdown into safe HTML, its front matter apart."""
    return await asyncio.to_thread(render, actor, data)


@get("/api/v1/project/readme", opt=needs(Permission.ARTIFACTS_READ))
async def get_readme(services: All, actor: Who) -> Readme:
    """Get the README of the project of the URL, as safe HTML."""
    return await services.db.read(service.get_readme, actor)


@put(STAR, opt=READ, status_code=204)
async def star_project(services: All, actor: Who) -> None:
    """Star the project of the URL, where it comes from."""
    await service.star_project(services, actor, True)


@delete(STAR, opt=READ)
async def unstar_project(services: All, actor: Who) -> None:
    """Take one's star of the project of the URL back."""
    await service.star_project(services, actor, False)


@post(
    "/api/v1/sources/gitlab/events",
    opt=needs(Permission.PUBLIC),
    include_in_schema=False,
    status_code=204,
    request_max_body_size=MAX_BODY,
)
async def take_gitlab_event(services: All, request: Request[Any, Any, Any]) -> None:
    """Take an event of a GitLab, which proves itself by the secret of the settings."""
    check_secret(services, request.headers.get("x-gitlab-token", ""))
    await take_event(services, await request.body())


HANDLERS = [
    list_sources,
    sync_catalog,
    list_warnings,
    lint_readme,
    render_markdown,
    get_readme,
    star_project,
    unstar_project,
    take_gitlab_event,
]
