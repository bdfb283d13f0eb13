"""Every SQL statement of artifacts. Nothing here commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from sqlalchemy import Connection, delete, func, insert, not_, or_, select, update

from mainspring.kit.sql_engines import chosen, select_rows, select_where_in, upsert_rows
from mainspring.modules.artifacts.tables import artifact_files, artifact_uploads, signing_keys

_FILE_COLUMNS = ("path", "size", "sha256", "verified", "etag", "recorded_at")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What is known of the file that the store calls ``path``, as long as its ETag is ``etag``.

    ``sha256`` is in lower-case hexadecimal digits, empty where it is not known. Where ``verified`` is False it is
    what the client has said.
    """

    path: str
    size: int
    sha256: str
    verified: bool
    etag: str


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """An upload that bypasses the ordinary way, to the store's ``path``, begun by the actor of this name.

    ``multipart_id`` is the store's, None where the file is sent whole. Size and hash are what the client has
    said, None where it has said nothing. ``state`` is open, completed or aborted; ``parts``, JSON, is what the
    store was asked to join; what was stored is known once it is completed.
    """

    id: str
    path: str
    actor: str
    multipart_id: str | None
    size: int | None
    sha256: str | None
    part_size: int | None
    state: str
    parts: str | None
    stored_size: int | None
    stored_etag: str | None
    created_at: int


def upsert_files(tx: Connection, files: Iterable[FileRecord], now: int) -> None:
    """Record files, each in place of what was known of its path; of several with one path the last counts."""
    latest = {file.path: file for file in files}
    rows = [(each.path, each.size, each.sha256, each.verified, each.etag, now) for each in latest.values()]
    upsert_rows(tx, artifact_files, _FILE_COLUMNS, rows)


def find_files(tx: Connection, paths: Iterable[str]) -> dict[str, FileRecord]:
    """Return what is known of some paths, by path."""
    statement = "SELECT path, size, sha256, verified, etag FROM artifact_files WHERE path"
    rows = select_where_in(tx, statement, paths)
    return {row[0]: FileRecord(row[0], row[1], row[2], bool(row[3]), row[4]) for row in rows}


def find_below(tx: Connection, folders: Iterable[str], limit: int) -> dict[str, list[FileRecord]]:
    """Return what is known of the first ``limit`` files below each folder that has any, by path."""
    # "0" is what comes after "/". Each folder is a range of the primary key, and cut by itself.
    below = "SELECT path, size, sha256, verified, etag FROM artifact_files WHERE path > ? AND path < ? ORDER BY path"
    found: dict[str, list[FileRecord]] = {}
    for part in chosen(dict.fromkeys(folders), 100):
        ranges = (f"SELECT {n} AS place, f.* FROM ({below} LIMIT {limit:d}) AS f" for n in range(len(part)))
        ends = [end for folder in part for end in (f"{folder}/", f"{folder}0")]
        for place, path, size, sha256, verified, etag in select_rows(tx, " UNION ALL ".join(ranges), ends):
            found.setdefault(part[place], []).append(FileRecord(path, size, sha256, bool(verified), etag))
    return {folder: sorted(files, key=attrgetter("path")) for folder, files in found.items()}


def count_bytes(tx: Connection, folder: str, *, outside: bool = False) -> int:
    """Return the bytes of all recorded files below a folder, or of all that are not below it."""
    # "0" is what comes after "/".
    below = (artifact_files.c.path > f"{folder}/") & (artifact_files.c.path < f"{folder}0")
    total = select(func.coalesce(func.sum(artifact_files.c.size), 0))
    return int(tx.execute(total.where(not_(below) if outside else below)).scalar_one())


def delete_files(tx: Connection, path: str) -> None:
    """Forget a path and all that lies below it."""
    # "0" is what comes after "/".
    below = (artifact_files.c.path > f"{path}/") & (artifact_files.c.path < f"{path}0")
    tx.execute(delete(artifact_files).where(or_(artifact_files.c.path == path, below)))


def insert_upload(tx: Connection, upload: UploadRecord) -> None:
    """Insert an upload."""
    values = {column.name: getattr(upload, column.name) for column in artifact_uploads.columns}
    tx.execute(insert(artifact_uploads).values(values))


def find_upload(tx: Connection, upload_id: str) -> UploadRecord | None:
    """Return an upload, or None."""
    row = tx.execute(select(artifact_uploads).where(artifact_uploads.c.id == upload_id)).one_or_none()
    return UploadRecord(**row._mapping) if row else None


def update_upload(tx: Connection, /, upload_id: str, **values: str | int | None) -> None:
    """Change columns of an upload."""
    tx.execute(update(artifact_uploads).where(artifact_uploads.c.id == upload_id).values(**values))


def select_uploads(tx: Connection, before: int, limit: int) -> Sequence[UploadRecord]:
    """Return up to ``limit`` uploads that were begun before a time, oldest first."""
    query = select(artifact_uploads).where(artifact_uploads.c.created_at < before)
    rows = tx.execute(query.order_by(artifact_uploads.c.created_at).limit(limit))
    return [UploadRecord(**row._mapping) for row in rows]


def delete_upload(tx: Connection, upload_id: str) -> None:
    """Forget an upload."""
    tx.execute(delete(artifact_uploads).where(artifact_uploads.c.id == upload_id))


def select_signing_key(tx: Connection) -> bytes:
    """Return the key that all processes of this database sign with."""
    return bytes(tx.execute(select(signing_keys.c.key).where(signing_keys.c.id == 1)).scalar_one())
