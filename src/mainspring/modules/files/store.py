"""Every SQL statement of files and releases. Nothing here commits."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from mainspring.kit.sql_engines import chosen, upsert_rows
from mainspring.modules.files.schemas import File, Release
from mainspring.modules.files.tables import file_blobs, project_files, project_releases, release_files

DELETING = 0
"""In ``unused_since``: the bytes are being deleted."""

_LAST = "\U0010ffff"
_FILE = (
    project_files.c.path,
    project_files.c.size,
    project_files.c.sha256,
    project_files.c.created_by,
    project_files.c.updated_at,
)


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """A release as it is kept, without what is counted."""

    key: int
    tag: str
    state: str
    created_by: str
    created_at: int


@dataclass(frozen=True, slots=True)
class BlobRecord:
    """Bytes in the store that nothing names any more."""

    id: str
    project: int
    size: int


# Files


def find_file(tx: Connection, project: int, path: str, *, hold: bool = False) -> File | None:
    """Return a file as it is now, or None; with ``hold`` nobody else changes it until the transaction ends."""
    query = select(*_FILE).where(project_files.c.project == project, project_files.c.path == path)
    row = tx.execute(query.with_for_update() if hold else query).one_or_none()
    return None if row is None else File(*row)


def list_files(tx: Connection, project: int, prefix: str, after: str, limit: int) -> list[File]:
    """Return files whose paths begin so and come after another, by path."""
    query = select(*_FILE).where(project_files.c.project == project, *_within(project_files.c.path, prefix, after))
    return [File(*row) for row in tx.execute(query.order_by(project_files.c.path).limit(limit))]


def put_file(tx: Connection, project: int, file: File) -> None:
    """Write a file in place of the one with its path."""
    columns = ("project", "path", "size", "sha256", "created_by", "updated_at")
    row = (project, file.path, file.size, file.sha256, file.created_by, file.updated_at)
    upsert_rows(tx, project_files, columns, [row])


def delete_file(tx: Connection, project: int, path: str) -> None:
    """Delete a file."""
    tx.execute(delete(project_files).where(project_files.c.project == project, project_files.c.path == path))


def find_in_the_way(tx: Connection, project: int, path: str) -> str | None:
    """Return a file that lies where a folder of this path would be, or below this path; None where there is none."""
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts))]
    column = project_files.c.path
    lies = or_(column.in_(above), and_(column > f"{path}/", column < f"{path}0"))  # "0" is what comes after "/"
    return tx.execute(select(column).where(project_files.c.project == project, lies).limit(1)).scalar()


def all_of(tx: Connection, project: int) -> Iterator[tuple[str, str]]:
    """Yield path and SHA-256 of all files as they are now, by path."""
    query = select(project_files.c.path, project_files.c.sha256).where(project_files.c.project == project)
    for row in tx.execute(query.order_by(project_files.c.path)):
        yield row[0], row[1]


# Releases


def find_release(tx: Connection, project: int, tag: str) -> ReleaseRecord | None:
    """Return a release by its tag, or None."""
    return _release(tx, project, project_releases.c.tag == tag)


def find_state(tx: Connection, project: int, state: str) -> ReleaseRecord | None:
    """Return the newest release that is of a state, or None."""
    return _release(tx, project, project_releases.c.state == state)


def list_releases(tx: Connection, project: int, before: int | None, limit: int) -> list[tuple[int, Release]]:
    """Return releases with their keys, newest first, from before a key on."""
    count = (
        select(
            release_files.c.release,
            func.count().label("files"),
            func.coalesce(func.sum(release_files.c.size), 0).label("size"),
        )
        .group_by(release_files.c.release)
        .subquery()
    )
    kept = project_releases.c
    query: Select[Any] = (
        select(
            kept.id,
            kept.tag,
            kept.name,
            kept.description,
            kept.state,
            func.coalesce(count.c.files, 0),
            func.coalesce(count.c.size, 0),
            kept.created_by,
            kept.created_at,
        )
        .outerjoin(count, count.c.release == kept.id)
        .where(kept.project == project)
        .order_by(kept.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(kept.id < before)
    return [
        (key, Release(tag, name, description, state, int(files), int(size), created_by, created_at))
        for key, tag, name, description, state, files, size, created_by, created_at in tx.execute(query)
    ]


def insert_release(tx: Connection, project: int, release: Release) -> tuple[int, int]:
    """Insert a release of the files as they are now, and return how many they are and their size in bytes."""
    values = {"name": release.name, "description": release.description, "state": release.commit}
    made = {"created_by": release.created_by, "created_at": release.created_at}
    added = insert(project_releases).values(project=project, tag=release.tag, **values, **made)
    key = int(tx.execute(added.returning(project_releases.c.id)).scalar_one())
    now = select(literal(key), project_files.c.path, project_files.c.size, project_files.c.sha256)
    columns = ["release", "path", "size", "sha256"]
    tx.execute(insert(release_files).from_select(columns, now.where(project_files.c.project == project)))
    row = tx.execute(
        select(func.count(), func.coalesce(func.sum(release_files.c.size), 0)).where(release_files.c.release == key)
    ).one()
    return int(row[0]), int(row[1])


def delete_release(tx: Connection, key: int) -> set[str]:
    """Delete a release, and return the hashes of its files."""
    own = release_files.c.release == key
    hashes = {sha256 for (sha256,) in tx.execute(select(release_files.c.sha256).where(own).distinct())}
    tx.execute(delete(release_files).where(own))
    tx.execute(delete(project_releases).where(project_releases.c.id == key))
    return hashes


def list_release_files(tx: Connection, release: ReleaseRecord, prefix: str, after: str, limit: int) -> list[File]:
    """Return files of a release whose paths begin so and come after another, by path."""
    query = _of_release(release).where(*_within(release_files.c.path, prefix, after))
    rows = tx.execute(query.order_by(release_files.c.path).limit(limit))
    return [File(path, size, sha256, release.created_by, release.created_at) for path, size, sha256 in rows]


def find_release_file(tx: Connection, release: ReleaseRecord, path: str) -> File | None:
    """Return a file of a release, or None."""
    row = tx.execute(_of_release(release).where(release_files.c.path == path)).one_or_none()
    return None if row is None else File(row[0], row[1], row[2], release.created_by, release.created_at)


# Bytes


def insert_blob(tx: Connection, blob_id: str, project: int, now: int) -> None:
    """Note bytes that are about to come."""
    tx.execute(insert(file_blobs).values(id=blob_id, project=project, size=0, unused_since=now))


def find_blob(tx: Connection, project: int, sha256: str) -> str | None:
    """Return under which name the bytes of a hash lie, or None."""
    own = (file_blobs.c.project == project, file_blobs.c.sha256 == sha256)
    return tx.execute(select(file_blobs.c.id).where(*own).limit(1)).scalar()


def use_blobs(tx: Connection, project: int, hashes: Collection[str]) -> int:
    """Keep what is there of these hashes from being deleted, and return of how many something is."""
    kept: set[str] = set()
    for part in chosen(hashes, 5000):
        own = (file_blobs.c.project == project, file_blobs.c.sha256.in_(part))
        used = update(file_blobs).where(*own).values(unused_since=None).returning(file_blobs.c.sha256)
        kept |= {sha256 for (sha256,) in tx.execute(used)}
    return len(kept)


def fill_blob(tx: Connection, blob_id: str, sha256: str, size: int) -> bool:
    """Note that bytes have come, and say so; False where they were given up meanwhile."""
    coming = (file_blobs.c.id == blob_id, file_blobs.c.unused_since != DELETING)
    return bool(
        tx.execute(update(file_blobs).where(*coming).values(sha256=sha256, size=size, unused_since=None)).rowcount
    )


def release_blobs(tx: Connection, project: int, hashes: Collection[str], now: int) -> None:
    """Note of these hashes those that no file and no release of the project names any more."""
    for part in chosen(hashes, 5000):
        own = (file_blobs.c.project == project, file_blobs.c.sha256.in_(part))
        tx.execute(update(file_blobs).where(*own, ~_is_named()).values(unused_since=now))


def release_unnamed(tx: Connection, now: int) -> None:
    """Note of all bytes those that no file and no release names: of two that replaced one file at once, say."""
    tx.execute(update(file_blobs).where(file_blobs.c.unused_since.is_(None), ~_is_named()).values(unused_since=now))


def give_up_blob(tx: Connection, blob_id: str) -> None:
    """Mark bytes that have come and are not wanted: they are being deleted."""
    tx.execute(update(file_blobs).where(file_blobs.c.id == blob_id).values(sha256=None, unused_since=DELETING))


def take_unused(tx: Connection, before: int, coming_before: int, limit: int) -> list[BlobRecord]:
    """Take bytes to be deleted: what nothing has named since a time, and what began to come before another.

    From then on nothing can name them. What was taken before, and is still there, is taken again.
    """
    since = file_blobs.c.unused_since
    due = or_(
        since == DELETING,
        and_(file_blobs.c.sha256.is_(None), since < coming_before),
        and_(file_blobs.c.sha256.is_not(None), since < before),
    )
    ids = [each for (each,) in tx.execute(select(file_blobs.c.id).where(since.is_not(None), due).limit(limit))]
    # Asked again as it is written: another process may use, or fill, what was found a moment ago.
    mine = and_(file_blobs.c.id.in_(ids), due, ~_is_named())
    taken = (
        update(file_blobs)
        .where(mine)
        .values(sha256=None, unused_since=DELETING)
        .returning(file_blobs.c.id, file_blobs.c.project, file_blobs.c.size)
    )
    found = [BlobRecord(*row) for row in tx.execute(taken)]
    # What is named after all is in use.
    left = and_(file_blobs.c.id.in_(ids), file_blobs.c.sha256.is_not(None), _is_named())
    tx.execute(update(file_blobs).where(left).values(unused_since=None))
    return found


def forget_blobs(tx: Connection, ids: Sequence[str]) -> None:
    """Forget bytes that are gone."""
    tx.execute(delete(file_blobs).where(file_blobs.c.id.in_(ids)))


def count_bytes(tx: Connection, project: int) -> int:
    """Return the bytes of a project's files, each content counted once."""
    total = select(func.coalesce(func.sum(file_blobs.c.size), 0)).where(file_blobs.c.project == project)
    return int(tx.execute(total).scalar_one())


