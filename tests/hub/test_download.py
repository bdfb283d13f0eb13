"""Files of repositories, downloaded by ``huggingface_hub``."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.components.environment import fresh_environment
from tests.components.proxy import Proxy
from tests.hub.conftest import CHANGED, DATASET, DEEP, FILES, GIT, LARGE, LFS, MODEL, PRIVATE, Hub

SHA256 = hashlib.sha256(LARGE).hexdigest()


def download(hub: Hub, cache: Path, repo: str, file: str, name: str = "bob", **more: Any) -> bytes:
    """Return a file as it lies in the cache afterwards."""
    path = hf_hub_download(repo, file, endpoint=hub.server.url, token=hub.token(name), cache_dir=cache, **more)
    return Path(path).read_bytes()


@pytest.mark.parametrize("file", [name for name in FILES if name != "config.json"])
def test_a_file_is_downloaded(hub: Hub, tmp_path: Path, file: str) -> None:
    assert download(hub, tmp_path, MODEL, file) == FILES[file]


def test_a_revision_is_a_branch_a_tag_or_a_commit(hub: Hub, tmp_path: Path) -> None:
    assert download(hub, tmp_path, MODEL, "config.json") == CHANGED
    assert download(hub, tmp_path, MODEL, "config.json", revision="main") == CHANGED
    assert download(hub, tmp_path, MODEL, "config.json", revision="v1.0") == FILES["config.json"]
    commit = hub.api().model_info(MODEL, revision="v1.0").sha
    assert download(hub, tmp_path, MODEL, "config.json", revision=commit) == FILES["config.json"]


def test_a_git_repository_is_read_at_each_of_its_refs(hub: Hub, tmp_path: Path) -> None:
    """Its default branch is no ``main``, which is what clients ask for."""
    for revision, content in ((None, b"second"), ("main", b"second"), ("v1", b"first"), ("feature/x", b"feature")):
        assert download(hub, tmp_path, GIT, "a.txt", revision=revision) == content
    assert download(hub, tmp_path, GIT, "flood.onnx") == LFS
    with pytest.raises(RevisionNotFoundError):
        download(hub, tmp_path, GIT, "a.txt", revision="master")


def test_a_project_of_a_deeper_namespace_goes_by_its_slug(hub: Hub, tmp_path: Path) -> None:
    (found,) = [model.id for model in hub.api().list_models(author="lab/deep/er")]
    assert "/" not in found
    assert download(hub, tmp_path, found, "net.bin") == b"net"
    assert DEEP not in [model.id for model in hub.api().list_models()]


def test_a_whole_repository_is_downloaded(hub: Hub, tmp_path: Path) -> None:
    options = {"endpoint": hub.server.url, "token": hub.token("bob")}
    folder = Path(snapshot_download(MODEL, cache_dir=tmp_path / "cache", **options))
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == FILES | {"config.json": CHANGED}
    assert folder == Path(snapshot_download(MODEL, cache_dir=tmp_path / "cache", local_files_only=True, **options))
    some = Path(snapshot_download(MODEL, local_dir=tmp_path / "some", allow_patterns=["weights/*.bin"], **options))
    assert sorted(path.name for path in (some / "weights").rglob("*.bin")) == ["first.bin", "model.bin"]
    assert not (some / "README.md").exists()
    old = Path(snapshot_download(MODEL, revision="v1.0", cache_dir=tmp_path / "cache", **options))
    assert (old / "config.json").read_bytes() == FILES["config.json"]
    data = Path(snapshot_download(DATASET, repo_type="dataset", cache_dir=tmp_path / "cache", **options))
    assert (data / "data/a.csv").read_bytes() == b"a,b\n1,2\n"


def test_what_was_broken_off_goes_on(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client asks for the rest alone."""
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 65_536)
    with Proxy(hub.server.port) as proxy:
        proxy.cut_answers = 2_000_000
        options = {"endpoint": proxy.url, "token": hub.token("bob"), "cache_dir": tmp_path}
        path = hf_hub_download(MODEL, "weights/model.bin", **options)
        assert Path(path).read_bytes() == LARGE
        assert len(LARGE) < proxy.answered_bytes < len(LARGE) + 500_000


def test_a_private_repository_is_its_members(hub: Hub, tmp_path: Path) -> None:
    for name in ("", "eve"):
        with pytest.raises(RepositoryNotFoundError):
            download(hub, tmp_path, MODEL, "config.json", name)
        with pytest.raises(RepositoryNotFoundError):
            snapshot_download(MODEL, endpoint=hub.server.url, token=hub.token(name), cache_dir=tmp_path)
    with pytest.raises(RepositoryNotFoundError):
        download(hub, tmp_path, "lab/never-was", "config.json")


def test_a_private_git_repository_is_for_whom_a_role_is_granted_here(hub: Hub, tmp_path: Path) -> None:
    assert b"# Private" in download(hub, tmp_path / "root", PRIVATE, "README.md", "root")
    with pytest.raises(RepositoryNotFoundError):
        download(hub, tmp_path, PRIVATE, "README.md")
    hub.server.set_member(PRIVATE, "bob", "reporter")
    assert b"# Private" in download(hub, tmp_path, PRIVATE, "README.md")


