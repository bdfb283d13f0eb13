"""What DVC stores of a project: objects under the MD5 of their bytes, as its remotes have them.

An object is stored if its bytes have the MD5 of its name, and then never changes. Source: DVC's cache since 3.0,
``files/md5/<two digits>/<thirty digits>``, with ``.dir`` at the end of what lists a folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mainspring.engines.blobs import BlobMeta
from mainspring.engines.sources import SourceFile
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, NotFound
from mainspring.kit.permissions import Permission
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.artifacts.service import FileRecord
from mainspring.modules.services import Services

DVC_PATH = r"files/md5/[0-9a-f]{2}/[0-9a-f]{30}(?:\.dir)?"
"""What DVC calls an object, as a regex."""


class _Md5:
    """The MD5 of an object, which must be that of its name, and beside it the SHA-256."""

    def __init__(self, path: str) -> None:
        self._named = "".join(path.removesuffix(".dir").split("/")[2:])
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.sha256 = hashlib.sha256()

    def update(self, piece: bytes | memoryview, /) -> None:
        """Take the next piece."""
        self._md5.update(piece)
        self.sha256.update(piece)

    def finish(self) -> None:
        """Raise InvalidArgument if all that has come is not what it is called."""
        if self._md5.hexdigest() != self._named:
            raise InvalidArgument(
                f"What came has the MD5 {self._md5.hexdigest()}, and is called {self._named}: nothing was stored.",
                field="path",
            )


@asynccontextmanager
async def open_dvc_object(
    services: Services, actor: Actor, path: str, start: int = 0, end: int | None = None
) -> AsyncIterator[SourceFile]:
    """Open the bytes of an object from ``start`` to before ``end``, cut to its size. Raises NotFound."""
    actor.require(Permission.ARTIFACTS_READ)
    blob = await services.blobs.get(_key(actor, path), start, end)
    try:
        md5 = "".join(path.split("/")[2:])
        yield SourceFile(blob.meta.size, blob.start, blob.end, blob.chunks, md5)
    finally:
        await blob.chunks.aclose()


async def head_dvc_object(services: Services, actor: Actor, path: str) -> BlobMeta | None:
    """Return what is known of an object, None where there is none."""
    actor.require(Permission.ARTIFACTS_READ)
    try:
        return await services.blobs.head(_key(actor, path))
    except NotFound:
        return None


async def put_dvc_object(services: Services, actor: Actor, path: str, chunks: AsyncIterator[bytes]) -> None:
    """Store an object, unless it is there already. Raises InvalidArgument for bytes that are not what it is called."""
    actor.require(Permission.ARTIFACTS_WRITE)
    key, digest = _key(actor, path), _Md5(path)
    there = await head_dvc_object(services, actor, path)
    if there is None:
        meta = await services.blobs.put(key, await artifacts.within_room(services, key, chunks), digest)
        artifacts.note_stored(services, key, meta.size)
    else:
        meta = there
        async for chunk in chunks:
            digest.update(chunk)
        digest.finish()
    await services.db.write(
        artifacts.record_file, FileRecord(key, meta.size, digest.sha256.hexdigest(), True, meta.etag)
    )


def _key(actor: Actor, path: str) -> str:
    """Return the store's path of an object of the actor's project. Raises NotFound for what DVC calls none so."""
    if not re.fullmatch(DVC_PATH, path):
        raise NotFound(f"DVC has no object '{path[:200]}': expected files/md5/ab/cdef….", field="path")
    return f"{artifacts.resolve(artifacts.own_location(actor.project, artifacts.DVC))}/{path}"
