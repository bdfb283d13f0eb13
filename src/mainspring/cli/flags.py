"""The settings as options of the commands that start or look at a server here."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from mainspring.settings import Settings

_DOCS = {setting.name: setting.metadata["doc"] for setting in fields(Settings)}


def _option(name: str) -> Any:
    return typer.Option(help=_DOCS[name], show_default=False)


Data = Annotated[Path | None, _option("data")]
DatabaseUrl = Annotated[str | None, _option("database_url")]
ArtifactsUrl = Annotated[str | None, _option("artifacts_url")]
VaultUrl = Annotated[str | None, _option("vault_url")]
DirectTransfers = Annotated[bool | None, _option("direct_transfers")]
Host = Annotated[str | None, _option("host")]
AllowedHosts = Annotated[str | None, _option("allowed_hosts")]
Auth = Annotated[str | None, _option("auth")]
PublicRead = Annotated[bool | None, _option("public_read")]
SessionDays = Annotated[int | None, _option("session_days")]
ApiKeyDays = Annotated[int | None, _option("api_key_days")]
TrustedProxies = Annotated[str | None, _option("trusted_proxies")]
RateLimits = Annotated[str | None, _option("rate_limits")]
RateLimitStorage = Annotated[str | None, _option("rate_limit_storage")]
Port = Annotated[int | None, _option("port")]
Workers = Annotated[int | None, _option("workers")]
Background = Annotated[bool | None, _option("background")]
UploadDays = Annotated[int | None, _option("upload_days")]
AuditDays = Annotated[int | None, _option("audit_days")]
WebhookAttempts = Annotated[int | None, _option("webhook_attempts")]
WebhookPrivateAddresses = Annotated[bool | None, _option("webhook_private_addresses")]
OidcIssuer = Annotated[str | None, _option("oidc_issuer")]
OidcClientId = Annotated[str | None, _option("oidc_client_id")]
OidcClientSecret = Annotated[str | None, _option("oidc_client_secret")]
OidcScopes = Annotated[str | None, _option("oidc_scopes")]
OidcGroupsClaim = Annotated[str | None, _option("oidc_groups_claim")]
OidcAdminGroup = Annotated[str | None, _option("oidc_admin_group")]
GitlabUrl = Annotated[str | None, _option("gitlab_url")]
GitlabClientId = Annotated[str | None, _option("gitlab_client_id")]
GitlabClientSecret = Annotated[str | None, _option("gitlab_client_secret")]
LogFormat = Annotated[str | None, _option("log_format")]
LogLevel = Annotated[str | None, _option("log_level")]
ReadTimeout = Annotated[int | None, _option("read_timeout")]
ShutdownGrace = Annotated[int | None, _option("shutdown_grace")]
