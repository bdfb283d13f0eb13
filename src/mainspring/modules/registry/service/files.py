"""Reading the files of a version from the artifact store."""

from __future__ import annotations

import asyncio

import structlog

from mainspring.db.engine import Database
from mainspring.engines.blobs import BlobStore
from mainspring.kit.actors import Actor
from mainspring.kit.errors import MainspringError, Unsupported
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.registry.schemas import ModelFile
from mainspring.modules.registry.service.rules import MAX_MODEL_FILE
from mainspring.modules.registry.service.versions import get_files_uri, record_model_file

log = structlog.get_logger(__name__)


async def read_model_file(db: Database, blobs: BlobStore, actor: Actor, name: str, version: int) -> None:
    """Keep what the ``MLmodel`` of a version says, if it has one that the server can read.

    The version stands without it: files may lie elsewhere, come later, or be no MLflow model's.
    """
    try:
        location = await db.read(get_files_uri, actor, name, version)
        content = await _read(blobs, actor, location)
        file = await asyncio.to_thread(_parse, content)
        await db.write(record_model_file, actor, name, version, file)
    except Unsupported:
        return  # The files lie elsewhere, or the source is a prompt's: clients read them.
    except MainspringError as error:
        log.info("model_file_not_read", model=name, version=version, reason=error.message)


async def _read(blobs: BlobStore, actor: Actor, location: str) -> bytes:
    """Return the file, or as much of it as shows that it is too large."""
    blob = await artifacts.open_artifact(blobs, actor, location, "MLmodel", 0, MAX_MODEL_FILE + 1)
    try:
        return b"".join([chunk async for chunk in blob.chunks])
    finally:
        await blob.chunks.aclose()


def _parse(content: bytes) -> ModelFile:
    # Imported at the first file: a server starts sooner without the YAML parser.
    from mainspring.modules.registry.service.model_files import parse_model_file

    return parse_model_file(content)
