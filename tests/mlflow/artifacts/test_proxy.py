"""The artifacts proxy: put, get, list and delete, with statuses, headers and bodies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.mlflow.artifacts.conftest import PROXY, attached
from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest

Put = Callable[[str, bytes], None]
MEBIBYTE = 1 << 20


def below(root: str) -> str:
    return root.removeprefix(f"{PROXY}/")


@pytest.mark.parametrize("prefix", ["/api/2.0", "/ajax-api/2.0"])
def test_put_get_and_delete(rest: Rest, root: str, prefix: str) -> None:
    path = root.replace("/api/2.0", prefix, 1) + "/deep/er/a.txt"
    stored = rest.send("PUT", path, content=b"hello")
    assert stored.status == 200
    assert stored.json in (None, {})
    assert rest.get(path).content == b"hello"
    rest.send("PUT", path, content=b"over").ok()
    assert rest.get(path).content == b"over"
    assert rest.send("DELETE", path).ok() == {}
    rest.get(path).error(404, "RESOURCE_DOES_NOT_EXIST")


def test_headers_of_a_download(rest: Rest, root: str, put: Put) -> None:
    put("a.txt", b"hello")
    reply = rest.get(f"{root}/a.txt", headers={"Accept-Encoding": "identity"})
    assert reply.headers["content-type"].split(";")[0] == "text/plain"
    assert reply.headers["content-length"] == "5"
    assert attached(reply) == "a.txt"
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x.txt", "text/plain"),
        ("x.json", "text/plain"),
        ("x.csv", "text/plain"),
        ("x.md", "text/plain"),
        ("x.py", "text/plain"),
        ("x.js", "text/plain"),
        ("x.xml", "text/plain"),
        ("x.log", "text/plain"),
        ("x.ipynb", "text/plain"),
        ("x.yml", "text/plain"),
        ("conda.yaml", "text/plain"),
        ("MLmodel", "text/plain"),
        ("x.html", "text/html"),
        ("x.png", "image/png"),
        ("x.svg", "image/svg+xml"),
        ("x.pdf", "application/pdf"),
        ("model.pkl", "application/octet-stream"),
        ("x.onnx", "application/octet-stream"),
        ("noext", "application/octet-stream"),
        (".env", "application/octet-stream"),
    ],
)
def test_content_types(rest: Rest, root: str, put: Put, name: str, kind: str) -> None:
    put(name, b"1")
    reply = rest.get(f"{root}/{name}")
    assert reply.headers["content-type"].split(";")[0] == kind
    assert attached(reply) == name


def test_an_empty_file(rest: Rest, root: str, put: Put) -> None:
    put("empty", b"")
    reply = rest.get(f"{root}/empty")
    assert (reply.status, reply.content, reply.headers["content-length"]) == (200, b"", "0")
    listed = rest.get(PROXY, {"path": below(root)}).ok()
    assert listed == {"files": [{"path": "empty", "is_dir": False}]}


def test_head(rest: Rest, root: str, put: Put) -> None:
    put("a.txt", b"hello")
    reply = rest.send("HEAD", f"{root}/a.txt")
    assert (reply.status, reply.content) == (200, b"")
    assert reply.headers["content-length"] == "5"


@pytest.mark.parametrize(
    ("asked", "content", "told"),
    [
        ("bytes=1-2", b"el", "bytes 1-2/5"),
        ("bytes=3-", b"lo", "bytes 3-4/5"),
        ("bytes=-2", b"lo", "bytes 3-4/5"),
        ("bytes=0-99", b"hello", "bytes 0-4/5"),
    ],
)
def test_ranges(rest: Rest, root: str, put: Put, asked: str, content: bytes, told: str) -> None:
    put("a.bin", b"hello")
    reply = rest.get(f"{root}/a.bin", headers={"Range": asked})
    assert (reply.status, reply.content, reply.headers["content-range"]) == (206, content, told)


def test_a_range_past_the_end(rest: Rest, root: str, put: Put) -> None:
    put("a.bin", b"hello")
    reply = rest.get(f"{root}/a.bin", headers={"Range": "bytes=100-"})
    assert reply.status == 416


def test_what_is_not_there(rest: Rest, root: str) -> None:
    message = rest.get(f"{root}/none").error(404, "RESOURCE_DOES_NOT_EXIST")
    assert f"No such artifact: '{below(root)}/none'" in message
    assert rest.send("DELETE", f"{root}/none").ok() == {}
    assert rest.get("/api/3.0/mlflow-artifacts/artifacts/x").status == 404
    assert rest.post(f"{PROXY}/x", {}).status == 405


def test_a_directory_is_no_file(rest: Rest, root: str, put: Put) -> None:
    put("folder/a.txt", b"x")
    for path in (root, f"{root}/folder", f"{root}/folder/"):
        reply = rest.get(path)
        assert reply.status == 400
        assert "Artifact path refers to a directory, not a file: '" in reply.text


@differs("the original has another shape of error here than everywhere else")
def test_a_directory_is_an_error_like_others(rest: Rest, root: str, put: Put) -> None:
    put("folder/a.txt", b"x")
    message = rest.get(f"{root}/folder").error(400, "INVALID_PARAMETER_VALUE")
    assert f"Artifact path refers to a directory, not a file: '{below(root)}/folder'" in message


def test_put_needs_a_file_name(rest: Rest, root: str) -> None:
    assert rest.send("PUT", f"{root}/folder/", content=b"x").status == 400
    assert rest.send("PUT", f"{PROXY}/", content=b"x").status in (400, 404, 405)


@differs("the original answers 500, and clients retry a 500")
def test_files_and_folders_do_not_mix(rest: Rest, root: str, put: Put) -> None:
    put("folder/a.txt", b"x")
    put("file", b"x")
    assert rest.send("PUT", f"{root}/folder", content=b"x").status in (400, 409)
    assert rest.send("PUT", f"{root}/file/below", content=b"x").status in (400, 409)
    assert rest.get(f"{root}/folder/a.txt").content == b"x"
    assert rest.get(f"{root}/file").content == b"x"


def test_list(rest: Rest, run: Any, root: str, put: Put) -> None:
    for path in ("b.txt", "a/x.txt", "a/deep/y.txt", "c"):
        put(path, b"12")
    assert rest.get(PROXY, {"path": below(root)}).ok() == {
        "files": [
            {"path": "a", "is_dir": True},
            {"path": "b.txt", "is_dir": False, "file_size": 2},
            {"path": "c", "is_dir": False, "file_size": 2},
        ]
    }
    inner = {
        "files": [
            {"path": "deep", "is_dir": True},
            {"path": "x.txt", "is_dir": False, "file_size": 2},
        ]
    }
    assert rest.get(PROXY, {"path": f"{below(root)}/a"}).ok() == inner
    assert rest.get(PROXY, {"path": f"{below(root)}/a/"}).ok() == inner
    page = rest.get("/ajax-api/2.0/mlflow-artifacts/artifacts", {"path": run["experiment_id"]}).ok()
    assert page == {"files": [{"path": run["run_id"], "is_dir": True}]}


def test_list_of_nothing(rest: Rest, root: str, put: Put) -> None:
    put("file", b"x")
    assert rest.get(PROXY, {"path": f"{below(root)}/none"}).ok() == {}
    assert rest.get(PROXY, {"path": f"{below(root)}/file"}).ok() == {}


def test_list_of_everything(rest: Rest, run: Any, put: Put) -> None:
    put("file", b"x")
    for query in ({}, {"path": ""}):
        entries = rest.get(PROXY, query).ok()["files"]
        assert {"path": run["experiment_id"], "is_dir": True} in entries


def test_delete_of_a_folder(rest: Rest, root: str, put: Put) -> None:
    put("folder/a.txt", b"x")
    put("folder/deep/b.txt", b"x")
    put("folder-not/a.txt", b"x")
    assert rest.send("DELETE", f"{root}/folder").ok() == {}
    rest.get(f"{root}/folder/a.txt").error(404, "RESOURCE_DOES_NOT_EXIST")
    rest.get(f"{root}/folder/deep/b.txt").error(404, "RESOURCE_DOES_NOT_EXIST")
    assert rest.get(f"{root}/folder-not/a.txt").content == b"x"
    assert rest.get(PROXY, {"path": below(root)}).ok() == {"files": [{"path": "folder-not", "is_dir": True}]}


def test_everything_is_not_deleted_at_once(rest: Rest, root: str, put: Put) -> None:
    put("file", b"x")
    assert rest.send("DELETE", f"{PROXY}/").status in (400, 404, 405)
    assert rest.send("DELETE", PROXY).status in (400, 404, 405)
    assert rest.get(f"{root}/file").content == b"x"


def blocks(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield hashlib.sha256(str(number).encode()).digest() * (MEBIBYTE // 32)


@pytest.mark.parametrize("announced", [True, False], ids=["content-length", "chunked"])
def test_a_big_file_streams(tracking_uri: str, root: str, announced: bool) -> None:
    size = 24
    digest = hashlib.sha256()
    for block in blocks(size):
        digest.update(block)
    headers = {"Content-Length": str(size * MEBIBYTE)} if announced else {}
    with httpx.Client(base_url=tracking_uri, timeout=120) as http:
        assert http.put(f"{root}/big.bin", content=blocks(size), headers=headers).status_code == 200
        got, length = hashlib.sha256(), 0
        with http.stream("GET", f"{root}/big.bin") as response:
            assert response.headers["content-length"] == str(size * MEBIBYTE)
            for chunk in response.iter_raw():
                got.update(chunk)
                length += len(chunk)
    assert (length, got.hexdigest()) == (size * MEBIBYTE, digest.hexdigest())


def test_two_writers_of_one_file(tracking_uri: str, rest: Rest, root: str) -> None:
    contents = [bytes([65 + number]) * 300_000 for number in range(4)]

    def write(content: bytes) -> int:
        return httpx.put(f"{tracking_uri}{root}/same", content=content, timeout=60).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(write, contents)) == {200}
    assert rest.get(f"{root}/same").content in contents
    assert [entry["path"] for entry in rest.get(PROXY, {"path": below(root)}).ok()["files"]] == ["same"]


def test_a_deleted_runs_artifacts_are_still_served(rest: Rest, run: Any, root: str, put: Put) -> None:
    put("file", b"x")
    rest.post("runs/delete", {"run_id": run["run_id"]}).ok()
    assert rest.get(f"{root}/file").content == b"x"
    assert rest.get("artifacts/list", {"run_id": run["run_id"]}).ok()["files"]
    assert rest.get("/get-artifact", {"run_id": run["run_id"], "path": "file"}).content == b"x"
