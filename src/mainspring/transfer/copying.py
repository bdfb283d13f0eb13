"""Copying files into our store, several at a time, each one compared with its source by size and SHA-256."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, MainspringError, NotFound, Unavailable
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.services import Services
from mainspring.transfer.artifacts import SourceFile, SourceFolder
from mainspring.transfer.source import Notes

CONCURRENT = 8
PAUSES_S = (1.0, 5.0, None)

T = TypeVar("T")
_Wanted = tuple[SourceFolder, SourceFile, str]


class Copied(Struct):
    """How many files were copied or found to be here, how many bytes they have, and how many could not be copied."""

    files: int = 0
    bytes: int = 0
    failed: int = 0


class Copier:
    """Copies folders. ``copied`` counts what has come; ``tell`` is called after each file."""

    def __init__(self, services: Services, notes: Notes, tell: Callable[[], None]) -> None:
        self.copied = Copied()
        self._services, self._notes, self._tell = services, notes, tell

    async def copy(self, folders: Sequence[tuple[SourceFolder, str]]) -> None:
        """Copy each folder to a location of ours. Raises Unavailable where a store or server stays away."""
        await each(self._files(folders), self._copy)

    async def _files(self, folders: Sequence[tuple[SourceFolder, str]]) -> AsyncIterator[_Wanted]:
        for folder, location in folders:
            try:
                async for file in folder.walk():
                    yield folder, file, location
            except InvalidArgument as error:
                self._failed("a folder of files could not be listed", error, location)

    async def _copy(self, wanted: _Wanted) -> None:
        folder, file, location = wanted
        for pause in PAUSES_S:
            try:
                size = await self._copy_once(folder, file, location)
                self.copied.files, self.copied.bytes = self.copied.files + 1, self.copied.bytes + size
                break
            except Unavailable:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
            except (InvalidArgument, NotFound, FailedPrecondition) as error:
                self._failed("a file could not be copied", error, f"{location}/{file.path}")
                break
        self._tell()

    def _failed(self, what: str, error: MainspringError, where: str) -> None:
        self.copied.failed += 1
        self._notes.add(what, f"{where}: {error.message}")

    async def _copy_once(self, folder: SourceFolder, file: SourceFile, location: str) -> int:
        """Copy a file unless it is here already, and return its size in bytes."""
        here = await self._size(location, file.path)
        if here is not None and file.size in (None, here) and await self._is_same(folder, file.path, location):
            return here
        stored = await artifacts.put_artifact(self._services, LOCAL, location, file.path, folder.read(file.path))
        if await self._hash(location, file.path) != stored.sha256 or file.size not in (None, stored.size):
            raise Unavailable(f"'{file.path}' is not the same once it is stored at {location}, or changed meanwhile.")
        return stored.size

    async def _is_same(self, folder: SourceFolder, path: str, location: str) -> bool:
        return await _hash(folder.read(path)) == await self._hash(location, path)

    async def _size(self, location: str, path: str) -> int | None:
        try:
            return (await artifacts.head_artifact(self._services.blobs, LOCAL, location, path)).size
        except NotFound:
            return None

    async def _hash(self, location: str, path: str) -> str:
        blob = await artifacts.open_artifact(self._services.blobs, LOCAL, location, path)
        try:
            return await _hash(blob.chunks)
        finally:
            await blob.chunks.aclose()


async def each(things: AsyncIterator[T], work: Callable[[T], Coroutine[Any, Any, None]]) -> None:
    """Do the work for each thing, some at a time; the first failure ends the rest and is raised."""
    places = asyncio.Semaphore(CONCURRENT)
    try:
        async with asyncio.TaskGroup() as group:
            async for thing in things:
                await places.acquire()
                group.create_task(work(thing)).add_done_callback(lambda _: places.release())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed


async def _hash(chunks: AsyncIterator[bytes]) -> str:
    hashing = hashlib.sha256()
    async for chunk in chunks:
        hashing.update(chunk)
    return hashing.hexdigest()
