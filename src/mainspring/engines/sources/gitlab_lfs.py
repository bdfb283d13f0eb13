"""Large files of a GitLab project (git LFS): the pointer that git keeps, and where the file itself is.

Pointers: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md, the batch API: docs/api/batch.md there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote

import msgspec
from msgspec import Struct

from mainspring.engines.sources.gitlab_http import Call, GitlabHttp
from mainspring.engines.sources.gitlab_urls import origin

MAX_POINTER = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n?"
)
_MEDIA_TYPE = "application/vnd.git-lfs+json"
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_OURS = frozenset({"accept-encoding", "connection", "content-length", "cookie", "host", "range", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Pointer:
    """What git keeps in the place of a large file."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a large file is, and the headers that open it."""

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)


class _Action(Struct):
    href: str
    header: dict[str, str] | None = None


class _Actions(Struct):
    download: _Action | None = None


class _Object(Struct):
    oid: str
    actions: _Actions | None = None


class _Batch(Struct):
    objects: list[_Object]


def pointer_of(content: bytes) -> Pointer | None:
    """Return the pointer that a small file is, None where it is a file of its own."""
    found = _POINTER.fullmatch(content)
    return Pointer(found[1].decode(), int(found[2])) if found else None


async def find_place(http: GitlabHttp, path: str, pointer: Pointer, what: str, token: str | None) -> Place | None:
    """Return where the batch API of the project ``path`` says that a large file is.

    None where it says nothing: it may be off, closed for this kind of token, or ``path`` another project's by now.
    """
    asked = {
        "operation": "download",
        "transfers": ["basic"],
        "objects": [{"oid": pointer.sha256, "size": pointer.size}],
    }
    answer = await http.answer(
        Call(
            what,
            f"{http.url}/{quote(path)}.git/info/lfs/objects/batch",
            token=token,
            method="POST",
            body=msgspec.json.encode(asked),
            headers={"Accept": _MEDIA_TYPE, "Content-Type": _MEDIA_TYPE},
            git=True,
        )
    )
    return _place_in(answer.body, pointer) if answer.good else None


def _place_in(body: bytes, pointer: Pointer) -> Place | None:
    try:
        batch = msgspec.json.decode(body, type=_Batch)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    told = next((each for each in batch.objects if each.oid == pointer.sha256), None)
    action = told.actions.download if told is not None and told.actions is not None else None
    if action is None or origin(action.href) is None:
        return None
    return Place(action.href, _safe(action.header or {}))


def _safe(headers: dict[str, str]) -> dict[str, str]:
    """Return those of the headers that GitLab asks us to send which are its to decide."""
    return {
        name: value
        for name, value in headers.items()
        if _HEADER.fullmatch(name) and name.lower() not in _OURS and value.isascii() and value.isprintable()
    }
