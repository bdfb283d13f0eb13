"""Files and releases by HTTP: what the service's own tests cannot see, kills and collections of garbage included."""

from __future__ import annotations

import base64
import hashlib
import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.components.ports import wait_until
from tests.components.server import MainspringServer

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainspringServer]:
    """A server of this file's own, which is killed and collects."""
    with MainspringServer(tmp_path_factory.mktemp("files") / "data") as server:
        yield server


@pytest.fixture
def api(own: MainspringServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{own.url}/api/v1", timeout=30) as client:
        yield client


def stored(server: MainspringServer) -> list[Path]:
    return [path for path in (server.data / "artifacts" / "_files").rglob("*") if path.is_file()]


def test_headers_of_a_file(api: httpx.Client) -> None:
    content = b"a,b\n1,2\n"
    digest = hashlib.sha256(content)
    announced = {"content-digest": f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"}
    put = api.put("/files/h/ü x.csv", content=content, headers=announced)
    assert put.status_code == 200, put.text
    assert put.json() | {"updated_at": 0} == {
        "path": "h/ü x.csv",
        "size": 8,
        "sha256": digest.hexdigest(),
        "created_by": "local",
        "updated_at": 0,
    }
    got = api.get("/files/h/ü x.csv")
    assert got.content == content
    assert got.headers["etag"] == put.headers["etag"] == f'"{digest.hexdigest()}"'
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["repr-digest"] == announced["content-digest"]
    assert api.head("/files/h/ü x.csv").headers["content-length"] == "8"
    assert api.get("/files/h/ü x.csv", headers={"range": "bytes=2-"}).content == content[2:]
    assert api.get("/files/h/ü x.csv", headers={"if-none-match": got.headers["etag"]}).status_code == 304
    assert api.put("/files/h/ü x.csv", content=b"other", headers=announced).status_code == 400
    assert api.put("/files/h/ü x.csv", content=b"other", headers={"if-match": '"x"'}).status_code == 409
    assert api.put("/files/h/ü x.csv", content=b"other", headers={"if-none-match": "*"}).status_code == 409
    assert api.delete("/files/h/ü x.csv", headers={"if-match": '"x"'}).status_code == 409
    assert api.delete("/files/h/ü x.csv", headers={"if-match": got.headers["etag"]}).status_code == 204
    assert api.get("/files/h/ü x.csv").status_code == 404


@pytest.mark.parametrize("path", ["..%2f..%2fetc", "%2e%2e/x", "a%5cb", "a%00b", "a%0d%0ab", "x%23y"])
def test_paths_as_they_are_typed(own: MainspringServer, path: str) -> None:
    address = urlsplit(own.url)
    for method in ("PUT", "GET"):
        connection = http.client.HTTPConnection(address.hostname or "", address.port)
        connection.request(method, f"/api/v1/files/{path}", body=b"x" if method == "PUT" else None)
        assert connection.getresponse().status in (400, 404), method
        connection.close()


def test_nothing_that_is_sent_makes_the_server_fail(api: httpx.Client) -> None:
    for query in ("max_results=-1", "max_results=x", "page_token=x", "ref=%00", "ref=nope", "prefix=%00"):
        assert 400 <= api.get(f"/files?{query}").status_code < 500, query
    for body in (b"", b"[]", b'{"tag": 1}', b'{"tag": "x", "more": 1}', b'{"tag": "a/b"}'):
        assert 400 <= api.post("/releases", content=body).status_code < 500, body
    assert api.get("/releases/%00").status_code in (400, 404)


def test_a_server_that_is_killed_while_a_file_comes_has_none_of_it(own: MainspringServer, api: httpx.Client) -> None:
    api.put("/files/k/there.bin", content=b"old")
    before = set(stored(own))
    address = urlsplit(own.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    connection.putrequest("PUT", "/api/v1/files/k/there.bin")
    connection.putheader("content-length", str(16 * MIB))
    connection.endheaders()
    for _ in range(8):
        connection.send(b"x" * MIB)
    own.kill()
    connection.close()
    own.start()
    with httpx.Client(base_url=f"{own.url}/api/v1", timeout=30) as client:
        assert client.get("/files/k/there.bin").content == b"old"
        assert set(stored(own)) == before
        assert client.put("/files/k/there.bin", content=b"new").status_code == 200
        assert client.get("/files/k/there.bin").content == b"new"


def test_many_files_in_a_row_are_not_slow(own: MainspringServer) -> None:
    with httpx.Client(base_url=f"{own.url}/api/v1", timeout=30) as client:
        began = time.monotonic()
        for number in range(50):
            assert client.put(f"/files/many/{number}.txt", content=b"%d" % number).status_code == 200
        took = time.monotonic() - began
        assert len(client.get("/files?prefix=many/").json()["items"]) == 50
    assert took < 10, took


def test_garbage_is_collected(own: MainspringServer, tmp_path: Path) -> None:
    """Bytes go a minute after nothing names them any more, those of others stay."""
    from sqlalchemy import update

    from mainspring.kit.sql_engines import create_write_engine
    from mainspring.modules.files.tables import file_blobs

    with httpx.Client(base_url=f"{own.url}/api/v1", timeout=30) as client:
        client.put("/files/g/gone", content=b"nobody names this")
        client.put("/files/g/stays", content=b"somebody does")
        client.delete("/files/g/gone")
        count = len(stored(own))

        def collect() -> dict[str, int]:
            total = {"files": 0, "bytes": 0}
            token = None
            while True:
                answer = client.post("/gc", json={"page_token": token} if token else {}).json()
                total = {name: total[name] + answer[name] for name in total}
                token = answer["next_page_token"]
                if token is None:
                    return total

        assert collect() == {"files": 0, "bytes": 0}
        engine = create_write_engine(f"sqlite:///{own.data / 'mainspring.db'}")
        with engine.begin() as tx:
            tx.execute(update(file_blobs).where(file_blobs.c.unused_since > 0).values(unused_since=1))
        engine.dispose()
        assert collect()["files"] >= 1
        wait_until(lambda: len(stored(own)) < count, "the bytes are gone")
        assert client.get("/files/g/stays").content == b"somebody does"
