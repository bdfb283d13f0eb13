"""Wire contracts of projects' files and releases."""

from __future__ import annotations

import posixpath

from msgspec import Struct


class File(Struct, frozen=True):
    """A file of a project: ``size`` in bytes, ``sha256`` in hexadecimal digits, times in ms since the epoch, UTC.

    Of a release, who and when are the release's.
    """

    path: str
    size: int
    sha256: str
    created_by: str
    updated_at: int

    @property
    def name(self) -> str:
        """The last part of the path."""
        return posixpath.basename(self.path)


class Files(Struct):
    """A page of files, by path. ``next_page_token`` is null at the end."""

    items: list[File]
    next_page_token: str | None = None


class Release(Struct, frozen=True):
    """A named state of a project's files, which nothing changes any more.

    ``commit`` is the SHA-256 of the list of its files: releases of the same files have the same. ``files`` counts
    them, ``size`` is that of all of them in bytes.
    """

    tag: str
    name: str
    description: str
    commit: str
    files: int
    size: int
    created_by: str
    created_at: int


class Releases(Struct):
    """A page of releases, newest first. ``next_page_token`` is null at the end."""

    items: list[Release]
    next_page_token: str | None = None


class ReleaseCreate(Struct, forbid_unknown_fields=True):
    """A release of the files as they are now; without a ``name`` it is called by its tag.

    ``commit``, where it is given, is the state that the files must be in.
    """

    tag: str
    name: str = ""
    description: str = ""
    commit: str | None = None
