"""What every object store promises, asked of each back-end: local files, and S3 in Ceph's gateway (slow)."""

import asyncio
import errno
import gc
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from mainspring.engines.blobs import BlobEntry, BlobStore, open_store
from mainspring.engines.blobs.local import INCOMING
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, TooLarge, Unavailable
from tests.components.rgw import RadosGateway, rados_gateway  # noqa: F401

MIB = 1024 * 1024
STRANGE = ["a b.txt", "100%.txt", "a%20b", "été/日本語.png", "a?b&c=d", "a+b", "[x]*{y}|^~`<>\"'", "..."]


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> BlobStore:
    """An empty store of each kind."""
    if request.param == "file":
        return open_store((tmp_path / "store").as_uri())
    gateway: RadosGateway = request.getfixturevalue("rados_gateway")
    for name, value in gateway.server.environment.items():
        monkeypatch.setenv(name, value)
    return open_store(f"s3://{gateway.server.create_bucket()}/some/prefix")


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


def test_what_was_put_is_what_is_got(store: BlobStore) -> None:
    async def scenario() -> None:
        stored = await store.put("a/b/c.bin", chunks(b"one ", b"", b"two"))
        assert (stored.path, stored.size) == ("a/b/c.bin", 7)
        assert stored.modified > 1_700_000_000_000
        assert stored.etag.startswith('"')
        assert await store.head("a/b/c.bin") == stored
        blob = await store.get("a/b/c.bin")
        assert (blob.meta, blob.start, blob.end) == (stored, 0, 7)
        assert await blob.read(7) == b"one two"
        assert type(await anext((await store.get("a/b/c.bin")).chunks)) is bytes

    asyncio.run(scenario())


def test_an_empty_blob_is_a_blob(store: BlobStore) -> None:
    async def scenario() -> None:
        assert (await store.put("empty", chunks())).size == 0
        assert await content(store, "empty") == b""
        assert await content(store, "empty", 0, 5) == b""

    asyncio.run(scenario())


def test_a_large_blob_of_odd_pieces_keeps_every_byte(store: BlobStore) -> None:
    pieces = [os.urandom(size) for size in (1, 3 * MIB, 65537, 9 * MIB + 1, 10)] + [b"z"] * 3000
    expected = b"".join(pieces)

    async def scenario() -> None:
        assert (await store.put("large", chunks(*pieces))).size == len(expected)
        blob = await store.get("large")
        got = [piece async for piece in blob.chunks]
        assert b"".join(got) == expected
        assert max(map(len, got)) <= 4 * MIB
        assert await content(store, "large", 3 * MIB, 12 * MIB) == expected[3 * MIB : 12 * MIB]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("start", "end"), [(None, 3), (2, None), (2, 5), (0, 10), (3, 3), (9, 12), (10, 20), (99, 100), (5, 2)]
)
def test_a_range_is_cut_to_the_blob(store: BlobStore, start: int | None, end: int | None) -> None:
    async def scenario() -> None:
        await store.put("digits", chunks(b"0123456789"))
        blob = await store.get("digits", start, end)
        assert blob.meta.size == 10
        got = await blob.read(10)
        assert got == b"0123456789"[start:end]
        assert blob.end - blob.start == len(got)

    asyncio.run(scenario())


def test_reading_at_once_has_a_limit(store: BlobStore) -> None:
    async def scenario() -> None:
        await store.put("digits", chunks(b"0123456789"))
        assert "10 bytes" in await refused(TooLarge, (await store.get("digits")).read(9))

    asyncio.run(scenario())


def test_what_is_not_there_is_not_found(store: BlobStore) -> None:
    async def scenario() -> None:
        await store.put("folder/file", chunks(b"x"))
        for path in ("missing", "folder/missing", "folder/file/below", "folder"):
            assert path in await refused(NotFound, store.head(path))
            assert path in await refused(NotFound, store.get(path))
            assert path in await refused(NotFound, store.get(path, 0, 1))

    asyncio.run(scenario())


def test_a_put_replaces_and_changes_the_etag(store: BlobStore) -> None:
    async def scenario() -> None:
        before = await store.put("x", chunks(b"a longer text"))
        after = await store.put("x", chunks(b"short"))
        assert await content(store, "x") == b"short"
        assert before.etag != after.etag
        assert await all_paths(store) == ["x"]

    asyncio.run(scenario())


