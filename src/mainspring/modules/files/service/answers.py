"""Answers to requests for a file of any origin: ranges, validators, and headers that make a browser save it.

Source: RFC 9110. An ETag is the hash of the content, or what the file's origin tells it by.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from mainspring.engines.sources import SourceFile
from mainspring.kit.http import Request, Send, respond_stream
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.files.service.files import is_named

Open = Callable[[int, int | None], AbstractAsyncContextManager[SourceFile]]
"""Opens a file from a byte to before another."""

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)
_PAGES = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request for a file says beside its path."""

    head: bool = False
    range: str = ""
    if_none_match: str = ""
    if_range: str = ""

    @classmethod
    def by(cls, request: Request) -> Asked:
        """Return what a request asks."""
        return cls(
            request.method == "HEAD",
            request.header(b"range") or "",
            request.header(b"if-none-match") or "",
            request.header(b"if-range") or "",
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a request for a file: HTTP status, headers, and the bytes to send."""

    status: int
    headers: dict[str, str]
    chunks: AsyncIterator[bytes]


@asynccontextmanager
async def answer_file(path: str, asked: Asked, open: Open) -> AsyncIterator[Answer]:
    """Yield the answer to a GET of a file, or to a HEAD; its bytes are there until the end of the block.

    One range of bytes is served, any other form answered whole.
    """
    first, last = _range(asked.range)
    async with AsyncExitStack() as stack:
        if asked.head or asked.if_none_match or asked.if_range or (first is None and last is not None):
            async with open(0, None) as look:  # what was opened is not read
                if asked.if_none_match and is_named(_etag(look), asked.if_none_match):
                    yield Answer(304, _validators(look), nothing())
                    return
                if asked.head:
                    yield Answer(200, _headers(path, look, look.size), nothing())
                    return
                if asked.if_range and not is_named(_etag(look), asked.if_range):
                    first = last = None
                if first is None and last is not None:
                    first, last = (max(0, look.size - last), None) if look.size else (None, None)
                if first is not None and first >= look.size:
                    yield _beyond(look)
                    return
        file = await stack.enter_async_context(open(first or 0, last))
        if first is None:
            yield Answer(200, _headers(path, file, file.size), file.chunks)
        elif first >= file.size:
            yield _beyond(file)
        else:
            headers = _headers(path, file, file.end - file.start)
            headers["Content-Range"] = f"bytes {file.start}-{file.end - 1}/{file.size}"
            yield Answer(206, headers, file.chunks)


async def send_answer(request: Request, send: Send, answer: Answer) -> None:
    """Send an answer. Raises ClientDisconnected, and AnswerInterrupted where a piece cannot be had."""
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    await respond_stream(request, send, answer.status, headers, answer.chunks)


def _range(text: str) -> tuple[int | None, int | None]:
    """Return the range that is asked for: (first byte, byte after the last), or (None, how many at the end)."""
    match = _RANGE.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None, None
    first, last = match.groups()
    if not first:
        return None, int(last)
    if last and int(last) < int(first):
        return None, None
    return int(first), int(last) + 1 if last else None


def _validators(file: SourceFile) -> dict[str, str]:
    told = {"Cache-Control": "private, no-cache"}
    if etag := _etag(file):
        told["ETag"] = f'"{etag}"'
    return told


def _etag(file: SourceFile) -> str:
    """Return a file's ETag without quotes; what its origin tells may be one of HTTP's, or any text."""
    return re.sub(r"[^\x21\x23-\x7e]", "", file.etag.removeprefix("W/"))


def _headers(path: str, file: SourceFile, length: int) -> dict[str, str]:
    headers = artifacts.download_headers(path) | _validators(file)
    if headers["Content-Type"] in _PAGES:
        headers["Content-Type"] = "text/plain"
    headers |= {"Content-Length": str(length), "Accept-Ranges": "bytes"}
    if file.sha256:
        headers["Repr-Digest"] = artifacts.digest_field(file.sha256)
    return headers


def _beyond(file: SourceFile) -> Answer:
    return Answer(416, {"Content-Range": f"bytes */{file.size}", "Content-Length": "0"}, nothing())


async def nothing() -> AsyncGenerator[bytes]:
    """Yield no bytes."""
    return
    yield b""
