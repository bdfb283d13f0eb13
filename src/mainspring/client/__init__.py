"""The Python SDK: typed calls of ``/api/v1`` on the schemas that the server answers with."""

from mainspring.client.artifacts import ArtifactClient
from mainspring.client.audit import AuditClient
from mainspring.client.auth import AuthClient
from mainspring.client.catalog import CatalogClient
from mainspring.client.client import Client, connect, runs
from mainspring.client.configuration import ConfigurationClient
from mainspring.client.devices import DeviceClient
from mainspring.client.experiments import ExperimentClient
from mainspring.client.files import FileClient, ReleaseClient
from mainspring.client.lineage import LineageClient
from mainspring.client.logged_models import LoggedModelClient
from mainspring.client.members import MemberClient, PermissionClient
from mainspring.client.models import ModelClient
from mainspring.client.pages import Results
from mainspring.client.progress import Transfer
from mainspring.client.projects import NamespaceClient, ProjectClient
from mainspring.client.quotas import QuotaClient
from mainspring.client.runs import RunClient, RunResults
from mainspring.client.secrets import EncryptionKeyClient, SecretClient
from mainspring.client.series import SeriesResults
from mainspring.client.storage import StorageClient
from mainspring.client.users import GroupClient, UserClient
from mainspring.client.webhooks import WebhookClient

__all__ = [
    "ArtifactClient",
    "AuditClient",
    "AuthClient",
    "CatalogClient",
    "Client",
    "ConfigurationClient",
    "DeviceClient",
    "EncryptionKeyClient",
    "ExperimentClient",
    "FileClient",
    "GroupClient",
    "LineageClient",
    "LoggedModelClient",
    "MemberClient",
    "ModelClient",
    "NamespaceClient",
    "PermissionClient",
    "ProjectClient",
    "QuotaClient",
    "ReleaseClient",
    "Results",
    "RunClient",
    "RunResults",
    "SecretClient",
    "SeriesResults",
    "StorageClient",
    "Transfer",
    "UserClient",
    "WebhookClient",
    "connect",
    "runs",
]
