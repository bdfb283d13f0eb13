"""Wire contracts of artifacts."""

from __future__ import annotations

import posixpath
from enum import StrEnum

from msgspec import Struct


class Artifact(Struct, frozen=True):
    """A file with its size in bytes, or a folder with None; ``path`` counts from the location that was asked.

    ``sha256``, in hexadecimal digits, is None where it is not known.
    """

    path: str
    is_dir: bool
    size: int | None
    sha256: str | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return posixpath.basename(self.path)


class Artifacts(Struct):
    """What lies directly in a folder, by path. ``next_page_token`` is None at the end."""

    items: list[Artifact]
    next_page_token: str | None = None


class SignedUrl(Struct):
    """A request that needs no credentials until ``expires_at``, in ms since the epoch.

    ``headers`` must be sent as they are. ``direct`` says whether it goes to the store itself, past this server.
    """

    method: str
    url: str
    headers: dict[str, str]
    expires_at: int
    direct: bool


class UploadMethod(StrEnum):
    """How a file is to come: by one signed request, by signed parts, or by the ordinary PUT of the artifact."""

    SINGLE = "single"
    PARTS = "parts"
    PROXY = "proxy"


class UploadState(StrEnum):
    """How far an upload has come: a completed one has become a file."""

    OPEN = "open"
    COMPLETED = "completed"
    ABORTED = "aborted"


class UploadCreate(Struct):
    """A file that is to be uploaded: its size in bytes and its SHA-256 in hexadecimal digits."""

    path: str
    size: int
    sha256: str


class UploadedPart(Struct):
    """A part that has come: ``number`` counts from 1, ``size`` is in bytes."""

    number: int
    size: int


class Upload(Struct):
    """An upload under way.

    Its parts count from 1; each is of ``part_size`` bytes, the last one of what is left, and ``single`` has but one.
    ``uploaded`` are those that have come. ``upload_id`` is None for the ordinary PUT, which needs none.
    """

    upload_id: str | None
    path: str
    size: int
    sha256: str
    method: UploadMethod
    part_size: int
    state: UploadState = UploadState.OPEN
    uploaded: list[UploadedPart] = []


class PartNumbers(Struct):
    """Which parts of an upload are to be signed."""

    numbers: list[int]


class SignedUrls(Struct):
    """Signed requests in the order of the numbers that were asked for."""

    items: list[SignedUrl]


class SignedDownload(Struct):
    """How to read a file. ``sha256``, in hexadecimal digits, is None where it is not known.

    Where ``verified`` is False it is what the client that uploaded the file has said.
    """

    path: str
    size: int
    etag: str
    sha256: str | None
    verified: bool
    signed: SignedUrl
