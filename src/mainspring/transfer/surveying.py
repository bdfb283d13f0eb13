"""A dry run: everything of a source read and counted, and nothing written."""

from __future__ import annotations

from collections.abc import Callable

from mainspring.transfer.artifacts import ArtifactSources
from mainspring.transfer.copying import Copied
from mainspring.transfer.fitting import Fitting, fitted
from mainspring.transfer.reports import Imported, ImportReport, Progress
from mainspring.transfer.source import Source
from mainspring.transfer.tally import Tally


class Survey:
    """One dry run of an import from ``source``; see ``Import``."""

    def __init__(self, source: Source, files: ArtifactSources | None, tell: Callable[[Progress], None]) -> None:
        self._source, self._files, self._tell = source, files, tell
        self._progress, self._copied = Progress(), Copied()
        self._fitting = Fitting(source.notes)

    async def run(self) -> ImportReport:
        """Count everything that an import would bring."""
        self._progress.total = self._source.count_runs()
        experiments = []
        for found in self._source.experiments():
            experiment = self._fitting.experiment(found)
            self._progress.experiment = experiment.name
            counted = Imported(experiment.experiment_id, experiment.name, await self._count(experiment.experiment_id))
            experiments.append(counted)
        models = Imported("", "registered models", self._count_registered())
        return ImportReport(
            source=self._source.name,
            complete=False,
            dry_run=True,
            total=sum((each.source for each in (*experiments, models)), Tally()),
            experiments=experiments,
            registered_models=models,
            files=self._copied,
            not_imported=self._source.not_imported(),
            notes=self._source.notes.all(),
        )

    async def _count(self, experiment_id: str) -> Tally:
        tally = Tally()
        for batch in self._source.runs(experiment_id):
            runs = list(fitted(batch, self._fitting.run))
            for run in runs:
                tally.add_run(run)
                await self._count_files(run.artifact_uri, run.run_id)
            for point in self._fitting.points(self._source.points(runs)):
                tally.add_point(point)
            self._progress.runs, self._progress.points = self._progress.runs + len(runs), tally.points
            self._tell(self._progress)
        for model in fitted(self._source.logged_models(experiment_id), self._fitting.logged_model):
            tally.add_logged_model(model)
            await self._count_files(model.artifact_uri, model.model_id)
        return tally

    async def _count_files(self, location: str, owner: str) -> None:
        folder = self._files.open(location, owner) if self._files else None
        if folder is None:
            return
        async for file in folder.walk():
            self._copied.files += 1
            self._copied.bytes += file.size or 0
        self._progress.files, self._progress.bytes = self._copied.files, self._copied.bytes

    def _count_registered(self) -> Tally:
        tally = Tally()
        for model in fitted(self._source.registered_models(), self._fitting.registered_model):
            tally.add_registered_model(model)
            for version in self._source.versions(model.name):
                tally.add_version(self._fitting.version(version))
        return tally
