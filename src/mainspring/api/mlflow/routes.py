"""All endpoints of the dialect: importing these modules declares them."""

from mainspring.api.mlflow import (
    artifacts,
    auth,
    experiments,
    logged_models,
    metrics,
    page_only,
    pages,
    registry,
    runs,
    transfers,
    webhooks,
    workspaces,
)
from mainspring.api.mlflow.dispatch import ENDPOINTS
from mainspring.api.mlflow.graphql import endpoint as graphql

__all__ = [
    "ENDPOINTS",
    "artifacts",
    "auth",
    "experiments",
    "graphql",
    "logged_models",
    "metrics",
    "page_only",
    "pages",
    "registry",
    "runs",
    "transfers",
    "webhooks",
    "workspaces",
]
