"""Multipart uploads of a local store: a folder of parts beside the other files under way.

The folder is called by the upload's id. It holds ``target`` (the path the upload is for), the parts, whose
names are number and hash, and ``whole``, the empty file that completion fills and moves to its path. The id
ends with the inode of ``whole``: so a completion that is repeated knows its own work. What a crash leaves is
either still an upload, or the published blob, and nothing in between is visible.
"""

import contextlib
import errno
import fcntl
import os
import re
import stat
import uuid
from collections.abc import Iterator, Sequence

from mainspring.engines.blobs.local_pages import WINDOW, Trail
from mainspring.engines.blobs.local_root import INCOMING, READ, WRITE, Root, meta_of, path_names, set_time
from mainspring.engines.blobs.local_streams import Incoming, write_all
from mainspring.engines.blobs.port import CHUNK_BYTES, BlobMeta, Part, PendingUpload, check_parts
from mainspring.kit.errors import InvalidArgument, NotFound

TARGET = "target"
WHOLE = "whole"

_ID = re.compile(r"[0-9a-f]{32}-([0-9a-f]{1,16})")
_PART = re.compile(r"(\d{5})-([0-9a-f]{64})")
_NO_COPY = {errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL}


class Parts:
    """The multipart uploads below a root. Its methods block: call them in a thread."""

    def __init__(self, root: Root) -> None:
        self._root = root

    def create(self, path: str) -> str:
        """Make the folder of an upload under another name first: an upload that is seen is whole."""
        path_names(path)
        unseen = uuid.uuid4().hex
        with self._root.writing(path), self._root.folder([INCOMING], made=[]) as incoming:
            with self._root.folder([INCOMING, unseen], made=[]) as folder:
                _write_file(TARGET, path.encode(), folder)
                inode = _write_file(WHOLE, b"", folder)
                os.fsync(folder)
            upload_id = f"{unseen}-{inode:x}"
            os.rename(unseen, upload_id, src_dir_fd=incoming, dst_dir_fd=incoming)
            os.fsync(incoming)
        return upload_id

    def check(self, path: str, upload_id: str) -> None:
        """Raise NotFound if there is no such upload for ``path``."""
        with self._folder(path, upload_id):
            pass

    def put(self, path: str, upload_id: str, number: int, incoming: Incoming) -> Part:
        """Publish a received file as part ``number``."""
        name = f"{number:05d}-{incoming.finish_hash()}"
        with self._folder(path, upload_id) as folder:

            def move(source: int, temporary: str) -> None:
                os.rename(temporary, name, src_dir_fd=source, dst_dir_fd=folder)
                os.fsync(folder)

            return _part(name, incoming.publish(move).st_size)

    def stored(self, path: str, upload_id: str) -> list[Part]:
        """Return the parts by number; of those with one number the newest."""
        with self._folder(path, upload_id) as folder, os.scandir(folder) as entries:
            found = [
                (entry.stat(follow_symlinks=False), entry.name) for entry in entries if _PART.fullmatch(entry.name)
            ]
        found.sort(key=lambda each: each[0].st_mtime_ns)
        newest = {name[:5]: _part(name, known.st_size) for known, name in found}
        return [newest[number] for number in sorted(newest)]

    def complete(self, path: str, upload_id: str, parts: Sequence[Part]) -> BlobMeta:
        """Join the parts in ``whole`` and move it to its path."""
        ordered = check_parts(parts)
        try:
            with self._folder(path, upload_id) as folder, self._locked_whole(path, folder) as whole:
                found = self._join(path, folder, whole, ordered)
        except NotFound:
            found = self._published(path, upload_id)
        self._discard(upload_id)
        return found

    def abort(self, path: str, upload_id: str) -> None:
        """Drop the upload."""
        with contextlib.suppress(NotFound), self._folder(path, upload_id):
            self._discard(upload_id)

    def pending(self) -> list[PendingUpload]:
        """Return the uploads under way."""
        with self._root.reading(""), self._root.folder([INCOMING], made=[]) as incoming:
            ids = [name for name in os.listdir(incoming) if is_upload(name)]
        found = []
        for upload_id in ids:
            gone = contextlib.suppress(FileNotFoundError, NotADirectoryError)
            with gone, self._root.folder([INCOMING, upload_id]) as folder:
                started = os.stat(TARGET, dir_fd=folder).st_mtime_ns // 1_000_000
                found.append(PendingUpload(_read_file(TARGET, folder).decode(), upload_id, started))
        return found

    @contextlib.contextmanager
    def _folder(self, path: str, upload_id: str) -> Iterator[int]:
        """Yield the folder of an upload for ``path``; NotFound if there is none."""
        path_names(path)
        missing = NotFound(f"There is no upload '{upload_id[:100]}' for '{path}': begin a new one.")
        if not is_upload(upload_id):
            raise missing
        with self._root.reading(path):
            try:
                with self._root.folder([INCOMING, upload_id]) as folder:
                    if _read_file(TARGET, folder) != path.encode():
                        raise missing
                    yield folder
            except FileNotFoundError as error:
                raise missing from error

    @contextlib.contextmanager
    def _locked_whole(self, path: str, folder: int) -> Iterator[int]:
        """Yield the empty file that is to be the blob, one caller at a time: the system unlocks it if we die."""
        descriptor = os.open(WHOLE, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.stat(WHOLE, dir_fd=folder)  # FileNotFoundError: who had the lock before us has published it
            os.ftruncate(descriptor, 0)
            yield descriptor
        finally:
            os.close(descriptor)

    def _join(self, path: str, folder: int, whole: int, parts: Sequence[Part]) -> BlobMeta:
        with self._root.writing(path):
            trail = Trail()
            for part in parts:
                _append(_open_part(part, folder), whole, trail)
            set_time(whole)
            os.fsync(whole)
            self._root.publish(folder, WHOLE, path_names(path))
            return meta_of(path, os.fstat(whole))

    def _published(self, path: str, upload_id: str) -> BlobMeta:
        """Return what an earlier completion of this upload has published; NotFound if there is no such thing."""
        match = _ID.fullmatch(upload_id)
        *parents, name = path_names(path)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), self._root.folder(parents) as folder:
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if match and found.st_ino == int(match[1], 16) and stat.S_ISREG(found.st_mode):
                return meta_of(path, found)
        raise NotFound(f"There is no upload '{upload_id[:100]}' for '{path}': begin a new one.")

    def _discard(self, upload_id: str) -> None:
        with contextlib.suppress(FileNotFoundError):  # someone else was faster
            self._root.discard([INCOMING, upload_id])


