"""Items that are written: what is said of an item becomes its project's README, description and topics.

An item is written as a whole or not at all: it is read back in the transaction that writes it, and what was said and
not kept is an error that names the field. Only projects at home here are written; of two who write the same state, each
with its ETag, one is told that it has changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import ConditionFailed, FailedPrecondition, NotFound, TooLarge, Unavailable
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.catalog.service import builtin
from mainspring.modules.catalog.service.categories import Category, categories_with
from mainspring.modules.catalog.service.entries import Content, Description
from mainspring.modules.catalog.service.indexing import prepare
from mainspring.modules.catalog.service.reading import MAX_README
from mainspring.modules.catalog.service.said import Said
from mainspring.modules.catalog.service.searching import ItemRecord, Surroundings, find_item
from mainspring.modules.files import service as files
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import ProjectCreate, ProjectUpdate
from mainspring.modules.projects.service import Place, origins
from mainspring.modules.services import Services

if TYPE_CHECKING:
    from mainspring.modules.catalog.service.writing import Composed

TRIES = 5
MAX_NEW = 100
"""How many items are made in one request."""
_ETAGS = re.compile(r'"([\x21\x23-\x7e]*)"')

Found = tuple[ItemRecord, Surroundings]
Saying = Callable[[ItemRecord, Surroundings], Said]
"""Returns what an item is to be, by what it is."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """The headers ``If-Match`` and ``If-None-Match`` of a request, as they came."""

    if_match: str | None = None
    if_none_match: str | None = None


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item that is to be: its id, the path of its project ("" for one of the actor's own), what is said of it."""

    id: str
    path: str
    said: Said


