"""Objects of a git repository, streamed where git's formats allow it.

An object that stands by itself, loose or in a pack, is inflated piece by piece. One that a pack keeps as the difference
to another has to be put together whole: of these no part may be larger than ``MAX_WHOLE``. Source of the formats:
gitformat-pack(5).
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dulwich.object_store import DiskObjectStore
from dulwich.objects import Blob, ObjectID
from dulwich.pack import Pack

from mainspring.kit.errors import TooLarge

CHUNK = 256 * 1024
MAX_WHOLE = 128 * 1024 * 1024
_MAX_HEADER = 64
_MAX_CHAIN = 5_000
_OFS_DELTA, _REF_DELTA = 6, 7


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an object lies. ``start`` is where its compressed bytes begin in the file, ``size`` what is in them, behind
    the first ``skip``. ``base`` is what it is the difference to: an offset in the same pack, or an id."""

    path: Path
    kind: int | bytes
    start: int
    size: int
    skip: int = 0
    base: int | bytes | None = None


class Objects:
    """The objects of a repository; of those that lie in several places the first is taken. Blocking, for one thread."""

    def __init__(self, store: DiskObjectStore) -> None:
        self._store = store
        stores = list(_with_alternates(store))
        self._folders = [Path(os.fsdecode(each.path)) for each in stores]
        self._packs: Sequence[Pack] = [pack for each in stores for pack in each.packs]
        self._hash_size = store.object_format.oid_length

    def size(self, sha: bytes) -> int:
        """Return how many bytes an object has. Raises KeyError."""
        place = self._find(sha)
        return place.size if place.base is None else _delta_sizes(place)[1]

    def read(self, sha: bytes, limit: int) -> bytes:
        """Return a whole blob. Raises KeyError, and TooLarge past ``limit`` bytes."""
        size = self.size(sha)
        if size > limit:
            raise TooLarge(f"A file of {size} bytes: at most {limit} are read at once.")
        return b"".join(self.chunks(sha, 0, size))

    def chunks(self, sha: bytes, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes of a blob from ``start`` to ``end``. Raises KeyError, TooLarge, ``zlib.error``."""
        place = self._find(sha)
        if place.base is None:
            if place.kind not in (Blob.type_num, Blob.type_name):
                raise KeyError(sha)
            return _part(_inflate(place), place.skip + start, place.skip + end)
        self._check_chain(place)
        kind, content = self._store.get_raw(ObjectID(sha))
        if kind != Blob.type_num:
            raise KeyError(sha)
        return (content[at : min(at + CHUNK, end)] for at in range(start, end, CHUNK))

    def _find(self, sha: bytes) -> _Place:
        name = sha.decode("ascii")
        for folder in self._folders:
            path = folder / name[:2] / name[2:]
            if path.is_file():
                return _loose(path)
        for pack in self._packs:
            try:
                offset = pack.index.object_offset(ObjectID(sha))
            except KeyError:
                continue
            return _packed(Path(os.fsdecode(pack.data.path)), offset, self._hash_size)
        raise KeyError(sha)

    def _check_chain(self, place: _Place) -> None:
        """Refuse a difference that would take too much memory to put together: each of its bases counts."""
        held = 0
        for _ in range(_MAX_CHAIN):
            largest = place.size if place.base is None else max(_delta_sizes(place))
            held += place.size
            if max(largest, held) > MAX_WHOLE:
                break
            if place.base is None:
                return
            place = self._base_of(place)
        raise TooLarge(
            f"A file is kept as a difference that takes more than {MAX_WHOLE} bytes to put together. Keep it in LFS, "
            "or have git pack it whole (core.bigFileThreshold, then git repack -f)."
        )

    def _base_of(self, place: _Place) -> _Place:
        if isinstance(place.base, bytes):
            return self._find(place.base.hex().encode())
        assert place.base is not None
        return _packed(place.path, place.base, self._hash_size)


def _with_alternates(store: DiskObjectStore) -> Iterator[DiskObjectStore]:
    yield store
    for each in store.alternates:
        if isinstance(each, DiskObjectStore):
            yield from _with_alternates(each)


def _loose(path: Path) -> _Place:
    head = next(_inflate(_Place(path, b"", 0, 0), _MAX_HEADER), b"")
    kind, _, rest = head.partition(b" ")
    size, null, _ = rest.partition(b"\0")
    if not null:
        raise zlib.error("a loose object without a header")
    return _Place(path, kind, 0, int(size), skip=len(kind) + len(size) + 2)


def _packed(path: Path, offset: int, hash_size: int) -> _Place:
    with _open(path) as file:
        file.seek(offset)
        head = file.read(_MAX_HEADER)
    kind, size, at = head[0] >> 4 & 7, head[0] & 15, 1
    shift = 4
    while head[at - 1] & 0x80:
        size |= (head[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
    base: int | bytes | None = None
    if kind == _OFS_DELTA:
        back = head[at] & 0x7F
        while head[at] & 0x80:
            at += 1
            back = (back + 1) << 7 | head[at] & 0x7F
        at, base = at + 1, offset - back
    elif kind == _REF_DELTA:
        base = head[at : at + hash_size]
        at += hash_size
    return _Place(path, kind, offset + at, size, base=base)


def _delta_sizes(place: _Place) -> tuple[int, int]:
    """Return the sizes of what a difference starts from, and of what it leads to."""
    head = next(_inflate(place, _MAX_HEADER), b"")
    sizes, at = [], 0
    for _ in range(2):
        size = shift = 0
        while True:
            size |= (head[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not head[at - 1] & 0x80:
                break
        sizes.append(size)
    return sizes[0], sizes[1]


def _inflate(place: _Place, at_once: int = CHUNK) -> Iterator[bytes]:
    inflater = zlib.decompressobj()
    with _open(place.path) as file:
        file.seek(place.start)
        while not inflater.eof:
            compressed = inflater.unconsumed_tail or file.read(min(at_once, CHUNK))
            piece = inflater.decompress(compressed, at_once)
            if piece:
                yield piece
            elif not compressed:
                raise zlib.error("an object ends early")


def _part(pieces: Iterator[bytes], start: int, end: int) -> Iterator[bytes]:
    at = 0
    for piece in pieces:
        if at >= end:
            break
        wanted = piece[max(0, start - at) : end - at]
        at += len(piece)
        if wanted:
            yield wanted
    if at < end:
        raise zlib.error("an object is shorter than it says")


def _open(path: Path) -> BinaryIO:
    """Open a file that is no link."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
