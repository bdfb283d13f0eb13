"""Files of a GitLab project as they stream by: a part of them, of large files (LFS) what the pointer stands for.

What breaks off, is too short, or is not what its pointer says, raises: nobody takes half a file for a whole one.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from hashlib import sha256

from mainspring.engines.sources.gitlab_http import Answer, Call, GitlabHttp
from mainspring.engines.sources.gitlab_lfs import MAX_POINTER, Pointer, find_place, pointer_of
from mainspring.engines.sources.gitlab_records import header_of
from mainspring.engines.sources.port import SourceFile
from mainspring.kit.errors import NotFound, Unavailable

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


@asynccontextmanager
async def open_file(
    http: GitlabHttp, raw: Call, path_of: Callable[[], Awaitable[str]], start: int, end: int | None
) -> AsyncIterator[SourceFile]:
    """Open the file that ``raw`` asks for, from ``start`` to ``end``.

    ``path_of`` tells the path of its project, of which large files are asked for. GitLab sends no parts of what is in
    git itself: what stands before the part is read and left out.
    """
    async with AsyncExitStack() as opened:
        answer = await opened.enter_async_context(http.open(raw))
        if not answer.good:
            raise http.refusal(raw, answer)
        version = header_of(answer.headers, "x-gitlab-blob-id", 40)
        size = _size(answer, raw.what)
        content = await _all(answer, size, raw.what) if size <= MAX_POINTER else None
        pointer = pointer_of(content) if content is not None else None
        if pointer is None:
            first, last = _part(start, end, size)
            chunks = _once(content[first:last]) if content is not None else _read(answer, first, last - first, raw.what)
            digest = header_of(answer.headers, "x-gitlab-content-sha256", 64)
            yield SourceFile(size, first, last, chunks, version, digest)
            return
        await opened.aclose()
        first, last = _part(start, end, pointer.size)
        async with _open_large(http, raw, await path_of(), pointer, first, last) as chunks:
            yield SourceFile(pointer.size, first, last, chunks, version or pointer.sha256, pointer.sha256)


async def read_pointer(http: GitlabHttp, raw: Call) -> tuple[int, Pointer | None] | None:
    """Return the size of the file that ``raw`` asks for, and its pointer if it is one; None where it is not shown."""
    async with http.open(raw) as answer:
        if not answer.good:
            return None
        size = _size(answer, raw.what)
        return size, pointer_of(await _all(answer, size, raw.what)) if size <= MAX_POINTER else None


@asynccontextmanager
async def _open_large(
    http: GitlabHttp, raw: Call, path: str, pointer: Pointer, first: int, last: int
) -> AsyncIterator[AsyncIterator[bytes]]:
    """Open a large file where the batch API says that it is, else by the API of files."""
    part = f"bytes={first}-{last - 1}" if 0 < last - first < pointer.size else ""
    if first == last:
        yield _once(b"")
        return
    async with AsyncExitStack() as opened:
        answer = await _from_place(http, raw, path, pointer, part, opened)
        if answer is None:
            # The batch API is git's: it may be off, or want another scope. What the API of files says holds.
            by_files = replace(raw, params={**raw.params, "lfs": "true"}, bytes_range=part, follows=True)
            answer = await opened.enter_async_context(http.open(by_files))
            if answer.status == 404 and not answer.elsewhere:
                raise NotFound(f"GitLab has the LFS pointer of the {raw.what}, and not the file itself.")
            if not answer.good:
                raise http.refusal(by_files, answer)
        skip = first - _begins_at(answer, pointer.size, raw.what)
        chunks = _read(answer, skip, last - first, raw.what)
        yield chunks if part else _verified(chunks, pointer.sha256, raw.what)


async def _from_place(
    http: GitlabHttp, raw: Call, path: str, pointer: Pointer, part: str, opened: AsyncExitStack
) -> Answer | None:
    place = await find_place(http, path, pointer, raw.what, raw.token)
    if place is None:
        return None
    call = Call(raw.what, place.url, token=raw.token, headers=place.headers, bytes_range=part, follows=True, git=True)
    async with AsyncExitStack() as trying:
        answer = await trying.enter_async_context(http.open(call))
        if not answer.good:
            return None
        opened.push_async_exit(trying.pop_all())
        return answer


def _size(answer: Answer, what: str) -> int:
    told = answer.headers.get("content-length") or answer.headers.get("x-gitlab-size", "")
    if not told.isascii() or not told.isdigit() or len(told) > 18:
        raise Unavailable(f"GitLab does not tell how large the {what} is.")
    return int(told)


def _part(start: int, end: int | None, size: int) -> tuple[int, int]:
    """Return the part of a file that there is."""
    first = min(max(start, 0), size)
    return first, max(first, size if end is None else min(end, size))


def _begins_at(answer: Answer, size: int, what: str) -> int:
    """Return where in a file of a known size an answer begins. Raises Unavailable where the file is another."""
    if answer.status != 206:
        told = answer.headers.get("content-length", str(size))
        begins = 0
    else:
        found = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
        if not found:
            raise Unavailable(f"GitLab does not tell which part of the {what} it sends.")
        told = str(size) if found[2] == "*" else found[2]
        begins = int(found[1])
    if told != str(size):
        raise Unavailable(f"GitLab sends {told} bytes for the {what}, whose LFS pointer says {size}.")
    return begins


async def _all(answer: Answer, size: int, what: str) -> bytes:
    return b"".join([chunk async for chunk in _read(answer, 0, size, what)])


async def _once(content: bytes) -> AsyncIterator[bytes]:
    if content:
        yield content


async def _read(answer: Answer, skip: int, length: int, what: str) -> AsyncIterator[bytes]:
    """Yield so many bytes after those to skip. Raises Unavailable where fewer arrive."""
    import httpx

    if skip < 0 or answer.stream is None:
        raise Unavailable(f"GitLab sends another part of the {what} than it was asked for.")
    wanted, left = skip, length
    try:
        async for chunk in answer.stream.aiter_raw():
            kept = chunk[wanted : wanted + left]
            wanted = max(0, wanted - len(chunk))
            left -= len(kept)
            if kept:
                yield kept
            if not left:
                return
    except (httpx.TransportError, OSError) as error:
        raise Unavailable(f"The {what} broke off, {left} bytes before its end ({type(error).__name__}).") from error
    if left:
        raise Unavailable(f"The {what} broke off, {left} bytes before its end.")


async def _verified(chunks: AsyncIterator[bytes], digest: str, what: str) -> AsyncIterator[bytes]:
    """Yield a whole file, its last piece only where all of it is what its pointer says."""
    seen, held = sha256(), b""
    async for chunk in chunks:
        if held:
            yield held
        held = chunk
        seen.update(chunk)
    if seen.hexdigest() != digest:
        raise Unavailable(f"The {what} is not what its LFS pointer says: its SHA-256 is another.")
    if held:
        yield held
