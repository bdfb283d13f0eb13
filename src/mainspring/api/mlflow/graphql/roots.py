"""What a query is answered from: the endpoints of the REST API, one for each root field."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import msgspec

from mainspring.api.mlflow.answers import Json
from mainspring.api.mlflow.dispatch import ENDPOINTS, Endpoint, read_message
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, MainspringError
from mainspring.modules.services import Services

PATHS = {
    "mlflowGetExperiment": "experiments/get",
    "mlflowGetMetricHistoryBulkInterval": "metrics/get-history-bulk-interval",
    "mlflowGetRun": "runs/get",
    "mlflowListArtifacts": "artifacts/list",
    "mlflowSearchDatasets": "experiments/search-datasets",
    "mlflowSearchModelVersions": "model-versions/search",
    "mlflowSearchRuns": "runs/search",
}
MAX_RUNS = 1000
AT_ONCE = 100
PATIENCE_S = 60

T = TypeVar("T")


class Roots:
    """What one query asks of the endpoints, for one actor; called in a thread, while ``loop`` runs in another."""

    def __init__(self, services: Services, actor: Actor, loop: asyncio.AbstractEventLoop) -> None:
        self._services, self._actor, self._loop = services, actor, loop
        self._endpoints = {each.path: each for each in ENDPOINTS if each.path in PATHS.values()}
        self._experiments: dict[str, Json | None] = {}
        self._versions: dict[str, list[Json]] = {}
        self._run_ids: set[str] = set()

    def answer(self, field: str, given: Mapping[str, Any]) -> Json:
        """Return the answer of a root field's endpoint; an error is told in it, as ``api_error``."""
        try:
            if field == "mlflowSearchRuns" and (given.get("maxResults") or 0) > MAX_RUNS:
                raise InvalidArgument(f"maxResults is {given['maxResults']}; it may be {MAX_RUNS} at most by GraphQL.")
            answer = self._wait(self._ask(self._endpoints[PATHS[field]], given))
        except MainspringError as error:
            return {"api_error": {"code": error.code.mlflow, "message": error.message}}
        self._run_ids |= {run["info"]["run_id"] for run in answer.get("runs", ())}
        return answer

    def find_experiment(self, experiment_id: str) -> Json | None:
        """Return the experiment of a run."""
        if experiment_id not in self._experiments:
            answer = self.answer("mlflowGetExperiment", {"experimentId": experiment_id})
            self._experiments[experiment_id] = answer.get("experiment")
        return self._experiments[experiment_id]

    def find_versions(self, run_id: str) -> list[Json]:
        """Return the model versions of a run: those of other runs in the answer are found with them."""
        if run_id not in self._versions:
            others = sorted(self._run_ids - self._versions.keys() - {run_id})
            run_ids = [run_id, *others[: AT_ONCE - 1]]
            self._versions |= {each: [] for each in run_ids}
            listed = ",".join(f"'{each}'" for each in run_ids)
            answer = self.answer("mlflowSearchModelVersions", {"filter": f"run_id IN ({listed})"})
            for version in answer.get("model_versions", ()):
                self._versions[version["run_id"]].append(version)
        return self._versions[run_id]

    async def _ask(self, called: Endpoint, given: Mapping[str, Any]) -> Json:
        assert called.message is not None
        self._actor.require_some(called.permission)
        message = read_message(called.message, dict(given))
        answer = await called.handler(self._services, self._actor, message)
        found: Json = msgspec.json.decode(answer) if isinstance(answer, bytes) else answer
        return found

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)
