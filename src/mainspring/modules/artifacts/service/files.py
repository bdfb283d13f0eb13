"""Files of the store: listed, read, written and deleted below a location."""

from __future__ import annotations

import base64
import binascii
import posixpath
from collections.abc import AsyncIterator, Collection, Sequence

import msgspec
from sqlalchemy import Connection

from mainspring.db.writer import Grouped
from mainspring.engines.blobs import Blob, BlobEntry, BlobMeta, BlobStore
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, MainspringError, NotFound
from mainspring.kit.pages import Page
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.artifacts import store as records
from mainspring.modules.artifacts.schemas import Artifact
from mainspring.modules.artifacts.service.digests import Sha256
from mainspring.modules.artifacts.service.locations import (
    PROJECTS,
    file_key,
    is_apart,
    is_directory,
    own_key,
    own_location,
    resolve,
    run_of,
    written_key,
)
from mainspring.modules.artifacts.service.room import note_stored, within_room
from mainspring.modules.artifacts.store import FileRecord
from mainspring.modules.services import Services

MAX_PAGE = 10_000


class _After(msgspec.Struct):
    after: str


async def list_artifacts(
    services: Services,
    actor: Actor,
    location: str,
    path: str = "",
    max_results: int = MAX_PAGE,
    page_token: str | None = None,
    *,
    hashes: bool = False,
) -> Page[Artifact]:
    """Return a page of what lies directly in the folder ``path`` of ``location``, by path.

    Empty for a missing folder and for a file. Paths in the answer start with ``path``. With ``hashes`` the
    files tell theirs, where it is known.
    """
    actor.require(Permission.ARTIFACTS_READ)
    if not 1 <= max_results <= MAX_PAGE:
        raise InvalidArgument(f"max_results is {max_results}; it must be 1 to {MAX_PAGE}.", field="max_results")
    path = path.removesuffix("/")
    folder = own_key(actor, location, path)
    page = await services.blobs.list_page(folder, _after(page_token), max_results)
    entries = [entry for entry in page.entries if entry.path != PROJECTS and not is_apart(entry.path)]
    files = [entry.path for entry in entries if not entry.is_dir] if hashes else []
    known = await services.db.read(records.find_files, files) if files else {}
    return Page([_artifact(path, entry, known.get(entry.path)) for entry in entries], _token(page.next))


async def head_artifact(store: BlobStore, actor: Actor, location: str, path: str) -> BlobMeta:
    """Return size, time and ETag of a file. NotFound if there is none."""
    actor.require(Permission.ARTIFACTS_READ)
    return await store.head(file_key(actor, location, path))


async def open_artifact(
    store: BlobStore, actor: Actor, location: str, path: str, start: int | None = None, end: int | None = None
) -> Blob:
    """Open the bytes of a file from ``start`` to before ``end``, cut to its size. NotFound if there is none."""
    actor.require(Permission.ARTIFACTS_READ)
    key = file_key(actor, location, path)
    try:
        return await store.get(key, start, end)
    except NotFound:
        if (await store.list_page(key, None, 1)).entries:
            raise is_directory(path) from None
        raise


async def put_artifact(
    services: Services,
    actor: Actor,
    location: str,
    path: str,
    chunks: AsyncIterator[bytes],
    announced: str | None = None,
) -> FileRecord:
    """Store a file; it is there as a whole and durable, or, after any failure, what was there before.

    Its SHA-256 is recorded. ``announced``, in hexadecimal digits, is what it must be (InvalidArgument). Where
    the file was stored and the database is away, Unavailable is raised: to send the file again is safe.
    """
    return await store_file(services, written_key(actor, location, path), chunks, announced)


async def store_file(
    services: Services, key: str, chunks: AsyncIterator[bytes], announced: str | None = None
) -> FileRecord:
    """Store and record a file as ``put_artifact`` does, for whoever may write to the store's path ``key``."""
    digest = Sha256(announced)
    meta = await services.blobs.put(key, await within_room(services, key, chunks), digest)
    stored = FileRecord(key, meta.size, digest.hexdigest, True, meta.etag)
    await services.db.write(record_file, stored)
    note_stored(services, key, meta.size)
    return stored


async def delete_artifact(services: Services, actor: Actor, location: str, path: str = "") -> None:
    """Delete the file at ``path``, or the folder with all it holds; that there is neither is no error.

    Without ``path`` everything of ``location`` goes. The store's root is refused (InvalidArgument).
    """
    key = own_key(actor, location, path.removesuffix("/"))
    actor.require(Permission.ARTIFACTS_WRITE, run_of(key))
    if not key or key == resolve(own_location(actor.project, "")):
        raise InvalidArgument("The path is missing: name the file or folder to delete.", field="path")
    await services.blobs.delete(key)
    await services.blobs.delete_prefix(key)
    await services.db.write(records.delete_files, key)


async def find_record(services: Services, key: str, etag: str) -> FileRecord | None:
    """Return what is recorded of the file that the store has at ``key`` under this ETag; None if no hash is."""
    found = (await services.db.read(records.find_files, [key])).get(key)
    return found if found and found.etag == etag and found.sha256 else None


def find_recorded(tx: Connection, folders: Collection[str], limit: int) -> dict[str, list[FileRecord]]:
    """Return what is recorded of files below folders of the store, up to ``limit`` of each, by path.

    Folders without any are left out. It is for whoever has looked at who may know of the files.
    """
    return records.find_below(tx, folders, limit)


def _record_files(tx: Connection, calls: Sequence[tuple[FileRecord]]) -> list[MainspringError | None]:
    """Record files that were stored."""
    records.upsert_files(tx, (file for (file,) in calls), now_ms())
    return [None] * len(calls)


record_file: Grouped[[FileRecord], None] = Grouped(_record_files)


def _artifact(folder: str, entry: BlobEntry, known: FileRecord | None) -> Artifact:
    path = posixpath.join(folder, posixpath.basename(entry.path))
    sha256 = known.sha256 if known and known.etag == entry.etag else None
    return Artifact(path, entry.is_dir, entry.size, sha256 or None)


def _token(after: str | None) -> str | None:
    return None if after is None else base64.b64encode(msgspec.json.encode(_After(after))).decode()


def _after(page_token: str | None) -> str | None:
    """Return what the page before has ended with. Raises InvalidArgument."""
    if not page_token:
        return None
    try:
        return msgspec.json.decode(base64.b64decode(page_token, validate=True), type=_After).after
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise InvalidArgument(
            f"Invalid page token '{page_token[:200]}': pass the next_page_token of the page before, unchanged.",
            field="page_token",
        ) from error
