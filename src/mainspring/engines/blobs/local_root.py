"""The folder of a local store: walked one name at a time, and the place where files get their names.

Every path is walked from the root by descriptor and without following links, so no link that someone
planted below the root is read, written or listed through, not even one planted meanwhile.
"""

import contextlib
import errno
import os
import shutil
import stat
import time
import uuid
from collections.abc import Iterator, MutableSequence, Sequence

from mainspring.engines.blobs.port import BlobMeta
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable
from mainspring.kit.paths import artifact_path

INCOMING = ".mainspring-incoming"
"""Folder of the root for uploads and deletions under way; no blob may be called so."""

# Without O_NONBLOCK the opening of a planted FIFO would wait for a writer.
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PUBLISH_ATTEMPTS = 100
_FULL = {errno.ENOSPC, errno.EDQUOT}
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
_IN_THE_WAY = {errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENOTEMPTY, errno.EEXIST}


class Root:
    """The root folder ``path``: its folders by descriptor, and the system's errors as ours."""

    def __init__(self, path: str) -> None:
        self.path = path

    @contextlib.contextmanager
    def folder(self, names: Sequence[str], made: MutableSequence[str] | None = None) -> Iterator[int]:
        """Yield the descriptor of the folder below the root; OSError as the system says.

        With ``made``, missing folders are made, and their names added to it.
        """
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
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

    def publish(self, incoming: int, temporary: str, target: Sequence[str]) -> None:
        """Give a file of the folder ``incoming`` its name and make that durable; what had the name is replaced."""
        *parents, name = target
        made: list[str] = []
        for attempt in range(1, _PUBLISH_ATTEMPTS + 1):
            try:
                with self.folder(parents, made) as folder:
                    os.rename(temporary, name, src_dir_fd=incoming, dst_dir_fd=folder)
                    os.fsync(folder)
                if made:
                    self._sync(parents)
                return
            except FileNotFoundError:  # a deletion removed the empty folder under our feet
                if attempt == _PUBLISH_ATTEMPTS:
                    raise

    def discard(self, names: Sequence[str]) -> None:
        """Move a file or folder out of sight in one step, then delete it at leisure; OSError if it is not there."""
        *parents, name = names
        doomed = uuid.uuid4().hex
        with self.folder(parents) as folder, self.folder([INCOMING], made=[]) as incoming:
            os.rename(name, doomed, src_dir_fd=folder, dst_dir_fd=incoming)
            os.fsync(folder)
            remove_tree(doomed, incoming)

    def remove_empty(self, names: Sequence[str]) -> None:
        """Remove the folder and its parents as far as they are empty: an object store has no empty folders."""
        for depth in range(len(names), 0, -1):
            try:
                with self.folder(names[: depth - 1]) as parent:
                    os.rmdir(names[depth - 1], dir_fd=parent)
            except OSError:  # not empty, or someone else was faster
                return

    def head(self, path: str) -> BlobMeta:
        """Return what is known of the file."""
        *parents, name = path_names(path)
        with self.reading(path), self.folder(parents) as folder:
            return meta_of(path, os.stat(name, dir_fd=folder, follow_symlinks=False))

    @contextlib.contextmanager
    def reading(self, path: str) -> Iterator[None]:
        """Turn the system's errors into ours; NotFound for what is not there, if there is a ``path``."""
        try:
            yield
        except OSError as error:
            if error.errno in _ABSENT and path:
                raise NotFound(f"No such artifact: '{path}'.") from error
            raise self._unavailable(error) from error

    @contextlib.contextmanager
    def writing(self, path: str) -> Iterator[None]:
        """Turn the system's errors into ours; FailedPrecondition for what is in the way."""
        try:
            yield
        except OSError as error:
            if error.errno in _IN_THE_WAY:
                raise FailedPrecondition(
                    f"'{path}' cannot be stored: a folder is in its place, or a file where it needs a folder."
                ) from error
            raise self._unavailable(error) from error

    def _sync(self, names: Sequence[str]) -> None:
        """Make the folders on the way to ``names`` durable."""
        for depth in range(len(names)):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError), self.folder(names[:depth]) as folder:
                os.fsync(folder)  # one that is gone was deleted since: nothing to keep

    def _unavailable(self, error: OSError) -> Unavailable:
        if error.errno in _FULL:
            return Unavailable(f"The artifact store at '{self.path}' is full: free space or enlarge its disk.")
        return Unavailable(f"The artifact store at '{self.path}' failed: {error.strerror}.")


def path_names(path: str) -> list[str]:
    """Return the names that a blob's path is made of. Raises InvalidArgument for an unsafe path."""
    names = artifact_path(path).split("/")
    if names[0] == INCOMING:
        raise InvalidArgument(f"Invalid path {path!r}: '{INCOMING}' is reserved.", field="path")
    return names


def meta_of(path: str, found: os.stat_result) -> BlobMeta:
    """Return what is known of a file. NotFound for a folder, a link, a device."""
    if not stat.S_ISREG(found.st_mode):
        raise NotFound(f"'{path}' is not a file.")
    return BlobMeta(path, found.st_size, found.st_mtime_ns // 1_000_000, etag_of(found))


def etag_of(found: os.stat_result) -> str:
    """Return a file's ETag."""
    return f'"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"'


def set_time(descriptor: int) -> None:
    """Set a file's time to the nanosecond: ETags hold it, and the file system's own clock ticks in milliseconds."""
    now = time.time_ns()
    os.utime(descriptor, ns=(now, now))


def remove_tree(name: str, parent: int) -> None:
    """Remove a file or a folder with all it holds; links are removed, never followed."""
    if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        # An upload that had the folder open may still put its file there: a later start removes the rest.
        shutil.rmtree(name, ignore_errors=True, dir_fd=parent)
    else:
        os.unlink(name, dir_fd=parent)


def _make_folder(name: str, parent: int) -> bool:
    """Return whether the folder had to be made."""
    try:
        os.mkdir(name, dir_fd=parent)
    except FileExistsError:
        return False
    return True
