"""Uploads in parts and signed URLs: what MLflow's clients ask of its server, on a store whose URLs lead back to us."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from mlflow import MlflowClient

from tests.mlflow.artifacts.conftest import PROXY, Raw
from tests.mlflow.artifacts.test_traversal import CLIMBING, ODD, ROOTED
from tests.mlflow.conftest import differs
from tests.mlflow.rest import Reply, Rest

pytestmark = differs("the original does this on object stores alone")
MPU = "/api/2.0/mlflow-artifacts/mpu"
PRESIGNED = "/api/2.0/mlflow-artifacts/presigned"
PARTS = [b"one " * 1000, b"two " * 500, b"3"]


@pytest.fixture
def folder(root: str) -> str:
    """The run's artifacts as the proxy's paths name them."""
    return root.removeprefix(f"{PROXY}/")


def create(rest: Rest, folder: str, path: str = "/data/f.bin", num_parts: int = 3, prefix: str = MPU) -> Any:
    return rest.post(f"{prefix}/create/{folder}", {"path": path, "num_parts": num_parts}).ok()


def send(credentials: list[Any]) -> list[dict[str, Any]]:
    parts = []
    for credential, content in zip(credentials, PARTS, strict=True):
        reply = httpx.put(credential["url"], content=content, headers=credential["headers"])
        assert (reply.status_code, reply.content) == (200, b""), reply.text
        parts.append(
            {"part_number": credential["part_number"], "etag": reply.headers["ETag"], "url": credential["url"]}
        )
    return parts


def finish(rest: Rest, folder: str, **fields: Any) -> Reply:
    return rest.post(f"{MPU}/complete/{folder}", {"path": "f.bin"} | fields)


def abort(rest: Rest, folder: str, **fields: Any) -> Reply:
    return rest.post(f"{MPU}/abort/{folder}", {"path": "f.bin"} | fields)


def test_the_server_says_what_it_offers(rest: Rest) -> None:
    info = rest.get("/api/3.0/mlflow/server-info").ok()
    assert info["multipart_uploads_enabled"] is True
    # It could be asked for, and would cost each download a request more.
    assert info["multipart_downloads_enabled"] is False
    assert info["presigned_upload_run_id_supported"] is True
    assert info["presigned_upload_model_id_supported"] is True


@pytest.mark.parametrize("prefix", ["/api/2.0", "/ajax-api/2.0"])
def test_parts_become_a_file(rest: Rest, tracking_uri: str, root: str, folder: str, prefix: str) -> None:
    created = create(rest, f"{folder}/deep", prefix=MPU.replace("/api/2.0", prefix, 1))
    assert set(created) == {"upload_id", "credentials"}
    assert [set(each) for each in created["credentials"]] == [{"url", "part_number", "headers"}] * 3
    assert [each["part_number"] for each in created["credentials"]] == [1, 2, 3]
    assert all(each["url"].startswith(f"{tracking_uri}/") for each in created["credentials"])
    parts = send(created["credentials"])
    rest.get(f"{root}/deep/f.bin").absent()
    done = {"upload_id": created["upload_id"], "parts": parts}
    assert finish(rest, f"{folder}/deep", **done).ok() == {}
    assert rest.get(f"{root}/deep/f.bin").content == b"".join(PARTS)
    assert finish(rest, f"{folder}/deep", **done).ok() == {}
    assert abort(rest, f"{folder}/deep", upload_id=created["upload_id"]).ok() == {}
    assert rest.get(f"{root}/deep/f.bin").content == b"".join(PARTS)


def test_a_part_is_replaced_by_one_of_its_number(rest: Rest, root: str, folder: str) -> None:
    created = create(rest, folder, num_parts=1)
    [credential] = created["credentials"]
    old = httpx.put(credential["url"], content=b"old").headers["ETag"]
    new = httpx.put(credential["url"], content=b"new").headers["ETag"]
    assert old != new
    parts = [{"part_number": 1, "etag": new}]
    finish(rest, folder, upload_id=created["upload_id"], parts=[{"part_number": 1, "etag": old}]).invalid("No part 1")
    finish(rest, folder, upload_id=created["upload_id"], parts=parts).ok()
    assert rest.get(f"{root}/f.bin").content == b"new"


def test_an_upload_that_is_aborted(rest: Rest, root: str, folder: str) -> None:
    created = create(rest, folder)
    parts = send(created["credentials"])
    for _ in range(2):
        assert abort(rest, folder, upload_id=created["upload_id"]).ok() == {}
    done = finish(rest, folder, upload_id=created["upload_id"], parts=parts)
    done.error(400, "INVALID_STATE", "was aborted: begin a new one")
    assert httpx.put(created["credentials"][0]["url"], content=b"x").status_code == 409
    rest.get(f"{root}/f.bin").absent()
    assert rest.get(PROXY, {"path": folder}).ok() == {}


def test_an_id_leads_to_its_own_file_alone(rest: Rest, folder: str) -> None:
    mine, other = create(rest, folder), create(rest, folder, path="g.bin")
    parts = send(mine["credentials"])
    for call in (
        finish(rest, folder, upload_id=other["upload_id"], parts=parts),
        finish(rest, f"{folder}/x", upload_id=mine["upload_id"], parts=parts),
        finish(rest, folder, path="g.bin", upload_id=mine["upload_id"], parts=parts),
        finish(rest, folder, upload_id="0" * 32, parts=parts),
        finish(rest, folder, upload_id="../../x", parts=parts),
        abort(rest, folder, upload_id=other["upload_id"]),
        abort(rest, folder, upload_id="x"),
    ):
        call.absent("There is no upload")
    finish(rest, folder, upload_id=mine["upload_id"], parts=parts).ok()
    abort(rest, folder, path="g.bin", upload_id=other["upload_id"]).ok()


def test_what_is_missing_or_wrong(rest: Rest, folder: str) -> None:
    create_url = f"{MPU}/create/{folder}"
    rest.post(create_url, {"num_parts": 1}).invalid("Missing value for required parameter 'path'.")
    rest.post(create_url, {"path": "f", "num_parts": "x"}).invalid("num_parts")
    for number in (-1, 10_001, 2**63 - 1):
        rest.post(create_url, {"path": "f", "num_parts": number}).invalid("It must be 1 to 10000.")
    done = {"path": "f", "upload_id": "x", "parts": [{"part_number": 1, "etag": "x"}]}
    for name in done:
        without = {key: value for key, value in done.items() if key != name}
        rest.post(f"{MPU}/complete/{folder}", without).invalid(f"Missing value for required parameter '{name}'.")
    created = create(rest, folder)
    for parts in ([], [{"part_number": 1, "etag": "x"}], [{}], [{"part_number": "x"}], [1], "x"):
        finish(rest, folder, upload_id=created["upload_id"], parts=parts).invalid()


def test_an_empty_file_is_sent_whole_instead(rest: Rest, folder: str) -> None:
    """MLflow's client reads the beginning of this message."""
    reply = rest.post(f"{MPU}/create/{folder}", {"path": "f", "num_parts": 0})
    message = reply.error(501, "NOT_IMPLEMENTED")
    assert message.startswith("Multipart upload is not supported for the current artifact repository")


