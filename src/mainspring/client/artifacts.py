"""Files of runs, logged models and model versions: streamed from and to the disk.

A downloaded file appears whole or not at all. What a server calls its files decides nothing about where they
are written outside of the folder that the caller chose.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from mainspring.client.downloads import describe, download_large
from mainspring.client.local_files import check_no_links, fetch_file, reporting, send_file
from mainspring.client.pages import Results
from mainspring.client.progress import Progress
from mainspring.client.transport import Transport, segment
from mainspring.client.uploads import LargeUpload
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.paths import artifact_path
from mainspring.modules.artifacts.schemas import Artifact, Artifacts, Preview, SignedDownload

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

    def upload(
        self,
        run_id: str,
        source: str | Path,
        path: str = "",
        *,
        progress: Progress | None = None,
        resume: bool = True,
    ) -> Listing:
        """Upload a file, or what is in a folder, into the folder ``path`` of a run's artifacts.

        A large file whose upload was interrupted goes on where it was; without ``resume`` it starts again.
        """
        return self._tree(run_id, progress).upload(Path(source), path, resume=resume)

    def sign_download(self, run_id: str, path: str, *, expires_s: int = 900) -> SignedDownload:
        """Return what is known of a file, and a URL by which anyone can read it for ``expires_s`` seconds."""
        return self._tree(run_id).sign_download(path, expires_s)

    def preview(self, run_id: str, path: str, *, max_rows: int = 100, page_token: str | None = None) -> Preview:
        """Return what the web page shows of a file: rows of a table, a graph, a signature, or cells.

        Of a table a page of at most ``max_rows``; its ``next_page_token`` asks for the next. InvalidArgument for a
        file that is not what its name says, or of which there is no preview; TooLarge for one too large to show.
        """
        return self._tree(run_id).preview(path, max_rows, page_token)

    def delete(self, run_id: str, path: str) -> None:
        """Delete a file of a run, or a folder with all it holds; that there is neither is no error."""
        self._tree(run_id).delete(path)

    def _tree(self, run_id: str, progress: Progress | None = None) -> FileTree:
        return FileTree(self._transport, f"/runs/{segment(run_id)}", progress)


class FileTree:
    """The files of one run, logged model or model version, whose resource is ``owner``."""

    def __init__(self, transport: Transport, owner: str, progress: Progress | None = None) -> None:
        self._transport, self._owner = transport, owner
        self._root = f"{owner}/artifacts"
        self._tell: Progress = progress or (lambda transfer: None)

    def list(self, path: str) -> Listing:
        """Return what lies directly in a folder. Raises InvalidArgument for a name that could lead elsewhere."""
        return list(self._listed(_checked(path)))

    def download(self, path: str, to: Path) -> Path:
        """Download a file or folder into the folder ``to``, and return where it lies now."""
        path = _checked(path)
        target = to / posixpath.basename(path)
        files = list(self._files_below(path))
        if not files and path:
            self._fetch(Artifact(path, False, None), to, target)
            return target
        with reporting(target):
            target.mkdir(parents=True, exist_ok=True)
        for file in files:
            self._fetch(file, to, target / posixpath.relpath(file.path, path or "."))
        return target

    def upload(self, source: Path, path: str, *, resume: bool) -> Listing:
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
        return [self._send(name, file, resume) for name, file in files.items()]

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all it holds."""
        self._transport.do("DELETE", self._url(_checked(path)))

    def sign_download(self, path: str, expires_s: int) -> SignedDownload:
        """Return what is known of a file, and a signed URL to read it."""
        return describe(self._transport, self._owner, artifact_path(path), expires_s)

    def preview(self, path: str, max_rows: int, page_token: str | None) -> Preview:
        """Return what is shown of a file, of a table a page of its rows."""
        query = {"max_rows": max_rows, "page_token": page_token}
        url = f"{self._owner}/previews/{quote(artifact_path(path), safe='/')}"
        return self._transport.call(Preview, "GET", url, query=query)

    def _url(self, path: str) -> str:
        return f"{self._root}/{quote(artifact_path(path), safe='/')}"

    def _listed(self, folder: str) -> Iterator[Artifact]:
        """Yield what lies directly in a folder, page by page."""

        def fetch(page_token: str | None) -> Artifacts:
            query = {"path": folder, "page_token": page_token}
            return self._transport.call(Artifacts, "GET", self._root, query=query)

        for artifact in Results(fetch):
            _check_listed(artifact, folder)
            yield artifact

    def _files_below(self, folder: str) -> Iterator[Artifact]:
        for artifact in self._listed(folder):
            if artifact.is_dir:
                yield from self._files_below(artifact.path)
            else:
                yield artifact

    def _fetch(self, file: Artifact, root: Path, target: Path) -> None:
        """Write one file; what lies at ``target`` stays until all of it has come."""
        check_no_links(root, target)
        if file.size is not None and file.size < self._transport.direct_from:
            return fetch_file(self._transport, self._url(file.path), file.path, file.size, target, self._tell)
        offer = describe(self._transport, self._owner, file.path)
        if offer.size < self._transport.direct_from:
            return fetch_file(self._transport, self._url(file.path), file.path, offer.size, target, self._tell)
        with reporting(target):
            download_large(self._transport, self._owner, offer, target, self._tell)

    def _send(self, path: str, source: Path, resume: bool) -> Artifact:
        with reporting(source):
            if source.stat().st_size >= self._transport.direct_from:
                upload = LargeUpload(self._transport, self._owner, path, source, self._tell)
                stored = upload.run(resume=resume)
                if stored:
                    return stored
            return send_file(self._transport, Artifact, self._url(path), path, source, self._tell)


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
