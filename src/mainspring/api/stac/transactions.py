"""The transaction extension: items are made, replaced, patched and deleted."""

from __future__ import annotations

from typing import Any

import msgspec

from mainspring.api.stac import bodies, documents
from mainspring.api.stac.documents import Document
from mainspring.api.stac.handlers import category_of, send_item, site_of
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.http import Request, Send, respond
from mainspring.modules.catalog.service import ItemRecord, Surroundings
from mainspring.modules.catalog.service.said import Said
from mainspring.modules.catalog.service.transactions import Conditions, create_items, delete_item, put_item
from mainspring.modules.services import Services


async def create(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Make an item, or each of a collection of items: all of them or none."""
    category, site = category_of(services, fields["collection"]), site_of(request)
    given = await bodies.read_body(request)
    new = bodies.read_new(site, category.id, given)
    await create_items(services, actor, category, new)
    if given.get("type") == "FeatureCollection":
        made = {"numberCreated": len(new), "ids": [each.id for each in new]}
        return await respond(send, 201, msgspec.json.encode(made))
    location = site.item(category.id, new[0].id)
    await send_item(services, actor, request, send, category.id, new[0].id, 201, [(b"location", location.encode())])


async def create_many(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Make each of a collection of items: all of them or none."""
    category = category_of(services, fields["collection"])
    given = await bodies.read_body(request)
    if given.get("type") != "FeatureCollection":
        raise InvalidArgument("type must be 'FeatureCollection'; one item is posted to items.", field="type")
    new = bodies.read_new(site_of(request), category.id, given)
    await create_items(services, actor, category, new)
    made = {"status": "created", "numberCreated": len(new), "ids": [each.id for each in new]}
    await respond(send, 201, msgspec.json.encode(made))


async def replace(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Have an item be what the body says, and nothing else."""
    given = await bodies.read_body(request)

    def saying(record: ItemRecord, around: Surroundings) -> Said:
        return _said(request, fields, record, around, given)

    await _write(services, actor, request, send, fields, saying)


async def patch(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Change of an item what the body names, and leave the rest."""
    given = await bodies.read_body(request)
    keeps_times = not bodies.names_times(given)

    def saying(record: ItemRecord, around: Surroundings) -> Said:
        whole = bodies.patched(documents.item(site_of(request), record, around), given)
        return _said(request, fields, record, around, whole, keeps_times=keeps_times)

    await _write(services, actor, request, send, fields, saying)


async def delete(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Delete an item with its project."""
    category = category_of(services, fields["collection"])
    await delete_item(services, actor, category, fields["id"], _conditions(request))
    await respond(send, 204, b"")


def _said(
    request: Request,
    fields: dict[str, str],
    record: ItemRecord,
    around: Surroundings,
    given: Document,
    *,
    keeps_times: bool = False,
) -> Said:
    site, ids = site_of(request), (record.slug, fields["id"], around.paths.get(record.project, record.slug))
    known: dict[str, Any] = documents.item(site, record, around)["assets"]
    return bodies.read_said(site, given, record.slug, ids, record.collection, known, keeps_times=keeps_times)


async def _write(
    services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str], saying: Any
) -> None:
    category = category_of(services, fields["collection"])
    slug = await put_item(services, actor, category, fields["id"], _conditions(request), saying)
    await send_item(services, actor, request, send, category.id, slug)


def _conditions(request: Request) -> Conditions:
    return Conditions(request.header(b"if-match"), request.header(b"if-none-match"))
