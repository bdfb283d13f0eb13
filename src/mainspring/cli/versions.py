"""``mainspring models versions``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from msgspec import UNSET

from mainspring.cli.artifacts import File, Files, Folder, Rows, To
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
from mainspring.cli.output import (
    Columns,
    moment,
    progress_bar,
    say,
    show,
    show_files,
    show_json,
    show_page,
    show_preview,
    show_table,
)
from mainspring.modules.registry.schemas import MeasuredVersion, MeasuredVersions

app = typer.Typer(help="The versions of registered models, and their files.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The registered model's name.")]
Version = Annotated[int, typer.Argument(help="The version's number.")]
Description = Annotated[str | None, typer.Option(help="Text for people.", show_default=False)]
COLUMNS: Columns = (
    ("NAME", lambda version: version.name),
    ("VERSION", lambda version: version.version),
    ("STAGE", lambda version: version.stage),
    ("ALIASES", lambda version: ", ".join(version.aliases)),
    ("CREATED (UTC)", lambda version: moment(version.created_at)),
    ("SOURCE", lambda version: version.source),
)


@app.command()
def search(
    name: Annotated[str | None, typer.Argument(help="A registered model; left out, all.", show_default=False)] = None,
    filter: Filter = "",
    order_by: OrderBy = None,
    limit: Limit = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Search the versions of one registered model, or of all."""
    found = client(url).models.search_versions(name, filter, order_by=order_by or (), page_size=limit)
    nothing = f"No versions. Make one: mainspring models versions create {name or 'NAME'} SOURCE"
    show_page(found.page(page_token), COLUMNS, as_json, nothing)


@app.command()
def get(name: Name, version: Version, as_json: AsJson = False, url: Url = None) -> None:
    """Show a version with its params, metrics, signature and flavours."""
    show(client(url).models.get_version(name, version), as_json)


@app.command()
def measured(
    name: Name,
    numbers: Annotated[list[int], typer.Argument(metavar="VERSION…", help="Versions' numbers, up to 100.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show the params and metrics of some versions beside each other."""
    found = client(url).models.measured(name, numbers)
    if as_json:
        return show_json(MeasuredVersions(found))
    rows = [("param", key) for key in sorted({key for each in found for key in each.params})]
    rows += [("metric", key) for key in sorted({key for each in found for key in each.metrics})]
    columns: Columns = (
        ("", lambda row: row[0]),
        ("KEY", lambda row: row[1]),
        *((f"VERSION {each.version}", partial(_value, each)) for each in found),
    )
    show_table(rows, columns, "Nothing was logged for these versions.")


def _value(version: MeasuredVersion, row: tuple[str, str]) -> object:
    kind, key = row
    return (version.params if kind == "param" else version.metrics).get(key, "")


@app.command()
def create(
    name: Name,
    source: Annotated[str, typer.Argument(help="Where the files are, such as runs:/RUN_ID/model.")],
    description: Description = None,
    run_id: Annotated[str | None, typer.Option(help="The run that made it.", show_default=False)] = None,
    model_id: Annotated[str | None, typer.Option(help="The logged model that it is.", show_default=False)] = None,
    tag: Tags = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Create the next version of a registered model."""
    made = client(url).models.create_version(
        name, source, description=description, run_id=run_id, model_id=model_id, tags=pairs_of(tag, "--tag")
    )
    show(made, as_json)


@app.command()
def update(
    name: Name,
    version: Version,
    description: Description = None,
    stage: Annotated[
        str | None, typer.Option(help="None, Staging, Production or Archived.", show_default=False)
    ] = None,
    archive_existing: Annotated[bool, typer.Option("--archive-existing", help="Archive what has that stage.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Change a version's description or stage."""
    text = UNSET if description is None else description
    changed = client(url).models.update_version(
        name, version, description=text, stage=stage, archive_existing=archive_existing
    )
    show(changed, as_json)


@app.command()
def delete(name: Name, version: Version, yes: Yes = False, url: Url = None) -> None:
    """Delete a version for good; its number is not given again."""
    confirm(f"Delete version {version} of '{name}' for good?", yes)
    client(url).models.delete_version(name, version)


@app.command()
def set_tag(name: Name, version: Version, key: str, value: str, url: Url = None) -> None:
    """Set a tag of a version."""
    client(url).models.set_version_tag(name, version, key, value)


@app.command()
def delete_tag(name: Name, version: Version, key: str, url: Url = None) -> None:
    """Delete a tag of a version."""
    client(url).models.delete_version_tag(name, version, key)


@app.command()
def files(name: Name, version: Version, path: Folder = "", as_json: AsJson = False, url: Url = None) -> None:
    """List a folder of a version's files."""
    show_files(client(url).models.list_files(name, version, path), as_json)


@app.command()
def preview(
    name: Name,
    version: Version,
    path: File,
    rows: Rows = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show a file of a version without downloading it, as `mainspring artifacts preview` does."""
    show_preview(client(url).models.preview(name, version, path, max_rows=rows, page_token=page_token), as_json)


@app.command()
def download(name: Name, version: Version, path: Files = "", to: To = Path("."), url: Url = None) -> None:
    """Download a file or folder of a version."""
    with progress_bar() as tell:
        target = client(url).models.download(name, version, path, to, progress=tell)
    say(str(target))
