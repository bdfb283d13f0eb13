"""A fresh run, and short ways to write to it and to read it back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.rest import Rest

OFFSET_1, OFFSET_2, OFFSET_3 = "eyJvZmZzZXQiOiAxfQ==", "eyJvZmZzZXQiOiAyfQ==", "eyJvZmZzZXQiOiAzfQ=="


class Runs:
    """Runs of one experiment over raw HTTP."""

    def __init__(self, rest: Rest, experiment: str) -> None:
        self.rest = rest
        self.experiment = experiment

    def create(self, name: str = "a run", **fields: Any) -> str:
        """Create a run and return its id."""
        body = {"experiment_id": self.experiment, "run_name": name, "start_time": 1, **fields}
        return str(self.rest.post("runs/create", body).ok()["run"]["info"]["run_id"])

    def get(self, run_id: str) -> dict[str, Any]:
        """Return the `run` of runs/get."""
        run: dict[str, Any] = self.rest.get("runs/get", {"run_id": run_id}).ok()["run"]
        return run

    def data(self, run_id: str, kind: str) -> dict[str, Any]:
        """Return params or tags as key → value, metrics as key → the rest of the metric."""
        entries = self.get(run_id)["data"].get(kind, [])
        if kind == "metrics":
            return {entry["key"]: {k: v for k, v in entry.items() if k != "key"} for entry in entries}
        return {entry["key"]: entry["value"] for entry in entries}

    def log(self, run_id: str, *points: tuple[Any, int, int], key: str = "m") -> None:
        """Log points (value, timestamp, step) one by one."""
        for value, timestamp, step in points:
            body = {"run_id": run_id, "key": key, "value": value, "timestamp": timestamp, "step": step}
            assert self.rest.post("runs/log-metric", body).ok() == {}

    def names(self, **query: Any) -> list[str]:
        """Return the names of the runs that a search of the experiment finds, in its order."""
        found = self.rest.post("runs/search", {"experiment_ids": [self.experiment], **query}).ok()
        return [run["info"]["run_name"] for run in found.get("runs", [])]


@pytest.fixture
def runs(rest: Rest, experiment: str) -> Runs:
    """Return the runs of a fresh experiment."""
    return Runs(rest, experiment)


@pytest.fixture
def run(runs: Runs) -> str:
    """Return the id of a fresh run."""
    return runs.create()