def delete_project(tx: Connection, project: int) -> None:
    """Delete all files and releases of a project, and give up their bytes."""
    releases = select(project_releases.c.id).where(project_releases.c.project == project)
    tx.execute(delete(release_files).where(release_files.c.release.in_(releases)))
    tx.execute(delete(project_releases).where(project_releases.c.project == project))
    tx.execute(delete(project_files).where(project_files.c.project == project))
    tx.execute(update(file_blobs).where(file_blobs.c.project == project).values(sha256=None, unused_since=DELETING))


def forget_project(tx: Connection, project: int) -> None:
    """Forget the bytes of a project, which are gone."""
    tx.execute(delete(file_blobs).where(file_blobs.c.project == project))


def _is_named() -> ColumnElement[bool]:
    """Say of a row of ``file_blobs`` whether a file or a release of its project names its bytes."""
    file = exists().where(
        project_files.c.project == file_blobs.c.project, project_files.c.sha256 == file_blobs.c.sha256
    )
    released = exists().where(
        release_files.c.sha256 == file_blobs.c.sha256,
        release_files.c.release == project_releases.c.id,
        project_releases.c.project == file_blobs.c.project,
    )
    return or_(file, released)


def _of_release(release: ReleaseRecord) -> Select[Any]:
    columns = (release_files.c.path, release_files.c.size, release_files.c.sha256)
    return select(*columns).where(release_files.c.release == release.key)


def _release(tx: Connection, project: int, condition: ColumnElement[bool]) -> ReleaseRecord | None:
    kept = project_releases.c
    query = select(kept.id, kept.tag, kept.state, kept.created_by, kept.created_at)
    found = query.where(kept.project == project, condition).order_by(kept.id.desc()).limit(1)
    row = tx.execute(found).one_or_none()
    return None if row is None else ReleaseRecord(*row)


def _within(path: ColumnElement[str], prefix: str, after: str) -> list[ColumnElement[bool]]:
    """Hold for paths that begin so and come after another."""
    conditions = [path > after] if after else []
    if prefix:
        conditions += [path >= prefix, path < prefix + _LAST]
    return conditions
