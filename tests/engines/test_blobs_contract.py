"""What every object store promises, asked of each back-end: local files, and S3 in Ceph's gateway (slow)."""

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from mainspring.engines.blobs import BlobEntry, BlobStore, open_store
from mainspring.kit.errors import InvalidArgument, NotFound, TooLarge, Unavailable
from tests.engines.stores import (
    MIB,
    SourceBroke,
    all_paths,
    breaking,
    chunks,
    content,
    leftovers,
    many,
    peak,
    refused,
    reset_peak,
)

STRANGE = ["a b.txt", "100%.txt", "a%20b", "été/日本語.png", "a?b&c=d", "a+b", "[x]*{y}|^~`<>\"'", "..."]


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


class Objecting:
    """A digest that keeps all it sees, and objects in the end where it is told to."""

    def __init__(self, says: str = "") -> None:
        self.seen, self._says = b"", says

    def update(self, piece: bytes | memoryview, /) -> None:
        self.seen += bytes(piece)

    def finish(self) -> None:
        if self._says:
            raise InvalidArgument(self._says)


def test_a_digest_sees_all_bytes_and_may_object(store: BlobStore) -> None:
    pieces = [b"one ", os.urandom(9 * MIB), b"", b"two"]

    async def scenario() -> None:
        digest = Objecting()
        await store.put("seen", chunks(*pieces), digest)
        assert digest.seen == b"".join(pieces)
        for given in (pieces, [b"x"], []):
            assert "never" in await refused(InvalidArgument, store.put("seen", chunks(*given), Objecting("never")))
            assert "never" in await refused(InvalidArgument, store.put("other", chunks(*given), Objecting("never")))
        assert await content(store, "seen") == b"".join(pieces)
        await refused(NotFound, store.head("other"))

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
            BlobEntry("m/a.txt", False, 7, (await store.head("m/a.txt")).etag),
            BlobEntry("m/b.txt", False, 7, (await store.head("m/b.txt")).etag),
            BlobEntry("m/é", False, 4, (await store.head("m/é")).etag),
        ]
        assert await store.list("") == [
            BlobEntry("m", True, None),
            BlobEntry("mm", True, None),
            BlobEntry("top", False, 3, (await store.head("top")).etag),
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


def test_of_concurrent_puts_one_whole_blob_stays(store: BlobStore) -> None:
    async def scenario() -> None:
        fills = [bytes([letter]) for letter in b"abcdefgh"]
        await asyncio.gather(*(store.put("f/x", many(40 + number, fill=fill)) for number, fill in enumerate(fills)))
        got = await content(store, "f/x")
        number = fills.index(got[:1])
        assert got == fills[number] * (65536 * (40 + number))
        assert await all_paths(store) == ["f/x"]

    asyncio.run(scenario())


def test_of_concurrent_puts_each_is_told_of_its_own(store: BlobStore) -> None:
    """What is known of a file elsewhere is known by its ETag: two writers must not be told that of the same blob."""

    async def scenario() -> None:
        stored = await asyncio.gather(*(store.put("f/x", chunks(b"%d" % number * 9)) for number in range(8)))
        assert len({meta.etag for meta in stored}) == 8
        assert {meta.size for meta in stored} == {9}
        number = [meta.etag for meta in stored].index((await store.head("f/x")).etag)
        assert await content(store, "f/x") == b"%d" % number * 9

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


def test_a_working_store_is_ready(store: BlobStore) -> None:
    async def scenario() -> None:
        await store.check()
        assert await all_paths(store) == []
        await store.close()

    asyncio.run(scenario())


# Opening.


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
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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
