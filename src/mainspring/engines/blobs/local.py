"""Blobs as plain files below one folder.

No link below the root is followed (``local_root``). Writes go to a hidden folder of the same file system and
are renamed when complete.
"""

import asyncio
import contextlib
import heapq
import os
import stat
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mainspring.engines.blobs.local_pages import Reads, Trail
from mainspring.engines.blobs.local_parts import Parts, is_upload
from mainspring.engines.blobs.local_root import (
    INCOMING,
    READ,
    WRITE,
    Root,
    etag_of,
    meta_of,
    path_names,
    remove_tree,
)
from mainspring.engines.blobs.local_streams import FileChunks, Incoming
from mainspring.engines.blobs.port import (
    Blob,
    BlobEntry,
    BlobMeta,
    Digest,
    ListPage,
    Part,
    PendingUpload,
    SignedRequest,
    byte_range,
    check_part_number,
)
from mainspring.kit.errors import InvalidArgument, NotFound, Unsupported

__all__ = ["INCOMING", "LocalBlobStore"]

_ABANDONED_SECONDS = 24 * 3600


class LocalBlobStore:
    """The store at ``file:///folder``; see ``BlobStore`` for what its methods promise."""

    direct = False

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        path = url2pathname(parts.path)
        if not os.path.isabs(path):
            raise InvalidArgument(f"'{url}' names no absolute folder: write file:///folder.")
        if parts.query:
            raise InvalidArgument(f"'{url}' has options, and a folder takes none: write file:///folder.")
        self._root = Root(path)
        self._parts = Parts(self._root)
        self._reads = Reads()
        with self._root.reading(""):
            os.makedirs(os.path.join(path, INCOMING), exist_ok=True)
            self._remove_abandoned()

    async def put(self, path: str, chunks: AsyncIterator[bytes], digest: Digest | None = None) -> BlobMeta:
        incoming = Incoming(self._root, path, digest)
        names = path_names(path)

        def publish() -> BlobMeta:
            with self._root.writing(path):
                return meta_of(path, incoming.publish(lambda folder, name: self._root.publish(folder, name, names)))

        try:
            await incoming.receive(chunks)
            return await asyncio.to_thread(publish)
        except BaseException:
            await asyncio.to_thread(incoming.discard)
            raise

    async def get(self, path: str, start: int | None = None, end: int | None = None) -> Blob:
        descriptor, found = await asyncio.to_thread(self._open, path)
        low, high = byte_range(start, end, found.size)
        trail = None if self._reads.note((found.etag, low)) else Trail(low)
        return Blob(found, low, high, FileChunks(descriptor, low, high, path, trail))

    async def head(self, path: str) -> BlobMeta:
        return await asyncio.to_thread(self._root.head, path)

    async def sign_get(self, path: str, expires_s: int) -> SignedRequest:
        raise _not_direct()

    async def sign_put(self, path: str, expires_s: int) -> SignedRequest:
        raise _not_direct()

    async def create_multipart(self, path: str) -> str:
        return await asyncio.to_thread(self._parts.create, path)

    async def sign_part(self, path: str, upload_id: str, number: int, expires_s: int) -> SignedRequest:
        raise _not_direct()

    async def put_part(self, path: str, upload_id: str, number: int, chunks: AsyncIterator[bytes]) -> Part:
        check_part_number(number)
        await asyncio.to_thread(self._parts.check, path, upload_id)
        incoming = Incoming(self._root, path, hashed=True)
        try:
            await incoming.receive(chunks)
            return await asyncio.to_thread(self._parts.put, path, upload_id, number, incoming)
        except BaseException:
            await asyncio.to_thread(incoming.discard)
            raise

    async def list_parts(self, path: str, upload_id: str) -> list[Part]:
        return await asyncio.to_thread(self._parts.stored, path, upload_id)

    async def complete_multipart(self, path: str, upload_id: str, parts: Sequence[Part]) -> BlobMeta:
        return await asyncio.to_thread(self._parts.complete, path, upload_id, parts)

    async def abort_multipart(self, path: str, upload_id: str) -> None:
        await asyncio.to_thread(self._parts.abort, path, upload_id)

    async def list_multiparts(self) -> AsyncIterator[PendingUpload]:
        for upload in await asyncio.to_thread(self._parts.pending):
            yield upload

    async def list_page(self, folder: str, after: str | None, limit: int) -> ListPage:
        return await asyncio.to_thread(self._page, folder, after or "", limit)

    async def list(self, folder: str) -> list[BlobEntry]:
        entries = await asyncio.to_thread(self._entries, folder)
        return sorted(entries, key=lambda entry: entry.path)

    async def list_recursive(self, folder: str) -> AsyncIterator[BlobMeta]:
        pending = [folder]
        while pending:
            for entry in await self.list(pending.pop()):
                if entry.is_dir:
                    pending.append(entry.path)
                else:
                    with contextlib.suppress(NotFound):  # deleted since it was listed
                        yield await self.head(entry.path)

    async def delete(self, path: str) -> None:
        await asyncio.to_thread(self._delete, path)

    async def delete_prefix(self, folder: str) -> None:
        await asyncio.to_thread(self._delete_folder, folder)

    async def remove_leftovers(self) -> None:
        with self._root.reading(""):
            await asyncio.to_thread(self._remove_abandoned)

    async def check(self) -> None:
        await asyncio.to_thread(self._check)

    async def close(self) -> None:
        """Hold nothing, free nothing."""

    def _open(self, path: str) -> tuple[int, BlobMeta]:
        *parents, name = path_names(path)
        with self._root.reading(path):
            with self._root.folder(parents) as folder:
                descriptor = os.open(name, READ, dir_fd=folder)
            try:
                return descriptor, meta_of(path, os.fstat(descriptor))
            except BaseException:
                os.close(descriptor)
                raise

    def _page(self, folder: str, after: str, limit: int) -> ListPage:
        """Go through the whole folder, keeping what is on the page and one more."""
        chosen: list[os.DirEntry[str]] = []

        def choose(found: Iterable[os.DirEntry[str]]) -> Iterable[os.DirEntry[str]]:
            later = (entry for entry in found if _place(entry) > after)
            chosen.extend(heapq.nsmallest(limit + 1, later, key=_place))
            return chosen[:limit]

        entries = self._entries(folder, choose)
        return ListPage([*entries], _place(chosen[limit - 1]) if len(chosen) > limit else None)

    def _entries(
        self, folder: str, choose: Callable[[Iterable[os.DirEntry[str]]], Iterable[os.DirEntry[str]]] = iter
    ) -> Sequence[BlobEntry]:
        """Return what is chosen of the files and folders in ``folder``; none if there is no such folder."""
        names = path_names(folder) if folder else []
        prefix = f"{folder}/" if folder else ""
        try:
            with self._root.reading(folder), self._root.folder(names) as descriptor, os.scandir(descriptor) as found:
                listed = (entry for entry in found if _is_listed(entry) and (folder or entry.name != INCOMING))
                entries = [_entry(prefix, entry) for entry in choose(listed)]
        except NotFound:
            return []
        return [entry for entry in entries if entry]

    def _delete(self, path: str) -> None:
        *parents, name = path_names(path)
        with contextlib.suppress(NotFound), self._root.reading(path), self._root.folder(parents) as folder:
            if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                return
            os.unlink(name, dir_fd=folder)
            os.fsync(folder)
        self._root.remove_empty(parents)

    def _delete_folder(self, path: str) -> None:
        *parents, name = names = path_names(path)
        with contextlib.suppress(NotFound), self._root.reading(path), self._root.folder(parents) as folder:
            if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                return
            self._root.discard(names)
        self._root.remove_empty(parents)

    def _check(self) -> None:
        with self._root.reading(""), self._root.folder([INCOMING], made=[]) as incoming:
            name = uuid.uuid4().hex
            descriptor = os.open(name, WRITE, dir_fd=incoming)
            try:
                os.write(descriptor, b"ready")
            finally:
                os.close(descriptor)
                os.unlink(name, dir_fd=incoming)

    def _remove_abandoned(self) -> None:
        """Remove what uploads and deletions of a process that died have left; uploads of parts outlive processes."""
        deadline = time.time() - _ABANDONED_SECONDS
        with self._root.folder([INCOMING]) as incoming:
            for name in os.listdir(incoming):
                with contextlib.suppress(FileNotFoundError):  # another process removes it too
                    old = os.stat(name, dir_fd=incoming, follow_symlinks=False).st_mtime < deadline
                    if old and not is_upload(name):
                        remove_tree(name, incoming)


def _is_listed(entry: os.DirEntry[str]) -> bool:
    """Return whether it is a file or a folder, and not a link or a device, and has a name that can be written."""
    plain = entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
    return plain and (entry.name.isascii() or not any("\ud800" <= each <= "\udfff" for each in entry.name))


def _place(entry: os.DirEntry[str]) -> str:
    """Return what a folder's entries are sorted by in a page."""
    return f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name


def _entry(prefix: str, entry: os.DirEntry[str]) -> BlobEntry | None:
    """Return the line of a listing, or None for a file that was deleted meanwhile."""
    if entry.is_dir(follow_symlinks=False):
        return BlobEntry(prefix + entry.name, True, None)
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return BlobEntry(prefix + entry.name, False, found.st_size, etag_of(found))


def _not_direct() -> Unsupported:
    return Unsupported("The artifact store is a folder of the server: there are no signed URLs to it.")