@pytest.mark.parametrize(
    "local", ["f.bin", "/a/b/f.bin", "a/f.bin", "C:\\Users\\me\\f.bin", "..\\f.bin", "../../f.bin"]
)
def test_only_the_name_of_the_clients_file_counts(rest: Rest, root: str, folder: str, local: str) -> None:
    created = create(rest, folder, path=local)
    parts = send(created["credentials"])
    finish(rest, folder, path=local, upload_id=created["upload_id"], parts=parts).ok()
    assert [each["path"] for each in rest.get(PROXY, {"path": folder}).ok()["files"]] == ["f.bin"]


@pytest.mark.parametrize(
    "name", ["..", ".", "", "/", "a/", "a/..", "C:", "a#b", "x\x01y", "%2e%2e", "..%2fx", "a" * 256]
)
def test_names_that_lead_out_or_name_nothing(rest: Rest, folder: str, name: str) -> None:
    for call in ("create", "complete", "abort"):
        body = {"path": name, "num_parts": 1, "upload_id": "x", "parts": [{"part_number": 1, "etag": "x"}]}
        assert rest.post(f"{MPU}/{call}/{folder}", body).status in (400, 404)
    assert rest.get(PROXY, {"path": folder}).ok() == {}


@pytest.mark.parametrize("path", [*CLIMBING, *ROOTED, *ODD])
@pytest.mark.parametrize("call", ["create", "complete", "abort"])
def test_paths_that_lead_out(tracking_uri: str, raw: Raw, call: str, path: str) -> None:
    address = urlsplit(tracking_uri)
    body = b'{"path": "f", "num_parts": 1, "upload_id": "x", "parts": [{"part_number": 1, "etag": "x"}]}'
    answer = raw("POST", f"{MPU}/{call}/{path}", body, {"Content-Type": "application/json"})
    assert answer.status in (400, 404), answer.content
    assert address.netloc.encode() not in answer.content


