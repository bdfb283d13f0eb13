"""An export: what is here as Parquet tables, the files beside them, and a manifest that proves both.

Everything is written to a folder that gets its name when it is whole. The tables are of one moment.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, json
from sqlalchemy import Connection

from mainspring import __version__
from mainspring.engines.blobs import BlobMeta
from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import AlreadyExists, Unavailable, Unsupported
from mainspring.kit.paths import artifact_path
from mainspring.kit.sql_transfer import hold_snapshot
from mainspring.modules.artifacts import service as artifacts
from mainspring.modules.services import Services
from mainspring.modules.tracking.service import imports
from mainspring.transfer.copying import each
from mainspring.transfer.parquet import TableFile, TableFiles
from mainspring.transfer.reports import Progress
from mainspring.transfer.rows import Rows, experiments_of
from mainspring.transfer.tables import TABLES

FORMAT = 1
MANIFEST = "manifest.json"
ARTIFACTS = "artifacts"
AT_ONCE = 1_000


class TableEntry(Struct):
    """A file of the export: how many rows and bytes it has, and its SHA-256 in hexadecimal digits."""

    rows: int
    bytes: int
    sha256: str


class ArtifactsEntry(Struct):
    """The files of the export; those of ``elsewhere`` runs and logged models lie outside the store and stay there."""

    files: int = 0
    bytes: int = 0
    elsewhere: int = 0


class Manifest(Struct):
    """What an export holds. ``experiments`` are the ids that were asked for, None for all."""

    format: int
    mainspring: str
    exported_at: str
    experiments: list[str] | None
    tables: dict[str, TableEntry]
    artifacts: ArtifactsEntry | None


class Export:
    """One export to ``folder``; ``experiments`` are names or ids, none of them is all.

    ``tell`` is called as it goes on.
    """

    def __init__(
        self,
        services: Services,
        folder: Path,
        experiments: Sequence[str],
        with_artifacts: bool,
        tell: Callable[[Progress], None],
    ) -> None:
        self._services, self._tell = services, tell
        self._folder = folder.absolute()
        self._partial = self._folder.with_name(f".{self._folder.name}.partial")
        self._wanted, self._with_artifacts = experiments, with_artifacts
        self._progress = Progress()
        self._copied = ArtifactsEntry()

    async def run(self) -> Manifest:
        """Write everything. Raises AlreadyExists for a folder with something in it, NotFound for an experiment."""
        if self._folder.exists() and any(self._folder.iterdir()):
            raise AlreadyExists(f"{self._folder} is not empty: name a folder that does not exist yet.", field="folder")
        try:
            shutil.rmtree(self._partial, ignore_errors=True)  # what an export that was broken off has left
            self._partial.mkdir(parents=True)
            manifest = await self._write()
            (self._partial / MANIFEST).write_bytes(json.format(json.encode(manifest), indent=2))
            os.sync()
            self._partial.rename(self._folder)
        except OSError as error:
            raise Unavailable(f"{self._folder} cannot be written: {error.strerror}.") from error
        return manifest

    async def _write(self) -> Manifest:
        tables = [table for table in TABLES if table != ARTIFACTS]
        with TableFiles(tables, self._partial) as files:
            experiment_ids = await self._services.db.read(self._write_tables, files)
        written = dict(files.files)
        if self._with_artifacts:
            with TableFiles([ARTIFACTS], self._partial) as listed:
                await each(self._blobs(experiment_ids), lambda blob: self._copy(blob, listed[ARTIFACTS]))
            written |= listed.files
        entries = {table: await asyncio.to_thread(_entry, file) for table, file in written.items()}
        return Manifest(
            format=FORMAT,
            mainspring=__version__,
            exported_at=datetime.now(UTC).isoformat(timespec="seconds"),
            experiments=experiment_ids if self._wanted else None,
            tables=entries,
            artifacts=self._copied if self._with_artifacts else None,
        )

    def _write_tables(self, tx: Connection, files: TableFiles) -> list[str]:
        """Write all tables but that of the files, and return the ids of the experiments that they are of."""
        hold_snapshot(tx)
        experiments = list(experiments_of(tx, self._wanted))
        ids = [experiment.experiment_id for experiment in experiments]
        rows = Rows(tx, files, ids if self._wanted else None)
        for experiment in experiments:
            rows.add_experiment(experiment)
        for run in rows.runs(ids):
            self._progress.runs += 1
            self._progress.points = files["metrics"].rows
            self._progress.experiment = run.name
            self._tell(self._progress)
        rows.add_logged_models(ids)
        rows.add_registered_models()
        return ids

    async def _blobs(self, experiment_ids: list[str]) -> AsyncIterator[BlobMeta]:
        """Yield the files of the runs and logged models of experiments."""
        async for location in self._locations(experiment_ids):
            try:
                folder = artifacts.resolve(location)
            except Unsupported:
                self._copied.elsewhere += 1
                continue
            async for blob in self._services.blobs.list_recursive(folder):
                yield blob

    async def _locations(self, experiment_ids: list[str]) -> AsyncIterator[str]:
        after: int | None = 0
        while after is not None:
            runs, after = await self._services.db.read(imports.list_runs, LOCAL, experiment_ids, after, AT_ONCE)
            for _, location in runs:
                yield location
        after = 0
        while after is not None:
            ids, after = await self._services.db.read(imports.list_logged_models, LOCAL, experiment_ids, after, AT_ONCE)
            for model in await self._services.db.read(imports.read_logged_models, LOCAL, ids):
                yield model.artifact_uri

    async def _copy(self, wanted: BlobMeta, listed: TableFile) -> None:
        """Copy a file to its place in the export, and note its hash."""
        target = self._partial / ARTIFACTS / artifact_path(wanted.path)
        await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
        blob = await self._services.blobs.get(wanted.path)
        hashing, size = hashlib.sha256(), 0
        try:
            with target.open("xb") as file:
                async for chunk in blob.chunks:
                    await asyncio.to_thread(file.write, chunk)
                    hashing.update(chunk)
                    size += len(chunk)
        finally:
            await blob.chunks.aclose()
        listed.add(wanted.path, size, hashing.hexdigest())
        self._copied.files += 1
        self._copied.bytes += size
        self._progress.files, self._progress.bytes = self._copied.files, self._copied.bytes
        self._tell(self._progress)


def _entry(file: TableFile) -> TableEntry:
    with file.path.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return TableEntry(file.rows, file.path.stat().st_size, digest)
