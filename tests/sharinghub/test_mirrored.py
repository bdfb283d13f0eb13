"""Projects that GitLab keeps: downloads with everybody's own eyes, and a remote for DVC by GitLab's ids."""

from __future__ import annotations

import asyncio
import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import select

from mainspring.db.engine import Database
from mainspring.engines.blobs import open_store
from mainspring.engines.sources import open_source
from mainspring.kit.actors import Actor, ActorKind
from mainspring.modules.catalog import service as catalog
from mainspring.modules.identity.tables import users
from mainspring.modules.projects.tables import projects
from mainspring.modules.services import Services
from mainspring.settings import Settings
from tests.components.gitlab import CLIENT_ID, double_of_gitlab
from tests.components.ports import wait_until
from tests.server.test_source_access import Double, Server

SHIPS, FLOODS, BROKEN = "eo-lab/restricted-ship-detector", "eo-lab/flood-model", "eo-lab/broken-metadata"
ODD = "dir with space/ünïcode & #hash.txt"


@pytest.fixture(scope="module")
def gitlab() -> Iterator[Double]:
    """Yield a double of GitLab that these tests change."""
    for url in double_of_gitlab():
        yield Double(url)


@pytest.fixture(scope="module")
def server(gitlab: Double, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield a server of that GitLab, which asks it at each request who may do what."""
    with Server(tmp_path_factory.mktemp("mirrored") / "data", gitlab.url, 0) as server:

        def known() -> bool:
            return ask(server, "double-bob", f"/api/check/{SHIPS}").status_code == 200 and (
                ask(server, None, f"/api/check/{BROKEN}").status_code == 200
            )

        wait_until(known, "the projects to come from GitLab", 30)
        yield server


def ask(server: Server, token: str | None, path: str, method: str = "GET", **more: object) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    headers |= dict(more.pop("headers", {}))  # type: ignore[call-overload]
    return httpx.request(method, server.url + path, headers=headers, **more)  # type: ignore[arg-type]


WHO = [("double-bob", 200), ("double-carol", 200), ("double-dave", 403), ("double-eve", 404), (None, 404)]


@pytest.mark.parametrize(("token", "status"), WHO, ids=[str(token) for token, _ in WHO])
@pytest.mark.parametrize(
    "path",
    [
        "/api/download/eo-lab-restricted-ship-detector/README.md",
        f"/api/download/{SHIPS}?path=README.md&ref=main",
        f"/api/download/{SHIPS}/repository/README.md?ref=main",
        f"/api/download/{SHIPS}/archive.zip?ref=main",
        "/api/download/105?path=README.md",
    ],
)
def test_a_private_project(server: Server, token: str | None, status: int, path: str) -> None:
    answer = ask(server, token, path)
    assert answer.status_code == status, answer.text
    assert "double-" not in answer.text + str(answer.headers)


@pytest.mark.parametrize(("token", "status"), WHO, ids=[str(token) for token, _ in WHO])
def test_whether_it_is_there(server: Server, token: str | None, status: int) -> None:
    shown = 200 if status == 403 else status  # who may not read its files sees it
    for name in ("105", SHIPS, "eo-lab-restricted-ship-detector"):
        answer = ask(server, token, f"/api/check/{name}?info=true")
        assert answer.status_code == shown
        if shown == 200:
            assert (answer.json()["id"], answer.json()["path"]) == (105, SHIPS)
    levels = {"double-bob": 30, "double-carol": 20, "double-dave": 10}
    if token in levels:
        assert ask(server, token, "/api/check/105?info=true").json()["access_level"] == levels[token]


def test_odd_names(server: Server) -> None:
    answer = ask(server, None, f"/api/download/eo-lab-broken-metadata/{quote(ODD)}?ref=main")
    assert (answer.status_code, answer.content) == (200, b"odd name\n")
    assert answer.headers["content-disposition"].endswith("filename*=UTF-8''%C3%BCn%C3%AFcode%20&%20#hash.txt")
    archive = ask(server, None, f"/api/download/{BROKEN}/archive.zip?ref=main")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        assert f"broken-metadata-main/{ODD}" in opened.namelist()


def test_a_large_file_is_sent_itself_and_in_parts(server: Server) -> None:
    url = f"/api/download/{FLOODS}?path=checkpoints/flood-unet.onnx&ref=main"
    whole = ask(server, None, url)
    assert whole.status_code == 200, whole.text
    assert not whole.content.startswith(b"version https://git-lfs")
    part = ask(server, None, url, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    assert ask(server, None, url, method="HEAD").headers["content-length"] == str(len(whole.content))
    tail = ask(server, None, url, headers={"range": "bytes=-5"})
    assert tail.content == whole.content[-5:]


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "a/../b", "/etc/passwd", "a\r\nx: y", "nothing.txt", "a//b", "ref=x"], ids=repr
)
def test_paths_that_lead_nowhere(server: Server, path: str) -> None:
    answer = ask(server, None, f"/api/download/{FLOODS}?path={quote(path, safe='')}&ref=main")
    assert answer.status_code in (400, 404)


@pytest.mark.parametrize("ref", ["nope", "../main", "main\r\n", "-x", "m" * 400], ids=lambda ref: repr(ref[:10]))
def test_refs_that_are_none(server: Server, ref: str) -> None:
    answer = ask(server, None, f"/api/download/{FLOODS}?path=README.md&ref={quote(ref, safe='')}")
    assert answer.status_code in (400, 404)


def test_a_project_without_files(server: Server) -> None:
    wait_until(lambda: ask(server, None, "/api/check/107").status_code == 200, "the empty project")
    assert ask(server, None, "/api/download/107?path=README.md").status_code == 404


def test_files_are_not_written_here(server: Server) -> None:
    answer = ask(server, "double-bob", f"/p/{SHIPS}/api/v1/files/a.txt", method="PUT", content=b"x")
    assert answer.status_code == 409
    assert "mirrored" in answer.json()["detail"]


def test_dvc_stores_by_gitlabs_ids(server: Server) -> None:
    content = b"what git does not hold"
    digest = hashlib.md5(content).hexdigest()
    url = f"/api/store/105/files/md5/{digest[:2]}/{digest[2:]}"
    assert ask(server, "double-carol", url, method="PUT", content=content).status_code == 403
    assert ask(server, "double-bob", url, method="POST", content=content).status_code == 200
    assert ask(server, "double-carol", url).content == content
    assert ask(server, "double-dave", url).status_code == 403
    assert ask(server, "double-eve", url, method="PUT", content=content).status_code == 404
    assert ask(server, None, url).status_code == 404


def test_a_signed_url_reads_with_the_accounts_own_eyes(server: Server, gitlab: Double, tmp_path: Path) -> None:
    async def sign() -> str:
        db = Database(server.database_url)
        sources = {f"gitlab:{gitlab.url}": open_source(f"gitlab:{gitlab.url}", "", ())}
        store = open_store((tmp_path / "store").as_uri())
        settings = Settings(auth="oidc", data=server.data, gitlab_url=gitlab.url, gitlab_client_id=CLIENT_ID)
        services = Services(db, store, settings, sources)
        key = await db.read(
            lambda tx: tx.execute(select(projects.c.id).where(projects.c.name == SHIPS[7:])).scalar_one()
        )
        who = await db.read(lambda tx: tx.execute(select(users.c.id).where(users.c.name == "carol")).scalar_one())
        carol = Actor("carol", frozenset(), 0, who, ActorKind.USER)
        url = await catalog.sign_download(services, carol, server.url, key, "README.md", "main")
        db.close()
        return url

    assert ask(server, "double-carol", "/api/check/105").status_code == 200
    url = asyncio.run(sign())
    assert "double-" not in url
    answer = httpx.get(url)
    assert answer.status_code == 200, answer.text
    gitlab.set_revoked("double-carol", True)
    try:
        assert httpx.get(url).status_code in (403, 404)
        assert ask(server, "double-carol", f"/api/download/{SHIPS}?path=README.md").status_code == 401
    finally:
        gitlab.set_revoked("double-carol", False)


def test_gitlab_that_is_away_is_no_failure_of_ours(server: Server, gitlab: Double) -> None:
    with gitlab.away():
        answer = ask(server, None, f"/api/download/{FLOODS}?path=README.md&ref=main")
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