def test_a_reader_keeps_what_it_opened(store: BlobStore) -> None:
    async def scenario() -> None:
        await store.put("x", many(16 * 20))
        blob = await store.get("x")
        first = await anext(blob.chunks)
        await store.delete("x")
        assert first == b"x" * len(first)
        await blob.chunks.aclose()
        await blob.chunks.aclose()
        await refused(NotFound, store.head("x"))

    asyncio.run(scenario())


@pytest.mark.parametrize("path", STRANGE)
def test_strange_names_come_back_as_they_were(store: BlobStore, path: str) -> None:
    async def scenario() -> None:
        await store.put(f"f/{path}", chunks(path.encode()))
        assert await content(store, f"f/{path}") == path.encode()
        assert await all_paths(store) == [f"f/{path}"]
        first = path.split("/")[0]
        assert [entry.path for entry in await store.list("f")] == [f"f/{first}"]
        await store.delete(f"f/{path}")
        assert await all_paths(store) == []

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "%2e%2e/x", "a//b", "a\\b", "x\x00", "a/./b", "a#b"])
def test_unsafe_paths_are_refused_by_every_method(store: BlobStore, path: str) -> None:
    async def scenario() -> None:
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: store.put(path, chunks(b"x")),
            lambda: store.get(path),
            lambda: store.get(path, 0, 1),
            lambda: store.head(path),
            lambda: store.list(path),
            lambda: anext(aiter(store.list_recursive(path))),
            lambda: store.delete(path),
            lambda: store.delete_prefix(path),
        ]
        for call in calls:
            assert "Invalid path" in await refused(InvalidArgument, call())

    asyncio.run(scenario())


def test_a_listing_has_files_and_folders_by_path(store: BlobStore) -> None:
    async def scenario() -> None:
        for path in ("m/b.txt", "m/a/1", "m/a/deep/2", "m/a.txt", "m/é", "mm/other", "top"):
            await store.put(path, chunks(path.encode()))
        assert await store.list("m") == [
            BlobEntry("m/a", True, None),
            BlobEntry("m/a.txt", False, 7),
            BlobEntry("m/b.txt", False, 7),
            BlobEntry("m/é", False, 4),
        ]
        assert await store.list("") == [
            BlobEntry("m", True, None),
            BlobEntry("mm", True, None),
            BlobEntry("top", False, 3),
        ]
        assert await store.list("top") == []
        assert await store.list("m/b.txt") == []
        assert await store.list("missing/folder") == []
        assert sorted([blob.path async for blob in store.list_recursive("m/a")]) == ["m/a/1", "m/a/deep/2"]
        assert [blob.path async for blob in store.list_recursive("missing")] == []

    asyncio.run(scenario())


def test_a_deletion_takes_what_it_names_and_nothing_else(store: BlobStore) -> None:
    async def scenario() -> None:
        for path in ("run/a/1", "run/a/2/3", "run/ab", "run/b"):
            await store.put(path, chunks(b"x"))
        await store.delete("run/a")
        await store.delete("run/b")
        await store.delete("run/b")
        await store.delete("never/was")
        assert await all_paths(store) == ["run/a/1", "run/a/2/3", "run/ab"]
        await store.delete_prefix("run/a")
        await store.delete_prefix("run/a")
        await store.delete_prefix("run/ab")
        assert await all_paths(store) == ["run/ab"]
        assert [entry.path for entry in await store.list("run")] == ["run/ab"]
        await refused(InvalidArgument, store.delete_prefix(""))

    asyncio.run(scenario())


def test_a_folder_that_became_empty_is_gone(store: BlobStore) -> None:
    async def scenario() -> None:
        await store.put("a/b/c", chunks(b"x"))
        await store.delete("a/b/c")
        assert await store.list("") == []
        await store.put("a/b/c", chunks(b"x"))
        await store.delete_prefix("a/b")
        assert await store.list("") == []

    asyncio.run(scenario())


@pytest.mark.parametrize("count", [1, 16 * 20])
def test_a_stream_that_breaks_leaves_what_was_there(
    store: BlobStore, request: pytest.FixtureRequest, tmp_path: Path, count: int
) -> None:
    async def scenario() -> None:
        await refused(SourceBroke, store.put("new/blob", breaking(count)))
        assert await all_paths(store) == []
        await store.put("old", chunks(b"old"))
        await refused(SourceBroke, store.put("old", breaking(count)))
        assert await content(store, "old") == b"old"

    asyncio.run(scenario())
    assert leftovers(store, request, tmp_path) == 0


