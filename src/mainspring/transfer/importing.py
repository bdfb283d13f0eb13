"""An import: everything of a source into our database and artifact store, and the proof that it is here.

It goes by experiments and some hundred runs at a time, each step a transaction that may be repeated, and may
be broken off anywhere: what is marked as incomplete is done again, what is whole is only compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from mainspring.kit.actors import LOCAL
from mainspring.modules.registry import service as registry
from mainspring.modules.registry.schemas import ModelVersion
from mainspring.modules.registry.service import imports as registry_imports
from mainspring.modules.services import Services
from mainspring.modules.tracking.schemas import Experiment
from mainspring.modules.tracking.service import imports as tracking_imports
from mainspring.modules.tracking.service.imports import ModelRecord, RunRecord
from mainspring.modules.tracking.service.runs import artifact_uri
from mainspring.transfer.artifacts import STAYS, ArtifactSources, SourceFolder
from mainspring.transfer.copying import Copied, Copier
from mainspring.transfer.fitting import Fitting, fitted
from mainspring.transfer.reading_back import tally_logged_models, tally_registered_model, tally_runs
from mainspring.transfer.reports import SHOWN, Imported, ImportReport, Progress
from mainspring.transfer.source import BATCH, Source
from mainspring.transfer.tally import Tally

POINTS_AT_ONCE = 10_000
OUR_STORE = "mlflow-artifacts:/"
_OWNED = re.compile(r"/([A-Za-z0-9][\w-]*)/artifacts(?=/|$)")

T = TypeVar("T")
Moved = tuple[SourceFolder, str]
"""Where files are, and the location of ours that they go to."""


class Import:
    """One import from ``source``; ``files`` opens its locations of files, None leaves all files where they are.

    With ``update`` runs and logged models that are here as a whole already are taken in again: what the
    source has replaces what is here. ``tell`` is called as it goes on.
    """

    def __init__(
        self,
        source: Source,
        services: Services,
        files: ArtifactSources | None,
        update: bool,
        tell: Callable[[Progress], None],
    ) -> None:
        self._source, self._services, self._files, self._update = source, services, files, update
        self._progress, self._tell_progress = Progress(), tell
        self._fitting = Fitting(source.notes)
        self._copier = Copier(services, source.notes, self._tell)

    async def run(self) -> ImportReport:
        """Import everything and compare it. Raises Unavailable where one of the two sides stays away."""
        self._progress.total = self._source.count_runs()
        experiments = [await self._experiment(each) for each in self._source.experiments()]
        models = await self._registered_models()
        parts = [*experiments, models]
        alike = all(part.source == part.here and not part.differing for part in parts)
        return ImportReport(
            source=self._source.name,
            complete=alike and not self._copier.copied.failed,
            dry_run=False,
            total=sum((part.source for part in parts), Tally()),
            experiments=experiments,
            registered_models=models,
            files=self._copier.copied,
            not_imported=self._source.not_imported(),
            notes=self._source.notes.all(),
        )

    async def _experiment(self, found: Experiment) -> Imported:
        wanted = self._fitting.experiment(found)
        own_store = self._files is not None and self._files.reads(wanted.artifact_location)
        here = await self._services.db.write(tracking_imports.import_experiment, LOCAL, wanted, own_store=own_store)
        self._progress.experiment = here.name
        done = Imported(wanted.experiment_id, here.name, Tally(), here.experiment_id, Tally())
        runs: dict[str, Tally] = {}
        for batch in self._source.runs(wanted.experiment_id):
            fresh = [run for run in fitted(batch, self._fitting.run) if run.run_id not in runs]
            runs |= await self._runs(done, fresh)
        models: dict[str, Tally] = {}
        for some in sliced(fitted(self._source.logged_models(wanted.experiment_id), self._fitting.logged_model), BATCH):
            models |= await self._logged_models(done, some)
        await self._compare(done, runs, tally_runs)
        await self._compare(done, models, tally_logged_models)
        return done

    async def _compare(
        self, done: Imported, wanted: dict[str, Tally], read_back: Callable[..., dict[str, Tally]]
    ) -> None:
        """Count what is here of the runs or models that the source has, and name those that differ."""
        for ids in sliced(wanted, BATCH):
            here = await self._services.db.read(read_back, ids)
            for each in ids:
                found = here.get(each, Tally())
                done.source, done.here = done.source + wanted[each], (done.here or Tally()) + found
                if found != wanted[each] and len(done.differing) < SHOWN:
                    done.differing.append(each)

    async def _runs(self, done: Imported, batch: list[RunRecord]) -> dict[str, Tally]:
        """Take in some runs, and return what the source has of each."""
        tallies = {run.run_id: Tally() for run in batch}
        for run in batch:
            tallies[run.run_id].add_run(run)
        state = await self._services.db.read(tracking_imports.find_imported_runs, LOCAL, list(tallies))
        todo = [run for run in batch if self._update or not state.get(run.run_id)]
        done.already += len(batch) - len(todo)
        moving = [self._moved_run(run, done.id or "") for run in todo]
        if todo:
            await self._services.db.write(tracking_imports.import_runs, LOCAL, [run for run, _ in moving])
        await self._points(batch, {run.run_id for run in todo}, tallies)
        if todo:
            await self._copier.copy([moved for _, moved in moving if moved])
            await self._services.db.write(tracking_imports.finish_runs, LOCAL, [run.run_id for run in todo])
        self._progress.runs += len(batch)
        self._tell()
        return tallies

    async def _points(self, batch: list[RunRecord], wanted: set[str], tallies: dict[str, Tally]) -> None:
        for some in sliced(self._fitting.points(self._source.points(batch)), POINTS_AT_ONCE):
            for point in some:
                tallies[point[0]].add_point(point)
            new = [point for point in some if point[0] in wanted]
            if new:
                await self._services.db.write(tracking_imports.import_points, LOCAL, new)
            self._progress.points += len(some)
            self._tell()

    def _moved_run(self, run: RunRecord, experiment_id: str) -> tuple[RunRecord, Moved | None]:
        """Return a run as it will be here, and which files are to come along."""
        folder = self._files.open(run.artifact_uri, run.run_id) if self._files else None
        moved = replace(run, experiment_id=experiment_id)
        if folder is None:
            return moved, None
        location = artifact_uri(f"{OUR_STORE}{experiment_id}", run.run_id, "artifacts")
        return replace(moved, artifact_uri=location), (folder, location)

    async def _logged_models(self, done: Imported, batch: list[ModelRecord]) -> dict[str, Tally]:
        """Take in some logged models, and return what the source has of each."""
        tallies = {model.model_id: Tally() for model in batch}
        for model in batch:
            tallies[model.model_id].add_logged_model(model)
        state = await self._services.db.read(tracking_imports.find_imported_models, LOCAL, list(tallies))
        todo = [model for model in batch if self._update or not state.get(model.model_id)]
        done.already += len(batch) - len(todo)
        moving = [self._moved_model(model, done.id or "") for model in todo]
        await self._services.db.write(tracking_imports.import_logged_models, LOCAL, [model for model, _ in moving])
        await self._copier.copy([moved for _, moved in moving if moved])
        ids = [model.model_id for model in todo]
        await self._services.db.write(tracking_imports.finish_logged_models, LOCAL, ids)
        return tallies

    def _moved_model(self, model: ModelRecord, experiment_id: str) -> tuple[ModelRecord, Moved | None]:
        folder = self._files.open(model.artifact_uri, model.model_id) if self._files else None
        moved = replace(model, experiment_id=experiment_id)
        if folder is None:
            return moved, None
        location = artifact_uri(f"{OUR_STORE}{experiment_id}", "models", model.model_id, "artifacts")
        return replace(moved, artifact_uri=location), (folder, location)

    # Registered models

    async def _registered_models(self) -> Imported:
        done = Imported("", "registered models", Tally(), None, Tally())
        self._progress.experiment = done.name
        for model in fitted(self._source.registered_models(), self._fitting.registered_model):
            wanted, numbers = Tally(), []
            wanted.add_registered_model(model)
            await self._services.db.write(registry_imports.import_registered_model, LOCAL, model)
            for some in sliced(map(self._fitting.version, self._source.versions(model.name)), BATCH):
                for version in some:
                    wanted.add_version(version)
                    numbers.append(version.version)
                await self._versions(model.name, some)
            await self._services.db.write(registry_imports.import_aliases, LOCAL, model.name, model.aliases)
            here = await self._services.db.read(tally_registered_model, model, numbers)
            done.source, done.here = done.source + wanted, (done.here or Tally()) + here
            if wanted != here and len(done.differing) < SHOWN:
                done.differing.append(model.name)
            self._tell()
        return done

    async def _versions(self, name: str, versions: Sequence[ModelVersion]) -> None:
        moved = [await self._moved_version(version) for version in versions]
        taken = await self._services.db.write(registry_imports.import_model_versions, LOCAL, name, moved)
        for number in taken:
            await registry.read_model_file(self._services.db, self._services.blobs, LOCAL, name, number)

    async def _moved_version(self, version: ModelVersion) -> ModelVersion:
        """Return a version whose source and files are looked for where its run or logged model is here."""
        source = await self._new_place(version.source)
        return replace(version, source=source, storage_location=await self._new_place(version.storage_location))

    async def _new_place(self, location: str) -> str:
        """Return where the files of a location are here, if they came with a run or logged model; else the location."""
        if self._files is None or not self._files.reads(location):
            return location
        for owner in _OWNED.finditer(location):
            place = await self._location_here(owner[1])
            if place and place.startswith(OUR_STORE):
                return place + location[owner.end() :]
        if urlsplit(location).path.startswith("/"):
            self._source.notes.add(f"{STAYS}: a version's belong to no run or logged model", location)
        return location

    async def _location_here(self, owner: str) -> str | None:
        """Return the location of the files of a run or logged model that is here."""
        for run in await self._services.db.read(tracking_imports.read_runs, LOCAL, [owner]):
            return run.artifact_uri
        for model in await self._services.db.read(tracking_imports.read_logged_models, LOCAL, [owner]):
            return model.artifact_uri
        return None

    def _tell(self) -> None:
        copied: Copied = self._copier.copied
        self._progress.files, self._progress.bytes = copied.files, copied.bytes
        self._tell_progress(self._progress)


def sliced(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut things into lists of ``size``, the last one maybe shorter."""
    remaining = iter(things)
    while part := list(islice(remaining, size)):
        yield part
