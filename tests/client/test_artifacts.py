"""Files of runs by the SDK: folders there and back, and what a bad server or a bad moment may not do."""

import hashlib
import json
import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import mainspring as ms
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable
from mainspring.modules.artifacts.schemas import Artifact
from mainspring.modules.tracking.schemas import Run
from tests.client.answering import Answer, answering

FILES = {"a.txt": b"a", "sub/b.bin": os.urandom(2_500_000), "sub/deeper/ä 100%.txt": b"", "sub/c d+e": b"?"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with files to upload."""
    for name, content in FILES.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "folder"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_there_and_back(client: ms.Client, run: Run, folder: Path, tmp_path: Path) -> None:
    stored = client.artifacts.upload(run.run_id, folder, "model")
    assert {artifact.path: artifact.size for artifact in stored} == {
        f"model/{name}": len(content) for name, content in FILES.items()
    }
    assert [(each.path, each.is_dir) for each in client.artifacts.list(run.run_id)] == [("model", True)]
    assert client.artifacts.download(run.run_id, "model", tmp_path / "out") == tmp_path / "out" / "model"
    assert contents(tmp_path / "out" / "model") == FILES
    assert client.artifacts.download(run.run_id, to=tmp_path / "all") == tmp_path / "all"
    assert contents(tmp_path / "all" / "model") == FILES
    assert client.artifacts.download(run.run_id, "model/sub/b.bin", tmp_path / "one") == tmp_path / "one" / "b.bin"
    assert contents(tmp_path / "one") == {"b.bin": FILES["sub/b.bin"]}
    client.artifacts.delete(run.run_id, "model/sub")
    assert [each.path for each in client.artifacts.list(run.run_id, "model")] == ["model/a.txt"]


def test_one_file_goes_into_the_folder_that_was_named(client: ms.Client, run: Run, folder: Path) -> None:
    client.artifacts.upload(run.run_id, folder / "a.txt")
    client.artifacts.upload(run.run_id, str(folder / "a.txt"), "deep/er")
    assert [each.path for each in client.artifacts.list(run.run_id, "deep/er")] == ["deep/er/a.txt"]
    assert [each.path for each in client.artifacts.list(run.run_id)] == ["a.txt", "deep"]


def test_progress(client: ms.Client, run: Run, folder: Path, tmp_path: Path) -> None:
    told: list[ms.Transfer] = []
    size = len(FILES["sub/b.bin"])
    client.artifacts.upload(run.run_id, folder / "sub" / "b.bin", progress=told.append)
    assert [told[0], told[-1]] == [ms.Transfer("b.bin", 0, size), ms.Transfer("b.bin", size, size)]
    assert len(told) > 3
    told.clear()
    client.artifacts.download(run.run_id, "", tmp_path / "out", progress=told.append)
    assert told[-1] == ms.Transfer("b.bin", size, size)


def test_what_is_not_there(client: ms.Client, run: Run, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        client.artifacts.download(run.run_id, "nothing", tmp_path / "out")
    with pytest.raises(InvalidArgument, match="no file or folder"):
        client.artifacts.upload(run.run_id, tmp_path / "nothing")
    assert client.artifacts.list(run.run_id, "nothing") == []
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "a\\b", "%2e%2e/x", "a//b", "a\0b"])
def test_paths_that_lead_out_are_not_even_sent(path: str, tmp_path: Path) -> None:
    with answering(lambda *_: Answer()) as server, ms.connect(server.url) as client:
        for call in (client.artifacts.list, client.artifacts.download, client.artifacts.delete):
            with pytest.raises(InvalidArgument):
                call("r", path)
        (tmp_path / "f").touch()
        with pytest.raises(InvalidArgument):
            client.artifacts.upload("r", tmp_path / "f", path)
    assert server.asked == []


@pytest.mark.parametrize(
    "path", ["../escaped", "/escaped", "model/../../escaped", "escaped", "model", "model/a/escaped", "model/..", "C:/x"]
)
def test_a_server_cannot_name_a_file_outside(path: str, tmp_path: Path) -> None:
    def choose(method: str, asked: str) -> Answer:
        listing = {"items": [{"path": path, "is_dir": False, "size": 3}]}
        return Answer(content=json.dumps(listing).encode() if "?path=" in asked else b"bad")

    with answering(choose) as server, ms.connect(server.url) as client, pytest.raises(InvalidArgument):
        client.artifacts.download("r", "model", tmp_path / "out")
    assert contents(tmp_path) == {}


def test_links_in_the_destination_are_not_followed(tmp_path: Path) -> None:
    def choose(method: str, asked: str) -> Answer:
        folder = parse_qs(urlsplit(asked).query).get("path", [None])[0]
        items = {"model": [("model/sub", True)], "model/sub": [("model/sub/x", False)]}.get(folder or "", [])
        listing = {"items": [{"path": path, "is_dir": is_dir, "size": None} for path, is_dir in items]}
        return Answer(content=json.dumps(listing).encode() if folder is not None else b"bad")

    (tmp_path / "outside").mkdir()
    (tmp_path / "out" / "model").mkdir(parents=True)
    (tmp_path / "out" / "model" / "sub").symlink_to(tmp_path / "outside")
    with answering(choose) as server, ms.connect(server.url) as client, pytest.raises(FailedPrecondition, match="link"):
        client.artifacts.download("r", "model", tmp_path / "out")
    assert contents(tmp_path / "outside") == {}


def test_a_download_that_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    def choose(method: str, asked: str) -> Answer:
        return Answer(content=b'{"items": []}') if "?path=" in asked else Answer(content=b"new", cut=True)

    (tmp_path / "f").write_bytes(b"old")
    with answering(choose) as server, ms.connect(server.url) as client, pytest.raises(Unavailable, match="broke"):
        client.artifacts.download("r", "f", tmp_path)
    assert contents(tmp_path) == {"f": b"old"}


def test_a_file_in_the_way_of_a_folder(client: ms.Client, run: Run, folder: Path, tmp_path: Path) -> None:
    client.artifacts.upload(run.run_id, folder, "model")
    (tmp_path / "model").write_bytes(b"mine")
    with pytest.raises(FailedPrecondition, match="model"):
        client.artifacts.download(run.run_id, "model", tmp_path)
    assert (tmp_path / "model").read_bytes() == b"mine"


def test_a_file_that_shrinks_while_it_is_uploaded(client: ms.Client, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(os.urandom(3_000_000))

    def shrink(transfer: ms.Transfer) -> None:
        os.truncate(file, 1_500_000)

    with pytest.raises(FailedPrecondition, match="shorter"):
        client.artifacts.upload(run.run_id, file, progress=shrink)
    assert client.artifacts.list(run.run_id) == []


def test_a_file_that_changes_while_it_is_uploaded(client: ms.Client, run: Run, tmp_path: Path) -> None:
    """Its hash was sent with it, so the server stores no mixture."""
    file = tmp_path / "f"
    file.write_bytes(os.urandom(3_000_000))
    client.artifacts.upload(run.run_id, file)
    [old] = client.artifacts.list(run.run_id)

    def change(transfer: ms.Transfer) -> None:
        if transfer.done == 0:
            file.write_bytes(os.urandom(3_000_000))

    with pytest.raises(InvalidArgument, match="it was changed on its way, or while it was read"):
        client.artifacts.upload(run.run_id, file, progress=change)
    assert client.artifacts.list(run.run_id) == [old]


def test_hashes_are_listed(client: ms.Client, run: Run, folder: Path) -> None:
    stored = client.artifacts.upload(run.run_id, folder)
    assert {each.path: each.sha256 for each in stored} == {
        name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()
    }
    assert client.artifacts.list(run.run_id) == [stored[0], Artifact("sub", True, None)]


def test_files_of_a_version(client: ms.Client, run: Run, folder: Path, tmp_path: Path) -> None:
    client.artifacts.upload(run.run_id, folder, "model")
    name = f"files {run.run_id}"
    client.models.create(name)
    client.models.create_version(name, f"runs:/{run.run_id}/model", run_id=run.run_id)
    assert [each.path for each in client.models.list_files(name, 1, "sub")] == [
        "sub/b.bin",
        "sub/c d+e",
        "sub/deeper",
    ]
    assert client.models.download(name, 1, to=tmp_path / "out") == tmp_path / "out"
    assert contents(tmp_path / "out") == FILES
