"""Everything below a location: counted, or deleted for good, file by file and as long as the caller has time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from mainspring.engines.blobs import BlobMeta
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.permissions import Permission
from mainspring.modules.artifacts import store as records
from mainspring.modules.artifacts.service.locations import resolve
from mainspring.modules.services import Services

AT_ONCE = 32
"""Files that are deleted side by side: an object store takes its time for each."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How many files and bytes there were; ``complete`` is False where some are left for the next time."""

    files: int = 0
    bytes: int = 0
    complete: bool = True


async def count_artifacts(services: Services, actor: Actor, location: str) -> Erased:
    """Count what lies below a location, and change nothing. Raises as ``erase_artifacts`` does."""
    actor.require(Permission.STORAGE_MANAGE)
    files = size = 0
    async for blob in services.blobs.list_recursive(_folder(location)):
        files, size = files + 1, size + blob.size
    return Erased(files, size)


async def erase_artifacts(services: Services, actor: Actor, location: str, until: float) -> Erased:
    """Delete what lies below a location, until it is ``until`` on the monotonic clock; at least a few files.

    What is recorded of the files goes with the last of them. Raises InvalidArgument for the store's root,
    Unsupported for a location outside the store.
    """
    actor.require(Permission.STORAGE_MANAGE)
    folder = _folder(location)
    files = size = 0
    async for some in _batches(services.blobs.list_recursive(folder)):
        await asyncio.gather(*(services.blobs.delete(blob.path) for blob in some))
        files, size = files + len(some), size + sum(blob.size for blob in some)
        if time.monotonic() >= until:
            return Erased(files, size, complete=False)
    await services.blobs.delete_prefix(folder)  # the folders that are left, on a file system
    await services.db.write(records.delete_files, folder)
    return Erased(files, size)


async def _batches(found: AsyncIterator[BlobMeta]) -> AsyncIterator[list[BlobMeta]]:
    batch: list[BlobMeta] = []
    async for blob in found:
        batch.append(blob)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _folder(location: str) -> str:
    folder = resolve(location)
    if not folder:
        raise InvalidArgument(f"'{location}' is the whole store: name a folder of it.", field="artifact_location")
    return folder
