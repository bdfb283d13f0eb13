"""Blobs in object stores, spoken to by obstore: Google Cloud Storage and Azure; what S3 has besides is in ``s3``.

Keys are read from the environment by obstore: ``GOOGLE_APPLICATION_CREDENTIALS``, …, ``AZURE_STORAGE_*``.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Literal, TypeVar
from urllib.parse import SplitResult, parse_qsl, urlsplit

import obstore
from obstore.exceptions import BaseError, GenericError, NotFoundError
from obstore.store import from_url

from mainspring.engines.blobs.port import (
    CHUNK_BYTES,
    MAX_PARTS,
    Blob,
    BlobEntry,
    BlobMeta,
    Digest,
    ListPage,
    Part,
    PendingUpload,
    SignedRequest,
    byte_range,
)
from mainspring.engines.blobs.remote_errors import unavailable
from mainspring.kit.errors import InvalidArgument, NotFound, TooLarge, Unsupported
from mainspring.kit.paths import artifact_path
from mainspring.kit.time import now_ms

PART_BYTES = 5 * 1024 * 1024
"""Size of a part of a streamed upload, the least that S3 takes: memory is that of some parts."""

STREAM_BYTES = PART_BYTES * MAX_PARTS
"""The largest blob of one stream; larger ones come as parts of their own."""

READ_TIMEOUT = "60s"
"""How long a store may say nothing in the middle of a call."""

_PARTS_IN_FLIGHT = 1
_ABORT_SECONDS = 10
_LAST_CALL_SECONDS = 0.05
_DELETE_BATCH = 1000
# Two deletions of one key may clash (Ceph). S3 says so inside an answer of success, which obstore does not retry.
_PAUSES = (0.05, 0.2)
# obstore's writer does not tell the ETag of what it wrote: we know our own by this metadata of the object.
_MARK = "mainspringwrite"
_READY_PROBE = ".mainspring-ready"
_NO_SUCH_RANGE = "status code: 416"

# The first is documented, the second is what it raises (obstore 0.12).
_ABSENT = (NotFoundError, FileNotFoundError)

T = TypeVar("T")


class RemoteBlobStore:
    """The store at ``gs://bucket/prefix`` or ``az://container/prefix``; ``BlobStore`` says what its methods promise."""

    direct = True
    OPTIONS: ClassVar[Sequence[str]] = ()
    """What the query of the URL may say."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if not parts.netloc or "@" in parts.netloc:
            raise InvalidArgument(
                f"The URL of a {parts.scheme}:// store names a bucket, and no keys: write {parts.scheme}://bucket/prefix."
            )
        self.url = parts._replace(query="", fragment="").geturl()
        self._attributes: dict[str, str] = {}
        config: Any = self._configure(parts, self._options(parts))
        try:
            self._store: Any = from_url(
                self.url,
                config=config,
                client_options={
                    "allow_http": str(config.get("endpoint", "")).startswith("http://"),
                    "connect_timeout": "5s",
                    "read_timeout": READ_TIMEOUT,
                    "timeout": "7d",  # of a whole transfer: a stalled one ends by read_timeout
                },
                retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=30)},
            )
        except (BaseError, ValueError) as error:
            sentence = str(error).partition("\n")[0]
            raise InvalidArgument(f"'{self.url}' is no usable artifact store: {sentence}") from error

    def _options(self, parts: SplitResult) -> dict[str, str]:
        """Return the options in the URL's query. Raises InvalidArgument for one that the store lacks."""
        options: dict[str, str] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            if name not in self.OPTIONS or name in options or not value:
                known = ", ".join(self.OPTIONS) or "none: set the bucket's own defaults"
                raise InvalidArgument(
                    f"'{name}={value}' is no option of a {parts.scheme}:// store, or is given twice or empty. "
                    f"Options are {known}.",
                    field="artifacts_url",
                )
            options[name] = value
        return options

    def _configure(self, parts: SplitResult, options: dict[str, str]) -> dict[str, Any]:
        """Return what obstore is told besides the URL and the environment."""
        return {}

    async def put(self, path: str, chunks: AsyncIterator[bytes], digest: Digest | None = None) -> BlobMeta:
        mark, size = uuid.uuid4().hex, 0
        writer = obstore.open_writer_async(
            self._store,
            artifact_path(path),
            buffer_size=PART_BYTES,
            max_concurrency=_PARTS_IN_FLIGHT,
            attributes=self._attributes | {_MARK: mark},
        )
        try:
            async for part in _parts(path, chunks):
                size += len(part)
                if digest:
                    await asyncio.to_thread(digest.update, part)
                with self.reporting():
                    await _unbroken(writer.write(part))
            if digest:
                digest.finish()
        except BaseException as failure:
            # If the abort fails too, the task that removes abandoned uploads removes the parts.
            with contextlib.suppress(BaseError, OSError):
                async with asyncio.timeout(_ABORT_SECONDS):
                    await writer.__aexit__(type(failure), failure, failure.__traceback__)
            raise
        with self.reporting():
            await _unbroken(writer.close())
        return await self._written(path, size, mark)

    async def _written(self, path: str, size: int, mark: str) -> BlobMeta:
        """Return what is known of the blob that we have just written; with an ETag of no blob if it is gone already."""
        with self.reporting(), contextlib.suppress(*_ABSENT):
            answer = await obstore.get_async(self._store, path, options={"head": True})
            if answer.attributes.get(_MARK) == mark:
                return _meta(answer.meta)
        return BlobMeta(path, size, now_ms(), f'"{mark}"')

    async def get(self, path: str, start: int | None = None, end: int | None = None) -> Blob:
        low = max(start or 0, 0)
        if end is not None and end <= low:
            return await self._nothing_of(path, start, end)
        options: Any = None
        if start is not None or end is not None:
            options = {"range": {"offset": low} if end is None else (low, end)}
        try:
            with self.reporting(path):
                answer = await obstore.get_async(self._store, artifact_path(path), options=options)
        except _OutOfRange:
            return await self._nothing_of(path, start, end)
        low, high = answer.range
        return Blob(_meta(answer.meta), low, high, _RemoteChunks(self, answer))

    async def _nothing_of(self, path: str, start: int | None, end: int | None) -> Blob:
        """Return an empty range: object stores have none."""
        found = await self.head(path)
        return Blob(found, *byte_range(start, end, found.size), _RemoteChunks(self, None))

    async def head(self, path: str) -> BlobMeta:
        with self.reporting(path):
            return _meta(await obstore.head_async(self._store, artifact_path(path)))

    async def sign_get(self, path: str, expires_s: int) -> SignedRequest:
        return SignedRequest("GET", await self._signed("GET", path, expires_s), {})

    async def sign_put(self, path: str, expires_s: int) -> SignedRequest:
        url = await self._signed("PUT", path, expires_s)
        return SignedRequest("PUT", url, {"x-ms-blob-type": "BlockBlob"} if self.url.startswith("az:") else {})

    async def _signed(self, method: Literal["GET", "PUT"], path: str, expires_s: int) -> str:
        with self.reporting():
            url: str = await obstore.sign_async(self._store, method, artifact_path(path), timedelta(seconds=expires_s))
            return url

    async def create_multipart(self, path: str) -> str:
        raise self._no_parts()

    async def sign_part(self, path: str, upload_id: str, number: int, expires_s: int) -> SignedRequest:
        raise self._no_parts()

    async def put_part(self, path: str, upload_id: str, number: int, chunks: AsyncIterator[bytes]) -> Part:
        raise self._no_parts()

    async def list_parts(self, path: str, upload_id: str) -> list[Part]:
        raise self._no_parts()

    async def complete_multipart(self, path: str, upload_id: str, parts: Sequence[Part]) -> BlobMeta:
        raise self._no_parts()

    async def abort_multipart(self, path: str, upload_id: str) -> None:
        raise self._no_parts()

    async def list_multiparts(self) -> AsyncIterator[PendingUpload]:
        raise self._no_parts()
        yield

    def _no_parts(self) -> Unsupported:
        return Unsupported(f"The artifact store '{self.url}' takes no uploads of parts here: send the file whole.")

    async def list_page(self, folder: str, after: str | None, limit: int) -> ListPage:
        """Take a page from the whole listing: obstore has no other one that knows folders."""
        entries = {entry.path + "/" * entry.is_dir: entry for entry in await self.list(folder)}
        places = sorted(place for place in entries if place > (after or ""))
        page = [entries[place] for place in places[:limit]]
        return ListPage(page, places[limit - 1] if len(places) > limit else None)

    async def list(self, folder: str) -> list[BlobEntry]:
        with self.reporting():
            found = await obstore.list_with_delimiter_async(self._store, _prefix(folder))
        folders = [BlobEntry(path, True, None) for path in found["common_prefixes"]]
        files = [BlobEntry(blob["path"], False, blob["size"], _meta(blob).etag) for blob in found["objects"]]
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

    async def remove_leftovers(self) -> None:
        """Do nothing: all that a store keeps unseen is uploads of parts, which it lists."""

    async def check(self) -> None:
        with self.reporting():
            await anext(aiter(obstore.list(self._store, _READY_PROBE, chunk_size=1)), None)

    async def close(self) -> None:
        # A thread of obstore's still finishes the last call: the end of the interpreter meanwhile aborts the process.
        await asyncio.sleep(_LAST_CALL_SECONDS)

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
            if _NO_SUCH_RANGE in str(error):
                raise _OutOfRange from error
            raise unavailable(self.url, str(error)) from error


