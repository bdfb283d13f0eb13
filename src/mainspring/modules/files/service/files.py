"""Files of a project: listed, read, put and deleted.

Bytes come to lie in the store under a name of their own before the file names them, in one transaction: whoever is
killed in between leaves bytes that nothing names, and that are dropped later.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy import Connection

from mainspring.engines.sources import SourceFile
from mainspring.kit.actors import Actor
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable
from mainspring.kit.events import Event, publish
from mainspring.kit.ids import new_upload_id
from mainspring.kit.pages import Page, position_of, query_mark, token_of
from mainspring.kit.paths import artifact_path
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.files import store
from mainspring.modules.files.schemas import File
from mainspring.modules.files.service.states import MAIN, release_of
from mainspring.modules.files.service.unused import blob_key
from mainspring.modules.projects import service as projects
from mainspring.modules.services import Services

MAX_PAGE = 10_000
MAX_PATH = 1000
_ETAGS = re.compile(r'\s*(?:W/)?"([^"]*)"\s*(?:,|$)')


def list_files(
    tx: Connection,
    actor: Actor,
    ref: str = MAIN,
    prefix: str = "",
    max_results: int = 1000,
    page_token: str | None = None,
) -> Page[File]:
    """Return a page of the files of a state whose paths begin with ``prefix``, by path. Raises NotFound for the ref."""
    actor.require(Permission.ARTIFACTS_READ)
    if not 1 <= max_results <= MAX_PAGE:
        raise InvalidArgument(f"max_results is {max_results}; it must be 1 to {MAX_PAGE}.", field="max_results")
    mark = query_mark("files", actor.project, ref, prefix)
    after = str(position_of(page_token, mark, (str,))[0]) if page_token else ""
    release = release_of(tx, actor, ref)
    if release is None:
        found = store.list_files(tx, actor.project, prefix, after, max_results + 1)
    else:
        found = store.list_release_files(tx, release, prefix, after, max_results + 1)
    more = len(found) > max_results
    return Page(found[:max_results], token_of(mark, [found[max_results - 1].path]) if more else None)


def get_file(tx: Connection, actor: Actor, path: str, ref: str = MAIN) -> File:
    """Return what is known of a file. Raises NotFound."""
    actor.require(Permission.ARTIFACTS_READ)
    release = release_of(tx, actor, ref)
    found = store.find_release_file(tx, release, path) if release else store.find_file(tx, actor.project, path)
    if found is None:
        raise _no_file(path, ref)
    return found


@asynccontextmanager
async def open_file(
    services: Services, actor: Actor, path: str, ref: str = MAIN, start: int = 0, end: int | None = None
) -> AsyncIterator[SourceFile]:
    """Open the bytes of a file from ``start`` to before ``end``, cut to its size. Raises NotFound."""
    file, blob_id = await services.db.read(_locate, actor, path, ref)
    blob = await services.blobs.get(blob_key(actor.project, blob_id), start, end)
    try:
        yield SourceFile(file.size, blob.start, blob.end, blob.chunks, file.sha256, file.sha256)
    finally:
        await blob.chunks.aclose()


async def put_file(
    services: Services,
    actor: Actor,
    path: str,
    chunks: AsyncIterator[bytes],
    *,
    sha256: str | None = None,
    if_match: str | None = None,
    if_none_match: str | None = None,
    then: Callable[[Connection], object] | None = None,
) -> File:
    """Put a file, in place of the one with its path; it is there as a whole and durable, or nothing has changed.

    ``sha256`` is what the bytes must have for their hash. ``then`` is done in the transaction in which the file comes
    to be; where it raises, nothing has changed either. ``if_match`` and ``if_none_match`` are as in HTTP; a file's
    ETag is its SHA-256. Raises InvalidArgument, FailedPrecondition, TooLarge.
    """
    blob_id = new_upload_id()
    await services.db.write(_begin, actor, path, blob_id, if_match, if_none_match)
    key, digest = blob_key(actor.project, blob_id), artifacts.Sha256(sha256)
    meta = await services.blobs.put(key, await artifacts.within_room(services, key, chunks), digest)
    file = File(path, meta.size, digest.hexdigest, actor.name, now_ms())
    stored, wanted = await services.db.write(_finish, actor, file, blob_id, if_match, if_none_match, then)
    if wanted:
        artifacts.note_stored(services, key, meta.size)
    else:  # the same bytes are there already
        await services.blobs.delete(key)
        await services.db.write(store.forget_blobs, [blob_id])
    return stored


def delete_file(tx: Connection, actor: Actor, path: str, if_match: str | None = None) -> None:
    """Delete a file; releases keep it. Raises NotFound, FailedPrecondition where ``if_match`` names another state."""
    check_writable(tx, actor)
    before = store.find_file(tx, actor.project, path, hold=True)
    if before is None:
        raise _no_file(path, MAIN)
    _check_conditions(path, before, if_match, None)
    store.delete_file(tx, actor.project, path)
    store.release_blobs(tx, actor.project, [before.sha256], now_ms())
    publish(tx, Event("file.delete", path, actor, actor.project, before=_told(before)))


def check_writable(tx: Connection, actor: Actor) -> None:
    """Raise unless the actor may change the files of its project, and the project's files are kept here."""
    actor.require(Permission.ARTIFACTS_WRITE)
    project = projects.own_project(tx, actor)
    if project.source is not None:
        raise FailedPrecondition(
            f"The files of {project.path} are kept where it comes from, and only mirrored here: change them there."
        )


