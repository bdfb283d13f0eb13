"""Uploads by signed requests: begun, signed, resumed, completed and aborted; what is under way is in the database.

A file that comes in parts is visible once it is completed, and as a whole. What a completion asks the store to
join is noted first, so that one that was cut off, by a crash too, can be repeated and answers the same.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import msgspec
from sqlalchemy import Connection

from mainspring.engines.blobs import BlobMeta, Part
from mainspring.kit.actors import Actor
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, TooLarge, Unsupported
from mainspring.kit.ids import new_upload_id
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.artifacts import store as records
from mainspring.modules.artifacts.schemas import UploadState
from mainspring.modules.artifacts.service.digests import checked
from mainspring.modules.artifacts.service.files import find_record, record_file, store_file
from mainspring.modules.artifacts.service.locations import file_key, own_key, run_of, written_key
from mainspring.modules.artifacts.service.room import check_room, note_stored
from mainspring.modules.artifacts.service.signing import Capability
from mainspring.modules.artifacts.store import FileRecord, UploadRecord
from mainspring.modules.services import Services

PART_BYTES = 16 * 1024 * 1024
MAX_PARTS = 10_000
MAX_FILE_BYTES = 5 * 1024**4
"""The largest object of Amazon S3."""


async def begin_upload(
    services: Services, actor: Actor, location: str, path: str, size: int, sha256: str
) -> UploadRecord | None:
    """Begin the upload of a file of known size and hash, in parts if it is larger than one.

    None where the store takes a file of this size by the ordinary way alone. Raises InvalidArgument and TooLarge
    for what cannot be stored.
    """
    key = written_key(actor, location, path)
    if size < 0:
        raise InvalidArgument(f"size is {size}; it must be the file's size in bytes.", field="size")
    if size > MAX_FILE_BYTES:
        raise TooLarge(f"The file has {size} bytes, at most {MAX_FILE_BYTES} can be stored.", field="size")
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise InvalidArgument(f"sha256 is '{sha256[:200]}'; it must be 64 hexadecimal digits.", field="sha256")
    await check_room(services, key, size)
    part_size = max(PART_BYTES, -(-size // MAX_PARTS))
    try:
        multipart_id = await services.blobs.create_multipart(key) if size > part_size else None
    except Unsupported:
        return None
    return await _insert(services, actor, key, multipart_id, size, sha256, part_size)


async def begin_multipart(services: Services, actor: Actor, location: str, path: str) -> UploadRecord:
    """Begin an upload of parts whose sizes the client chooses. Unsupported where the store has none."""
    key = written_key(actor, location, path)
    await check_room(services, key, 0)
    return await _insert(services, actor, key, await services.blobs.create_multipart(key), None, None, None)


async def find_upload(
    services: Services, actor: Actor, location: str, upload_id: str, path: str | None = None
) -> UploadRecord:
    """Return an upload that this actor has begun below ``location``, to ``path`` if that is given; else NotFound."""
    actor.require(Permission.ARTIFACTS_WRITE, actor.run_id)
    found = await services.db.read(records.find_upload, upload_id)
    if found is None or found.actor != actor.name or not _leads_to(actor, found, location, path):
        raise NotFound(f"There is no upload '{upload_id[:100]}' to this path.")
    actor.require(Permission.ARTIFACTS_WRITE, run_of(found.path))
    return found


async def uploaded_parts(services: Services, upload: UploadRecord) -> list[Part]:
    """Return the parts that have come, by number; none of a file that comes as a whole, or of one that has come.

    NotFound if the store has dropped the upload.
    """
    if upload.multipart_id is None or upload.state != UploadState.OPEN:
        return []
    try:
        return await services.blobs.list_parts(upload.path, upload.multipart_id)
    except NotFound:
        if upload.parts is None:
            raise
        # The store has joined them, and whoever asked it to was cut off before the database knew.
        return msgspec.json.decode(upload.parts, type=list[Part])


def part_count(upload: UploadRecord) -> int:
    """Return how many parts a file of known size has; at least one."""
    return max(1, -(-(upload.size or 0) // (upload.part_size or PART_BYTES)))


def check_numbers(numbers: Sequence[int], last: int) -> None:
    """Raise InvalidArgument for a part's number that is not 1 to ``last``."""
    for number in numbers:
        if not 1 <= number <= last:
            raise InvalidArgument(f"There is no part {number}: parts are numbered 1 to {last}.", field="numbers")


async def complete_upload(
    services: Services, upload: UploadRecord, chosen: Sequence[tuple[int, str]] | None = None
) -> UploadRecord:
    """Make the file visible, and return the upload with what was stored. Repeated, it answers the same.

    ``chosen``, (number, ETag) of parts, says which of them are joined; left out, all that the file's size asks
    for. Raises FailedPrecondition where they are not all there, or not as large as was said.
    """
    if upload.state == UploadState.COMPLETED:
        return upload
    check_open(upload)
    meta = await _join(services, upload, chosen) if upload.multipart_id else await _find_whole(services, upload)
    known = await find_record(services, upload.path, meta.etag)
    # What this server has hashed itself while it passed is not made a mere claim of the client.
    verified = known is not None and known.verified and known.sha256 == upload.sha256
    await services.db.write(_finish, upload, meta, verified)
    note_stored(services, upload.path, meta.size)
    return replace(upload, state=UploadState.COMPLETED, stored_size=meta.size, stored_etag=meta.etag)