@dataclass(frozen=True, slots=True)
class _Readme:
    """A README that is a file: its path and hash, and its text."""

    path: str
    sha256: str
    text: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """An item, and its project for an actor who may change it; ``readme_file`` is where its README is, if a file."""

    found: Found
    inside: Actor
    description: Description
    readme_file: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done to the project of an item, and what the item must be then."""

    seen: _Seen
    said: Said
    composed: Composed


class _Moved(Unavailable):
    """The project is not any more what a plan was made for: a new one may do."""

    def __init__(self) -> None:
        super().__init__("The project is changed all the time: send it again.", retry_after=1)


def etag_of(record: ItemRecord, around: Surroundings) -> str:
    """Return what tells an item from what it was before, without quotes: addresses that are signed do not count."""
    models = [
        replace(each, files=tuple(replace(file, signed="") for file in each.files))
        for each in around.models.get(record.project, ())
    ]
    path, stale = around.paths.get(record.project), around.stale.get(record.project)
    whole = msgspec.json.encode([record.etag, record.stars, path, stale, models])
    return hashlib.blake2b(whole, digest_size=16).hexdigest()


async def put_item(
    services: Services, actor: Actor, category: Category, id: str, conditions: Conditions, saying: Saying
) -> str:
    """Have an item be what is said of it, and return its slug.

    Raises NotFound, PermissionDenied, ConditionFailed, InvalidArgument for what cannot be kept, FailedPrecondition for
    a project that is kept elsewhere.
    """
    await asyncio.to_thread(_warm)
    for _ in range(TRIES):
        seen = await services.db.read(_look, actor, category, id)
        with suppress(_Moved):
            if seen.readme_file:
                await _put_by_file(services, category, seen, conditions, saying)
            else:
                await services.db.write(_put, actor, category, id, conditions, saying)
            return seen.found[0].slug
    raise _Moved


async def _put_by_file(
    services: Services, category: Category, seen: _Seen, conditions: Conditions, saying: Saying
) -> None:
    """Change an item whose README is a file: it is put with all else that is to change, in the same transaction."""
    readme = await _read(services, seen)
    plan = await services.db.read(_plan, seen, category, conditions, saying, readme.text)
    carry_out = partial(_carry_out, category=category, plan=plan, path=readme.path)
    if plan.composed.readme == readme.text:
        await services.db.write(carry_out)
        return
    chunks = _chunks(plan.composed.readme)
    try:
        await files.put_file(services, seen.inside, readme.path, chunks, if_match=f'"{readme.sha256}"', then=carry_out)
    except FailedPrecondition as error:
        if error.field == "If-Match":
            raise _Moved from error
        raise


async def _chunks(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


async def _read(services: Services, seen: _Seen) -> _Readme:
    """Return the README of a project, which is a file. Raises FailedPrecondition for one that cannot be written."""
    file = await services.db.read(files.get_file, seen.inside, seen.readme_file)
    data = bytearray()
    async with files.open_file(services, seen.inside, file.path, end=MAX_README + 1) as opened:
        async for chunk in opened.chunks:
            data += chunk
    try:
        text = bytes(data).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FailedPrecondition(f"The file {file.path} is not UTF-8, so that it cannot be written.") from error
    if len(data) > MAX_README:
        raise FailedPrecondition(f"The file {file.path} is longer than {MAX_README} bytes: change it as a file.")
    return _Readme(file.path, file.sha256, text)


def _look(tx: Connection, actor: Actor, category: Category, id: str, hold: bool = False) -> _Seen:
    """Return an item that the actor may change."""
    found = find_item(tx, actor, category.id, id)
    record, around = found
    inside = projects.acting_in(tx, actor, Place(around.paths[record.project]))
    project = projects.own_project(tx, inside, hold=hold)
    if project.source is not None:
        origin = origins.get_origin(tx, project.key)
        where = f" at {origin.url}" if origin else " elsewhere"
        raise FailedPrecondition(
            f"'{project.path}' is kept{where}, and its item is made of what is there: change its README there."
        )
    inside.require(Permission.PROJECT_MANAGE)
    if hold:  # what was read before may have been somebody else's to change
        found = find_item(tx, actor, category.id, id)
    told = builtin.tell(tx, project.key)
    if told is None:
        raise NotFound(f"There is no item '{id[:200]}' in the collection '{category.id}' any more.")
    return _Seen(found, inside, told.description, told.readme_file)


def _plan(
    tx: Connection, seen: _Seen, category: Category, conditions: Conditions, saying: Saying, readme: str | None = None
) -> _Plan:
    """Return what makes an item what is said of it; ``readme`` is the text of a README that is a file.

    What the item is counts by its project, which the index may be a moment behind. Raises ConditionFailed.
    """
    from mainspring.modules.catalog.service.writing import compose

    record, around = seen.found
    was = seen.description if readme is None else replace(seen.description, readme=readme)
    entry = prepare(was, [category])[0].entry
    record = replace(record, content=entry.content, etag=entry.etag)
    _check_conditions(etag_of(record, around), conditions)
    said = saying(record, around)
    return _Plan(seen, said, compose(said, replace(was, updated_at=now_ms()), category, builtin.all_categories()))


def _check_conditions(etag: str, conditions: Conditions) -> None:
    """Raise ConditionFailed for an item that is not as the caller has it. Source: RFC 9110, 13.1.

    Marks of weakness are passed over: proxies that compress put them.
    """
    if conditions.if_match is not None and not _is_named(etag, conditions.if_match):
        message = (
            f'The item has changed: its ETag is "{etag}", and If-Match is {conditions.if_match[:200]}. Get it again.'
        )
        raise ConditionFailed(message, field="If-Match")
    if conditions.if_none_match is not None and _is_named(etag, conditions.if_none_match):
        raise ConditionFailed(f'The item is there, and its ETag is "{etag}".', field="If-None-Match")


def _is_named(etag: str, header: str) -> bool:
    return header.strip() == "*" or etag in _ETAGS.findall(header)


def _put(tx: Connection, actor: Actor, category: Category, id: str, conditions: Conditions, saying: Saying) -> None:
    """Change an item whose README is no file."""
    seen = _look(tx, actor, category, id, hold=True)
    if seen.readme_file:
        raise _Moved
    _carry_out(tx, category, _plan(tx, seen, category, conditions, saying))


def _carry_out(tx: Connection, category: Category, plan: _Plan, path: str = "") -> None:
    """Change the project of an item, make the item again, and see that it is what was said.

    ``path`` is where the README is, if it is a file, which is put by itself.
    """
    from mainspring.modules.catalog.service.writing import check_kept

    was, composed, slug = plan.seen, plan.composed, plan.seen.found[0].slug
    if path:
        now = _look(tx, was.inside, category, slug, hold=True)
        if now.readme_file != path or now.found[0].etag != was.found[0].etag:
            raise _Moved
    change = ProjectUpdate(
        description=UNSET if composed.description == was.description.description else composed.description,
        topics=UNSET if composed.topics == was.description.topics else list(composed.topics),
        readme=UNSET if path or composed.readme == (was.description.readme or "") else composed.readme,
    )
    projects.update_project(tx, was.inside, change)
    # Acts are told at the end of a transaction: the item is looked at before that.
    builtin.index_now(tx, was.inside.project, composed.readme if path else None)
    record, _ = find_item(tx, was.inside, category.id, slug)
    check_kept(plan.said, composed, msgspec.json.decode(record.content, type=Content))


def _warm() -> None:
    """Import what makes items before a transaction waits for it: a server starts sooner without."""
    import shapely  # noqa: F401

    from mainspring.modules.catalog.service import writing  # noqa: F401


async def create_items(services: Services, actor: Actor, category: Category, new: Sequence[NewItem]) -> None:
    """Make projects with items in a category, all of them or none.

    Raises AlreadyExists, InvalidArgument, TooLarge, NotFound or PermissionDenied for a namespace that is not theirs.
    """
    if len(new) > MAX_NEW:
        raise TooLarge(f"There are {len(new)} items; at most {MAX_NEW} are made at once.", field="features")
    await asyncio.to_thread(_warm)
    await services.db.write(_create, actor, category, new)


def _create(tx: Connection, actor: Actor, category: Category, new: Sequence[NewItem]) -> None:
    for each in new:
        _create_one(tx, actor, category, each)


def _create_one(tx: Connection, actor: Actor, category: Category, new: NewItem) -> None:
    from mainspring.modules.catalog.service.writing import check_kept, compose

    path = new.path or f"{_namespace_of(actor)}/{new.id}"
    # Of the topics of a category SharingHub's own is the greatest: sharinghub:dataset, not sharinghub-dataset.
    now, topics = now_ms(), (max(category.topics),)
    empty = Description(new.id, path.lower(), path.lower().rpartition("/")[2], "", topics, now, now, readme="")
    composed = compose(new.said, empty, category, builtin.all_categories())
    made = ProjectCreate(
        path,
        description=composed.description,
        readme=composed.readme,
        topics=list(composed.topics),
        workspace=new.id,
    )
    project = projects.create_project(tx, actor, made)
    builtin.index_now(tx, projects.keys_of(tx, [project.path])[project.path])
    record, _ = find_item(tx, actor, category.id, new.id)
    check_kept(new.said, composed, msgspec.json.decode(record.content, type=Content))


def _namespace_of(actor: Actor) -> str:
    """Return where projects come to be of which it is not said: the actor's own namespace."""
    return "default" if actor.key is None else actor.name


async def delete_item(services: Services, actor: Actor, category: Category, id: str, conditions: Conditions) -> None:
    """Delete the project of an item, which can be restored; one with items elsewhere loses the category's topics alone.

    Raises NotFound, PermissionDenied, ConditionFailed, FailedPrecondition for a project that is kept elsewhere.
    """
    await services.db.write(_delete, actor, category, id, conditions)


def _delete(tx: Connection, actor: Actor, category: Category, id: str, conditions: Conditions) -> None:
    seen = _look(tx, actor, category, id, hold=True)
    _check_conditions(etag_of(*seen.found), conditions)
    topics = [each for each in seen.description.topics if each.lower() not in category.topics]
    if categories_with(builtin.all_categories(), topics):
        projects.update_project(tx, seen.inside, ProjectUpdate(topics=topics))
    else:
        projects.delete_project(tx, seen.inside)
