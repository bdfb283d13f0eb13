"""``mainspring groups``: groups of accounts."""

from __future__ import annotations

from typing import Annotated

import typer
from msgspec import UNSET

from mainspring.cli.options import AsJson, Limit, PageToken, Url, Yes, client, confirm
from mainspring.cli.output import Columns, show, show_page

app = typer.Typer(help="Groups of accounts, which roles are granted to together.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The group's name.")]
User = Annotated[str, typer.Argument(help="The account's name.")]
Description = Annotated[str | None, typer.Option(help="Text for people.", show_default=False)]
Claim = Annotated[
    str | None, typer.Option(help="What identity providers call it; an empty one is none.", show_default=False)
]
Prefix = Annotated[str, typer.Argument(help="How the name begins; all, for administrators.", show_default=False)]
COLUMNS: Columns = (
    ("NAME", lambda group: group.name),
    ("CLAIM", lambda group: group.claim or ""),
    ("DESCRIPTION", lambda group: group.description),
)
MEMBERS: Columns = (
    ("NAME", lambda member: member.name),
    ("DISPLAY NAME", lambda member: member.display_name),
    ("KIND", lambda member: member.kind),
    ("KEPT BY", lambda member: member.source),
)


@app.command("list")
def list_groups(
    prefix: Prefix = "", limit: Limit = 100, page_token: PageToken = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Find groups by the beginning of their name."""
    found = client(url).groups.search(prefix, page_size=limit)
    show_page(found.page(page_token), COLUMNS, as_json, "No groups. Make one: mainspring groups create NAME")


@app.command()
def get(name: Name, as_json: AsJson = False, url: Url = None) -> None:
    """Show a group."""
    show(client(url).groups.get(name), as_json)


@app.command()
def create(
    name: Name, description: Description = None, claim: Claim = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Create a group."""
    show(client(url).groups.create(name, description=description or "", claim=claim or None), as_json)


@app.command()
def update(
    name: Name, description: Description = None, claim: Claim = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Change a group's description or claim."""
    text = UNSET if description is None else description
    show(client(url).groups.update(name, description=text, claim=UNSET if claim is None else claim or None), as_json)


@app.command()
def delete(name: Name, yes: Yes = False, url: Url = None) -> None:
    """Delete a group."""
    confirm(f"Delete the group '{name}' for good?", yes)
    client(url).groups.delete(name)


@app.command()
def members(
    name: Name, limit: Limit = 100, page_token: PageToken = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Show who is in a group."""
    found = client(url).groups.members(name, page_size=limit)
    show_page(found.page(page_token), MEMBERS, as_json, "Nobody. Add one: mainspring groups add-member GROUP USER")


@app.command()
def add_member(name: Name, user: User, url: Url = None) -> None:
    """Make an account a member of a group."""
    client(url).groups.add_member(name, user)


@app.command()
def remove_member(name: Name, user: User, url: Url = None) -> None:
    """Take an account out of a group."""
    client(url).groups.remove_member(name, user)
