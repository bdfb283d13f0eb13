"""Projects that are at home here: their items are brought up to date in the transaction of each act.

What is long in the making is noted there, and made a moment later: items of projects of many files, and those whose
README is a file. So is the index of a database from before there was a catalog, or of an older release.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Connection

from mainspring.engines.sources import Release, TreeEntry
from mainspring.kit.actors import SYSTEM, Actor
from mainspring.kit.errors import NotFound
from mainspring.kit.events import Event, subscribe
from mainspring.kit.time import now_ms
from mainspring.modules.catalog.service.categories import OWN, Category, categories_with
from mainspring.modules.catalog.service.entries import Description
from mainspring.modules.catalog.service.indexing import (
    INDEX_VERSION,
    Prepared,
    drop_project,
    prepare,
    write_entries,
)
from mainspring.modules.catalog.service.reading import MAX_FILES, MAX_README, MAX_RELEASES
from mainspring.modules.files import service as files
from mainspring.modules.files.schemas import File
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import Project
from mainspring.modules.projects.service import origins
from mainspring.modules.projects.service import sources as mirrors
from mainspring.modules.services import Services

HOME = "builtin:"
"""By what name the database knows this installation among the sources."""
MANY_FILES = 100
PAGE = 1_000
KEYS = 100
BATCH = 16
RETRY_MS = 60_000

log = structlog.get_logger(__name__)

_categories: list[Category] = [*OWN]


class Progress(Struct, frozen=True):
    """How far a database from before was looked through: up to the project ``after``, for an index of ``version``."""

    version: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What a project at home tells of itself; ``readme_file`` is where its README is, "" if it is no file."""

    description: Description
    categories: Sequence[Category]
    readme_file: str = ""


def use_categories(categories: Sequence[Category]) -> None:
    """Have projects indexed by these categories from now on."""
    _categories[:] = categories


@subscribe
def follow(tx: Connection, event: Event) -> None:
    """Bring the items of a project up to date with an act."""
    kind, _, verb = event.action.partition(".")
    if event.project is None or not event.allowed or kind not in ("project", "file", "release"):
        return
    if kind == "project" and verb in ("delete", "purge"):
        drop_project(tx, event.project)
    else:
        _bring_up_to_date(tx, event.project, restored=verb == "restore")


def _bring_up_to_date(tx: Connection, key: int, *, restored: bool) -> None:
    actor = replace(SYSTEM, project=key)
    try:
        record = projects.own_project(tx, actor)
    except NotFound:  # deleted in the same transaction
        drop_project(tx, key)
        return
    if record.source is not None:
        if restored:
            _note_mirror(tx, key)
        return
    project = projects.get_project(tx, actor)
    categories = categories_with(_categories, project.topics)
    if not categories:
        drop_project(tx, key)
    elif _is_long(tx, actor, project) or not _index(tx, key, _tell(tx, actor, project, categories)):
        origins.note_changes(tx, mirrors.know_source(tx, HOME).key, [str(key)], now_ms())


def all_categories() -> Sequence[Category]:
    """Return the categories that projects are indexed by."""
    return tuple(_categories)


def index_now(tx: Connection, key: int, readme: str | None = None) -> None:
    """Make the items of a project at once, even if that is long; ``readme`` is the text of a README that is a file."""
    told = tell(tx, key)
    if told is not None:
        description = told.description if readme is None else replace(told.description, readme=readme)
        write_entries(tx, key, description.slug, prepare(description, told.categories))


def _index(tx: Connection, key: int, told: Told) -> bool:
    """Make the items of a project, and return whether they could be: no act fails for want of them."""
    try:
        entries = prepare(told.description, told.categories)
    except Exception:
        log.exception("items_not_made", project=key)
        return False
    write_entries(tx, key, told.description.slug, entries)
    return True


def _is_long(tx: Connection, actor: Actor, project: Project) -> bool:
    """Say whether the items of a project are long in the making: it has many files, or a README to be read."""
    page = files.list_files(tx, actor, max_results=MANY_FILES)
    return page.next_page_token is not None or (not project.readme and bool(_readmes(page.items)))


def _readmes(found: Iterable[File | TreeEntry]) -> list[str]:
    return [each.path for each in found if each.path.lower() == "readme.md"]


def _note_mirror(tx: Connection, key: int) -> None:
    """Have a project read again that is kept elsewhere, and was deleted here for a while."""
    origin = origins.get_origin(tx, key)
    if origin is not None:
        origins.note_changes(tx, origin.source, [origin.external_id], now_ms())


def tell(tx: Connection, key: int) -> Told | None:
    """Return what a project at home tells of itself, None where it is gone or of no category."""
    actor = replace(SYSTEM, project=key)
    try:
        project = projects.get_project(tx, actor)
    except NotFound:
        return None
    categories = categories_with(_categories, project.topics)
    return _tell(tx, actor, project, categories) if categories else None


