"""``mainspring artifacts``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mainspring.cli.options import AsJson, PageToken, Url, Yes, client, confirm
from mainspring.cli.output import progress_bar, say, show_files, show_json, show_preview

app = typer.Typer(help="Artifacts: the files of a run.", no_args_is_help=True)
RunId = Annotated[str, typer.Argument(help="The run's id.")]
Folder = Annotated[str, typer.Argument(help="A folder of the artifacts; left out, the top one.", show_default=False)]
Files = Annotated[str, typer.Argument(help="A file or folder; left out, all.", show_default=False)]
File = Annotated[str, typer.Argument(help="A file.")]
Rows = Annotated[int, typer.Option(help="How many rows of a table at most.")]
To = Annotated[Path, typer.Option(help="The folder to write to.")]


@app.command("list")
def list_artifacts(run_id: RunId, path: Folder = "", as_json: AsJson = False, url: Url = None) -> None:
    """List a folder of a run's artifacts."""
    show_files(client(url).artifacts.list(run_id, path), as_json)


@app.command()
def download(run_id: RunId, path: Files = "", to: To = Path("."), url: Url = None) -> None:
    """Download a file or folder of a run."""
    with progress_bar() as tell:
        target = client(url).artifacts.download(run_id, path, to, progress=tell)
    say(str(target))


@app.command()
def upload(
    run_id: RunId,
    source: Annotated[Path, typer.Argument(help="A file, or a folder whose content is uploaded.")],
    path: Annotated[
        str, typer.Argument(help="The folder of the artifacts to put it in; left out, the top one.", show_default=False)
    ] = "",
    resume: Annotated[
        bool, typer.Option(help="Go on with a large file whose upload was interrupted, or start again.")
    ] = True,
    url: Url = None,
) -> None:
    """Upload a file, or what is in a folder, to a run."""
    with progress_bar() as tell:
        stored = client(url).artifacts.upload(run_id, source, path, progress=tell, resume=resume)
    for artifact in stored:
        say(artifact.path)


@app.command("url")
def sign_download(
    run_id: RunId,
    path: Annotated[str, typer.Argument(help="A file.")],
    expires: Annotated[int, typer.Option(help="For how many seconds the URL is good.")] = 900,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Print a URL by which anyone can read a file of a run for a while."""
    signed = client(url).artifacts.sign_download(run_id, path, expires_s=expires)
    if as_json:
        return show_json(signed)
    say(signed.signed.url)


@app.command()
def preview(
    run_id: RunId,
    path: File,
    rows: Rows = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show a file of a run without downloading it: a table, an ONNX graph, a notebook, an MLmodel."""
    show_preview(client(url).artifacts.preview(run_id, path, max_rows=rows, page_token=page_token), as_json)


@app.command()
def delete(
    run_id: RunId,
    path: Annotated[str, typer.Argument(help="A file, or a folder with all it holds.")],
    yes: Yes = False,
    url: Url = None,
) -> None:
    """Delete a file or folder of a run, for good."""
    confirm(f"Delete '{path}' of run {run_id} for good?", yes)
    client(url).artifacts.delete(run_id, path)