def test_a_guest_has_no_files(hub: Hub, tmp_path: Path) -> None:
    assert hub.api("gil").repo_exists(MODEL)
    with pytest.raises(LocalEntryNotFoundError) as missed:  # nor has an earlier download left it
        download(hub, tmp_path, MODEL, "config.json", "gil")
    assert isinstance(missed.value.__cause__, HfHubHTTPError)
    assert missed.value.__cause__.response.status_code == 403
    for ask in (hub.api("gil").list_repo_refs, hub.api("gil").list_repo_files):
        with pytest.raises(HfHubHTTPError) as refused:
            ask(MODEL)
        assert refused.value.response.status_code == 403
    with pytest.raises((HfHubHTTPError, LocalEntryNotFoundError)):
        snapshot_download(MODEL, endpoint=hub.server.url, token=hub.token("gil"), cache_dir=tmp_path)


def test_everyone_reads_what_is_public(hub: Hub, tmp_path: Path) -> None:
    for name in ("", "eve"):
        assert download(hub, tmp_path / f"of {name}", DATASET, "data/a.csv", name, repo_type="dataset") == b"a,b\n1,2\n"
    with pytest.raises(RepositoryNotFoundError):  # it is no model
        download(hub, tmp_path, DATASET, "data/a.csv")
    with pytest.raises(RepositoryNotFoundError):  # nor is what is of no category
        download(hub, tmp_path, "lab/plain", "a.txt", "root")


def test_what_is_not_there_is_told_apart(hub: Hub, tmp_path: Path) -> None:
    for file in ("nothing.txt", "weights", "tracking", "config.json/x"):
        with pytest.raises(RemoteEntryNotFoundError):
            download(hub, tmp_path, MODEL, file)
    for revision in ("nothing", "v1.0/x", "0" * 40, "-x", "main~1", "..x"):
        with pytest.raises(RevisionNotFoundError):
            download(hub, tmp_path, MODEL, "config.json", revision=revision)
    # What is not there at a commit is remembered by it.
    assert list(tmp_path.glob("*/.no_exist/*/nothing.txt"))


def test_a_token_that_is_no_good_is_told(hub: Hub) -> None:
    answer = httpx.get(f"{hub.server.url}/api/models/{MODEL}", headers={"authorization": "Bearer msk_nobody"})
    assert answer.status_code == 401
    assert answer.headers["x-error-message"] == "Invalid credentials in Authorization header"
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        HfApi(endpoint=hub.server.url, token="msk_nobody").whoami()


class Raw:
    """Plain requests for one file, as bob."""

    def __init__(self, hub: Hub, file: str = "weights/model.bin") -> None:
        self.client = hub.server.client("bob")
        self.url = f"/{MODEL}/resolve/main/{file}"

    def ask(self, method: str = "GET", **headers: str) -> httpx.Response:
        """Ask for the file."""
        return self.client.request(
            method, self.url, headers={name.replace("_", "-"): headers[name] for name in headers}
        )


def test_head_tells_all_and_sends_nothing(hub: Hub) -> None:
    answer = Raw(hub).ask("HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == answer.headers["x-linked-size"] == str(len(LARGE))
    assert answer.headers["etag"] == answer.headers["x-linked-etag"] == f'"{SHA256}"'
    assert answer.headers["x-repo-commit"] == hub.api().model_info(MODEL).sha
    assert answer.headers["content-disposition"] == "attachment; filename=model.bin"
    assert answer.headers["accept-ranges"] == "bytes"


def test_one_range_is_sent(hub: Hub) -> None:
    raw = Raw(hub)
    part = raw.ask(range="bytes=1000-1999")
    assert (part.status_code, part.content) == (206, LARGE[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(LARGE)}"
    assert part.headers["x-linked-size"] == str(len(LARGE))
    assert raw.ask(range="bytes=-10").content == LARGE[-10:]
    beyond = raw.ask(range=f"bytes={len(LARGE)}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(LARGE)}")
    assert raw.ask(if_none_match=f'"{SHA256}"').status_code == 304
    assert raw.ask(range="bytes=0-9", if_range='"other"').status_code == 200


def test_a_page_is_not_shown_as_one(hub: Hub) -> None:
    answer = hub.server.admin.put(f"/p/{DEEP}/api/v1/files/page.html", content=b"<script>alert(1)</script>")
    assert answer.status_code == 200
    (slug,) = [model.id for model in hub.api().list_models(author="lab/deep/er")]
    page = hub.server.client("bob").get(f"/{slug}/resolve/main/page.html")
    assert page.headers["content-type"] == "text/plain"
    assert page.headers["content-disposition"].startswith("attachment")
    assert page.headers["x-content-type-options"] == "nosniff"


def test_the_client_needs_nothing_but_its_environment(hub: Hub, tmp_path: Path) -> None:
    program = f"""
from huggingface_hub import hf_hub_download, list_models
print(open(hf_hub_download({MODEL!r}, "config.json")).read())
print([model.id for model in list_models(search="weights")])
"""
    settings = {"HF_ENDPOINT": hub.server.url, "HF_TOKEN": hub.server.tokens["bob"], "HF_HOME": str(tmp_path)}
    environment = {**fresh_environment(), "PATH": os.environ["PATH"], **settings}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines() == [CHANGED.decode(), f"['{MODEL}']"], done.stderr