def test_a_cancelled_upload_leaves_nothing(store: BlobStore, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async def scenario() -> None:
        upload = asyncio.create_task(store.put("x", many(16 * 2000)))
        await asyncio.sleep(0.15)
        upload.cancel()
        await refused(asyncio.CancelledError, upload)
        assert await all_paths(store) == []

    asyncio.run(scenario())
    assert leftovers(store, request, tmp_path) == 0


def leftovers(store: BlobStore, request: pytest.FixtureRequest, tmp_path: Path) -> int:
    """Return how many pieces of unfinished uploads the store still holds."""
    url: str = getattr(store, "url", "")
    if not url:
        return len(os.listdir(tmp_path / "store" / INCOMING))
    gateway: RadosGateway = request.getfixturevalue("rados_gateway")
    return gateway.open_parts(url.split("/")[2])


def test_of_concurrent_puts_one_whole_blob_stays(store: BlobStore) -> None:
    async def scenario() -> None:
        fills = [bytes([letter]) for letter in b"abcdefgh"]
        await asyncio.gather(*(store.put("f/x", many(40 + number, fill=fill)) for number, fill in enumerate(fills)))
        got = await content(store, "f/x")
        number = fills.index(got[:1])
        assert got == fills[number] * (65536 * (40 + number))
        assert await all_paths(store) == ["f/x"]

    asyncio.run(scenario())


def test_puts_survive_deletions_of_their_folder(store: BlobStore) -> None:
    """A deletion removes empty folders; an upload into them at that moment must neither fail nor vanish."""

    async def putting() -> None:
        for number in range(100):
            await store.put("a/b/c/x", chunks(b"%d" % number))
            assert await content(store, "a/b/c/x") == b"%d" % number
            await store.delete("a/b/c/x")

    async def deleting(until: asyncio.Task[None]) -> None:
        while not until.done():
            await store.delete("a/b/c/never-there")

    async def scenario() -> None:
        upload = asyncio.create_task(putting())
        await asyncio.gather(upload, deleting(upload), deleting(upload))

    asyncio.run(scenario())


def test_memory_stays_flat(store: BlobStore) -> None:
    async def scenario() -> None:
        await pass_through(32)
        gc.collect()
        process = psutil.Process()
        reset_peak()
        before = process.memory_info().rss
        await pass_through(200)
        assert peak() - before < 32 * MIB

    async def pass_through(size: int) -> None:
        assert (await store.put("big", many(size * 16))).size == size * MIB
        length = 0
        async for piece in (await store.get("big")).chunks:
            assert piece.count(b"x") == len(piece)
            length += len(piece)
        assert length == size * MIB

    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the peak of memory is only known on Linux")
    asyncio.run(scenario())


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> int:
    """Return the most memory that this process had since ``reset_peak``, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def test_a_working_store_is_ready(store: BlobStore) -> None:
    async def scenario() -> None:
        await store.check()
        assert await all_paths(store) == []
        await store.close()

    asyncio.run(scenario())


# What only one back-end can get wrong.


@pytest.mark.parametrize("url", ["ftp://host/x", "http://host/x", "/plain/path", "", "memory://x"])
def test_unknown_schemes_are_refused(url: str) -> None:
    with pytest.raises(InvalidArgument, match="file://, s3://, gs://, az://"):
        open_store(url)


@pytest.mark.parametrize("url", ["file:relative", "s3://", "s3://key:secret@bucket/x", "gs:///x"])
def test_unusable_urls_are_refused_without_repeating_keys(url: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        open_store(url)
    assert "secret" not in caught.value.message


def test_google_and_azure_open_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    open_store("az://container/prefix")
    open_store("gs://bucket/prefix")


def test_a_store_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")

    async def scenario() -> None:
        message = await refused(Unavailable, open_store("s3://bucket").check())
        assert "s3://bucket" in message
        assert "very-secret" not in message

    asyncio.run(scenario())


@pytest.mark.slow
def test_s3_without_rights_or_bucket_is_unavailable(
    rados_gateway: RadosGateway,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in rados_gateway.server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = rados_gateway.server.create_bucket()

    async def scenario() -> None:
        missing = open_store("s3://there-is-no-such-bucket")
        await refused(Unavailable, missing.check())
        await refused(Unavailable, missing.put("x", chunks(b"x")))
        await refused(Unavailable, missing.put("x", many(16 * 20)))
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        forbidden = open_store(f"s3://{bucket}")
        await refused(Unavailable, forbidden.check())
        await refused(Unavailable, forbidden.head("x"))
        await refused(Unavailable, forbidden.put("x", chunks(b"x")))

    asyncio.run(scenario())


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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


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
