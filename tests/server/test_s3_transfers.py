"""Large files beside a bucket: sent and fetched there by signed URLs, or through the server where told so."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mlflow import MlflowClient

import mainspring as ms
from mainspring.kit.errors import PermissionDenied
from tests.components.rgw import RadosGateway, rados_gateway  # noqa: F401
from tests.components.server import MainspringServer

pytestmark = pytest.mark.slow

SIZE = 3 * 16 * 1024 * 1024 + 12_345
PLACES = r"/api/2\.0/mlflow-artifacts/artifacts/|/api/v1/runs/[^/]+/artifacts/|/api/v1/transfers/"
BYTES = re.compile(rf'"method":"(PUT|GET)","path":"({PLACES})')


@pytest.fixture(scope="module", params=["direct", "through the server"])
def server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    rados_gateway: RadosGateway,  # noqa: F811
) -> Iterator[MainspringServer]:
    """Yield a server on a bucket, which logs each request."""
    arguments = ["--artifacts-url", f"s3://{rados_gateway.server.create_bucket()}/some/where"]
    arguments += ["--log-level", "debug", "--log-format", "json"]
    arguments += [] if request.param == "direct" else ["--no-direct-transfers"]
    data = tmp_path_factory.mktemp("s3") / "data"
    with MainspringServer(data, *arguments, environment=rados_gateway.server.environment) as started:
        yield started


@pytest.fixture
def direct(request: pytest.FixtureRequest) -> bool:
    return bool(request.node.callspec.params["server"] == "direct")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ü b.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def transfers(server: MainspringServer) -> int:
    """Return how many requests have had bytes of a file go through the server."""
    return len(BYTES.findall(server.log))


def test_the_sdk(server: MainspringServer, direct: bool, file: Path, tmp_path: Path) -> None:
    with ms.connect(server.url, direct_from=0) as client:
        run = client.runs.create("0").run_id

        def stop(transfer: ms.Transfer) -> None:
            if transfer.done > SIZE * 2 // 3:
                raise KeyboardInterrupt

        before = transfers(server)
        with pytest.raises(KeyboardInterrupt):
            client.artifacts.upload(run, file, "a b%20", progress=stop)
        told: list[ms.Transfer] = []
        [stored] = client.artifacts.upload(run, file, "a b%20", progress=told.append)
        assert told[0].done > 0
        assert stored.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
        assert client.artifacts.list(run, "a b%20") == [stored]
        with pytest.raises(KeyboardInterrupt):
            client.artifacts.download(run, stored.path, tmp_path / "out", progress=stop)
        told.clear()
        got = client.artifacts.download(run, stored.path, tmp_path / "out", progress=told.append)
        assert told[0].done > SIZE // 2
        assert got.read_bytes() == file.read_bytes()
        assert (transfers(server) == before) is direct
        (tmp_path / "small").write_bytes(b"small")
        [small] = client.artifacts.upload(run, tmp_path / "small")
        assert small.sha256 == hashlib.sha256(b"small").hexdigest()
        assert client.artifacts.download(run, "small", tmp_path / "out").read_bytes() == b"small"


def test_a_signed_url_for_anyone(server: MainspringServer, direct: bool, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"hello")
    with ms.connect(server.url) as client:
        run = client.runs.create("0").run_id
        client.artifacts.upload(run, tmp_path / "f")
        offer = client.artifacts.sign_download(run, "f")
    assert offer.verified
    assert offer.signed.direct is direct
    assert httpx.get(offer.signed.url).content == b"hello"
    assert httpx.get(offer.signed.url, headers={"Range": "bytes=1-2"}).content == b"el"
    assert httpx.put(offer.signed.url, content=b"x").status_code == 403
    assert httpx.get(offer.signed.url[:-1] + ("0" if offer.signed.url[-1] != "0" else "1")).status_code == 403


def test_the_real_client(
    server: MainspringServer, direct: bool, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "1")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 * 1024**2))
    monkeypatch.setenv("MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE", str(7 * 1024**2))
    info = httpx.get(f"{server.url}/api/3.0/mlflow/server-info").json()
    assert (info["multipart_uploads_enabled"], info["multipart_downloads_enabled"]) == (True, direct)
    client = MlflowClient(server.url, server.url)
    run = client.create_run("0").info.run_id
    (tmp_path / "empty").touch()
    before = transfers(server)
    client.log_artifact(run, str(file), "a/b")
    got = client.download_artifacts(run, f"a/b/{file.name}")
    assert Path(got).read_bytes() == file.read_bytes()
    assert (transfers(server) == before) is direct
    client.log_artifact(run, str(tmp_path / "empty"), "a/b")
    assert [each.path for each in client.list_artifacts(run, "a/b")] == ["a/b/empty", f"a/b/{file.name}"]


def test_an_upload_that_is_aborted_leaves_nothing(
    server: MainspringServer,
    file: Path,
    rados_gateway: RadosGateway,  # noqa: F811
) -> None:
    with httpx.Client(base_url=server.url) as http:
        run = http.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
        folder, body = f"0/{run}/artifacts", {"path": "f", "num_parts": 2}
        created = http.post(f"/api/2.0/mlflow-artifacts/mpu/create/{folder}", json=body).json()
        part = httpx.put(created["credentials"][0]["url"], content=b"x" * 6_000_000)
        done = {
            "path": "f",
            "upload_id": created["upload_id"],
            "parts": [{"part_number": 1, "etag": part.headers["ETag"]}],
        }
        wrong = {**done, "parts": [{"part_number": 2, "etag": part.headers["ETag"]}]}
        assert http.post(f"/api/2.0/mlflow-artifacts/mpu/complete/{folder}", json=wrong).status_code == 400
        assert http.post(f"/api/2.0/mlflow-artifacts/mpu/abort/{folder}", json=done).status_code == 200
        assert http.post(f"/api/2.0/mlflow-artifacts/mpu/complete/{folder}", json=done).status_code == 400
        assert httpx.put(created["credentials"][1]["url"], content=b"x").status_code in (404, 409)
        assert http.get(f"/api/2.0/mlflow-artifacts/artifacts/{folder}/f").status_code == 404


def test_the_log_tells_no_signature(server: MainspringServer) -> None:
    assert server.log
    assert not re.search("signature", server.log, re.IGNORECASE)
    with ms.connect(server.url) as client, pytest.raises(PermissionDenied):
        client._transport.do("GET", "/transfers/x?signature=secret")
    assert "secret" not in server.log
