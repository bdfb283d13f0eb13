"""Large files by the SDK: in parts, by signed URLs, going on after an interruption, checked by their hash."""

import hashlib
import json
import logging
import os
import re
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import mainspring as ms
from mainspring.client.transport import LARGE_BYTES, Transport, default_direct_from
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, MainspringError, NotFound, Unavailable
from mainspring.modules.artifacts.schemas import Artifact, Upload
from mainspring.modules.tracking.schemas import Run
from tests.client.answering import Answer, answering
from tests.components.server import MainspringServer

PART = 16 * 1024 * 1024
SIZE = 3 * PART + 12_345


class Interrupted(Exception):
    """What a user does with Ctrl-C."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of four parts."""
    path = tmp_path_factory.mktemp("large") / "large.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what is remembered of uploads in a folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mainspring" / "uploads"


@pytest.fixture
def server(sqlite_server: MainspringServer) -> MainspringServer:
    """Return the server; what the databases do is tested beside the services."""
    return sqlite_server


@pytest.fixture
def client(server: MainspringServer) -> Iterator[ms.Client]:
    """Yield a client to which every file is large."""
    with ms.connect(server.url, direct_from=0, retries=1) as connected:
        yield connected


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def interrupt_after(count: int) -> Any:
    """Return what breaks a transfer off once so many bytes have come."""

    def tell(transfer: ms.Transfer) -> None:
        if transfer.done > count:
            raise Interrupted

    return tell