def _tell(tx: Connection, actor: Actor, project: Project, categories: Sequence[Category]) -> Told:
    entries, changed_at = _files(tx, actor)
    page = files.list_releases(tx, actor, MAX_RELEASES)
    releases = [Release(each.tag, each.name, each.description, each.created_at, each.commit) for each in page.items]
    readmes = [] if project.readme else _readmes(entries)
    description = Description(
        slug=project.workspace,
        path=project.path,
        title=project.name,
        description=project.description,
        topics=tuple(project.topics),
        created_at=project.created_at,
        updated_at=max([project.updated_at, changed_at, *(each.released_at for each in releases)]),
        stars=projects.count_stars(tx, actor.project),
        archived=project.archived_at is not None,
        ref=files.MAIN if entries else None,
        readme=project.readme or None,
        readme_path=readmes[0] if readmes else "README.md",
        files=tuple(entries),
        releases=tuple(releases),
    )
    return Told(description, categories, readmes[0] if readmes else "")


def _files(tx: Connection, actor: Actor) -> tuple[list[TreeEntry], int]:
    """Return the files of a project, the first by path, and when the last of them was put."""
    found: list[TreeEntry] = []
    changed_at, token = 0, None
    while len(found) < MAX_FILES:
        page = files.list_files(tx, actor, max_results=PAGE, page_token=token)
        found += [TreeEntry(file.path, file.size, file.sha256, file.sha256) for file in page.items]
        changed_at = max([changed_at, *(file.updated_at for file in page.items)])
        token = page.next_page_token
        if token is None:
            break
    return found[:MAX_FILES], changed_at


# What is made a moment later


async def index_noted(services: Services) -> bool:
    """Make items that acts have left to be made, some of them, and return whether there were any."""
    source, noted = await services.db.read(_find_noted)
    for external_id, noted_at in noted:
        try:
            await _index_noted(services, source, external_id, noted_at)
        except Exception:
            log.exception("items_not_made", project=external_id)
            due = now_ms() + RETRY_MS
            await services.db.write(origins.postpone_change, source, external_id, noted_at, due)
    return bool(noted)


def _find_noted(tx: Connection) -> tuple[int, list[tuple[str, int]]]:
    record = origins.find_source(tx, HOME)
    return (0, []) if record is None else (record.key, origins.list_changes(tx, record.key, now_ms(), BATCH))


async def _index_noted(services: Services, source: int, external_id: str, noted_at: int) -> None:
    told = await services.db.read(tell, int(external_id))
    if told is None:
        await services.db.write(_drop, source, external_id, noted_at)
        return
    description = told.description
    if told.readme_file:
        description = replace(description, readme=await _read_readme(services, int(external_id), told.readme_file))
    entries = await asyncio.to_thread(prepare, description, told.categories)
    await services.db.write(_settle, source, external_id, noted_at, told, entries)


def _drop(tx: Connection, source: int, external_id: str, noted_at: int) -> None:
    drop_project(tx, int(external_id))
    origins.settle_change(tx, source, external_id, noted_at)


def _settle(tx: Connection, source: int, external_id: str, noted_at: int, told: Told, entries: list[Prepared]) -> None:
    """Write the items of a project, unless it has changed since it was looked at: then it is looked at again."""
    if tell(tx, int(external_id)) == told:
        write_entries(tx, int(external_id), told.description.slug, entries)
        origins.settle_change(tx, source, external_id, noted_at)


async def _read_readme(services: Services, key: int, path: str) -> str | None:
    text = bytearray()
    try:
        async with files.open_file(services, replace(SYSTEM, project=key), path, end=MAX_README) as file:
            async for chunk in file.chunks:
                text += chunk
    except NotFound:  # deleted since
        return None
    return mirrors.clean_text(bytes(text).decode("utf-8-sig", errors="replace"))


async def index_older(services: Services) -> bool:
    """Look through some projects of a database from before this index, and return whether there are more."""
    if await services.db.read(_is_indexed):
        return False
    return await services.db.write(_note_some)


def _is_indexed(tx: Connection) -> bool:
    record = origins.find_source(tx, HOME)
    return record is not None and _progress(record.position).version == INDEX_VERSION


def _note_some(tx: Connection) -> bool:
    """Note projects of a category, of the next few, to be indexed."""
    record = mirrors.know_source(tx, HOME)
    after = _progress(record.position).after
    keys = origins.list_at_home(tx, after, KEYS)
    found = [key for key in keys if tell(tx, key) is not None]
    origins.note_changes(tx, record.key, [str(key) for key in found], now_ms())
    reached = Progress(0, keys[-1]) if keys else Progress(INDEX_VERSION)
    origins.update_source(tx, record.key, position=msgspec.json.encode(reached).decode())
    return bool(keys)


def _progress(position: str) -> Progress:
    return msgspec.json.decode(position, type=Progress)
