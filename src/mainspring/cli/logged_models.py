"""``mainspring logged-models``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mainspring.cli.artifacts import File, Files, Folder, Rows, To
from mainspring.cli.options import AsJson, Filter, Limit, PageToken, Url, client
from mainspring.cli.output import Columns, moment, progress_bar, say, show, show_files, show_page, show_preview

app = typer.Typer(help="Logged models: models as runs have logged them.", no_args_is_help=True)
ModelId = Annotated[str, typer.Argument(help="The logged model's id.")]
COLUMNS: Columns = (
    ("ID", lambda model: model.model_id),
    ("NAME", lambda model: model.name),
    ("STATUS", lambda model: model.status),
    ("CREATED (UTC)", lambda model: moment(model.created_at)),
    ("RUN", lambda model: model.source_run_id or ""),
)


@app.command()
def search(
    experiment_ids: Annotated[
        list[str] | None, typer.Argument(help="Experiments to look in; left out, the default one, 0.")
    ] = None,
    filter: Filter = "",
    limit: Limit = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Search the logged models of some experiments, the newest first."""
    wanted = experiment_ids or ["0"]
    found = client(url).logged_models.search(wanted, filter, page_size=limit)
    show_page(found.page(page_token), COLUMNS, as_json, f"No logged models in {', '.join(wanted)}.")


@app.command()
def get(model_id: ModelId, as_json: AsJson = False, url: Url = None) -> None:
    """Show a logged model with its params, tags and metrics."""
    show(client(url).logged_models.get(model_id), as_json)


@app.command()
def files(model_id: ModelId, path: Folder = "", as_json: AsJson = False, url: Url = None) -> None:
    """List a folder of a logged model's files."""
    show_files(client(url).logged_models.list_files(model_id, path), as_json)


@app.command()
def preview(
    model_id: ModelId,
    path: File,
    rows: Rows = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show a file of a logged model without downloading it, as `mainspring artifacts preview` does."""
    show_preview(client(url).logged_models.preview(model_id, path, max_rows=rows, page_token=page_token), as_json)


@app.command()
def download(model_id: ModelId, path: Files = "", to: To = Path("."), url: Url = None) -> None:
    """Download a file or folder of a logged model."""
    with progress_bar() as tell:
        target = client(url).logged_models.download(model_id, path, to, progress=tell)
    say(str(target))
