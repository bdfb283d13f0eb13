"""What a program that a test starts may know of this process."""

import os

KEPT = {"MLFLOW_DISABLE_TELEMETRY"}


def fresh_environment() -> dict[str, str]:
    """Return this process's variables without what MLflow's fluent functions leave there: runs, experiments, models."""
    return {
        name: value for name, value in os.environ.items() if name in KEPT or not name.lstrip("_").startswith("MLFLOW_")
    }
