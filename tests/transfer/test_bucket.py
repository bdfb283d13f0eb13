"""Files that the old server kept in a bucket come along, into another bucket."""

from __future__ import annotations

import hashlib
from pathlib import Path

import obstore
import pytest
from mlflow import MlflowClient
from obstore.store import S3Store

from tests.components.rgw import RadosGateway
from tests.transfer.conftest import mainspring
from tests.transfer.seen import hashes

pytestmark = pytest.mark.slow


def test_files_of_a_bucket_arrive(tmp_path: Path, rados_gateway: RadosGateway) -> None:
    server = rados_gateway.server
    old, new = server.create_bucket(), server.create_bucket()
    keys = {"access_key_id": server.access_key, "secret_access_key": server.secret_key}
    bucket = S3Store(old, endpoint=server.url, region="us-east-1", client_options={"allow_http": True}, **keys)
    url = f"sqlite:///{tmp_path}/mlflow.db"
    client = MlflowClient(url, url)
    run = client.create_run(client.create_experiment("e", f"s3://{old}/root")).info
    content = {"a.txt": b"a", "deep/er/ü b.bin": bytes(range(256)) * 50_000, "empty": b""}
    for name, data in content.items():
        obstore.put(bucket, f"{run.artifact_uri.removeprefix(f's3://{old}/')}/{name}", data)
    where = ["--data", tmp_path / "data", "--artifacts-url", f"s3://{new}/mainspring"]
    report = mainspring("import", "mlflow", url, *where, "--json", **server.environment).json
    assert report["complete"] is True
    assert report["files"] == {"files": 3, "bytes": sum(map(len, content.values())), "failed": 0}
    mainspring("export", tmp_path / "out", *where, **server.environment)
    exported = hashes(tmp_path / "out" / "artifacts" / "1" / run.run_id / "artifacts")
    assert exported == {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
