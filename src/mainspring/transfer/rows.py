"""What is here as rows of the tables of an export."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import NotFound
from mainspring.kit.pages import Page
from mainspring.modules.registry import service as registry
from mainspring.modules.registry.schemas import PROMPT_TAG, ModelVersion, RegisteredModel, RegistrySearch
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import Experiment, ViewType
from mainspring.modules.tracking.service import imports
from mainspring.modules.tracking.service.imports import ModelRecord, RunRecord
from mainspring.transfer.parquet import TableFiles

EXPERIMENTS_A_PAGE, RUNS_A_PAGE, MODELS_A_PAGE = 1_000, 200, 200
KINDS = ("", f"tags.`{PROMPT_TAG}` = 'true'")
"""Filters of the registry: models, and prompts, which a search leaves out unless it asks for them."""

T = TypeVar("T")


def experiments_of(tx: Connection, wanted: Sequence[str]) -> Iterator[Experiment]:
    """Yield the experiments of these names or ids, or all of them; deleted ones too. Raises NotFound."""
    if not wanted:
        yield from _all(
            lambda token: tracking.search_experiments(tx, LOCAL, "", ViewType.ALL, EXPERIMENTS_A_PAGE, [], token)
        )
    for name in dict.fromkeys(wanted):
        try:
            yield tracking.get_experiment_by_name(tx, LOCAL, name)
        except NotFound:
            yield _by_id(tx, name)


def _by_id(tx: Connection, name: str) -> Experiment:
    if not name.isdecimal():
        raise NotFound(f"There is no experiment with the name or id '{name}'.", field="experiment")
    return tracking.get_experiment(tx, LOCAL, name)


class Rows:
    """Reads what is here and adds it to the files of the tables.

    ``chosen`` are the experiments whose model versions are wanted, None for all versions.
    """

    def __init__(self, tx: Connection, files: TableFiles, chosen: Sequence[str] | None) -> None:
        self._tx, self._files = tx, files
        self._chosen = None if chosen is None else set(chosen)

    def add_experiment(self, each: Experiment) -> None:
        """Add an experiment with its tags."""
        self._files["experiments"].add(
            each.experiment_id,
            each.name,
            each.artifact_location,
            each.lifecycle_stage.value,
            each.created_at,
            each.updated_at,
        )
        self._add_pairs("experiment_tags", (each.experiment_id,), each.tags)

    def runs(self, experiment_ids: Sequence[str]) -> Iterator[RunRecord]:
        """Add the runs of experiments with all that was logged to them; yield each when it is done."""
        after: int | None = 0
        while after is not None:
            page, after = imports.list_runs(self._tx, LOCAL, experiment_ids, after, RUNS_A_PAGE)
            for run in imports.read_runs(self._tx, LOCAL, [run_id for run_id, _ in page]):
                self._add_run(run)
                yield run

    def _add_run(self, run: RunRecord) -> None:
        self._files["runs"].add(
            run.run_id,
            run.experiment_id,
            run.name,
            run.user_id,
            run.status.value,
            run.lifecycle_stage.value,
            run.artifact_uri,
            run.started_at,
            run.ended_at,
            run.deleted_at,
        )
        self._add_pairs("params", (run.run_id,), run.params)
        self._add_pairs("tags", (run.run_id,), run.tags)
        add_point = self._files["metrics"].add
        for run_id, key, timestamp, step, value, is_nan in imports.read_points(self._tx, LOCAL, run):
            add_point(run_id, key, step, timestamp, math.nan if is_nan else value)
        for given in run.datasets:
            data = given.dataset
            named = (run.run_id, data.name, data.digest)
            self._files["inputs"].add(*named, data.source_type, data.source, data.schema, data.profile)
            self._add_pairs("input_tags", named, given.tags)
        for model_id in run.model_inputs:
            self._files["run_models"].add(run.run_id, "input", model_id, 0)
        for made in run.model_outputs:
            self._files["run_models"].add(run.run_id, "output", made.model_id, made.step)

    def add_logged_models(self, experiment_ids: Sequence[str]) -> None:
        """Add the logged models of experiments."""
        after: int | None = 0
        while after is not None:
            ids, after = imports.list_logged_models(self._tx, LOCAL, experiment_ids, after, MODELS_A_PAGE)
            for model in imports.read_logged_models(self._tx, LOCAL, ids):
                self._add_logged_model(model)

    def _add_logged_model(self, model: ModelRecord) -> None:
        self._files["logged_models"].add(
            model.model_id,
            model.experiment_id,
            model.name,
            model.source_run_id,
            model.model_type,
            model.status.value,
            model.status_message,
            model.lifecycle_stage.value,
            model.artifact_uri,
            model.created_at,
            model.updated_at,
        )
        self._add_pairs("logged_model_params", (model.model_id,), model.params)
        self._add_pairs("logged_model_tags", (model.model_id,), model.tags)
        for metric in model.metrics:
            self._files["logged_model_metrics"].add(
                model.model_id,
                metric.run_id,
                metric.key,
                metric.step,
                metric.timestamp,
                float(metric.value),
                metric.dataset_name,
                metric.dataset_digest,
            )

    def add_registered_models(self) -> None:
        """Add the registered models and prompts; with chosen experiments, those that have a version of them."""
        for kind in KINDS:
            for model in self._registered_models(kind):
                versions = self._add_versions(model.name, kind)
                if versions or self._chosen is None:
                    self._add_registered_model(model)

    def _registered_models(self, kind: str) -> Iterator[RegisteredModel]:
        wanted = RegistrySearch(kind, MODELS_A_PAGE)
        return _all(lambda token: registry.search_registered_models(self._tx, LOCAL, _page(wanted, token)))

    def _add_registered_model(self, model: RegisteredModel) -> None:
        self._files["registered_models"].add(model.name, model.description, model.created_at, model.updated_at)
        self._add_pairs("registered_model_tags", (model.name,), model.tags)
        for alias, version in model.aliases.items():
            self._files["registered_model_aliases"].add(model.name, alias, version)

    def _add_versions(self, name: str, kind: str) -> int:
        """Add the versions of a model that are wanted, and return how many they are."""
        wanted, added = RegistrySearch(kind, MODELS_A_PAGE), 0
        for each in _all(lambda token: registry.search_model_versions(self._tx, LOCAL, _page(wanted, token), name)):
            if not self._is_wanted(each):
                continue
            self._files["model_versions"].add(
                each.name,
                each.version,
                each.stage.value,
                each.description,
                each.user_id,
                each.source,
                each.storage_location,
                each.run_id,
                each.run_link,
                each.model_id,
                each.created_at,
                each.updated_at,
            )
            self._add_pairs("model_version_tags", (each.name, each.version), each.tags)
            added += 1
        return added

    def _is_wanted(self, version: ModelVersion) -> bool:
        """Say whether a version is of a run or logged model of the chosen experiments."""
        if self._chosen is None:
            return True
        runs = imports.read_runs(self._tx, LOCAL, [version.run_id] if version.run_id else [])
        models = imports.read_logged_models(self._tx, LOCAL, [version.model_id] if version.model_id else [])
        of = {run.experiment_id for run in runs} | {model.experiment_id for model in models}
        return not self._chosen.isdisjoint(of)

    def _add_pairs(self, table: str, owner: tuple[str | int, ...], pairs: dict[str, str]) -> None:
        add = self._files[table].add
        for key, value in pairs.items():
            add(*owner, key, value)


def _all(page_after: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """Yield what is on all pages of a search."""
    token: str | None = None
    while True:
        page = page_after(token)
        yield from page.items
        token = page.next_page_token
        if token is None:
            return


def _page(wanted: RegistrySearch, token: str | None) -> RegistrySearch:
    return RegistrySearch(wanted.filter, wanted.max_results, wanted.order_by, token)
