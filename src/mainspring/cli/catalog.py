"""``mainspring catalog``: find what there is in all projects, and see how good its metadata is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.text import Text

from mainspring.cli.options import AsJson, Limit, PageToken, Url, client
from mainspring.cli.output import Columns, err, moment, show_json, show_page, show_table
from mainspring.kit.errors import InvalidArgument

if TYPE_CHECKING:
    from mainspring.modules.catalog.schemas import MetadataWarning

app = typer.Typer(help="The catalog: models, datasets and processors of all projects.", no_args_is_help=True)
ProjectOption = Annotated[
    str, typer.Option("--of", metavar="PATH", help="Only of this project, namespace/name.", show_default=False)
]
ProjectPath = Annotated[
    str | None, typer.Argument(metavar="PATH", help="Left out: the one you work in.", show_default=False)
]
ITEMS: Columns = (
    ("COLLECTION", lambda item: item.get("collection", "")),
    ("ID", lambda item: item["id"]),
    ("TITLE", lambda item: item["properties"].get("title", "")),
    ("UPDATED (UTC)", lambda item: str(item["properties"].get("updated", ""))[:19].replace("T", " ")),
)
SOURCES: Columns = (
    ("NAME", lambda source: source.name),
    ("STATE", lambda source: source.state),
    ("PROJECTS", lambda source: source.projects),
    ("WAITING", lambda source: "" if source.waiting is None else source.waiting),
    ("LISTED (UTC)", lambda source: moment(source.synced_at)),
    ("STALE SINCE (UTC)", lambda source: moment(source.stale_since)),
    ("FAILURE", lambda source: source.failure),
)
WARNINGS: Columns = (
    ("CODE", lambda warning: warning.code),
    ("FIELD", lambda warning: warning.field),
    ("MESSAGE", lambda warning: warning.message),
)
WARNED: Columns = (
    ("PROJECT", lambda item: item.project),
    ("COLLECTION", lambda item: item.collection),
    ("WARNINGS", lambda item: "; ".join(f"{each.field or each.code}: {each.message}" for each in item.warnings)),
)
FIELDS: Columns = (("FIELD", lambda field: field.name), ("VALUE", lambda field: field.value))


class _Field(NamedTuple):
    """A line of what is shown of an item."""

    name: str
    value: object


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="Words to look for.", show_default=False)] = "",
    collection: Annotated[
        list[str] | None, typer.Option(help="Only of this collection; may be repeated.", show_default=False)
    ] = None,
    bbox: Annotated[str, typer.Option(help="West,south,east,north in degrees.", show_default=False)] = "",
    datetime: Annotated[str, typer.Option(help="A moment, or 2020-01-01/.. for a span.", show_default=False)] = "",
    filter: Annotated[
        str, typer.Option(help="A filter in CQL2's text, such as \"license = 'MIT'\".", show_default=False)
    ] = "",
    sort_by: Annotated[
        list[str] | None, typer.Option(help="A property, -updated to go down; may be repeated.", show_default=False)
    ] = None,
    limit: Limit = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Find items."""
    found = client(url).catalog.search(
        text,
        collections=collection or (),
        bbox=_box(bbox),
        datetime=datetime,
        filter=filter,
        sort_by=sort_by or (),
        page_size=limit,
    )
    show_page(found.page(page_token), ITEMS, as_json, "Nothing is found that you may see.")


@app.command()
def show(
    collection: Annotated[str, typer.Argument(help="Such as ai-model.")],
    id: Annotated[str, typer.Argument(metavar="ID", help="The item's id, or its project's path.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show an item."""
    item = client(url).catalog.get(collection, id)
    if as_json:
        return show_json(item)
    show_table(_fields(item), FIELDS, "")


@app.command()
def lint(
    file: Annotated[Path, typer.Argument(help="A README.")] = Path("README.md"),
    as_json: AsJson = False,
    url: Annotated[
        str | None, typer.Option(help="Ask the server at this address. Left out: no server.", show_default=False)
    ] = None,
) -> None:
    """Check the metadata of a README; the exit code is 1 where something is wrong."""
    from mainspring.modules.catalog.schemas import LintReport

    warnings = _lint(_text(file)) if url is None else client(url).catalog.lint(_text(file))
    if as_json:
        show_json(LintReport(warnings))
    else:
        show_table(warnings, WARNINGS, f"{file} is as it should be.")
    if warnings:
        raise typer.Exit(1)


@app.command()
def warnings(
    project: ProjectOption = "",
    limit: Limit = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List items whose metadata is not as it should be."""
    found = client(url).catalog.warnings(project=project, page_size=limit)
    show_page(found.page(page_token), WARNED, as_json, "All metadata is as it should be.")


@app.command()
def sources(as_json: AsJson = False, url: Url = None) -> None:
    """Show where the catalog's projects come from, and how fresh it is."""
    found = client(url).catalog.sources()
    if as_json:
        return show_json({"items": found})
    show_table(found, SOURCES, "All projects are at home here. The settings gitlab_url and sources name other places.")


@app.command()
def sync(
    source: Annotated[str | None, typer.Option(help="Only this source, by its name.", show_default=False)] = None,
    project: ProjectOption = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Have everything, a source or a project read again, soon."""
    found = client(url).catalog.sync(source=source, project=project or None)
    if as_json:
        return show_json({"items": found})
    err.print(Text("It is read again. See how it stands: mainspring catalog sources", style="dim"))


@app.command()
def readme(path: ProjectPath = None, as_json: AsJson = False, url: Url = None) -> None:
    """Print the README of a project as safe HTML."""
    found = client(url).catalog.readme(path)
    if as_json:
        return show_json(found)
    typer.echo(found.html, nl=False)


@app.command()
def star(path: ProjectPath = None, url: Url = None) -> None:
    """Star a project, where it comes from."""
    client(url).catalog.star(path)


@app.command()
def unstar(path: ProjectPath = None, url: Url = None) -> None:
    """Take your star of a project back."""
    client(url).catalog.unstar(path)


def _lint(text: str) -> list[MetadataWarning]:
    """Check a README here."""
    from mainspring.modules.catalog.service.linting import lint_readme

    return lint_readme(text)


def _fields(item: dict[str, Any]) -> list[_Field]:
    """Return what is told of an item, a line each."""
    lines = [_Field("id", item["id"]), _Field("collection", item.get("collection", ""))]
    lines += [_Field(name, value) for name, value in item["properties"].items()]
    return lines + [_Field(f"assets.{key}", asset["href"]) for key, asset in item["assets"].items()]


def _box(text: str) -> list[float]:
    """Return the numbers of a box. Raises InvalidArgument."""
    try:
        return [float(each) for each in text.split(",")] if text else []
    except ValueError as error:
        raise InvalidArgument(f"--bbox is '{text}'; it must be west,south,east,north.", field="--bbox") from error


def _text(file: Path) -> str:
    """Return the text of a file. Raises InvalidArgument for one that cannot be read."""
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"{file} cannot be read as a text: {error}.", field="file") from error
