"""MLflow's own web page: the files of the installed package ``mlflow``, below ``/mlflow/`` of the server and of every
project. Whatever it asks for stands relative to its own address: ``project_urls`` takes the prefix off again.

Nothing of the package is imported, which would take seconds and a hundred megabytes: its files are read.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from mainspring.api.routing import Routes
from mainspring.kit.actors import Actor
from mainspring.kit.errors import MainspringError, NotFound, Unauthenticated
from mainspring.kit.http import Request, Send, respond
from mainspring.kit.permissions import Permission
from mainspring.modules.services import Services
from mainspring.server.pages import rendering
from mainspring.server.refusals import refuse_by_problem

ROUTES = Routes()
PAGE = "/mlflow/"
FILES = f"{PAGE}static-files/"
HTML = b"text/html; charset=utf-8"
TYPES = {
    ".cjs": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".eot": b"application/vnd.ms-fontobject",
    ".ico": b"image/x-icon",
    ".js": b"text/javascript; charset=utf-8",
    ".json": b"application/json",
    ".mjs": b"text/javascript; charset=utf-8",
    ".png": b"image/png",
    ".svg": b"image/svg+xml",
    ".ttf": b"font/ttf",
    ".txt": b"text/plain; charset=utf-8",
    ".woff": b"font/woff",
    ".woff2": b"font/woff2",
}
"""What is served, and as what: among it no HTML but the page itself."""

# The page styles its parts as it goes, and its plots make code of their own (WebGL). Its scripts are files of this
# server: what is logged to a run, or what somebody calls a tag, does not run in it; nor does a script of an HTML file
# that it shows.
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
    "worker-src 'self' blob:; frame-src 'self' blob:; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = [
    (name.lower().encode(), value.encode())
    for name, value in {**rendering.HEADERS, "Content-Security-Policy": POLICY}.items()
]
LASTING, CHANGING = b"public, max-age=31536000, immutable", b"no-cache"
_HASHED = re.compile(r"\.[0-9a-f]{8,}\.")
"""What stands in the name of a file that never changes."""


class File(NamedTuple):
    """One file of the page."""

    path: Path
    content_type: bytes
    etag: str


@ROUTES.add("GET", PAGE[:-1], permission=Permission.PUBLIC)
async def lead_to_page(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Add the slash from which the page's links start; relative, and so below a project too."""
    await respond(send, 308, b"", b"text/plain", [(b"location", b"mlflow/")])


@ROUTES.add("GET", PAGE, permission=Permission.PROJECTS_DISCOVER)
async def get_page(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Send the page. Raises NotFound where the package is not installed."""
    folder = _folder()
    if folder is None:
        raise NotFound(
            "This is where MLflow's own web page is once the package mlflow is installed beside Mainspring: "
            "run 'pip install mlflow' in the environment of the server (mlflow-skinny has no page), and start it again."
        )
    await respond(send, 200, await asyncio.to_thread((folder / "index.html").read_bytes), HTML, HEADERS)


@ROUTES.add("GET", f"{FILES}{{path:path}}", permission=Permission.PUBLIC)
async def get_file(services: Services, actor: Actor, request: Request, send: Send, fields: dict[str, str]) -> None:
    """Send a file of the page, the same as everyone can have from the package. Raises NotFound."""
    name = fields["path"]
    file = (await asyncio.to_thread(_files)).get(name)
    if file is None:
        raise NotFound(f"There is no file '{name[:200]}' of MLflow's page: load the page again.")
    caching = LASTING if _HASHED.search(name) else CHANGING
    headers = [(b"etag", file.etag.encode()), (b"cache-control", caching)]
    if request.header(b"if-none-match") == file.etag:
        return await respond(send, 304, b"", file.content_type, headers)
    await respond(send, 200, await asyncio.to_thread(file.path.read_bytes), file.content_type, headers)


async def refuse(request: Request, send: Send, error: MainspringError) -> None:
    """Show people what is wrong, and lead them to where they sign in; programs get problem JSON."""
    if "text/html" not in (request.header(b"accept") or ""):
        return await refuse_by_problem(request, send, error)
    if isinstance(error, Unauthenticated):
        target = quote(f"/p/{request.project}{PAGE}" if request.project else PAGE)
        address = f"/login?next={quote(target, safe='')}"
        return await respond(send, 303, b"", b"text/plain", [(b"location", address.encode()), *HEADERS])
    parts = {"title": "MLflow's page is not here", "text": html.escape(error.message)}
    body = rendering.document(parts["title"], "notice.html", parts).encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in rendering.HEADERS.items()]
    await respond(send, error.code.status, body, HTML, headers)


@cache
def _files() -> dict[str, File]:
    """Return the files by their paths below the folder; none where the package is not installed.

    What is not in here is not served: no path leads out of the folder.
    """
    folder = _folder()
    return dict(_walk(folder)) if folder else {}


def _walk(folder: Path) -> Iterator[tuple[str, File]]:
    for path in folder.rglob("*"):
        if path.suffix in TYPES and path.is_file():
            state = path.stat()
            etag = f'"{state.st_mtime_ns:x}-{state.st_size:x}"'
            yield path.relative_to(folder).as_posix(), File(path, TYPES[path.suffix], etag)


def _folder() -> Path | None:
    """Return the folder of the built page in the installed package, or None."""
    spec = find_spec("mlflow")
    packages = spec.submodule_search_locations if spec else None
    builds = (Path(package) / "server" / "js" / "build" for package in packages or ())
    return next((build for build in builds if (build / "index.html").is_file()), None)
