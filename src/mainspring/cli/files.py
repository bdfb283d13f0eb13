"""``mainspring files`` and ``mainspring releases``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mainspring.cli.options import AsJson, Limit, PageToken, Url, Yes, client, confirm
from mainspring.cli.output import Columns, moment, progress_bar, say, show, show_json, show_page, size

app = typer.Typer(help="Files of a project.", no_args_is_help=True)
releases = typer.Typer(help="Releases: states of a project's files.", no_args_is_help=True)
Ref = Annotated[str, typer.Option(help="A release's tag, or a state's id; main is what there is now.")]
Tag = Annotated[str, typer.Argument(help="The release's tag.")]
FILES: Columns = (
    ("SIZE", lambda file: size(file.size)),
    ("CHANGED", lambda file: moment(file.updated_at)),
    ("PATH", lambda file: file.path),
)
RELEASES: Columns = (
    ("TAG", lambda release: release.tag),
    ("CREATED", lambda release: moment(release.created_at)),
    ("FILES", lambda release: release.files),
    ("SIZE", lambda release: size(release.size)),
    ("NAME", lambda release: release.name),
)


@app.command("list")
def list_files(
    prefix: Annotated[
        str, typer.Argument(help="How the paths begin, such as data/; left out, all.", show_default=False)
    ] = "",
    ref: Ref = "main",
    limit: Limit = 1000,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List the files of a project."""
    page = client(url).files.list(prefix, ref=ref, page_size=limit).page(page_token)
    show_page(page, FILES, as_json, "There are no such files. Put one: mainspring files put FILE.")


@app.command()
def put(
    source: Annotated[Path, typer.Argument(help="A file, or a folder whose content is put.")],
    path: Annotated[
        str,
        typer.Argument(help="The path of the file, or the folder; left out, as it is called here.", show_default=False),
    ] = "",
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Put a file, or what is in a folder, into a project."""
    from mainspring.modules.files.schemas import Files

    files = client(url).files
    with progress_bar() as tell:
        if source.is_dir():
            stored = list(files.upload(source, path, progress=tell))
        else:
            stored = [files.put(source, path or None, progress=tell)]
    if as_json:
        return show_json(Files(stored))
    for file in stored:
        say(file.path)


@app.command()
def get(
    path: Annotated[
        str, typer.Argument(help="A file, or a folder with a slash at its end; left out, all.", show_default=False)
    ] = "",
    to: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("."),
    ref: Ref = "main",
    url: Url = None,
) -> None:
    """Download a file, or those of a folder."""
    with progress_bar() as tell:
        target = client(url).files.get(path, to, ref=ref, progress=tell)
    say(str(target))


@app.command()
def delete(
    path: Annotated[str, typer.Argument(help="A file.")],
    yes: Yes = False,
    url: Url = None,
) -> None:
    """Delete a file; releases keep theirs."""
    confirm(f"Delete the file '{path}'?", yes)
    client(url).files.delete(path)


@releases.command("list")
def list_releases(limit: Limit = 100, page_token: PageToken = None, as_json: AsJson = False, url: Url = None) -> None:
    """List the releases of a project, newest first."""
    page = client(url).releases.list(page_size=limit).page(page_token)
    show_page(page, RELEASES, as_json, "There are no releases. Make one: mainspring releases create TAG.")


@releases.command()
def create(
    tag: Tag,
    name: Annotated[str, typer.Option(help="What people call it; left out, the tag.", show_default=False)] = "",
    description: Annotated[str, typer.Option(help="What is new.", show_default=False)] = "",
    commit: Annotated[str | None, typer.Option(help="The state that the files must be in.", show_default=False)] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Release the files of a project as they are now."""
    made = client(url).releases.create(tag, name=name, description=description, commit=commit)
    show(made, as_json)


@releases.command("show")
def show_release(tag: Tag, as_json: AsJson = False, url: Url = None) -> None:
    """Show a release."""
    show(client(url).releases.get(tag), as_json)


@releases.command("delete")
def delete_release(tag: Tag, yes: Yes = False, url: Url = None) -> None:
    """Delete a release; files that are still as they were then stay."""
    confirm(f"Delete the release '{tag}' for good?", yes)
    client(url).releases.delete(tag)
