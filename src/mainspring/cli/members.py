"""``mainspring members`` and ``mainspring permissions``: who has which role, and what that allows."""

from __future__ import annotations

from typing import Annotated

import typer

from mainspring.cli.options import AsJson, Url, client, ms_of
from mainspring.cli.output import Columns, moment, say, show, show_json, show_table
from mainspring.modules.projects.schemas import Members

app = typer.Typer(help="Who has which role in a project, or in a namespace.", no_args_is_help=True)
permissions = typer.Typer(help="What may be done in a project, and why.", no_args_is_help=True)
Holder = Annotated[str, typer.Argument(metavar="NAME", help="The account's name, or with --group a group's.")]
OfGroup = Annotated[bool, typer.Option("--group", help="The role of all members of a group.")]
Namespace = Annotated[
    str | None,
    typer.Option(help="The namespace that is meant. Left out: the project that you work in.", show_default=False),
]
COLUMNS: Columns = (
    ("NAME", lambda member: member.name),
    ("KIND", lambda member: member.kind),
    ("ROLE", lambda member: member.role),
    ("IN", lambda member: member.scope),
    ("UNTIL (UTC)", lambda member: moment(member.expires_at)),
    ("GIVEN BY", lambda member: member.created_by),
)
ALLOWED: Columns = (
    ("PERMISSION", lambda row: row[0]),
    ("YOU", lambda row: "yes" if row[1] else ""),
    ("ROLES FROM", lambda row: row[2]),
)
REASONS: Columns = (
    ("", lambda reason: "allows" if reason.allows else "does not allow"),
    ("FROM", lambda reason: reason.source),
    ("ROLE", lambda reason: reason.role or ""),
    ("WHY", lambda reason: reason.detail),
)


@app.command("list")
def list_members(namespace: Namespace = None, as_json: AsJson = False, url: Url = None) -> None:
    """List all roles that were given there, and in the namespaces above."""
    found = client(url).members.list(namespace=namespace)
    nothing = "Nobody was given a role. Give one: mainspring members set NAME developer"
    show_json(Members(found)) if as_json else show_table(found, COLUMNS, nothing)


@app.command("set")
def set_member(
    name: Holder,
    role: Annotated[str, typer.Argument(help="guest, reporter, developer, maintainer or owner.")],
    group: OfGroup = False,
    until: Annotated[
        str | None, typer.Option(help="When it ends, such as 2027-01-31T12:00.", show_default=False)
    ] = None,
    namespace: Namespace = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Give an account or a group a role in place of the one that it had."""
    made = client(url).members.set(
        name, role, kind=_kind(group), expires_at=ms_of(until, "--until"), namespace=namespace
    )
    show(made, as_json)


@app.command()
def remove(name: Holder, group: OfGroup = False, namespace: Namespace = None, url: Url = None) -> None:
    """Take a role away; everyone may give up their own."""
    client(url).members.remove(name, kind=_kind(group), namespace=namespace)


@permissions.command("show")
def show_permissions(as_json: AsJson = False, url: Url = None) -> None:
    """Show what you may do in the project that you work in, and from which role on others may."""
    found = client(url).permissions.get()
    if as_json:
        return show_json(found)
    say(f"{found.user} in {found.project or 'no project'}" + (f", as {found.role}" if found.role else ""))
    least = {permission: role for role in reversed(found.roles) for permission in found.roles[role]}
    rows = [(each, each in found.permissions, least.get(each, "")) for each in {*least, *found.permissions}]
    show_table(sorted(rows), ALLOWED, "You may do nothing here.")


@permissions.command()
def why(
    permission: Annotated[str, typer.Argument(help="Such as tracking:write.")],
    user: Annotated[str | None, typer.Option(help="Whose; left out: yours.", show_default=False)] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Tell why an account may or may not do something: each role and rule that has a say."""
    found = client(url).permissions.why(permission, user)
    if as_json:
        return show_json(found)
    say(f"{found.user} {'may' if found.allowed else 'may NOT'} do {found.permission} in {found.project}:")
    show_table(found.reasons, REASONS, "Nothing allows it.")


def _kind(group: bool) -> str:
    return "group" if group else "user"
