"""Keeping the index in step with the places where projects are kept.

A listing asks a source what has changed since the last one, now and then for all that there is: projects here follow
at once, and those that are to be read are noted (``source_changes``), as those are of which a webhook tells. They are
read one by one, a few at once, and what was read is forgotten in the transaction that writes it. So a process may die
at any moment, a project that cannot be read holds up no other, and nothing that was noted is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import TypeVar

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Connection

from mainspring.engines.sources import Level, Source, SourceProject, Visibility
from mainspring.kit.errors import Internal, MainspringError, Unavailable
from mainspring.kit.time import now_ms
from mainspring.modules.catalog.service.categories import Category, categories_of, categories_with
from mainspring.modules.catalog.service.indexing import (
    INDEX_VERSION,
    Prepared,
    files_in,
    has_items,
    prepare,
    set_stars,
    write_entries,
)
from mainspring.modules.catalog.service.looking import Seen, look
from mainspring.modules.catalog.service.reading import describe, measure, read_contents, unreadable
from mainspring.modules.projects.service import origins
from mainspring.modules.projects.service import sources as mirrors
from mainspring.modules.projects.service.origins import Mirror, SourceRecord
from mainspring.modules.projects.service.source_access import last_inside, source_of_sign_ins, token_of_inside
from mainspring.modules.services import Services

FULL_EVERY_MS = 3_600_000
"""So often all that there is is listed: that alone shows what is gone or hidden, and how many stars things have."""
INSIDE_EVERY_MS = 600_000
"""So often internal projects are listed at most by an account's token, while people come by who are shown them."""
RETRY_MS = 60_000
BATCH = 16
AT_ONCE = 8

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Position(Struct, frozen=True):
    """How far a source was read. ``newest`` is the last change that it listed, by its clock; the rest is by ours (ms).

    The last listing began at ``listed_at``, the last one of all that there is at ``full_at``, and the last one of
    internal projects, by the token of an account that is shown them, at ``inside_at``.
    """

    newest: int | None = None
    listed_at: int = 0
    full_at: int = 0
    version: int = 0
    inside_at: int = 0


def position_of(record: SourceRecord) -> Position:
    """Return how far a source was read."""
    return msgspec.json.decode(record.position, type=Position)


# Listing


async def list_sources(services: Services) -> bool:
    """Ask each source for what has changed, where it is time to: the projects here follow."""
    await _all(_list_source(services, source) for source in services.sources.values())
    await _list_inside_once_seen(services)
    return False


async def _list_source(services: Services, source: Source) -> None:
    record = await services.db.read(origins.find_source, source.name)
    if record is None:
        record = await services.db.write(mirrors.know_source, source.name)
    position, now = position_of(record), now_ms()
    if now - position.listed_at < services.settings.sources_every * 1000:
        return
    try:
        reached = await _list_projects(services, source, record, now)
    except MainspringError as error:
        log.warning("source_not_listed", source=source.name, error=error.message)
        await services.db.write(_note_failure, record.key, now, error.message)
        return
    await services.db.write(_note_listed, record.key, reached, now)


async def _list_projects(services: Services, source: Source, record: SourceRecord, now: int) -> Position:
    """Take what a source lists, and return how far it was read by that."""
    position = position_of(record)
    newer = position.version != INDEX_VERSION
    full = newer or position.newest is None or now - position.full_at >= FULL_EVERY_MS
    newest, inside_at = position.newest, position.inside_at
    async for page in source.list_changed(None if full or newest is None else newest + 1):
        await _take(services, record, page, newer or not full)
        newest = max([each.changed_at for each in page] + ([newest] if newest is not None else []), default=None)
    if full:
        inside_at = await _list_inside(services, source, record, newer)
        await _look_for_unseen(services, source, record, now, newer)
    return Position(newest, now, now if full else position.full_at, INDEX_VERSION, inside_at)


async def _list_inside_once_seen(services: Services) -> None:
    """List internal projects where somebody inside has come by since they were listed, and that is a while ago."""
    source = services.sources.get(source_of_sign_ins(services.settings))
    record = None if source is None else await services.db.read(origins.find_source, source.name)
    if source is None or record is None or record.failed_at is not None:
        return
    before = position_of(record).inside_at
    if now_ms() - before < INSIDE_EVERY_MS or await services.db.read(last_inside, source.name) <= before:
        return
    await services.db.write(_note_inside, record.key, await _list_inside(services, source, record))


async def _list_inside(services: Services, source: Source, record: SourceRecord, news: bool = False) -> int:
    """Take the internal projects that a source shows to somebody inside, and return their new ``Position.inside_at``.

    All who are inside are shown the same, so one account's token does. Without one, or where it fails, that is tried
    again after a pause: the listing of what is shown to everyone does not depend on it.
    """
    began, soon = now_ms(), now_ms() - INSIDE_EVERY_MS + RETRY_MS
    if source.name != source_of_sign_ins(services.settings) or not await services.db.read(last_inside, source.name):
        return position_of(record).inside_at
    try:
        token = await token_of_inside(services)
        if token is None:
            return soon
        async for page in source.list_internal(token):
            await _take(services, record, page, news, shown=None)
    except MainspringError as error:
        log.warning("internal_projects_not_listed", source=source.name, error=error.message)
        return soon
    return began


