"""The Python SDK: typed calls of ``/api/v1`` on the schemas that the server answers with."""

from mainspring.client.artifacts import ArtifactClient, Transfer
from mainspring.client.client import Client, connect
from mainspring.client.experiments import ExperimentClient
from mainspring.client.logged_models import LoggedModelClient
from mainspring.client.models import ModelClient
from mainspring.client.pages import Results
from mainspring.client.runs import RunClient

__all__ = [
    "ArtifactClient",
    "Client",
    "ExperimentClient",
    "LoggedModelClient",
    "ModelClient",
    "Results",
    "RunClient",
    "Transfer",
    "connect",
]
