"""Uploads that were begun and never completed: what has come of them is dropped after some days."""

from __future__ import annotations

from contextlib import suppress

from mainspring.engines.blobs import BlobStore
from mainspring.kit.errors import InvalidArgument, Unsupported
from mainspring.kit.time import now_ms
from mainspring.modules.artifacts import store as records
from mainspring.modules.services import Services

BATCH = 100
DAY_MS = 24 * 3600 * 1000


async def drop_abandoned(services: Services) -> bool:
    """Drop some of the uploads that were begun too many days ago; say whether there may be more.

    First those that the database knows, then what the store alone has kept of others: parts of a server that
    was killed, or of clients that spoke to the store themselves. Completed ones are forgotten, and their
    files stay.
    """
    before = now_ms() - services.settings.upload_days * DAY_MS
    known = await services.db.read(records.select_uploads, before, BATCH)
    for upload in known:
        if upload.multipart_id:
            with suppress(Unsupported):  # it was begun when the artifacts lay in another store
                await services.blobs.abort_multipart(upload.path, upload.multipart_id)
        await services.db.write(records.delete_upload, upload.id)
    if len(known) == BATCH:
        return True
    with suppress(Unsupported):  # Google and Azure drop such parts by themselves
        if await _abort_unknown(services.blobs, before) == BATCH:
            return True
    await services.blobs.remove_leftovers()
    return False


async def _abort_unknown(blobs: BlobStore, before: int) -> int:
    """Abort up to ``BATCH`` uploads of the store that were begun before a time; return how many."""
    aborted = 0
    async for pending in blobs.list_multiparts():
        if pending.started < before:
            with suppress(InvalidArgument):  # a path that none of ours can have
                await blobs.abort_multipart(pending.path, pending.upload_id)
                aborted += 1
        if aborted == BATCH:
            break
    return aborted
