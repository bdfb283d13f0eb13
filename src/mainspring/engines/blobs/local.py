"""Blobs as plain files below one folder.

Every path is walked from the root one name at a time, by descriptor and without following links, so no
link that someone planted below the root is read, written or listed through, not even one planted
meanwhile. Writes go to a hidden folder of the same file system and are renamed when complete.
"""

import asyncio
import contextlib
import errno
import os
import shutil
import stat
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator, MutableSequence, Sequence
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mainspring.engines.blobs.port import CHUNK_BYTES, Blob, BlobEntry, BlobMeta, byte_range
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable
from mainspring.kit.paths import artifact_path

INCOMING = ".mainspring-incoming"
"""Folder of the root for uploads and deletions under way; no blob may be called so."""

_ABANDONED_SECONDS = 24 * 3600
_MAX_BATCH = 1000  # writev takes 1024 buffers
_PUBLISH_ATTEMPTS = 100
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK the opening of a planted FIFO would wait for a writer.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL = {errno.ENOSPC, errno.EDQUOT}
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
_IN_THE_WAY = {errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENOTEMPTY, errno.EEXIST}


class LocalBlobStore:
    """The store at ``file:///folder``; see ``BlobStore`` for what its methods promise."""

    def __init__(self, url: str) -> None:
        self.root = url2pathname(urlsplit(url).path)
        if not os.path.isabs(self.root):
            raise InvalidArgument(f"'{url}' names no absolute folder: write file:///folder.")
        with self._reporting(""):
            os.makedirs(os.path.join(self.root, INCOMING), exist_ok=True)
            self._remove_abandoned()

    async def put(self, path: str, chunks: AsyncIterator[bytes]) -> BlobMeta:
        upload = _Upload(self, path, _names(path))
        batch: list[bytes] = []
        gathered = 0
        try:
            async for chunk in chunks:
                batch.append(chunk)
                gathered += len(chunk)
                if gathered >= CHUNK_BYTES or len(batch) == _MAX_BATCH:
                    await asyncio.to_thread(upload.write, batch)
                    batch, gathered = [], 0
            return await asyncio.to_thread(upload.publish, batch)
        except BaseException:
            await asyncio.to_thread(upload.discard)
            raise

    async def get(self, path: str, start: int | None = None, end: int | None = None) -> Blob:
        descriptor, found = await asyncio.to_thread(self._open, path)
        low, high = byte_range(start, end, found.size)
        return Blob(found, low, high, _FileChunks(descriptor, low, high, path))

    async def head(self, path: str) -> BlobMeta:
        return await asyncio.to_thread(self._head, path)

    async def list(self, folder: str) -> list[BlobEntry]:
        found = await asyncio.to_thread(self._scan, folder)
        entries = [BlobEntry(path, size is None, size) for path, size in found]
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

    async def check(self) -> None:
        await asyncio.to_thread(self._check)

    async def close(self) -> None:
        """Hold nothing, free nothing."""

    @contextlib.contextmanager
    def folder(self, names: Sequence[str], made: MutableSequence[str] | None = None) -> Iterator[int]:
        """Yield the descriptor of the folder below the root; OSError as the system says.

        With ``made``, missing folders are made, and their names added to it.
        """
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for name in names:
                if made is not None and _make_folder(name, descriptor):
                    made.append(name)
                child = os.open(name, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = child
            yield descriptor
        finally:
            os.close(descriptor)

    def sync(self, names: Sequence[str]) -> None:
        """Make the folders on the way to ``names`` durable."""
        for depth in range(len(names)):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError), self.folder(names[:depth]) as folder:
                os.fsync(folder)  # one that is gone was deleted since: nothing to keep

    def _open(self, path: str) -> tuple[int, BlobMeta]:
        *parents, name = _names(path)
        with self._reporting(path):
            with self.folder(parents) as folder:
                descriptor = os.open(name, _READ, dir_fd=folder)
            try:
                return descriptor, _meta(path, os.fstat(descriptor))
            except BaseException:
                os.close(descriptor)
                raise

    def _head(self, path: str) -> BlobMeta:
        *parents, name = _names(path)
        with self._reporting(path), self.folder(parents) as folder:
            return _meta(path, os.stat(name, dir_fd=folder, follow_symlinks=False))

    def _scan(self, folder: str) -> Sequence[tuple[str, int | None]]:
        """Return (path, size, None for a folder) of what is in ``folder``; links and devices are not."""
        names = _names(folder) if folder else []
        try:
            with self._reporting(folder), self.folder(names) as descriptor, os.scandir(descriptor) as found:
                sizes = [(entry.name, _size(entry)) for entry in found]
        except NotFound:
            return []
        prefix = f"{folder}/" if folder else ""
        return [(prefix + name, size) for name, size in sizes if size != _NO_BLOB and prefix + name != INCOMING]

    def _delete(self, path: str) -> None:
        *parents, name = _names(path)
        with contextlib.suppress(NotFound), self._reporting(path), self.folder(parents) as folder:
            if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                return
            os.unlink(name, dir_fd=folder)
            os.fsync(folder)
        self._remove_empty(parents)

    def _delete_folder(self, path: str) -> None:
        """Move the folder out of sight in one step, then delete it at leisure."""
        *parents, name = _names(path)
        with contextlib.suppress(NotFound), self._reporting(path), self.folder(parents) as folder:
            if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                return
            with self.folder([INCOMING], made=[]) as incoming:
                doomed = uuid.uuid4().hex
                os.rename(name, doomed, src_dir_fd=folder, dst_dir_fd=incoming)
                os.fsync(folder)
                _remove_tree(doomed, incoming)
        self._remove_empty(parents)

    def _remove_empty(self, names: Sequence[str]) -> None:
        """Remove the folder and its parents as far as they are empty: an object store has no empty folders."""
        for depth in range(len(names), 0, -1):
            try:
                with self.folder(names[: depth - 1]) as parent:
                    os.rmdir(names[depth - 1], dir_fd=parent)
            except OSError:  # not empty, or someone else was faster
                return

    def _check(self) -> None:
        with self._reporting(""), self.folder([INCOMING], made=[]) as incoming:
            name = uuid.uuid4().hex
            descriptor = os.open(name, _WRITE, dir_fd=incoming)
            try:
                os.write(descriptor, b"ready")
            finally:
                os.close(descriptor)
                os.unlink(name, dir_fd=incoming)

    def _remove_abandoned(self) -> None:
        """Remove what uploads and deletions of a process that died have left."""
        deadline = time.time() - _ABANDONED_SECONDS
        with self.folder([INCOMING]) as incoming:
            for name in os.listdir(incoming):
                with contextlib.suppress(FileNotFoundError):  # another process removes it too
                    if os.stat(name, dir_fd=incoming, follow_symlinks=False).st_mtime < deadline:
                        _remove_tree(name, incoming)

    @contextlib.contextmanager
    def _reporting(self, path: str) -> Iterator[None]:
        """Turn the system's errors into ours."""
        try:
            yield
        except OSError as error:
            if error.errno in _ABSENT and path:
                raise NotFound(f"No such artifact: '{path}'.") from error
            raise self.unavailable(error) from error

    def unavailable(self, error: OSError) -> Unavailable:
        """Return our error for one of the file system."""
        if error.errno in _FULL:
            return Unavailable(f"The artifact store at '{self.root}' is full: free space or enlarge its disk.")
        return Unavailable(f"The artifact store at '{self.root}' failed: {error.strerror}.")