async def _take(
    services: Services, record: SourceRecord, page: Sequence[SourceProject], news: bool, shown: bool | None = True
) -> None:
    """Take a page of a listing; a project that cannot be kept is left out, and the others are not."""
    categories = categories_of(services.settings)
    try:
        await services.db.write(_take_page, record, page, categories, news, shown)
    except Internal:
        for project in page:
            try:
                await services.db.write(_take_page, record, [project], categories, news, shown)
            except Internal as error:
                log.error("project_not_kept", source=record.name, project=project.id, error=error.message)


def _take_page(
    tx: Connection,
    record: SourceRecord,
    told: Sequence[SourceProject],
    categories: Sequence[Category],
    news: bool,
    shown: bool | None = True,
) -> None:
    """Let projects follow what a source tells, and note those that are to be read: all of them, if they are news.

    ``shown`` says whether the source's own token was told, None that it was an account's.
    """
    wanted = {each.id for each in told if categories_with(categories, each.topics)}
    found = mirrors.mirror_projects(tx, record, told, wanted, shown=shown)
    origins.note_changes(tx, record.key, [each.external_id for each in found if news or each.changed], now_ms())
    stars = {each.id: each.stars for each in told}
    set_stars(tx, {each.key: stars[each.external_id] for each in found if not each.changed})


def take_own(
    tx: Connection, record: SourceRecord, own: Sequence[SourceProject], categories: Sequence[Category]
) -> None:
    """Let projects follow what a source shows to one of their members, also those that it shows not to everyone.

    These are listed by their names and topics until a first member comes by with whose token their files can be read.
    """
    _take_page(tx, record, own, categories, news=False, shown=None)
    closed = {each.id: each for each in own if each.visibility is not Visibility.PUBLIC}
    found = origins.find_mirrors(tx, record.key, closed.keys())
    read = origins.with_role(tx, [here.origin.project for here in found.values()], Level.REPORTER)
    for external_id, here in found.items():
        project, key = closed[external_id], here.origin.project
        mine = categories_with(categories, project.topics)
        if mine and here.deleted_at is None and key not in read:
            if not has_items(tx, key):
                write_entries(tx, key, here.workspace, _bare(project, here, mine))
            if (project.level or Level.NONE) >= Level.REPORTER:
                origins.note_changes(tx, record.key, [external_id], now_ms())


async def _look_for_unseen(services: Services, source: Source, record: SourceRecord, before: int, news: bool) -> None:
    """Ask for the projects that a listing of all has not shown: they are gone, hidden, or of no category any more."""
    while unseen := await services.db.read(origins.list_unseen, record.key, before, AT_ONCE):
        ids = [each.external_id for each in unseen]
        known = await services.db.read(origins.find_mirrors, record.key, ids)
        await _all(_look_for(services, source, record, each, news) for each in known.values())


async def _look_for(services: Services, source: Source, record: SourceRecord, mirror: Mirror, news: bool) -> None:
    seen = await look(services, source, mirror.origin.external_id, mirror)
    if seen.gone:
        await services.db.write(_lose, mirror.origin.project)
        return
    if seen.project is not None:
        categories = categories_of(services.settings)
        await services.db.write(_take_page, record, [seen.project], categories, news, seen.token is None)
    await services.db.write(origins.note_seen, [mirror.origin.project], now_ms())


def _lose(tx: Connection, key: int) -> None:
    """Take a project out of the catalog, and out of sight, that is gone where it was kept."""
    write_entries(tx, key, "", ())
    mirrors.hide_project(tx, key)


def _note_failure(tx: Connection, key: int, now: int, reason: str) -> None:
    """Note since when, and why, a source cannot be read."""
    record = origins.get_source(tx, key)
    position = msgspec.structs.replace(position_of(record), listed_at=now)
    since = now if record.failed_at is None else record.failed_at
    _keep(tx, key, position, failed_at=since, failure=mirrors.clean_text(reason)[:1000])


def _note_listed(tx: Connection, key: int, reached: Position, now: int) -> None:
    """Note that a source was read."""
    seen = {"synced_at": now} if reached.full_at == now else {}
    _keep(tx, key, reached, failed_at=None, failure="", **seen)


def _note_inside(tx: Connection, key: int, inside_at: int) -> None:
    """Note when internal projects were listed."""
    position = position_of(origins.get_source(tx, key))
    _keep(tx, key, msgspec.structs.replace(position, inside_at=inside_at))


def _keep(tx: Connection, key: int, position: Position, **values: int | str | None) -> None:
    origins.update_source(tx, key, position=msgspec.json.encode(position).decode(), **values)


