"""What the catalog asks of a place where projects are kept, a GitLab say.

Every question is asked with somebody's eyes: a ``token`` of that place, or None for the source's own, which is what
everyone may see. A source never shows with one token what it was told with another.

Errors, of whatever went wrong on the way, are ours: NotFound for what is not there or not shown, PermissionDenied for
what is shown and may not be had, Unauthenticated for a token that is no good (any more), Unavailable, with
``retry_after``, while the place does not answer or answers nonsense, RateLimited never: a source waits by itself for a
while, and then is Unavailable. No error, log or repr ever carries a token.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Protocol


class Visibility(StrEnum):
    """Whom a source shows a project: its members, everyone who belongs there, or everyone."""

    PRIVATE = "private"
    INTERNAL = "internal"
    PUBLIC = "public"


class Level(IntEnum):
    """How much somebody may do in a project; the numbers are GitLab's."""

    NONE = 0
    MINIMAL = 5
    GUEST = 10
    PLANNER = 15
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50


@dataclass(frozen=True, slots=True)
class SourceProject:
    """A project as its source tells it. Times are milliseconds since the epoch, UTC.

    ``id`` is what the source calls it for ever, ``path`` what it is called now, ``namespace/name``, as the source
    writes it. ``default_ref`` is None while there are no files. ``level`` is that of who asked, None where the source
    does not say.
    """

    id: str
    path: str
    title: str
    description: str
    visibility: Visibility
    topics: tuple[str, ...]
    created_at: int
    changed_at: int
    url: str
    default_ref: str | None = None
    archived: bool = False
    stars: int = 0
    license: str = ""
    picture: str = ""
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file of a project; ``path`` counts from its root. ``size`` is None where the source's listing does not tell."""

    path: str
    size: int | None = None
    sha256: str = ""
    version: str = ""
    """What changes when the content does, a git object's id say."""


@dataclass(frozen=True, slots=True)
class Release:
    """A named state of a project's files, which does not change."""

    tag: str
    name: str
    description: str
    released_at: int
    commit: str = ""
    links: tuple[tuple[str, str], ...] = ()
    """Name and URL of what is released beside the files."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a token belongs to, and what it may do. ``inside``: the source shows internal projects.

    ``writes`` says whether the token may change something there; one that may not must not here either.
    """

    id: str
    name: str
    display_name: str
    email: str = ""
    inside: bool = False
    writes: bool = True
    is_admin: bool = False


@dataclass(frozen=True, slots=True)
class SourceFile:
    """An open file: ``size`` of all of it, and the bytes from ``start`` to ``end`` (exclusive) as they arrive."""

    size: int
    start: int
    end: int
    chunks: AsyncIterator[bytes] = field(repr=False)
    etag: str = ""
    sha256: str = ""


class Source(Protocol):
    """A place where projects are kept."""

    name: str
    """``<kind>:<URL>``, by which the database knows it."""

    def list_changed(self, since: int | None, token: str | None = None) -> AsyncIterator[list[SourceProject]]:
        """Yield pages of the projects of any category that changed since a time (ms), or of all of them.

        A pass that finds nothing new takes one call.
        """
        ...

    def list_own(self, token: str) -> AsyncIterator[list[SourceProject]]:
        """Yield pages of the projects that the token's account is a member of, each with its ``level``."""
        ...

    def list_internal(self, token: str) -> AsyncIterator[list[SourceProject]]:
        """Yield pages of the projects of any category that everyone who belongs there is shown, and nobody else."""
        ...

    async def get(self, project: str, token: str | None = None) -> SourceProject:
        """Return the project of an id, or of a path, also of one that it had before."""
        ...

    def tree(self, project: str, ref: str, token: str | None = None) -> AsyncIterator[list[TreeEntry]]:
        """Yield pages of all files at a branch, tag or commit, by path. NotFound for a ref that is not there."""
        ...

    async def measure(
        self, project: str, ref: str, files: Sequence[TreeEntry], token: str | None = None
    ) -> list[TreeEntry]:
        """Return files of a listing, in order, with the sizes and SHA-256 that a few calls tell beyond it.

        Of large-file storage (LFS) they are those of the file itself. What was told once is not asked for again.
        """
        ...

    def open(
        self, project: str, path: str, ref: str, start: int = 0, end: int | None = None, token: str | None = None
    ) -> AbstractAsyncContextManager[SourceFile]:
        """Open a file at a branch, tag or commit: of large-file storage (LFS) the file itself, not its pointer."""
        ...

    async def commit(self, project: str, ref: str, token: str | None = None) -> str:
        """Return the id of the commit, or of the immutable state, that a branch, tag or commit names."""
        ...

    async def releases(self, project: str, token: str | None = None) -> list[Release]:
        """Return the releases, newest first."""
        ...

    async def access(self, token: str) -> Account:
        """Return whose token it is. Unauthenticated where it is no good (any more)."""
        ...

    async def star(self, project: str, token: str, on: bool) -> None:
        """Star a project as the token's account, or take the star back; to do so twice changes nothing."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
