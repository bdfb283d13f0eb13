"""The client of a server: what it offers, by kind of thing."""

from __future__ import annotations

from mainspring.client.artifacts import ArtifactClient
from mainspring.client.experiments import ExperimentClient
from mainspring.client.logged_models import LoggedModelClient
from mainspring.client.models import ModelClient
from mainspring.client.runs import RunClient
from mainspring.client.transport import Transport, default_url


class Client:
    """A connection to a server. Close it, or use it in a ``with`` statement; threads may share it.

    Every call raises the classes of ``mainspring.kit.errors``.
    """

    def __init__(self, url: str, *, timeout: float = 60.0, retries: int = 4) -> None:
        self._transport = Transport(url, timeout, retries)
        self.experiments = ExperimentClient(self._transport)
        self.runs = RunClient(self._transport)
        self.artifacts = ArtifactClient(self._transport)
        self.models = ModelClient(self._transport)
        self.logged_models = LoggedModelClient(self._transport)

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


def connect(url: str | None = None, *, timeout: float = 60.0, retries: int = 4) -> Client:
    """Return a client of the server at ``url``; nothing is sent yet.

    Without ``url`` it is what ``MAINSPRING_URL`` or ``MLFLOW_TRACKING_URI`` names, else
    ``http://127.0.0.1:5000``. ``timeout`` is in seconds, for each wait on the network. ``retries`` is how often
    a request is sent again that no server has carried out: nobody listened, or it said when to come back.
    Raises InvalidArgument for what is no address.
    """
    return Client(url or default_url(), timeout=timeout, retries=retries)
