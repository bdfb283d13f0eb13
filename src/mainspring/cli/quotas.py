"""``mainspring quotas``: how much a project has, and how much it may have."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import typer

from mainspring.cli.options import AsJson, Url, client, pairs_of
from mainspring.cli.output import Columns, show_json, show_table, size
from mainspring.kit.errors import InvalidArgument
from mainspring.modules.quotas.schemas import Quota, Quotas, Resource, Source

app = typer.Typer(help="How much a project may have.", no_args_is_help=True)
UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
AMOUNT = re.compile(r"([0-9]{1,18})([kMGT]?)B?")
COLUMNS: Columns = (
    ("RESOURCE", lambda quota: quota.resource),
    ("USED", lambda quota: _amount(quota.resource, quota.used)),
    ("LIMIT", lambda quota: "unlimited" if quota.limit is None else _amount(quota.resource, quota.limit)),
    ("SET FOR", lambda quota: "this project" if quota.source == Source.PROJECT else "all projects"),
)


@app.command()
def show(as_json: AsJson = False, url: Url = None) -> None:
    """Show how much the project has, and how much it may have."""
    _show(client(url).quotas.get(), as_json)


@app.command("set")
def set_(
    limits: Annotated[
        list[str],
        typer.Argument(
            help="RESOURCE=NUMBER, such as runs=10000 or artifact_bytes=50GB; unlimited, or default for what holds "
            "for all projects.",
            show_default=False,
        ),
    ],
    for_all: Annotated[bool, typer.Option("--all", help="For all projects without limits of their own.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Set how much the project may have. Only administrators may."""
    wanted = {name: _limit(name, text) for name, text in pairs_of(limits, "LIMITS").items()}
    _show(client(url).quotas.set(wanted, for_all=for_all), as_json)


def _show(quotas: list[Quota], as_json: bool) -> None:
    show_json(Quotas(quotas)) if as_json else show_table(quotas, COLUMNS, "Nothing is counted.")


def _amount(resource: Resource, number: int) -> str:
    return size(number) if resource == Resource.BYTES else str(number)


def _limit(name: str, text: str) -> int | Literal["unlimited", "default"]:
    if text == "unlimited":
        return "unlimited"
    if text == "default":
        return "default"
    found = AMOUNT.fullmatch(text)
    if found is None:
        raise InvalidArgument(
            f"The limit of {name} is '{text}'; it must be a number such as 10000 or 50GB, unlimited, or default.",
            field="LIMITS",
        )
    return int(found[1]) * UNITS[found[2]]
