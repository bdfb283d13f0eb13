"""The artifact cases: one big file through the server, up and down, streamed and compared by its SHA-256."""

import hashlib
import os
from pathlib import Path

from bench import BenchError
from bench.servers import Api
from bench.subject import Sample, Subject

CHUNK = 2**20


def put(subject: Subject) -> Sample:
    """Put a file; the figure is the server's CPU seconds. The copy is read back and compared."""
    source, digest = source_file(subject)
    path = artifact_path(subject)
    with subject.server.api() as api:
        with subject.server.spending() as spent:
            api.ask("PUT", path, source)
        expect_digest(api, path, digest)
    return Sample(spent.cpu, growth_mib=spent.growth_mib)


def get(subject: Subject) -> Sample:
    """Get a file that was put once; the figure is the server's CPU seconds. What came is compared."""
    source, digest = source_file(subject)
    with subject.server.api() as api:
        if not subject.artifact:
            subject.artifact = artifact_path(subject)
            api.ask("PUT", subject.artifact, source)
            subject.server.settle(calm_windows=1)
        with subject.server.spending() as spent:
            expect_digest(api, subject.artifact, digest)
    return Sample(spent.cpu, growth_mib=spent.growth_mib)


def artifact_path(subject: Subject) -> str:
    """Return the path of an artifact of a new run at the artifact proxy."""
    run_id = subject.create_runs(1)[0]
    with subject.server.api() as api:
        uri = api.get("runs/get", run_id=run_id)["run"]["info"]["artifact_uri"]
    return f"/api/2.0/mlflow-artifacts/artifacts/{uri.removeprefix('mlflow-artifacts:/')}/artifact.bin"


def source_file(subject: Subject) -> tuple[Path, bytes]:
    """Return a file of random bytes, made once a server, and its SHA-256."""
    path = subject.server.folder / "source.bin"
    if not path.exists():
        with path.open("wb") as file:
            for _ in range(subject.size.artifact_mib):
                file.write(os.urandom(CHUNK))
    with path.open("rb") as file:
        return path, hashlib.file_digest(file, "sha256").digest()


def expect_digest(api: Api, path: str, digest: bytes) -> None:
    """Raise BenchError unless what an address answers has this SHA-256."""
    found = hashlib.sha256()
    with api.open("GET", path) as answer:
        while chunk := answer.read(CHUNK):
            found.update(chunk)
    if found.digest() != digest:
        raise BenchError("the artifact came back changed")
