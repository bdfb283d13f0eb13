"""The client of a server: what it offers, by kind of thing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mainspring.client.artifacts import ArtifactClient
from mainspring.client.audit import AuditClient
from mainspring.client.auth import AuthClient
from mainspring.client.catalog import CatalogClient
from mainspring.client.configuration import ConfigurationClient
from mainspring.client.devices import DeviceClient
from mainspring.client.experiments import ExperimentClient
from mainspring.client.files import FileClient, ReleaseClient
from mainspring.client.lineage import LineageClient
from mainspring.client.logged_models import LoggedModelClient
from mainspring.client.members import MemberClient, PermissionClient
from mainspring.client.models import ModelClient
from mainspring.client.projects import NamespaceClient, ProjectClient
from mainspring.client.quotas import QuotaClient
from mainspring.client.runs import RunClient, RunResults
from mainspring.client.secrets import EncryptionKeyClient, SecretClient
from mainspring.client.storage import StorageClient
from mainspring.client.transport import Transport, default_direct_from, default_url
from mainspring.client.users import GroupClient, UserClient
from mainspring.client.webhooks import WebhookClient


class Client:
    """A connection to a server. Close it, or use it in a ``with`` statement; threads may share it.

    Every call raises the classes of ``mainspring.kit.errors``.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        project: str | None = None,
        timeout: float = 60.0,
        retries: int = 4,
        direct_from: int | None = None,
    ) -> None:
        large = default_direct_from() if direct_from is None else direct_from
        self._transport = Transport(url, timeout, retries, large, token=token, project=project)
        self.experiments = ExperimentClient(self._transport)
        self.runs = RunClient(self._transport)
        self.artifacts = ArtifactClient(self._transport)
        self.models = ModelClient(self._transport)
        self.logged_models = LoggedModelClient(self._transport)
        self.lineage = LineageClient(self._transport)
        self.storage = StorageClient(self._transport)
        self.files = FileClient(self._transport)
        self.releases = ReleaseClient(self._transport)
        self.projects = ProjectClient(self._transport)
        self.namespaces = NamespaceClient(self._transport)
        self.catalog = CatalogClient(self._transport)
        self.members = MemberClient(self._transport)
        self.permissions = PermissionClient(self._transport)
        self.config = ConfigurationClient(self._transport)
        self.secrets = SecretClient(self._transport)
        self.encryption_keys = EncryptionKeyClient(self._transport)
        self.quotas = QuotaClient(self._transport)
        self.audit = AuditClient(self._transport)
        self.webhooks = WebhookClient(self._transport)
        self.users = UserClient(self._transport)
        self.groups = GroupClient(self._transport)
        self.auth = AuthClient(self._transport)
        self.devices = DeviceClient(self._transport)

    @property
    def url(self) -> str:
        """The server's address, without user and password."""
        return self._transport.url

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"


def connect(
    url: str | None = None,
    *,
    token: str | None = None,
    project: str | None = None,
    timeout: float = 60.0,
    retries: int = 4,
    direct_from: int | None = None,
) -> Client:
    """Return a client of the server at ``url``; nothing is sent yet.

    Without ``url`` it is what ``MAINSPRING_URL`` or ``MLFLOW_TRACKING_URI`` names, else
    ``http://127.0.0.1:5000``. ``token`` is an API key; left out it is ``MAINSPRING_TOKEN``,
    ``MLFLOW_TRACKING_TOKEN``, or what ``mainspring login`` has kept for this server. ``project`` is the
    ``namespace/name`` of the project to work in, left out the one of a URL such as ``https://host/p/namespace/name``,
    else what ``MAINSPRING_PROJECT`` names, else the server's default. ``timeout`` is in seconds, for each wait on
    the network. ``retries`` is how often a request is sent again that no server has carried out: nobody listened, or
    it said when to come back. Files of at least ``direct_from`` bytes, left out what ``MAINSPRING_DIRECT_FROM`` says or
    64 MiB, are sent in parts, go on after an interruption, and bypass the server where its store can be reached.
    Raises InvalidArgument for what is no address.
    """
    return Client(
        url or default_url(),
        token=token,
        project=project,
        timeout=timeout,
        retries=retries,
        direct_from=direct_from,
    )


def runs(
    experiment_ids: Iterable[str] = ("0",),
    filter: str = "",
    *,
    order_by: Sequence[str] = (),
    columns: Sequence[str] = (),
    url: str | None = None,
) -> RunResults:
    """Find runs of the server that ``connect`` finds: iterate over them, or ask for a frame.

    ::

        import mainspring as ms

        ms.runs(["1"], "metrics.accuracy > 0.9", columns=["params", "metrics.accuracy"]).to_polars()
    """
    found = connect(url).runs
    return found.search(experiment_ids, filter, order_by=order_by, columns=columns, page_size=1000)
