"""Uploads of parts in a store of local files: killed at every step, planted links, a full disk, a large folder."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mainspring.engines.blobs import BlobStore, Part, open_store
from mainspring.engines.blobs.local import INCOMING
from mainspring.engines.blobs.local_pages import WINDOW
from mainspring.kit.errors import InvalidArgument, NotFound, Unavailable
from tests.engines.stores import MIB, all_paths, chunks, content, many, peak, refused, reset_peak

OLD, NEW = b"old", b"first part, second part"

UPLOAD = """
import asyncio, os, signal, sys
from mainspring.engines.blobs import open_store

left = int(sys.argv[2])

def dying(call):
    def step(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)
    return step

async def bytes_of(text):
    yield text

async def upload():
    store = open_store(sys.argv[1])
    for name in ("open", "mkdir", "rename", "fsync", "ftruncate", "writev", "write", "copy_file_range", "unlink"):
        setattr(os, name, dying(getattr(os, name)))
    upload_id = await store.create_multipart("f/x")
    parts = [await store.put_part("f/x", upload_id, 1, bytes_of(b"first part, "))]
    parts += [await store.put_part("f/x", upload_id, 2, bytes_of(b"second part"))]
    await store.complete_multipart("f/x", upload_id, parts)

asyncio.run(upload())
"""


@pytest.mark.parametrize("stride", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_any_step_it_is_the_old_or_the_new(tmp_path: Path, stride: int) -> None:
    step, seen = 0, set()
    while True:
        step += stride
        folder = tmp_path / str(step)
        asyncio.run(open_store(folder.as_uri()).put("f/x", chunks(OLD)))
        command = [sys.executable, "-c", UPLOAD, folder.as_uri(), str(step)]
        code = subprocess.run(command, check=False).returncode
        seen.add(asyncio.run(check(folder)))
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert step > 20
    everything = {(OLD, "nothing"), (OLD, "part of it"), (OLD, "all of it"), (NEW, "all of it"), (NEW, "nothing")}
    assert seen == everything if stride == 1 else seen <= everything


async def check(folder: Path) -> tuple[bytes, str]:
    """Check what a new process finds, and that it can go on from there; return what was published and what pending."""
    store = open_store(folder.as_uri())
    published = await content(store, "f/x")
    assert published in (OLD, NEW)
    assert await all_paths(store) == ["f/x"]
    uploads = [upload async for upload in store.list_multiparts()]
    parts: list[Part] = []
    for upload in uploads:
        parts = await store.list_parts("f/x", upload.upload_id)
        if len(parts) == 2:
            await store.complete_multipart("f/x", upload.upload_id, parts)
            assert await content(store, "f/x") == NEW
        else:
            await store.abort_multipart("f/x", upload.upload_id)
    assert await all_paths(store) == ["f/x"]
    for left in (folder / INCOMING).iterdir():
        os.utime(left, (1, 1))
    await store.remove_leftovers()
    assert os.listdir(folder / INCOMING) == []
    return published, "all of it" if len(parts) == 2 else "part of it" if uploads else "nothing"


def test_names_of_uploads_lead_nowhere(tmp_path: Path) -> None:
    store = open_store((tmp_path / "store").as_uri())
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "target").write_text("x")
    (tmp_path / "store" / INCOMING / f"{'0' * 32}-1").symlink_to(outside)

    async def scenario() -> None:
        for upload_id in (f"{'0' * 32}-1", "../outside", "..", "", "a/b", "\0"):
            await refused(NotFound, store.put_part("x", upload_id, 1, chunks(b"x")))
            await refused(NotFound, store.list_parts("x", upload_id))
            await store.abort_multipart("x", upload_id)
        assert [upload async for upload in store.list_multiparts()] == []
        upload = await store.create_multipart("x")
        for etag in ('"../../outside/target"', "whole", ""):
            await refused(InvalidArgument, store.complete_multipart("x", upload, [Part(1, etag, 1)]))

    asyncio.run(scenario())
    assert os.listdir(outside) == ["target"]


def test_a_file_of_another_upload_is_not_taken_for_the_own(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())

    async def scenario() -> None:
        upload = await store.create_multipart("x")
        part = await store.put_part("x", upload, 1, chunks(b"mine"))
        await store.complete_multipart("x", upload, [part])
        await store.put("x", chunks(b"other"))
        await refused(NotFound, store.complete_multipart("x", upload, [part]))
        assert await content(store, "x") == b"other"

    asyncio.run(scenario())


@pytest.mark.parametrize("failure", [None, errno.EXDEV])
def test_parts_of_any_size_are_joined_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: int | None
) -> None:
    """With the system's help, and on file systems that have none to give."""

    def refuse(*_: object) -> int:
        raise OSError(failure, "no")

    if failure:
        monkeypatch.setattr(os, "copy_file_range", refuse)
    data = [os.urandom(size) for size in (WINDOW + 3, 1, 2 * WINDOW, 5)]

    async def scenario() -> None:
        store = open_store(tmp_path.as_uri())
        upload = await store.create_multipart("x")
        parts = [await store.put_part("x", upload, number, chunks(each)) for number, each in enumerate(data, 1)]
        await store.complete_multipart("x", upload, parts)
        assert await content(store, "x") == b"".join(data)

    asyncio.run(scenario())


def test_uploads_of_parts_outlive_a_restart_and_a_day(tmp_path: Path) -> None:
    async def begin() -> tuple[str, Part]:
        store = open_store(tmp_path.as_uri())
        upload = await store.create_multipart("x")
        return upload, await store.put_part("x", upload, 1, chunks(b"kept"))

    async def end(upload: str, part: Part) -> None:
        store = open_store(tmp_path.as_uri())
        assert await store.list_parts("x", upload) == [part]
        await store.complete_multipart("x", upload, [part])
        assert await content(store, "x") == b"kept"

    upload, part = asyncio.run(begin())
    os.utime(tmp_path / INCOMING / upload, (1, 1))
    asyncio.run(end(upload, part))
    assert os.listdir(tmp_path / INCOMING) == []


def test_a_part_that_does_not_fit_leaves_the_upload_as_it_was(small_disk: Path) -> None:
    store = open_store(small_disk.as_uri())

    async def scenario() -> None:
        upload = await store.create_multipart("x")
        part = await store.put_part("x", upload, 1, many(16 * 2))
        assert "is full" in await refused(Unavailable, store.put_part("x", upload, 2, many(16 * 4)))
        other = await store.put_part("x", upload, 2, many(16))
        assert await store.list_parts("x", upload) == [part, other]
        # The parts and what they are joined to do not fit side by side.
        assert "is full" in await refused(Unavailable, store.complete_multipart("x", upload, [part, other]))
        assert await all_paths(store) == []
        await store.abort_multipart("x", upload)
        assert os.listdir(small_disk / INCOMING) == []

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_folder_of_a_hundred_thousand_files_is_paged_in_little_memory(tmp_path: Path) -> None:
    count, size = 100_000, 10_000
    store = open_store(tmp_path.as_uri())
    folder = tmp_path / "f"
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:06d}").touch()

    async def walk(store: BlobStore) -> int:
        seen, after = 0, None
        while True:
            page = await store.list_page("f", after, size)
            assert [entry.path for entry in page.entries] == [f"f/{seen + place:06d}" for place in range(size)]
            seen, after = seen + len(page.entries), page.next
            if after is None:
                return seen

    async def scenario() -> None:
        await store.list_page("f", None, size)
        reset_peak()
        before = peak()
        assert await walk(store) == count
        assert peak() - before < 16 * MIB

    asyncio.run(scenario())