class _Upload:
    """A file under way: nothing exists before the first write, and nothing but the whole is ever published.

    Used from worker threads one call at a time; the lock makes ``discard`` wait for a call whose caller was cancelled.
    """

    def __init__(self, store: LocalBlobStore, path: str, names: list[str]) -> None:
        self._store = store
        self._path = path
        self._names = names
        self._temporary = uuid.uuid4().hex
        self._descriptor: int | None = None
        self._done = False
        self._lock = threading.Lock()

    def write(self, batch: Sequence[bytes]) -> None:
        """Append ``batch``."""
        with self._lock, self._reporting():
            self._append(batch)

    def publish(self, batch: Sequence[bytes]) -> BlobMeta:
        """Append ``batch``, make the file durable and give it its name."""
        with self._lock, self._reporting():
            descriptor = self._append(batch)
            os.fsync(descriptor)
            self._rename()
            self._done = True
            found = _meta(self._path, os.fstat(descriptor))
            self._close()
            return found

    def discard(self) -> None:
        """Remove what was written, unless it was published."""
        with self._lock:
            if self._descriptor is not None:
                self._close()
            if not self._done:
                self._done = True
                with contextlib.suppress(FileNotFoundError), self._store.folder([INCOMING]) as incoming:
                    os.unlink(self._temporary, dir_fd=incoming)

    def _append(self, batch: Sequence[bytes]) -> int:
        if self._descriptor is None:
            with self._store.folder([INCOMING], made=[]) as incoming:
                self._descriptor = os.open(self._temporary, _WRITE, 0o666, dir_fd=incoming)
        _write_all(self._descriptor, batch)
        return self._descriptor

    def _rename(self) -> None:
        *parents, name = self._names
        made: list[str] = []
        for attempt in range(1, _PUBLISH_ATTEMPTS + 1):
            try:
                with self._store.folder([INCOMING]) as incoming, self._store.folder(parents, made) as folder:
                    os.rename(self._temporary, name, src_dir_fd=incoming, dst_dir_fd=folder)
                    os.fsync(folder)
                if made:
                    self._store.sync(parents)
                return
            except FileNotFoundError:  # a deletion removed the empty folder under our feet
                if attempt == _PUBLISH_ATTEMPTS:
                    raise

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _IN_THE_WAY:
                raise FailedPrecondition(
                    f"'{self._path}' cannot be stored: a folder is in its place, or a file where it needs a folder."
                ) from error
            raise self._store.unavailable(error) from error


