"""``mainspring audit``: who did what, and whether the log of it is whole."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mainspring.cli.flags import DatabaseUrl
from mainspring.cli.options import AsJson, Limit, PageToken, Url, client, ms_of
from mainspring.cli.output import Columns, moment, say, show_json, show_page
from mainspring.kit.errors import FailedPrecondition, InvalidArgument

if TYPE_CHECKING:
    from mainspring.modules.audit.schemas import Verification

app = typer.Typer(help="The audit log.", no_args_is_help=True)
BROKEN = 1
Actor = Annotated[str | None, typer.Option(help="Who did it.", show_default=False)]
Action = Annotated[
    str | None, typer.Option(help="Such as model_version.create or 'model_version.*'.", show_default=False)
]
ObjectId = Annotated[str | None, typer.Option("--object", help="What it was done to.", show_default=False)]
Text = Annotated[str | None, typer.Option(help="Part of an object's id.", show_default=False)]
Allowed = Annotated[
    bool | None, typer.Option("--allowed/--denied", help="Only what was allowed, or denied.", show_default=False)
]
Since = Annotated[str | None, typer.Option(help="The first moment, such as 2026-01-31T12:00.", show_default=False)]
Until = Annotated[str | None, typer.Option(help="The first moment past it.", show_default=False)]
Everywhere = Annotated[bool, typer.Option("--instance", help="The acts of all projects, for admins.")]
COLUMNS: Columns = (
    ("SEQ", lambda event: event.seq),
    ("TIME (UTC)", lambda event: moment(event.at)),
    ("ACTOR", lambda event: event.actor),
    ("ACTION", lambda event: event.action),
    ("OBJECT", lambda event: event.object_id),
    ("", lambda event: "" if event.allowed else "denied"),
    ("ADDRESS", lambda event: event.address),
)


@app.command()
def search(
    actor: Actor = None,
    action: Action = None,
    object_id: ObjectId = None,
    text: Text = None,
    allowed: Allowed = None,
    since: Since = None,
    until: Until = None,
    instance: Everywhere = False,
    limit: Limit = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Search the acts of a project, the newest first."""
    found = client(url).audit.search(
        actor=actor,
        action=action,
        object_id=object_id,
        text=text,
        allowed=allowed,
        since=ms_of(since, "--since"),
        until=ms_of(until, "--until"),
        scope=_scope(instance),
        page_size=limit,
    )
    show_page(found.page(page_token), COLUMNS, as_json, "No such acts.")


@app.command()
def export(
    format: Annotated[str, typer.Option(help="ndjson or csv.")] = "ndjson",
    to: Annotated[
        Path | None, typer.Option(help="File to write. Left out: standard output.", show_default=False)
    ] = None,
    actor: Actor = None,
    action: Action = None,
    object_id: ObjectId = None,
    text: Text = None,
    allowed: Allowed = None,
    since: Since = None,
    until: Until = None,
    instance: Everywhere = False,
    url: Url = None,
) -> None:
    """Export acts, the oldest first."""
    if format not in ("ndjson", "csv"):
        raise InvalidArgument(f"--format is '{format}'; it must be ndjson or csv.", field="--format")
    pieces = client(url).audit.export(
        format=format,
        actor=actor,
        action=action,
        object_id=object_id,
        text=text,
        allowed=allowed,
        since=ms_of(since, "--since"),
        until=ms_of(until, "--until"),
        scope=_scope(instance),
    )
    if to is None:
        sys.stdout.flush()
        sys.stdout.buffer.writelines(pieces)
        return
    with to.open("wb") as file:
        file.writelines(pieces)


@app.command()
def verify(
    data: Annotated[
        Path | None, typer.Option(help="Look into the database of this data folder itself.", show_default=False)
    ] = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Check that nothing of the log was changed, is missing or was cut off; exit with 1 where something is wrong.

    Asks a server, or looks into a database itself where one is given.
    """
    found = client(url).audit.verify() if data is None and database_url is None else _verify_here(data, database_url)
    if as_json:
        show_json(found)
    elif found.problem:
        say(f"The log is BROKEN at act {found.seq}: {found.problem}")
    else:
        say(f"The log is whole: {found.checked:,} acts, the last is {found.seq} with the hash {found.hash}.")
    if found.problem:
        raise typer.Exit(BROKEN)


def _verify_here(data: Path | None, database_url: str | None) -> Verification:
    from mainspring.db.engine import check_url
    from mainspring.kit.actors import SYSTEM
    from mainspring.kit.sql_engines import create_read_engine, embedded_file
    from mainspring.modules.audit import service
    from mainspring.settings import load_settings

    settings, _ = load_settings({"data": data, "database_url": database_url})
    url = check_url(settings.resolved_database_url)
    file = embedded_file(url)
    if file and not file.exists():
        raise FailedPrecondition(f"There is no database at {file}.")
    engine = create_read_engine(url, 1)
    with engine.begin() as tx:
        found = service.verify(tx, SYSTEM, 0, sys.maxsize)
    engine.dispose()
    return found


def _scope(instance: bool) -> str:
    return "instance" if instance else "project"
