"""Blobs in S3, Google Cloud Storage and Azure, spoken to by obstore.

Endpoints, regions and keys are read from the environment by obstore: ``AWS_ENDPOINT_URL``, ``AWS_REGION``,
``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, …, ``GOOGLE_APPLICATION_CREDENTIALS``, …, ``AZURE_STORAGE_*``.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, GenericError, NotFoundError
from obstore.store import from_url

from mainspring.engines.blobs.port import CHUNK_BYTES, Blob, BlobEntry, BlobMeta, byte_range
from mainspring.kit.errors import InvalidArgument, NotFound, Unavailable
from mainspring.kit.paths import artifact_path

PART_BYTES = 8 * 1024 * 1024
"""Size of a part of a multipart upload: of 10,000 parts, so 78 GiB is the largest blob of one stream."""

_PARTS_IN_FLIGHT = 2
_DELETE_BATCH = 1000
# Two deletions of one key may clash (Ceph). S3 says so inside an answer of success, which obstore does not retry.
_PAUSES = (0.05, 0.2)
_SHOWN = 300
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_READY_PROBE = ".mainspring-ready"

# The first is documented, the second is what it raises (obstore 0.12).
_ABSENT = (NotFoundError, FileNotFoundError)

T = TypeVar("T")


class RemoteBlobStore:
    """The store at ``s3://bucket/prefix``, ``gs://…`` or ``az://…``; see ``BlobStore`` for what its methods promise."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if not parts.netloc or "@" in parts.netloc:
            raise InvalidArgument(
                f"The URL of a {parts.scheme}:// store names a bucket, and no keys: write {parts.scheme}://bucket/prefix."
            )
        self.url = url
        try:
            self._store = from_url(
                url,
                client_options={
                    "allow_http": _plain_http(),
                    "connect_timeout": "5s",
                    "read_timeout": "60s",
                    "timeout": "7d",  # of a whole transfer: a stalled one ends by read_timeout
                },
                retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=30)},
            )
        except (BaseError, ValueError) as error:
            raise InvalidArgument(f"'{url}' is no usable artifact store: {_first_words(error)}") from error

    async def put(self, path: str, chunks: AsyncIterator[bytes]) -> BlobMeta:
        writer = obstore.open_writer_async(
            self._store, artifact_path(path), buffer_size=PART_BYTES, max_concurrency=_PARTS_IN_FLIGHT
        )
        try:
            async for batch in _batches(chunks):
                with self.reporting():
                    await _unbroken(writer.write(batch))
        except BaseException as failure:
            # If the abort fails too, the bucket's rule for incomplete uploads removes the parts.
            with contextlib.suppress(BaseError, OSError):
                await writer.__aexit__(type(failure), failure, failure.__traceback__)
            raise
        with self.reporting():
            await _unbroken(writer.close())
        return await self.head(path)

    async def get(self, path: str, start: int | None = None, end: int | None = None) -> Blob:
        if start is None and end is None:
            with self.reporting(path):
                whole = await obstore.get_async(self._store, artifact_path(path))
            found = _meta(whole.meta)
            return Blob(found, 0, found.size, _RemoteChunks(self, whole))
        found = await self.head(path)
        low, high = byte_range(start, end, found.size)
        if low == high:  # object stores have no empty ranges
            return Blob(found, low, high, _RemoteChunks(self, None))
        with self.reporting(path):
            part = await obstore.get_async(self._store, path, options={"range": (low, high)})
        return Blob(found, low, high, _RemoteChunks(self, part))

    async def head(self, path: str) -> BlobMeta:
        with self.reporting(path):
            return _meta(await obstore.head_async(self._store, artifact_path(path)))

    async def list(self, folder: str) -> list[BlobEntry]:
        with self.reporting():
            found = await obstore.list_with_delimiter_async(self._store, _prefix(folder))
        folders = [BlobEntry(path, True, None) for path in found["common_prefixes"]]
        files = [BlobEntry(blob["path"], False, blob["size"]) for blob in found["objects"]]
        return sorted(folders + files, key=lambda entry: entry.path)

    async def list_recursive(self, folder: str) -> AsyncIterator[BlobMeta]:
        pages = aiter(obstore.list(self._store, _prefix(folder), chunk_size=_DELETE_BATCH))
        while True:
            with self.reporting():
                page = await anext(pages, None)
            if page is None:
                return
            for blob in page:
                yield _meta(blob)

    async def delete(self, path: str) -> None:
        artifact_path(path)
        for pause in _PAUSES:
            try:
                with contextlib.suppress(*_ABSENT):
                    await obstore.delete_async(self._store, path)
                return
            except GenericError:
                await asyncio.sleep(pause)
        with self.reporting(), contextlib.suppress(*_ABSENT):
            await obstore.delete_async(self._store, path)

    async def delete_prefix(self, folder: str) -> None:
        artifact_path(folder)
        batch: list[str] = []
        async for blob in self.list_recursive(folder):
            batch.append(blob.path)
            if len(batch) == _DELETE_BATCH:
                await self._delete_all(batch)
                batch = []
        await self._delete_all(batch)

    async def check(self) -> None:
        with self.reporting():
            await anext(aiter(obstore.list(self._store, _READY_PROBE, chunk_size=1)), None)

    async def close(self) -> None:
        """Hold nothing that outlives the store."""

    async def _delete_all(self, paths: Sequence[str]) -> None:
        try:
            if paths:
                await obstore.delete_async(self._store, paths)
        except (BaseError, OSError):  # of one of them: Google and Azure object to what is already gone
            for path in paths:
                await self.delete(path)

    @contextlib.contextmanager
    def reporting(self, path: str = "") -> Iterator[None]:
        """Turn the store's errors into ours. Without ``path``, what is not found is the bucket."""
        try:
            yield
        except (BaseError, OSError) as error:
            if path and isinstance(error, _ABSENT):
                raise NotFound(f"No such artifact: '{path}'.") from error
            raise Unavailable(f"The artifact store '{self.url}' failed: {_first_words(error)}") from error


