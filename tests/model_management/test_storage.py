"""Places for bytes: what each must do, and that models live in them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from mainspring.kit.errors import FailedPrecondition, NotFound, Unavailable
from model_management import ModelStorage, ModelVersion, Payload, create_registry
from model_management.storage import ObjectStorage, storage_of
from tests.components.rgw import RadosGateway
from tests.model_management.writers import Thresholds

BIG = 12_000_000
"""More than one part of an upload in parts."""


@pytest.fixture(params=["path", "file", "memory", pytest.param("s3", marks=pytest.mark.slow)])
def storage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStorage:
    if request.param == "path":
        return storage_of(tmp_path / "a folder" / "of models")
    if request.param == "file":
        return storage_of((tmp_path / "a folder" / "of models").as_uri())
    if request.param == "memory":
        return storage_of(ObjectStorage(MemoryStore(), "memory:///"))
    gateway: RadosGateway = request.getfixturevalue("rados_gateway")
    for variable, value in gateway.server.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    return storage_of(f"s3://{gateway.server.create_bucket()}/models/of mine")


def payload_of(content: bytes) -> Payload:
    return Payload(io.BytesIO(content), "pickle", hashlib.sha256(content).hexdigest(), len(content))


def version_of(storage: ModelStorage, key: str, payload: Payload) -> ModelVersion:
    return ModelVersion(
        name="wine",
        version=1,
        description="",
        tags={},
        format=payload.format,
        store=storage.uri,
        key=key,
        sha256=payload.sha256,
        size=payload.size,
        created_ms=0,
    )


@pytest.mark.parametrize("content", [b"", b"abc", bytes(range(256)) * (BIG // 256)], ids=["empty", "small", "big"])
def test_bytes_come_back_and_go(storage: ModelStorage, content: bytes) -> None:
    payload = payload_of(content)
    version = version_of(storage, storage.put(payload), payload)

    with storage.open(version) as found:
        assert found.file.read() == content
        assert (found.format, found.sha256, found.size) == ("pickle", payload.sha256, len(content))
    storage.delete(version)
    storage.delete(version)
    with pytest.raises(NotFound, match="are not in"), storage.open(version):
        pass


def test_every_put_has_a_key_of_its_own(storage: ModelStorage) -> None:
    assert storage.put(payload_of(b"same")) != storage.put(payload_of(b"same"))


def test_foreign_keys_are_refused(storage: ModelStorage) -> None:
    version = version_of(storage, "../up.pickle", payload_of(b""))
    with pytest.raises(FailedPrecondition), storage.open(version):
        pass
    with pytest.raises(FailedPrecondition):
        storage.delete(version)


def test_a_registry_keeps_its_models_there(storage: ModelStorage, tmp_path: Path) -> None:
    registry = create_registry("local", url=tmp_path / "metadata", storage=storage)
    model = Thresholds([1.0], bytes(BIG))

    saved = registry.save_model(model, "wine")

    assert saved.store == storage.uri
    assert registry.load_model("wine") == model
    registry.delete_model("wine")
    with pytest.raises(NotFound), storage.open(saved):
        pass


def test_a_store_that_does_not_answer_saves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "none")
    # Port 9 of loopback: nothing listens there, and the refusal is not worth a retry.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    registry = create_registry("local", url=tmp_path, storage="s3://bucket/models")

    with pytest.raises(Unavailable, match="s3://bucket/models refused or did not answer"):
        registry.save_model(Thresholds([1.0]), "wine")
    assert registry.list_models() == []


def test_google_cloud_storage_is_opened_by_its_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only the address is checked: there is no Google Cloud Storage to talk to."""
    from obstore.store import GCSStore

    storage = storage_of("gs://bucket/models")
    assert isinstance(storage, ObjectStorage)
    assert isinstance(storage._store, GCSStore)
    assert storage.uri == "gs://bucket/models"
