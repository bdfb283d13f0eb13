"""``mainspring secrets``: set, listed and revealed; a value is never an argument, which other users could see."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from msgspec import UNSET

from mainspring.cli.options import AsJson, Limit, PageToken, Url, Yes, client, confirm
from mainspring.cli.output import Columns, moment, out, show, show_json, show_page, show_table

app = typer.Typer(help="Secrets of a project, by environment.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The secret's name.")]
In = Annotated[str, typer.Option("--environment", "-e", help="dev, staging or production.", show_default=False)]
Anywhere = Annotated[
    str | None, typer.Option("--environment", "-e", help="Only those of one environment.", show_default=False)
]
Description = Annotated[str | None, typer.Option(help="Text for people.", show_default=False)]
Readers = Annotated[
    list[str] | None,
    typer.Option("--reader", help="An account that may reveal it; may be repeated.", show_default=False),
]
WriteOnly = Annotated[
    bool | None,
    typer.Option(help="Whether only service accounts and run tokens of its readers reveal it.", show_default=False),
]
LISTED: Columns = (
    ("NAME", lambda secret: secret.name),
    ("ENVIRONMENT", lambda secret: secret.environment),
    ("VERSION", lambda secret: secret.version),
    ("READERS", lambda secret: ", ".join(secret.readers)),
    ("WRITE-ONLY", lambda secret: "yes" if secret.write_only else "no"),
    ("CHANGED (UTC)", lambda secret: moment(secret.updated_at)),
    ("DESCRIPTION", lambda secret: secret.description),
)
VERSIONS: Columns = (
    ("VERSION", lambda version: version.version),
    ("BY", lambda version: version.created_by),
    ("WHEN (UTC)", lambda version: moment(version.created_at)),
    ("KEY", lambda version: version.key_id),
)


@app.command("list")
def list_secrets(
    environment: Anywhere = None,
    limit: Limit = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List secrets; without their values."""
    found = client(url).secrets.list(environment, page_size=limit)
    show_page(found.page(page_token), LISTED, as_json, "No secrets. Make one: mainspring secrets set NAME -e dev")


@app.command()
def get(name: Name, environment: In, as_json: AsJson = False, url: Url = None) -> None:
    """Show what is told of a secret; not its value."""
    show(client(url).secrets.get(name, environment), as_json)


@app.command("set")
def set_secret(
    name: Name,
    environment: In,
    description: Description = None,
    reader: Readers = None,
    write_only: WriteOnly = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Write the next version of a secret: its value is asked for, or read from standard input."""
    made = client(url).secrets.set(
        name,
        _read_value(),
        environment,
        description=UNSET if description is None else description,
        readers=UNSET if reader is None else reader,
        write_only=UNSET if write_only is None else write_only,
    )
    show(made, as_json)


@app.command()
def update(
    name: Name,
    environment: In,
    description: Description = None,
    reader: Readers = None,
    no_readers: Annotated[bool, typer.Option("--no-readers", help="Take all readers away.")] = False,
    write_only: WriteOnly = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Change what is told of a secret, and who may reveal it: the readers given are all there are then."""
    readers = [] if no_readers else UNSET if reader is None else reader
    changed = client(url).secrets.update(
        name,
        environment,
        description=UNSET if description is None else description,
        readers=readers,
        write_only=UNSET if write_only is None else write_only,
    )
    show(changed, as_json)


@app.command()
def delete(name: Name, environment: In, yes: Yes = False, url: Url = None) -> None:
    """Delete a secret with all its versions, for good."""
    confirm(f"Delete the secret '{name}' of {environment} with all its versions for good?", yes)
    client(url).secrets.delete(name, environment)


@app.command()
def versions(name: Name, environment: In, as_json: AsJson = False, url: Url = None) -> None:
    """List the versions of a secret, newest first; without values."""
    found = client(url).secrets.versions(name, environment)
    show_json(found) if as_json else show_table(found, VERSIONS, "There are no versions.")


@app.command()
def reveal(
    name: Name,
    environment: In,
    version: Annotated[int | None, typer.Option(help="Left out: the newest.", show_default=False)] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Print the value of a secret. The audit log has it first."""
    value = client(url).secrets.reveal(name, environment, version=version)
    show_json({"value": value}) if as_json else out.file.write(f"{value}\n")


def _read_value() -> str:
    """Return a value that was typed unseen, or all of standard input without the newline at its end."""
    if sys.stdin.isatty():
        return str(typer.prompt("Value", hide_input=True))
    return sys.stdin.read().removesuffix("\n")
