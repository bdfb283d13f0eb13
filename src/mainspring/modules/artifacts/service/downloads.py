"""Answers to requests for a file: ranges, validators, and headers that make a browser save and never run it."""

from __future__ import annotations

import mimetypes
import posixpath
import re
import unicodedata
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import quote

from mainspring.engines.blobs import BlobMeta, BlobStore
from mainspring.engines.blobs.port import ByteStream
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.modules.artifacts.schemas import Frame
from mainspring.modules.artifacts.service.digests import digest_field
from mainspring.modules.artifacts.service.files import find_record, head_artifact, open_artifact
from mainspring.modules.artifacts.service.locations import file_key
from mainspring.modules.services import Services

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


async def download_artifact(
    store: BlobStore,
    actor: Actor,
    location: str,
    path: str,
    *,
    asked: str | None = None,
    known: str | None = None,
    same: str | None = None,
    head: bool = False,
) -> Download:
    """Return the answer to a GET of a file, or to a HEAD. NotFound if there is none.

    ``asked`` is the request's ``Range``, of which one range of bytes is served and any other form answered
    whole; ``known`` is its ``If-None-Match``, ``same`` its ``If-Range``. Source: RFC 9110.
    """
    path = path.removesuffix("/")
    if head or known:
        meta = await head_artifact(store, actor, location, path)
        if known and _is_known(meta.etag, known):
            return Download(304, {"ETag": meta.etag}, _nothing())
        if head:
            return Download(200, _file_headers(path, meta, meta.size), _nothing())
    start, end = await _range(store, file_key(actor, location, path), asked)
    blob = await open_artifact(store, actor, location, path, start, end)
    if start is not None and same and same != blob.meta.etag:
        await blob.chunks.aclose()
        start, blob = None, await open_artifact(store, actor, location, path)
    if start is not None and blob.start >= blob.meta.size:
        await blob.chunks.aclose()
        return Download(416, {"Content-Range": f"bytes */{blob.meta.size}", "Content-Length": "0"}, _nothing())
    headers = _file_headers(path, blob.meta, blob.end - blob.start)
    if start is None:
        return Download(200, headers, blob.chunks)
    headers["Content-Range"] = f"bytes {blob.start}-{blob.end - 1}/{blob.meta.size}"
    return Download(206, headers, blob.chunks)


async def add_digest(
    services: Services, actor: Actor, location: str, path: str, answer: Download, *, head: bool
) -> None:
    """Add the hash of the whole file to the headers of an answer, where it is known of the bytes that are sent.

    Source: RFC 9530. Where the whole file is the content, ``Content-Digest`` says so beside ``Repr-Digest``.
    """
    if answer.status not in (200, 206):
        return
    known = await find_record(services, file_key(actor, location, path.removesuffix("/")), answer.headers["ETag"])
    if known is None:
        return
    answer.headers["Repr-Digest"] = digest_field(known.sha256)
    if answer.status == 200 and not head:
        answer.headers["Content-Digest"] = digest_field(known.sha256)


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
        # Should a browser show it nevertheless, then as a page of nobody, without scripts.
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }


def framed_headers(path: str, frame: Frame) -> dict[str, str]:
    """Return the headers by which a browser shows a page of HTML as a page of nobody's, whose scripts reach nothing.

    It has an origin of its own, even where its address is opened by itself: no cookies, no storage, no answers of
    this server. ``online`` lets it load what it names from the network. Raises InvalidArgument for other files.
    """
    if not path.lower().endswith((".html", ".htm")):
        raise InvalidArgument(f"'{posixpath.basename(path)}' is no page of HTML: it is not framed.", field="frame")
    none = "'none'"
    network = "https: " if frame is Frame.ONLINE else ""
    policy = (
        f"sandbox allow-scripts; default-src 'none'; script-src {network}'unsafe-inline' 'unsafe-eval' data: blob:; "
        f"style-src {network}'unsafe-inline' data: blob:; img-src {network}data: blob:; font-src {network}data:; "
        f"media-src {network}data: blob:; connect-src {network or none}; worker-src blob:; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Disposition": "inline",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
    }


def _file_headers(path: str, meta: BlobMeta, length: int) -> dict[str, str]:
    more = {"Content-Length": str(length), "Accept-Ranges": "bytes", "ETag": meta.etag}
    return download_headers(path) | more


def _is_known(etag: str, known: str) -> bool:
    """Return whether an ``If-None-Match`` names the ETag; a weak one of the same text is as good."""
    return known.strip() == "*" or etag in re.findall(r'"[^"]*"', known)


async def _range(store: BlobStore, key: str, asked: str | None) -> tuple[int | None, int | None]:
    """Return the one range of ``bytes=a-b`` or ``bytes=-n`` as a half-open one, (None, None) for other forms."""
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", (asked or "").strip(), re.ASCII | re.IGNORECASE)
    if match is None or not any(match.groups()):
        return None, None
    first, last = match.groups()
    if not first:
        size = (await store.head(key)).size
        return (max(0, size - int(last)), None) if size or not int(last) else (None, None)
    if last and int(last) < int(first):
        return None, None
    return int(first), int(last) + 1 if last else None


async def _nothing() -> AsyncGenerator[bytes]:
    return
    yield b""


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
