"""What the web page shows of a file that a browser cannot read by itself: tables, models, graphs, notebooks.

Who uploads a file may have made it to do harm. Each is read in bounds of bytes, memory and time; what goes past
them, or is not what its name says, is refused.
"""

from __future__ import annotations

import asyncio
import posixpath
from concurrent.futures import ThreadPoolExecutor

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.pages import query_mark
from mainspring.modules.artifacts.schemas import Preview
from mainspring.modules.artifacts.service.files import head_artifact, open_artifact
from mainspring.modules.artifacts.service.previews.reading import Source
from mainspring.modules.services import Services

MAX_ROWS = 1000
READ_BYTES = 256 * 1024 * 1024
SECONDS = 20.0
_threads = ThreadPoolExecutor(2, "preview")
"""So many previews are made at once; others wait."""


async def preview_artifact(
    services: Services, actor: Actor, location: str, path: str, max_rows: int, page_token: str | None
) -> Preview:
    """Return what is shown of a file; of a table a page of at most ``max_rows``.

    Raises NotFound; InvalidArgument for a file of which there is no preview, or that is not what its name says; and
    TooLarge for one that cannot be read within the bounds.
    """
    if not 1 <= max_rows <= MAX_ROWS:
        raise InvalidArgument(f"max_rows is {max_rows}; it must be 1 to {MAX_ROWS}.", field="max_rows")
    from mainspring.modules.artifacts.service.previews.kinds import read_preview  # no server needs it to start

    path = path.removesuffix("/")
    meta = await head_artifact(services.blobs, actor, location, path)

    async def read(start: int, end: int) -> bytes:
        blob = await open_artifact(services.blobs, actor, location, path, start, end)
        return await blob.read(end - start)

    name = posixpath.basename(path)
    source = Source(name, meta.size, read, budget=READ_BYTES, seconds=SECONDS)
    mark = query_mark(path, meta.etag)
    loop = asyncio.get_running_loop()
    preview = await loop.run_in_executor(_threads, read_preview, source, mark, max_rows, page_token)
    preview.path = path
    return preview
