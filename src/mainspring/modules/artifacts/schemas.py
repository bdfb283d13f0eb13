"""Wire contracts of artifacts."""

from __future__ import annotations

import posixpath

from msgspec import Struct


class Artifact(Struct, frozen=True):
    """A file with its size in bytes, or a folder with None; ``path`` counts from the location that was asked."""

    path: str
    is_dir: bool
    size: int | None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return posixpath.basename(self.path)


class Artifacts(Struct):
    """What lies directly in a folder, by path."""

    items: list[Artifact]
