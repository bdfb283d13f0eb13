"""Texts and addresses out of other people's files, made harmless before they go into an item."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from mainspring.modules.catalog.service.generating.reporting import Report

_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_TAG = re.compile(r"<(?!https?://)[A-Za-z/!?][^<>]*>")
_TAG_BEGINS = re.compile(r"<(?!https?://)(?=[A-Za-z/!?])")
_LINK = re.compile(r"\](?=[(:])(?!\(https?://|:\s+https?://)")
_SECRETS = re.compile(r"(?i)(^|[_-])(token|secret|password|passwd|pwd|api_?key|access_?key|signature|sig)$")
_LONGEST_URL = 2000


def clean(text: str) -> str:
    """Return a text with lines that end alike, without control characters, marks of direction and halves of pairs."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str, longest: int) -> str:
    """Return a text as one line of at most that many characters."""
    return shorten(" ".join(clean(text[: longest * 4]).split()), longest)


def shorten(text: str, longest: int) -> str:
    """Return at most that many characters of a text; what was cut ends with an ellipsis."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def without_markup(text: str) -> str:
    """Return a text without HTML, and without links to anything but http(s), for those who read it as Markdown."""
    return _LINK.sub("] ", _TAG_BEGINS.sub("< ", _TAG.sub("", text)))


def limited(text: str, longest: int, field: str, report: Report) -> str:
    """Return a text of at most that many characters, with a warning where it was cut."""
    if len(text) > longest:
        report.warn(
            "text_too_long", field, f"{field} has {len(text)} characters and was cut; at most {longest} are kept."
        )
    return shorten(text, longest)


def safe_url(text: object, mail: bool = False) -> str | None:
    """Return an http(s) address as it may be shown, or None where there is none or it carries a secret."""
    if not isinstance(text, str) or len(text) > _LONGEST_URL:
        return None
    # As browsers do, which leave out tabs and ends of lines wherever they stand.
    url = re.sub(r"[\t\n]", "", clean(text)).strip()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if mail and parts.scheme == "mailto":
        return quote(url, safe=":@?&=+-._~%,;!$'()*/", encoding="utf-8") if "@" in parts.path else None
    # With an @ in it there is a user's name, and mostly a password.
    if parts.scheme not in {"http", "https"} or not host or port == 0 or "@" in parts.netloc:
        return None
    if re.search(r"[\s<>\"{}|\\^`\[\]]", parts.netloc.replace("[", "", 1).replace("]", "", 1)):
        return None
    names = (name for name, _ in parse_qsl(f"{parts.query}&{parts.fragment}"))
    if any(_SECRETS.search(name) for name in names):
        return None
    rest = url[len(f"{parts.scheme}://{parts.netloc}") :]
    return f"{parts.scheme}://{parts.netloc}{quote_odd(rest)}"


def quote_odd(text: str) -> str:
    """Return a text with the characters quoted that no address may hold; what is quoted already stays."""
    return re.sub(r"[\s<>\"{}|\\^`\[\]]", lambda match: quote(match[0], safe=""), text)


def own_path(href: str, folder: str = "") -> str | None:
    """Return the path of the project's file that a relative address in a file of a folder names, or None."""
    if len(href) > _LONGEST_URL or href.startswith(("//", "#", "?")) or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", href):
        return None
    path = unquote(href.split("#")[0].split("?")[0])
    if clean(path) != path or "\\" in path:
        return None
    joined = path.lstrip("/") if path.startswith("/") else posixpath.join(folder, path)
    found = posixpath.normpath(joined) if joined else ""
    return None if found in {"", ".", ".."} or found.startswith(("../", "/")) else found
