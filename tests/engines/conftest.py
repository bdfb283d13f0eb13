"""Object stores to test: an empty one of each kind, a bucket, a disk that is soon full."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainspring.engines.blobs import BlobStore, open_store
from tests.components.rgw import RadosGateway


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> BlobStore:
    """An empty store of each kind."""
    if request.param == "file":
        return open_store((tmp_path / "store").as_uri())
    gateway: RadosGateway = request.getfixturevalue("rados_gateway")
    for name, value in gateway.server.environment.items():
        monkeypatch.setenv(name, value)
    return open_store(f"s3://{gateway.server.create_bucket()}/some/prefix")


@pytest.fixture
def bucket(rados_gateway: RadosGateway, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket of Ceph's gateway, to which the environment leads."""
    for name, value in rados_gateway.server.environment.items():
        monkeypatch.setenv(name, value)
    return rados_gateway.server.create_bucket()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
