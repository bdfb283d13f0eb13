"""The page at ``/``: that the server runs, and how to connect to it."""

from __future__ import annotations

import html
import re
from pathlib import Path

from mainspring import __version__
from mainspring.kit.http import Request, Send, respond

_PAGE = (Path(__file__).parent / "welcome.html").read_text()
# The page runs nothing and loads nothing: no script of anyone's may change that.
_HEADERS = [
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
    (b"referrer-policy", b"no-referrer"),
]


async def welcome(request: Request, send: Send) -> None:
    """Send the page, with the address that the browser used."""
    host = request.header(b"host") or ""
    named = host if re.fullmatch(r"[\w.\-\[\]:]{1,255}", host, re.ASCII) else "127.0.0.1:5000"
    page = _PAGE.replace("{{address}}", html.escape(f"{request.scope.get('scheme', 'http')}://{named}"))
    body = page.replace("{{version}}", __version__).encode()
    await respond(send, 200, body, b"text/html; charset=utf-8", _HEADERS)
