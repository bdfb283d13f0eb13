"""Bytes on their way into a local store and out of it."""

import asyncio
import contextlib
import hashlib
import os
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Sequence

from mainspring.engines.blobs.local_pages import Trail
from mainspring.engines.blobs.local_root import INCOMING, WRITE, Root, set_time
from mainspring.engines.blobs.port import CHUNK_BYTES, Digest
from mainspring.kit.errors import Unavailable

_MAX_BATCH = 1000  # writev takes 1024 buffers


class Incoming:
    """A file under way: nothing exists before the first write, and nothing but the whole is ever published.

    Used from worker threads one call at a time; the lock makes ``discard`` wait for a call whose caller was
    cancelled. ``path`` is what errors call the file.
    """

    def __init__(self, root: Root, path: str, digest: Digest | None = None, *, hashed: bool = False) -> None:
        self._root = root
        self._path = path
        self._name = uuid.uuid4().hex
        self._digest = digest
        self._hash = hashlib.sha256() if hashed else None
        self._rest: list[bytes] = []
        self._size = 0
        self._trail = Trail()
        self._descriptor: int | None = None
        self._done = False
        self._lock = threading.RLock()

    async def receive(self, chunks: AsyncIterator[bytes]) -> None:
        """Take all of ``chunks``; a worker thread is held for each MiB of it, not between them."""
        gathered = 0
        async for chunk in chunks:
            self._rest.append(chunk)
            gathered += len(chunk)
            if gathered >= CHUNK_BYTES or len(self._rest) == _MAX_BATCH:
                await asyncio.to_thread(self._write)
                gathered = 0

    def finish_hash(self) -> str:
        """Write what is left and return the SHA-256 of all, in hexadecimal digits."""
        assert self._hash is not None
        self._write()
        return self._hash.hexdigest()

    def publish(self, move: Callable[[int, str], None]) -> os.stat_result:
        """Write what is left, ask the digest, make the file durable, and have ``move`` give it its name.

        ``move`` is called with the folder, by descriptor, and the name that the file has in it. OSError as the
        system says.
        """
        with self._lock, self._root.folder([INCOMING]) as incoming:
            descriptor = self._write()
            if self._digest:
                self._digest.finish()
            set_time(descriptor)
            os.fsync(descriptor)
            move(incoming, self._name)
            self._done = True
            found = os.fstat(descriptor)
            self._close()
            return found

    def discard(self) -> None:
        """Remove what was written, unless it was published."""
        with self._lock:
            self._close()
            if not self._done:
                self._done = True
                with contextlib.suppress(FileNotFoundError), self._root.folder([INCOMING]) as incoming:
                    os.unlink(self._name, dir_fd=incoming)

    def _write(self) -> int:
        with self._lock, self._root.writing(self._path):
            if self._descriptor is None:
                self._descriptor = self._create()
            write_all(self._descriptor, self._rest)
            for chunk in self._rest:
                self._size += len(chunk)
                if self._hash is not None:
                    self._hash.update(chunk)
                if self._digest:
                    self._digest.update(chunk)
            self._rest = []
            self._trail.written(self._descriptor, self._size)
            return self._descriptor

    def _create(self) -> int:
        if self._done:
            raise Unavailable(f"The upload of '{self._path}' was given up.")
        with self._root.folder([INCOMING], made=[]) as incoming:
            return os.open(self._name, WRITE, 0o666, dir_fd=incoming)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class FileChunks:
    """The bytes of an open file; the descriptor is closed at the end, by ``aclose``, or when nobody refers to it."""

    def __init__(self, descriptor: int, start: int, end: int, path: str, trail: Trail | None) -> None:
        """``trail`` is given where the bytes need not stay in the system's cache."""
        self._descriptor: int | None = descriptor
        self._position = start
        self._trail = trail
        self._end = end
        self._path = path

    def __aiter__(self) -> "FileChunks":
        return self

    async def __anext__(self) -> bytes:
        if self._descriptor is None or self._position >= self._end:
            self._close()
            raise StopAsyncIteration
        wanted = min(CHUNK_BYTES, self._end - self._position)
        try:
            chunk = await asyncio.to_thread(self._read, self._descriptor, wanted)
        except OSError as error:
            self._close()
            raise Unavailable(f"'{self._path}' cannot be read: {error.strerror}.") from error
        if not chunk:
            self._close()
            raise Unavailable(f"'{self._path}' ended at byte {self._position} of {self._end}: it was cut meanwhile.")
        self._position += len(chunk)
        return chunk

    def _read(self, descriptor: int, wanted: int) -> bytes:
        if self._trail:
            self._trail.read(descriptor, self._position)
        return os.pread(descriptor, wanted, self._position)

    async def aclose(self) -> None:
        self._close()

    def __del__(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def write_all(descriptor: int, batch: Sequence[bytes]) -> None:
    """Write all of a batch of at most 1,000 pieces. OSError as the system says."""
    written = os.writev(descriptor, batch) if batch else 0
    if written == sum(map(len, batch)):
        return
    # The system took a part: it says why, or takes the rest, when asked again.
    rest = memoryview(b"".join(batch))[written:]
    while rest:
        rest = rest[os.write(descriptor, rest) :]
