"""What items show of registered models."""

from __future__ import annotations

from dataclasses import dataclass

SIGNED_S = 900


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a version: ``path`` counts from the version's folder, ``sha256`` is "" where it is not known.

    ``signed`` is path and query of a URL of this server that reads it without credentials for ``SIGNED_S`` seconds,
    "" where it was not asked for or the actor may not read the file.
    """

    path: str
    size: int
    sha256: str
    signed: str = ""


@dataclass(frozen=True, slots=True)
class ModelLink:
    """A registered model of a project, and the version of it that is shown, with its files that are known."""

    name: str
    version: int
    newest: int
    stage: str
    aliases: tuple[str, ...]
    run_id: str | None
    model_id: str | None
    created_at: int
    files: tuple[ModelFile, ...]