@pytest.mark.parametrize("path", [*CLIMBING, *ROOTED, *ODD])
def test_paths_that_lead_out_are_not_signed(raw: Raw, root: str, path: str) -> None:
    below = root.removeprefix(PROXY)
    for where in (f"{PRESIGNED}/{path}", f"{PRESIGNED}{below}/{path}"):
        answer = raw("GET", where)
        assert answer.status in (400, 404), answer.content
        assert b"signature" not in answer.content


@pytest.mark.parametrize("path", [unquote(path) for path in (*CLIMBING, *ROOTED, *ODD)])
def test_paths_of_a_run_that_lead_out_are_not_signed(rest: Rest, run: Any, path: str) -> None:
    for call in ("presigned-download-url", "presigned-upload-url"):
        rest.post(f"artifacts/{call}", {"run_id": run["run_id"], "path": path}).invalid()


def test_a_download_is_signed(rest: Rest, tracking_uri: str, root: str, folder: str) -> None:
    rest.send("PUT", f"{root}/a b/f.txt", content=b"hello").ok()
    signed = rest.get(f"{PRESIGNED}/{folder}/a b/f.txt").ok()
    assert (signed["headers"], signed["file_size"]) == ({}, 5)
    assert signed["url"].startswith(f"{tracking_uri}/")
    reply = httpx.get(signed["url"], headers={"Range": "bytes=1-3"})
    assert (reply.status_code, reply.content) == (206, b"ell")
    assert reply.headers["content-disposition"].startswith("attachment")
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert httpx.head(signed["url"]).headers["content-length"] == "5"
    for method in ("PUT", "DELETE", "POST", "PATCH"):
        assert httpx.request(method, signed["url"]).status_code in (403, 405)
    assert httpx.get(re.sub(r"signature=\w", "signature=x", signed["url"])).status_code == 403
    assert httpx.get(signed["url"].replace("f.txt", "g.txt")).status_code == 403
    assert httpx.get(signed["url"].partition("?")[0]).status_code == 403
    rest.get(f"{PRESIGNED}/{folder}/none").absent()
    rest.get(f"{PRESIGNED}/{folder}/a b").absent()


def test_urls_of_a_runs_files(rest: Rest, run: Any, root: str) -> None:
    asked = {"run_id": run["run_id"], "path": "m/f.txt"}
    put = rest.post("artifacts/presigned-upload-url", asked).ok()
    assert httpx.put(put["presigned_url"], content=b"hello", headers=put.get("headers", {})).status_code == 200
    assert rest.get(f"{root}/m/f.txt").content == b"hello"
    got = rest.post("artifacts/presigned-download-url", asked | {"expiration": "60"}).ok()
    assert (got["file_size"], httpx.get(got["presigned_url"]).content) == (5, b"hello")
    assert httpx.get(put["presigned_url"]).status_code == 403
    assert httpx.put(got["presigned_url"], content=b"x").status_code == 403


def test_urls_of_a_logged_models_files(rest: Rest, experiment: str) -> None:
    model = rest.post("logged-models", {"experiment_id": experiment, "name": "m"}).ok()["model"]["info"]
    asked = {"model_id": model["model_id"], "path": "f.txt"}
    put = rest.post("artifacts/presigned-upload-url", asked).ok()
    assert httpx.put(put["presigned_url"], content=b"hello").status_code == 200
    listed = rest.get(f"logged-models/{model['model_id']}/artifacts/directories").ok()
    assert listed["files"] == [{"path": "f.txt", "is_dir": False, "file_size": 5}]


