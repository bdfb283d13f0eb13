"""Which identity providers this server signs in by. What speaks with them is loaded where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from mainspring.kit.errors import NotFound
from mainspring.settings import Settings

if TYPE_CHECKING:
    from mainspring.modules.identity.service.oidc import Provider

LABELS = {"oidc": "single sign-on", "gitlab": "GitLab"}
"""Providers by their names in URLs, and what people call them."""


@cache
def providers_of(settings: Settings) -> Mapping[str, Provider]:
    """Return the providers that the settings name, by their names in URLs; they remember what they were told."""
    found: dict[str, Provider] = {}
    if settings.oidc_issuer:
        from mainspring.modules.identity.service.oidc import Client, Provider

        client = Client(
            settings.oidc_issuer,
            settings.oidc_client_id,
            settings.oidc_client_secret,
            settings.oidc_scopes,
            settings.oidc_groups_claim,
        )
        found["oidc"] = Provider(client)
    if settings.gitlab_client_id:
        from mainspring.modules.identity.service.gitlab import GitlabProvider

        found["gitlab"] = GitlabProvider(settings.gitlab_url, settings.gitlab_client_id, settings.gitlab_client_secret)
    return found


def find_provider(settings: Settings, name: str) -> Provider:
    """Return a provider by its name in URLs. Raises NotFound."""
    found = providers_of(settings).get(name)
    if found is None:
        raise NotFound(f"This server does not sign in by '{name[:50]}'.")
    return found
