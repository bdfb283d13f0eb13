"""Files of runs and models where a source keeps them: in folders, in buckets, or behind an MLflow server.

Locations and names come from the source and are trusted with nothing: folders are read only if they end
in the id of what they belong to, links are not followed, and no server is asked but the one that was named.
"""

from __future__ import annotations

import asyncio
import os
import posixpath
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import quote, unquote, urlsplit

import httpx

from mainspring.engines.blobs import BACKENDS, BlobStore, open_store
from mainspring.engines.blobs.port import CHUNK_BYTES
from mainspring.kit.errors import NotFound, Unavailable
from mainspring.kit.paths import artifact_path
from mainspring.transfer.mlflow_files import local_path
from mainspring.transfer.mlflow_http import TIMEOUT_S, Address, answer_of, failure
from mainspring.transfer.source import Notes

PROXIED = "mlflow-artifacts"
LOCAL_SCHEMES = ("", "file")
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
REMOTE = BACKENDS.keys() - {"file"}
STAYS = "files stay where they are"


class SourceFile(NamedTuple):
    """A file by its path below its folder, with its size in bytes where that is told."""

    path: str
    size: int | None


class SourceFolder(Protocol):
    """The files of one run or logged model. Its methods may raise Unavailable."""

    def walk(self) -> AsyncIterator[SourceFile]:
        """Yield every file below the folder; none where there is no such folder."""
        ...

    def read(self, path: str) -> AsyncIterator[bytes]:
        """Yield the bytes of a file. NotFound where it is gone."""
        ...


class ArtifactSources:
    """Opens locations. ``proxied`` is what ``mlflow-artifacts:/`` stands for: a server, a folder or a bucket."""

    def __init__(self, proxied: str | None, notes: Notes) -> None:
        self._notes = notes
        self._proxied = proxied
        self._stores: dict[str, BlobStore] = {}
        self._http: httpx.AsyncClient | None = None
        self._address = Address(proxied) if proxied and _scheme(proxied) in ("http", "https") else None

    def reads(self, location: str) -> bool:
        """Say whether files below a location can be read at all."""
        scheme = _scheme(location)
        return scheme in LOCAL_SCHEMES or scheme in REMOTE or (scheme == PROXIED and self._proxied is not None)

    def open(self, location: str, owner: str) -> SourceFolder | None:
        """Return the folder of the run or logged model with the id ``owner``; None, after a note, where it stays."""
        path = unquote(urlsplit(location).path).rstrip("/")
        if not self.reads(location):
            self._notes.add(f"{STAYS}: locations of this kind cannot be read", location)
            return None
        if path.split("/")[-2:] != [owner, "artifacts"] or ".." in path.split("/"):
            self._notes.add(f"{STAYS}: the location is not that of its run or model alone", location)
            return None
        if _scheme(location) != PROXIED:
            return self._plain(location)
        if self._address:
            self._http = self._http or _client(self._address)
            return _ProxiedFolder(self._http, self._address.url, path.strip("/"))
        return self._plain(f"{(self._proxied or '').rstrip('/')}/{path.strip('/')}")

    def _plain(self, location: str) -> SourceFolder:
        parts = urlsplit(location)
        if _scheme(location) in LOCAL_SCHEMES:
            return _LocalFolder(local_path(location))
        root = f"{parts.scheme}://{parts.netloc}"
        if root not in self._stores:
            self._stores[root] = open_store(root)
        return _StoreFolder(self._stores[root], unquote(parts.path).strip("/"))

    async def close(self) -> None:
        """Free what was opened."""
        for store in self._stores.values():
            await store.close()
        if self._http:
            await self._http.aclose()


class _LocalFolder:
    def __init__(self, root: Path) -> None:
        self._root = root

    async def walk(self) -> AsyncIterator[SourceFile]:
        pending = [self._root] if self._root.is_dir() else []
        while pending:
            for entry in await asyncio.to_thread(_entries, pending.pop()):
                if entry.is_dir(follow_symlinks=False):
                    pending.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    path = Path(entry.path).relative_to(self._root).as_posix()
                    yield SourceFile(path, entry.stat(follow_symlinks=False).st_size)

    async def read(self, path: str) -> AsyncIterator[bytes]:
        try:
            file = await asyncio.to_thread(_open_file, self._root / path)
        except FileNotFoundError as error:
            raise NotFound(f"'{path}' is gone.") from error
        except OSError as error:
            raise Unavailable(f"{self._root / path} cannot be read: {error.strerror}.") from error
        with os.fdopen(file, "rb") as bytes_of:
            while chunk := await asyncio.to_thread(bytes_of.read, CHUNK_BYTES):
                yield chunk


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)


def _open_file(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


class _StoreFolder:
    def __init__(self, store: BlobStore, folder: str) -> None:
        self._store, self._folder = store, folder

    async def walk(self) -> AsyncIterator[SourceFile]:
        async for blob in self._store.list_recursive(self._folder):
            yield SourceFile(blob.path.removeprefix(f"{self._folder}/"), blob.size)

    async def read(self, path: str) -> AsyncIterator[bytes]:
        blob = await self._store.get(f"{self._folder}/{path}")
        try:
            async for chunk in blob.chunks:
                yield chunk
        finally:
            await blob.chunks.aclose()


class _ProxiedFolder:
    def __init__(self, http: httpx.AsyncClient, server: str, folder: str) -> None:
        self._http, self._url, self._folder = http, f"{server}{PROXY}", folder

    async def walk(self) -> AsyncIterator[SourceFile]:
        pending = [""]
        while pending:
            folder = pending.pop()
            for found in await self._list(folder):
                path = posixpath.join(folder, posixpath.basename(str(found["path"])))
                if found.get("is_dir"):
                    pending.append(artifact_path(path))
                else:
                    size = found.get("file_size")
                    yield SourceFile(path, None if size is None else int(str(size)))

    async def _list(self, folder: str) -> list[dict[str, object]]:
        with _reaching(self._url):
            response = await self._http.get(
                self._url, params={"path": posixpath.join(self._folder, folder).rstrip("/")}
            )
        files: list[dict[str, object]] = answer_of(response, self._url).get("files") or []
        return files

    async def read(self, path: str) -> AsyncIterator[bytes]:
        url = f"{self._url}/{quote(posixpath.join(self._folder, path))}"
        with _reaching(self._url):
            async with self._http.stream("GET", url) as response:
                if response.status_code == 404:
                    raise NotFound(f"'{path}' is gone.")
                if response.status_code != 200:
                    raise failure(response.status_code, "", url)
                async for chunk in response.aiter_bytes(CHUNK_BYTES):
                    yield chunk


def _client(address: Address) -> httpx.AsyncClient:
    return httpx.AsyncClient(auth=address.auth, headers=address.headers, timeout=TIMEOUT_S)


@contextmanager
def _reaching(url: str) -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        raise Unavailable(f"{url} cannot be reached, or broke off: {error}.") from error


def _scheme(location: str) -> str:
    return urlsplit(location).scheme
