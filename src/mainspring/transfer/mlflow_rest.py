"""Any server that speaks MLflow's REST API, read page by page.

What the API does not show cannot come along: deleted logged models, and when runs were deleted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from mainspring.modules.registry.schemas import PROMPT_TAG, ModelVersion
from mainspring.modules.registry.service.imports import RegisteredModelRecord
from mainspring.modules.tracking.schemas import DatasetInput, Experiment, Metric, ModelOutput
from mainspring.modules.tracking.service.imports import ModelRecord, RunPoint, RunRecord
from mainspring.transfer import records
from mainspring.transfer.mlflow_http import Json, MlflowServer
from mainspring.transfer.source import BATCH, Notes, point_of
from mainspring.transfer.spool import Spool

API = "/api/2.0/mlflow"
TRACES = "/api/3.0/mlflow/traces/search"
OLDER_TRACES = f"{API}/traces"
BULK = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
BULK_RUNS, BULK_POINTS = 100, 25_000
EXPERIMENTS_A_PAGE, MODELS_A_PAGE, VERSIONS_A_PAGE, TRACES_A_PAGE = 1_000, 50, 1_000, 500
IS_PROMPT = f"tags.`{PROMPT_TAG}` = 'true'"


class MlflowRest:
    """A server's REST API as a ``Source``. Raises Unavailable where no server answers, InvalidArgument for another."""

    def __init__(self, url: str) -> None:
        self._server = MlflowServer(url)
        self.name = self._server.url
        self.notes = Notes()
        self._spool = Spool()
        self._server.post(f"{API}/experiments/search", {"max_results": 1})
        self._bulk = self._server.knows(BULK, {"run_id": "0" * 32, "metric_key": "x", "max_results": 1})
        self._has_models: bool | None = None
        self._prompts: set[str] = set()

    def close(self) -> None:
        self._server.close()
        self._spool.close()

    # Experiments and runs

    def experiments(self) -> Iterator[Experiment]:
        query = {"view_type": "ALL", "max_results": EXPERIMENTS_A_PAGE}
        for page in self._server.pages(f"{API}/experiments/search", query, "experiments"):
            for each in page:
                created = _integer(each.get("creation_time")) or 0
                yield Experiment(
                    str(each["experiment_id"]),
                    records.text_of(each.get("name")),
                    records.text_of(each.get("artifact_location")),
                    records.lifecycle(each.get("lifecycle_stage")),
                    created,
                    _integer(each.get("last_update_time")) or created,
                    _pairs(each.get("tags")),
                )

    def count_runs(self) -> None:
        return None

    def runs(self, experiment_id: str) -> Iterator[list[RunRecord]]:
        query = {
            "experiment_ids": [experiment_id],
            "run_view_type": "ALL",
            "max_results": BATCH,
            # Runs that are started meanwhile come last and move nobody to another page.
            "order_by": ["attributes.start_time ASC"],
        }
        for page in self._server.pages(f"{API}/runs/search", query, "runs"):
            yield [self._run(each) for each in page]

    def _run(self, found: Json) -> RunRecord:
        run_id = str(found["info"].get("run_id") or found["info"].get("run_uuid"))
        if self._needs_model_inputs(found):
            found = self._server.get(f"{API}/runs/get", {"run_id": run_id})["run"]
        info, data = found["info"], found.get("data", {})
        tags = _pairs(data.get("tags"))
        inputs, outputs = found.get("inputs") or {}, found.get("outputs") or {}
        return RunRecord(
            run_id,
            str(info["experiment_id"]),
            info.get("run_name") or tags.get("mlflow.runName", ""),
            records.text_of(info.get("user_id")),
            records.run_status(info.get("status")),
            records.lifecycle(info.get("lifecycle_stage")),
            records.text_of(info.get("artifact_uri")),
            _integer(info.get("start_time")),
            _integer(info.get("end_time")),
            _pairs(data.get("params")),
            tags,
            [Metric(each["key"], 0.0, 0) for each in data.get("metrics") or []],
            [_dataset_input(given) for given in inputs.get("dataset_inputs") or []],
            [str(model["model_id"]) for model in inputs.get("model_inputs") or []],
            [ModelOutput(str(made["model_id"]), _integer(made.get("step")) or 0) for made in _made(outputs)],
        )

    def _needs_model_inputs(self, found: Json) -> bool:
        """Say whether a run may have read logged models: a search for runs does not show it, and only asking does."""
        if self._has_models is None:
            experiments = [experiment.experiment_id for experiment in self.experiments()]
            self._has_models = any(self._logged_models([each], 1) for each in experiments)
        return self._has_models and "outputs" in found

    def points(self, runs: Sequence[RunRecord]) -> Iterator[RunPoint]:
        return self._spool.distinct(self._histories(runs))

    def _histories(self, runs: Sequence[RunRecord]) -> Iterator[RunPoint]:
        by_key: dict[str, list[str]] = defaultdict(list)
        for run in runs:
            for metric in run.metrics:
                by_key[metric.key].append(run.run_id)
        for key, run_ids in by_key.items():
            for start in range(0, len(run_ids), BULK_RUNS):
                yield from self._history(run_ids[start : start + BULK_RUNS], key)

    def _history(self, run_ids: list[str], key: str) -> Iterator[RunPoint]:
        """Yield the points of some runs: by one request if the server can and they fit, else by halves."""
        if len(run_ids) == 1 or not self._bulk:
            for run_id in run_ids:
                query = {"run_id": run_id, "run_uuid": run_id, "metric_key": key, "max_results": BULK_POINTS}
                for page in self._server.pages(f"{API}/metrics/get-history", query, "metrics", post=False):
                    yield from (_point(run_id, key, each) for each in page)
            return
        query = {"run_id": run_ids, "metric_key": key, "max_results": BULK_POINTS}
        found = self._server.get(BULK, query).get("metrics") or []
        if len(found) < BULK_POINTS:
            yield from (_point(str(each["run_id"]), key, each) for each in found)
            return
        middle = len(run_ids) // 2
        yield from self._history(run_ids[:middle], key)
        yield from self._history(run_ids[middle:], key)

    # Models

    def logged_models(self, experiment_id: str) -> Iterator[ModelRecord]:
        for page in self._pages_of_models([experiment_id], MODELS_A_PAGE):
            for each in page:
                info, data = each["info"], each.get("data") or {}
                created = _integer(info.get("creation_timestamp_ms")) or 0
                yield ModelRecord(
                    str(info["model_id"]),
                    str(info["experiment_id"]),
                    records.text_of(info.get("name")),
                    records.text_of(info.get("artifact_uri")),
                    records.model_status(info.get("status")),
                    created,
                    _integer(info.get("last_updated_timestamp_ms")) or created,
                    info.get("source_run_id"),
                    info.get("model_type"),
                    info.get("status_message"),
                    _pairs(data.get("params")),
                    _pairs(info.get("tags")),
                    [_model_metric(metric) for metric in data.get("metrics") or []],
                )

    def _pages_of_models(self, experiments: list[str], size: int) -> Iterator[list[Json]]:
        query = {"experiment_ids": experiments, "max_results": size}
        return self._server.pages(f"{API}/logged-models/search", query, "models")

    def _logged_models(self, experiments: list[str], size: int) -> list[Json]:
        return next(self._pages_of_models(experiments, size), [])

    def registered_models(self) -> Iterator[RegisteredModelRecord]:
        for condition in ("", IS_PROMPT):
            query = {"max_results": MODELS_A_PAGE} | ({"filter": condition} if condition else {})
            for page in self._server.pages(f"{API}/registered-models/search", query, "registered_models", post=False):
                for each in page:
                    yield self._registered(each, bool(condition))

    def _registered(self, found: Json, prompt: bool) -> RegisteredModelRecord:
        name, created = str(found["name"]), _integer(found.get("creation_timestamp")) or 0
        if prompt:
            self._prompts.add(name)
        return RegisteredModelRecord(
            name,
            created,
            _integer(found.get("last_updated_timestamp")) or created,
            found.get("description"),
            _pairs(found.get("tags")),
            {str(each["alias"]): int(each["version"]) for each in found.get("aliases") or []},
        )

    def versions(self, name: str) -> Iterator[ModelVersion]:
        quote = '"' if "'" in name else "'"
        condition = f"name = {quote}{name}{quote}" + (f" AND {IS_PROMPT}" if name in self._prompts else "")
        query = {"filter": condition, "max_results": VERSIONS_A_PAGE, "order_by": ["version_number ASC"]}
        for page in self._server.pages(f"{API}/model-versions/search", query, "model_versions", post=False):
            yield from (self._version(name, each) for each in page if each["name"] == name)

    def _version(self, name: str, found: Json) -> ModelVersion:
        source, created = records.text_of(found.get("source")), _integer(found.get("creation_timestamp")) or 0
        return ModelVersion(
            name,
            int(found["version"]),
            records.stage_of(found.get("current_stage")),
            source,
            self._location(name, found["version"], source),
            records.text_of(found.get("user_id")),
            created,
            _integer(found.get("last_updated_timestamp")) or created,
            found.get("description"),
            found.get("run_id"),
            found.get("run_link"),
            found.get("model_id") or records.model_id_of(source),
            _pairs(found.get("tags")),
        )

    def _location(self, name: str, version: object, source: str) -> str:
        """Return where a version's files are: elsewhere than its source where that names another model."""
        if not source.startswith("models:"):
            return source
        asked = {"name": name, "version": version}
        answer = self._server.get(f"{API}/model-versions/get-download-uri", asked)
        return answer.get("artifact_uri") or source

    def not_imported(self) -> dict[str, int]:
        traces = sum(self._traces(experiment.experiment_id) for experiment in self.experiments())
        return {"traces": traces} if traces else {}

    def _traces(self, experiment_id: str) -> int:
        place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment_id}}
        query: dict[str, Any] = {"locations": [place], "max_results": TRACES_A_PAGE}
        count = sum(len(page) for page in self._server.pages(TRACES, query, "traces"))
        if count:
            return count
        query = {"experiment_ids": [experiment_id], "max_results": TRACES_A_PAGE}
        return sum(len(page) for page in self._server.pages(OLDER_TRACES, query, "traces", post=False))


def _integer(value: object) -> int | None:
    """Return a number that may have been sent as text."""
    return None if value is None else int(str(value))


def _pairs(pairs: list[Json] | None) -> dict[str, str]:
    return {str(pair["key"]): records.text_of(pair.get("value")) for pair in pairs or []}


def _made(outputs: Json) -> list[Json]:
    return outputs.get("model_outputs") or []


def _point(run_id: str, key: str, found: Json) -> RunPoint:
    at, step = _integer(found.get("timestamp")) or 0, _integer(found.get("step")) or 0
    return point_of(run_id, key, at, step, float(found["value"]))


def _model_metric(found: Json) -> Metric:
    return records.model_metric(
        str(found["key"]),
        float(found["value"]),
        _integer(found.get("timestamp")) or 0,
        _integer(found.get("step")) or 0,
        records.text_of(found.get("run_id")),
        found.get("dataset_name"),
        found.get("dataset_digest"),
    )


def _dataset_input(given: Json) -> DatasetInput:
    return DatasetInput(records.dataset_of(given["dataset"]), _pairs(given.get("tags")))
