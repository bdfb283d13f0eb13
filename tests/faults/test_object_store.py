"""An object store that is slow, refuses, is full, or closes in mid-stream: a clear error, nothing half, retry works."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import psutil
import pytest

from mainspring.engines.blobs import open_store
from mainspring.kit.errors import Unavailable
from tests.components.ports import wait_until
from tests.components.proxy import Proxy
from tests.components.rgw import RadosGateway
from tests.components.server import MainspringServer
from tests.faults.http import Connection

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
LARGE = os.urandom(12 * MIB)
FULL = b"HTTP/1.1 507 Insufficient Storage\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass
class Site:
    """A server whose store is a bucket of Ceph's gateway behind the proxy."""

    server: MainspringServer
    proxy: Proxy
    gateway: RadosGateway
    bucket: str

    def put(self, name: str, data: bytes) -> httpx.Response:
        return httpx.put(f"{self.server.url}{ARTIFACTS}/{name}", content=data, timeout=120)

    def get(self, name: str) -> httpx.Response:
        return httpx.get(f"{self.server.url}{ARTIFACTS}/{name}", timeout=120)

    def names(self) -> list[str]:
        found = httpx.get(f"{self.server.url}{ARTIFACTS}", params={"path": "1"}).raise_for_status().json()
        return [file["path"] for file in found.get("files", ())]

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.server.pid)


