"""What the tests of object stores share: bytes to put, errors to catch, and what is left of both."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from mainspring.engines.blobs import BlobStore
from mainspring.engines.blobs.local import INCOMING
from tests.components.rgw import RadosGateway

MIB = 1024 * 1024


class SourceBroke(Exception):
    """What an upload's sender dies of."""


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def many(count: int, size: int = 65536, fill: bytes = b"x") -> AsyncIterator[bytes]:
    piece = fill * size
    for _ in range(count):
        yield piece


async def breaking(count: int) -> AsyncIterator[bytes]:
    async for piece in many(count):
        yield piece
    raise SourceBroke


async def content(store: BlobStore, path: str, start: int | None = None, end: int | None = None) -> bytes:
    return await (await store.get(path, start, end)).read(1024 * MIB)


async def all_paths(store: BlobStore) -> list[str]:
    return sorted([blob.path async for blob in store.list_recursive("")])


async def refused(error: type[Exception], call: Awaitable[object]) -> str:
    with pytest.raises(error) as caught:
        await call
    return str(caught.value)


def leftovers(store: BlobStore, request: pytest.FixtureRequest, tmp_path: Path) -> int:
    """Return how many pieces of unfinished uploads the store still holds."""
    url: str = getattr(store, "url", "")
    if not url:
        return len(os.listdir(tmp_path / "store" / INCOMING))
    gateway: RadosGateway = request.getfixturevalue("rados_gateway")
    return gateway.open_parts(url.split("/")[2])


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> int:
    """Return the most memory that this process had since ``reset_peak``, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
