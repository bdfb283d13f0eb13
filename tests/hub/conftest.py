"""A server with projects of each kind, read by the real client of the Hugging Face Hub."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from huggingface_hub import HfApi

from tests.components.accounts import Guarded
from tests.components.git_repositories import Repository
from tests.components.ports import wait_until

AT = 1_700_000_000
MODEL, DATASET, DEEP = "lab/weights", "open/tides", "lab/deep/er/net"
GIT, PRIVATE = "shared/flood", "shared/private"
MODEL_TOPICS, DATASET_TOPICS = ["sharinghub:aimodel", "vision"], ["sharinghub:dataset", "sea level"]
LARGE = random.Random(7).randbytes(3_000_000)
FILES = {
    "README.md": b"# Weights\n\nA classifier.\n",
    "config.json": b'{"layers": 2}',
    "weights/model.bin": LARGE,
    "weights/old/first.bin": b"first",
    "tracking/runs.csv": b"run,loss\n1,0.5\n",
    "empty.txt": b"",
    "odd name +1 100%25.txt": b"odd",
}
CHANGED = b'{"layers": 3}'
LFS = b"a large file " * 500


@dataclass(frozen=True)
class Hub:
    """The server, and clients of it: ``bob`` may read the private model, ``gil`` is its guest, ``eve`` has no role."""

    server: Guarded

    def token(self, name: str) -> str | bool:
        """Return somebody's API key; False is nobody's."""
        return self.server.tokens[name] if name else False

    def api(self, name: str = "bob") -> HfApi:
        """Return the client of somebody."""
        return HfApi(endpoint=self.server.url, token=self.token(name))


def fill(server: Guarded, path: str, files: dict[str, bytes], **body: Any) -> None:
    """Make a project with files."""
    answer = server.admin.post("/api/v1/projects", json={"path": path} | body)
    assert answer.status_code == 201, answer.text
    for name, content in files.items():
        quoted = quote(name)
        answer = server.admin.put(f"/p/{path}/api/v1/files/{quoted}", content=content)
        assert answer.status_code == 200, answer.text


def release(server: Guarded, path: str, tag: str) -> None:
    """Release the files of a project as they are."""
    answer = server.admin.post(f"/p/{path}/api/v1/releases", json={"tag": tag})
    assert answer.status_code == 201, answer.text


def build_repository(folder: Path) -> None:
    """Build the projects of the git folder: a public one, whose default branch is not ``main``, and a private one."""
    flood = Repository(folder / f"{GIT}.git")
    flood.configure(topics="sharinghub:aimodel", visibility="public")
    pointer = flood.add_lfs(LFS)
    first = flood.commit({"a.txt": b"first", "flood.onnx": pointer}, AT, "trunk")
    flood.tag("v1", first)
    flood.commit({"a.txt": b"second", "flood.onnx": pointer, "in/side.txt": b"deep"}, AT + 1, "trunk")
    flood.commit({"a.txt": b"feature"}, AT + 2, "feature/x")
    flood.repo.refs.set_symbolic_ref(b"HEAD", b"refs/heads/trunk")
    private = Repository(folder / f"{PRIVATE}.git")
    private.commit({"README.md": b"---\ntopics: [sharinghub:aimodel]\n---\n# Private\n"}, AT)


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Yield the server."""
    folder = tmp_path_factory.mktemp("hub")
    build_repository(folder / "git")
    settings = {"MAINSPRING_PUBLIC_READ": "true", "MAINSPRING_SOURCES": f"git:{folder / 'git'}"}
    with Guarded(folder / "data", environment=settings) as server:
        for name in ("bob", "gil", "eve"):
            server.add_user(name)
        fill(server, MODEL, FILES, topics=MODEL_TOPICS)
        release(server, MODEL, "v1.0")
        server.admin.put(f"/p/{MODEL}/api/v1/files/config.json", content=CHANGED)
        server.set_member(MODEL, "bob", "reporter")
        server.set_member(MODEL, "gil", "guest")
        tides = {"data/a.csv": b"a,b\n1,2\n"}
        fill(server, DATASET, tides, topics=DATASET_TOPICS, visibility="public", description="Tides of a year")
        fill(server, DEEP, {"net.bin": b"net"}, topics=MODEL_TOPICS)
        server.set_member(DEEP, "bob", "reporter")
        fill(server, "lab/empty", {}, topics=MODEL_TOPICS)
        fill(server, "lab/plain", {"a.txt": b"a"})
        api = HfApi(endpoint=server.url, token=server.tokens["root"])
        wait_until(lambda: api.repo_exists(GIT) and api.repo_exists(PRIVATE), "the projects of the git folder")
        yield Hub(server)
