"""Answers for files of any origin, whatever it tells of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mainspring.engines.sources import SourceFile
from mainspring.modules.files import service
from mainspring.modules.files.service import Asked

CONTENT = b"0123456789"


def answer(
    asked: Asked, etag: str = "e", content: bytes = CONTENT, path: str = "f.bin"
) -> tuple[int, bytes, dict[str, str]]:
    """Return status, content and headers of an answer; every file that was opened is closed again."""
    opened: list[str] = []

    @asynccontextmanager
    async def open(start: int, end: int | None) -> AsyncIterator[SourceFile]:
        opened.append("open")
        last = len(content) if end is None else min(end, len(content))

        async def chunks() -> AsyncIterator[bytes]:
            yield content[start:last]

        try:
            yield SourceFile(len(content), min(start, len(content)), last, chunks(), etag)
        finally:
            opened.append("closed")

    async def scene() -> tuple[int, bytes, dict[str, str]]:
        async with service.answer_file(path, asked, open) as found:
            return found.status, b"".join([chunk async for chunk in found.chunks]), found.headers

    told = asyncio.run(scene())
    assert opened.count("open") == opened.count("closed") > 0
    return told


@pytest.mark.parametrize(
    ("etag", "told"),
    [("abc", '"abc"'), ('"abc"', '"abc"'), ('W/"abc"', '"abc"'), ('a"b\r\nx: y', '"abx:y"'), ("", None)],
)
def test_etags_of_whatever_origin(etag: str, told: str | None) -> None:
    assert answer(Asked(), etag)[2].get("ETag") == told
    if told:
        assert answer(Asked(if_none_match=told), etag)[0] == 304
        assert answer(Asked(range="bytes=1-2", if_range=told), etag)[:2] == (206, b"12")


def test_a_file_without_an_etag_is_never_known() -> None:
    assert answer(Asked(if_none_match='"", "x"'), "")[0] == 200
    assert answer(Asked(range="bytes=1-2", if_range='""'), "")[:2] == (200, CONTENT)
    assert answer(Asked(if_none_match="*"), "")[0] == 304


def test_an_empty_file() -> None:
    assert answer(Asked(range="bytes=-5"), content=b"")[:2] == (200, b"")
    assert answer(Asked(range="bytes=0-"), content=b"")[0] == 416
    assert answer(Asked(head=True), content=b"")[2]["Content-Length"] == "0"


@pytest.mark.parametrize("path", ["a/page.html", "page.xhtml", "PAGE.HTM", "x.html"])
def test_pages_are_not_pages_here(path: str) -> None:
    headers = answer(Asked(), path=path)[2]
    assert headers["Content-Type"] == "text/plain"
    assert headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in headers["Content-Security-Policy"]
