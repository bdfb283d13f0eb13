"""Who asks, and which repositories there are.

A list is the catalog's: ``search`` is its free text, ``filter`` and ``pipeline_tag`` are keywords of an item.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection

from mainspring.api.hub.answers import ROUTES, next_link, respond_json
from mainspring.api.hub.repositories import COLLECTIONS, content_of, describe
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.http import Request, Send
from mainspring.kit.permissions import Permission
from mainspring.modules.catalog import service as catalog
from mainspring.modules.catalog.service import ItemQuery, SortKey, Term, Words
from mainspring.modules.services import Services

PAGE = 100
MAX_PAGE = 1_000
MAX_FILTERS = 20
SORTED = {
    "lastModified": "updated",
    "createdAt": "created",
    "likes": catalog.STARS,
    "trendingScore": catalog.STARS,
    "downloads": catalog.STARS,
}
"""What lists are sorted by, newest or most first; of downloads and trends nothing is known but who likes it."""


@ROUTES.add("GET", "/api/whoami-v2", permission=Permission.SIGNED_IN)
async def who_am_i(_services: Services, actor: Actor, _request: Request, send: Send, _fields: dict[str, str]) -> None:
    """Tell whose token it is; here it reads, whatever else it may do elsewhere."""
    token = {"displayName": "Mainspring", "role": "read"}
    told = {"type": "user", "id": actor.name, "name": actor.name, "fullname": actor.name, "orgs": []}
    await respond_json(send, told | {"auth": {"type": "access_token", "accessToken": token}})


@ROUTES.add("GET", "/api/models", permission=Permission.PROJECTS_DISCOVER)
async def list_models(services: Services, actor: Actor, request: Request, send: Send, _fields: dict[str, str]) -> None:
    """List models."""
    await _list(services, actor, request, send, "models")


@ROUTES.add("GET", "/api/datasets", permission=Permission.PROJECTS_DISCOVER)
async def list_datasets(
    services: Services, actor: Actor, request: Request, send: Send, _fields: dict[str, str]
) -> None:
    """List datasets."""
    await _list(services, actor, request, send, "datasets")


async def _list(services: Services, actor: Actor, request: Request, send: Send, kind: str) -> None:
    if request.field("gated") in ("true", "True"):  # nothing is
        return await respond_json(send, [])
    found, following = await services.db.read(_search, actor, kind, read_query(request, kind))
    author = (request.field("author") or "").lower()
    told = [each for each in found if not author or str(each["author"]).lower() == author]
    await respond_json(send, told, [next_link(request, following)] if following else [])


def _search(tx: Connection, actor: Actor, kind: str, query: ItemQuery) -> tuple[list[dict[str, object]], str | None]:
    page = catalog.search_items(tx, actor, query)
    paths = page.around.paths
    return [describe(kind, each, content_of(each), paths[each.project]) for each in page.records], page.next


def read_query(request: Request, kind: str) -> ItemQuery:
    """Return the query of a request for a list. Raises InvalidArgument."""
    named = {"filter", "pipeline_tag"}
    tags = [tag for name, value in request.query if name in named for tag in value.split(",") if tag]
    if len(tags) > MAX_FILTERS:
        raise InvalidArgument(f"filter has {len(tags)} tags; at most {MAX_FILTERS} are looked for.", field="filter")
    terms: list[Term] = [catalog.Compare("keywords", "=", tag) for tag in tags]
    words = [" ".join(value.lower().split()) for name, value in request.query if name == "search"]
    terms += [Words((each,)) for each in words if each]
    order = request.field("sort") or "lastModified"
    if order not in SORTED:
        raise InvalidArgument(f"sort is '{order[:100]}'; it must be one of {', '.join(SORTED)}.", field="sort")
    limit = request.field("limit") or str(PAGE)
    if not re.fullmatch(r"[1-9][0-9]{0,8}", limit):
        raise InvalidArgument(f"limit is '{limit[:100]}'; it must be a number from 1.", field="limit")
    return ItemQuery(
        (COLLECTIONS[kind],),
        None,
        tuple(terms),
        (SortKey(SORTED[order], ascending=request.field("direction") == "1"),),
        min(int(limit), MAX_PAGE),
        request.field("cursor"),
    )
