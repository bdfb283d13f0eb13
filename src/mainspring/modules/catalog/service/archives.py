"""All files of a project at one ref as one archive, zip or tar, made while it is sent.

What is in it is listed first: an archive that would be too large, or hold a path that leads elsewhere, is not begun.
"""

from __future__ import annotations

import io
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum

from mainspring.engines.sources import TreeEntry
from mainspring.kit.actors import Actor
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, MainspringError, NotFound, TooLarge
from mainspring.kit.paths import artifact_path
from mainspring.modules.catalog.service.downloads import ProjectFiles, files_of
from mainspring.modules.services import Services

MAX_FILES = 10_000
MAX_BYTES = 100 * 1024**3
MADE_AT = (1980, 1, 1, 0, 0, 0)
"""When each file of an archive is from: an archive of the same files is the same."""


class ArchiveFormat(StrEnum):
    """How an archive is written; nothing is compressed."""

    ZIP = "zip"
    TAR = "tar"


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that is about to be sent: its file name, its media type, and the bytes as they are made."""

    name: str
    media_type: str
    chunks: AsyncGenerator[bytes]


async def open_archive(services: Services, actor: Actor, project_key: int, ref: str, format: str = "zip") -> Archive:
    """Return an archive of all files of a project at a ref, in a folder of its own.

    Raises as ``files_of``, TooLarge for more than ``MAX_FILES`` files or ``MAX_BYTES``, InvalidArgument.
    """
    kinds = {kind.value: kind for kind in ArchiveFormat}
    if format not in kinds:
        raise InvalidArgument(f"format is '{format[:50]}'; it must be one of {', '.join(kinds)}.", field="format")
    found = await files_of(services, actor, project_key)
    ref = await found.ref(ref)
    entries = await _entries(services, found, ref)
    folder = re.sub(r"[^\w.-]+", "-", f"{found.name.rpartition('/')[2]}-{ref}", flags=re.ASCII).strip(".-") or "files"
    if kinds[format] is ArchiveFormat.ZIP:
        return Archive(f"{folder}.zip", "application/zip", _zip(services, found, ref, folder, entries))
    return Archive(f"{folder}.tar", "application/x-tar", _tar(services, found, ref, folder, entries))


async def _entries(services: Services, found: ProjectFiles, ref: str) -> list[TreeEntry]:
    entries: list[TreeEntry] = []
    size = 0
    async for page in found.tree(services, ref):
        entries += page
        size += sum(entry.size or 0 for entry in page)
        if len(entries) > MAX_FILES or size > MAX_BYTES:
            raise TooLarge(
                f"An archive holds at most {MAX_FILES} files and {MAX_BYTES} bytes: download them one by one."
            )
    if not entries:
        raise NotFound(f"{found.name} has no files at '{ref}'.")
    for entry in entries:
        _check_member(entry.path)
    return entries


def _check_member(path: str) -> None:
    """Raise FailedPrecondition for a path that could lead out of the folder in which somebody unpacks it."""
    try:
        artifact_path(path.replace("#", ""))  # a number sign means nothing to who unpacks it
    except MainspringError as error:
        raise FailedPrecondition(
            f"No archive is made of what holds the path {path[:100]!r}: {error.message}"
        ) from error


class _Pieces(io.RawIOBase):
    """Takes what a writer of archives writes, and gives it away."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, piece: object) -> int:
        """Take a piece."""
        taken = bytes(piece)  # type: ignore[call-overload]
        self._pieces.append(taken)
        return len(taken)

    def take(self) -> bytes:
        """Give away what was written."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


async def _zip(
    services: Services, found: ProjectFiles, ref: str, folder: str, entries: list[TreeEntry]
) -> AsyncGenerator[bytes]:
    import zipfile  # as tarfile below: not for every server

    pieces = _Pieces()
    archive = zipfile.ZipFile(pieces, "w", zipfile.ZIP_STORED)
    for entry in entries:
        member = zipfile.ZipInfo(f"{folder}/{entry.path}", MADE_AT)
        member.external_attr = 0o644 << 16
        async with found.open(services, entry.path, ref) as file:
            with archive.open(member, "w", force_zip64=file.size >= 2**31) as written:
                async for chunk in file.chunks:
                    written.write(chunk)
                    yield pieces.take()
    archive.close()
    yield pieces.take()


async def _tar(
    services: Services, found: ProjectFiles, ref: str, folder: str, entries: list[TreeEntry]
) -> AsyncGenerator[bytes]:
    import tarfile

    for entry in entries:
        member = tarfile.TarInfo(f"{folder}/{entry.path}")
        async with found.open(services, entry.path, ref) as file:
            member.size, member.mode = file.size, 0o644
            yield member.tobuf(tarfile.PAX_FORMAT)
            async for chunk in file.chunks:
                yield chunk
            yield bytes(-file.size % tarfile.BLOCKSIZE)
    yield bytes(tarfile.BLOCKSIZE * 2)
