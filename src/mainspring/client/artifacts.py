"""Files of runs, logged models and model versions: streamed from and to the disk.

A downloaded file appears whole or not at all. What a server calls its files decides nothing about where they
are written outside of the folder that the caller chose.
"""

from __future__ import annotations

import os
import posixpath
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from mainspring.client.transport import Transport, segment
from mainspring.kit.errors import FailedPrecondition, InvalidArgument
from mainspring.kit.paths import artifact_path
from mainspring.modules.artifacts.schemas import Artifact, Artifacts

CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Transfer:
    """How far one file has come: ``done`` of its ``size`` bytes; ``size`` is None where it is not known before."""

    path: str
    done: int
    size: int | None


Progress = Callable[[Transfer], object]
Listing = list[Artifact]


class ArtifactClient:
    """The artifacts of runs."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, run_id: str, path: str = "") -> Listing:
        """Return what lies directly in a folder of a run's artifacts; nothing for a missing folder and for a file."""
        return self._tree(run_id).list(path)

    def download(self, run_id: str, path: str = "", to: str | Path = ".", *, progress: Progress | None = None) -> Path:
        """Download a file or folder into the folder ``to``, and return where it lies now.

        It keeps its own name there; without ``path`` all artifacts of the run go into ``to`` itself.
        """
        return self._tree(run_id, progress).download(path, Path(to))

    def upload(self, run_id: str, source: str | Path, path: str = "", *, progress: Progress | None = None) -> Listing:
        """Upload a file, or what is in a folder, into the folder ``path`` of a run's artifacts."""
        return self._tree(run_id, progress).upload(Path(source), path)

    def delete(self, run_id: str, path: str) -> None:
        """Delete a file of a run, or a folder with all it holds; that there is neither is no error."""
        self._tree(run_id).delete(path)

    def _tree(self, run_id: str, progress: Progress | None = None) -> FileTree:
        return FileTree(self._transport, f"/runs/{segment(run_id)}", progress)


class FileTree:
    """The files of one run, logged model or model version, whose resource is ``owner``."""

    def __init__(self, transport: Transport, owner: str, progress: Progress | None = None) -> None:
        self._transport = transport
        self._root = f"{owner}/artifacts"
        self._tell: Progress = progress or (lambda transfer: None)

    def list(self, path: str) -> Listing:
        """Return what lies directly in a folder. Raises InvalidArgument for a name that could lead elsewhere."""
        folder = _checked(path)
        found = self._transport.call(Artifacts, "GET", self._root, query={"path": folder}).items
        for artifact in found:
            _check_listed(artifact, folder)
        return found

    def download(self, path: str, to: Path) -> Path:
        """Download a file or folder into the folder ``to``, and return where it lies now."""
        path = _checked(path)
        target = to / posixpath.basename(path)
        files = list(self._files_below(path))
        if not files and path:
            self._fetch(Artifact(path, False, None), to, target)
            return target
        with _reporting(target):
            target.mkdir(parents=True, exist_ok=True)
        for file in files:
            self._fetch(file, to, target / posixpath.relpath(file.path, path or "."))
        return target

    def upload(self, source: Path, path: str) -> Listing:
        """Upload a file, or what is in a folder, into the folder ``path``."""
        folder = _checked(path)
        if source.is_dir():
            found = sorted(each for each in source.rglob("*") if each.is_file())
            files = {posixpath.join(folder, each.relative_to(source).as_posix()): each for each in found}
        elif source.is_file():
            files = {posixpath.join(folder, source.name): source}
        else:
            raise InvalidArgument(f"There is no file or folder '{source}' to upload.", field="source")
        for name in files:
            artifact_path(name)
        return [self._put(name, file) for name, file in files.items()]

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all it holds."""
        self._transport.do("DELETE", self._url(_checked(path)))

    def _url(self, path: str) -> str:
        return f"{self._root}/{quote(artifact_path(path), safe='/')}"

    def _files_below(self, folder: str) -> Iterator[Artifact]:
        for artifact in self.list(folder):
            if artifact.is_dir:
                yield from self._files_below(artifact.path)
            else:
                yield artifact

    def _fetch(self, file: Artifact, root: Path, target: Path) -> None:
        """Write one file; what lies at ``target`` stays until all of it has come."""
        _check_no_links(root, target)
        with self._transport.get_file(self._url(file.path)) as chunks, _reporting(target), _new_file(target) as part:
            done = 0
            self._tell(Transfer(file.path, done, file.size))
            for chunk in chunks:
                _write_all(part, chunk)
                done += len(chunk)
                self._tell(Transfer(file.path, done, file.size))

    def _put(self, path: str, source: Path) -> Artifact:
        size = source.stat().st_size

        def chunks() -> Iterator[bytes]:
            done = 0
            with source.open("rb") as file:
                while done < size:
                    chunk = file.read(min(CHUNK_BYTES, size - done))
                    if not chunk:
                        raise FailedPrecondition(f"'{source}' has become shorter while it was uploaded.")
                    yield chunk
                    done += len(chunk)
                    self._tell(Transfer(path, done, size))

        self._tell(Transfer(path, 0, size))
        with _reporting(source):
            return self._transport.put_file(Artifact, self._url(path), size, chunks)


def _checked(path: str) -> str:
    path = path.removesuffix("/")
    return artifact_path(path) if path else ""


def _check_listed(artifact: Artifact, folder: str) -> None:
    """Raise InvalidArgument for an entry that does not lie directly in the folder that was asked for."""
    artifact_path(artifact.path)
    if posixpath.dirname(artifact.path) != folder:
        raise InvalidArgument(
            f"The server lists '{artifact.path}' in the folder '{folder}', where it does not lie.", field="path"
        )


def _check_no_links(root: Path, target: Path) -> None:
    """Raise FailedPrecondition where a link on the way from ``root`` to ``target`` would lead out of it."""
    for folder in target.relative_to(root).parents:
        if (root / folder).is_symlink() and folder != Path("."):
            raise FailedPrecondition(f"'{root / folder}' is a link: download into a folder without links.")


@contextmanager
def _new_file(target: Path) -> Iterator[int]:
    """Yield the descriptor of a file that takes the place of ``target`` in the end, unless something fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _write_all(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@contextmanager
def _reporting(path: Path) -> Iterator[None]:
    """Raise FailedPrecondition for what the file system refuses."""
    try:
        yield
    except OSError as error:
        raise FailedPrecondition(f"'{error.filename or path}': {error.strerror}.") from error