def _locate(tx: Connection, actor: Actor, path: str, ref: str) -> tuple[File, str]:
    file = get_file(tx, actor, path, ref)
    blob_id = store.find_blob(tx, actor.project, file.sha256)
    if blob_id is None:
        raise Unavailable(f"The bytes of '{path}' cannot be found: {file.sha256}.")
    return file, blob_id


def _begin(
    tx: Connection, actor: Actor, path: str, blob_id: str, if_match: str | None, if_none_match: str | None
) -> None:
    """Note that bytes are about to come, unless it is known already that they cannot stay."""
    check_writable(tx, actor)
    _check_place(tx, actor, path)
    _check_conditions(path, store.find_file(tx, actor.project, path), if_match, if_none_match)
    store.insert_blob(tx, blob_id, actor.project, now_ms())


def _finish(
    tx: Connection,
    actor: Actor,
    file: File,
    blob_id: str,
    if_match: str | None,
    if_none_match: str | None,
    then: Callable[[Connection], object] | None = None,
) -> tuple[File, bool]:
    """Have a file name bytes that have come, and do what else is to be. Return it, and whether its bytes are wanted."""
    stored, wanted = _name(tx, actor, file, blob_id, if_match, if_none_match)
    if then is not None:
        then(tx)
    return stored, wanted


def _name(
    tx: Connection, actor: Actor, file: File, blob_id: str, if_match: str | None, if_none_match: str | None
) -> tuple[File, bool]:
    """Have a file name bytes that have come."""
    check_writable(tx, actor)
    _check_place(tx, actor, file.path)
    before = store.find_file(tx, actor.project, file.path, hold=True)
    _check_conditions(file.path, before, if_match, if_none_match)
    wanted = not store.use_blobs(tx, actor.project, [file.sha256])
    if not wanted:
        store.give_up_blob(tx, blob_id)
    elif not store.fill_blob(tx, blob_id, file.sha256, file.size):
        raise Unavailable(f"'{file.path}' took so long to come that it was given up: send it again.")
    if before is not None and before.sha256 == file.sha256:
        return before, wanted
    store.put_file(tx, actor.project, file)
    if before is not None:
        store.release_blobs(tx, actor.project, [before.sha256], now_ms())
    told = None if before is None else _told(before)
    publish(tx, Event("file.put", file.path, actor, actor.project, before=told, after=_told(file)))
    return file, wanted


def _check_place(tx: Connection, actor: Actor, path: str) -> None:
    """Raise for a path that no file can have, or none beside the others."""
    artifact_path(path)
    if len(path) > MAX_PATH:
        raise InvalidArgument(f"The path has {len(path)} characters, at most {MAX_PATH} are allowed.", field="path")
    other = store.find_in_the_way(tx, actor.project, path)
    if other is not None:
        raise FailedPrecondition(
            f"'{path}' cannot be beside the file '{other}': one of them would be a file and a folder.", field="path"
        )


def _check_conditions(path: str, there: File | None, if_match: str | None, if_none_match: str | None) -> None:
    """Raise FailedPrecondition for a file that is not as the caller has it. Source: RFC 9110, If-Match."""
    if if_match is not None and not (there and is_named(there.sha256, if_match)):
        is_now = f"is '{there.sha256}'" if there else "is not there"
        raise FailedPrecondition(
            f"'{path}' {is_now}, and If-Match is {if_match[:200]}: read it again.", field="If-Match"
        )
    if if_none_match is not None and there and is_named(there.sha256, if_none_match):
        raise FailedPrecondition(f"'{path}' is there already: '{there.sha256}'.", field="If-None-Match")


def is_named(etag: str, header: str) -> bool:
    """Return whether an ``If-Match`` or ``If-None-Match`` names an ETag, which is given without its quotes."""
    return header.strip() == "*" or (bool(etag) and etag in _ETAGS.findall(header))


def _told(file: File) -> dict[str, object]:
    return {"size": file.size, "sha256": file.sha256}


def _no_file(path: str, ref: str) -> NotFound:
    return NotFound(f"There is no file '{path[:200]}' at '{ref[:100]}'.", field="path")
