"""How large files of a GitLab project are, and their SHA-256 where large-file storage (LFS) keeps them.

A listing of files tells neither. GraphQL tells both of many files in one call, without their content; where GitLab does
not answer it, or not for a file, the pointer that git keeps of a large file is read. What a blob is never changes, so
that each is asked for once. Source: https://docs.gitlab.com/api/graphql/reference/#repositoryblob.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
from msgspec import Struct, field

from mainspring.engines.sources.gitlab_files import read_pointer
from mainspring.engines.sources.gitlab_http import Call, GitlabHttp
from mainspring.engines.sources.port import TreeEntry
from mainspring.kit.errors import Unavailable

PER_CALL = 50
"""Files of one question: GitLab reckons what it costs by their number, and answers none that is too dear."""
MOST = 200
MOST_ONE_BY_ONE = 20
AT_ONCE = 4
MAX_KNOWN = 50_000
REFUSED_S = 600.0
"""For so long GraphQL is not asked again after it failed: some have it closed, and the rest of the API open."""

_QUERY = (
    "query($path: ID!, $ref: String!, $paths: [String!]!, $first: Int!) { project(fullPath: $path) { repository {"
    " blobs(paths: $paths, ref: $ref, first: $first) { nodes { path oid lfsOid size rawSize } } } } }"
)
_OF_A_TOKEN = (401, 403)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class _Blob(Struct, rename="camel"):
    """A file as GraphQL tells it; numbers may be texts, so that they can be larger than its integers."""

    path: str
    oid: str
    lfs_oid: str | None = None
    size: int | str | None = None
    raw_size: int | str | None = None


class _Blobs(Struct):
    nodes: list[_Blob | None] = field(default_factory=list)


class _Repository(Struct):
    blobs: _Blobs | None = None


class _Project(Struct):
    repository: _Repository | None = None


class _Data(Struct):
    project: _Project | None = None


class _Answer(Struct):
    data: _Data | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What a file is: its size in bytes, and its SHA-256 where it is in large-file storage."""

    size: int
    sha256: str = ""


class Blobs:
    """What is known of the blobs of a GitLab."""

    def __init__(self, http: GitlabHttp) -> None:
        self._http = http
        self._known: OrderedDict[str, Measured] = OrderedDict()
        self._refused_until = float("-inf")

    def known(self, entry: TreeEntry) -> TreeEntry:
        """Return a file with what is known of it."""
        found = self._known.get(entry.version)
        return entry if found is None else replace(entry, size=found.size, sha256=found.sha256)

    async def learn(
        self, path: str, ref: str, files: Sequence[TreeEntry], raw: Callable[[TreeEntry], Call], token: str | None
    ) -> None:
        """Find out what files of the project ``path`` are, those beyond ``MOST`` left out; ``raw`` asks for one itself.

        Raises Unavailable.
        """
        unknown = list({each.version: each for each in files if each.version not in self._known}.values())[:MOST]
        for start in range(0, len(unknown), PER_CALL):
            if time.monotonic() < self._refused_until:
                break
            await self._ask(path, ref, unknown[start : start + PER_CALL], token)
        turn = asyncio.Semaphore(AT_ONCE)
        left = [each for each in unknown if each.version not in self._known][:MOST_ONE_BY_ONE]
        outcomes = await asyncio.gather(*(self._read(each, raw(each), turn) for each in left), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _ask(self, path: str, ref: str, files: Sequence[TreeEntry], token: str | None) -> None:
        variables = {"path": path, "ref": ref, "paths": [each.path for each in files], "first": len(files)}
        body = msgspec.json.encode({"query": _QUERY, "variables": variables})
        call = Call(
            f"sizes of files of the project '{path}'",
            f"{self._http.url}/api/graphql",
            token,
            method="POST",
            body=body,
            headers={"Content-Type": "application/json"},
        )
        try:
            answer = await self._http.answer(call)
        except Unavailable:
            self._refused_until = time.monotonic() + REFUSED_S
            raise
        blobs = _blobs_in(answer.body) if answer.good else None
        if blobs is None:
            if token is None or answer.status not in _OF_A_TOKEN:
                self._refused_until = time.monotonic() + REFUSED_S
            return
        versions = {each.path: each.version for each in files}
        for blob in blobs:
            # A branch may have moved since its files were listed.
            if blob is not None and versions.get(blob.path) == blob.oid and (measured := _measured(blob)) is not None:
                self._remember(blob.oid, measured)

    async def _read(self, entry: TreeEntry, raw: Call, turn: asyncio.Semaphore) -> None:
        async with turn:
            found = await read_pointer(self._http, raw)
        if found is not None:
            size, pointer = found
            self._remember(entry.version, Measured(size) if pointer is None else Measured(pointer.size, pointer.sha256))

    def _remember(self, version: str, measured: Measured) -> None:
        if not version:
            return
        self._known[version] = measured
        self._known.move_to_end(version)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)


def _blobs_in(body: bytes) -> list[_Blob | None] | None:
    """Return the files in an answer, none of a project that is not shown; None where it is not an answer."""
    try:
        data = msgspec.json.decode(body, type=_Answer).data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if data is None:
        return None
    repository = data.project.repository if data.project is not None else None
    return repository.blobs.nodes if repository is not None and repository.blobs is not None else []


def _measured(blob: _Blob) -> Measured | None:
    """Return what a file is, None where it is not told as it should be."""
    if not blob.lfs_oid:
        size = _number(blob.size)
        return None if size is None else Measured(size)
    size = _number(blob.raw_size)
    # Where large-file storage is switched off the size is that of the pointer.
    if size is None or size == _number(blob.size) or not _SHA256.fullmatch(blob.lfs_oid):
        return None
    return Measured(size, blob.lfs_oid)


def _number(told: int | str | None) -> int | None:
    text = "" if told is None else str(told)
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) else None
