"""What only a store of local files can get wrong: links, devices, descriptors, full disks."""

import asyncio
import errno
import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mainspring.engines.blobs import open_store
from mainspring.engines.blobs.local import INCOMING
from mainspring.engines.blobs.local_pages import WINDOW
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, TooLarge, Unavailable
from tests.engines.stores import (
    MIB,
    SourceBroke,
    all_paths,
    breaking,
    chunks,
    content,
    many,
    refused,
)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the local store, with a secret in it, that links in the store point to."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("secret")
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of a local store with links in it: to a folder and a file outside, to a folder inside, to nowhere."""
    root = tmp_path / "store"
    (root / "real").mkdir(parents=True)
    (root / "real" / "file").write_text("inside")
    (root / "out").symlink_to("../outside")
    (root / "leak").symlink_to("../outside/secret")
    (root / "inner").symlink_to("real")
    (root / "dangling").symlink_to("nowhere")
    return root


def test_local_links_are_not_followed(root: Path, outside: Path) -> None:
    async def scenario() -> None:
        store = open_store(root.as_uri())
        for path in ("out/secret", "leak", "inner/file", "dangling"):
            await refused(NotFound, store.get(path))
            await refused(NotFound, store.head(path))
        for path in ("out/new", "inner/new", "out/sub/new", "leak/new"):
            await refused(FailedPrecondition, store.put(path, chunks(b"x")))
        assert await store.list("out") == []
        assert [entry.path for entry in await store.list("")] == ["real"]
        assert await all_paths(store) == ["real/file"]
        await store.delete("out/secret")
        await store.delete_prefix("out")
        await store.delete_prefix("out/sub")

    asyncio.run(scenario())
    assert os.listdir(outside) == ["secret"]
    assert os.listdir(root / "real") == ["file"]


def test_local_put_and_delete_replace_and_remove_the_link_itself(root: Path, outside: Path) -> None:
    async def scenario() -> None:
        store = open_store(root.as_uri())
        await store.put("leak", chunks(b"new"))
        assert await content(store, "leak") == b"new"
        await store.delete("inner")

    asyncio.run(scenario())
    assert (outside / "secret").read_text() == "secret"
    assert not (root / "inner").is_symlink()
    assert (root / "real" / "file").read_text() == "inside"


def test_local_deletion_of_a_folder_spares_what_its_links_point_to(root: Path, outside: Path) -> None:
    (root / "real" / "link").symlink_to(outside)

    async def scenario() -> None:
        await open_store(root.as_uri()).delete_prefix("real")

    asyncio.run(scenario())
    assert not (root / "real").exists()
    assert os.listdir(outside) == ["secret"]


def test_local_pipes_and_folders_are_no_blobs(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()

    async def scenario() -> None:
        await refused(NotFound, asyncio.wait_for(store.get("pipe"), 5))
        await refused(NotFound, store.get("folder"))
        assert [entry.path for entry in await store.list("")] == ["folder"]

    asyncio.run(scenario())


def test_local_files_and_folders_are_not_mistaken_for_each_other(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())

    async def scenario() -> None:
        await store.put("a/b", chunks(b"x"))
        assert "'a'" in await refused(FailedPrecondition, store.put("a", chunks(b"x")))
        assert "'a/b/c'" in await refused(FailedPrecondition, store.put("a/b/c", chunks(b"x")))
        assert await all_paths(store) == ["a/b"]

    asyncio.run(scenario())
    assert os.listdir(tmp_path / INCOMING) == []


def test_the_folder_of_uploads_is_out_of_reach(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())

    async def scenario() -> None:
        for path in (INCOMING, f"{INCOMING}/x"):
            await refused(InvalidArgument, store.put(path, chunks(b"x")))
            await refused(InvalidArgument, store.list(path))
            await refused(InvalidArgument, store.delete_prefix(path))
        assert await store.list("") == []

    asyncio.run(scenario())


def test_what_a_dead_process_left_is_removed_after_a_day(tmp_path: Path) -> None:
    open_store(tmp_path.as_uri())
    old, old_folder, fresh = (tmp_path / INCOMING / name for name in ("old", "old-folder", "fresh"))
    old.write_text("x")
    fresh.write_text("x")
    old_folder.mkdir()
    (old_folder / "file").write_text("x")
    for path in (old, old_folder):
        os.utime(path, (1, 1))
    open_store(tmp_path.as_uri())
    assert os.listdir(tmp_path / INCOMING) == ["fresh"]


def test_local_descriptors_are_given_back(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())

    async def scenario() -> None:
        await store.put("a/x", many(64))
        for _ in range(3):
            await store.get("a/x")
            await anext((await store.get("a/x", 5)).chunks)
            await content(store, "a/x")
            await refused(TooLarge, (await store.get("a/x")).read(1))
            await refused(NotFound, store.get("a"))
            await refused(NotFound, store.get("a/x/y"))
            await refused(SourceBroke, store.put("a/y", breaking(20)))
            await refused(FailedPrecondition, store.put("a/x/y", chunks(b"x")))
            await store.list("a")
            await store.delete_prefix("b")

    if not Path("/proc/self/fd").exists():
        pytest.skip("what is open is only known on Linux")
    asyncio.run(scenario())
    gc.collect()
    targets = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    assert [target for target in targets if target.startswith(str(tmp_path))] == []


def test_a_file_cut_while_it_is_read_is_an_error_not_a_short_answer(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())

    async def scenario() -> None:
        await store.put("x", many(64))
        blob = await store.get("x")
        await anext(blob.chunks)
        os.truncate(tmp_path / "x", 10)
        assert "cut" in await refused(Unavailable, anext(blob.chunks))

    asyncio.run(scenario())


def test_a_full_disk_is_unavailable_and_harms_nothing(small_disk: Path) -> None:
    store = open_store(small_disk.as_uri())

    async def scenario() -> None:
        await store.put("kept", many(16, fill=b"k"))
        assert "is full" in await refused(Unavailable, store.put("too/large", many(16 * 8)))
        assert "is full" in await refused(Unavailable, store.put("kept", many(16 * 8)))
        assert await all_paths(store) == ["kept"]
        assert await content(store, "kept") == b"k" * MIB
        assert os.listdir(small_disk / INCOMING) == []
        await store.put("fits", many(16))
        await store.check()

    asyncio.run(scenario())


def test_a_root_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unavailable, match=os.strerror(errno.ENOTDIR)):
        open_store((tmp_path / "file" / "store").as_uri())


def test_a_root_that_went_away_is_not_ready(tmp_path: Path) -> None:
    store = open_store((tmp_path / "store").as_uri())
    (tmp_path / "store").rename(tmp_path / "gone")

    async def scenario() -> None:
        await refused(Unavailable, store.check())
        await refused(Unavailable, store.list(""))

    asyncio.run(scenario())


def test_opening_a_local_store_loads_no_cloud_client(tmp_path: Path) -> None:
    program = (
        "import sys; from mainspring.engines.blobs import open_store; "
        f"open_store({tmp_path.as_uri()!r}); sys.exit('obstore' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def cached(path: Path) -> int:
    """Return how many bytes of a file are in the system's cache."""
    found = subprocess.run(["fincore", "--bytes", "--noheadings", "--output", "RES", path], capture_output=True)
    if found.returncode != 0:
        pytest.skip("fincore, of util-linux, cannot tell what is cached here")
    return int(found.stdout)


def test_large_files_that_pass_once_do_not_fill_the_cache(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    size = 4 * WINDOW

    async def read() -> None:
        async for _ in (await store.get("x")).chunks:
            pass

    async def scenario() -> None:
        await store.put("x", many(size // 65536))
        assert cached(tmp_path / "x") <= WINDOW
        await read()
        assert cached(tmp_path / "x") <= 2 * WINDOW
        await read()
        assert cached(tmp_path / "x") == size
        await store.put("small", many(100))
        assert cached(tmp_path / "small") == 100 * 65536

    asyncio.run(scenario())
