"""Uploads in parts and as a whole: begun, sent by signed requests, resumed, completed, repeated, aborted."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mainspring.kit.actors import LOCAL, Actor
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, TooLarge, Unsupported
from mainspring.kit.permissions import Permission
from mainspring.modules.artifacts import service
from mainspring.modules.artifacts import store as records
from mainspring.modules.artifacts.service import UploadRecord, uploads
from mainspring.modules.artifacts.service.signing import Capability
from mainspring.modules.services import Services

RUN = "mlflow-artifacts:/7/r/artifacts"
CONTENT = random.Random(1).randbytes(2500)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PART_BYTES", 1000)


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def part_of(number: int) -> bytes:
    return CONTENT[(number - 1) * 1000 : number * 1000]


async def send(services: Services, upload: UploadRecord, number: int, content: bytes | None = None) -> str:
    allowed = Capability("PUT", upload.path, 0, upload.id, number)
    return await service.receive(services, allowed, chunks(part_of(number) if content is None else content))


async def begin(services: Services, path: str = "f", size: int = 2500, sha256: str = SHA256) -> UploadRecord:
    upload = await service.begin_upload(services, LOCAL, RUN, path, size, sha256)
    assert upload is not None
    return upload


async def content_of(services: Services, path: str = "f") -> bytes:
    return await (await service.open_artifact(services.blobs, LOCAL, RUN, path)).read(10_000)


async def again(services: Services, upload: UploadRecord) -> UploadRecord:
    return await service.find_upload(services, LOCAL, RUN, upload.id)


def test_a_file_in_parts(both: Services) -> None:
    async def scenario() -> None:
        await service.put_artifact(both, LOCAL, RUN, "f", chunks(b"old"))
        upload = await begin(both)
        assert service.part_count(upload) == 3
        for number in (3, 1):
            await send(both, upload, number)
        assert [(part.number, part.size) for part in await service.uploaded_parts(both, upload)] == [
            (1, 1000),
            (3, 500),
        ]
        with pytest.raises(FailedPrecondition, match="of its parts 2 have not come"):
            await service.complete_upload(both, await again(both, upload))
        await send(both, upload, 2, b"wrong")
        with pytest.raises(FailedPrecondition, match="are 1505 bytes, and 2500 were announced"):
            await service.complete_upload(both, await again(both, upload))
        assert await content_of(both) == b"old"
        await send(both, upload, 2)
        done = await service.complete_upload(both, await again(both, upload))
        assert await content_of(both) == CONTENT
        assert done.stored_size == 2500
        meta = await service.head_artifact(both.blobs, LOCAL, RUN, "f")
        known = await service.find_record(both, meta.path, meta.etag)
        assert known is not None
        assert (known.sha256, known.verified) == (SHA256, False)

    asyncio.run(scenario())


def test_a_completion_that_is_repeated_answers_the_same(both: Services) -> None:
    async def scenario() -> None:
        upload = await begin(both)
        for number in (1, 2, 3):
            await send(both, upload, number)
        first = await service.complete_upload(both, await again(both, upload))
        await service.put_artifact(both, LOCAL, RUN, "f", chunks(b"newer"))
        second = await service.complete_upload(both, await again(both, upload))
        assert replace(second, parts=None) == replace(first, parts=None)
        assert await content_of(both) == b"newer"
        for call in (
            send(both, upload, 1),
            service.receive(both, Capability("PUT", upload.path, 0, upload.id), chunks()),
        ):
            with pytest.raises(FailedPrecondition, match="was completed"):
                await call
        await service.abort_upload(both, await again(both, upload))
        assert await content_of(both) == b"newer"

    asyncio.run(scenario())


def test_a_completion_that_was_cut_off_is_repeated(both: Services) -> None:
    """The store had joined the parts, and the server was killed before it noted so."""

    async def scenario() -> None:
        upload = await begin(both)
        for number in (1, 2, 3):
            await send(both, upload, number)
        done = await service.complete_upload(both, await again(both, upload))
        await both.db.write(records.update_upload, upload.id, state="open", stored_size=None, stored_etag=None)
        await both.db.write(records.delete_files, upload.path)
        assert len(await service.uploaded_parts(both, await again(both, upload))) == 3
        repeated = await service.complete_upload(both, await again(both, upload))
        assert (repeated.stored_size, repeated.stored_etag) == (done.stored_size, done.stored_etag)
        assert await service.find_record(both, upload.path, done.stored_etag or "") is not None

    asyncio.run(scenario())


def test_two_complete_at_once(both: Services) -> None:
    async def scenario() -> None:
        upload = await begin(both)
        for number in (1, 2, 3):
            await send(both, upload, number)
        found = [await again(both, upload) for _ in range(4)]
        done = await asyncio.gather(*(service.complete_upload(both, each) for each in found))
        assert len({each.stored_etag for each in done}) == 1
        assert await content_of(both) == CONTENT

    asyncio.run(scenario())


def test_a_small_file_comes_as_a_whole_and_is_hashed_on_its_way(both: Services) -> None:
    async def scenario() -> None:
        upload = await begin(both, size=5, sha256=OTHER)
        assert (upload.multipart_id, service.part_count(upload)) == (None, 1)
        with pytest.raises(FailedPrecondition, match="the file has not come"):
            await service.complete_upload(both, upload)
        with pytest.raises(InvalidArgument, match="Nothing was stored"):
            await send(both, upload, 1, b"wrong")
        await send(both, upload, 1, b"other")
        done = await service.complete_upload(both, await again(both, upload))
        known = await service.find_record(both, upload.path, done.stored_etag or "")
        assert known is not None
        assert known.verified

    asyncio.run(scenario())


def test_a_whole_file_of_another_size_is_noticed(services: Services) -> None:
    async def scenario() -> None:
        upload = await begin(services, size=5, sha256=OTHER)
        await services.blobs.put(upload.path, chunks(b"past this server"))
        with pytest.raises(FailedPrecondition, match="has 16 bytes, and 5 were announced"):
            await service.complete_upload(services, upload)
        await services.blobs.put(upload.path, chunks(b"wrong"))
        done = await service.complete_upload(services, upload)
        known = await service.find_record(services, upload.path, done.stored_etag or "")
        assert known is not None
        assert not known.verified

    asyncio.run(scenario())


def test_an_empty_file(services: Services) -> None:
    async def scenario() -> None:
        upload = await begin(services, size=0, sha256=hashlib.sha256(b"").hexdigest())
        await send(services, upload, 1, b"")
        assert (await service.complete_upload(services, upload)).stored_size == 0

    asyncio.run(scenario())


def test_what_is_aborted_is_gone(both: Services) -> None:
    async def scenario() -> None:
        upload = await begin(both)
        await send(both, upload, 1)
        for _ in range(2):
            await service.abort_upload(both, await again(both, upload))
        assert [pending async for pending in both.blobs.list_multiparts()] == []
        for call in (send(both, upload, 2), service.complete_upload(both, await again(both, upload))):
            with pytest.raises(FailedPrecondition, match="was aborted: begin a new one"):
                await call
        with pytest.raises(NotFound):
            await service.head_artifact(both.blobs, LOCAL, RUN, "f")

    asyncio.run(scenario())


def test_an_upload_is_found_by_whom_and_where_it_was_begun(services: Services) -> None:
    other = Actor("other", frozenset(Permission))

    async def scenario() -> None:
        upload = await begin(services, "a/f")
        nameless = await service.begin_multipart(services, LOCAL, RUN, "a/g")
        find = service.find_upload
        assert await find(services, LOCAL, RUN, upload.id) == upload
        assert await find(services, LOCAL, service.ROOT, upload.id, upload.path) == upload
        assert await find(services, LOCAL, service.ROOT, nameless.id, nameless.path) == nameless
        for call in (
            find(services, other, RUN, upload.id),
            find(services, LOCAL, "mlflow-artifacts:/7/r2/artifacts", upload.id),
            find(services, LOCAL, "mlflow-artifacts:/7/r/artifact", upload.id),
            find(services, LOCAL, RUN, upload.id, "a/g"),
            find(services, LOCAL, RUN, nameless.id),
            find(services, LOCAL, RUN, "0" * 32),
            find(services, LOCAL, RUN, ""),
        ):
            with pytest.raises(NotFound, match="There is no upload"):
                await call

    asyncio.run(scenario())


def test_a_part_goes_to_its_own_path(services: Services) -> None:
    async def scenario() -> None:
        upload = await begin(services)
        for allowed in (
            Capability("PUT", "7/r/artifacts/g", 0, upload.id, 1),
            Capability("PUT", upload.path, 0, "0" * 32, 1),
        ):
            with pytest.raises(NotFound, match="begin a new one"):
                await service.receive(services, allowed, chunks(b"x"))
        for number in (0, 10_001):
            with pytest.raises(InvalidArgument, match=f"no part {number}"):
                await send(services, upload, number, b"x")
        with pytest.raises(InvalidArgument, match="Nothing was stored"):
            await service.receive(services, Capability("PUT", upload.path, 0, upload.id, 1), chunks(b"x"), OTHER)
        assert await service.uploaded_parts(services, upload) == []

    asyncio.run(scenario())


def test_chosen_parts(both: Services) -> None:
    """As MLflow's clients name them: by number and ETag, of sizes that nobody has announced."""

    async def scenario() -> None:
        upload = await service.begin_multipart(both, LOCAL, RUN, "f")
        tags = {number: await send(both, upload, number) for number in (1, 2, 3)}
        good = list(tags.items())
        for wrong in ([], [(4, tags[1])], [(1, tags[2])], [*good, good[0]], [(1, "")], [(-1, "x")]):
            with pytest.raises(InvalidArgument):
                await service.complete_upload(both, upload, wrong)
        bare = [(number, tag.strip('"')) for number, tag in reversed(good)]
        await service.complete_upload(both, upload, bare)
        assert await content_of(both) == CONTENT
        done = await service.find_upload(both, LOCAL, RUN, upload.id, "f")
        assert (await service.complete_upload(both, done, good)).stored_size == 2500

    asyncio.run(scenario())


