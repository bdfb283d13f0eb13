"""What every object store promises of uploads in parts, signed requests and pages of a listing."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from mainspring.engines.blobs import BlobEntry, BlobStore, Part
from mainspring.kit.errors import InvalidArgument, NotFound, Unsupported
from tests.engines.stores import MIB, SourceBroke, all_paths, breaking, chunks, content, many, peak, refused, reset_peak

LARGE = 5 * MIB
"""The least that S3 takes for a part that is not the last."""


async def pieces(data: bytes, size: int = 100_003) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def pending(store: BlobStore) -> list[tuple[str, str]]:
    return sorted([(upload.path, upload.upload_id) async for upload in store.list_multiparts()])


def test_parts_in_any_order_become_one_blob(store: BlobStore) -> None:
    first, second, last = os.urandom(LARGE), os.urandom(LARGE + 7), b"end"

    async def scenario() -> None:
        upload = await store.create_multipart("a/b c.bin")
        part3 = await store.put_part("a/b c.bin", upload, 3, chunks(last))
        part1 = await store.put_part("a/b c.bin", upload, 1, pieces(first))
        part20 = await store.put_part("a/b c.bin", upload, 2, pieces(second))
        assert [(part.number, part.size) for part in (part1, part20, part3)] == [(1, LARGE), (2, LARGE + 7), (3, 3)]
        assert await store.list_parts("a/b c.bin", upload) == [part1, part20, part3]
        assert await pending(store) == [("a/b c.bin", upload)]
        assert await all_paths(store) == []
        await refused(NotFound, store.head("a/b c.bin"))

        stored = await store.complete_multipart("a/b c.bin", upload, [part3, part20, part1])
        assert (stored.path, stored.size) == ("a/b c.bin", 2 * LARGE + 10)
        assert stored == await store.head("a/b c.bin")
        assert await content(store, "a/b c.bin") == first + second + last
        assert await pending(store) == []
        assert await store.complete_multipart("a/b c.bin", upload, [part1, part20, part3]) == stored

    asyncio.run(scenario())


def test_a_part_is_replaced_by_one_of_its_number(store: BlobStore) -> None:
    async def scenario() -> None:
        upload = await store.create_multipart("x")
        before = await store.put_part("x", upload, 1, chunks(b"before"))
        after = await store.put_part("x", upload, 1, chunks(b"afterwards"))
        again = await store.put_part("x", upload, 1, chunks(b"afterwards"))
        assert before.etag != after.etag == again.etag
        await refused(SourceBroke, store.put_part("x", upload, 1, breaking(20)))
        assert await store.list_parts("x", upload) == [after]
        await store.complete_multipart("x", upload, [after])
        assert await content(store, "x") == b"afterwards"

    asyncio.run(scenario())


def test_parts_that_are_not_named_are_dropped_or_missed(store: BlobStore) -> None:
    async def scenario() -> None:
        upload = await store.create_multipart("x")
        await store.put_part("x", upload, 1, chunks(b"not wanted"))
        part = await store.put_part("x", upload, 7, chunks(b"wanted"))
        try:
            await store.complete_multipart("x", upload, [part])
        except InvalidArgument:  # Ceph
            assert [found.number for found in await store.list_parts("x", upload)] == [1, 7]
        else:
            assert await content(store, "x") == b"wanted"

    asyncio.run(scenario())


def test_a_completion_checks_every_part_and_can_be_tried_again(store: BlobStore) -> None:
    async def scenario() -> None:
        await store.put("x", chunks(b"what was there"))
        upload = await store.create_multipart("x")
        good = await store.put_part("x", upload, 1, many(LARGE // 65536))
        last = await store.put_part("x", upload, 2, chunks(b"last"))
        for wrong in (
            [],
            [good, good],
            [good, replace(last, number=3)],
            [replace(good, etag=last.etag), last],
            [good, replace(last, etag='"../../target"')],
            [replace(good, number=0)],
            [replace(good, number=10_001)],
        ):
            await refused(InvalidArgument, store.complete_multipart("x", upload, wrong))
        assert await content(store, "x") == b"what was there"
        assert (await store.complete_multipart("x", upload, [good, last])).size == LARGE + 4

    asyncio.run(scenario())


def test_an_upload_belongs_to_its_path(store: BlobStore) -> None:
    async def scenario() -> None:
        upload = await store.create_multipart("mine")
        part = await store.put_part("mine", upload, 1, chunks(b"x"))
        for path, upload_id in (("other", upload), ("mine", "no-such-upload"), ("mine", "../mine"), ("mine", "0" * 32)):
            assert "upload" in await refused(NotFound, store.put_part(path, upload_id, 1, chunks(b"x")))
            await refused(NotFound, store.list_parts(path, upload_id))
            await refused(NotFound, store.complete_multipart(path, upload_id, [part]))
            await store.abort_multipart(path, upload_id)
        for number in (0, 10_001, -1):
            await refused(InvalidArgument, store.put_part("mine", upload, number, chunks(b"x")))
        for call in (store.create_multipart("../x"), store.put_part("../x", upload, 1, chunks(b"x"))):
            await refused(InvalidArgument, call)
        assert await pending(store) == [("mine", upload)]

    asyncio.run(scenario())


def test_an_aborted_upload_leaves_nothing(store: BlobStore) -> None:
    async def scenario() -> None:
        uploads = [await store.create_multipart(path) for path in ("a", "a", "b/c")]
        part = await store.put_part("a", uploads[0], 1, chunks(b"x"))
        assert await pending(store) == sorted([("a", uploads[0]), ("a", uploads[1]), ("b/c", uploads[2])])
        await store.abort_multipart("a", uploads[0])
        await store.abort_multipart("a", uploads[0])
        await refused(NotFound, store.complete_multipart("a", uploads[0], [part]))
        await refused(NotFound, store.put_part("a", uploads[0], 2, chunks(b"x")))
        assert await pending(store) == sorted([("a", uploads[1]), ("b/c", uploads[2])])
        for upload in uploads[1:]:
            await store.abort_multipart("a" if upload == uploads[1] else "b/c", upload)
        assert (await pending(store), await all_paths(store)) == ([], [])

    asyncio.run(scenario())


def test_an_upload_is_as_old_as_its_beginning(store: BlobStore) -> None:
    async def scenario() -> None:
        await store.create_multipart("x")
        [upload] = [upload async for upload in store.list_multiparts()]
        stored = await store.put("y", chunks(b"now"))
        assert -1000 <= stored.modified - upload.started < 60_000  # Ceph counts seconds

    asyncio.run(scenario())


def test_completions_at_once_make_one_blob(store: BlobStore) -> None:
    async def scenario() -> None:
        upload = await store.create_multipart("x")
        parts = [await store.put_part("x", upload, number, many(LARGE // 65536)) for number in (1, 2)]
        done = await asyncio.gather(
            *(store.complete_multipart("x", upload, parts) for _ in range(4)), return_exceptions=True
        )
        assert any(not isinstance(each, BaseException) for each in done), done
        assert (await store.head("x")).size == 2 * LARGE
        assert await store.complete_multipart("x", upload, parts) == await store.head("x")

    asyncio.run(scenario())


def test_a_part_takes_no_memory(store: BlobStore) -> None:
    async def scenario() -> None:
        upload = await store.create_multipart("x")
        await store.put_part("x", upload, 1, many(16))
        reset_peak()
        before = peak()
        part = await store.put_part("x", upload, 1, many(100 * 16))
        await store.complete_multipart("x", upload, [part])
        assert peak() - before < 32 * MIB
        assert (await store.head("x")).size == 100 * MIB

    asyncio.run(scenario())


def test_signed_requests_need_no_keys_and_allow_one_thing(store: BlobStore) -> None:
    async def scenario() -> None:
        if not store.direct:
            for call in (store.sign_get("x", 60), store.sign_put("x", 60), store.sign_part("x", "id", 1, 60)):
                await refused(Unsupported, call)
            return
        put = await store.sign_put("a b/é+?.bin", 60)
        assert (await send(put.method, put.url, put.headers, b"signed")).status_code == 200
        assert await content(store, "a b/é+?.bin") == b"signed"
        get = await store.sign_get("a b/é+?.bin", 60)
        assert (await send(get.method, get.url, get.headers)).content == b"signed"
        part = await send(get.method, get.url, {**get.headers, "Range": "bytes=2-3"})
        assert (part.status_code, part.content) == (206, b"gn")
        assert (await send("PUT", get.url, {}, b"no")).status_code == 403
        assert (await send("GET", get.url.replace("bin", "txt"), {})).status_code == 403
        short = await store.sign_get("a b/é+?.bin", 1)
        await asyncio.sleep(2.5)
        assert (await send("GET", short.url, short.headers)).status_code == 403

    asyncio.run(scenario())


def test_parts_come_by_signed_requests(store: BlobStore) -> None:
    async def scenario() -> None:
        if not store.direct:
            return
        upload = await store.create_multipart("x")
        parts = []
        for number, data in ((1, b"1" * LARGE), (2, b"2")):
            signed = await store.sign_part("x", upload, number, 60)
            sent = await send(signed.method, signed.url, signed.headers, data)
            parts.append(Part(number, sent.headers["etag"], len(data)))
        assert await store.list_parts("x", upload) == parts
        assert (await store.complete_multipart("x", upload, parts)).size == LARGE + 1
        await refused(InvalidArgument, store.sign_part("x", upload, 0, 60))

    asyncio.run(scenario())


async def send(method: str, url: str, headers: dict[str, str], body: bytes = b"") -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.request(method, url, headers=headers, content=body)


@pytest.mark.parametrize("limit", [1, 3, 4, 100])
def test_pages_have_every_entry_once_and_in_order(store: BlobStore, limit: int) -> None:
    names = ["a", "b/1", "b/2/3", "b.txt", "b-c", "c/1", "d", "é", "日", "z/1"]
    places = ["f/a", "f/b-c", "f/b.txt", "f/b/", "f/c/", "f/d", "f/z/", "f/é", "f/日"]

    async def scenario() -> None:
        for name in names:
            await store.put(f"f/{name}", chunks(b"x"))
        await store.put("fg", chunks(b"x"))
        found = await pages(store, "f", limit)
        assert [entry.path + "/" * entry.is_dir for entry in found] == places
        assert sorted(found, key=lambda entry: entry.path) == await store.list("f")
        assert [entry.path for entry in await pages(store, "", limit)] == ["f", "fg"]
        for nothing in ("f/a", "missing", "f/b/2/3"):
            assert await pages(store, nothing, limit) == []
        await refused(InvalidArgument, store.list_page("../f", None, 10))

    asyncio.run(scenario())


def test_a_page_that_begins_with_something_deleted_goes_on(store: BlobStore) -> None:
    async def scenario() -> None:
        for name in "abcdef":
            await store.put(f"f/{name}", chunks(b"x"))
        page = await store.list_page("f", None, 3)
        for name in "abcd":
            await store.delete(f"f/{name}")
        rest = await store.list_page("f", page.next, 3)
        assert [entry.path for entry in rest.entries] == ["f/e", "f/f"]

    asyncio.run(scenario())


async def pages(store: BlobStore, folder: str, limit: int) -> list[BlobEntry]:
    """Return the entries of all pages, each of which is as full as it may be."""
    found: list[BlobEntry] = []
    after: str | None = None
    while True:
        page = await store.list_page(folder, after, limit)
        assert len(page.entries) == limit or page.next is None
        found += page.entries
        after = page.next
        if after is None:
            return found
