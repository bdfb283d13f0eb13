"""The port of object stores: what every back-end promises.

A path is relative and its parts are joined by ``/``; ``mainspring.kit.paths.artifact_path`` says what it
may contain, and every store checks it. Folders exist only as long as something is in them. Bytes
stream both ways: no store holds a whole blob in memory.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from mainspring.kit.errors import InvalidArgument, TooLarge

CHUNK_BYTES = 1024 * 1024

MAX_PARTS = 10_000
"""The most parts of a multipart upload, that of Amazon S3."""


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
    """A line of a folder's listing: a file with its size in bytes and its ETag, or a folder with None."""

    path: str
    is_dir: bool
    size: int | None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a folder's listing; ``next`` is what to ask the following page with, None after the last."""

    entries: list[BlobEntry]
    next: str | None


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that a client may send to the store itself, without keys, until its signature expires.

    The client must send ``headers`` as they are: the signature covers them.
    """

    method: str
    url: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a multipart upload: ``number`` from 1 to 10,000, ``etag`` in its quotes, ``size`` in bytes."""

    number: int
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class PendingUpload:
    """A multipart upload that was neither completed nor aborted, ``started`` in ms since the epoch."""

    path: str
    upload_id: str
    started: int


class Digest(Protocol):
    """What sees the bytes of a blob while they are written, in order, in the thread that writes them."""

    def update(self, piece: bytes | memoryview, /) -> None:
        """Take the next piece."""
        ...

    def finish(self) -> None:
        """Raise after the last piece, and nothing is stored."""
        ...


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
    or refuses us. What a store cannot do raises Unsupported: signing where ``direct`` is False, multipart
    uploads on stores without them.
    """

    direct: bool
    """Whether clients may talk to the store themselves, by signed requests."""

    async def put(self, path: str, chunks: AsyncIterator[bytes], digest: Digest | None = None) -> BlobMeta:
        """Store the bytes of ``chunks`` at ``path``, in place of what was there; ``digest`` may object in the end.

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

    async def sign_get(self, path: str, expires_s: int) -> SignedRequest:
        """Return a request that reads the blob for ``expires_s`` seconds; whether it exists is not looked up."""
        ...

    async def sign_put(self, path: str, expires_s: int) -> SignedRequest:
        """Return a request whose body becomes the blob, for ``expires_s`` seconds."""
        ...

    async def create_multipart(self, path: str) -> str:
        """Start an upload of parts for ``path`` and return its id; nothing is visible until it is completed."""
        ...

    async def sign_part(self, path: str, upload_id: str, number: int, expires_s: int) -> SignedRequest:
        """Return a request whose body becomes part ``number``; its answer's ``ETag`` header is the part's."""
        ...

    async def put_part(self, path: str, upload_id: str, number: int, chunks: AsyncIterator[bytes]) -> Part:
        """Store the bytes of ``chunks`` as part ``number``, in place of one of that number.

        InvalidArgument for a number outside 1 to 10,000. NotFound if there is no such upload for ``path``. After
        an error in ``chunks`` the part is what it was before.
        """
        ...

    async def list_parts(self, path: str, upload_id: str) -> list[Part]:
        """Return the parts stored so far, by number. NotFound if there is no such upload for ``path``."""
        ...

    async def complete_multipart(self, path: str, upload_id: str, parts: Sequence[Part]) -> BlobMeta:
        """Publish the parts, joined by number, at ``path`` in one step, in place of what was there.

        Each part's number and etag are checked against what is stored. InvalidArgument if ``parts`` is empty, or
        one of them is not stored so; of stored parts that are not named some stores think so too, the others
        drop them. NotFound if there is no such upload for ``path``. Repeated after a success it answers as
        before, as long as the store can tell.
        """
        ...

    async def abort_multipart(self, path: str, upload_id: str) -> None:
        """Drop the upload and its parts; that there is none is no error."""
        ...

    def list_multiparts(self) -> AsyncIterator[PendingUpload]:
        """Iterate over the uploads under way, in no promised order."""
        ...

    async def list_page(self, folder: str, after: str | None, limit: int) -> ListPage:
        """Return at most ``limit`` files and folders directly in ``folder``, by path.

        A folder's place is that of its path with a slash at the end. ``after`` is None for the first page, then
        the ``next`` of the page before, which only the store understands (InvalidArgument). Empty for a missing
        folder and for a file.
        """
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

    async def remove_leftovers(self) -> None:
        """Remove what writes and deletions that died a day ago or more have left, and no reader sees."""
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


def check_part_number(number: int) -> None:
    """Raise InvalidArgument for what is no number of a part."""
    if not 1 <= number <= MAX_PARTS:
        raise InvalidArgument(f"There is no part {number}: parts are numbered 1 to {MAX_PARTS}.", field="part_number")


def check_parts(parts: Sequence[Part]) -> list[Part]:
    """Return the parts that are to be joined, by number. InvalidArgument for none, and for one named twice."""
    if not parts:
        raise InvalidArgument("An upload is completed with at least one part.", field="parts")
    ordered = sorted(parts, key=lambda part: part.number)
    check_part_number(ordered[0].number)
    check_part_number(ordered[-1].number)
    for before, part in pairwise(ordered):
        if before.number == part.number:
            raise InvalidArgument(f"Part {part.number} is named twice.", field="parts")
    return ordered