def is_upload(name: str) -> bool:
    """Return whether a name in the hidden folder is that of an upload of parts."""
    return _ID.fullmatch(name) is not None


def _part(name: str, size: int) -> Part:
    number, digest = name.split("-")
    return Part(int(number), f'"{digest}"', size)


def _open_part(part: Part, folder: int) -> int:
    digest = part.etag.strip('"')
    name = f"{part.number:05d}-{digest}"
    try:
        if not _PART.fullmatch(name):
            raise FileNotFoundError(name)
        return os.open(name, READ, dir_fd=folder)
    except FileNotFoundError as error:
        raise InvalidArgument(
            f"Part {part.number} with the ETag {part.etag[:100]} was not uploaded.", field="parts"
        ) from error


def _append(source: int, target: int, trail: Trail) -> None:
    """Append a file to another and close it."""
    behind = Trail()
    try:
        while _copy_some(source, target):
            behind.read(source, os.lseek(source, 0, os.SEEK_CUR))
            trail.written(target, os.lseek(target, 0, os.SEEK_CUR))
    finally:
        os.close(source)


def _copy_some(source: int, target: int) -> int:
    """Copy the next bytes and return how many: on file systems that can by sharing the blocks that hold them."""
    if hasattr(os, "copy_file_range"):
        try:
            return os.copy_file_range(source, target, WINDOW)
        except OSError as error:
            if error.errno not in _NO_COPY:
                raise
    chunk = os.read(source, CHUNK_BYTES)
    write_all(target, [chunk])
    return len(chunk)


def _write_file(name: str, content: bytes, folder: int) -> int:
    """Make a durable file and return its inode."""
    descriptor = os.open(name, WRITE, 0o666, dir_fd=folder)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
        return os.fstat(descriptor).st_ino
    finally:
        os.close(descriptor)


def _read_file(name: str, folder: int) -> bytes:
    descriptor = os.open(name, READ, dir_fd=folder)
    try:
        return os.read(descriptor, 2048)
    finally:
        os.close(descriptor)
