"""Putting the pages together: the shell around each, the files that they load, and the headers that guard them."""

from __future__ import annotations

import hashlib
import html
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from litestar import Response
from litestar.datastructures import Cookie

FOLDER = Path(__file__).parent
ASSETS = "/assets/"
HTML = "text/html"
ASSET_TYPES = {".css": "text/css", ".js": "text/javascript"}

# Scripts and styles come from files of this server alone: what somebody sneaks into a page does not run.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page(
    title: str,
    name: str,
    parts: Mapping[str, str] | None = None,
    *,
    script: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    cookies: Sequence[Cookie] = (),
) -> Response[str]:
    """Return a page: the file ``name`` with its ``parts`` (HTML that is safe) filled in, and its script."""
    text = document(title, name, parts or {}, script)
    sent = {**HEADERS, **(headers or {})}
    return Response(text, status_code=status, media_type=HTML, headers=sent, cookies=list(cookies))


def document(title: str, name: str, parts: Mapping[str, str], script: str | None = None) -> str:
    """Return the HTML of a page."""
    return fill(
        "shell.html",
        {
            "title": html.escape(title),
            "style": _tag("style", "pages.css"),
            "script": _tag("script", script) if script else "",
            "main": fill(name, parts),
        },
    )


def fill(name: str, parts: Mapping[str, str]) -> str:
    """Return a file of HTML with its ``{{parts}}`` filled in, each once: what a part holds is not looked at again."""
    pieces = _read(name).decode().split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        part, _, rest = piece.partition("}}")
        filled += [parts[part], rest]
    return "".join(filled)


def asset(name: str) -> Response[bytes] | None:
    """Return a script or style sheet, None where there is no such file. Its address changes when it does."""
    known = {path.name: path.suffix for path in FOLDER.iterdir() if path.suffix in ASSET_TYPES}
    if name not in known:
        return None
    headers = {"Cache-Control": "no-cache", "ETag": f'"{_digest(name)}"'}
    return Response(_read(name), media_type=ASSET_TYPES[known[name]], headers=headers)


def _tag(kind: str, name: str) -> str:
    digest = html.escape(_digest(name))
    if kind == "script":
        return f'<script type="module" src="{ASSETS}{name}" integrity="sha256-{digest}"></script>'
    return f'<link rel="stylesheet" href="{ASSETS}{name}" integrity="sha256-{digest}">'


@cache
def _digest(name: str) -> str:
    return b64encode(hashlib.sha256(_read(name)).digest()).decode()


@cache
def _read(name: str) -> bytes:
    return (FOLDER / name).read_bytes()