def interrupted_upload(client: ms.Client, run: Run, file: Path) -> Upload:
    """Upload one and a half parts or more, and return what the server knows of it."""
    with pytest.raises(Interrupted):
        client.artifacts.upload(run.run_id, file, progress=interrupt_after(SIZE * 2 // 3))
    assert client.artifacts.list(run.run_id) == []
    return only_upload(client, run)


def only_upload(client: ms.Client, run: Run) -> Upload:
    [remembered] = Path(os.environ["XDG_CACHE_HOME"], "mainspring", "uploads").iterdir()
    upload_id = json.loads(remembered.read_bytes())["upload_id"]
    return client._transport.call(Upload, "GET", f"/runs/{run.run_id}/uploads/{upload_id}")


def test_there_and_back(client: ms.Client, run: Run, file: Path, cache: Path, tmp_path: Path) -> None:
    told: list[ms.Transfer] = []
    [stored] = client.artifacts.upload(run.run_id, file, "a b/%", progress=told.append)
    assert stored == Artifact("a b/%/large.bin", False, SIZE, sha256(file))
    assert [told[0].done, told[-1].done] == [0, SIZE]
    assert [each.done for each in told] == sorted(each.done for each in told)
    assert client.artifacts.list(run.run_id, "a b/%") == [stored]
    assert list(cache.iterdir()) == []
    told.clear()
    got = client.artifacts.download(run.run_id, "a b/%/large.bin", tmp_path / "out", progress=told.append)
    assert sha256(got) == sha256(file)
    assert [told[0].done, told[-1]] == [0, ms.Transfer("a b/%/large.bin", SIZE, SIZE)]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["large.bin"]
    assert sha256(client.artifacts.download(run.run_id, "a b", tmp_path / "folder") / "%" / "large.bin") == sha256(file)


def test_small_and_empty_files_by_signed_urls(client: ms.Client, run: Run, tmp_path: Path) -> None:
    for name, content in (("empty", b""), ("small", b"small")):
        (tmp_path / name).write_bytes(content)
        [stored] = client.artifacts.upload(run.run_id, tmp_path / name)
        assert stored.sha256 == hashlib.sha256(content).hexdigest()
        assert client.artifacts.download(run.run_id, name, tmp_path / "out").read_bytes() == content


def test_an_upload_goes_on(client: ms.Client, run: Run, file: Path, cache: Path) -> None:
    upload = interrupted_upload(client, run, file)
    assert upload.uploaded
    assert stat.S_IMODE(next(cache.iterdir()).stat().st_mode) == 0o600
    told: list[ms.Transfer] = []
    [stored] = client.artifacts.upload(run.run_id, file, progress=told.append)
    assert told[0].done == sum(part.size for part in upload.uploaded)
    assert stored.sha256 == sha256(file)
    assert list(cache.iterdir()) == []
    with pytest.raises(NotFound):
        client.runs.get("none")


def test_an_upload_starts_again(client: ms.Client, run: Run, file: Path) -> None:
    upload = interrupted_upload(client, run, file)
    told: list[ms.Transfer] = []
    client.artifacts.upload(run.run_id, file, progress=told.append, resume=False)
    assert told[0].done == 0
    path = f"/runs/{run.run_id}/uploads/{upload.upload_id}"
    assert client._transport.call(Upload, "GET", path).state == "aborted"


@pytest.mark.parametrize("change", ["file", "target", "server"])
def test_another_file_or_target_does_not_go_on(
    client: ms.Client, run: Run, file: Path, tmp_path: Path, change: str
) -> None:
    mine = tmp_path / "large.bin"
    mine.write_bytes(file.read_bytes())
    interrupted_upload(client, run, mine)
    folder = "elsewhere" if change == "target" else ""
    if change == "file":
        os.utime(mine, (1, 1))
    if change == "server":  # it has dropped the upload meanwhile
        upload = only_upload(client, run)
        client._transport.do("DELETE", f"/runs/{run.run_id}/uploads/{upload.upload_id}")
    told: list[ms.Transfer] = []
    client.artifacts.upload(run.run_id, mine, folder, progress=told.append)
    assert told[0].done == 0


def test_what_is_remembered_may_be_nonsense_or_unwritable(client: ms.Client, run: Run, file: Path, cache: Path) -> None:
    interrupted_upload(client, run, file)
    for remembered in cache.iterdir():
        remembered.write_text("{")
    client.artifacts.upload(run.run_id, file)
    cache.parent.rename(cache.parent.with_name("gone"))
    cache.parent.write_text("a file in place of the folder")
    assert client.artifacts.upload(run.run_id, file)[0].size == SIZE


def test_old_memories_are_forgotten(client: ms.Client, run: Run, file: Path, cache: Path) -> None:
    cache.mkdir(parents=True)
    for name, days in (("old.json", 8), ("new.json", 6)):
        (cache / name).touch()
        os.utime(cache / name, (time.time() - days * 86_400,) * 2)
    client.artifacts.upload(run.run_id, file)
    assert [path.name for path in cache.iterdir()] == ["new.json"]


def test_a_file_that_changes_while_it_is_uploaded(
    client: ms.Client, run: Run, file: Path, cache: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "f.bin"
    mine.write_bytes(file.read_bytes())

    def change(transfer: ms.Transfer) -> None:
        if transfer.done == SIZE:
            mine.write_bytes(os.urandom(SIZE))

    with pytest.raises(FailedPrecondition, match="has changed while it was uploaded"):
        client.artifacts.upload(run.run_id, mine, progress=change)
    assert client.artifacts.list(run.run_id) == []
    assert list(cache.iterdir()) == []


def test_a_file_that_shrinks(client: ms.Client, run: Run, file: Path, tmp_path: Path) -> None:
    mine = tmp_path / "f.bin"
    mine.write_bytes(file.read_bytes())
    with pytest.raises(FailedPrecondition, match="shorter"):
        client.artifacts.upload(run.run_id, mine, progress=lambda _: os.truncate(mine, 10))
    assert client.artifacts.list(run.run_id) == []


@pytest.mark.slow
def test_a_server_that_is_killed_and_comes_back(tmp_path: Path, file: Path) -> None:
    """Parts are sent again while it is away, and the download goes on where it was."""
    with MainspringServer(tmp_path / "data") as server, ms.connect(server.url, direct_from=0, retries=6) as client:
        run = client.runs.create("0")
        killed = threading.Event()

        def kill(transfer: ms.Transfer) -> None:
            if transfer.done > SIZE // 2 and not killed.is_set():
                killed.set()
                server.kill()
                threading.Thread(target=server.start).start()

        [stored] = client.artifacts.upload(run.run_id, file, progress=kill)
        assert killed.is_set()
        assert stored.sha256 == sha256(file)
        wait_for(server)
        killed.clear()
        got = client.artifacts.download(run.run_id, "large.bin", tmp_path / "out", progress=kill)
        assert killed.is_set()
        assert sha256(got) == sha256(file)
        wait_for(server)


def wait_for(server: MainspringServer) -> None:
    while True:
        try:
            httpx.get(f"{server.url}/readyz").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)


def test_a_download_goes_on(client: ms.Client, run: Run, file: Path, tmp_path: Path) -> None:
    client.artifacts.upload(run.run_id, file)
    out = tmp_path / "out"
    with pytest.raises(Interrupted):
        client.artifacts.download(run.run_id, "large.bin", out, progress=interrupt_after(SIZE // 2))
    [part] = out.iterdir()
    assert part.name.endswith(".part")
    come = part.stat().st_size
    assert come > SIZE // 2
    told: list[ms.Transfer] = []
    got = client.artifacts.download(run.run_id, "large.bin", out, progress=told.append)
    assert told[0].done == come
    assert sha256(got) == sha256(file)
    assert [path.name for path in out.iterdir()] == ["large.bin"]


def test_a_download_does_not_go_on_with_other_bytes(client: ms.Client, run: Run, file: Path, tmp_path: Path) -> None:
    client.artifacts.upload(run.run_id, file)
    out = tmp_path / "out"
    with pytest.raises(Interrupted):
        client.artifacts.download(run.run_id, "large.bin", out, progress=interrupt_after(SIZE // 2))
    newer = tmp_path / "large.bin"
    newer.write_bytes(os.urandom(SIZE))
    client.artifacts.upload(run.run_id, newer)
    told: list[ms.Transfer] = []
    got = client.artifacts.download(run.run_id, "large.bin", out, progress=told.append)
    assert told[0].done == 0
    assert sha256(got) == sha256(newer)


@pytest.mark.parametrize("damage", ["other bytes", "more bytes"])
def test_a_damaged_beginning_is_noticed(client: ms.Client, run: Run, file: Path, tmp_path: Path, damage: str) -> None:
    client.artifacts.upload(run.run_id, file)
    out = tmp_path / "out"
    (out).mkdir()
    (out / "large.bin").write_bytes(b"old")
    with pytest.raises(Interrupted):
        client.artifacts.download(run.run_id, "large.bin", out, progress=interrupt_after(SIZE // 2))
    [part] = out.glob(".*.part")
    part.write_bytes(bytes(1000) if damage == "other bytes" else bytes(SIZE + 1000))
    with pytest.raises(Unavailable, match=r"whoever uploaded it has announced .* Download it again"):
        client.artifacts.download(run.run_id, "large.bin", out)
    assert (out / "large.bin").read_bytes() == b"old"
    assert sha256(client.artifacts.download(run.run_id, "large.bin", out)) == sha256(file)


def test_a_file_that_changes_while_it_is_downloaded(
    client: ms.Client, server: MainspringServer, run: Run, file: Path, tmp_path: Path
) -> None:
    """The bytes of two files are not put together."""
    client.artifacts.upload(run.run_id, file)
    out = tmp_path / "out"

    def change(transfer: ms.Transfer) -> None:
        if 0 < transfer.done < SIZE // 2:
            other = tmp_path / "large.bin"
            other.write_bytes(b"x" * SIZE)
            client.artifacts.upload(run.run_id, other)
            raise Unavailable("The connection broke.")

    with pytest.raises(Unavailable, match="has changed while it was downloaded"):
        client.artifacts.download(run.run_id, "large.bin", out, progress=change)
    assert list(out.iterdir()) == []


def test_two_downloads_at_once(client: ms.Client, run: Run, file: Path, tmp_path: Path) -> None:
    client.artifacts.upload(run.run_id, file)
    refused: list[MainspringError] = []

    def second(transfer: ms.Transfer) -> None:
        if not refused:
            with pytest.raises(FailedPrecondition, match="by another process") as caught:
                client.artifacts.download(run.run_id, "large.bin", tmp_path)
            refused.append(caught.value)

    assert sha256(client.artifacts.download(run.run_id, "large.bin", tmp_path, progress=second)) == sha256(file)
    assert refused


def test_a_link_in_place_of_the_beginning_is_not_followed(
    client: ms.Client, run: Run, file: Path, tmp_path: Path
) -> None:
    client.artifacts.upload(run.run_id, file)
    out, victim = tmp_path / "out", tmp_path / "victim"
    victim.write_bytes(b"mine")
    with pytest.raises(Interrupted):
        client.artifacts.download(run.run_id, "large.bin", out, progress=interrupt_after(SIZE // 2))
    [part] = out.iterdir()
    part.unlink()
    part.symlink_to(victim)
    with pytest.raises(FailedPrecondition):
        client.artifacts.download(run.run_id, "large.bin", out)
    assert victim.read_bytes() == b"mine"


def test_a_signed_url_for_anyone(client: ms.Client, run: Run, tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("hello")
    client.artifacts.upload(run.run_id, tmp_path / "f.txt", "a b")
    signed = client.artifacts.sign_download(run.run_id, "a b/f.txt", expires_s=60)
    assert (signed.size, signed.signed.direct) == (5, False)
    assert httpx.get(signed.signed.url).text == "hello"
    with pytest.raises(NotFound):
        client.artifacts.sign_download(run.run_id, "none")
    with pytest.raises(InvalidArgument):
        client.artifacts.sign_download(run.run_id, "../x")
    with pytest.raises(InvalidArgument):
        client.artifacts.sign_download(run.run_id, "a b/f.txt", expires_s=10**9)


def test_what_is_large(monkeypatch: pytest.MonkeyPatch, server: MainspringServer) -> None:
    assert default_direct_from() == LARGE_BYTES == 64 * 1024**2
    monkeypatch.setenv("MAINSPRING_DIRECT_FROM", "1000")
    assert default_direct_from() == 1000
    with ms.connect(server.url) as client:
        assert client._transport.direct_from == 1000
    with ms.connect(server.url, direct_from=7) as client:
        assert client._transport.direct_from == 7
    for wrong in ("x", "-1", "1e3", "64 MiB"):
        monkeypatch.setenv("MAINSPRING_DIRECT_FROM", wrong)
        with pytest.raises(InvalidArgument, match="MAINSPRING_DIRECT_FROM is"):
            ms.connect(server.url)


# A store of its own, which the server sends the client to.


def sent_to(store: str, hash_of: bytes, size: int) -> dict[str, Any]:
    signed = {"method": "GET", "url": store, "headers": {"X-Signed": "1"}, "expires_at": 0, "direct": True}
    digest = hashlib.sha256(hash_of).hexdigest()
    return {"path": "f", "size": size, "etag": '"e"', "sha256": digest, "verified": True, "signed": signed}


def download_from(store: Answer, tmp_path: Path, told: bytes = b"hello", size: int = 5) -> tuple[Path, list[Any]]:
    """Download ``f`` from a server that sends its client to a store which answers so."""
    headers: list[Any] = []
    with answering(lambda *_: store, headers) as there:
        offer = json.dumps(sent_to(f"{there.url}/bucket/f?X-Amz-Signature=secret", told, size)).encode()
        listing = Answer(content=b'{"items": []}')
        with (
            answering(lambda _, path: listing if "?path=" in path else Answer(content=offer)) as server,
            ms.connect(server.url.replace("http://", "http://me:password@"), direct_from=0, retries=1) as client,
        ):
            return client.artifacts.download("r", "f", tmp_path), headers


WHOLE = {"ETag": '"e"', "Content-Range": "bytes 0-4/5"}


def test_the_store_gets_nothing_that_is_meant_for_the_server(tmp_path: Path) -> None:
    path, [headers] = download_from(Answer(206, b"hello", WHOLE), tmp_path)
    assert path.read_bytes() == b"hello"
    assert headers["X-Signed"] == "1"
    assert headers["Range"] == "bytes=0-"
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(206, b"hello", WHOLE | {"ETag": '"other"'}), "not sent as it was asked for"),
        (Answer(206, b"hello", WHOLE | {"Content-Range": "bytes 1-5/5"}), "not sent as it was asked for"),
        (Answer(200, b"hello", {"ETag": '"e"'}), "not sent as it was asked for"),
        (Answer(206, b"hallo", WHOLE), "the server has recorded"),
        (Answer(206, b"hel", WHOLE, cut=True), "not sent as it was asked for, from byte 3"),
        (Answer(403, b"<Error><Code>AccessDenied</Code></Error>"), "AccessDenied"),
        (Answer(404, b"<Error><Code>NoSuchKey</Code></Error>"), "NoSuchKey"),
        (Answer(503, b"slow down"), "status 503"),
        (Answer(307, b"", {"Location": "http://evil.example/"}), "status 307"),
    ],
)
def test_a_store_that_does_not_do_as_asked(
    answer: Answer, says: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And no message tells the signed URL."""
    caplog.set_level(logging.INFO)
    assert not logging.getLogger("httpx").disabled
    (tmp_path / "f").write_bytes(b"old")
    with pytest.raises(MainspringError, match=says) as caught:
        download_from(answer, tmp_path)
    assert "secret" not in caught.value.message
    assert "HTTP Request: GET http://127.0.0.1" in caplog.text
    assert not re.search("secret|password", caplog.text)
    assert (tmp_path / "f").read_bytes() == b"old"


def test_a_store_that_cannot_be_reached(tmp_path: Path) -> None:
    offer = json.dumps(sent_to("http://127.0.0.1:9/bucket/f?X-Amz-Signature=secret", b"hello", 5)).encode()
    listing = Answer(content=b'{"items": []}')
    with (
        answering(lambda _, path: listing if "?path=" in path else Answer(content=offer)) as server,
        ms.connect(server.url, direct_from=0, retries=0) as client,
        pytest.raises(
            Unavailable, match=r"No store answers at http://127\.0\.0\.1:9, .*must be reached from here too"
        ) as caught,
    ):
        client.artifacts.download("r", "f", tmp_path)
    assert "secret" not in caught.value.message


def test_a_small_file_is_checked_too(tmp_path: Path) -> None:
    """Its hash comes with it."""
    digest = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"
    listing = json.dumps({"items": [{"path": "d/f", "is_dir": False, "size": 5}]}).encode()

    def serve(content: bytes) -> Any:
        return lambda _, path: (
            Answer(content=listing) if "?path=" in path else Answer(200, content, {"Repr-Digest": digest})
        )

    with answering(serve(b"hello")) as server, ms.connect(server.url) as client:
        client.artifacts.download("r", "d", tmp_path)
    assert (tmp_path / "d" / "f").read_bytes() == b"hello"
    with (
        answering(serve(b"hallo")) as server,
        ms.connect(server.url) as client,
        pytest.raises(Unavailable, match="has not the hash that the server tells"),
    ):
        client.artifacts.download("r", "d", tmp_path)
    assert (tmp_path / "d" / "f").read_bytes() == b"hello"


def test_a_listing_is_walked_page_by_page() -> None:
    pages = {"": ("a", "t1"), "t1": ("b", "t2"), "t2": ("c", None)}

    def choose(_: str, path: str) -> Answer:
        token = path.partition("page_token=")[2]
        name, following = pages[token]
        items = [{"path": name, "is_dir": False, "size": 1}]
        return Answer(content=json.dumps({"items": items, "next_page_token": following}).encode())

    with answering(choose) as server, ms.connect(server.url) as client:
        assert [each.path for each in client.artifacts.list("r")] == ["a", "b", "c"]


def test_a_transport_is_closed(server: MainspringServer) -> None:
    transport = Transport(server.url, 5, 0, 0)
    transport.close()
    with pytest.raises(RuntimeError, match="closed"):
        transport.do("GET", "/runs/x")
