"""What only S3 can get wrong: encryption, storage classes, versions, large listings; on Ceph's gateway (slow)."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.config import Config
from botocore.session import Session

from mainspring.engines.blobs import BlobStore, open_store
from mainspring.kit.errors import InvalidArgument, NotFound, TooLarge, Unavailable
from tests.components.proxy import Proxy
from tests.components.rgw import KMS_KEY, REGION, RadosGateway
from tests.engines.stores import MIB, all_paths, chunks, content, many, refused

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "artifact-stores.md"
ENCRYPTED = f"sse=aws:kms&kms_key_id={KMS_KEY}"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://bucket?color=red", "'color=red'.*sse, kms_key_id, bucket_key, storage_class"),
        ("s3://bucket?sse=AES256&sse=AES256", "given twice"),
        ("s3://bucket?sse=", "empty"),
        ("s3://bucket?sse=rot13", "AES256, aws:kms"),
        ("s3://bucket?sse=sse-c", "AES256, aws:kms"),
        ("s3://bucket?kms_key_id=k", "need sse=aws:kms"),
        ("s3://bucket?sse=AES256&kms_key_id=k", "need sse=aws:kms"),
        ("s3://bucket?sse=aws:kms&bucket_key=maybe", "true or false"),
        ("gs://bucket?storage_class=NEARLINE", "'storage_class=NEARLINE'.*none"),
        ("az://container?sse=AES256", "'sse=AES256'.*none"),
        ("file:///folder?sse=AES256", "takes none"),
    ],
)
def test_options_that_the_store_lacks_are_refused(url: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    with pytest.raises(InvalidArgument, match=said):
        open_store(url)


def test_options_of_the_environment_are_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SERVER_SIDE_ENCRYPTION", "sse-c")
    with pytest.raises(InvalidArgument, match="sse-c"):
        open_store("s3://bucket")


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, "https://s3.us-east-1.amazonaws.com/bucket/p/x"),
        ({"AWS_REGION": "eu-central-1"}, "https://s3.eu-central-1.amazonaws.com/bucket/p/x"),
        ({"AWS_ENDPOINT_URL": "https://s3.example.org:8443"}, "https://s3.example.org:8443/bucket/p/x"),
        ({"AWS_ENDPOINT_URL": "http://10.0.0.1:9000"}, "http://10.0.0.1:9000/bucket/p/x"),
        (
            {"AWS_ENDPOINT_URL": "https://bucket.s3.example.org", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true"},
            "https://bucket.s3.example.org/p/x",
        ),
        (
            {"AWS_REGION": "eu-central-1", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true"},
            "https://bucket.s3.eu-central-1.amazonaws.com/p/x",
        ),
    ],
)
def test_both_clients_go_to_the_same_address(
    environment: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in ({"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"} | environment).items():
        monkeypatch.setenv(name, value)

    async def scenario() -> None:
        store = open_store("s3://bucket/p")
        signed = await store.sign_get("x", 60), await store.sign_put("x", 60), await store.sign_part("x", "id", 1, 60)
        for request in signed:
            assert request.url.partition("?")[0] == address
            assert "X-Amz-Signature=" in request.url

    asyncio.run(scenario())


def test_a_store_is_opened_without_loading_botocore() -> None:
    program = (
        "import sys; from mainspring.engines.blobs import open_store; "
        "open_store('s3://bucket'); sys.exit('botocore' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


XML = "<?xml version='1.0'?><Error><Code>{}</Code><Message>{}</Message></Error>"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        ("507 Insufficient Storage", "", "is full .*507"),
        ("403 Forbidden", XML.format("QuotaExceeded", ""), "is full .*QuotaExceeded"),
        ("403 Forbidden", XML.format("AccessDenied", "Not you"), "failed: .*AccessDenied.*Not you"),
        pytest.param("503 Slow Down", XML.format("SlowDown", "Please"), "failed: .*SlowDown", marks=pytest.mark.slow),
    ],
)
def test_what_a_store_says_is_told(status: str, body: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")

    async def scenario() -> None:
        store = open_store("s3://bucket/prefix")
        for call in (store.put("x", many(1)), store.put("x", many(100)), store.create_multipart("x")):
            message = await refused(Unavailable, call)
            assert re.search(f"'s3://bucket/prefix' {said}", message), message
            assert "very-secret" not in message
            assert len(message) < 300

    with Proxy(port=1) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        proxy.answer = (head + body).encode()
        asyncio.run(scenario())


def test_a_token_that_the_store_does_not_know_is_the_clients_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    body = XML.format("InvalidArgument", "The continuation token provided is incorrect")
    with Proxy(port=1) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        proxy.answer = (head + body).encode()
        asyncio.run(refused(InvalidArgument, open_store("s3://bucket").list_page("f", "nonsense", 10)))


@pytest.fixture
def client(rados_gateway: RadosGateway) -> Any:
    """Another S3 client, to look past the store."""
    server = rados_gateway.server
    return Session().create_client(
        "s3",
        endpoint_url=server.url,
        region_name=REGION,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        config=Config(request_checksum_calculation="when_required", response_checksum_validation="when_required"),
    )


@pytest.mark.slow
def test_all_ways_into_the_store_encrypt(bucket: str, client: Any) -> None:
    store = open_store(f"s3://{bucket}/p?{ENCRYPTED}")

    async def scenario() -> None:
        await store.put("small", chunks(b"x"))
        await store.put("large", many(16 * 11))
        upload = await store.create_multipart("parts")
        through_us = await store.put_part("parts", upload, 1, many(80))
        signed = await store.sign_part("parts", upload, 2, 60)
        assert httpx.put(signed.url, headers=signed.headers, content=b"end").status_code == 200
        await store.complete_multipart("parts", upload, await store.list_parts("parts", upload))
        put = await store.sign_put("signed", 60)
        assert put.headers["x-amz-server-side-encryption"] == "aws:kms"
        assert httpx.put(put.url, content=b"x").status_code == 403
        assert httpx.put(put.url, headers=put.headers, content=b"x").status_code == 200
        assert await content(store, "parts", through_us.size) == b"end"
        get = await store.sign_get("signed", 60)
        assert httpx.get(get.url, headers=get.headers).content == b"x"

    asyncio.run(scenario())
    for name in ("small", "large", "parts", "signed"):
        found = client.head_object(Bucket=bucket, Key=f"p/{name}")
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", KMS_KEY), name


@pytest.mark.slow
def test_a_key_that_is_not_there_is_told(bucket: str) -> None:
    store = open_store(f"s3://{bucket}?sse=aws:kms&kms_key_id=no-such-key")

    async def scenario() -> None:
        for size in (1, 16 * 11):
            assert bucket in await refused(Unavailable, store.put("x", many(size)))
        assert await all_paths(store) == []

    asyncio.run(scenario())


@pytest.mark.slow
def test_the_storage_class_is_passed_on(bucket: str, client: Any) -> None:
    async def scenario() -> None:
        store = open_store(f"s3://{bucket}?storage_class=STANDARD")
        await store.put("x", chunks(b"x"))
        put = await store.sign_put("y", 60)
        assert put.headers == {"x-amz-storage-class": "STANDARD"}
        assert httpx.put(put.url, headers=put.headers, content=b"x").status_code == 200
        await store.create_multipart("z")
        missing = open_store(f"s3://{bucket}?storage_class=NO_SUCH_CLASS")
        await refused(Unavailable, missing.put("n", chunks(b"x")))
        await refused(Unavailable, missing.create_multipart("n"))

    asyncio.run(scenario())
    [upload] = client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert upload["StorageClass"] == "STANDARD"


@pytest.mark.slow
def test_versions_are_kept_and_not_seen(bucket: str, client: Any) -> None:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    store = open_store(f"s3://{bucket}/p")

    async def scenario() -> None:
        for text in (b"one", b"second"):
            await store.put("a/x", chunks(text))
        await store.put("a/y", chunks(b"y"))
        assert await content(store, "a/x") == b"second"
        assert [(entry.path, entry.size) for entry in await store.list("a")] == [("a/x", 6), ("a/y", 1)]
        await store.delete("a/x")
        await refused(NotFound, store.head("a/x"))
        assert [entry.path for entry in (await store.list_page("a", None, 10)).entries] == ["a/y"]
        await store.delete_prefix("a")
        assert (await all_paths(store), await store.list("")) == ([], [])

    asyncio.run(scenario())
    found = client.list_object_versions(Bucket=bucket)
    assert sorted(version["Size"] for version in found["Versions"]) == [1, 3, 6]
    assert sorted(marker["Key"] for marker in found["DeleteMarkers"]) == ["p/a/x", "p/a/y"]
    assert client.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


@pytest.mark.slow
def test_the_rules_of_the_documentation_are_taken(bucket: str, client: Any) -> None:
    [rules] = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=json.loads(rules))
    [rule] = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 14}


@pytest.mark.slow
def test_pages_cross_the_limit_of_one_request(bucket: str) -> None:
    store = open_store(f"s3://{bucket}/p")
    names = [f"{number:05d}" for number in range(1100)]

    async def scenario() -> None:
        for start in range(0, len(names), 50):
            await asyncio.gather(*(store.put(f"f/{name}", chunks(b"x")) for name in names[start : start + 50]))
        first = await store.list_page("f", None, 1050)
        rest = await store.list_page("f", first.next, 1050)
        assert [entry.path for entry in first.entries + rest.entries] == [f"f/{name}" for name in names]
        assert rest.next is None
        await store.delete_prefix("f")
        assert await all_paths(store) == []

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_stream_past_the_limit_of_parts_is_refused(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mainspring.engines.blobs.remote.STREAM_BYTES", 10 * MIB)
    store = open_store(f"s3://{bucket}")

    async def scenario() -> None:
        assert "in parts" in await refused(TooLarge, store.put("x", many(16 * 11)))
        assert await uploads(store) == []
        assert await all_paths(store) == []

    asyncio.run(scenario())


async def uploads(store: BlobStore) -> list[str]:
    return [upload.path async for upload in store.list_multiparts()]