def test_what_cannot_be_begun(services: Services) -> None:
    reader = Actor("reader", frozenset({Permission.ARTIFACTS_READ}))
    begin_upload = service.begin_upload

    async def scenario() -> None:
        for call, error in (
            (begin_upload(services, LOCAL, RUN, "f", -1, SHA256), InvalidArgument),
            (begin_upload(services, LOCAL, RUN, "f", 5 * 1024**4 + 1, SHA256), TooLarge),
            (begin_upload(services, LOCAL, RUN, "f", 1, "x"), InvalidArgument),
            (begin_upload(services, LOCAL, RUN, "f", 1, SHA256.upper()), InvalidArgument),
            (begin_upload(services, LOCAL, RUN, "", 1, SHA256), InvalidArgument),
            (begin_upload(services, LOCAL, RUN, "../f", 1, SHA256), InvalidArgument),
            (begin_upload(services, LOCAL, RUN, ".", 1, SHA256), InvalidArgument),
            (begin_upload(services, LOCAL, "s3://b/x", "f", 1, SHA256), Unsupported),
            (begin_upload(services, reader, RUN, "f", 1, SHA256), PermissionDenied),
            (service.begin_multipart(services, LOCAL, RUN, "../f"), InvalidArgument),
            (service.begin_multipart(services, reader, RUN, "f"), PermissionDenied),
            (service.find_upload(services, reader, RUN, "x"), PermissionDenied),
        ):
            with pytest.raises(error):
                await call

    asyncio.run(scenario())


def test_large_files_have_larger_parts(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()

    async def scenario() -> None:
        upload = await begin(services, size=5 * 1024**4)
        assert service.part_count(upload) == service.MAX_PARTS
        assert (await begin(services, size=64 * 1024**2)).part_size == 16 * 1024**2

    asyncio.run(scenario())
