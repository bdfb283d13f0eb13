"""Artifacts over a real local store: locations, listings, permissions, and the headers of a download."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from email.message import Message
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.mime_type_utils import _guess_mime_type

from mainspring.kit.actors import LOCAL, Actor
from mainspring.kit.errors import InvalidArgument, MainspringError, NotFound, PermissionDenied, Unsupported
from mainspring.kit.permissions import Permission
from mainspring.modules.artifacts import service
from mainspring.modules.artifacts.schemas import Artifact
from mainspring.modules.services import Services

RUN = "mlflow-artifacts:/7/0123456789abcdef0123456789abcdef/artifacts"
FOLDER = "7/0123456789abcdef0123456789abcdef/artifacts"


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def put(services: Services, *paths: str, location: str = RUN) -> None:
    for path in paths:
        await service.put_artifact(services, LOCAL, location, path, chunks(path.encode()))


async def listed(services: Services, location: str, path: str = "") -> list[Artifact]:
    page = await service.list_artifacts(services, LOCAL, location, path)
    assert page.next_page_token is None
    return page.items


async def refused(error: type[Exception], call: Awaitable[object]) -> str:
    with pytest.raises(error) as caught:
        await call
    return str(caught.value)


@pytest.mark.parametrize(
    ("location", "path", "expected"),
    [
        (RUN, "", FOLDER),
        (RUN, "model/MLmodel", f"{FOLDER}/model/MLmodel"),
        (f"{RUN}/", "a%20b", f"{FOLDER}/a%20b"),
        ("mlflow-artifacts://host:5000/7/run/artifacts", "x", "7/run/artifacts/x"),
        ("mlflow-artifacts://user:key@host/7", "x", "7/x"),
        ("mlflow-artifacts:/my%20experiment", "x", "my experiment/x"),
        ("mlflow-artifacts:/100%", "x", "100%/x"),
        (service.ROOT, "7/run/artifacts/x", "7/run/artifacts/x"),
        (service.ROOT, "", ""),
    ],
)
def test_a_location_is_a_folder_of_the_store(location: str, path: str, expected: str) -> None:
    assert service.resolve(location, path) == expected


@pytest.mark.parametrize(
    "location",
    ["s3://bucket/x", "file:///etc", "/etc", "http://169.254.169.254/latest", "gs://b", "", "MLFLOW:/x", "runs:/1/x"],
)
def test_a_location_outside_our_store_is_not_touched(services: Services, location: str) -> None:
    async def scenario() -> None:
        for call in (
            service.list_artifacts(services, LOCAL, location, "x"),
            service.head_artifact(services.blobs, LOCAL, location, "x"),
            service.open_artifact(services.blobs, LOCAL, location, "x"),
            service.put_artifact(services, LOCAL, location, "x", chunks(b"x")),
            service.delete_artifact(services, LOCAL, location, "x"),
        ):
            assert "outside this server's store" in await refused(Unsupported, call)

    asyncio.run(scenario())


def test_the_refusal_of_a_location_repeats_no_keys() -> None:
    with pytest.raises(Unsupported) as caught:
        service.resolve("s3://user:secret@bucket/x?token=secret", "x")
    assert "s3://bucket/x" in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (RUN, "../other/x"),
        (RUN, "%2e%2e/x"),
        (RUN, "/etc/passwd"),
        (RUN, "C:x"),
        ("mlflow-artifacts:/../../etc", "passwd"),
        ("mlflow-artifacts:/%2e%2e/etc", "passwd"),
        ("mlflow-artifacts:/7/..", ""),
        ("mlflow-artifacts://[/7", "x"),
    ],
)
def test_unsafe_paths_and_locations_are_refused(location: str, path: str) -> None:
    with pytest.raises(InvalidArgument):
        service.resolve(location, path)


PIECES = st.sampled_from(["..", ".", "/", "//", "%2e", "%2f", "%252e", "\\", "a", "é", "%", "#", "?", "@", ":", "["])
TEXTS = st.lists(PIECES, max_size=8).map("".join)


@given(TEXTS, TEXTS)
def test_whatever_is_resolved_stays_below_its_location(rest: str, path: str) -> None:
    try:
        folder = service.resolve(f"mlflow-artifacts:/7/{rest}")
        key = service.resolve(f"mlflow-artifacts:/7/{rest}", path)
    except MainspringError:
        return
    assert folder.split("/")[0] == "7"
    assert key == folder if not path else key == f"{folder}/{path}"
    assert ".." not in key.split("/")


def test_a_listing_counts_from_the_location(services: Services) -> None:
    async def scenario() -> None:
        await put(services, "model/MLmodel", "model/data/x.bin", "plot.png")
        assert await listed(services, RUN) == [
            Artifact("model", True, None),
            Artifact("plot.png", False, 8),
        ]
        inside = [Artifact("model/MLmodel", False, 13), Artifact("model/data", True, None)]
        assert await listed(services, RUN, "model") == inside
        assert await listed(services, RUN, "model/") == inside
        assert [artifact.name for artifact in inside] == ["MLmodel", "data"]
        assert await listed(services, RUN, "missing") == []
        assert await listed(services, RUN, "plot.png") == []
        assert await listed(services, f"{RUN}-none") == []
        assert await listed(services, service.ROOT) == [Artifact("7", True, None)]

    asyncio.run(scenario())


def test_files_lie_where_row_a3_says(services: Services, tmp_path: Path) -> None:
    async def scenario() -> None:
        stored = await service.put_artifact(services, LOCAL, RUN, "a/b.txt", chunks(b"one ", b"two"))
        meta = await service.head_artifact(services.blobs, LOCAL, RUN, "a/b.txt")
        assert (meta.path, meta.size, meta.etag) == (stored.path, stored.size, stored.etag)
        blob = await service.open_artifact(services.blobs, LOCAL, RUN, "a/b.txt", 1, 5)
        assert await blob.read(10) == b"ne t"
        assert "directory" in await refused(InvalidArgument, service.open_artifact(services.blobs, LOCAL, RUN, "a"))
        assert FOLDER in await refused(NotFound, service.open_artifact(services.blobs, LOCAL, RUN, "b"))

    asyncio.run(scenario())
    assert (tmp_path / "store" / FOLDER / "a" / "b.txt").read_bytes() == b"one two"


def test_a_deletion_takes_a_file_or_a_whole_folder(services: Services) -> None:
    async def scenario() -> None:
        await put(services, "model/a", "model/b/c", "model2", "plot.png")
        await service.delete_artifact(services, LOCAL, RUN, "plot.png")
        await service.delete_artifact(services, LOCAL, RUN, "model/")
        await service.delete_artifact(services, LOCAL, RUN, "missing")
        assert await listed(services, RUN) == [Artifact("model2", False, 6)]
        await service.delete_artifact(services, LOCAL, RUN)
        assert await listed(services, service.ROOT) == []

    asyncio.run(scenario())


def test_the_whole_store_and_nameless_files_are_refused(services: Services) -> None:
    async def scenario() -> None:
        for call in (
            service.delete_artifact(services, LOCAL, service.ROOT),
            service.delete_artifact(services, LOCAL, service.ROOT, "/"),
        ):
            assert "path is missing" in await refused(InvalidArgument, call)
        for call in (
            service.put_artifact(services, LOCAL, RUN, "", chunks(b"x")),
            service.open_artifact(services.blobs, LOCAL, RUN, ""),
            service.head_artifact(services.blobs, LOCAL, RUN, ""),
        ):
            assert "directory, not a file" in await refused(InvalidArgument, call)

    asyncio.run(scenario())


def test_readers_read_and_writers_write(services: Services) -> None:
    reader = Actor("reader", frozenset({Permission.ARTIFACTS_READ}))
    writer = Actor("writer", frozenset({Permission.ARTIFACTS_WRITE}))

    async def scenario() -> None:
        await put(services, "x")
        for call in (
            service.list_artifacts(services, writer, RUN),
            service.head_artifact(services.blobs, writer, RUN, "x"),
            service.open_artifact(services.blobs, writer, RUN, "x"),
            service.put_artifact(services, reader, RUN, "x", chunks(b"new")),
            service.delete_artifact(services, reader, RUN, "x"),
        ):
            await refused(PermissionDenied, call)
        assert await (await service.open_artifact(services.blobs, reader, RUN, "x")).read(9) == b"x"
        await service.delete_artifact(services, writer, RUN, "x")

    asyncio.run(scenario())


TEXT = ["MLmodel", "x.MLmodel", "conda.yaml", "a.json", "a.py", "a.js", "a.ipynb", "log", "a.b.csv"]
OTHER = [
    "a.png",
    "a.html",
    "a.svg",
    "a.pdf",
    "a.tar.gz",
    "model.pkl",
    "a.unknown",
    "noextension",
    "README",
    ".txt",
    "a.",
]


@pytest.mark.parametrize("name", [*TEXT, *OTHER])
def test_media_types_are_mlflows(name: str) -> None:
    assert service.content_type(f"some.folder/{name}") == _guess_mime_type(name)


def test_a_name_cannot_choose_its_media_type() -> None:
    assert service.content_type("data:text/html,x") == "application/octet-stream"


@pytest.mark.parametrize("name", ["a.txt", "a b.txt", 'a"b\\c;d.txt', "100%.txt", "été.txt", "日本語", "a'(b).csv"])
def test_a_download_is_saved_under_its_name(name: str) -> None:
    headers = service.download_headers(f"folder/{name}")
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    disposition = headers["Content-Disposition"]
    if name.isascii():
        parsed = Message()
        parsed["Content-Disposition"] = disposition
        assert parsed.get_filename() == name
    else:
        kind, plain, extended = disposition.split("; ")
        assert kind == "attachment"
        assert plain.replace('"', "") in ("filename=ete.txt", "filename=download")
        assert extended.startswith("filename*=UTF-8''")
        assert unquote(extended.partition("''")[2]) == name
