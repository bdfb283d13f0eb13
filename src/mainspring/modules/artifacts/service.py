"""Artifacts of runs, logged models and traces: where they lie, and the doors to them.

A location is the URI that a run carries, ``mlflow-artifacts:/{experiment_id}/{run_id}/artifacts``; its path
is the folder of the store that holds the files. ``mlflow-artifacts:/`` is the store's root, so the paths of
MLflow's artifact proxy are asked for with it. Other locations belong to the clients, who read and write
them with their own keys: the server touches nothing outside its store.
"""

import mimetypes
import posixpath
import re
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urlsplit

from mainspring.engines.blobs import Blob, BlobMeta, BlobStore
from mainspring.engines.blobs.port import ByteStream
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, NotFound, Unsupported
from mainspring.kit.paths import artifact_path
from mainspring.kit.permissions import Permission
from mainspring.modules.artifacts.schemas import Artifact

SCHEME = "mlflow-artifacts"
ROOT = f"{SCHEME}:/"
"""The location of the whole store."""

_BINARY = "application/octet-stream"
_PLAIN = {"txt", "log", "err", "md", "rst", "csv", "tsv"}
_CONFIGURATION = {"cfg", "cf", "cnf", "conf", "hocon", "ini", "prop", "properties", "toml", "yaml", "yml"}
_SOURCE = {"ipynb", "js", "json", "py", "py3", "xml"}
_TEXT = _PLAIN | _CONFIGURATION | _SOURCE | {"MLmodel", "MLproject", "mlproject"}
# RFC 5987's attr-char, besides letters and digits.
_HEADER_SAFE = "!#$&+-.^_`|~"


@dataclass(frozen=True, slots=True)
class Download:
    """An answer to a request for a file: HTTP status, headers, and the bytes to send, which end by ``aclose``."""

    status: int
    headers: dict[str, str]
    chunks: ByteStream


def resolve(location: str, path: str = "") -> str:
    """Return the store's path of ``path`` below ``location``; "" is the store's root.

    Raises InvalidArgument for an unsafe path, Unsupported for a location outside our store.
    """
    folder = _folder(location)
    if path:
        artifact_path(path)
    key = posixpath.join(folder, path) if path else folder
    return artifact_path(key) if key else ""


async def list_artifacts(store: BlobStore, actor: Actor, location: str, path: str = "") -> list[Artifact]:
    """Return what lies directly in the folder ``path`` of ``location``, by path.

    Empty for a missing folder and for a file. Paths in the answer start with ``path``.
    """
    actor.require(Permission.ARTIFACTS_READ)
    path = path.removesuffix("/")
    entries = await store.list(resolve(location, path))
    names = [(posixpath.basename(entry.path), entry) for entry in entries]
    return [Artifact(posixpath.join(path, name), entry.is_dir, entry.size) for name, entry in names]


async def head_artifact(store: BlobStore, actor: Actor, location: str, path: str) -> BlobMeta:
    """Return size, time and ETag of a file. NotFound if there is none."""
    actor.require(Permission.ARTIFACTS_READ)
    return await store.head(_file(location, path))


async def open_artifact(
    store: BlobStore, actor: Actor, location: str, path: str, start: int | None = None, end: int | None = None
) -> Blob:
    """Open the bytes of a file from ``start`` to before ``end``, cut to its size. NotFound if there is none."""
    actor.require(Permission.ARTIFACTS_READ)
    key = _file(location, path)
    try:
        return await store.get(key, start, end)
    except NotFound:
        if await store.list(key):
            raise _directory(path) from None
        raise


async def download_artifact(
    store: BlobStore,
    actor: Actor,
    location: str,
    path: str,
    *,
    asked: str | None = None,
    known: str | None = None,
    head: bool = False,
) -> Download:
    """Return the answer to a GET of a file, or to a HEAD. NotFound if there is none.

    ``asked`` is the request's ``Range``, of which one range of bytes is served and any other form answered
    whole; ``known`` is its ``If-None-Match``. Source: RFC 9110.
    """
    path = path.removesuffix("/")
    if head:
        meta = await head_artifact(store, actor, location, path)
        return Download(200, _file_headers(path, meta, meta.size), _nothing())
    start, end = await _range(store, _file(location, path), asked)
    blob = await open_artifact(store, actor, location, path, start, end)
    tag = {"ETag": blob.meta.etag}
    if known == blob.meta.etag:
        await blob.chunks.aclose()
        return Download(304, tag, _nothing())
    if start is not None and blob.start >= blob.meta.size:
        await blob.chunks.aclose()
        return Download(416, {"Content-Range": f"bytes */{blob.meta.size}", "Content-Length": "0"}, _nothing())
    headers = _file_headers(path, blob.meta, blob.end - blob.start)
    if start is None:
        return Download(200, headers, blob.chunks)
    headers["Content-Range"] = f"bytes {blob.start}-{blob.end - 1}/{blob.meta.size}"
    return Download(206, headers, blob.chunks)