# Reading


async def read_changes(services: Services) -> bool:
    """Read some of the projects that are to be read, and return whether there were any."""
    return any(await _all(_read_some(services, source) for source in services.sources.values()))


async def _read_some(services: Services, source: Source) -> bool:
    record, changes = await services.db.read(_find_changes, source.name)
    if record is None or record.failed_at is not None:
        return False
    turn = asyncio.Semaphore(AT_ONCE)
    await _all(_read_in_turn(services, source, record, change, turn) for change in changes)
    return bool(changes)


def _find_changes(tx: Connection, name: str) -> tuple[SourceRecord | None, list[tuple[str, int]]]:
    record = origins.find_source(tx, name)
    return record, [] if record is None else origins.list_changes(tx, record.key, now_ms(), BATCH)


async def _read_in_turn(
    services: Services, source: Source, record: SourceRecord, change: tuple[str, int], turn: asyncio.Semaphore
) -> None:
    """Read a project; one that cannot be read is tried again later."""
    external_id, noted_at = change
    async with turn:
        try:
            await _read_project(services, source, record, external_id, noted_at)
            return
        except MainspringError as error:
            log.warning("project_not_read", source=source.name, project=external_id, error=error.message)
        except Exception:
            log.exception("project_not_read", source=source.name, project=external_id)
        await services.db.write(origins.postpone_change, record.key, external_id, noted_at, now_ms() + RETRY_MS)


async def _read_project(
    services: Services, source: Source, record: SourceRecord, external_id: str, noted_at: int
) -> None:
    known = await services.db.read(origins.find_mirrors, record.key, [external_id])
    mirror = known.get(external_id)
    seen = await look(services, source, external_id, mirror)
    project = seen.project
    if project is None:
        await services.db.write(_settle_unseen, record.key, external_id, noted_at, mirror if seen.gone else None)
        return
    categories = categories_with(categories_of(services.settings), project.topics)
    here = await services.db.write(_follow, record, seen, bool(categories))
    entries: list[Prepared] = []
    if here is not None and categories:
        entries = await _entries(services, source, seen, project, here, categories)
    await services.db.write(_settle_read, record.key, project, noted_at, here, entries)


async def _entries(
    services: Services, source: Source, seen: Seen, project: SourceProject, here: Mirror, categories: list[Category]
) -> list[Prepared]:
    """Read the files of a project, and return its items. Raises Unavailable once it is listed with what is known."""
    try:
        contents = await read_contents(source, project, seen.token)
    except Unavailable:
        await services.db.write(_list_at_least, here, await asyncio.to_thread(_bare, project, here, categories))
        raise
    description = describe(project, here.workspace, contents)
    entries = await asyncio.to_thread(prepare, description, categories, contents.warnings)
    # Which files are shown is known now; what they are is asked of those alone.
    try:
        measured = await measure(source, project, description, files_in(entries), seen.token)
    except Unavailable:
        await services.db.write(_list_at_least, here, entries)
        raise
    if measured == description:
        return entries
    return await asyncio.to_thread(prepare, measured, categories, contents.warnings)


def _bare(project: SourceProject, here: Mirror, categories: Sequence[Category]) -> list[Prepared]:
    """Return the items of a project of which nothing is known but what its source lists."""
    without = unreadable()
    return prepare(describe(project, here.workspace, without), categories, without.warnings)


def _follow(tx: Connection, record: SourceRecord, seen: Seen, wanted: bool) -> Mirror | None:
    """Let a project follow what its source says of it, and return what it is here, None where it is not."""
    assert seen.project is not None
    id = seen.project.id
    mirrors.mirror_projects(tx, record, [seen.project], [id] if wanted else (), shown=seen.token is None)
    here = origins.find_mirrors(tx, record.key, [id]).get(id)
    return None if here is None or here.deleted_at is not None else here


def _list_at_least(tx: Connection, here: Mirror, entries: Sequence[Prepared]) -> None:
    """List a project that is not in the catalog yet."""
    if not has_items(tx, here.origin.project):
        write_entries(tx, here.origin.project, here.workspace, entries)


def _settle_read(
    tx: Connection,
    source: int,
    project: SourceProject,
    noted_at: int,
    here: Mirror | None,
    entries: Sequence[Prepared],
) -> None:
    """Write what was read of a project, and forget that it was to be."""
    if here is not None:
        write_entries(tx, here.origin.project, here.workspace, entries)
    origins.settle_change(tx, source, project.id, noted_at)


def _settle_unseen(tx: Connection, source: int, external_id: str, noted_at: int, gone: Mirror | None) -> None:
    if gone is not None:
        _lose(tx, gone.origin.project)
    origins.settle_change(tx, source, external_id, noted_at)


async def _all(calls: Iterable[Awaitable[T]]) -> list[T]:
    """Return what they all return, or raise the first error once all have ended: none goes on unwatched."""
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    results = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        results.append(outcome)
    return results
