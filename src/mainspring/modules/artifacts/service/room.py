"""Room for files: what a project may still store by its quota of bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sqlalchemy import Connection

from mainspring.kit.actors import DEFAULT_PROJECT
from mainspring.kit.errors import TooLarge
from mainspring.modules.artifacts import store as records
from mainspring.modules.artifacts.service.locations import PROJECTS, owner_of
from mainspring.modules.quotas import service as quotas
from mainspring.modules.quotas.schemas import Resource
from mainspring.modules.services import Services


@quotas.counted(Resource.BYTES)
def count_bytes(tx: Connection, project: int) -> int:
    """Return the bytes of a project's files that are recorded."""
    if project == DEFAULT_PROJECT:  # its files lie beside the folder of the other projects
        return records.count_bytes(tx, PROJECTS, outside=True)
    return records.count_bytes(tx, f"{PROJECTS}/{project}")


async def check_room(services: Services, key: str, size: int) -> None:
    """Raise TooLarge unless there is room for so many bytes at the store's path ``key``."""
    room = await quotas.room(services.db, _project(key))
    if room is not None and size > room:
        raise _no_room(room)


async def within_room(services: Services, key: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Return chunks that end in TooLarge where there is no room for all of them at the store's path ``key``."""
    room = await quotas.room(services.db, _project(key))
    return chunks if room is None else _at_most(chunks, room)


def note_stored(services: Services, key: str, size: int) -> None:
    """Note that a file was stored at the store's path ``key``."""
    quotas.stored(services.db, _project(key), size)


def _project(key: str) -> int:
    return owner_of(key) or DEFAULT_PROJECT


async def _at_most(chunks: AsyncIterator[bytes], room: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > room:
            raise _no_room(room)
        yield chunk


def _no_room(room: int) -> TooLarge:
    return TooLarge(f"The project's quota of artifact_bytes has room for {room} bytes more; nothing was stored.")
