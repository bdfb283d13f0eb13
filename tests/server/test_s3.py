"""The whole server with its artifacts in an S3 bucket: the real client writes, the objects lie where row A3 says."""

from pathlib import Path

import mlflow
import obstore
import pytest
from mlflow import MlflowClient
from obstore.store import S3Store

from tests.components.rgw import RadosGateway
from tests.components.server import MainspringServer

pytestmark = pytest.mark.slow


def test_artifacts_in_a_bucket(tmp_path: Path, rados_gateway: RadosGateway) -> None:
    bucket = rados_gateway.server.create_bucket()
    arguments = ("--artifacts-url", f"s3://{bucket}/artifacts")
    environment = rados_gateway.server.environment
    with MainspringServer(tmp_path / "data", *arguments, environment=environment) as server:
        client = MlflowClient(server.url, server.url)
        run = client.create_run("0").info
        (tmp_path / "model.bin").write_bytes(bytes(range(256)) * 60_000)
        client.log_artifact(run.run_id, str(tmp_path / "model.bin"), "model")
        client.log_text(run.run_id, "hello", "notes/read me.txt")
        assert [entry.path for entry in client.list_artifacts(run.run_id)] == ["model", "notes"]

        mlflow.set_tracking_uri(server.url)
        got = mlflow.artifacts.download_artifacts(run_id=run.run_id, dst_path=str(tmp_path / "got"))
        assert (Path(got) / "model" / "model.bin").read_bytes() == (tmp_path / "model.bin").read_bytes()
        assert (Path(got) / "notes" / "read me.txt").read_text() == "hello"

    options = {
        "endpoint": environment["AWS_ENDPOINT_URL"],
        "access_key_id": rados_gateway.server.access_key,
        "secret_access_key": rados_gateway.server.secret_key,
        "region": "us-east-1",
    }
    store = S3Store(bucket, client_options={"allow_http": True}, **options)
    paths = [item["path"] for page in obstore.list(store) for item in page]
    assert f"artifacts/0/{run.run_id}/artifacts/model/model.bin" in paths