class _FileChunks:
    """The bytes of an open file; the descriptor is closed at the end, by ``aclose``, or when nobody refers to it."""

    def __init__(self, descriptor: int, start: int, end: int, path: str) -> None:
        self._descriptor: int | None = descriptor
        self._position = start
        self._end = end
        self._path = path

    def __aiter__(self) -> "_FileChunks":
        return self

    async def __anext__(self) -> bytes:
        if self._descriptor is None or self._position >= self._end:
            self._close()
            raise StopAsyncIteration
        wanted = min(CHUNK_BYTES, self._end - self._position)
        try:
            chunk = await asyncio.to_thread(os.pread, self._descriptor, wanted, self._position)
        except OSError as error:
            self._close()
            raise Unavailable(f"'{self._path}' cannot be read: {error.strerror}.") from error
        if not chunk:
            self._close()
            raise Unavailable(f"'{self._path}' ended at byte {self._position} of {self._end}: it was cut meanwhile.")
        self._position += len(chunk)
        return chunk

    async def aclose(self) -> None:
        self._close()

    def __del__(self) -> None:
        self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


_NO_BLOB = -1


def _names(path: str) -> list[str]:
    names = artifact_path(path).split("/")
    if names[0] == INCOMING:
        raise InvalidArgument(f"Invalid path {path!r}: '{INCOMING}' is reserved.", field="path")
    return names


def _meta(path: str, found: os.stat_result) -> BlobMeta:
    if not stat.S_ISREG(found.st_mode):
        raise NotFound(f"'{path}' is not a file.")
    etag = f'"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"'
    return BlobMeta(path, found.st_size, found.st_mtime_ns // 1_000_000, etag)


def _size(entry: os.DirEntry[str]) -> int | None:
    """Return a file's size, None for a folder, ``_NO_BLOB`` for anything else."""
    if entry.is_dir(follow_symlinks=False):
        return None
    if entry.is_file(follow_symlinks=False):
        return entry.stat(follow_symlinks=False).st_size
    return _NO_BLOB


def _make_folder(name: str, parent: int) -> bool:
    """Return whether the folder had to be made."""
    try:
        os.mkdir(name, dir_fd=parent)
    except FileExistsError:
        return False
    return True


def _write_all(descriptor: int, batch: Sequence[bytes]) -> None:
    written = os.writev(descriptor, batch) if batch else 0
    if written == sum(map(len, batch)):
        return
    # The system took a part: it says why, or takes the rest, when asked again.
    rest = memoryview(b"".join(batch))[written:]
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _remove_tree(name: str, parent: int) -> None:
    """Remove a file or a folder with all it holds; links are removed, never followed."""
    if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        # An upload that had the folder open may still put its file there: a later start removes the rest.
        shutil.rmtree(name, ignore_errors=True, dir_fd=parent)
    else:
        os.unlink(name, dir_fd=parent)
