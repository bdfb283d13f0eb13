"""The web page: the files that `ui/` is built to, below ``/-/`` of the server and of every project.

Each address that is no file is the page itself, whose own router reads it.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mainspring.kit.errors import NotFound, Unsupported
from mainspring.kit.http import Request, Send, respond
from mainspring.server.project_urls import PROJECT

ROOT = "/-/"
FOLDER = Path(__file__).parent / "web"
INDEX = "index.html"
HASHED = "assets/"
"""Files below it bear a digest in their names: they never change."""

NONCE = b"__NONCE__"
TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".json": b"application/json",
    ".svg": b"image/svg+xml",
    ".woff2": b"font/woff2",
}
GUARDS = [
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


@dataclass(frozen=True, slots=True)
class File:
    """One file of the page. Its packed form lies beside it, with ``.gz`` at its end."""

    path: Path
    content_type: bytes
    etag: bytes
    is_packed: bool


def is_web_page(path: str) -> bool:
    """Say whether a path is one of the page's, once its project is taken off."""
    return path.startswith(ROOT) or path == ROOT[:-1]


def wants_web_page(request: Request) -> bool:
    """Say whether who asks for ``/`` is a browser, and there is a page for it."""
    return "text/html" in (request.header(b"accept") or "") and (FOLDER / INDEX).is_file()


async def lead_to_web_page(request: Request, send: Send) -> None:
    """Send a browser from ``/`` to the page of the project that its URL names."""
    project = request.scope.get(PROJECT)
    target = f"/p/{project}{ROOT}" if project else ROOT
    await respond(send, 302, b"", b"text/plain", [(b"location", target.encode()), (b"cache-control", b"no-store")])


async def web_page(request: Request, send: Send) -> None:
    """Send a file of the page, or the page. Raises NotFound or Unsupported."""
    if request.method not in ("GET", "HEAD"):
        raise Unsupported(f"The web page answers GET, not {request.method[:20]}.", field="method")
    name = request.path.removeprefix(ROOT)
    files = await asyncio.to_thread(_current_files)
    if file := files.get(name):
        await _send_file(request, send, file, lasting=name.startswith(HASHED))
    elif name.startswith(HASHED):
        raise NotFound(
            f"There is no file '{name[:100]}' of the page: it may be another release's. Load the page again."
        )
    elif not files:
        raise NotFound("The web page is not built here: run `make ui`, or install Mainspring from a wheel.")
    else:
        await _send_index(request, send)


async def _send_index(request: Request, send: Send) -> None:
    nonce = secrets.token_urlsafe(18)
    body = (await asyncio.to_thread((FOLDER / INDEX).read_bytes)).replace(NONCE, nonce.encode())
    headers = [*GUARDS, (b"content-security-policy", _policy(nonce)), (b"cache-control", b"no-store")]
    await respond(send, 200, body, b"text/html; charset=utf-8", headers)


async def _send_file(request: Request, send: Send, file: File, *, lasting: bool) -> None:
    caching = b"public, max-age=31536000, immutable" if lasting else b"no-cache"
    headers = [(b"etag", file.etag), (b"cache-control", caching), (b"vary", b"accept-encoding")]
    if request.header(b"if-none-match") == file.etag.decode():
        return await respond(send, 304, b"", file.content_type, headers)
    path = file.path
    if file.is_packed and "gzip" in (request.header(b"accept-encoding") or ""):
        path, headers = path.with_name(f"{path.name}.gz"), [*headers, (b"content-encoding", b"gzip")]
    body = await asyncio.to_thread(path.read_bytes)
    await respond(send, 200, body, file.content_type, headers)


def _policy(nonce: str) -> bytes:
    """Scripts and styles are files of this server or bear this answer's nonce; no other server is asked."""
    own = "'self'"
    return (
        f"default-src 'none'; script-src {own} 'nonce-{nonce}'; style-src {own} 'nonce-{nonce}'; "
        f"img-src {own} data: blob:; media-src {own} blob:; font-src {own}; connect-src {own}; worker-src {own}; "
        f"frame-src {own}; form-action {own}; base-uri 'none'; frame-ancestors 'none'"
    ).encode()


def _current_files() -> dict[str, File]:
    """Return the built files by their path below ``/-/``; none where the page is not built."""
    index = FOLDER / INDEX
    return _files(index.stat().st_mtime_ns) if index.is_file() else {}


@lru_cache(maxsize=1)
def _files(built_at: int) -> dict[str, File]:
    found = (path for path in sorted(FOLDER.rglob("*")) if path.suffix in TYPES)
    return {path.relative_to(FOLDER).as_posix(): _file(path) for path in found}


def _file(path: Path) -> File:
    etag = f'"{hashlib.sha256(path.read_bytes()).hexdigest()[:32]}"'.encode()
    return File(path, TYPES[path.suffix], etag, path.with_name(f"{path.name}.gz").is_file())