async def put_artifact(
    store: BlobStore, actor: Actor, location: str, path: str, chunks: AsyncIterator[bytes]
) -> BlobMeta:
    """Store a file; it is there as a whole and durable, or, after any failure, what was there before."""
    actor.require(Permission.ARTIFACTS_WRITE)
    return await store.put(_file(location, path), chunks)


async def delete_artifact(store: BlobStore, actor: Actor, location: str, path: str = "") -> None:
    """Delete the file at ``path``, or the folder with all it holds; that there is neither is no error.

    Without ``path`` everything of ``location`` goes. The store's root is refused (InvalidArgument).
    """
    actor.require(Permission.ARTIFACTS_WRITE)
    key = resolve(location, path.removesuffix("/"))
    if not key:
        raise InvalidArgument("The path is missing: name the file or folder to delete.", field="path")
    await store.delete(key)
    await store.delete_prefix(key)


def content_type(path: str) -> str:
    """Return the media type by the file's name: text for what people read, octets for the unknown.

    Follows MLflow's clients and page, which show as text what is sent as ``text/plain``.
    """
    name = posixpath.basename(path)
    if _extension(name) in _TEXT:
        return "text/plain"
    # "./" keeps a name with a colon from being read as a URL, whose media type its author would choose.
    return mimetypes.guess_type(f"./{name}")[0] or _BINARY


def download_headers(path: str) -> dict[str, str]:
    """Return the headers that make a browser save the file and never run it. Source: RFC 6266, RFC 5987."""
    name = posixpath.basename(path)
    return {
        "Content-Type": content_type(path),
        "Content-Disposition": _attachment(name),
        "X-Content-Type-Options": "nosniff",
    }


def _file_headers(path: str, meta: BlobMeta, length: int) -> dict[str, str]:
    more = {"Content-Length": str(length), "Accept-Ranges": "bytes", "ETag": meta.etag}
    return download_headers(path) | more


async def _range(store: BlobStore, key: str, asked: str | None) -> tuple[int | None, int | None]:
    """Return the one range of ``bytes=a-b`` or ``bytes=-n`` as a half-open one, (None, None) for other forms."""
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", asked or "", re.ASCII)
    if match is None or not any(match.groups()):
        return None, None
    first, last = match.groups()
    if not first:
        size = (await store.head(key)).size
        return max(0, size - int(last)), None
    if last and int(last) < int(first):
        return None, None
    return int(first), int(last) + 1 if last else None


async def _nothing() -> AsyncGenerator[bytes]:
    return
    yield b""


def _folder(location: str) -> str:
    """Return the store's folder of a location."""
    try:
        parts = urlsplit(location)
    except ValueError as error:
        raise InvalidArgument(f"'{location}' is no artifact location: {error}.", field="artifact_location") from error
    if parts.scheme != SCHEME:
        raise Unsupported(
            f"The artifacts at '{_without_secrets(parts)}' lie outside this server's store (locations {ROOT}…): "
            "read and write them directly, with a client that has access to them."
        )
    return unquote(parts.path).strip("/")


def _without_secrets(parts: SplitResult) -> str:
    """Return a location without what may be a key: user, password, query."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _file(location: str, path: str) -> str:
    if not path:
        raise _directory(path)
    return resolve(location, path)


def _directory(path: str) -> InvalidArgument:
    return InvalidArgument(
        f"Artifact path refers to a directory, not a file: '{path}'. List it, or name a file in it.", field="path"
    )


def _extension(name: str) -> str:
    """Return what follows the last dot, or the whole name where there is none: ``MLmodel``."""
    return posixpath.splitext(name)[1].removeprefix(".") or name


def _attachment(name: str) -> str:
    if name.isascii():
        return f"attachment; filename={_quoted(name)}"
    readable = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode() or "download"
    return f"attachment; filename={_quoted(readable)}; filename*=UTF-8''{quote(name, safe=_HEADER_SAFE)}"


def _quoted(text: str) -> str:
    """Return a header's parameter value: as it is where RFC 9110 takes it for a token, else in quotes."""
    if re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", text, re.ASCII):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
