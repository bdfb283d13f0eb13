"""Files and releases of a project."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

from mainspring.client.local_files import check_no_links, fetch_file, reporting, send_file
from mainspring.client.pages import Results
from mainspring.client.progress import Progress
from mainspring.client.transport import Query, Transport, segment
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.paths import artifact_path
from mainspring.modules.files.schemas import File, Files, Release, ReleaseCreate, Releases

AT_ONCE = 4


class FileClient:
    """The files of a project. A ``ref`` is ``main``, which is what there is now, a release's tag, or a state's id."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, prefix: str = "", *, ref: str = "main", page_size: int = 1000) -> Results[File]:
        """Find the files whose paths begin with ``prefix``, by path."""

        def fetch(page_token: str | None) -> Files:
            query: Query = {"prefix": prefix, "ref": ref, "max_results": page_size, "page_token": page_token}
            return self._transport.call(Files, "GET", "/files", query=query)

        return Results(fetch)

    def get(self, path: str = "", to: str | Path = ".", *, ref: str = "main", progress: Progress | None = None) -> Path:
        """Download a file into the folder ``to``, and return where it lies now.

        It keeps its own name there. A path that ends with a slash names all files below it, which come to lie in ``to``
        as they do there; without one these are all files.
        """
        root, tell = Path(to), progress or (lambda transfer: None)
        if path and not path.endswith("/"):
            target = root / posixpath.basename(artifact_path(path))
            fetch_file(self._transport, _url(path), path, None, target, tell, {"ref": ref})
            return target
        with reporting(root):
            root.mkdir(parents=True, exist_ok=True)
        for file in self.list(path, ref=ref):
            target = root / posixpath.relpath(artifact_path(file.path), path or ".")
            if not file.path.startswith(path):
                raise InvalidArgument(f"The server lists '{file.path}' below '{path}', where it does not lie.")
            check_no_links(root, target)
            fetch_file(self._transport, _url(file.path), file.path, file.size, target, tell, {"ref": ref})
        return root

    def put(
        self,
        source: str | Path,
        path: str | None = None,
        *,
        if_match: str | None = None,
        progress: Progress | None = None,
    ) -> File:
        """Put a file of this machine at a path of the project, left out its own name, in place of what was there.

        ``if_match`` is the SHA-256 that the file there must have, or ``*`` where there must be one.
        """
        local = Path(source)
        if not local.is_file():
            raise InvalidArgument(f"There is no file '{local}' to put.", field="source")
        name = local.name if path is None else path
        condition = {} if if_match is None else {"If-Match": if_match if if_match == "*" else f'"{if_match}"'}
        with reporting(local):
            return send_file(
                self._transport, File, _url(name), name, local, progress or (lambda transfer: None), condition
            )

    def upload(self, folder: str | Path, prefix: str = "", *, progress: Progress | None = None) -> Sequence[File]:
        """Put all files of a folder of this machine below a folder of the project, and return them.

        A few are sent at once; ``progress`` is told of each. Where one fails those before it are there.
        """
        root = Path(folder)
        if not root.is_dir():
            raise InvalidArgument(f"There is no folder '{root}' to upload.", field="folder")
        found = sorted(each for each in root.rglob("*") if each.is_file())
        names = [posixpath.join(prefix, each.relative_to(root).as_posix()) for each in found]
        for name in names:
            artifact_path(name)
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="files") as pool:
            puts = [
                pool.submit(self.put, each, name, progress=progress) for each, name in zip(found, names, strict=True)
            ]
            try:
                return [each.result() for each in puts]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def delete(self, path: str) -> None:
        """Delete a file; releases keep theirs."""
        self._transport.do("DELETE", _url(path))


class ReleaseClient:
    """The releases of a project: states of its files that nothing changes any more."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, page_size: int = 100) -> Results[Release]:
        """Find the releases, newest first."""

        def fetch(page_token: str | None) -> Releases:
            query: Query = {"max_results": page_size, "page_token": page_token}
            return self._transport.call(Releases, "GET", "/releases", query=query)

        return Results(fetch)

    def get(self, tag: str) -> Release:
        """Return a release."""
        return self._transport.call(Release, "GET", f"/releases/{segment(tag)}")

    def create(self, tag: str, *, name: str = "", description: str = "", commit: str | None = None) -> Release:
        """Release the files as they are now; with ``commit`` only if that is the state that they are in."""
        return self._transport.call(Release, "POST", "/releases", body=ReleaseCreate(tag, name, description, commit))

    def delete(self, tag: str) -> None:
        """Delete a release; files that are still as they were then stay."""
        self._transport.do("DELETE", f"/releases/{segment(tag)}")


def _url(path: str) -> str:
    return f"/files/{quote(artifact_path(path), safe='/')}"