async def abort_upload(services: Services, upload: UploadRecord) -> None:
    """Drop an upload and what has come of it; one that was completed has become a file, which stays."""
    if upload.state == UploadState.COMPLETED:
        return
    await services.db.write(records.update_upload, upload.id, state=UploadState.ABORTED)
    if upload.multipart_id:
        await services.blobs.abort_multipart(upload.path, upload.multipart_id)


async def receive(
    services: Services, allowed: Capability, chunks: AsyncIterator[bytes], announced: str | None = None
) -> str:
    """Store what comes by a signed URL of this server, a part or a file, and return its ETag."""
    if not allowed.upload_id:
        return (await store_file(services, allowed.path, chunks, announced)).etag
    upload = await services.db.read(records.find_upload, allowed.upload_id)
    if upload is None or upload.path != allowed.path:
        raise NotFound("The upload of this signed URL is gone: begin a new one.")
    check_open(upload)
    if upload.multipart_id is None:
        return (await store_file(services, upload.path, chunks, upload.sha256)).etag
    part = await services.blobs.put_part(
        upload.path, upload.multipart_id, allowed.part_number, checked(chunks, announced) if announced else chunks
    )
    return part.etag


def check_open(upload: UploadRecord) -> None:
    """Raise FailedPrecondition for an upload that takes no more."""
    if upload.state != UploadState.OPEN:
        raise FailedPrecondition(f"The upload '{upload.id}' was {upload.state}: begin a new one.")


async def _insert(
    services: Services,
    actor: Actor,
    key: str,
    multipart_id: str | None,
    size: int | None,
    sha256: str | None,
    part_size: int | None,
) -> UploadRecord:
    upload = UploadRecord(
        new_upload_id(),
        key,
        actor.name,
        multipart_id,
        size,
        sha256,
        part_size,
        UploadState.OPEN,
        parts=None,
        stored_size=None,
        stored_etag=None,
        created_at=now_ms(),
    )
    await services.db.write(records.insert_upload, upload)
    return upload


def _leads_to(actor: Actor, upload: UploadRecord, location: str, path: str | None) -> bool:
    if path is not None:
        return upload.path == file_key(actor, location, path)
    # Whoever has not said how large the file is chooses the parts, and names them by its path.
    return upload.size is not None and upload.path.startswith(f"{own_key(actor, location)}/")


async def _join(services: Services, upload: UploadRecord, chosen: Sequence[tuple[int, str]] | None) -> BlobMeta:
    """Have the store join the parts, after what it is asked to join was noted."""
    assert upload.multipart_id is not None
    there = await uploaded_parts(services, upload)
    parts = _all_of(upload, there) if chosen is None else _chosen_of(there, chosen)
    await check_room(services, upload.path, sum(part.size for part in parts))
    await services.db.write(records.update_upload, upload.id, parts=msgspec.json.encode(parts).decode())
    return await services.blobs.complete_multipart(upload.path, upload.multipart_id, parts)


def _all_of(upload: UploadRecord, there: list[Part]) -> list[Part]:
    missing = sorted(set(range(1, part_count(upload) + 1)) - {part.number for part in there})
    if missing:
        shown = ", ".join(map(str, missing[:10])) + (", …" if len(missing) > 10 else "")
        raise FailedPrecondition(f"The upload '{upload.id}' is not complete: of its parts {shown} have not come.")
    size = sum(part.size for part in there)
    if size != upload.size:
        raise FailedPrecondition(f"The parts that have come are {size} bytes, and {upload.size} were announced.")
    return there


def _chosen_of(there: list[Part], chosen: Sequence[tuple[int, str]]) -> list[Part]:
    stored = {(part.number, part.etag.strip('"')): part for part in there}
    parts = []
    for number, etag in sorted(chosen):
        part = stored.pop((number, etag.strip('"')), None)
        if part is None:
            raise InvalidArgument(
                f"No part {number} with the ETag {etag[:100]} has come, or it is named twice.", field="parts"
            )
        parts.append(part)
    return parts


async def _find_whole(services: Services, upload: UploadRecord) -> BlobMeta:
    try:
        meta = await services.blobs.head(upload.path)
    except NotFound:
        raise FailedPrecondition(f"The upload '{upload.id}' is not complete: the file has not come.") from None
    if meta.size != upload.size:
        raise FailedPrecondition(f"The file that has come has {meta.size} bytes, and {upload.size} were announced.")
    return meta


def _finish(tx: Connection, upload: UploadRecord, meta: BlobMeta, verified: bool) -> None:
    """Note what an upload has become."""
    records.update_upload(tx, upload.id, state=UploadState.COMPLETED, stored_size=meta.size, stored_etag=meta.etag)
    record_file(tx, FileRecord(upload.path, meta.size, upload.sha256 or "", verified, meta.etag))