class _OutOfRange(Exception):
    """The blob ends before the range that was asked for."""


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


async def _parts(path: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[memoryview]:
    """Gather what arrives in network-sized pieces: each write costs a hop between threads. TooLarge past the limit."""
    part, filled, before = bytearray(PART_BYTES), 0, 0
    async for chunk in chunks:
        rest = memoryview(chunk)
        while filled + len(rest) >= PART_BYTES:
            split = PART_BYTES - filled
            part[filled:] = rest[:split]
            rest = rest[split:]
            yield memoryview(part)
            before += PART_BYTES
            if before == STREAM_BYTES:
                raise TooLarge(f"'{path}' has more than {STREAM_BYTES} bytes: upload it in parts.")
            part, filled = bytearray(PART_BYTES), 0
        part[filled : filled + len(rest)] = rest
        filled += len(rest)
    if filled:
        yield memoryview(part)[:filled]


async def _unbroken(step: Coroutine[Any, Any, T]) -> T:
    """Await ``step`` to its end even if cancelled: half-taken steps of an upload cannot be aborted."""
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _prefix(folder: str) -> str | None:
    return artifact_path(folder) if folder else None


def _meta(blob: "obstore.ObjectMeta") -> BlobMeta:
    modified = int(blob["last_modified"].timestamp() * 1000)
    etag = blob["e_tag"] or f'"{modified:x}-{blob["size"]:x}"'
    return BlobMeta(blob["path"], blob["size"], modified, etag)
