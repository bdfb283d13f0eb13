"""All endpoints of the dialect: importing these modules declares them."""

from mainspring.api.mlflow import (
    artifacts,
    auth,
    experiments,
    logged_models,
    metrics,
    pages,
    registry,
    runs,
    transfers,
    webhooks,
    workspaces,
)
from mainspring.api.mlflow.dispatch import ENDPOINTS

__all__ = [
    "ENDPOINTS",
    "artifacts",
    "auth",
    "experiments",
    "logged_models",
    "metrics",
    "pages",
    "registry",
    "runs",
    "transfers",
    "webhooks",
    "workspaces",
]
