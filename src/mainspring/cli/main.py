"""``mainspring``: start the platform and work with it from a terminal."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from mainspring import __version__
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
    RateLimits,
    RateLimitStorage,
    ReadTimeout,
    SessionDays,
    ShutdownGrace,
    TrustedProxies,
    UploadDays,
    VaultUrl,
    WebhookAttempts,
    WebhookPrivateAddresses,
    Workers,
)
from mainspring.cli.later import group_of
from mainspring.cli.options import chosen_project
from mainspring.cli.output import complain, err, out, say
from mainspring.kit.errors import INVALID_ARGUMENT, MainspringError

# What a shell makes of a program that SIGINT has ended; what our libraries exit with when nobody reads on.
INTERRUPTED, PIPE_CLOSED = 130, 1

PLACES = {
    "projects": "mainspring.cli.projects:app",
    "namespaces": "mainspring.cli.projects:namespaces",
    "members": "mainspring.cli.members:app",
    "permissions": "mainspring.cli.members:permissions",
    "experiments": "mainspring.cli.experiments:app",
    "files": "mainspring.cli.files:app",
    "releases": "mainspring.cli.files:releases",
    "runs": "mainspring.cli.runs:app",
    "artifacts": "mainspring.cli.artifacts:app",
    "models": "mainspring.cli.models:app",
    "logged-models": "mainspring.cli.logged_models:app",
    "lineage": "mainspring.cli.lineage:app",
    "catalog": "mainspring.cli.catalog:app",
    "audit": "mainspring.cli.audit:app",
    "webhooks": "mainspring.cli.webhooks:app",
    "quotas": "mainspring.cli.quotas:app",
    "configuration": "mainspring.cli.configuration:app",
    "secrets": "mainspring.cli.secrets:app",
    "keys": "mainspring.cli.keys:app",
    "users": "mainspring.cli.users:app",
    "groups": "mainspring.cli.groups:app",
    "tokens": "mainspring.cli.tokens:app",
    "sessions": "mainspring.cli.tokens:sessions",
    "login": "mainspring.cli.login:login",
    "logout": "mainspring.cli.login:logout",
    "whoami": "mainspring.cli.tokens:whoami",
    "gc": "mainspring.cli.gc:gc",
    "import": "mainspring.cli.transfer:importing",
    "export": "mainspring.cli.transfer:export",
    "config": "mainspring.cli.config:app",
    "db": "mainspring.cli.db:app",
}

app = typer.Typer(
    name="mainspring",
    cls=group_of(PLACES),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(__version__)
        raise typer.Exit()


@app.callback()
def mainspring(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
    project: Annotated[
        str | None,
        typer.Option(
            help="Project to work in, as namespace/name. Left out: MAINSPRING_PROJECT, else the server's default.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """One platform for the whole life of a model."""
    chosen_project.set(project)


@app.command()
def up(
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
    trusted_proxies: TrustedProxies = None,
    rate_limits: RateLimits = None,
    rate_limit_storage: RateLimitStorage = None,
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
) -> None:
    """Start the platform here, and print how to connect to it. Ctrl-C stops it."""
    gc.disable()  # what is loaded stays: to look for garbage in it again and again is an eighth of the start
    from mainspring.server.run import serve
    from mainspring.settings import load_settings

    gc.enable()
    settings, _ = load_settings(context.params)
    if not serve(settings, _announce):
        raise typer.Exit(1)
    err.print("Mainspring has stopped.")


def _announce(address: str, setup: str) -> None:
    out.print(f"\n[bold]Mainspring {__version__}[/bold] is ready at [bold]{address}[/bold]\n")
    if setup:
        out.print("  It has no administrator yet. Make the first one here, within a day; the link is good once:")
        out.print(f"  {address}{setup}\n")
    out.print("  import mlflow")
    out.print(f'  mlflow.set_tracking_uri("{address}")')
    out.print('  mlflow.set_experiment("my-experiment")')
    out.print("\nCtrl-C stops it.\n")


@app.command()
def version() -> None:
    """Print the version."""
    say(__version__)


def main() -> None:
    """Run the command line and exit."""
    sys.exit(run(app))


def run(command: Callable[..., Any], arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; an error is one line on standard error."""
    try:
        ended = command(arguments, prog_name="mainspring", standalone_mode=False)
        sys.stdout.flush()
    except MainspringError as error:
        complain(error.message + (f" (request {error.request_id})" if error.request_id else ""))
        return error.code.exit_code
    except TyperException as wrong:
        return _wrong_usage(wrong)
    except (typer.Abort, KeyboardInterrupt):
        err.print("\nAborted.")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return ended if isinstance(ended, int) else 0  # what typer.Exit carries


def _wrong_usage(wrong: TyperException) -> int:
    """Say what is wrong with a command as it was typed, and who tells more."""
    message, context = wrong.format_message().strip(), getattr(wrong, "ctx", None)
    if message:  # a group that was called by its bare name has printed its help instead
        message = message if message.endswith("?") else f"{message.rstrip('.')}."
        complain(f"{message} Try '{context.command_path} --help'." if context else message)
    return INVALID_ARGUMENT.exit_code


if __name__ == "__main__":
    main()
