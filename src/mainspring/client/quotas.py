"""How much a project has, and how much it may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from mainspring.client.transport import Transport
from mainspring.kit.errors import InvalidArgument
from mainspring.modules.quotas.schemas import Quota, QuotaChange, Quotas, Resource, Source


class QuotaClient:
    """The quotas of a project."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self) -> list[Quota]:
        """Return how much of each resource the project has, and how much it may have."""
        return self._transport.call(Quotas, "GET", "/quotas").items

    def set(self, limits: Mapping[str, int | Literal["unlimited", "default"]], *, for_all: bool = False) -> list[Quota]:
        """Set limits by resource, such as ``{"runs": 1000, "artifact_bytes": "unlimited"}``.

        ``default`` gives a limit of the project's own up. With ``for_all`` they hold for all projects that have
        none of their own. Only administrators may.
        """
        scope = Source.INSTANCE if for_all else Source.PROJECT
        change = QuotaChange({_resource(name): limit for name, limit in limits.items()}, scope)
        return self._transport.call(Quotas, "PATCH", "/quotas", body=change).items


def _resource(name: str) -> Resource:
    try:
        return Resource(name)
    except ValueError as error:
        raise InvalidArgument(
            f"There is no quota of '{name}': give one of {', '.join(Resource)}.", field="limits"
        ) from error
