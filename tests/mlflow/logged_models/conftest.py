"""A fresh run and a fresh logged model of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.rest import Rest


@pytest.fixture
def run_id(rest: Rest, experiment: str) -> str:
    """The id of a fresh run."""
    answer = rest.post("runs/create", {"experiment_id": experiment, "start_time": 1}).ok()
    return str(answer["run"]["info"]["run_id"])


@pytest.fixture
def model_id(rest: Rest, experiment: str, run_id: str) -> str:
    """The id of a fresh logged model of that run."""
    body = {"experiment_id": experiment, "name": "classifier", "source_run_id": run_id}
    answer: Any = rest.post("logged-models", body).ok()
    return str(answer["model"]["info"]["model_id"])
