"""``/api/v1`` as HTTP: problem JSON for everything refused, its OpenAPI document, files streamed."""

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.components.server import MainspringServer
from tests.docs.pages import ROOT


@pytest.fixture(scope="session")
def api(server: MainspringServer) -> httpx.Client:
    return httpx.Client(base_url=f"{server.url}/api/v1")


@pytest.fixture
def run_id(api: httpx.Client) -> str:
    return str(api.post("/runs", json={"experiment_id": "0"}).json()["run_id"])


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "docs" / "reference" / "openapi.json").read_text())
    return found


def check_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["detail"]
    assert problem["title"]
    return problem


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/nowhere", None, 404, "not_found"),
        ("GET", "/runs/nowhere", None, 404, "not_found"),
        ("GET", "/runs/x!", None, 404, "not_found"),
        ("PUT", "/models", None, 405, "invalid_argument"),
        ("GET", "/experiments?max_results=x", None, 400, "invalid_argument"),
        ("GET", "/experiments?max_results=0", None, 400, "invalid_argument"),
        ("GET", "/experiments?view_type=SOME", None, 400, "invalid_argument"),
        ("GET", "/experiments?filter=name", None, 400, "invalid_argument"),
        ("GET", "/experiments?page_token=x", None, 400, "invalid_argument"),
        ("GET", "/models/m/versions/one", None, 404, "not_found"),
        ("POST", "/experiments", b'{"na', 400, "invalid_argument"),
        ("POST", "/experiments", b"", 400, "invalid_argument"),
        ("POST", "/experiments", b'{"name": 5}', 400, "invalid_argument"),
        ("POST", "/experiments", b'{"name": "Default"}', 409, "already_exists"),
        ("POST", "/experiments", b'{"name": "' + b"x" * 11_000_000 + b'"}', 413, "too_large"),
        ("POST", "/runs", b'{"experiment_id": "0", "started_at": 1e400}', 400, "invalid_argument"),
        ("POST", "/runs/search", b'{"experiment_ids": "0"}', 400, "invalid_argument"),
        ("POST", "/runs/search", b"[" * 100_000, 400, "invalid_argument"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_refused_is_a_problem(
    api: httpx.Client, method: str, path: str, body: bytes | None, status: int, code: str
) -> None:
    check_problem(api.request(method, path, content=body, headers={"Content-Type": "application/json"}), status, code)


def test_a_problem_names_the_field(api: httpx.Client) -> None:
    assert check_problem(api.get("/experiments?page_token=x"), 400, "invalid_argument")["field"] == "page_token"


def test_nan_goes_by_its_name(api: httpx.Client, run_id: str) -> None:
    values = [1.5, "NaN", "Infinity"]
    points = [{"key": "m", "value": value, "timestamp": 1, "step": step} for step, value in enumerate(values)]
    assert api.post(f"/runs/{run_id}/log", json={"metrics": points}).status_code == 204
    kept = [each["value"] for each in api.get(f"/runs/{run_id}/metrics/m").json()["items"]]
    assert kept == [1.5, "NaN", 1.7976931348623157e308]
    wrong = api.post(f"/runs/{run_id}/log", json={"metrics": [points[0] | {"value": "many"}]})
    check_problem(wrong, 400, "invalid_argument")


def test_keys_keep_their_slashes(api: httpx.Client, run_id: str) -> None:
    assert api.put(f"/runs/{run_id}/tags/a/b%20c", json={"value": "v"}).status_code == 204
    assert api.get(f"/runs/{run_id}").json()["tags"]["a/b c"] == "v"
    check_problem(api.put(f"/runs/{run_id}/tags/a//b", json={"value": "v"}), 400, "invalid_argument")
    check_problem(api.put(f"/runs/{run_id}/tags/a%2f%2fb", json={"value": "v"}), 400, "invalid_argument")


class TestDocument:
    def test_it_is_served(self, api: httpx.Client, document: dict[str, Any]) -> None:
        assert api.get("/openapi.json").json() == document

    def test_every_operation_is_described(self, document: dict[str, Any]) -> None:
        ids = []
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                ids.append(operation["operationId"])
                where = f"{method} {path}"
                assert operation["summary"].endswith("."), where
                assert len(operation["summary"]) < 80, where
                problem = operation["responses"]["default"]["content"]["application/problem+json"]["schema"]
                assert problem == {"$ref": "#/components/schemas/Problem"}, where
                assert all(
                    status.startswith(("2", "3")) or status in ("416", "default") for status in operation["responses"]
                )
        assert len(set(ids)) == len(ids)
        assert all(name.isidentifier() and name.islower() for name in ids)

    def test_references_lead_somewhere(self, document: dict[str, Any]) -> None:
        text = json.dumps(document)
        named = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
        assert named <= document["components"]["schemas"].keys()


FOLDER = {"path": "a", "is_dir": True, "size": None, "sha256": None}


class TestFiles:
    def test_there_and_back(self, api: httpx.Client, run_id: str) -> None:
        path = f"/runs/{run_id}/artifacts/a/ä%20100%25.txt"
        stored = api.put(path, content=b"hello")
        kept = {"path": "a/ä 100%.txt", "is_dir": False, "size": 5, "sha256": hashlib.sha256(b"hello").hexdigest()}
        assert (stored.status_code, stored.json()) == (200, kept)
        got = api.get(path)
        assert (got.status_code, got.content) == (200, b"hello")
        assert got.headers["content-length"] == "5"
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-disposition"].startswith("attachment")
        head = api.head(path)
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "5")
        assert head.headers["etag"] == got.headers["etag"]
        assert api.get(path, headers={"If-None-Match": got.headers["etag"]}).status_code == 304
        assert api.get(f"/runs/{run_id}/artifacts").json()["items"] == [FOLDER]
        assert api.delete(f"/runs/{run_id}/artifacts/a").status_code == 204
        check_problem(api.get(path), 404, "not_found")
        assert api.head(path).status_code == 404

    @pytest.mark.parametrize(
        ("asked", "status", "content", "told"),
        [
            ("bytes=1-2", 206, b"el", "bytes 1-2/5"),
            ("bytes=3-", 206, b"lo", "bytes 3-4/5"),
            ("bytes=-2", 206, b"lo", "bytes 3-4/5"),
            ("bytes=-9", 206, b"hello", "bytes 0-4/5"),
            ("bytes=0-99", 206, b"hello", "bytes 0-4/5"),
            ("bytes=5-", 416, b"", "bytes */5"),
            ("bytes=-0", 416, b"", "bytes */5"),
            ("bytes=2-1", 200, b"hello", None),
            ("bytes=-", 200, b"hello", None),
            ("bytes=0-1,3-4", 200, b"hello", None),
            ("lines=1-2", 200, b"hello", None),
        ],
    )
    def test_ranges(
        self, api: httpx.Client, run_id: str, asked: str, status: int, content: bytes, told: str | None
    ) -> None:
        api.put(f"/runs/{run_id}/artifacts/f", content=b"hello")
        got = api.get(f"/runs/{run_id}/artifacts/f", headers={"Range": asked})
        assert (got.status_code, got.content, got.headers.get("content-range")) == (status, content, told)

    @pytest.mark.parametrize(
        "path", ["..%2fx", "a/..%2f..%2fx", "%2e%2e/x", "%252e%252e%252fx", "a%5cb", "a//b", "%2fetc/passwd", "a%00b"]
    )
    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_paths_that_lead_out(self, api: httpx.Client, run_id: str, method: str, path: str) -> None:
        # Sent as it stands: a client's library would tidy it up.
        url = api.base_url.copy_with(raw_path=f"/api/v1/runs/{run_id}/artifacts/{path}".encode())
        check_problem(api.request(method, url, content=b"x" if method == "PUT" else None), 400, "invalid_argument")

    def test_unknown_runs(self, api: httpx.Client) -> None:
        for method in ("GET", "PUT", "DELETE"):
            check_problem(api.request(method, f"/runs/{'0' * 32}/artifacts/f"), 404, "not_found")
        check_problem(api.get(f"/runs/{'0' * 32}/artifacts"), 404, "not_found")

    def test_a_cut_upload_leaves_what_was_there(self, api: httpx.Client, run_id: str, server: MainspringServer) -> None:
        path = f"/runs/{run_id}/artifacts/f"
        api.put(path, content=b"old")

        def cut() -> Any:
            yield b"new"
            raise ConnectionError("cut")

        with httpx.Client() as other, pytest.raises(ConnectionError):
            other.put(f"{server.url}/api/v1{path}", content=cut(), headers={"Content-Length": "1000"})
        assert api.get(path).content == b"old"


@pytest.mark.parametrize("megabytes", [200])
def test_files_stream_with_flat_memory(tmp_path: Path, megabytes: int) -> None:
    psutil = pytest.importorskip("psutil")
    chunk = bytes(1024 * 1024)
    with (
        MainspringServer(tmp_path / "data") as server,
        httpx.Client(base_url=f"{server.url}/api/v1", timeout=60) as api,
    ):
        run_id = api.post("/runs", json={"experiment_id": "0"}).json()["run_id"]
        path, memory = f"/runs/{run_id}/artifacts/big", psutil.Process(server.pid).memory_info
        api.put(path, content=chunk)
        before = memory().rss
        api.put(path, content=(chunk for _ in range(megabytes))).raise_for_status()
        with api.stream("GET", path) as got:
            assert sum(len(each) for each in got.iter_raw()) == megabytes * len(chunk)
        assert memory().rss - before < 30 * len(chunk)