@pytest.fixture(scope="module")
def running(rados_gateway: RadosGateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    bucket = rados_gateway.server.create_bucket()
    with Proxy(int(rados_gateway.server.url.rpartition(":")[2])) as proxy:
        environment = rados_gateway.server.environment | {"AWS_ENDPOINT_URL": proxy.url}
        data = tmp_path_factory.mktemp("store") / "data"
        arguments = ("--artifacts-url", f"s3://{bucket}/artifacts")
        with MainspringServer(data, *arguments, environment=environment) as server:
            yield Site(server, proxy, rados_gateway, bucket)


@pytest.fixture
def site(running: Site) -> Iterator[Site]:
    """The site, with an empty folder and all well."""
    yield running
    running.proxy.behave()
    httpx.delete(f"{running.server.url}{ARTIFACTS}/1").raise_for_status()


def check_refusal(answer: httpx.Response, words: str) -> None:
    assert answer.status_code == 503, answer.text
    told = answer.json()
    assert told["error_code"] == "TEMPORARILY_UNAVAILABLE"
    assert words in told["message"]
    assert len(told["message"]) < 300


def check_all_is_well(site: Site) -> None:
    """What failed is not there in part, and works when it is tried again."""
    site.proxy.behave()
    assert site.names() == []
    assert site.gateway.open_parts(site.bucket) == 0
    assert site.put("1/large", LARGE).status_code == 200
    assert site.get("1/large").content == LARGE
    assert site.names() == ["large"]


def test_a_store_that_refuses(site: Site) -> None:
    site.put("1/before", b"x")
    site.proxy.refuse()
    started = time.monotonic()
    try:
        for data in (b"small", LARGE):
            check_refusal(site.put("1/new", data), "connection")
        check_refusal(site.get("1/before"), "refuses connections")
        check_refusal(httpx.get(f"{site.server.url}{ARTIFACTS}", params={"path": "1"}, timeout=60), "connect")
        assert httpx.get(f"{site.server.url}/readyz").status_code == 503
        assert httpx.get(f"{site.server.url}/livez").status_code == 200
    finally:
        site.proxy.accept()
    assert time.monotonic() - started < 60
    assert site.get("1/before").content == b"x"
    httpx.delete(f"{site.server.url}{ARTIFACTS}/1").raise_for_status()
    check_all_is_well(site)


def test_a_store_that_is_full(site: Site) -> None:
    site.proxy.answer = FULL
    for data in (b"small", LARGE):
        check_refusal(site.put("1/new", data), "is full")
    check_all_is_well(site)


def test_a_store_that_closes_in_the_middle_of_an_upload(site: Site) -> None:
    site.proxy.cut_requests = 3 * MIB
    check_refusal(site.put("1/new", LARGE), "closes the connection")
    check_all_is_well(site)


def test_a_store_that_closes_in_the_middle_of_a_download(site: Site) -> None:
    site.put("1/large", LARGE)
    site.proxy.cut_answers = 200_000
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message"):
        site.get("1/large")
    assert "unexpected_error" not in site.server.log
    site.proxy.behave()
    assert site.get("1/large").content == LARGE


def test_a_store_that_closes_now_and_then_is_asked_for_the_rest(site: Site) -> None:
    site.put("1/large", LARGE)
    site.proxy.cut_answers = 5 * MIB
    assert site.get("1/large").content == LARGE


def test_a_slow_store_keeps_nobody_else_waiting(site: Site) -> None:
    async def scenario() -> None:
        async with httpx.AsyncClient(base_url=site.server.url, timeout=120) as client:
            site.proxy.bytes_per_second = 4 * MIB
            uploads = [asyncio.create_task(client.put(f"{ARTIFACTS}/1/{number}", content=LARGE)) for number in range(8)]
            await asyncio.sleep(0.5)
            for _ in range(20):
                started = time.monotonic()
                assert (await client.get("/api/2.0/mlflow/experiments/get?experiment_id=0")).status_code == 200
                assert time.monotonic() - started < 2
            assert [(await upload).status_code for upload in uploads] == [200] * 8
            downloads = await asyncio.gather(*(client.get(f"{ARTIFACTS}/1/{number}") for number in range(8)))
            assert all(answer.content == LARGE for answer in downloads)

    asyncio.run(scenario())


def test_a_store_that_falls_silent(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that it has is cut here: the server gives it a minute."""
    for name, value in site.gateway.server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", site.proxy.url)
    monkeypatch.setattr("mainspring.engines.blobs.remote.READ_TIMEOUT", "1s")
    monkeypatch.setattr("mainspring.engines.blobs.remote._ABORT_SECONDS", 1)
    site.put("1/large", LARGE)
    store = open_store(f"s3://{site.bucket}/artifacts")

    async def whole(data: bytes) -> None:
        async def pieces():  # type: ignore[no-untyped-def]
            yield data

        await store.put("1/new", pieces())

    async def scenario() -> None:
        blob = await store.get("1/large")
        await anext(blob.chunks)
        site.proxy.stalled = True
        started = time.monotonic()
        for call in (blob.read(100 * MIB), store.head("1/large"), whole(b"x"), whole(LARGE)):
            with pytest.raises(Unavailable, match="failed: "):
                await call
        assert time.monotonic() - started < 60
        site.proxy.behave()
        assert site.names() == ["large"]
        # What could not be aborted is for the task that removes abandoned uploads.
        for upload in [upload async for upload in store.list_multiparts()]:
            await store.abort_multipart(upload.path, upload.upload_id)

    asyncio.run(scenario())


def test_who_leaves_in_the_middle_of_an_upload_leaves_nothing(site: Site) -> None:
    async def scenario() -> None:
        connection = await Connection.open(site.server)
        connection.writer.write(connection.head("PUT", f"{ARTIFACTS}/1/half", len(LARGE) + 1) + LARGE)
        await connection.writer.drain()
        connection.writer.transport.abort()

    threads = site.process.num_threads()
    asyncio.run(scenario())
    wait_until(lambda: site.gateway.open_parts(site.bucket) == 0, "the abort of the upload", 20)
    assert site.names() == []
    assert site.process.num_threads() <= threads + 1


def test_slow_readers_hold_no_thread_and_little_memory(site: Site) -> None:
    readers, size = 20, 60
    assert site.put("1/huge", os.urandom(MIB) * size).status_code == 200
    site.get("1/huge")
    before, threads, passed = site.process.memory_info().rss, site.process.num_threads(), site.proxy.answered_bytes

    async def scenario() -> None:
        slow = [await Connection.open(site.server) for _ in range(readers)]
        for connection in slow:
            await connection.send("GET", f"{ARTIFACTS}/1/huge")
        for _ in range(6):
            await asyncio.sleep(1)
            for connection in slow:
                await connection.reader.read(1024)
        # Threads that looked up the store's address go after some seconds.
        await asyncio.to_thread(wait_until, lambda: site.process.num_threads() <= threads + 1, "the threads' end", 20)
        assert site.process.memory_info().rss - before < readers * 6 * MIB
        read_ahead = site.proxy.answered_bytes - passed
        await asyncio.sleep(2)
        assert site.proxy.answered_bytes - passed - read_ahead < readers * MIB
        assert httpx.get(f"{site.server.url}/livez").status_code == 200
        for connection in slow:
            connection.writer.transport.abort()

    asyncio.run(scenario())
    wait_until(lambda: site.proxy.open <= 12, "the end of the store's answers", 20)
