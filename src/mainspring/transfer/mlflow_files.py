"""MLflow's file store: a folder of YAML and text files, such as ``mlruns``.

Links inside it are not followed: what they lead to was not logged. Files that cannot be read are noted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import yaml

from mainspring.kit.errors import InvalidArgument, NotFound
from mainspring.modules.registry.schemas import ModelVersion
from mainspring.modules.registry.service.imports import RegisteredModelRecord
from mainspring.modules.tracking.schemas import Dataset, DatasetInput, Experiment, Metric, ModelOutput
from mainspring.modules.tracking.service.imports import ModelRecord, RunPoint, RunRecord
from mainspring.transfer import records
from mainspring.transfer.source import BATCH, Notes, point_of
from mainspring.transfer.spool import Spool

META = "meta.yaml"
TRASH = ".trash"
MODELS = "models"
TRACES = "traces"
RESERVED = {TRASH, MODELS, TRACES, "tags", "datasets"}
INT64 = 2**63
LINK = "a link in the store was not followed"

Meta = dict[str, Any]


class MlflowFiles:
    """A folder of MLflow's file store as a ``Source``; ``location`` is a path or a ``file:`` URI.

    Raises NotFound where there is no such folder, InvalidArgument where it holds no experiments.
    """

    def __init__(self, location: str) -> None:
        self.name = location
        self.notes = Notes()
        self._root = local_path(location)
        if not self._root.is_dir():
            raise NotFound(f"There is no folder {self._root}.")
        if not self._experiments() and not self._registered():
            raise InvalidArgument(f"{self._root} is no store of MLflow: no folder in it holds a {META}.")
        self._spool = Spool()

    def close(self) -> None:
        self._spool.close()

    # Experiments and runs

    def experiments(self) -> Iterator[Experiment]:
        for folder in self._experiments():
            meta = self._read_meta(folder)
            created = meta.get("creation_time") or 0
            yield Experiment(
                folder.name,
                str(meta.get("name", folder.name)),
                _place(meta.get("artifact_location"), folder),
                records.lifecycle(meta.get("lifecycle_stage")),
                created,
                meta.get("last_update_time") or created,
                self._texts(folder / "tags"),
            )

    def _experiments(self) -> list[Path]:
        found = [*self._folders(self._root), *self._folders(self._root / TRASH)]
        return [folder for folder in found if folder.name not in RESERVED and (folder / META).is_file()]

    def _experiment(self, experiment_id: str) -> Path:
        folder = self._root / experiment_id
        return folder if folder.is_dir() else self._root / TRASH / experiment_id

    def count_runs(self) -> int:
        return sum(len(self._runs(folder)) for folder in self._experiments())

    def _runs(self, experiment: Path) -> list[Path]:
        return [
            folder for folder in self._folders(experiment) if folder.name not in RESERVED and (folder / META).is_file()
        ]

    def runs(self, experiment_id: str) -> Iterator[list[RunRecord]]:
        experiment = self._experiment(experiment_id)
        folders = self._runs(experiment)
        for start in range(0, len(folders), BATCH):
            batch = (self._run(experiment, folder) for folder in folders[start : start + BATCH])
            yield [run for run in batch if run is not None]

    def _run(self, experiment: Path, folder: Path) -> RunRecord | None:
        meta = self._read_meta(folder)
        run_id = str(meta.get("run_id") or meta.get("run_uuid"))
        if run_id != folder.name:
            self.notes.add("a folder of a run that names another run was left out", str(folder))
            return None
        tags = self._texts(folder / "tags")
        datasets, models = self._inputs(experiment, folder)
        return RunRecord(
            run_id,
            experiment.name,
            str(meta.get("run_name") or meta.get("name") or tags.get("mlflow.runName", "")),
            records.text_of(meta.get("user_id")),
            records.run_status(meta.get("status")),
            records.lifecycle(meta.get("lifecycle_stage")),
            _place(meta.get("artifact_uri"), folder / "artifacts"),
            meta.get("start_time"),
            meta.get("end_time"),
            self._texts(folder / "params"),
            tags,
            datasets=datasets,
            model_inputs=models,
            model_outputs=self._outputs(folder),
            deleted_at=meta.get("deleted_time"),
        )

    def _inputs(self, experiment: Path, run: Path) -> tuple[list[DatasetInput], list[str]]:
        """Return the datasets and the logged models that a run read."""
        datasets, models = [], []
        for folder in self._folders(run / "inputs"):
            given = self._read_meta(folder)
            source = str(given.get("source_id"))
            if given.get("source_type") == "MODEL":
                models.append(source)
            elif (dataset := self._dataset(experiment, source)) is not None:
                tags = {str(key): str(value) for key, value in (given.get("tags") or {}).items()}
                datasets.append(DatasetInput(dataset, tags))
        return datasets, models

    def _dataset(self, experiment: Path, dataset_id: str) -> Dataset | None:
        folder = experiment / "datasets" / dataset_id
        if not re.fullmatch(r"\w+", dataset_id) or not (folder / META).is_file():
            self.notes.add("a dataset that a run read is missing", str(folder))
            return None
        return records.dataset_of(self._read_meta(folder))

    def _outputs(self, run: Path) -> list[ModelOutput]:
        found = [self._read_meta(folder) for folder in self._folders(run / "outputs")]
        return [ModelOutput(str(meta.get("source_id")), int(meta.get("step") or 0)) for meta in found]

    def points(self, runs: Sequence[RunRecord]) -> Iterator[RunPoint]:
        for run in runs:
            yield from self._spool.distinct(self._lines_of(run))

    def _lines_of(self, run: RunRecord) -> Iterator[RunPoint]:
        folder = self._experiment(run.experiment_id) / run.run_id / "metrics"
        for key, file in self._files(folder):
            with file.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    try:
                        yield _point(run.run_id, key, line)
                    except ValueError:
                        self.notes.add("a line of a metric's file is not understood", f"{file}: {line.strip()[:80]}")

    # Models

    def logged_models(self, experiment_id: str) -> Iterator[ModelRecord]:
        experiment = self._experiment(experiment_id)
        for folder in self._folders(experiment / MODELS):
            if not (folder / META).is_file():
                continue
            meta = self._read_meta(folder)
            created = meta.get("creation_timestamp") or 0
            yield ModelRecord(
                folder.name,
                experiment.name,
                records.text_of(meta.get("name")),
                _place(meta.get("artifact_location"), folder / "artifacts"),
                records.model_status(meta.get("status")),
                created,
                meta.get("last_updated_timestamp") or created,
                meta.get("source_run_id"),
                meta.get("model_type"),
                meta.get("status_message"),
                self._texts(folder / "params"),
                self._texts(folder / "tags"),
                list(self._model_metrics(folder / "metrics")),
                records.lifecycle(meta.get("lifecycle_stage")),
            )

    def _model_metrics(self, folder: Path) -> Iterator[Metric]:
        for key, file in self._files(folder):
            for line in self._text(file).splitlines():
                try:
                    timestamp, value, step, run_id, *dataset = line.split(" ")
                    name, digest = dataset or (None, None)
                    yield records.model_metric(key, float(value), int(timestamp), int(step), run_id, name, digest)
                except ValueError:
                    self.notes.add("a line of a metric's file is not understood", f"{file}: {line[:80]}")

    def registered_models(self) -> Iterator[RegisteredModelRecord]:
        for folder in self._registered():
            meta = self._read_meta(folder)
            created = meta.get("creation_timestamp") or 0
            aliases = self._texts(folder / "aliases")
            yield RegisteredModelRecord(
                folder.name,
                created,
                meta.get("last_updated_timestamp") or created,
                meta.get("description"),
                self._texts(folder / "tags"),
                {alias: int(version) for alias, version in aliases.items() if version.strip().isdecimal()},
                last_version=max((number for number, _ in self._version_folders(folder)), default=0),
            )

    def _registered(self) -> list[Path]:
        return [folder for folder in self._folders(self._root / MODELS) if (folder / META).is_file()]

    def versions(self, name: str) -> Iterator[ModelVersion]:
        for number, folder in self._version_folders(self._root / MODELS / name):
            meta = self._read_meta(folder)
            if meta.get("current_stage") == records.DELETED_VERSION:
                continue
            source, created = records.text_of(meta.get("source")), meta.get("creation_timestamp") or 0
            yield ModelVersion(
                name,
                number,
                records.stage_of(meta.get("current_stage")),
                source,
                meta.get("storage_location") or source,
                records.text_of(meta.get("user_id")),
                created,
                meta.get("last_updated_timestamp") or created,
                meta.get("description"),
                meta.get("run_id"),
                meta.get("run_link"),
                meta.get("model_id") or records.model_id_of(source),
                self._texts(folder / "tags"),
            )

    def _version_folders(self, model: Path) -> list[tuple[int, Path]]:
        numbered = ((re.fullmatch(r"version-(\d{1,9})", folder.name), folder) for folder in self._folders(model))
        return sorted((int(name[1]), folder) for name, folder in numbered if name and (folder / META).is_file())

    def not_imported(self) -> dict[str, int]:
        traces = sum(len(self._folders(folder / TRACES)) for folder in self._experiments())
        return {"traces": traces} if traces else {}

    # Files

    def _folders(self, folder: Path) -> list[Path]:
        """Return the folders directly in a folder, by name; of a missing one, none."""
        if not self._is_own(folder):
            return []
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=self._noted(entry)))

    def _files(self, folder: Path) -> Iterator[tuple[str, Path]]:
        """Yield (key, file) of all files below a folder: keys with slashes lie in folders of it."""
        pending = [folder] if self._is_own(folder) else []
        while pending:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=self._noted(entry)):
                        pending.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        yield Path(entry.path).relative_to(folder).as_posix(), Path(entry.path)

    def _is_own(self, folder: Path) -> bool:
        """Say whether there is a folder, and not a link to one; the store itself may be a link."""
        if folder != self._root and folder.is_symlink():
            self.notes.add(LINK, str(folder))
            return False
        return folder.is_dir()

    def _noted(self, entry: os.DirEntry[str]) -> bool:
        """Return False, after a note where an entry is a link: what it leads to is not read."""
        if entry.is_symlink():
            self.notes.add(LINK, entry.path)
        return False

    def _texts(self, folder: Path) -> dict[str, str]:
        return {key: self._text(file) for key, file in self._files(folder)}

    def _text(self, file: Path) -> str:
        return file.read_bytes().decode("utf-8", "replace")

    def _read_meta(self, folder: Path) -> Meta:
        """Return what a folder's ``meta.yaml`` says; nothing where it cannot be understood."""
        file = folder / META
        if file.is_symlink():
            self.notes.add(LINK, str(file))
            return {}
        try:
            meta = yaml.load(file.read_bytes(), _LOADER)
        except (yaml.YAMLError, OSError, ValueError) as error:
            self.notes.add(f"a {META} cannot be read", f"{file}: {str(error).splitlines()[0]}")
            return {}
        return meta if isinstance(meta, dict) else {}


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _point(run_id: str, key: str, line: str) -> RunPoint:
    """Read a line ``timestamp value [step [dataset digest]]``; ValueError where it is something else."""
    timestamp, value, *more = line.split()
    at, step = int(timestamp), int(more[0]) if more else 0
    if not (-INT64 <= at < INT64 and -INT64 <= step < INT64):
        raise ValueError("not 64 bits")
    return point_of(run_id, key, at, step, float(value))


def _place(recorded: object, folder: Path) -> str:
    """Return where files are: as recorded, or in ``folder`` where they went with it, into the trash or elsewhere."""
    location = records.text_of(recorded)
    is_elsewhere = urlsplit(location).scheme not in ("", "file") or (location and local_path(location).is_dir())
    return location if is_elsewhere or not folder.is_dir() else folder.absolute().as_uri()


def local_path(location: str) -> Path:
    """Return the path of a local location: a path or a ``file:`` URI."""
    return Path(url2pathname(urlsplit(location).path) if location.startswith("file:") else location)
