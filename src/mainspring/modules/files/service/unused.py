"""Bytes that neither files nor releases name: dropped for good, as are those of projects that are.

They are taken first, in a transaction after which nothing can name them, then deleted, then forgotten. Whoever is
killed in between leaves bytes that are taken, and that the next one deletes.
"""

from __future__ import annotations

import asyncio
import time

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.artifacts.service import Erased
from mainspring.modules.files import store
from mainspring.modules.files.store import BlobRecord
from mainspring.modules.quotas import service as quotas
from mainspring.modules.quotas.schemas import Resource
from mainspring.modules.services import Services

AT_ONCE = 32
GRACE_MS = 60_000
"""So long bytes must have been without a name: a transaction that names them again may be under way."""
DAY_MS = 86_400_000


@quotas.counted(Resource.BYTES)
def count_bytes(tx: Connection, project: int) -> int:
    """Return the bytes of a project's files and releases, each content counted once."""
    return store.count_bytes(tx, project)


def blob_key(project: int, blob_id: str) -> str:
    """Return the store's path of bytes."""
    folder = artifacts.resolve(artifacts.own_location(project, artifacts.FILES))
    return f"{folder}/{blob_id[:2]}/{blob_id}"


async def step_unused(services: Services) -> bool:
    """Drop some bytes that nothing names; say whether there may be more."""
    dropped = await _drop(services, GRACE_MS)
    return len(dropped) == AT_ONCE


async def drop_unused(services: Services, actor: Actor, until: float, grace_ms: int = GRACE_MS) -> Erased:
    """Drop bytes that nothing has named for a while, until it is ``until`` on the monotonic clock."""
    actor.require(Permission.STORAGE_MANAGE)
    files = size = 0
    while dropped := await _drop(services, grace_ms):
        files, size = files + len(dropped), size + sum(each.size for each in dropped)
        if time.monotonic() >= until:
            return Erased(files, size, complete=False)
    return Erased(files, size)


def note_unnamed(tx: Connection, actor: Actor) -> None:
    """Note of all bytes those that nothing names, so that they are dropped after a while."""
    actor.require(Permission.STORAGE_MANAGE)
    store.release_unnamed(tx, now_ms())


def drop_project(tx: Connection, actor: Actor, project: int) -> None:
    """Delete all files and releases of a project that is deleted for good; ``erase_project`` drops their bytes."""
    actor.require(Permission.STORAGE_MANAGE)
    store.delete_project(tx, project)


async def erase_project(services: Services, actor: Actor, project: int, until: float) -> Erased:
    """Delete all bytes of a project that is deleted for good, until it is ``until`` on the monotonic clock."""
    actor.require(Permission.STORAGE_MANAGE)
    files = size = 0
    for folder in (artifacts.FILES, artifacts.DVC):
        gone = await artifacts.erase_artifacts(services, actor, artifacts.own_location(project, folder), until)
        files, size = files + gone.files, size + gone.bytes
        if not gone.complete:
            return Erased(files, size, complete=False)
    await services.db.write(store.forget_project, project)
    return Erased(files, size)


async def _drop(services: Services, grace_ms: int) -> list[BlobRecord]:
    now = now_ms()
    coming_before = now - services.settings.upload_days * DAY_MS
    taken = await services.db.write(store.take_unused, now - grace_ms, coming_before, AT_ONCE)
    await asyncio.gather(*(services.blobs.delete(blob_key(each.project, each.id)) for each in taken))
    if taken:
        await services.db.write(store.forget_blobs, [each.id for each in taken])
    return taken
