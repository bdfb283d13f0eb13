"""Files and releases by the SDK: folders there and back, conditions, and what a server may not make of them."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

import mainspring as ms
from mainspring.kit.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from tests.client.answering import Answer, answering
from tests.components.server import MainspringServer

FILES = {"README.md": b"# Ice", "data/a.csv": b"a,b\n" * 500_000, "data/deeper/ä 100%.txt": b"", "data.csv": b"?"}


@pytest.fixture
def own(server: MainspringServer) -> Iterator[ms.Client]:
    """Yield a client of a project of the test's own."""
    path = f"files/p{uuid4().hex[:8]}"
    with ms.connect(server.url, project=path) as client:
        client.projects.create(path)
        yield client


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


def test_a_folder_there_and_back(own: ms.Client, folder: Path, tmp_path: Path) -> None:
    told: list[ms.Transfer] = []
    stored = own.files.upload(folder, progress=told.append)
    assert {file.path: file.size for file in stored} == {name: len(content) for name, content in FILES.items()}
    assert [file.path for file in own.files.list(page_size=2)] == sorted(FILES)
    assert [file.path for file in own.files.list("data/")] == ["data/a.csv", "data/deeper/ä 100%.txt"]
    last = [each for each in told if each.path == "data/a.csv"][-1]
    assert (last.done, last.size) == (2_000_000, 2_000_000)
    own.files.get("", tmp_path / "all")
    assert contents(tmp_path / "all") == FILES
    own.files.get("data/", tmp_path / "data")
    assert set(contents(tmp_path / "data")) == {"a.csv", "deeper/ä 100%.txt"}
    assert own.files.get("data.csv", tmp_path / "one") == tmp_path / "one" / "data.csv"
    own.files.delete("data.csv")
    with pytest.raises(NotFound):
        own.files.get("data.csv", tmp_path / "one")
    assert contents(tmp_path / "one") == {"data.csv": b"?"}


def test_releases(own: ms.Client, folder: Path, tmp_path: Path) -> None:
    own.files.put(folder / "README.md")
    made = own.releases.create("v1.0", description="The first one.")
    (folder / "README.md").write_bytes(b"# Newer")
    own.files.put(folder / "README.md")
    assert own.files.get("README.md", tmp_path / "then", ref="v1.0").read_bytes() == b"# Ice"
    assert own.files.get("README.md", tmp_path / "now").read_bytes() == b"# Newer"
    assert [each.tag for each in own.releases.list()] == ["v1.0"]
    assert own.releases.get("v1.0") == made
    assert [file.sha256 for file in own.files.list(ref=made.commit)] == [hashlib.sha256(b"# Ice").hexdigest()]
    with pytest.raises(AlreadyExists):
        own.releases.create("v1.0")
    own.releases.delete("v1.0")
    with pytest.raises(NotFound):
        own.releases.get("v1.0")


def test_a_file_that_somebody_changed_is_not_overwritten(own: ms.Client, folder: Path) -> None:
    mine = own.files.put(folder / "README.md", "notes/a.md")
    own.files.put(folder / "data.csv", "notes/a.md", if_match=mine.sha256)
    with pytest.raises(FailedPrecondition, match="read it again"):
        own.files.put(folder / "README.md", "notes/a.md", if_match=mine.sha256)
    with pytest.raises(FailedPrecondition):
        own.files.put(folder / "README.md", "notes/b.md", if_match="*")


@pytest.mark.parametrize("path", ["../up", "/abs", "a//b", "a\\b"])
def test_paths_that_no_file_has(own: ms.Client, folder: Path, path: str) -> None:
    with pytest.raises(InvalidArgument):
        own.files.put(folder / "README.md", path)
    with pytest.raises(InvalidArgument):
        own.files.get(path, folder)


def test_what_is_not_there_is_not_put(own: ms.Client, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="no file"):
        own.files.put(tmp_path / "nothing")
    with pytest.raises(InvalidArgument, match="no folder"):
        own.files.upload(tmp_path / "nothing")


@pytest.mark.parametrize("path", ["../evil", "data/../../evil", "/evil", "elsewhere/evil"])
def test_a_server_does_not_choose_where_files_are_written(tmp_path: Path, path: str) -> None:
    file = {"path": path, "size": 1, "sha256": "0" * 64, "created_by": "x", "updated_at": 1}
    listing = json.dumps({"items": [file], "next_page_token": None}).encode()
    serving = answering(lambda _method, _path: Answer(200, listing))
    with serving as server, ms.connect(server.url) as client, pytest.raises(InvalidArgument):
        client.files.get("data/", tmp_path / "to")
    assert contents(tmp_path) == {}