def test_urls_that_are_not_given(rest: Rest, run: Any) -> None:
    up, down = "artifacts/presigned-upload-url", "artifacts/presigned-download-url"
    run_id = run["run_id"]
    for ids in ({}, {"run_id": run_id, "model_id": "m-1"}):
        rest.post(up, {"path": "f", **ids}).invalid("Exactly one of run_id and model_id must be provided.")
    for call in (up, down):
        rest.post(call, {"run_id": run_id}).invalid("Missing value for required parameter 'path'.")
        rest.post(call, {"run_id": "none", "path": "f"}).absent()
    for seconds in (0, -1, 604_801, 10**30):
        rest.post(up, {"run_id": run_id, "path": "f", "expiration": seconds}).invalid()
    rest.post(up, {"model_id": "m-1", "path": "f"}).absent()
    rest.post(down, {"run_id": run_id, "path": "none"}).absent()


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"Host": "localhost:1234"}, "http://localhost:1234"),
        ({"Host": "[::1]:80", "X-Forwarded-Proto": "https"}, "https://[::1]:80"),
        ({"Host": "localhost", "X-Forwarded-Proto": "javascript"}, "http://localhost"),
        ({"Host": "localhost", "X-Forwarded-Host": "evil.example"}, "http://localhost"),
    ],
)
def test_urls_lead_where_the_client_called(rest: Rest, folder: str, headers: dict[str, str], origin: str) -> None:
    created = rest.post(f"{MPU}/create/{folder}", {"path": "f", "num_parts": 1}, headers=headers).ok()
    assert created["credentials"][0]["url"].startswith(f"{origin}/api/v1/transfers/")


@pytest.mark.parametrize("host", ["evil.example", 'localhost"><x', "localhost:x", "localhost/../x", "a@localhost", ""])
def test_no_url_leads_to_a_host_that_is_not_ours(rest: Rest, folder: str, host: str) -> None:
    reply = rest.post(f"{MPU}/create/{folder}", {"path": "f", "num_parts": 1}, headers={"Host": host})
    assert reply.status in (400, 403), reply.text


def test_announced_hashes(rest: Rest, root: str) -> None:
    url = f"{root}/f.txt"
    hello, other = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    stored = rest.send("PUT", url, content=b"hello", headers={"Content-Digest": f"sha-256=:{hello}:"})
    assert (stored.status, stored.headers["repr-digest"]) == (200, f"sha-256=:{hello}:")
    for headers in (
        {"Content-Digest": f"sha-256=:{other}:"},
        {"X-Amz-Checksum-Sha256": other},
        {"Content-Digest": "x"},
    ):
        rest.send("PUT", url, content=b"new", headers=headers).invalid()
    got = rest.get(url)
    assert (got.content, got.headers["etag"]) == (b"hello", stored.headers["etag"])
    assert got.headers["repr-digest"] == got.headers["content-digest"] == f"sha-256=:{hello}:"
    head = rest.send("HEAD", url).headers
    assert head["repr-digest"] == f"sha-256=:{hello}:"
    assert "content-digest" not in head
    assert "repr-digest" not in rest.get(url, headers={"If-None-Match": got.headers["etag"]}).headers


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the client send and fetch in small parts what is larger than nothing."""
    for name, value in {
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
        "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": "1",
        "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": str(5 * 1024**2),
        "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true",
        "MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE": str(3 * 1024**2),
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("in_parts")
def test_the_real_client(client: MlflowClient, run: Any, root: str, tmp_path: Path) -> None:
    content = os.urandom(23_000_001)
    (tmp_path / "ü f.bin").write_bytes(content)
    (tmp_path / "empty").touch()
    client.log_artifacts(run["run_id"], str(tmp_path), "deep/er")
    got = Path(client.download_artifacts(run["run_id"], "deep", str(tmp_path)))
    assert (got / "er" / "ü f.bin").read_bytes() == content
    assert (got / "er" / "empty").read_bytes() == b""


@pytest.mark.usefixtures("in_parts")
def test_the_real_client_of_large_files_needs_no_setting(
    client: MlflowClient, rest: Rest, run: Any, root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks the server whether parts are taken; the file's record tells that it came so."""
    monkeypatch.delenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD")
    (tmp_path / "f.bin").write_bytes(b"x" * 6_000_000)
    client.log_artifact(run["run_id"], str(tmp_path / "f.bin"))
    head = rest.send("HEAD", f"{root}/f.bin").headers
    assert head["content-length"] == "6000000"
    assert "repr-digest" not in head
