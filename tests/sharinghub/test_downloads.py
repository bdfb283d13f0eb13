"""Downloads by SharingHub's addresses and by ours: whole, in parts, as archives, and by signed URLs."""

from __future__ import annotations

import hashlib
import io
import tarfile
import time
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.components.accounts import Guarded

PATH, SLUG = "sea/ice", "ice"
CONTENT = b"0123456789" * 10
NAMES = ["README.md", "dir with space/ünïcode & 100%.txt", "page.html", 'say "so"; x=y.txt', "archive.zip"]


@pytest.fixture(scope="module")
def server(sqlite_guarded: Guarded) -> Guarded:
    """A server with a private project of files, of which two have to do."""
    server = sqlite_guarded
    answer = server.admin.post("/api/v1/projects", json={"path": PATH, "workspace": SLUG})
    assert answer.status_code == 201, answer.text
    for name, role in {"dl-reader": "reporter", "dl-guest": "guest", "dl-stranger": ""}.items():
        server.add_user(name)
        if role:
            server.set_member(PATH, name, role)
    for name in NAMES:
        answer = server.admin.put(f"/p/{PATH}/api/v1/files/{quote(name)}", content=CONTENT)
        assert answer.status_code == 200, answer.text
    assert server.admin.post(f"/p/{PATH}/api/v1/releases", json={"tag": "v1"}).status_code == 201
    server.admin.put(f"/p/{PATH}/api/v1/files/README.md", content=b"newer")
    return server


@pytest.fixture
def reader(server: Guarded) -> Iterator[httpx.Client]:
    with server.client("dl-reader") as client:
        yield client


FORMS = {
    "ours": f"/api/download/{SLUG}/README.md?ref=v1",
    "repository": f"/api/download/{PATH}/repository/README.md?ref=v1",
    "query": f"/api/download/{PATH}?path=README.md&ref=v1",
    "slug and query": f"/api/download/{SLUG}?path=README.md&ref=v1",
    "encoded slash": f"/api/download/{quote(PATH, safe='')}?path=README.md&ref=v1",
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_addresses(reader: httpx.Client, form: str) -> None:
    answer = reader.get(FORMS[form])
    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize("name", NAMES)
def test_names(reader: httpx.Client, name: str) -> None:
    answer = reader.get(f"/api/download/{SLUG}/{quote(name)}?ref=v1")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    told = answer.headers
    assert told["content-disposition"].startswith("attachment; filename=")
    assert "html" not in told["content-type"]
    assert (told["x-content-type-options"], told["cache-control"]) == ("nosniff", "private, no-cache")
    assert told["etag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'


@pytest.mark.parametrize(
    ("asked", "status", "content", "told"),
    [
        ("bytes=0-4", 206, b"01234", "bytes 0-4/100"),
        ("bytes=95-", 206, b"56789", "bytes 95-99/100"),
        ("bytes=-3", 206, b"789", "bytes 97-99/100"),
        ("bytes=90-500", 206, CONTENT[90:], "bytes 90-99/100"),
        ("bytes=100-", 416, b"", "bytes */100"),
        ("bytes=-0", 416, b"", "bytes */100"),
        ("bytes=5-2", 200, CONTENT, None),
        ("bytes=0-1,3-4", 200, CONTENT, None),
        ("pages=1", 200, CONTENT, None),
    ],
)
def test_ranges(reader: httpx.Client, asked: str, status: int, content: bytes, told: str | None) -> None:
    answer = reader.get(f"/api/download/{SLUG}/README.md?ref=v1", headers={"range": asked})
    assert (answer.status_code, answer.content, answer.headers.get("content-range")) == (status, content, told)


def test_validators(reader: httpx.Client) -> None:
    url = f"/api/download/{SLUG}/README.md"
    now, then = reader.get(url).headers["etag"], reader.get(f"{url}?ref=v1").headers["etag"]
    assert reader.get(url, headers={"if-none-match": f'"x", {now}'}).status_code == 304
    assert reader.get(url, headers={"if-none-match": then}).content == b"newer"
    part = reader.get(url, headers={"range": "bytes=0-1", "if-range": now})
    assert (part.status_code, part.content) == (206, b"ne")
    assert reader.get(url, headers={"range": "bytes=0-1", "if-range": then}).content == b"newer"
    head = reader.head(url)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "5", b"")


REFUSED = [
    ("dl-reader", 200),
    ("dl-guest", 403),
    ("dl-stranger", 404),
    (None, 401),
]


@pytest.mark.parametrize(("name", "status"), REFUSED, ids=[str(name) for name, _ in REFUSED])
@pytest.mark.parametrize("url", [*FORMS.values(), f"/api/download/{SLUG}?ref=v1"])
def test_who_may(server: Guarded, name: str | None, status: int, url: str) -> None:
    with server.client(name) as client:
        answer = client.get(url)
    assert answer.status_code == status
    if status == 404:
        with server.client(name) as client:
            absent = client.get(url.replace("sea", "no").replace("ice", "such"))
        told, missing = answer.json(), absent.json()
        told.pop("request_id")
        missing.pop("request_id")
        assert told == missing
        assert PATH not in answer.text


def test_a_token_that_is_no_good_is_not_nobody(server: Guarded) -> None:
    with server.client(token="mnsp_no-such-token") as client:
        assert client.get(FORMS["ours"]).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        *("../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "..%2f..%2fetc%2fpasswd", "a%2f%2fb"),
        *("a%0d%0aSet-Cookie:%20x", "%5c..%5cx", "README.md%00", "nothing.txt", "README.md/below"),
    ],
)
def test_paths_that_lead_nowhere(reader: httpx.Client, path: str) -> None:
    # As it is typed: clients that tidy paths up would not send it.
    url = httpx.URL(str(reader.base_url), path=None)
    for raw in (f"/api/download/{SLUG}/{path}", f"/api/download/{SLUG}?path={path}"):
        answer = reader.send(reader.build_request("GET", url.copy_with(raw_path=raw.encode())))
        assert answer.status_code in (400, 404), raw
        assert "set-cookie" not in answer.headers


