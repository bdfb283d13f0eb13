"""Wire contracts of the catalog. Times are milliseconds since the epoch, UTC."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct


class SyncState(StrEnum):
    """How a source stands: not read yet, as it is there, stale since it cannot be read, or not in the settings."""

    NEW = "new"
    CURRENT = "current"
    STALE = "stale"
    UNUSED = "unused"


class CatalogSource(Struct, frozen=True):
    """A place whose projects are in the catalog; ``projects`` counts those that you may see.

    It was last listed in full at ``synced_at``, and since ``stale_since`` it cannot be read. For administrators alone:
    ``failure`` says why, ``waiting`` counts the projects that are to be read.
    """

    name: str
    kind: str
    state: SyncState
    projects: int
    synced_at: int | None = None
    stale_since: int | None = None
    failure: str = ""
    waiting: int | None = None


class CatalogSources(Struct, frozen=True):
    """All sources, by name."""

    items: list[CatalogSource]


class SyncRequest(Struct, forbid_unknown_fields=True):
    """What is to be read again: a source by its name, a project by its path, or, with neither, everything."""

    source: str | None = None
    project: str | None = None


class MetadataWarning(Struct, frozen=True):
    """Something in a project's metadata that is not as it should be.

    ``code`` says what kind of thing it is, ``field`` where in the front matter of the README, with dots between.
    """

    code: str
    field: str
    message: str


class WarnedItem(Struct, frozen=True):
    """An item whose metadata has warnings: the path of its project, its collection, and its id."""

    project: str
    collection: str
    id: str
    warnings: list[MetadataWarning]


class WarnedItems(Struct):
    """A page of them, by id."""

    items: list[WarnedItem]
    next_page_token: str | None = None


class Readme(Struct, frozen=True):
    """The README of a project as safe HTML, without its front matter, and what is wrong with its metadata."""

    html: str
    warnings: list[MetadataWarning]


class LintRequest(Struct, forbid_unknown_fields=True):
    """The text of a README, front matter and all."""

    readme: str


class LintReport(Struct, frozen=True):
    """What is wrong with the metadata of a README; nothing, if it is empty."""

    warnings: list[MetadataWarning]


class Markdown(Struct, forbid_unknown_fields=True):
    """A text that somebody wrote, front matter and all.

    ``base`` is the address on this server, ``/…/``, that its relative links and pictures count from: left out, they are
    files of the project of the URL.
    """

    text: str
    base: str | None = None


class RenderedMarkdown(Struct, frozen=True):
    """The text as safe HTML, its front matter as ``metadata``, and what is wrong with it.

    ``metadata`` is empty where there is none or it cannot be used. Pictures of other servers are links to them.
    """

    html: str
    metadata: dict[str, Any]
    warnings: list[MetadataWarning]
