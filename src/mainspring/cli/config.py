"""``mainspring config``: what the settings are here, and where each comes from."""

from __future__ import annotations

import typer

from mainspring.cli.flags import (
    AllowedHosts,
    ApiKeyDays,
    ArtifactsUrl,
    AuditDays,
    Auth,
    Background,
    Data,
    DatabaseUrl,
    DirectTransfers,
    GitlabClientId,
    GitlabClientSecret,
    GitlabUrl,
    Host,
    LogFormat,
    LogLevel,
    OidcAdminGroup,
    OidcClientId,
    OidcClientSecret,
    OidcGroupsClaim,
    OidcIssuer,
    OidcScopes,
    Port,
    PublicRead,
    ReadTimeout,
    SessionDays,
    ShutdownGrace,
    UploadDays,
    VaultUrl,
    WebhookAttempts,
    WebhookPrivateAddresses,
    Workers,
)
from mainspring.cli.options import AsJson
from mainspring.cli.output import Columns, show_json, show_table
from mainspring.settings import load_settings

app = typer.Typer(help="Settings: flag, then MAINSPRING_*, then mainspring.toml, then default.", no_args_is_help=True)
COLUMNS: Columns = (
    ("SETTING", lambda origin: origin.name),
    ("VALUE", lambda origin: origin.value),
    ("FROM", lambda origin: origin.source),
)


@app.callback()
def config() -> None:
    """Look at the settings."""


@app.command("show")
def show_config(
    context: typer.Context,
    data: Data = None,
    database_url: DatabaseUrl = None,
    artifacts_url: ArtifactsUrl = None,
    vault_url: VaultUrl = None,
    direct_transfers: DirectTransfers = None,
    host: Host = None,
    allowed_hosts: AllowedHosts = None,
    auth: Auth = None,
    public_read: PublicRead = None,
    session_days: SessionDays = None,
    api_key_days: ApiKeyDays = None,
    port: Port = None,
    workers: Workers = None,
    background: Background = None,
    upload_days: UploadDays = None,
    audit_days: AuditDays = None,
    webhook_attempts: WebhookAttempts = None,
    webhook_private_addresses: WebhookPrivateAddresses = None,
    oidc_issuer: OidcIssuer = None,
    oidc_client_id: OidcClientId = None,
    oidc_client_secret: OidcClientSecret = None,
    oidc_scopes: OidcScopes = None,
    oidc_groups_claim: OidcGroupsClaim = None,
    oidc_admin_group: OidcAdminGroup = None,
    gitlab_url: GitlabUrl = None,
    gitlab_client_id: GitlabClientId = None,
    gitlab_client_secret: GitlabClientSecret = None,
    log_format: LogFormat = None,
    log_level: LogLevel = None,
    read_timeout: ReadTimeout = None,
    shutdown_grace: ShutdownGrace = None,
    as_json: AsJson = False,
) -> None:
    """Show each setting as `mainspring up` with the same options would take it, and where it comes from."""
    _, origins = load_settings(context.params)
    if as_json:
        return show_json([origin._asdict() for origin in origins])
    show_table(origins, COLUMNS, "There are no settings.")