def test_archives(reader: httpx.Client) -> None:
    answer = reader.get(f"/api/download/{SLUG}?ref=v1")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == "attachment; filename=ice-v1.zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            f"ice-v1/{name}": CONTENT for name in NAMES
        }
    for url in (f"/api/download/{SLUG}?ref=v1&format=tar", f"/api/download/{PATH}/archive.tar?ref=v1"):
        with tarfile.open(fileobj=io.BytesIO(reader.get(url).content)) as archive:
            assert {each.name for each in archive.getmembers()} == {f"ice-v1/{name}" for name in NAMES}
            member = archive.extractfile(f"ice-v1/{NAMES[1]}")
            assert member is not None
            assert member.read() == CONTENT
    assert reader.get(f"/api/download/{SLUG}?ref=v1").content == answer.content
    assert reader.get(f"/api/download/{SLUG}?format=rar").status_code == 400
    assert reader.get(f"/api/download/{SLUG}?ref=v9").status_code == 404
    assert reader.head(f"/api/download/{SLUG}?ref=v1").status_code == 200


@pytest.fixture
def signed(server: Guarded, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Make a signed URL of a file for dl-reader, in this process on the server's database."""
    import asyncio

    from sqlalchemy import select

    from mainspring.db.engine import Database
    from mainspring.engines.blobs import open_store
    from mainspring.kit.actors import Actor, ActorKind
    from mainspring.modules.catalog import service as catalog
    from mainspring.modules.identity.tables import users
    from mainspring.modules.projects.tables import projects
    from mainspring.modules.services import Services

    async def make() -> dict[str, Any]:
        db = Database(server.database_url)
        services = Services(db, open_store((server.data / "artifacts").as_uri()))
        key = await db.read(
            lambda tx: tx.execute(select(projects.c.id).where(projects.c.workspace == SLUG)).scalar_one()
        )
        who = await db.read(lambda tx: tx.execute(select(users.c.id).where(users.c.name == "dl-reader")).scalar_one())
        actor = Actor("dl-reader", frozenset(), 0, who, ActorKind.USER)
        url = await catalog.sign_download(services, actor, server.url, key, "README.md", "v1")
        sign = await db.read(catalog.file_signer, actor)
        archive = server.url + sign(key, SLUG, "", "v1")
        monkeypatch.setattr(time, "time", lambda: 1_000_000.0)
        late = await catalog.sign_download(services, actor, server.url, key, "README.md", "v1")
        monkeypatch.undo()
        db.close()
        return {"url": url, "late": late, "archive": archive}

    return asyncio.run(make())


def test_a_signed_url_reads_its_file_alone(server: Guarded, signed: dict[str, Any]) -> None:
    url = signed["url"]
    for client in (httpx.Client(), server.client("dl-stranger"), server.client(token="mnsp_bad")):
        with client:
            answer = client.get(url)
            assert (answer.status_code, answer.content) == (200, CONTENT)
            assert client.head(url).status_code == 200
    assert server.tokens["dl-reader"] not in url
    others = [
        url.replace("README.md", "page.html"),
        url.replace("ref=v1", "ref=main"),
        url.replace("ref=v1", "ref="),
        url.replace("expires=", "expires=9"),
        url.replace("account=", "account=1"),
        url.replace("credential=0", "credential=1"),
        url.replace("signature=", "signature=0"),
        url.replace(f"/{SLUG}/", "/default/"),
        url + "&path=page.html",
        url.replace("/README.md", ""),
        signed["late"],
    ]
    for other in others:
        answer = httpx.get(other)
        assert answer.status_code == (200 if other.endswith("&path=page.html") else 403), other
        assert answer.content == CONTENT or answer.status_code == 403


def test_a_signed_archive(signed: dict[str, Any]) -> None:
    answer = httpx.get(signed["archive"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert httpx.get(signed["archive"].replace("?", "/README.md?")).status_code == 403
    assert httpx.get(signed["archive"] + "&format=tar").headers["content-type"] == "application/x-tar"


def test_a_signed_url_ends_with_the_role_and_with_the_account(server: Guarded, signed: dict[str, Any]) -> None:
    assert httpx.get(signed["url"]).status_code == 200
    server.set_member(PATH, "dl-reader", "guest")
    assert httpx.get(signed["url"]).status_code == 403
    gone = server.admin.request("DELETE", f"/p/{PATH}/api/v1/members", params={"kind": "user", "name": "dl-reader"})
    assert gone.status_code in (200, 204), gone.text
    assert httpx.get(signed["url"]).status_code == 404
    server.set_member(PATH, "dl-reader", "reporter")
    assert httpx.get(signed["url"]).status_code == 200
    blocked = server.admin.post("/api/v1/users/dl-reader/block")
    assert blocked.status_code in (200, 204), blocked.text
    assert httpx.get(signed["url"]).status_code == 404
    server.admin.post("/api/v1/users/dl-reader/unblock")
    assert httpx.get(signed["url"]).status_code == 200
