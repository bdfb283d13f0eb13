"""Garbage in a bucket: objects of what was deleted go, and forgotten uploads; nothing outside the prefix does."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

import mainspring as ms
from mainspring.engines.blobs import open_store
from mainspring.modules.artifacts.service import abandoned
from tests.components.rgw import RadosGateway
from tests.components.server import MainspringServer

pytestmark = pytest.mark.slow


def test_only_objects_of_what_was_deleted_go(tmp_path: Path, rados_gateway: RadosGateway) -> None:
    bucket = rados_gateway.server.create_bucket()
    for name in range(70):
        (tmp_path / "files" / f"{name % 3}").mkdir(parents=True, exist_ok=True)
        (tmp_path / "files" / f"{name % 3}" / f"{name}.txt").write_text("1234")
    arguments = ("--artifacts-url", f"s3://{bucket}/artifacts")
    environment = rados_gateway.server.environment
    everything = S3Store(
        bucket,
        endpoint=environment["AWS_ENDPOINT_URL"],
        access_key_id=rados_gateway.server.access_key,
        secret_access_key=rados_gateway.server.secret_key,
        region="us-east-1",
        client_options={"allow_http": True},
    )
    with (
        MainspringServer(tmp_path / "data", *arguments, environment=environment) as server,
        ms.connect(server.url) as client,
    ):
        gone, stays = (client.runs.create("0").run_id for _ in range(2))
        for run in (gone, stays):
            client.artifacts.upload(run, tmp_path / "files")
        foreign = f"0/{gone}/artifacts/not-ours.txt"
        obstore.put(everything, foreign, b"outside the prefix")
        client.runs.delete(gone)
        assert client.storage.gc(dry_run=True).files == 70
        report = client.storage.gc()
    assert (report.runs, report.files, report.bytes) == (1, 70, 280)
    left = [item["path"] for page in obstore.list(everything) for item in page]
    assert len(left) == 71
    assert {path.split("/")[2] for path in left if path != foreign} == {stays}
    assert foreign in left


def test_only_uploads_below_the_prefix_are_aborted(
    rados_gateway: RadosGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in rados_gateway.server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = rados_gateway.server.create_bucket()

    async def run() -> None:
        ours, other = open_store(f"s3://{bucket}/ours"), open_store(f"s3://{bucket}/other")
        now = int(time.time() * 1000)
        await ours.create_multipart("a/b.bin")
        await other.create_multipart("a/b.bin")
        assert await abandoned._abort_unknown(ours, now - 60_000) == 0
        assert await abandoned._abort_unknown(ours, now + 60_000) == 1
        assert [each async for each in ours.list_multiparts()] == []
        assert [each.path async for each in other.list_multiparts()] == ["a/b.bin"]
        await ours.close()
        await other.close()

    asyncio.run(run())