class _RemoteChunks:
    """The bytes of an answer; ``aclose`` drops its connection."""

    def __init__(self, store: RemoteBlobStore, answer: "obstore.GetResult | None") -> None:
        self._store = store
        self._stream = answer.stream(min_chunk_size=CHUNK_BYTES) if answer else None

    def __aiter__(self) -> "_RemoteChunks":
        return self

    async def __anext__(self) -> bytes:
        if self._stream is None:
            raise StopAsyncIteration
        with self._store.reporting():
            return await anext(self._stream)

    async def aclose(self) -> None:
        self._stream = None


async def _batches(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Join what arrives in network-sized pieces: each write costs a hop between threads."""
    batch: list[bytes] = []
    gathered = 0
    async for chunk in chunks:
        batch.append(chunk)
        gathered += len(chunk)
        if gathered >= CHUNK_BYTES:
            yield b"".join(batch)
            batch, gathered = [], 0
    if batch:
        yield b"".join(batch)


async def _unbroken(step: Coroutine[Any, Any, T]) -> T:
    """Await ``step`` to its end even if cancelled: half-taken steps of an upload cannot be aborted."""
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _plain_http() -> bool:
    """Return whether the environment names an S3 endpoint without TLS: who writes http:// means it."""
    endpoints = [os.environ[name] for name in _ENDPOINTS if name in os.environ]
    return bool(endpoints) and endpoints[0].startswith("http://")


def _prefix(folder: str) -> str | None:
    return artifact_path(folder) if folder else None


def _meta(blob: "obstore.ObjectMeta") -> BlobMeta:
    modified = int(blob["last_modified"].timestamp() * 1000)
    etag = blob["e_tag"] or f'"{modified:x}-{blob["size"]:x}"'
    return BlobMeta(blob["path"], blob["size"], modified, etag)


def _first_words(error: Exception) -> str:
    """Return the sentence of an error of obstore, without the server's XML and the dump that follow."""
    return str(error).partition("\n")[0].partition("<?xml")[0].strip(" :")[:_SHOWN]
