"""The port of object stores: what every back-end promises.

A path is relative and its parts are joined by ``/``; ``mainspring.kit.paths.artifact_path`` says what it
may contain, and every store checks it. Folders exist only as long as something is in them. Bytes
stream both ways: no store holds a whole blob in memory.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from mainspring.kit.errors import TooLarge

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BlobMeta:
    """What is known of a stored blob: ``size`` in bytes, ``modified`` in ms since the epoch, ``etag`` in its quotes.

    Two blobs of one path with the same ``etag`` have the same bytes.
    """

    path: str
    size: int
    modified: int
    etag: str


@dataclass(frozen=True, slots=True)
class BlobEntry:
    """A line of a folder's listing: a file with its size in bytes, or a folder with None."""

    path: str
    is_dir: bool
    size: int | None


class ByteStream(Protocol):
    """Chunks of about 1 MiB. ``aclose`` ends the stream early and frees what it holds; more than once is fine."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def __anext__(self) -> bytes: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Blob:
    """An open blob: the bytes from ``start`` up to ``end`` of the ``meta.size`` there are, to be read once."""

    meta: BlobMeta
    start: int
    end: int
    chunks: ByteStream

    async def read(self, limit: int) -> bytes:
        """Return all bytes at once; TooLarge if there are more than ``limit``."""
        if self.end - self.start > limit:
            await self.chunks.aclose()
            raise TooLarge(f"'{self.meta.path}' has {self.end - self.start} bytes, at most {limit} are read at once.")
        return b"".join([chunk async for chunk in self.chunks])


class BlobStore(Protocol):
    """A store of blobs under one root.

    Every method may raise InvalidArgument for an unsafe path and Unavailable when the store is away, full
    or refuses us.
    """

    async def put(self, path: str, chunks: AsyncIterator[bytes]) -> BlobMeta:
        """Store the bytes of ``chunks`` at ``path``, in place of what was there.

        Returns once they are durable. Until then readers see what was there before, and after an error in
        ``chunks`` or a cancellation nothing is left. FailedPrecondition: a folder is in the way, or a file
        where a folder is needed (only stores on file systems).
        """
        ...

    async def get(self, path: str, start: int | None = None, end: int | None = None) -> Blob:
        """Open the bytes from ``start`` to before ``end``, cut to the blob's size. NotFound if there is no blob."""
        ...

    async def head(self, path: str) -> BlobMeta:
        """Return what is known of the blob. NotFound if there is none."""
        ...

    async def list(self, folder: str) -> list[BlobEntry]:
        """Return the files and folders directly in ``folder`` ("" is the root), by path.

        Empty for a missing folder and for a file.
        """
        ...

    def list_recursive(self, folder: str) -> AsyncIterator[BlobMeta]:
        """Iterate over all blobs below ``folder`` ("" is the root), in no promised order."""
        ...

    async def delete(self, path: str) -> None:
        """Delete one blob; that there is none is no error."""
        ...

    async def delete_prefix(self, folder: str) -> None:
        """Delete every blob below ``folder``; that there is none is no error. The root is refused."""
        ...

    async def check(self) -> None:
        """Return if the store answers (and, on a file system, takes a write); else raise Unavailable."""
        ...

    async def close(self) -> None:
        """Free what the store holds."""
        ...


def byte_range(start: int | None, end: int | None, size: int) -> tuple[int, int]:
    """Return the half-open range of a blob of ``size`` bytes that ``start`` and ``end`` ask for, cut to the blob."""
    low = min(max(start or 0, 0), size)
    high = size if end is None else min(max(end, low), size)
    return low, high
