"""``mainspring models``: registered models, their aliases and tags."""

from __future__ import annotations

from typing import Annotated

import typer
from msgspec import UNSET

from mainspring.cli import stage_requests, versions
from mainspring.cli.options import (
    AsJson,
    Filter,
    Limit,
    OrderBy,
    PageToken,
    Tags,
    Url,
    Yes,
    client,
    confirm,
    pairs_of,
)
from mainspring.cli.output import Columns, moment, pairs, show, show_page

app = typer.Typer(help="The model registry.", no_args_is_help=True)
app.add_typer(versions.app, name="versions")
app.add_typer(stage_requests.app, name="requests")
Name = Annotated[str, typer.Argument(help="The registered model's name.")]
Alias = Annotated[str, typer.Argument(help="The alias, such as champion.")]
Description = Annotated[str | None, typer.Option(help="Text for people.", show_default=False)]
COLUMNS: Columns = (
    ("NAME", lambda model: model.name),
    ("NEWEST", lambda model: max((version.version for version in model.latest_versions), default="")),
    ("ALIASES", lambda model: pairs(model.aliases)),
    ("UPDATED (UTC)", lambda model: moment(model.updated_at)),
    ("DESCRIPTION", lambda model: model.description or ""),
)


@app.command()
def search(
    filter: Filter = "",
    order_by: OrderBy = None,
    limit: Limit = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Search registered models, by name."""
    found = client(url).models.search(filter, order_by=order_by or (), page_size=limit)
    show_page(found.page(page_token), COLUMNS, as_json, "No models. Make one: mainspring models create NAME")


@app.command()
def get(name: Name, as_json: AsJson = False, url: Url = None) -> None:
    """Show a registered model with the newest version of each stage."""
    show(client(url).models.get(name), as_json)


@app.command()
def create(
    name: Name, description: Description = None, tag: Tags = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Create a registered model."""
    show(client(url).models.create(name, description=description, tags=pairs_of(tag, "--tag")), as_json)


@app.command()
def update(
    name: Name,
    new_name: Annotated[str | None, typer.Option(help="Versions, tags and aliases go with it.")] = None,
    description: Description = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Change a registered model's description or name."""
    text = UNSET if description is None else description
    show(client(url).models.update(name, new_name=new_name, description=text), as_json)


@app.command()
def delete(name: Name, yes: Yes = False, url: Url = None) -> None:
    """Delete a registered model with its versions, for good."""
    confirm(f"Delete the model '{name}' with all its versions for good?", yes)
    client(url).models.delete(name)


@app.command()
def set_tag(name: Name, key: str, value: str, url: Url = None) -> None:
    """Set a tag of a registered model."""
    client(url).models.set_tag(name, key, value)


@app.command()
def delete_tag(name: Name, key: str, url: Url = None) -> None:
    """Delete a tag of a registered model."""
    client(url).models.delete_tag(name, key)


@app.command()
def get_alias(name: Name, alias: Alias, as_json: AsJson = False, url: Url = None) -> None:
    """Show the version that an alias leads to; latest is the newest."""
    show(client(url).models.get_by_alias(name, alias), as_json)


@app.command()
def set_alias(name: Name, alias: Alias, version: int, url: Url = None) -> None:
    """Point an alias at a version."""
    client(url).models.set_alias(name, alias, version)


@app.command()
def delete_alias(name: Name, alias: Alias, url: Url = None) -> None:
    """Delete an alias."""
    client(url).models.delete_alias(name, alias)
