"""``mainspring config``: what the settings are here, and where each comes from."""

from __future__ import annotations

import typer

from mainspring.cli.flags import (
    AllowedHosts,
    ArtifactsUrl,
    Background,
    Data,
    DatabaseUrl,
    DirectTransfers,
    Host,
    LogFormat,
    LogLevel,
    Port,
    ReadTimeout,
    ShutdownGrace,
    UploadDays,
    VaultUrl,
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
    port: Port = None,
    workers: Workers = None,
    background: Background = None,
    upload_days: UploadDays = None,
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
