"""A fresh registered model, a fresh run, and a short way to make versions of the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.mlflow.rest import Rest

NewVersion = Callable[..., Any]


@pytest.fixture
def model(rest: Rest, unique: str) -> str:
    """The name of a fresh registered model."""
    rest.post("registered-models/create", {"name": unique}).ok()
    return unique


@pytest.fixture
def run(rest: Rest, experiment: str) -> Any:
    """The `info` of a fresh run."""
    return rest.post("runs/create", {"experiment_id": experiment, "start_time": 1}).ok()["run"]["info"]


@pytest.fixture
def logged_model(rest: Rest, experiment: str, run: Any) -> Any:
    """The `info` of a fresh logged model of that run."""
    body = {"experiment_id": experiment, "name": "classifier", "source_run_id": run["run_id"]}
    return rest.post("logged-models", body).ok()["model"]["info"]


@pytest.fixture
def new_version(rest: Rest, model: str) -> NewVersion:
    """Create a version of the fresh model from the given fields, and return its JSON."""

    def create(**fields: Any) -> Any:
        body = {"name": model, "source": "s3://bucket/model"} | fields
        return rest.post("model-versions/create", body).ok()["model_version"]

    return create
