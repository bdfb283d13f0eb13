"""``mainspring``: start the platform and work with it from a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from mainspring import __version__
from mainspring.kit.errors import MainspringError

app = typer.Typer(
    name="mainspring",
    help="One platform for the whole life of a model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Data = Annotated[Path | None, typer.Option(help="Folder of the embedded database and artifacts.")]
DatabaseUrl = Annotated[str | None, typer.Option(help="sqlite:///file or postgresql://user@host/database.")]
ArtifactsUrl = Annotated[str | None, typer.Option(help="file:///folder, s3://bucket/prefix, gs://… or az://….")]
Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")]
Workers = Annotated[int | None, typer.Option(help="Server processes; more than one needs PostgreSQL.")]


@app.command()
def up(
    data: Data = None,
    database_url: DatabaseUrl = None,
    artifacts_url: ArtifactsUrl = None,
    host: Host = None,
    port: Port = None,
    workers: Workers = None,
    log_format: Annotated[str | None, typer.Option(help="json, pretty or auto.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Start the platform here, and print how to connect to it. Ctrl-C stops it."""
    from mainspring.server.run import serve
    from mainspring.settings import load_settings

    settings, _ = load_settings(locals_of(locals()))
    if not serve(settings, _announce):
        raise typer.Exit(1)
    err.print("Mainspring has stopped.")


def locals_of(values: dict[str, Any]) -> dict[str, Any]:
    """Return the flags among a command's local names: plain values, not what it imported."""
    return {name: value for name, value in values.items() if isinstance(value, str | int | Path)}


def _announce(address: str) -> None:
    out.print(f"\n[bold]Mainspring {__version__}[/bold] is ready at [bold]{address}[/bold]\n")
    out.print("  import mlflow")
    out.print(f'  mlflow.set_tracking_uri("{address}")')
    out.print('  mlflow.set_experiment("my-experiment")')
    out.print("\nCtrl-C stops it.\n")


@app.command()
def version() -> None:
    """Print the version."""
    out.print(__version__)


def main() -> None:
    """Run the command line; an error of ours is one line on standard error and its own exit code."""
    sys.exit(run(app))


def run(command: Callable[..., Any]) -> int:
    """Run a command and return its exit code."""
    try:
        command(standalone_mode=False)
    except MainspringError as error:
        err.print(f"[red]Error:[/red] {escape(error.message)}")
        return error.code.exit_code
    except typer.Exit as ended:
        return ended.exit_code
    except typer.Abort:
        return 130
    return 0


if __name__ == "__main__":
    main()
