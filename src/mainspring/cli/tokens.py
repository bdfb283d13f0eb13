"""``mainspring tokens`` and ``mainspring sessions``: what vouches for you."""

from __future__ import annotations

from typing import Annotated

import typer

from mainspring.cli.options import AsJson, Url, Yes, client, confirm
from mainspring.cli.output import Columns, err, moment, say, show, show_json, show_table
from mainspring.modules.identity.schemas import ApiKeys, Sessions

app = typer.Typer(help="API keys and run tokens, which programs prove themselves with.", no_args_is_help=True)
sessions = typer.Typer(help="Browsers in which you are signed in.", no_args_is_help=True)
Id = Annotated[int, typer.Argument(help="The id that the list tells.")]
Owner = Annotated[str | None, typer.Option("--user", help="A service account; else your own.", show_default=False)]
Expires = Annotated[int, typer.Option(help="Seconds that it is good for, a day at most.")]
COLUMNS: Columns = (
    ("ID", lambda key: key.id),
    ("NAME", lambda key: key.name),
    ("PERMISSIONS", lambda key: "all" if key.permissions is None else " ".join(key.permissions)),
    ("PROJECTS", lambda key: "all" if key.projects is None else " ".join(key.projects)),
    ("ENDS (UTC)", lambda key: moment(key.expires_at)),
    ("LAST USED (UTC)", lambda key: moment(key.last_used_at)),
)
SESSIONS: Columns = (
    ("ID", lambda session: session.id),
    ("SINCE (UTC)", lambda session: moment(session.created_at)),
    ("LAST USED (UTC)", lambda session: moment(session.last_used_at)),
    ("ADDRESS", lambda session: session.address),
    ("BY", lambda session: session.provider),
    ("PROGRAM", lambda session: session.user_agent),
)


@app.command("list")
def list_keys(user: Owner = None, as_json: AsJson = False, url: Url = None) -> None:
    """List API keys, newest first."""
    found = client(url).auth.keys(user)
    if as_json:
        return show_json(ApiKeys(found))
    show_table(found, COLUMNS, "No API keys. Make one: mainspring tokens create NAME")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    permission: Annotated[
        list[str] | None,
        typer.Option(help="Limit it to this one, such as tracking:write; may be repeated.", show_default=False),
    ] = None,
    project: Annotated[
        list[str] | None,
        typer.Option(help="Limit it to this one, as namespace/name; may be repeated.", show_default=False),
    ] = None,
    expires_days: Annotated[int, typer.Option(help="Days that it is good for.")] = 90,
    user: Owner = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Create an API key and print its token, which is told this once."""
    made = client(url).auth.create_key(
        name, permissions=permission, projects=project, expires_days=expires_days, user=user
    )
    if as_json:
        return show_json(made)
    say(made.token)
    err.print("Keep it: it is not told again. Programs take it from MAINSPRING_TOKEN or MLFLOW_TRACKING_TOKEN.")


@app.command()
def revoke(id: Id, yes: Yes = False, url: Url = None) -> None:
    """Revoke an API key at once, and what was made with it."""
    confirm(f"Revoke the API key {id}?", yes)
    client(url).auth.revoke_key(id)


@app.command()
def revoke_current(yes: Yes = False, url: Url = None) -> None:
    """Revoke the token that this command itself asks with."""
    confirm("Revoke the token that is in use here?", yes)
    client(url).auth.sign_out()


@app.command()
def create_for_run(run_id: str, expires_s: Expires = 3600, as_json: AsJson = False, url: Url = None) -> None:
    """Create a token that writes one run, and print it."""
    made = client(url).auth.create_run_token(run_id, expires_s=expires_s)
    show_json(made) if as_json else say(made.token)


@app.command()
def refresh(expires_s: Expires = 3600, as_json: AsJson = False, url: Url = None) -> None:
    """Print a new token for the run of the one that is in use here."""
    made = client(url).auth.refresh_run_token(expires_s=expires_s)
    show_json(made) if as_json else say(made.token)


@sessions.command("list")
def list_sessions(as_json: AsJson = False, url: Url = None) -> None:
    """List your sessions, newest first."""
    found = client(url).auth.sessions()
    if as_json:
        return show_json(Sessions(found))
    show_table(found, SESSIONS, "You are signed in to no browser.")


@sessions.command("end")
def end_session(id: Id, url: Url = None) -> None:
    """End one of your sessions."""
    client(url).auth.revoke_session(id)


@sessions.command("end-all")
def end_all_sessions(yes: Yes = False, url: Url = None) -> None:
    """End all of your sessions."""
    confirm("Sign out of every browser?", yes)
    client(url).auth.sign_out_everywhere()


def whoami(as_json: AsJson = False, url: Url = None) -> None:
    """Show who you are to the server, and what you may do in the project."""
    show(client(url).auth.who_am_i(), as_json)
