"""``mainspring users``: accounts, one's own too."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from msgspec import UNSET

from mainspring.cli.options import AsJson, Limit, PageToken, Url, Yes, client, confirm
from mainspring.cli.output import Columns, moment, say, show, show_json, show_page
from mainspring.kit.errors import InvalidArgument
from mainspring.modules.identity.schemas import AccountKind

app = typer.Typer(help="Accounts of people and of programs.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The account's name.")]
DisplayName = Annotated[str | None, typer.Option(help="The name for people.", show_default=False)]
Email = Annotated[str | None, typer.Option(help="The e-mail address.", show_default=False)]
Prefix = Annotated[str, typer.Argument(help="How the name begins; all, for administrators.", show_default=False)]
COLUMNS: Columns = (
    ("NAME", lambda user: user.name),
    ("DISPLAY NAME", lambda user: user.display_name),
    ("KIND", lambda user: user.kind),
    ("ADMIN", lambda user: "yes" if user.is_admin else ""),
    ("BLOCKED", lambda user: "yes" if user.blocked else ""),
    ("LAST SEEN (UTC)", lambda user: moment(user.last_seen_at)),
)


def read_secret(what: str, *, twice: bool = False) -> str:
    """Return what was typed unseen, or the next line of standard input. Raises InvalidArgument for nothing."""
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True, confirmation_prompt=twice))
    text = sys.stdin.readline().removesuffix("\n")
    if not text:
        raise InvalidArgument(f"{what}: type it, or send it as a line of standard input.")
    return text


@app.command("list")
def list_users(
    prefix: Prefix = "",
    kind: Annotated[AccountKind | None, typer.Option(help="Only these.", show_default=False)] = None,
    limit: Limit = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Find accounts by the beginning of their name."""
    found = client(url).users.search(prefix, kind=kind, page_size=limit)
    show_page(found.page(page_token), COLUMNS, as_json, "No accounts. Make one: mainspring users create NAME")


@app.command()
def get(name: Name, as_json: AsJson = False, url: Url = None) -> None:
    """Show an account."""
    show(client(url).users.get(name), as_json)


@app.command()
def create(
    name: Name,
    display_name: DisplayName = None,
    email: Email = None,
    service: Annotated[bool, typer.Option("--service", help="For a program, which has no password.")] = False,
    with_password: Annotated[bool, typer.Option("--with-password", help="Ask for the password.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Create an account. Without a password, `users password-link` lets its owner set one."""
    password = read_secret("Password", twice=True) if with_password else None
    kind = AccountKind.SERVICE if service else AccountKind.USER
    users = client(url).users
    made = users.create(name, display_name=display_name or "", email=email or "", password=password, kind=kind)
    show(made, as_json)


@app.command()
def update(
    name: Name, display_name: DisplayName = None, email: Email = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Change an account's display name or e-mail address."""
    shown = UNSET if display_name is None else display_name
    show(client(url).users.update(name, display_name=shown, email=UNSET if email is None else email), as_json)


@app.command()
def delete(name: Name, yes: Yes = False, url: Url = None) -> None:
    """Delete an account; its name is not given again."""
    confirm(f"Delete the account '{name}' for good?", yes)
    client(url).users.delete(name)


@app.command()
def block(name: Name, as_json: AsJson = False, url: Url = None) -> None:
    """Keep an account out: its sessions end, its API keys rest."""
    show(client(url).users.block(name), as_json)


@app.command()
def unblock(name: Name, as_json: AsJson = False, url: Url = None) -> None:
    """Let an account in again."""
    show(client(url).users.unblock(name), as_json)


@app.command()
def set_admin(
    name: Name,
    admin: Annotated[bool, typer.Option("--yes/--no", help="Whether it is one.")] = True,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Make an account an administrator of the server, or no longer one."""
    show(client(url).users.set_admin(name, admin), as_json)


@app.command()
def set_password(name: Name, url: Url = None) -> None:
    """Set the password of an account; it is asked for, or read from standard input."""
    client(url).users.set_password(name, read_secret("New password", twice=True))


@app.command()
def password_link(name: Name, as_json: AsJson = False, url: Url = None) -> None:
    """Make a one-time link by which the owner of an account sets its password."""
    connected = client(url)
    link = connected.users.create_password_link(name)
    if as_json:
        return show_json(link)
    say(f"{connected.url}{link.path}")


@app.command()
def me(as_json: AsJson = False, url: Url = None) -> None:
    """Show your own account."""
    show(client(url).users.me(), as_json)


@app.command()
def update_me(display_name: DisplayName = None, email: Email = None, as_json: AsJson = False, url: Url = None) -> None:
    """Change your own display name or e-mail address."""
    shown = UNSET if display_name is None else display_name
    show(client(url).users.update_me(display_name=shown, email=UNSET if email is None else email), as_json)


@app.command()
def change_password(url: Url = None) -> None:
    """Change your own password; both are asked for, or read from two lines of standard input."""
    current, new = read_secret("Current password"), read_secret("New password", twice=True)
    client(url).users.change_password(current, new)


@app.command()
def setup(name: Name, display_name: DisplayName = None, email: Email = None, url: Url = None) -> None:
    """Make the first administrator; the token of the printed link and a password are asked for, or read."""
    token, password = read_secret("Token (behind #token= in the link)"), read_secret("Password", twice=True)
    client(url).auth.set_up(token, name, password, display_name=display_name or "", email=email or "")


@app.command()
def reset_password(url: Url = None) -> None:
    """Set a password by a one-time link; its token and the password are asked for, or read."""
    token, password = read_secret("Token (behind #token= in the link)"), read_secret("New password", twice=True)
    client(url).auth.reset_password(token, password)
